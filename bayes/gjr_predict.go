package bayes

import (
	"cmp"
	"math"
	"math/rand/v2"
	"sync"

	"allocate/returns"
)

// gjrPredictor has the parameters of gjrModel. What a day may bring depends on the
// days before it.
type gjrPredictor struct {
	series *returns.Series
	first  float64   // h_1 of replicated histories; 0: v
	ends   *sync.Map // garchEnd by parameters; nil: not remembered
	own    bool      // sd_next is that of the series
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
func (m gjrPredictor) end(theta []float64) garchEnd {
	if m.own {
		return garchEnd{garchOf(theta), theta[gjrNext] * theta[gjrNext]}
	}
	key := [gjrParameters]float64(theta)
	if m.ends != nil {
		if e, ok := m.ends.Load(key); ok {
			return e.(garchEnd)
		}
	}
	g, y := garchOf(theta), m.series.Returns
	e := garchEnd{g, g.after(backcast(y), y)}
	if m.ends != nil {
		m.ends.Store(key, e)
	}
	return e
}

// garchOf returns the recursion at theta.
func garchOf(theta []float64) garch {
	return newGarch(theta[gjrMu], theta[gjrSD]*theta[gjrSD], theta[gjrKappa], theta[gjrGains], theta[gjrLosses], theta[gjrP], newSkewT(theta[gjrNu], theta[gjrLambda]))
}

func (gjrPredictor) Mean(theta []float64) float64       { return theta[gjrMu] }
func (gjrPredictor) Volatility(theta []float64) float64 { return theta[gjrSD] }
func (gjrPredictor) Idle([]float64) float64             { return 0 }
func (gjrPredictor) Sharpe(theta []float64) float64     { return theta[gjrSharpe] }

func (gjrPredictor) PIT(theta, y, u []float64) {
	g := garchOf(theta)
	h := backcast(y)
	for t, r := range y {
		e, next := g.step(r, h)
		u[t] = g.skew.cdf(e / math.Sqrt(h))
		h = next
	}
}

func (m gjrPredictor) Path(theta, z, r []float64) {
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
		r[t] = max(-1, g.mu+g.kappa*(h-g.v)+math.Sqrt(h)*e)
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
	h := cmp.Or(m.first, g.v)
	for t, e := range r {
		y := math.Sqrt(h) * e
		r[t] = g.mu + g.kappa*(h-g.v) + y
		_, h = g.step(r[t], h)
	}
}
