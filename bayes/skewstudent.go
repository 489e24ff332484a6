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

// The skewed Student-t model of returns y_1..y_N, of which P make a year,
//
//	y_t = mu + sd e_t,   e_t ~ jonesFaddy(nu, skew) standardized to mean 0 and variance 1
//	sqrt(P) mu/sd               ~ PriorSharpe
//	ln sd - ln robust sd of y   ~ PriorLogSD
//	nu - 2                      ~ PriorNu
//	atanh skew                  ~ Normal(0, 0.5)
//
// mu is the mean whatever the skew. The mean of a Student-t is its center, which
// the data weight by 1/(1 + r^2/c): where the longer tail is that of losses, it is
// far above the sample mean. With skew 0 the two models are one.
//
// nu is the mean of the degrees of freedom of the two tails, (1+skew) to (1-skew)
// of whose excess over 2 the lower and the upper one have: the variance exists for
// every nu > 2 and skew in (-1, 1), and the prior of nu has the meaning that it has for
// the Student-t. The prior of the skewness is centered on symmetry; 90% of it gives the
// two tails excesses within a factor of 5 of each other, to either side.
//
// The data enter through two sums only, which are functions of two variables each
// (jfSums), the location m = mu - sqrt(c) E u and ln c, c = nu sigma^2.
//
// The sampler moves what the data pin down, ln(nu-2), atanh skew, and the place of
// most days: their mode l = m + sqrt(c) mode, which hardly depends on the tails, as
// the mean does, nor as much on the skewness as m, in units of the width tau =
// sigma/(1-d^2), d = (a-b)/(a+b+1), that the curvature at the mode has, and ln tau. With
// sigma itself the width would be sigma/(1-skew^2) where nu is large, a curved ridge.
var skewStudentT = Family{
	Name:    "skew_t",
	About:   "skewed Student-t of Jones and Faddy with mean mu, nu > 2 and skewness skew",
	Options: studentT.Options,
	New: func(s *returns.Series, o Options) (Model, error) {
		return newSkewStudentTDays(daysOf(s, o), o)
	},
	Predictor: func(*returns.Series) Predictor { return skewStudentTPredictor{} },
}

func init() { Register(skewStudentT) }

// skewPrior is the prior of atanh skew.
var skewPrior = prior{family: "normal", scale: 0.5}

type skewStudentTModel struct {
	days   days
	few    days    // the same, compressed, for c from least on
	least  float64 // +Inf if there are none
	middle float64 // median of the days, for Initialize
	robust float64 // ln of their robust sd, for Initialize
	priors priors  // that of ln sd moved to the robust estimate
	fixed  bool    // nu is not estimated
	k      float64 // ln(nu-2) if fixed
	fast   *jfReduction
	plain  bool // never reduce
}

// newSkewStudentTDays makes the model of days of which the mean may have weights of
// its own.
func newSkewStudentTDays(d days, o Options) (dayModel, error) {
	return twoMemories(d, o, newSkewStudentT)
}

func newSkewStudentT(d days, o Options) (*skewStudentTModel, error) {
	p, err := o.priors()
	if err != nil {
		return nil, err
	}
	sd := robustSD(d.y)
	if !(sd > 0) {
		return nil, fmt.Errorf("bayes: all %d returns are equal; a Student-t model cannot be fitted", len(d.y))
	}
	p.logSD = p.logSD.shifted(math.Log(sd))
	return skewStudentTOf(d, median(slices.Clone(d.y)), math.Log(sd), p), nil
}

// skewStudentTOf makes the model of days with a median and a robust sd.
func skewStudentTOf(d days, middle, robust float64, p priors) *skewStudentTModel {
	m := &skewStudentTModel{days: d, least: math.Inf(1), middle: middle, robust: robust, priors: p, fixed: p.nu.family == "fixed"}
	if m.fixed {
		m.k = math.Log(p.nu.location - 2)
	}
	if len(d.y) >= jfCompressFrom {
		m.least = math.Exp(2*robust) / 2
		m.few = d.compressed(middle, m.least, jfCompressFrom)
	}
	return m
}

// jfCompressFrom is the number of days from which compressing them pays: a square root
// and two logarithms a day are dear.
const jfCompressFrom = 500

// jfDistances are half-widths of the box as boxDistance, the next one where the one
// before needs too many orders. They are smaller, since m moves widely with the
// skewness, and the compressed days are at hand for one point in a thousand outside.
var jfDistances = []float64{3.5, 2.5}

func (m *skewStudentTModel) Dim() int {
	if m.fixed {
		return 3
	}
	return 4
}

func (m *skewStudentTModel) Names() []string {
	return []string{"mu", "sigma", "nu", "skew", "sd", "sharpe"}
}

