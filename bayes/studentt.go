package bayes

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"

	"allocate/bayes/nuts"
	"allocate/returns"
)

var logPi = math.Log(math.Pi)

// The Student-t model of returns y_1..y_N, of which P make a year,
//
//	y_t ~ StudentT(nu, mu, sigma)
//	s  = sqrt(P) mu/sd              ~ PriorSharpe, by default StudentT(3, 0, 0.7)
//	ln sd - ln robust sd of y       ~ PriorLogSD,  by default Normal(0, 1)
//	nu - 2                          ~ PriorNu,     by default Gamma(2, 0.1)
//
// sigma is the scale; sd = sigma sqrt(nu/(nu-2)) is the standard deviation.
// The default nu = 2 + Gamma(2, 0.1) has density 0 at nu = 2, so that the
// predictive variance has a finite expectation.
//
// The prior of s costs a Sharpe ratio of 100 about 4 ln 100 = 18 nats, less
// than a few dozen days repay; under a Normal(0, 1) it would cost 5,000, and
// the posterior would lower s by raising sd instead, with nu near 2, to tens of
// times the sample's.
//
// Priors are on what people think in, Sharpe and sd; the sampler moves what
// the data pin down, x = sqrt(P) mu/sigma, ln sigma and ln(nu-2). The two
// differ most for heavy tails: as nu falls to 2, sd grows without bound and
// the width of s shrinks with it, a funnel that (x, ln sigma) does not have.
// With nu fixed there is no third coordinate.
var studentT = Family{
	Name:    "student_t",
	About:   "Student-t with location mu, scale sigma and nu > 2 degrees of freedom",
	Options: []string{"half_life", "half_life_mean", "prior_sharpe", "prior_log_sd", "prior_nu"},
	New: func(s *returns.Series, o Options) (Model, error) {
		return newStudentTDays(daysOf(s, o), o)
	},
	Predictor: func(*returns.Series) Predictor { return studentTPredictor{} },
}

func init() { Register(studentT) }

type studentTModel struct {
	days   days
	middle float64 // median of the days, for Initialize
	robust float64 // ln of their robust sd, for Initialize
	priors priors  // that of ln sd moved to the robust estimate
	nu     *nuPolynomials
	fixed  bool    // nu is not estimated
	k      float64 // ln(nu-2) if fixed
	fast   *reduction
	plain  bool // never reduce
}

// newStudentTDays makes the model of days of which the mean may have weights of its own.
func newStudentTDays(d days, o Options) (dayModel, error) {
	return twoMemories(d, o, newStudentT)
}

func newStudentT(d days, o Options) (*studentTModel, error) {
	p, err := o.priors()
	if err != nil {
		return nil, err
	}
	sd := robustSD(d.y)
	if !(sd > 0) {
		return nil, fmt.Errorf("bayes: all %d returns are equal; a Student-t model cannot be fitted", len(d.y))
	}
	p.logSD = p.logSD.shifted(math.Log(sd))
	m := &studentTModel{days: d, middle: median(slices.Clone(d.y)), robust: math.Log(sd), priors: p, nu: nuTable(), fixed: p.nu.family == "fixed"}
	if m.fixed {
		m.k = math.Log(p.nu.location - 2)
	}
	return m, nil
}

// robustSD returns 1.4826 median |y - median y|, the standard deviation of
// Gaussian data that a few wild days do not move; the sample standard
// deviation where more than half of the days are equal.
func robustSD(y []float64) float64 {
	if len(y) == 0 {
		return 0
	}
	dev := slices.Clone(y)
	center := median(dev)
	ss := 0.0
	for i, v := range y {
		dev[i] = math.Abs(v - center)
		ss += dev[i] * dev[i]
	}
	if mad := 1.4826 * median(dev); mad > 0 {
		return mad
	}
	return math.Sqrt(ss / float64(len(y)))
}

// median returns the middle of x, reordering x.
func median(x []float64) float64 {
	n := len(x)
	lower := selectQuantile(x, 0.5) // the ceil(n/2)-th smallest
	if n%2 == 1 {
		return lower
	}
	return (lower + slices.Min(x[n/2:])) / 2
}

