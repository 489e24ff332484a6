package nuts

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
)

// Target writes the log densities at one point of every chain, points and logp being
// as many. A value that is not finite rejects a point; an error ends the sampler.
type Target func(points [][]float64, logp []float64) error

// DelayedResult is the outcome of Delayed. Its draws are those of the target, its
// LogDensity the target's; AcceptStat is the probability with which the target
// accepted, and a step size or a divergence is that of a trajectory over the surrogate.
type DelayedResult struct {
	Result
	// Ratios are target/surrogate, as logarithms, at what NUTS proposed, per chain:
	// weights of importance, whose tail says whether the surrogate covers the target.
	Ratios [][]float64
}

// delayedWarmup is the number of transitions over the surrogate alone, by which a
// chain leaves the point where it starts.
const delayedWarmup = 30

// Delayed draws from target with a surrogate of its log density, which has a
// gradient and costs little: NUTS proposes over the surrogate, with the identity
// metric and the given step, jittered by o.Jitter, and a proposal is accepted with
// probability
//
//	min(1, target(z') surrogate(z) / (target(z) surrogate(z')))
//
// (delayed acceptance: Christen & Fox, Journal of Computational and Graphical
// Statistics 14, 2005). A transition of NUTS is reversible with respect to the
// density that it is given, so that target is invariant whatever the surrogate; how
// good this is decides the rate of acceptance. The chains go in lockstep, so that
// target may work on their points together.
//
// Of o it reads Chains, Draws, MaxDepth, Jitter and MaxEnergyError. start has the
// starting points, Chains x Dim, at which the target must be finite.
func Delayed(ctx context.Context, surrogate func(chain int) (Density, error), names []string,
	src func(chain int) rand.Source, start [][]float64, step float64, target Target, o Options, obs Observer,
) (*DelayedResult, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	s := &sampler{o: o, obs: obs, dim: len(names), warmed: delayedWarmup, total: delayedWarmup + o.Draws}
	if err := s.check(&Start{Points: start, Step: step}); err != nil {
		return nil, err
	}
	s.metric = newMetric(s.dim, false)
	ones := make([]float64, s.dim)
	for i := range ones {
		ones[i] = 1
	}
	if err := s.metric.setVariances(ones); err != nil {
		return nil, err
	}
	for i := range o.Chains {
		d, err := surrogate(i)
		if err != nil {
			return nil, fmt.Errorf("nuts: chain %d: surrogate: %w", i, err)
		}
		s.chains = append(s.chains, newChain(i, d, src(i), names, s.metric, o))
	}
	err := s.each(func(c *chain) error {
		if err := c.start(start[c.index]); err != nil {
			return err
		}
		for range delayedWarmup {
			if err := c.iterate(ctx, step, o.Jitter, o.MaxDepth); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.correct(ctx, step, target)
}

func (s *sampler) correct(ctx context.Context, step float64, target Target) (*DelayedResult, error) {
	n, chains := s.o.Draws, len(s.chains)
	r := &DelayedResult{
		Result: Result{
			Dim: s.dim, Draws: make([][]float64, chains), Stats: make([]Stats, chains),
			StepSize: step, Variances: s.metric.variances(), WarmupIterations: s.warmed, WarmupLeapfrogs: s.gradients(),
		},
		Ratios: make([][]float64, chains),
	}
	points, exact, proposed, before := make([][]float64, chains), make([]float64, chains), make([]float64, chains), make([]point, chains)
	for k, c := range s.chains {
		r.Draws[k], r.Stats[k], r.Ratios[k] = make([]float64, n*s.dim), newStats(n), make([]float64, n)
		points[k], before[k] = c.at.q, newPoint(s.dim)
	}
	if err := target(points, exact); err != nil {
		return nil, err
	}
	for k, c := range s.chains {
		if math.IsNaN(exact[k]) || math.IsInf(exact[k], 0) {
			return nil, fmt.Errorf("nuts: chain %d: the target is %v where the surrogate led in warm-up: %w", k, exact[k], ErrRecoverable)
		}
		before[k].from(&c.at)
	}
	for t := range n {
		for k, c := range s.chains {
			if err := c.iterate(ctx, step, s.o.Jitter, s.o.MaxDepth); err != nil {
				return nil, err
			}
			points[k] = c.at.q
		}
		if err := target(points, proposed); err != nil {
			return nil, err
		}
		for k, c := range s.chains {
			r.Ratios[k][t] = proposed[k] - c.at.logp
			accept := math.Exp(min(0, proposed[k]-c.at.logp-exact[k]+before[k].logp))
			if !(accept >= 0) || math.IsInf(proposed[k], 1) { // NaN
				accept, r.Ratios[k][t] = 0, math.Inf(-1)
			}
			if c.rng.Float64() < accept {
				exact[k] = proposed[k]
				before[k].from(&c.at)
			} else {
				c.at.from(&before[k])
			}
			c.last.logp, c.last.energy, c.last.accept = exact[k], c.at.energy, accept
			copy(r.Draws[k][t*s.dim:], c.at.q)
			r.Stats[k].record(t, &c.last)
			if c.last.divergent {
				c.divergences++
			}
			s.report(c, s.warmed+t+1, step)
		}
	}
	r.Gradients = s.gradients()
	return r, nil
}

func (p *point) from(q *point) {
	copy(p.q, q.q)
	copy(p.grad, q.grad)
	p.logp, p.energy = q.logp, q.energy
}
