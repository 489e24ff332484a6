package bayes

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mathext"

	"allocate/returns"
)

// activePredictor says what parameters mean for the returns of the traded days, of
// which a hurdle makes those of all days. It is without memory. One with memory needs
// a predictor of its own, without CDF: a mixture of each day (dayMixture), whose
// distribution on a traded day is that given the traded days before.
type activePredictor interface {
	Exchangeable
	Replicator
	Scorer
	// quantiles returns the function from standard normal scores to returns.
	quantiles(theta []float64) func(z float64) float64
}

// hurdlePredictor has the shape parameters of the model of the traded days, mu the
// first, then p_trade, sd and sharpe, and p_cost and cost where there are days of
// costs. Its days are independent.
type hurdlePredictor struct {
	series *returns.Series
	inner  activePredictor
	about  string
	shape  int // number of parameters of inner
}

func (m hurdlePredictor) Volatility(theta []float64) float64 { return theta[m.shape+1] }
func (m hurdlePredictor) Sharpe(theta []float64) float64     { return theta[m.shape+2] }

func (m hurdlePredictor) PIT(theta, y, u []float64) { eachCDF(m, theta, y, u) }

// Idle is the probability of a day neither traded nor paid for.
func (m hurdlePredictor) Idle(theta []float64) float64 {
	list, n := atoms(theta[m.shape:])
	for _, a := range list[:n] {
		if a.at == 0 {
			return a.mass
		}
	}
	return 0
}

// Findings explains the choice of the model.
func (m hurdlePredictor) Findings() []returns.Finding {
	share := m.series.ZeroShare()
	return []returns.Finding{{
		Code: "bayes.flat_days", Severity: returns.Info,
		Numbers:  map[string]float64{"share": share},
		Sentence: fmt.Sprintf("%.0f%% of the returns are 0; modeled with a zero-inflated (hurdle) %s.", 100*share, m.about),
	}}
}

func (m hurdlePredictor) Replicate(theta []float64, rng *rand.Rand, r []float64) {
	m.inner.Replicate(theta[:m.shape], rng, r)
	t := theta[m.shape:]
	for i := range r {
		if rng.Float64() < t[0] {
			continue
		}
		r[i] = 0
		if len(t) > 3 && rng.Float64() < t[3] {
			r[i] = t[4]
		}
	}
}

func (m hurdlePredictor) Mean(theta []float64) float64 {
	t := theta[m.shape:]
	mean := t[0] * theta[0]
	if len(t) > 3 {
		mean += (1 - t[0]) * t[3] * t[4]
	}
	return mean
}

// atoms are the returns that have a probability of their own, rising; t is theta
// from p_trade on.
func atoms(t []float64) (list [2]atom, n int) {
	quiet := 1 - t[0]
	if len(t) <= 3 {
		list[0] = atom{0, quiet}
		return list, 1
	}
	flat, cost := atom{0, quiet * (1 - t[3])}, atom{t[4], quiet * t[3]}
	if cost.at < 0 {
		return [2]atom{cost, flat}, 2
	}
	return [2]atom{flat, cost}, 2
}

type atom struct{ at, mass float64 }

// CDF gives a flat day, and a day of costs, the middle of the jump that the
// distribution has there.
func (m hurdlePredictor) CDF(theta []float64, r float64) float64 {
	t := theta[m.shape:]
	u := t[0] * m.inner.CDF(theta[:m.shape], r)
	list, n := atoms(t)
	for _, a := range list[:n] {
		switch {
		case r == a.at || a.at != 0 && math.Abs(r-a.at) <= costWidth*math.Abs(a.at):
			u += a.mass / 2
		case r > a.at:
			u += a.mass
		}
	}
	return u
}

// dayMixture is the distribution of one day: that of a traded day, with a jump at each
// atom.
type dayMixture struct {
	p     float64 // of a traded day
	atoms [2]atom
	n     int
	below [2]float64 // probability of less than each atom
	total float64    // mass of the atoms
}

// set takes theta from p_trade on and the distribution function of a traded day.
func (d *dayMixture) set(t []float64, cdf func(r float64) float64) {
	d.p, d.total = t[0], 0
	d.atoms, d.n = atoms(t)
	for k, a := range d.atoms[:d.n] {
		d.below[k] = d.p*cdf(a.at) + d.total
		d.total += a.mass
	}
}

// invert returns what a standard normal score of the day stands for: an atom, or
// the score of a traded day.
func (d *dayMixture) invert(z float64) (at, score float64, traded bool) {
	u, over := 0.5*math.Erfc(-z/math.Sqrt2), 0.5*math.Erfc(z/math.Sqrt2)
	passed := 0.0 // mass of the atoms below
	for k, a := range d.atoms[:d.n] {
		if u < d.below[k] {
			break
		}
		if u < d.below[k]+a.mass {
			return a.at, 0, false
		}
		passed += a.mass
	}
	return 0, normalQuantile(max(0, u-passed)/d.p, max(0, over-(d.total-passed))/d.p), true
}

// Path inverts the distribution of a day.
func (m hurdlePredictor) Path(theta, z, r []float64) {
	inner := theta[:m.shape]
	var day dayMixture
	day.set(theta[m.shape:], func(r float64) float64 { return m.inner.CDF(inner, r) })
	quantile := m.inner.quantiles(inner)
	for i, v := range z {
		at, score, traded := day.invert(v)
		if traded {
			at = max(-1, quantile(score))
		}
		r[i] = at
	}
}

// tiny is a return that no day has: CDF just below and just above 0 has all of
// the jump there between.
const tiny = 1e-300

// PathTrading has the innovation of a trading day say the same among all days as
// it does among trading days, and puts that of another in the middle of the jump
// at 0.
func (m hurdlePredictor) PathTrading(theta []float64, trades []bool, z, r []float64) {
	below := m.CDF(theta, -tiny)
	p := 1 - (m.CDF(theta, tiny) - below)
	for i, v := range z {
		switch u := p * normalCDF(v); {
		case !trades[i]:
			r[i] = mathext.NormalQuantile(below + (1-p)/2)
		case u < below:
			r[i] = mathext.NormalQuantile(u)
		default:
			r[i] = -mathext.NormalQuantile(p * normalCDF(-v))
		}
	}
	m.Path(theta, r, r)
}

func normalCDF(z float64) float64 { return 0.5 * math.Erfc(-z/math.Sqrt2) }

// normalQuantile returns Phi^-1(u), with 1-u given besides so that neither
// tail loses digits.
func normalQuantile(u, complement float64) float64 {
	if u < 0.5 {
		return mathext.NormalQuantile(u)
	}
	return -mathext.NormalQuantile(complement)
}