// shape returns ln(nu-2) and atanh skew at q.
func (m *skewStudentTModel) shape(q []float64) (k, skew float64) {
	if m.fixed {
		return m.k, q[2]
	}
	return q[2], q[3]
}

func (m *skewStudentTModel) sums(at, logC float64) jfSums {
	if m.fast != nil {
		if s, inside := m.fast.at(at, logC); inside {
			return s
		}
	}
	if c := math.Exp(logC); c >= m.least {
		return m.few.jfSums(at, c)
	}
	return m.days.jfSums(at, math.Exp(logC))
}

// jfPlace has the parameters at q.
type jfPlace struct {
	jfDensity
	tau, sigma, root float64 // root = sqrt(c)
	m, mu            float64
}

func (m *skewStudentTModel) at(q []float64, p *jfPlace) {
	p.set(m.shape(q))
	p.tau = math.Exp(q[1])
	p.sigma = p.tau * p.narrow
	p.root = p.sigma * math.Sqrt(p.nu)
	p.m = q[0]*p.tau/m.days.rootYear - p.root*p.mode
	p.mu = p.m + p.root*p.mean
}

// LogDensity has the location l = x sigma/sqrt(P) = m + sqrt(c) mode(k, skew) and
// the Sharpe ratio s = sqrt(P) mu/sd, where mu = l + sqrt(c) (mean - mode) and
// sd = sqrt(c variance), so that ds/dx = 1/sqrt(nu variance); at last it goes from x and
// ln sigma to the coordinates x (1-d^2) and ln sigma - ln(1-d^2), of Jacobian 1/(1-d^2).
func (m *skewStudentTModel) LogDensity(q, grad []float64) (float64, error) {
	var p jfPlace
	m.at(q, &p)
	if !(math.Abs(q[1]) < 300) || !(math.Abs(p.mu) < 1e140) || p.nu > 1e9 || !(p.variance > 0 && p.variance < 1e280) {
		return 0, fmt.Errorf("bayes: skew_t at mu %.3g, sigma %.3g, nu %.3g, a %.3g, b %.3g: %w", p.mu, p.sigma, p.nu, p.a, p.b, nuts.ErrRecoverable)
	}
	logNarrow := math.Log(p.narrow)
	x, logSigma := q[0]/p.narrow, q[1]+logNarrow
	logC := p.logNu + 2*logSigma
	sums := m.sums(p.m, logC)
	n, lift, power := m.days.n, p.a-p.b, (p.nu+1)/2
	lp := n*(p.logC-logC/2) + lift*sums.asinh - power*sums.log
	dM := 2*power*sums.u + lift*sums.inM
	dLogC := -n/2 + power*sums.share + lift*sums.inC

	// s = (x + sqrt(P nu) (mean - mode)) ratio, ratio = 1/sqrt(nu variance).
	shift := m.days.rootYear * math.Sqrt(p.nu)
	ratio := 1 / math.Sqrt(p.nu*p.variance)
	s := (x + shift*(p.mean-p.mode)) * ratio
	logRatio := math.Log(ratio)
	sharpe, dSharpe := m.priors.sharpe.logDensity(s)
	sd, dSD := m.priors.logSD.logDensity(logSigma - logRatio)
	k, skew := m.shape(q)
	skewed, dSkew := skewPrior.logDensity(skew)
	lp += sharpe + logRatio + sd + skewed - logNarrow

	inX := dM*p.sigma/m.days.rootYear + dSharpe*ratio
	grad[0] = inX / p.narrow
	grad[1] = dM*p.m + 2*dLogC + dSD
	excess := p.excess
	inLogNu := [2]float64{excess / p.nu, 0}
	d := &p.slopes
	for i := range 2 {
		inRatio := -(inLogNu[i] + d.variance[i]/p.variance) / 2 // of ln ratio
		inShift := shift * (d.mean[i] - d.mode[i] + (p.mean-p.mode)*inLogNu[i]/2)
		g := n*d.logC[i] + (d.a[i]-d.b[i])*sums.asinh - (d.a[i]+d.b[i])/2*sums.log
		g += dLogC*inLogNu[i] - dM*p.root*(d.mode[i]+p.mode*inLogNu[i]/2)
		g += dSharpe*(inShift*ratio+s*inRatio) + inRatio - dSD*inRatio
		g += (grad[1] - inX*x - 1) * d.logNarrow[i]
		switch {
		case i == 1:
			grad[len(grad)-1] = g + dSkew
		case !m.fixed:
			tail, dTail := m.priors.nu.logDensityOfLog(k, excess)
			lp += tail
			grad[2] = g + dTail
		}
	}
	return lp, nil
}

