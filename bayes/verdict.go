package bayes

import (
	"fmt"
	"math"

	"allocate/returns"
)

// judge compares the diagnostics of a posterior with the limits of o. A
// little beyond a limit is a warning; far beyond it the draws are not draws
// of the posterior, and nothing may be built on them.
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
		report("bayes.rhat", !(r <= o.MaxRHat), !(r <= 1.05), r, o.MaxRHat,
			"R-hat of %s is %.4f, above %.4g: the chains do not agree; raise bayes.warmup or bayes.draws.", s.Name, r, o.MaxRHat)
		for _, e := range []struct {
			kind string
			ess  float64
		}{{"bulk", float64(s.ESSBulk)}, {"tail", float64(s.ESSTail)}} {
			report("bayes.ess_"+e.kind, !(e.ess >= o.MinESS), !(e.ess >= o.MinESS/4), e.ess, o.MinESS,
				"The %s effective sample size of %s is %.0f, below %.0f; raise bayes.draws.", e.kind, s.Name, e.ess, o.MinESS)
		}
	}
	report("bayes.stuck", !varies, true, 0, 0, "All draws are the same: no chain moved.")
	divergent, deep := p.Divergences(), 0
	for i := range p.Sampler.Depth {
		if p.Sampler.Depth[i] >= int64(o.MaxTreeDepth) {
			deep++
		}
	}
	if p.Method != NUTS {
		deep = 0
	}
	share := float64(divergent) / float64(p.Len())
	report("bayes.divergent", share > o.MaxDivergent, share > 0.05, share, o.MaxDivergent,
		"%d of %d draws diverged: part of the posterior was not reached; raise bayes.target_accept towards 1.", divergent, p.Len())
	report("bayes.tree_depth", deep > p.Len()/100, false, float64(deep)/float64(p.Len()), 0.01,
		"%d of %d trajectories stopped at the deepest tree; raise bayes.max_tree_depth.", deep, p.Len())
	for c, e := range p.Sampler.EBFMI {
		report("bayes.ebfmi", !(e >= 0.3), false, e, 0.3,
			"E-BFMI of chain %d is %.2f, below 0.3: momenta reach the posterior's energies slowly; raise bayes.warmup.", c+1, e)
	}
	returns.SortFindings(fs)
	return fs
}
