package nuts

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
)

// point is a position with its log density and gradient.
type point struct {
	q, grad      []float64 // position, gradient of the log density
	logp, energy float64   // energy: with the momentum it was reached with
}

func newPoint(dim int) point {
	v := make([]float64, 2*dim)
	return point{q: v[:dim:dim], grad: v[dim:]}
}

// draw is the record of one transition.
type draw struct {
	step, accept, logp, energy float64
	depth, leapfrogs           int
	divergent, nonFinite       bool
}

// chain is one Markov chain with all its buffers; a transition allocates
// nothing.
type chain struct {
	index, iteration int
	density          Density
	names            []string
	rng              *rand.Rand
	metric           *metric // shared by all chains, constant within an iteration
	maxEnergyError   float64

	at, proposal point
	left, right  endpoint
	rho, joint   []float64 // momentum sum of the trajectory; momentum at a merge
	grad         []float64 // gradient at the newest leaf
	spans        []span    // one per tree level

	base, weight, subweight, accept float64
	last                            draw

	gradients, divergences int
	firstNonFinite         []float64 // point, nil if there was none
}

func newChain(index int, d Density, src rand.Source, names []string, m *metric, o Options) *chain {
	dim := d.Dim()
	c := &chain{
		index: index, iteration: -1, density: d, names: names, rng: rand.New(src), metric: m,
		maxEnergyError: o.MaxEnergyError,
		at:             newPoint(dim), proposal: newPoint(dim),
		left: newEndpoint(dim), right: newEndpoint(dim),
		rho: make([]float64, dim), joint: make([]float64, dim), grad: make([]float64, dim),
		spans: make([]span, o.MaxDepth),
	}
	for i := range c.spans {
		v := make([]float64, 3*dim)
		c.spans[i] = span{v[:dim:dim], v[dim : 2*dim : 2*dim], v[2*dim:]}
	}
	return c
}

// iterate makes one transition with the step jittered.
func (c *chain) iterate(ctx context.Context, step, jitter float64, maxDepth int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.iteration++
	if jitter > 0 {
		step *= 1 + jitter*(2*c.rng.Float64()-1)
	}
	return c.transition(step, maxDepth)
}

// startTries is the number of random starting points tried at most, as in Stan.
const startTries = 100

// start places the chain at the given point or, if nil, at the first with
// finite log density and gradient of at most 100 that are Uniform(-2, 2)^dim, as
// in Stan. Taking the best of several would draw the chains together, and hide
// from R-hat the modes that none of them starts near.
func (c *chain) start(given []float64) error {
	if given != nil {
		copy(c.at.q, given)
		if err := c.evaluate(); err != nil {
			return fmt.Errorf("nuts: chain %d: given starting point %s: %w", c.index, describe(c.names, given), err)
		}
		return nil
	}
	var last error
	for range startTries {
		for i := range c.at.q {
			c.at.q[i] = 4*c.rng.Float64() - 2
		}
		if err := c.evaluate(); err != nil {
			if fatal := (*PointError)(nil); errors.As(err, &fatal) {
				return err
			}
			last = c.pointError(c.at.q, fmt.Errorf("no usable starting point in %d tries: %w", startTries, err))
			continue
		}
		return nil
	}
	return last
}

// evaluate fills the current point's log density and gradient, and says what
// is not finite about them.
func (c *chain) evaluate() error {
	c.gradients++
	logp, err := c.density.LogDensity(c.at.q, c.at.grad)
	if err != nil {
		if errors.Is(err, ErrRecoverable) {
			return err
		}
		return c.pointError(c.at.q, err)
	}
	if math.IsNaN(logp) || math.IsInf(logp, 0) {
		return fmt.Errorf("log density is %v", logp)
	}
	for i, g := range c.at.grad {
		if math.IsNaN(g) || math.IsInf(g, 0) {
			return fmt.Errorf("gradient of %s is %v", c.names[i], g)
		}
	}
	c.at.logp = logp
	return nil
}

func (c *chain) pointError(q []float64, err error) error {
	return &PointError{
		Chain: c.index, Iteration: c.iteration, Names: c.names,
		Point: append([]float64(nil), q...), Err: err,
	}
}
