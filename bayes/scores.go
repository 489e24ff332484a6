package bayes

import "math"

// Scorer is a Predictor with a predictive density, for log scores. Without it a
// walk-forward evaluation has no log scores of the family.
//
// The density of a day is one of the return per unit, with respect to Lebesgue
// measure and, for a family with idle days (Idle > 0), a unit mass at exactly 0: an
// idle day scores the logarithm of its probability, any other day that of a density
// that integrates to the probability of a day that is not idle. Log scores of a
// family with and of one without idle days are therefore not comparable on a series
// with returns of exactly 0.
type Scorer interface {
	Predictor
	// LogScores writes the log predictive density of every day of a history, given
	// the days of y before it. y is as in PIT; score may be y. It is -Inf for a
	// return that the model excludes.
	LogScores(theta, y, score []float64)
}

func (studentTPredictor) LogScores(theta, y, score []float64) {
	f := newTDensity(theta[0], theta[1], theta[2])
	for t, r := range y {
		score[t] = f.log(r)
	}
}

func (normalPredictor) LogScores(theta, y, score []float64) {
	mu, sd := theta[0], theta[1]
	constant := -math.Log(sd) - 0.5*math.Log(2*math.Pi)
	for t, r := range y {
		z := (r - mu) / sd
		score[t] = constant - z*z/2
	}
}

// LogScores gives a return of exactly 0 the log probability of an idle day. The days
// of costs have the uniform density of the interval that CDF takes for them, beside
// that of the Student-t there.
func (m hurdlePredictor) LogScores(theta, y, score []float64) {
	idle, trades := math.Log(m.Idle(theta)), math.Log(theta[3])
	low, high, paid := 0.0, 0.0, 0.0
	if len(theta) > 6 {
		cost, half := theta[7], costWidth*math.Abs(theta[7])
		low, high, paid = cost-half, cost+half, (1-theta[3])*theta[6]/(2*half)
	}
	f := newTDensity(theta[0], theta[1], theta[2])
	for t, r := range y {
		if r == 0 {
			score[t] = idle
			continue
		}
		score[t] = trades + f.log(r)
		if paid > 0 && low <= r && r <= high {
			score[t] = math.Log(math.Exp(score[t]) + paid)
		}
	}
}

// tDensity is the density of a Student-t.
type tDensity struct{ mu, sigma, nu, constant float64 }

func newTDensity(mu, sigma, nu float64) tDensity {
	return tDensity{mu, sigma, nu, logGammaRatio(nu/2) - 0.5*(logPi+math.Log(nu)) - math.Log(sigma)}
}

// log returns the log density at r.
func (f *tDensity) log(r float64) float64 {
	z := (r - f.mu) / f.sigma
	return f.constant - (f.nu+1)/2*math.Log1p(z*z/f.nu)
}
