package nuts

import (
	"errors"
	"fmt"
	"math"
)

// dualAverage adapts the log step so that the acceptance statistic averages
// target: Nesterov's dual averaging as in Hoffman & Gelman (2014, eq. 6 and
// §3.2.1), with Stan's constants.
type dualAverage struct {
	target, cap   float64 // cap is the largest log step
	mu            float64 // point of attraction, log(10 ε₀)
	t, sBar, xBar float64
	x             float64 // log step in use
	gamma         float64 // smaller moves further at once
}

const (
	daGamma = 0.05
	daT0    = 10
	daKappa = 0.75

	settleGamma = 0.3
)

// restart forgets the past and attracts to ten times the given step.
func (d *dualAverage) restart(step float64) {
	d.mu, d.gamma = math.Log(10*step), daGamma
	d.t, d.sBar, d.xBar = 0, 0, 0
	d.x = min(math.Log(step), d.cap)
}

// settle is a restart that stays near the given step. The acceptance statistic
// falls ever faster with the log step, so that steps that swing around the
// right one average to less than it; in the last stretch, where the step is
// nearly right, a calm search therefore meets the target better.
func (d *dualAverage) settle(step float64) {
	d.restart(step)
	d.mu, d.gamma = math.Log(step), settleGamma
}

// update takes one acceptance statistic, the mean over the chains.
func (d *dualAverage) update(accept float64) {
	d.t++
	eta := 1 / (d.t + daT0)
	d.sBar = (1-eta)*d.sBar + eta*(d.target-min(1, accept))
	d.x = min(d.mu-d.sBar*math.Sqrt(d.t)/d.gamma, d.cap)
	w := math.Pow(d.t, -daKappa)
	d.xBar = (1-w)*d.xBar + w*d.x
}

// step is the step in use while adapting.
func (d *dualAverage) step() float64 { return math.Exp(d.x) }

func (d *dualAverage) final() float64 {
	if d.t == 0 {
		return d.step()
	}
	return math.Exp(d.xBar)
}

// errImproper and errNoStep end the search for a first step.
var (
	errImproper = errors.New("nuts: step size grew beyond 1e7 with all steps accepted: the density may be improper")
	errNoStep   = errors.New("nuts: no step size is small enough for one step to be accepted: the gradient may be wrong or the density discontinuous")
)

// searchStep doubles or halves step until the acceptance probability of one
// leapfrog step, averaged over the chains and with fresh momenta each time,
// crosses target (Hoffman & Gelman 2014, algorithm 4).
func (s *sampler) searchStep(step float64) (float64, error) {
	var direction float64
	for {
		err := s.each(func(c *chain) error {
			gain, err := c.probe(step)
			c.last.accept = math.Exp(min(0, gain))
			return err
		})
		if err != nil {
			return 0, err
		}
		up := s.meanAccept() > s.o.TargetAccept
		switch {
		case direction == 0 && up:
			direction = 2
		case direction == 0:
			direction = 0.5
		case up != (direction == 2):
			return min(step, s.o.MaxStep), nil
		}
		step *= direction
		if step > 1e7 {
			return 0, errImproper
		}
		if step < 1e-300 {
			c := s.chains[0]
			return 0, fmt.Errorf("%w (at %s)", errNoStep, describe(c.names, c.at.q))
		}
	}
}

// probe takes one leapfrog step from the current point with a fresh momentum,
// and returns the energy lost, H₀−H.
func (c *chain) probe(step float64) (float64, error) {
	e := &c.left
	copy(e.q, c.at.q)
	c.metric.pull(e.g, c.at.grad)
	var kinetic float64
	for i := range e.p {
		e.p[i] = c.rng.NormFloat64()
		kinetic += e.p[i] * e.p[i]
	}
	h, _, err := c.leapfrog(e, step)
	return kinetic/2 - c.at.logp - h, err
}

func (s *sampler) meanAccept() float64 {
	var sum float64
	for _, c := range s.chains {
		sum += c.last.accept
	}
	return sum / float64(len(s.chains))
}
