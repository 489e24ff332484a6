package bayes

import (
	"fmt"
	"math"
	"math/rand/v2"

	"allocate/bayes/nuts"
	"allocate/returns"
)

// The normal model of returns, for comparison with the Student-t:
//
//	y_t ~ Normal(mu, sd)
//	s  = sqrt(P) mu/sd         ~ PriorSharpe
//	ln sd - ln robust sd of y  ~ PriorLogSD
//
// The sampler moves s and ln sd. The data enter through their weighted mean
// and sum of squares, so that a gradient costs the same for any number of days.
var normalModel = Family{
	Name:    "normal",
	About:   "Normal with mean mu and standard deviation sd",
	Options: []string{"half_life", "half_life_mean", "prior_sharpe", "prior_log_sd"},
	New: func(s *returns.Series, o Options) (Model, error) {
		return twoMemories(daysOf(s, o), o, newNormal)
	},
	Predictor: func(*returns.Series) Predictor { return normalPredictor{} },
}

func init() { Register(normalModel) }

type normal struct {
	n, mean, squares float64 // sum of weights, mean, sum of squares about it
	rootYear         float64 // square root of the periods of a year
	priors           priors
}

func newNormal(d days, o Options) (*normal, error) {
	p, err := o.priors()
	if err != nil {
		return nil, err
	}
	sd := robustSD(d.y)
	if !(sd > 0) {
		return nil, fmt.Errorf("bayes: all %d returns are equal; a normal model cannot be fitted", len(d.y))
	}
	p.logSD = p.logSD.shifted(math.Log(sd))
	m := &normal{n: d.n, rootYear: d.rootYear, priors: p}
	for i, y := range d.y {
		m.mean += d.weight(i) * y / d.n
	}
	for i, y := range d.y {
		m.squares += d.weight(i) * (y - m.mean) * (y - m.mean)
	}
	return m, nil
}

func (m *normal) Dim() int        { return 2 }
func (m *normal) Names() []string { return []string{"mu", "sd", "sharpe"} }

func (m *normal) LogDensity(q, grad []float64) (float64, error) {
	s, logSD := q[0], q[1]
	if !(math.Abs(logSD) < 300) || !(math.Abs(s) < 1e140) {
		return 0, fmt.Errorf("bayes: normal at sharpe %.3g, ln sd %.3g: %w", s, logSD, nuts.ErrRecoverable)
	}
	sd := math.Exp(logSD)
	// With e = (mean - mu)/sd, the quadratic form is n e^2 + squares/sd^2.
	e := m.mean/sd - s/m.rootYear
	quad := m.squares / sd / sd
	sharpe, dSharpe := m.priors.sharpe.logDensity(s)
	scale, dScale := m.priors.logSD.logDensity(logSD)
	grad[0] = m.n*e/m.rootYear + dSharpe
	grad[1] = -m.n + quad + m.n*e*m.mean/sd + dScale
	return -m.n*logSD - (m.n*e*e+quad)/2 + sharpe + scale, nil
}

func (m *normal) Constrain(q, theta []float64) {
	sd := math.Exp(q[1])
	theta[0], theta[1], theta[2] = q[0]*sd/m.rootYear, sd, q[0]
}

// Initialize writes the maximum of the likelihood.
func (m *normal) Initialize(q []float64) {
	sd := math.Sqrt(m.squares / m.n)
	q[0], q[1] = m.mean/sd*m.rootYear, math.Log(sd)
}

func (m *normal) SamplePrior(rng *rand.Rand, q []float64) {
	q[0], q[1] = m.priors.sharpe.draw(rng), m.priors.logSD.draw(rng)
}

// LogPrior returns the log prior density of (sharpe, ln sd), which are the
// coordinates.
func (m *normal) LogPrior(theta []float64) (logPrior, logJacobian float64) {
	sharpe, _ := m.priors.sharpe.logDensity(theta[2])
	sd, _ := m.priors.logSD.logDensity(math.Log(theta[1]))
	return sharpe + sd, 0
}

// normalPredictor has the parameters mu, sd and sharpe. Its days are independent.
type normalPredictor struct{}

func (normalPredictor) Mean(theta []float64) float64       { return theta[0] }
func (normalPredictor) Volatility(theta []float64) float64 { return theta[1] }
func (normalPredictor) Idle([]float64) float64             { return 0 }
func (normalPredictor) Sharpe(theta []float64) float64     { return theta[2] }

func (m normalPredictor) PIT(theta, y, u []float64) { eachCDF(m, theta, y, u) }

func (normalPredictor) CDF(theta []float64, r float64) float64 {
	return 0.5 * math.Erfc(-(r-theta[0])/theta[1]/math.Sqrt2)
}

func (normalPredictor) Path(theta, z, r []float64) {
	for i, v := range z {
		r[i] = max(-1, theta[0]+theta[1]*v)
	}
}

// Replicate is Path without its floor of a total loss.
func (normalPredictor) Replicate(theta []float64, rng *rand.Rand, r []float64) {
	for i := range r {
		r[i] = theta[0] + theta[1]*rng.NormFloat64()
	}
}
