package bayes

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"allocate/bayes/nuts"
)

// Sample draws from a model with NUTS and diagnoses the draws: press the
// button. It is SampleWith with the default options and always the same
// random numbers.
func Sample(ctx context.Context, m Model) (*Posterior, error) {
	stream := func(part string) rand.Source {
		h := uint64(14695981039346656037) // FNV-1a
		for _, c := range []byte(part) {
			h = (h ^ uint64(c)) * 1099511628211
		}
		return rand.NewPCG(1, h)
	}
	return SampleWith(ctx, m, DefaultOptions(), stream, nil)
}

// SampleWith is Sample with options, of which those of return models do not
// matter, with a source of random numbers for each named part ("chain 1", ...)
// and with progress, which may be nil and receives the iterations done over all
// chains.
//
// Modes are sought by independent ascents from dispersed points. Where there are
// modes, the chains start around them, in turn, spread wider than the posterior,
// and the first metric is the curvature at the mode of the largest mass; else
// they start as in Stan, Uniform(-2, 2). Draws that diverge or miss a limit of o
// are sampled again with more care: with a longer warm-up, a target acceptance
// of 0.95, a dense metric where it was not, and a target of 0.99 with four times
// the draws; findings tell of each attempt. All of it spends at most
// o.MaxGradients gradients, after which the best attempt is returned.
//
// An error names the parameters at which the model failed, or the coordinate
// whose gradient is wrong (a *GradientError); a model that knows the row of its
// data should say so in its own error, which is wrapped.
func SampleWith(ctx context.Context, m Model, o Options, stream func(part string) rand.Source, progress func(done, total int)) (*Posterior, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	return sampleWithFallback(ctx, m, o, stream, progress)
}

// run samples once, as described by an attempt, with at most the given number of gradients.
func run(ctx context.Context, m Model, begin *nuts.Start, o Options, r attemptSpec, gradients int, stream func(part string) rand.Source, progress func(done, total int)) (*nuts.Result, error) {
	n := o.sampler()
	if begin != nil && begin.Covariance != nil && m.Dim() <= modeDim {
		n.Metric = nuts.MetricDense // to be held by the covariance
	}
	r.apply(&n)
	n.MaxGradients = gradients
	coordinates := make([]string, m.Dim())
	for i := range coordinates {
		coordinates[i] = "q" + strconv.Itoa(i+1)
	}
	result, err := nuts.Sample(ctx,
		func(int) (nuts.Density, error) { return m, nil },
		coordinates,
		func(chain int) rand.Source { return stream("chain " + strconv.Itoa(chain+1) + r.suffix) },
		begin, n, observer(o.Chains, progress))
	var at *nuts.PointError
	switch {
	case errors.As(err, &at) && !allNaN(at.Point):
		return nil, fmt.Errorf("bayes: the model fails at %s: %w", describe(m, at.Point), err)
	case err != nil:
		return nil, fmt.Errorf("bayes: %w", err)
	}
	return result, nil
}

// observer sums the progress of the chains.
func observer(chains int, progress func(done, total int)) nuts.Observer {
	if progress == nil {
		return nil
	}
	done := make([]int, chains)
	return func(p nuts.Progress) {
		done[p.Chain] = p.Iteration
		sum := 0
		for _, d := range done {
			sum += d
		}
		progress(sum, chains*p.Total)
	}
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

// superchains names the group of each chain. Eight chains or more form groups
// of four that start at one point, for the nested R-hat; fewer stand alone.
func superchains(chains int) []int {
	groups := make([]int, chains)
	for c := range groups {
		groups[c] = c
		if chains >= 8 {
			groups[c] = c / 4
		}
	}
	return groups
}
