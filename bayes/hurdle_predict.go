package bayes

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mathext"

	"allocate/returns"
)

// hurdlePredictor has the parameters mu, sigma, nu, p_trade, sd and sharpe, and
// p_cost and cost where there are days of costs. Its days are independent.
type hurdlePredictor struct{ series *returns.Series }

func (hurdlePredictor) Volatility(theta []float64) float64 { return theta[4] }
func (hurdlePredictor) Sharpe(theta []float64) float64     { return theta[5] }

func (m hurdlePredictor) PIT(theta, y, u []float64) { eachCDF(m, theta, y, u) }

// Idle is the probability of a day neither traded nor paid for.
func (hurdlePredictor) Idle(theta []float64) float64 {
	list, n := atoms(theta)
	for _, a := range list[:n] {
		if a.at == 0 {
			return a.mass
		}
	}
	return 0
}

// Findings tells why the model is what it is.
func (m hurdlePredictor) Findings() []returns.Finding {
	share := m.series.ZeroShare()
	return []returns.Finding{{
		Code: "bayes.flat_days", Severity: returns.Info,
		Numbers:  map[string]float64{"share": share},
		Sentence: fmt.Sprintf("%.0f%% of the returns are 0; modeled with a zero-inflated (hurdle) Student-t.", 100*share),
	}}
}

func (hurdlePredictor) Replicate(theta []float64, rng *rand.Rand, r []float64) {
	studentTPredictor{}.Replicate(theta, rng, r)
	for i := range r {
		if rng.Float64() < theta[3] {
			continue
		}
		r[i] = 0
		if len(theta) > 6 && rng.Float64() < theta[6] {
			r[i] = theta[7]
		}
	}
}

func (hurdlePredictor) Mean(theta []float64) float64 {
	mean := theta[3] * theta[0]
	if len(theta) > 6 {
		mean += (1 - theta[3]) * theta[6] * theta[7]
	}
	return mean
}

// atoms are the returns that have a probability of their own, rising.
func atoms(theta []float64) (list [2]atom, n int) {
	quiet := 1 - theta[3]
	if len(theta) <= 6 {
		list[0] = atom{0, quiet}
		return list, 1
	}
	flat, cost := atom{0, quiet * (1 - theta[6])}, atom{theta[7], quiet * theta[6]}
	if cost.at < 0 {
		return [2]atom{cost, flat}, 2
	}
	return [2]atom{flat, cost}, 2
}

type atom struct{ at, mass float64 }

// CDF gives a flat day, and a day of costs, the middle of the jump that the
// distribution has there.
func (hurdlePredictor) CDF(theta []float64, r float64) float64 {
	u := theta[3] * tCDF((r-theta[0])/theta[1], theta[2])
	list, n := atoms(theta)
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

// Path inverts the distribution of a day: the Student-t, with a jump at each
// atom.
func (hurdlePredictor) Path(theta, z, r []float64) {
	var score tScore
	score.set(theta[2])
	p := theta[3]
	list, n := atoms(theta)
	var below [2]float64 // probability of less than each atom
	total := 0.0
	for k, a := range list[:n] {
		below[k] = p*tCDF((a.at-theta[0])/theta[1], theta[2]) + total
		total += a.mass
	}
days:
	for i, v := range z {
		u, over := 0.5*math.Erfc(-v/math.Sqrt2), 0.5*math.Erfc(v/math.Sqrt2)
		passed := 0.0 // mass of the atoms below
		for k, a := range list[:n] {
			if u < below[k] {
				break
			}
			if u < below[k]+a.mass {
				r[i] = a.at
				continue days
			}
			passed += a.mass
		}
		v = normalQuantile(max(0, u-passed)/p, max(0, over-(total-passed))/p)
		r[i] = max(-1, theta[0]+theta[1]*score.at(v))
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
