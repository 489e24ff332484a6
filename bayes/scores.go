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
	// LogScores writes the log predictive density of the last len(score) days of a
	// history, each given the days of y before it. y is as in PIT; score may be y. It
	// is -Inf for a return that the model excludes.
	LogScores(theta, y, score []float64)
}

// last returns the days of y that score is for.
func last(y, score []float64) []float64 { return y[len(y)-len(score):] }

func (studentTPredictor) LogScores(theta, y, score []float64) {
	f := newTDensity(theta[0], theta[1], theta[2])
	for t, r := range last(y, score) {
		score[t] = f.log(r)
	}
}

func (normalPredictor) LogScores(theta, y, score []float64) {
	mu, sd := theta[0], theta[1]
	constant := -math.Log(sd) - 0.5*math.Log(2*math.Pi)
	for t, r := range last(y, score) {
		z := (r - mu) / sd
		score[t] = constant - z*z/2
	}
}

func (skewStudentTPredictor) LogScores(theta, y, score []float64) {
	f, m, root := jfAt(theta)
	a, b := f.a, f.b
	constant := lgamma(a+b) - lgamma(a) - lgamma(b) - (a+b-1)*math.Ln2 - math.Log(root)
	for t, r := range last(y, score) {
		u := (r - m) / root
		score[t] = constant + (a-b)*math.Asinh(u) - (a+b+1)/2*math.Log1p(u*u)
	}
}

// LogScores gives a return of exactly 0 the log probability of an idle day. The days
// of costs have the uniform density of the interval that CDF takes for them, beside
// that of the traded days there.
func (m hurdlePredictor) LogScores(theta, y, score []float64) {
	active := make([]float64, len(score))
	m.inner.LogScores(theta[:m.shape], y, active)
	mixScores(theta[m.shape:], m.Idle(theta), last(y, score), active, score)
}

// mixScores makes the scores of all days from those that they have as traded days; t is
// theta from p_trade on.
func mixScores(t []float64, idle float64, y, active, score []float64) {
	low, high, paid := 0.0, 0.0, 0.0
	if len(t) > 3 {
		cost, half := t[4], costWidth*math.Abs(t[4])
		low, high, paid = cost-half, cost+half, (1-t[0])*t[3]/(2*half)
	}
	trades, flat := math.Log(t[0]), math.Log(idle)
	for i, r := range y {
		if r == 0 {
			score[i] = flat
			continue
		}
		score[i] = trades + active[i]
		if paid > 0 && low <= r && r <= high {
			score[i] = math.Log(math.Exp(score[i]) + paid)
		}
	}
}

type tDensity struct{ mu, sigma, nu, constant float64 }

func newTDensity(mu, sigma, nu float64) tDensity {
	return tDensity{mu, sigma, nu, logGammaRatio(nu/2) - 0.5*(logPi+math.Log(nu)) - math.Log(sigma)}
}

func (f *tDensity) log(r float64) float64 {
	z := (r - f.mu) / f.sigma
	return f.constant - (f.nu+1)/2*math.Log1p(z*z/f.nu)
}