func (m *studentTModel) Dim() int {
	if m.fixed {
		return 2
	}
	return 3
}

func (m *studentTModel) Names() []string { return []string{"mu", "sigma", "nu", "sd", "sharpe"} }

// tail returns ln(nu-2) at q.
func (m *studentTModel) tail(q []float64) float64 {
	if m.fixed {
		return m.k
	}
	return q[2]
}

// LogDensity follows the algebra in which, with c = nu sigma^2 and r = y - mu,
// the data enter through three sums only. With a = ln((nu-2)/nu), s = x e^(a/2)
// and ln sd = ln sigma - a/2; the Jacobian of s is e^(a/2).
func (m *studentTModel) LogDensity(q, grad []float64) (float64, error) {
	x, logSigma, k := q[0], q[1], m.tail(q)
	ratio, ratioSlope, logNu, excess := m.nu.at(k)
	sigma, nu := math.Exp(logSigma), 2+excess
	mu := x * sigma / m.days.rootYear
	if !(math.Abs(logSigma) < 300) || !(math.Abs(mu) < 1e140) || nu > 1e15 || excess < 1e-300 {
		return 0, fmt.Errorf("bayes: student_t at mu %.3g, sigma %.3g, nu %.3g: %w", mu, sigma, nu, nuts.ErrRecoverable)
	}
	logC := logNu + 2*logSigma
	var sums tSums
	inside := false
	if m.fast != nil {
		sums, inside = m.fast.at(mu, logC)
	}
	if !inside {
		sums = m.days.tSums(mu, nu*sigma*sigma)
	}
	n := m.days.n
	lp := n*(ratio-0.5*(logPi+logC)) - (nu+1)/2*sums.log
	dMu := (nu + 1) * sums.u
	dLogC := -n/2 + (nu+1)/2*sums.share

	a := k - logNu
	root := math.Sqrt(excess / nu)
	sharpe, dSharpe := m.priors.sharpe.logDensity(x * root)
	sd, dSD := m.priors.logSD.logDensity(logSigma - a/2)
	lp += sharpe + a/2 + sd
	grad[0] = dMu*sigma/m.days.rootYear + dSharpe*root
	grad[1] = dMu*mu + 2*dLogC + dSD
	if m.fixed {
		return lp, nil
	}
	tail, dTail := m.priors.nu.logDensityOfLog(k, excess)
	grad[2] = dLogC*excess/nu + n*ratioSlope - excess*sums.log/2 + dTail + (1+dSharpe*x*root-dSD)/nu
	return lp + tail, nil
}

// Initialize takes the median for mu, the robust sd for sigma, a little smaller,
// and nu = 6.
func (m *studentTModel) Initialize(q []float64) {
	q[1] = m.robust - 0.2
	q[0] = m.middle * m.days.rootYear * math.Exp(-q[1])
	if !m.fixed {
		q[2] = math.Log(4)
	}
}

// Reduce returns the model with its likelihood reduced to a box around the
// posterior, which is given by its mode and covariance; the model itself where
// the days are too few for that to pay.
func (m *studentTModel) Reduce(at []float64, covariance mat.Symmetric) Model {
	if m.plain || len(m.days.y) < reduceFrom {
		return m
	}
	fast := *m
	fast.fast = m.reduction(at, covariance)
	return &fast
}

const (
	reduceFrom  = 150 // days; with fewer, summing them is as fast
	boxDistance = 7   // half-width of the box in posterior standard deviations
	boxLogC     = 2.5 // most half-width in ln c
)

func (m *studentTModel) reduction(at []float64, covariance mat.Symmetric) *reduction {
	sigma, share := math.Exp(at[1]), 1/(1+2*math.Exp(-m.tail(at)))
	mu := at[0] * sigma / m.days.rootYear
	// The gradients of mu and ln c in the coordinates q, and their variances.
	variance := func(g []float64) float64 {
		v := mat.NewVecDense(len(g), g)
		return mat.Inner(v, covariance, v)
	}
	varMu := variance([]float64{sigma / m.days.rootYear, mu, 0}[:m.Dim()])
	varLogC := variance([]float64{0, 2, share}[:m.Dim()])
	logC := math.Log(2+math.Exp(m.tail(at))) + 2*at[1]
	halfLogC := min(boxDistance*math.Sqrt(varLogC), boxLogC)
	few := m.days.compressed(mu, math.Exp(logC-halfLogC), compressFrom)
	return reduce(few.tLog, few.n, reduceTolerance, mu, boxDistance*math.Sqrt(varMu), logC, halfLogC)
}

