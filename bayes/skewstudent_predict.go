package bayes

import (
	"math"
	"math/rand/v2"
)

// skewStudentTPredictor has the parameters mu, sigma, nu, skew, sd and sharpe. Its
// days are independent.
type skewStudentTPredictor struct{}

func (skewStudentTPredictor) Mean(theta []float64) float64       { return theta[0] }
func (skewStudentTPredictor) Volatility(theta []float64) float64 { return theta[4] }
func (skewStudentTPredictor) Idle([]float64) float64             { return 0 }
func (skewStudentTPredictor) Sharpe(theta []float64) float64     { return theta[5] }

// jfAt returns the distribution at mu, sigma, nu and skew, with the location m and
// sqrt(c) of its units.
func jfAt(theta []float64) (f jonesFaddy, m, root float64) {
	f = newJonesFaddy(theta[2], theta[3])
	root = theta[1] * math.Sqrt(theta[2])
	return f, theta[0] - root*f.mean, root
}

func (skewStudentTPredictor) CDF(theta []float64, r float64) float64 {
	f, m, root := jfAt(theta)
	return f.cdf((r - m) / root)
}

func (s skewStudentTPredictor) PIT(theta, y, u []float64) {
	f, m, root := jfAt(theta)
	for i, r := range y {
		u[i] = f.cdf((r - m) / root)
	}
}

func (skewStudentTPredictor) Path(theta, z, r []float64) {
	f, m, root := jfAt(theta)
	var score jfScore
	score.set(&f, m, root)
	score.each(z, r)
	for i, v := range r {
		// A loss beyond everything is a total loss: a simple return cannot be lower.
		r[i] = max(-1, v)
	}
}

func (skewStudentTPredictor) quantiles(theta []float64) func(z float64) float64 {
	f, m, root := jfAt(theta)
	var score jfScore
	score.set(&f, m, root)
	return score.at
}

// Replicate draws without Path's floor of a total loss.
func (skewStudentTPredictor) Replicate(theta []float64, rng *rand.Rand, r []float64) {
	f, m, root := jfAt(theta)
	if len(r) >= tableFrom {
		var draws jfDraws
		draws.set(&f, m, root)
		draws.fill(rng, r)
		return
	}
	for i := range r {
		x, y := drawGamma(rng, f.a), drawGamma(rng, f.b)
		r[i] = m + root*(x-y)/(2*math.Sqrt(x*y))
	}
}