// Initialize is that of the Student-t, without skew.
func (m *skewStudentTModel) Initialize(q []float64) {
	q[1] = m.robust - 0.2
	q[0] = m.middle * m.days.rootYear * math.Exp(-q[1])
	if !m.fixed {
		q[2] = math.Log(4)
	}
	q[len(q)-1] = 0
}

// Reduce is that of the Student-t.
func (m *skewStudentTModel) Reduce(at []float64, covariance mat.Symmetric) Model {
	if m.plain || len(m.days.y) < reduceFrom {
		return m
	}
	fast := *m
	fast.fast = m.reduction(at, covariance)
	return &fast
}

func (m *skewStudentTModel) reduction(at []float64, covariance mat.Symmetric) *jfReduction {
	var p jfPlace
	m.at(at, &p)
	// The gradients of m and ln c in the coordinates q, and their variances.
	inLogNu := p.excess / p.nu
	inLogNarrow := p.slopes.logNarrow
	inM := []float64{
		p.tau / m.days.rootYear, p.m,
		-p.root * (p.slopes.mode[0] + p.mode*(inLogNu/2+inLogNarrow[0])), -p.root * (p.slopes.mode[1] + p.mode*inLogNarrow[1]),
	}
	inLogC := []float64{0, 2, inLogNu + 2*inLogNarrow[0], 2 * inLogNarrow[1]}
	if m.fixed {
		inM, inLogC = append(inM[:2], inM[3]), append(inLogC[:2], inLogC[3])
	}
	sd := func(g []float64) float64 {
		v := mat.NewVecDense(len(g), g)
		return math.Sqrt(mat.Inner(v, covariance, v))
	}
	logC := p.logNu + 2*math.Log(p.sigma)
	for _, distance := range jfDistances {
		halfLogC := min(distance*sd(inLogC), boxLogC)
		few := m.days.compressed(p.m, math.Exp(logC-halfLogC), jfCompressFrom)
		if r := reduceJF(&few, p.m, distance*sd(inM), logC, halfLogC); r != nil {
			return r
		}
	}
	return nil
}

func (m *skewStudentTModel) Constrain(q, theta []float64) {
	k, x := m.shape(q)
	excess, tau, skew := math.Exp(k), math.Exp(q[1]), math.Tanh(x)
	nu := 2 + excess
	f := newJonesFaddy(nu, skew)
	sigma := tau * f.narrow()
	square := (skew*skew + 1/excess) / ((1 - skew) * (1 + skew)) // E u^2
	root := sigma * math.Sqrt(nu)
	mu := q[0]*tau/m.days.rootYear + root*(f.mean-f.mode())
	sd := root * math.Sqrt(square-f.mean*f.mean)
	theta[0], theta[1], theta[2], theta[3] = mu, sigma, nu, skew
	theta[4], theta[5] = sd, mu/sd*m.days.rootYear
}

// SamplePrior writes a draw of the prior on the unconstrained scale.
func (m *skewStudentTModel) SamplePrior(rng *rand.Rand, q []float64) {
	sharpe, logSD, k, skew := m.priors.sharpe.draw(rng), m.priors.logSD.draw(rng), m.k, skewPrior.draw(rng)
	if !m.fixed {
		k = math.Log(m.priors.nu.draw(rng))
		q[2] = k
	}
	q[len(q)-1] = skew
	var f jfDensity
	f.set(k, skew)
	q[1] = logSD - math.Log(f.nu*f.variance)/2 - math.Log(f.narrow)
	q[0] = f.narrow * (sharpe*math.Sqrt(f.nu*f.variance) - m.days.rootYear*math.Sqrt(f.nu)*(f.mean-f.mode))
}

// LogPrior returns the log prior density of (sharpe, ln sd, nu, skew) and the log
// Jacobian with which LogDensity takes it to the unconstrained scale. Of theta it
// reads mu, sigma, nu and skew.
func (m *skewStudentTModel) LogPrior(theta []float64) (logPrior, logJacobian float64) {
	mu, sigma, nu, skew := theta[0], theta[1], theta[2], theta[3]
	k, x := math.Log(nu-2), math.Atanh(skew)
	var f jfDensity
	f.set(k, x)
	sd := sigma * math.Sqrt(nu*f.variance)
	sharpe, _ := m.priors.sharpe.logDensity(mu / sd * m.days.rootYear)
	scale, _ := m.priors.logSD.logDensity(math.Log(sd))
	skewed, _ := skewPrior.logDensity(x)
	rest := math.Log1p(-skew * skew) // of dskew/dx
	logPrior, logJacobian = sharpe+scale+skewed-rest, math.Log(sigma/sd/f.narrow)+rest
	if m.fixed {
		return logPrior, logJacobian
	}
	tail, _ := m.priors.nu.logDensityOfLog(k, nu-2)
	return logPrior + tail - k, logJacobian + k
}
