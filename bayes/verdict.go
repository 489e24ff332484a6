package bayes

import (
	"fmt"
	"math"

	"allocate/returns"
)

// failedRHat is the R-hat above which chains do not agree at all.
const failedRHat = 1.05

// judge compares the diagnostics of a posterior with the limits of o. A
// little beyond a limit is a warning; far beyond it the draws are not draws
// of the posterior, and nothing may be built on them:
//
//	code               warns                            fails
//	bayes.rhat         above max_rhat                   above 1.05: the chains differ by a third of a standard deviation
//	bayes.ess_*        below min_ess                    below a quarter of it
//	bayes.divergent    share above max_divergent        above 5%
//	bayes.non_finite   share above max_divergent        above 5%; information below
//	bayes.tree_depth   above 1% of the trajectories     above half: no trajectory crosses the posterior
//	bayes.ebfmi        below 0.3                        below 0.1: the energies were not explored
//	bayes.rescued      half of the chains or more       never; information below
//	bayes.stuck                                         no chain moved
func judge(p *Posterior, o Options) []returns.Finding {
	var fs []returns.Finding
	report := func(code string, bad, hopeless bool, value, limit float64, format string, args ...any) {
		if !bad {
			return
		}
		f := returns.Finding{Code: code, Severity: returns.Warn, Strategy: p.Strategy, Sentence: fmt.Sprintf(format, args...)}
		if !math.IsNaN(value) && !math.IsInf(value, 0) {
			f.Numbers = map[string]float64{"value": value, "limit": limit}
		}
		if hopeless {
			f.Severity = returns.Fail
		}
		fs = append(fs, f)
	}
	varies := false
	for _, s := range p.Summary {
		if s.constant() {
			continue
		}
		varies = true
		r := float64(s.RHat)
		report("bayes.rhat", !(r <= o.MaxRHat), !(r <= failedRHat), r, o.MaxRHat,
			"R-hat of %s is %.4f, above %.4g: the chains have not mixed; raise bayes.warmup or bayes.draws.", s.Name, r, o.MaxRHat)
		for _, e := range []struct {
			kind string
			ess  float64
		}{{"bulk", float64(s.ESSBulk)}, {"tail", float64(s.ESSTail)}} {
			report("bayes.ess_"+e.kind, !(e.ess >= o.MinESS), !(e.ess >= o.MinESS/4), e.ess, o.MinESS,
				"The %s effective sample size of %s is %.0f, below %.0f; raise bayes.draws.", e.kind, s.Name, e.ess, o.MinESS)
		}
	}
	report("bayes.stuck", !varies, true, 0, 0, "All draws are identical: no chain moved.")
	divergent, deep := p.Divergences(), deepest(p, o)
	share := float64(divergent) / float64(p.Len())
	report("bayes.divergent", share > o.MaxDivergent, share > 0.05, share, o.MaxDivergent,
		"%d of %d transitions diverged: the draws may be biased; raise bayes.target_accept towards 1.", divergent, p.Len())
	report("bayes.tree_depth", deep > p.Len()/100, deep > p.Len()/2, float64(deep)/float64(p.Len()), 0.01,
		"%d of %d trajectories reached the maximum tree depth; raise bayes.max_tree_depth.", deep, p.Len())
	for c, e := range p.Sampler.EBFMI {
		report("bayes.ebfmi", !(e >= 0.3), !(e >= 0.1), e, 0.3,
			"E-BFMI of chain %d is %.2f, below 0.3: momentum resampling explores the energy slowly; raise bayes.warmup.", c+1, e)
	}
	fs = append(fs, judgeNonFinite(p, o)...)
	if n := p.Sampler.Relocated; n > 0 {
		f := returns.Finding{
			Code: codeRelocated, Severity: returns.Info, Strategy: p.Strategy, Numbers: map[string]float64{"value": float64(n), "limit": float64(p.Chains) / 2},
			Sentence: fmt.Sprintf("Chains moved to the best chain's point during warm-up, after staying far below its density: %d; R-hat compares fewer independent starts.", n),
		}
		if 2*n >= p.Chains {
			f.Severity = returns.Warn
		}
		fs = append(fs, f)
	}
	returns.SortFindings(fs)
	return fs
}

// Findings about a sampler that met what a density should not have; judge says
// which size gives which severity.
const (
	codeNonFinite = "bayes.non_finite"
	codeRelocated = "bayes.rescued"
)

// judgeNonFinite reports trajectories that ended where the density is not
// finite. Smaller steps do not help there, unlike after a divergence.
func judgeNonFinite(p *Posterior, o Options) []returns.Finding {
	n := p.Sampler.NonFinite
	if n == 0 {
		return nil
	}
	share := float64(n) / float64(p.Len())
	f := returns.Finding{
		Code: codeNonFinite, Severity: returns.Info, Strategy: p.Strategy, Numbers: map[string]float64{"value": share, "limit": o.MaxDivergent},
		Sentence: fmt.Sprintf("%d of %d trajectories ended where the log density or its gradient is not finite, first at %s; define the density there, or transform the parameter.", n, p.Len(), p.firstNonFinite),
	}
	switch {
	case share > 0.05:
		f.Severity = returns.Fail
	case share > o.MaxDivergent:
		f.Severity = returns.Warn
	}
	return []returns.Finding{f}
}

// deepest counts the trajectories that stopped at the deepest tree.
func deepest(p *Posterior, o Options) int {
	n := 0
	for _, depth := range p.Sampler.Depth {
		if p.Method == NUTS && depth >= int64(o.MaxTreeDepth) {
			n++
		}
	}
	return n
}
