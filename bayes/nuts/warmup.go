package nuts

import (
	"context"
	"fmt"
	"math"
)

// The warm-up is made of windows that end at fixed iterations. All chains
// advance together: after each iteration their acceptance statistics, averaged,
// make one update of the common step size; at the end of each window the draws
// and gradients of all chains make the next common metric. When at the end of a
// window the chains agree and the metric has settled, only the last stretch
// remains, which adapts the step to the final metric.
const (
	firstWindow = 10 // iterations, then growing
	stretch     = 50 // length of the last stretch, or less in a short warm-up
	agreeRHat   = 1.1
	settled     = 2.5 // largest change of variance along any axis
)

// windows returns the ends of the metric windows for a warm-up of at most n
// iterations: 10, 25, 50, 100, 200, … while below two thirds of the way, then
// all but the last stretch.
func windows(n int) (ends []int, last int) {
	last = min(stretch, n/4)
	slow := n - last
	for end := firstWindow; 3*end <= 2*slow; end *= 2 {
		if end == 2*firstWindow {
			end = 25
		}
		ends = append(ends, end)
	}
	return append(ends, slow), last
}

// earlyDepth bounds the trees of window k, while step and metric are crude.
func earlyDepth(k, maxDepth int) int { return min(maxDepth, 6+2*k) }

// warmup adapts step and metric and returns the step for sampling.
func (s *sampler) warmup(ctx context.Context, step float64) (float64, error) {
	ends, last := windows(s.o.Warmup)
	da := dualAverage{target: s.o.TargetAccept, cap: math.Log(s.o.MaxStep)}
	points := newMoments(s.dim, s.metric.dense)
	between := newAgreement(len(s.chains), s.dim)

	iterate := func(until, depth int) error {
		for s.warmed < until {
			if s.affordable(1) == 0 {
				return fmt.Errorf("%w: %d gradients in the warm-up", ErrBudget, s.gradients())
			}
			err := s.each(func(c *chain) error { return c.iterate(ctx, da.step(), s.o.Jitter, depth) })
			if err != nil {
				return err
			}
			s.warmed++
			da.update(s.meanAccept())
			for i, c := range s.chains {
				points.add(c.at.q, c.at.grad)
				between.add(i, c)
			}
			s.observe(da.step())
		}
		return nil
	}

	var err error
	if step, err = s.searchStep(step); err != nil {
		return 0, err
	}
	da.restart(step)
	for k, end := range ends {
		if err := iterate(end, earlyDepth(k, s.o.MaxDepth)); err != nil {
			return 0, err
		}
		change := s.metric.fit(points)
		done := k == len(ends)-1 ||
			end+last >= s.o.MinWarmup && change <= settled && between.rHat() <= agreeRHat
		if k < relocations && s.startedAtRandom {
			s.relocate()
		}
		if done {
			break
		}
		if step, err = s.searchStep(da.final()); err != nil {
			return 0, err
		}
		da.restart(step)
		points.reset()
		between.reset()
	}
	da.settle(da.final())
	s.total = s.warmed + last + s.o.Draws
	if err := iterate(s.warmed+last, s.o.MaxDepth); err != nil {
		return 0, err
	}
	return da.final(), nil
}

// relocations is the number of first windows after which relocate may act.
const relocations = 3

// relocate moves chains left far behind, by a log density no part of the
// posterior with noticeable mass can lack, to the best chain's point: one chain
// in a region of huge gradients would spoil the shared step and metric. It is
// for random starts only; a caller's own points are respected. Relocated chains
// no longer start apart, and a result counts them.
func (s *sampler) relocate() {
	best := s.chains[0]
	for _, c := range s.chains {
		if c.at.logp > best.at.logp {
			best = c
		}
	}
	for _, c := range s.chains {
		if c.at.logp < best.at.logp-100-10*float64(s.dim) {
			s.relocated++
			copy(c.at.q, best.at.q)
			copy(c.at.grad, best.at.grad)
			c.at.logp = best.at.logp
		}
	}
}

// agreement follows the mean and scatter of every parameter and of the log
// density in every chain, for the R̂ of Gelman & Rubin (1992).
type agreement struct {
	chains, width int
	n             []float64
	mean, scatter []float64 // chains × width
}

func newAgreement(chains, dim int) *agreement {
	w := dim + 1
	return &agreement{
		chains: chains, width: w, n: make([]float64, chains),
		mean: make([]float64, chains*w), scatter: make([]float64, chains*w),
	}
}

func (a *agreement) reset() {
	clear(a.n)
	clear(a.mean)
	clear(a.scatter)
}

func (a *agreement) add(chain int, c *chain) {
	a.n[chain]++
	at := chain * a.width
	mean, scatter := a.mean[at:at+a.width], a.scatter[at:at+a.width]
	inv := 1 / a.n[chain]
	for i := range mean {
		v := c.at.logp
		if i < len(c.at.q) {
			v = c.at.q[i]
		}
		d := v - mean[i]
		mean[i] += d * inv
		scatter[i] += d * (v - mean[i])
	}
}

// rHat is the largest R̂ over the quantities followed; 1 for a single chain,
// +Inf when a chain has not moved.
func (a *agreement) rHat() float64 {
	n, m := a.n[0], float64(a.chains)
	worst := 1.0
	if a.chains == 1 {
		return worst
	}
	for i := range a.width {
		var mean, within, between float64
		for c := range a.chains {
			mean += a.mean[c*a.width+i] / m
			within += a.scatter[c*a.width+i] / (n - 1) / m
		}
		for c := range a.chains {
			d := a.mean[c*a.width+i] - mean
			between += n * d * d / (m - 1)
		}
		r := math.Sqrt((between/within + n - 1) / n)
		if math.IsNaN(r) {
			return math.Inf(1)
		}
		worst = max(worst, r)
	}
	return worst
}
