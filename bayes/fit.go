package bayes

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/mat"

	"allocate/bayes/mcmc"
	"allocate/bayes/nuts"
	"allocate/returns"
)

// Fit chooses the return model for a series, samples its posterior and judges
// it. stream gives the random source of a named part ("chain 1", ...).
// progress, which may be nil, is told of iterations done, over all chains.
func Fit(ctx context.Context, s *returns.Series, o Options, stream func(part string) rand.Source, progress func(done, total int)) (*Posterior, error) {
	family, err := Choose(s, o)
	if err != nil {
		return nil, err
	}
	model, err := family.New(s, o)
	if err != nil {
		return nil, fmt.Errorf("strategy %q: %w", s.Strategy.Name, err)
	}
	p, err := Sample(ctx, model, o, stream, progress)
	if err != nil {
		return nil, fmt.Errorf("strategy %q: %w", s.Strategy.Name, err)
	}
	p.Strategy, p.Model = s.Strategy.Name, family.Name
	p.Findings = judge(p, o)
	if family.Name == hurdleT.Name {
		share := s.ZeroShare()
		p.Findings = append(p.Findings, returns.Finding{
			Code: "bayes.flat_days", Severity: returns.Info, Strategy: p.Strategy,
			Numbers:  map[string]float64{"share": share},
			Sentence: fmt.Sprintf("The return is exactly 0 on %.0f%% of the days; a hurdle models whether the strategy trades.", 100*share),
		})
	}
	return p, nil
}

// Sample draws from any model with NUTS: press the button. Where the density
// has a mode, the chains start around it, spread wider than the posterior,
// and the metric starts as its curvature; else they start at random.
func Sample(ctx context.Context, m Model, o Options, stream func(part string) rand.Source, progress func(done, total int)) (*Posterior, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	var observe nuts.Observer
	if progress != nil {
		done := make([]int, o.Chains)
		observe = func(p nuts.Progress) {
			done[p.Chain] = p.Iteration
			sum := 0
			for _, d := range done {
				sum += d
			}
			progress(sum, o.Chains*p.Total)
		}
	}
	coordinates := make([]string, m.Dim())
	for i := range coordinates {
		coordinates[i] = "q" + strconv.Itoa(i+1)
	}
	result, err := nuts.Sample(ctx,
		func(int) (nuts.Density, error) { return m, nil },
		coordinates,
		func(chain int) rand.Source { return stream("chain " + strconv.Itoa(chain+1)) },
		start(m, o.Chains, stream), o.sampler(), observe)
	var at *nuts.PointError
	switch {
	case errors.As(err, &at) && !allNaN(at.Point):
		return nil, fmt.Errorf("bayes: the model fails at %s: %w", describe(m, at.Point), err)
	case err != nil:
		return nil, fmt.Errorf("bayes: %w", err)
	}
	return collect(m, o, result), nil
}

func allNaN(q []float64) bool {
	for _, v := range q {
		if v == v {
			return false
		}
	}
	return true
}

// describe names the parameters at a point of the unconstrained scale.
func describe(m Model, q []float64) string {
	theta := make([]float64, len(m.Names()))
	m.Constrain(q, theta)
	parts := make([]string, len(theta))
	for i, name := range m.Names() {
		parts[i] = fmt.Sprintf("%s = %.4g", name, theta[i])
	}
	return strings.Join(parts, ", ")
}

// modeDim is the largest dimension in which the mode is sought: a Hessian by
// differences costs 2 Dim gradients a step.
const modeDim = 50