func (m *studentTModel) Constrain(q, theta []float64) {
	sigma, excess := math.Exp(q[1]), math.Exp(m.tail(q))
	nu := 2 + excess
	root := math.Sqrt(excess / nu)
	theta[0] = q[0] * sigma / m.days.rootYear
	theta[1] = sigma
	theta[2] = nu
	theta[3] = sigma / root
	theta[4] = q[0] * root
}

// SamplePrior writes a draw of the prior on the unconstrained scale.
func (m *studentTModel) SamplePrior(rng *rand.Rand, q []float64) {
	sharpe, logSD, k := m.priors.sharpe.draw(rng), m.priors.logSD.draw(rng), m.k
	if !m.fixed {
		k = math.Log(m.priors.nu.draw(rng))
		q[2] = k
	}
	a := -math.Log1p(2 * math.Exp(-k))
	q[0], q[1] = sharpe*math.Exp(-a/2), logSD+a/2
}

// LogPrior returns the log prior density of (sharpe, ln sd, nu) and the log
// Jacobian with which LogDensity takes it to the unconstrained scale.
func (m *studentTModel) LogPrior(theta []float64) (logPrior, logJacobian float64) {
	mu, sigma, nu := theta[0], theta[1], theta[2]
	a := math.Log1p(-2 / nu)
	logSD := math.Log(sigma) - a/2
	sharpe, _ := m.priors.sharpe.logDensity(mu / math.Exp(logSD) * m.days.rootYear)
	sd, _ := m.priors.logSD.logDensity(logSD)
	if m.fixed {
		return sharpe + sd, a / 2
	}
	k := math.Log(nu - 2)
	tail, _ := m.priors.nu.logDensityOfLog(k, nu-2)
	return sharpe + sd + tail - k, a/2 + k
}

// studentTPredictor has the parameters mu, sigma, nu, sd and sharpe. Its days are
// independent.
type studentTPredictor struct{}

func (studentTPredictor) Mean(theta []float64) float64       { return theta[0] }
func (studentTPredictor) Volatility(theta []float64) float64 { return theta[3] }
func (studentTPredictor) Idle([]float64) float64             { return 0 }
func (studentTPredictor) Sharpe(theta []float64) float64     { return theta[4] }

func (studentTPredictor) CDF(theta []float64, r float64) float64 {
	return tCDF((r-theta[0])/theta[1], theta[2])
}

func (m studentTPredictor) PIT(theta, y, u []float64) { eachCDF(m, theta, y, u) }

func (studentTPredictor) Path(theta, z, r []float64) {
	var score tScore
	score.set(theta[2])
	score.each(z, r)
	for i, v := range r {
		// A loss beyond everything is a total loss: a simple return cannot be lower.
		r[i] = max(-1, theta[0]+theta[1]*v)
	}
}

func (studentTPredictor) quantiles(theta []float64) func(z float64) float64 {
	var score tScore
	score.set(theta[2])
	return func(z float64) float64 { return theta[0] + theta[1]*score.at(z) }
}

// Replicate draws faster than by Path, and without its floor of a total loss.
func (studentTPredictor) Replicate(theta []float64, rng *rand.Rand, r []float64) {
	if len(r) >= tableFrom {
		var draws tDraws
		draws.set(theta[0], theta[1], theta[2])
		draws.fill(rng, r)
		return
	}
	mu, scale, half := theta[0], theta[1]*math.Sqrt(theta[2]/2), theta[2]/2
	for i := range r {
		r[i] = mu + scale*rng.NormFloat64()/math.Sqrt(drawGamma(rng, half))
	}
}
