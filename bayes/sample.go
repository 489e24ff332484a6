package bayes

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/mat"

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
// and with progress, which may be nil and is told of iterations done over all
// chains.
//
// Where the density has a mode, the chains start around it, spread wider than
// the posterior, and the metric starts as its curvature; else they start at
// random. Draws that diverge or miss a limit of o are sampled again with more
// care: with a longer warm-up, a target acceptance of 0.95, of 0.99 with four
// times the draws, and a dense metric where it was not; findings tell of each
// attempt. An error names the parameters at which the model failed; a model that
// knows the row of its data should say so in its own error, which is wrapped.
func SampleWith(ctx context.Context, m Model, o Options, stream func(part string) rand.Source, progress func(done, total int)) (*Posterior, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	return climb(ctx, m, o, stream, progress)
}

// run samples once, as rung says.
func run(ctx context.Context, m Model, begin *nuts.Start, o Options, r rung, stream func(part string) rand.Source, progress func(done, total int)) (*nuts.Result, error) {
	n := o.sampler()
	r.apply(&n)
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

// modeDim is the largest dimension in which the mode is sought: a Hessian by
// differences costs 2 Dim gradients a step.
const modeDim = 50

// preparer is a model that can speed itself up for one posterior, given its
// mode and the covariance there.
type preparer interface {
	prepared(at []float64, covariance mat.Symmetric) Model
}

// laplace is a normal approximation at the mode: covariance = lower lower^T.
type laplace struct {
	at         []float64
	covariance *mat.SymDense
	lower      *mat.TriDense
}

// newLaplace returns nil where there is no mode to be found.
func newLaplace(m Model) *laplace {
	if m.Dim() > modeDim {
		return nil
	}
	from := make([]float64, m.Dim())
	if g, is := m.(guesser); is {
		g.guess(from)
	}
	at, covariance, ok := mode(m, from)
	if !ok {
		return nil
	}
	var chol mat.Cholesky
	if !chol.Factorize(covariance) {
		return nil
	}
	l := &laplace{at: at, covariance: covariance, lower: mat.NewTriDense(m.Dim(), mat.Lower, nil)}
	chol.LTo(l.lower)
	return l
}

// move writes at + scale lower z.
func (l *laplace) move(q, z []float64, scale float64) {
	for i := range q {
		sum := 0.0
		for j := range i + 1 {
			sum += l.lower.At(i, j) * z[j]
		}
		q[i] = l.at[i] + scale*sum
	}
}

// start places each chain at the mode plus twice a draw of the approximation,
// nearer if the density is not finite there. Chains of one superchain start
// together. suffix tells the random numbers of one attempt from another's.
func (l *laplace) start(m Model, chains int, suffix string, stream func(part string) rand.Source) *nuts.Start {
	if l == nil {
		return nil
	}
	s := &nuts.Start{Covariance: l.covariance}
	z, grad := make([]float64, m.Dim()), make([]float64, m.Dim())
	groups := superchains(chains)
	for c := range chains {
		if c > 0 && groups[c] == groups[c-1] {
			s.Points = append(s.Points, s.Points[c-1])
			continue
		}
		rng := rand.New(stream("start " + strconv.Itoa(c+1) + suffix))
		for i := range z {
			z[i] = rng.NormFloat64()
		}
		point := make([]float64, m.Dim())
		for scale := 2.0; ; scale /= 2 {
			if scale < 1e-3 {
				scale = 0
			}
			l.move(point, z, scale)
			if lp, err := m.LogDensity(point, grad); scale == 0 || err == nil && !math.IsNaN(lp) && !math.IsInf(lp, 0) {
				break
			}
		}
		s.Points = append(s.Points, point)
	}
	return s
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
