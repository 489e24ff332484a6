package bayes

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"allocate/bayes/mcmc"
	"allocate/bayes/nuts"
	"allocate/bayes/surrogate"
	"allocate/returns"
)

// Valuer is a Model whose log density costs much, and less without its gradient: it is
// sampled by delayed acceptance, with a polynomial surrogate for NUTS to go over, and
// one value of the density itself for each draw.
type Valuer interface {
	Model
	// Values writes the log densities at several points: those of LogDensity, with
	// -Inf in place of an error that wraps nuts.ErrRecoverable.
	Values(points [][]float64, lp []float64) error
}

// Limits beyond which draws by delayed acceptance are not flawless, and NUTS has its
// turn: the rate of acceptance, and the Pareto k of the importance weights of what the
// surrogate proposed: from 1 on their mean does not exist, as where there is a part of
// the posterior that the surrogate does not cover. Whether the chains mix is, as
// always, for R-hat and the effective sample sizes to say.
const (
	leastAcceptance = 0.7
	mostSurrogateK  = 0.9
)

// delayedStep is the step size over a surrogate, in posterior standard deviations.
const delayedStep = 0.9

// delayed samples a Valuer by delayed acceptance, around its mode, and keeps one of
// every so many draws. It returns nil where there is no mode, or noticeable mass at
// another, or no surrogate.
func delayed(ctx context.Context, m Valuer, view *modeSearch, o Options, every, budget int, stream func(part string) rand.Source, progress func(done, total int)) (*Posterior, error) {
	mode := view.main()
	if mode == nil || 1-view.share[0] >= largeStake || surrogate.Evaluations(m.Dim())+o.Chains*o.Draws*every > budget {
		return nil, nil
	}
	suffix := ""
	if every > 1 {
		suffix = " of many"
	}
	dim := m.Dim()
	q, full := make([]float64, dim), make([]float64, dim)
	evaluations := 0
	fitted, ok := surrogate.New(dim, func(z, grad []float64) (float64, bool) {
		mode.move(q, z, 1)
		evaluations++
		lp, err := m.LogDensity(q, full)
		if err != nil || math.IsNaN(lp) || math.IsInf(lp, 0) || !allFinite(full) {
			return 0, false
		}
		for j := range grad {
			grad[j] = 0
			for i := j; i < dim; i++ {
				grad[j] += mode.lower.At(i, j) * full[i]
			}
		}
		return lp - mode.logDensity, true
	})
	if !ok {
		return nil, nil
	}
	start := make([][]float64, o.Chains)
	groups := superchains(o.Chains)
	for c := range start {
		if c > 0 && groups[c] == groups[c-1] {
			start[c] = start[c-1]
			continue
		}
		rng := rand.New(stream("surrogate start " + strconv.Itoa(c+1) + suffix))
		start[c] = make([]float64, dim)
		for i := range dim {
			start[c][i] = rng.NormFloat64()
		}
	}
	points, logSlopes, white := make([][]float64, o.Chains), make([]float64, o.Chains), make([]float64, dim)
	for c := range points {
		points[c] = make([]float64, dim)
	}
	names := make([]string, dim)
	for i := range names {
		names[i] = "z" + strconv.Itoa(i+1)
	}
	n := o.sampler()
	n.Draws *= every
	result, err := nuts.Delayed(ctx,
		func(int) (nuts.Density, error) { return fitted.Clone(), nil }, names,
		func(chain int) rand.Source { return stream("surrogate chain " + strconv.Itoa(chain+1) + suffix) },
		start, delayedStep,
		func(z [][]float64, lp []float64) error {
			evaluations += len(z)
			for c := range z {
				logSlopes[c] = fitted.At(z[c], white, nil, nil)
				mode.move(points[c], white, 1)
			}
			if err := m.Values(points, lp); err != nil {
				return err
			}
			for c := range lp {
				lp[c] += logSlopes[c] - mode.logDensity
			}
			return nil
		}, n, observer(o.Chains, progress))
	if err != nil {
		return nil, err
	}
	for c, draws := range result.Draws {
		for t := range n.Draws {
			z := draws[t*dim : (t+1)*dim]
			result.Stats[c].LogDensity[t] += mode.logDensity - fitted.At(z, white, nil, nil)
			mode.move(z, white, 1)
		}
	}
	p := collect(m, o, &result.Result)
	p.Method = Delayed
	p.Sampler.Gradients, p.Sampler.Metric = evaluations, make([]float64, dim)
	for i := range dim {
		p.Sampler.Metric[i] = mode.covariance.At(i, i)
	}
	p.Findings = append(judge(p, o), view.findings(&result.Result)...)
	accept, ratios := 0.0, make([]float64, 0, p.Len())
	for c := range result.Ratios {
		ratios = append(ratios, result.Ratios[c]...)
	}
	for _, a := range p.Sampler.Accept {
		accept += a / float64(p.Len())
	}
	k := mcmc.PSIS(make([]float64, len(ratios)), ratios, 1)
	if !(accept >= leastAcceptance && k <= mostSurrogateK) {
		p.Findings = append(p.Findings, returns.Finding{
			Code: codeSurrogate, Severity: returns.Warn, Numbers: map[string]float64{"acceptance": accept},
			Sentence: fmt.Sprintf("The polynomial surrogate is not accurate: %.0f%% of its proposals are accepted, and their importance weights have Pareto k %.2f.", 100*accept, k),
		})
	}
	return p, nil
}

const codeSurrogate = "bayes.surrogate"

func inaccurate(p *Posterior) bool {
	return slices.ContainsFunc(p.Findings, func(f returns.Finding) bool { return f.Code == codeSurrogate })
}
