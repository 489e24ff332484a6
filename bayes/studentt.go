package bayes

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mathext"

	"allocate/bayes/nuts"
	"allocate/returns"
)

// daysPerYear annualises: Sharpe = mu/sd * sqrt(252).
const daysPerYear = 252

// The Student-t model of daily returns y_1..y_N,
//
//	y_t ~ StudentT(nu, mu, sigma)
//	s  = sqrt(252) mu/sd         ~ Normal(0, SharpePriorSD)
//	ln sd                        ~ Normal(ln robust sd, LogSDPriorSD)
//	nu - 2                       ~ Gamma(NuPriorShape, NuPriorRate)
//
// sigma is the scale; sd = sigma sqrt(nu/(nu-2)) is the standard deviation.
// The default nu = 2 + Gamma(2, 0.1) has density 0 at nu = 2, so that the
// predictive variance has a finite expectation.
//
// Priors are on what people think in, Sharpe and sd; the sampler moves what
// the data pin down, x = sqrt(252) mu/sigma, ln sigma and ln(nu-2). The two
// differ most for heavy tails: as nu falls to 2, sd grows without bound and
// the width of s shrinks with it, a funnel that (x, ln sigma) does not have.
var studentT = Family{
	Name:  "student_t",
	About: "Student-t with location mu, scale sigma and nu > 2 degrees of freedom",
	New: func(s *returns.Series, o Options) (ReturnModel, error) {
		return newStudentT(s.Returns, o)
	},
}

type studentTModel struct {
	y        []float64
	logSD0   float64 // centre of the prior of ln sd
	sharpeSD float64
	logSDSD  float64
	shape    float64
	rate     float64
}

func newStudentT(y []float64, o Options) (*studentTModel, error) {
	sd := robustSD(y)
	if !(sd > 0) {
		return nil, fmt.Errorf("bayes: the %d returns do not vary; a Student-t model has nothing to estimate", len(y))
	}
	return &studentTModel{y: y, logSD0: math.Log(sd), sharpeSD: o.SharpePriorSD, logSDSD: o.LogSDPriorSD, shape: o.NuPriorShape, rate: o.NuPriorRate}, nil
}

// robustSD returns 1.4826 median |y - median y|, the standard deviation of
// Gaussian data that a few wild days do not move; the sample standard
// deviation where more than half of the days are equal.
func robustSD(y []float64) float64 {
	centre := returns.Median(y)
	dev := make([]float64, len(y))
	ss := 0.0
	for i, v := range y {
		dev[i] = math.Abs(v - centre)
		ss += dev[i] * dev[i]
	}
	if mad := 1.4826 * returns.Median(dev); mad > 0 {
		return mad
	}
	return math.Sqrt(ss / float64(len(y)))
}

func (m *studentTModel) Dim() int        { return 3 }
func (m *studentTModel) Names() []string { return []string{"mu", "sigma", "nu", "sd", "sharpe"} }

