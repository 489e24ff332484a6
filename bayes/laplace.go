package bayes

import (
	"math"
	"math/rand/v2"
	"slices"

	"allocate/bayes/mcmc"
)

// laplaceDF are the degrees of freedom of the multivariate Student-t that
// proposes draws around the mode: tails heavy enough to cover a posterior a
// little wider than its curvature says.
const laplaceDF = 5

// sampleLaplace draws from the normal approximation at the mode, widened to a
// Student-t, and resamples by Pareto-smoothed importance weights (Vehtari et
// al. 2024). k is the shape of the weights' tail, NaN without a single mode;
// draws are returned only where k is small enough.
func sampleLaplace(m Model, o Options, stream func(part string) rand.Source) (p *Posterior, k float64) {
	view := searchModes(m, o, stream)
	l := view.main()
	if l == nil || len(view.modes) > 1 { // proposals from one mode do not reach another, and k does not show it
		return nil, math.NaN()
	}
	rng := rand.New(stream("laplace"))
	size, dim := o.Chains*o.Draws, m.Dim()
	points, ratios := make([]float64, size*dim), make([]float64, size)
	density := make([]float64, size)
	z, grad := make([]float64, dim), make([]float64, dim)
	for i := range size {
		squares := 0.0
		for j := range z {
			z[j] = rng.NormFloat64()
		}
		widen := math.Sqrt(laplaceDF / 2 / drawGamma(rng, laplaceDF/2.0))
		for j := range z {
			z[j] *= widen
			squares += z[j] * z[j]
		}
		q := points[i*dim : (i+1)*dim]
		l.move(q, z, 1)
		lp, err := m.LogDensity(q, grad)
		if err != nil || math.IsNaN(lp) {
			lp = math.Inf(-1)
		}
		density[i] = lp
		ratios[i] = lp + (laplaceDF+float64(dim))/2*math.Log1p(squares/laplaceDF)
	}
	weights := make([]float64, size)
	k = mcmc.PSIS(weights, ratios, 1)
	if !(k <= mcmc.ParetoThreshold(size)) {
		return nil, k
	}
	names := m.Names()
	p = &Posterior{Method: Laplace, Names: names, Chains: o.Chains, Draws: o.Draws, Values: make([]float64, size*len(names)), LossTail: Number(math.NaN())}
	s := &p.Sampler
	s.Gradients = view.gradients + size
	s.LogDensity, s.Accept, s.StepSize, s.Energy = make([]float64, size), make([]float64, size), make([]float64, size), make([]float64, size)
	s.Depth, s.Leapfrogs, s.Divergent = make([]int64, size), make([]int64, size), make([]int64, size)
	// Systematic resampling, then a shuffle, so that the chains are alike.
	chosen := make([]int, 0, size)
	cumulative, at := math.Exp(weights[0]), 0
	offset := rng.Float64()
	for i := range size {
		target := (float64(i) + offset) / float64(size)
		for cumulative < target && at < size-1 {
			at++
			cumulative += math.Exp(weights[at])
		}
		chosen = append(chosen, at)
	}
	rng.Shuffle(size, func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
	for i, from := range chosen {
		m.Constrain(points[from*dim:(from+1)*dim], p.Values[i*len(names):(i+1)*len(names)])
		s.LogDensity[i] = density[from]
		s.Energy[i] = -density[from]
	}
	p.summarize()
	// Draws that were chosen again are not new ones.
	slices.Sort(chosen)
	distinct := float64(len(slices.Compact(chosen))) / float64(size)
	for i := range p.Summary {
		p.Summary[i].ESSBulk *= Number(distinct)
		p.Summary[i].ESSTail *= Number(distinct)
	}
	return p, k
}
