package bayes

import (
	"cmp"
	"math"
	"math/rand/v2"
	"sync"

	"allocate/returns"
)

// garchPredictor has the parameters of a model whose variance depends on the days
// before. What a day may bring depends on these, too.
type garchPredictor struct {
	series *returns.Series
	of     func(theta []float64) garch // the recursion at a draw
	places garchPlaces
	ends   *sync.Map // garchEnd by parameters; nil: not remembered
	own    bool      // sd_next is that of the series
}

type garchPlaces struct{ mu, sd, sharpe, next, rms, kappa int }

// gjrPredictor is the predictor of gjr_t, which can replicate.
type gjrPredictor struct {
	garchPredictor
	first float64 // h_1 of replicated histories; 0: v
}

func newGJRPredictor(s *returns.Series) gjrPredictor {
	return gjrPredictor{garchPredictor: garchPredictor{series: s, of: garchOf, places: garchPlaces{gjrMu, gjrSD, gjrSharpe, gjrNext, gjrRMS, gjrKappa}, ends: &sync.Map{}}}
}

func (m gjrPredictor) anchor() Predictor {
	m.own = true
	return m
}

// garchEnd is the recursion at a draw, and the variance of the day after the series.
type garchEnd struct {
	garch
	next float64
}

// end goes through the series, unless the draw was fitted to it, or remembers that it
// did: several paths go on from one draw.
func (m garchPredictor) end(theta []float64) garchEnd {
	if m.own {
		next := theta[m.places.next]
		return garchEnd{m.of(theta), next * next}
	}
	var key [gjrParameters]float64
	copy(key[:], theta)
	if m.ends != nil {
		if e, ok := m.ends.Load(key); ok {
			return e.(garchEnd)
		}
	}
	g, y := m.of(theta), m.series.Returns
	e := garchEnd{g, g.after(backcast(y), y)}
	if m.ends != nil {
		m.ends.Store(key, e)
	}
	return e
}

func garchOf(theta []float64) garch {
	return newGarch(theta[gjrMu], theta[gjrSD], theta[gjrRMS], theta[gjrKappa], theta[gjrGains], theta[gjrLosses], theta[gjrP], newSkewT(theta[gjrNu], theta[gjrLambda]))
}

// Mean is that at the variance of the history: see gjrT.
func (m garchPredictor) Mean(theta []float64) float64       { return theta[m.places.mu] }
func (m garchPredictor) Volatility(theta []float64) float64 { return theta[m.places.sd] }
func (m garchPredictor) Idle([]float64) float64             { return 0 }
func (m garchPredictor) Sharpe(theta []float64) float64     { return theta[m.places.sharpe] }

func (m garchPredictor) PIT(theta, y, u []float64) {
	g := m.of(theta)
	h, innovation := backcast(y), g.skew.cdfFor(len(y))
	for t, r := range y {
		e, next := g.step(r, h)
		u[t] = innovation(e / math.Sqrt(h))
		h = next
	}
}

func (m garchPredictor) Path(theta, z, r []float64) {
	e := m.end(theta)
	var score tScore
	score.set(e.skew.nu)
	e.skew.quantiles(&score, z, r)
	e.path(e.next, r)
}

// path turns innovations into the returns from a day of variance h on.
func (g *garch) path(h float64, r []float64) {
	for t, e := range r {
		// A loss beyond everything is a total loss: a simple return cannot be lower.
		r[t] = max(-1, g.mean(h)+math.Sqrt(h)*e)
		_, h = g.step(r[t], h)
	}
}

// Replicate begins with the mean variance.
func (m gjrPredictor) Replicate(theta []float64, rng *rand.Rand, r []float64) {
	g := garchOf(theta)
	if len(r) >= tableFrom {
		var draws tDraws
		draws.set(0, 1, g.skew.nu)
		draws.fill(rng, r)
	} else {
		for i := range r {
			r[i] = rng.NormFloat64() / math.Sqrt(drawGamma(rng, g.skew.nu/2)/(g.skew.nu/2))
		}
	}
	g.skew.draw(rng, r)
	h := cmp.Or(m.first, theta[gjrSD]*theta[gjrSD])
	for t, e := range r {
		y := math.Sqrt(h) * e
		r[t] = g.mean(h) + y
		_, h = g.step(r[t], h)
	}
}