// LogDensity follows the algebra in which, with c = nu sigma^2 and r = y - mu,
// the data enter through three sums only. With a = ln((nu-2)/nu), s = x e^(a/2)
// and ln sd = ln sigma - a/2; the Jacobian of s is e^(a/2).
func (m *studentTModel) LogDensity(q, grad []float64) (float64, error) {
	x, logSigma, k := q[0], q[1], q[2]
	sigma, excess := math.Exp(logSigma), math.Exp(k)
	nu := 2 + excess
	c, share := nu*sigma*sigma, excess/nu // share = e^a
	mu := x * sigma / math.Sqrt(daysPerYear)
	if !(c > 1e-290 && c < 1e290) || !(math.Abs(mu) < 1e140) || nu > 1e15 || excess < 1e-300 {
		return 0, fmt.Errorf("bayes: student_t at mu %.3g, sigma %.3g, nu %.3g: %w", mu, sigma, nu, nuts.ErrRecoverable)
	}
	sumLog, sumShare, sumU := tSums(m.y, mu, c)
	n := float64(len(m.y))
	lp := n*(logGammaRatio(nu/2)-0.5*math.Log(math.Pi)-0.5*math.Log(c)) - (nu+1)/2*sumLog
	dMu := (nu + 1) * sumU
	dLogC := -n/2 + (nu+1)/2*sumShare
	dNu := n/2*(mathext.Digamma((nu+1)/2)-mathext.Digamma(nu/2)) - sumLog/2

	a := math.Log(share)
	s := x * math.Sqrt(share) / m.sharpeSD
	l := (logSigma - a/2 - m.logSD0) / m.logSDSD
	lp += -s*s/2 + a/2 - l*l/2 + m.shape*k - m.rate*excess
	grad[0] = dMu*sigma/math.Sqrt(daysPerYear) - s*math.Sqrt(share)/m.sharpeSD
	grad[1] = dMu*mu + 2*dLogC - l/m.logSDSD
	grad[2] = dLogC*share + dNu*excess + m.shape - m.rate*excess + (1-s*s+l/m.logSDSD)/nu
	return lp, nil
}

// tSums returns L = sum ln(1 + r^2/c), S = sum r^2/(c + r^2) and
// U = sum r/(c + r^2) over r = y - mu, with one logarithm for many days (of
// their running product) and one division for four.
func tSums(y []float64, mu, c float64) (sumLog, sumShare, sumU float64) {
	inv := 1 / c
	product := 1.0
	var sumInv float64 // sum of 1/t, t = 1 + r^2/c
	i := 0
	for ; i+4 <= len(y); i += 4 {
		r0, r1, r2, r3 := y[i]-mu, y[i+1]-mu, y[i+2]-mu, y[i+3]-mu
		t0, t1, t2, t3 := 1+r0*r0*inv, 1+r1*r1*inv, 1+r2*r2*inv, 1+r3*r3*inv
		t01, t23 := t0*t1, t2*t3
		all := t01 * t23
		if all > 1e100 { // days far out in the tail: one by one
			for _, r := range [4]float64{r0, r1, r2, r3} {
				t := 1 + r*r*inv
				sumLog += math.Log(t)
				sumInv += 1 / t
				sumU += r / t
			}
			continue
		}
		d := 1 / all
		d01, d23 := d*t23, d*t01 // 1/(t0 t1), 1/(t2 t3)
		sumInv += d01*(t0+t1) + d23*(t2+t3)
		sumU += d01*(r0*t1+r1*t0) + d23*(r2*t3+r3*t2)
		if product *= all; product > 1e200 {
			sumLog += math.Log(product)
			product = 1
		}
	}
	for ; i < len(y); i++ {
		r := y[i] - mu
		t := 1 + r*r*inv
		sumLog += math.Log(t)
		sumInv += 1 / t
		sumU += r / t
	}
	return sumLog + math.Log(product), float64(len(y)) - sumInv, sumU * inv
}

func (m *studentTModel) Constrain(q, theta []float64) {
	sigma, excess := math.Exp(q[1]), math.Exp(q[2])
	nu := 2 + excess
	root := math.Sqrt(excess / nu)
	theta[0] = q[0] * sigma / math.Sqrt(daysPerYear)
	theta[1] = sigma
	theta[2] = nu
	theta[3] = sigma / root
	theta[4] = q[0] * root
}

func (m *studentTModel) Mean(theta []float64) float64 { return theta[0] }

func (m *studentTModel) Score(theta []float64, r float64) float64 {
	return tCDF((r-theta[0])/theta[1], theta[2])
}

func (m *studentTModel) Path(theta, z, r []float64) {
	var score tScore
	score.set(theta[2])
	for i, v := range z {
		// A loss beyond everything is a total loss: a simple return cannot be lower.
		r[i] = max(-1, theta[0]+theta[1]*score.at(v))
	}
}