// start places each chain at the mode plus twice a draw of the Laplace
// approximation, nearer if the density is not finite there. It is nil, which
// leaves the start to the sampler, where there is no mode.
func start(m Model, chains int, stream func(part string) rand.Source) *nuts.Start {
	if m.Dim() > modeDim {
		return nil
	}
	at, covariance, ok := mode(m, make([]float64, m.Dim()))
	if !ok {
		return nil
	}
	var chol mat.Cholesky
	if !chol.Factorize(covariance) {
		return nil
	}
	var lower mat.TriDense
	chol.LTo(&lower)
	s := &nuts.Start{Covariance: covariance}
	grad := make([]float64, m.Dim())
	for c := range chains {
		rng := rand.New(stream("start " + strconv.Itoa(c+1)))
		z := mat.NewVecDense(m.Dim(), nil)
		for i := range m.Dim() {
			z.SetVec(i, 2*rng.NormFloat64())
		}
		var away mat.VecDense
		away.MulVec(&lower, z)
		point := make([]float64, m.Dim())
		for scale := 1.0; ; scale /= 2 {
			if scale < 1e-3 {
				scale = 0
			}
			for i := range point {
				point[i] = at[i] + scale*away.AtVec(i)
			}
			if lp, err := m.LogDensity(point, grad); scale == 0 || err == nil && !math.IsNaN(lp) && !math.IsInf(lp, 0) {
				break
			}
		}
		s.Points = append(s.Points, point)
	}
	return s
}

// collect moves draws to the constrained scale and diagnoses them.
func collect(m Model, o Options, r *nuts.Result) *Posterior {
	k, dim := len(m.Names()), m.Dim()
	p := &Posterior{Names: m.Names(), Chains: o.Chains, Draws: o.Draws, Values: make([]float64, o.Chains*o.Draws*k)}
	s := &p.Sampler
	s.Warmup, s.Gradients = r.WarmupIterations, r.Gradients
	for c := range o.Chains {
		for i := range o.Draws {
			row := (c*o.Draws + i) * k
			m.Constrain(r.Draws[c][i*dim:(i+1)*dim], p.Values[row:row+k])
		}
		stats := &r.Stats[c]
		s.LogDensity = append(s.LogDensity, stats.LogDensity...)
		s.Accept = append(s.Accept, stats.AcceptStat...)
		s.StepSize = append(s.StepSize, stats.StepSize...)
		s.Energy = append(s.Energy, stats.Energy...)
		for i := range o.Draws {
			s.Depth = append(s.Depth, int64(stats.TreeDepth[i]))
			s.Leapfrogs = append(s.Leapfrogs, int64(stats.Leapfrogs[i]))
			divergent := int64(0)
			if stats.Divergent[i] {
				divergent = 1
			}
			s.Divergent = append(s.Divergent, divergent)
		}
		s.EBFMI = append(s.EBFMI, mcmc.EBFMI(stats.Energy))
	}
	for i, name := range p.Names {
		p.Summary = append(p.Summary, summarise(name, p.Parameter(i)))
	}
	return p
}

// summarise computes the default columns of the R package posterior.
func summarise(name string, chains [][]float64) Summary {
	var all []float64
	sum := 0.0
	for _, c := range chains {
		all = append(all, c...)
	}
	sort.Float64s(all)
	n := float64(len(all))
	for _, x := range all {
		sum += x
	}
	mean := sum / n
	ss := 0.0
	dev := make([]float64, len(all))
	median := quantile(all, 0.5)
	for i, x := range all {
		ss += (x - mean) * (x - mean)
		dev[i] = math.Abs(x - median)
	}
	sort.Float64s(dev)
	return Summary{
		Name: name, Mean: Number(mean), Median: Number(median), SD: Number(math.Sqrt(ss / (n - 1))),
		MAD: Number(1.4826 * quantile(dev, 0.5)), Q5: Number(quantile(all, 0.05)), Q95: Number(quantile(all, 0.95)),
		RHat: Number(mcmc.RHat(chains)), ESSBulk: Number(mcmc.ESSBulk(chains)), ESSTail: Number(mcmc.ESSTail(chains)),
	}
}

// quantile is R's type 7, as the package posterior uses, of sorted values.
func quantile(sorted []float64, p float64) float64 {
	h := p * float64(len(sorted)-1)
	i := int(h)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (h-float64(i))*(sorted[i+1]-sorted[i])
}
