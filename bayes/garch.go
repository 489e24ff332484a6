package bayes

import (
	"errors"
	"fmt"
	"math"
	"sync"

	"allocate/bayes/nuts"
)

// garchDays are the days of a model whose variance depends on the days before.
type garchDays struct {
	y        []float64 // returns in units of rms
	rms      float64
	robust   float64 // ln of the robust sd in units of rms
	rootYear float64
	priors   priors
	fixed    float64 // ln(nu-2) where it is not estimated, else NaN
	h0       float64 // robust variance
	first    float64 // h_1

	work garchWork // of the log density
	ends *sync.Map // h_{T+1} where values were taken, by coordinates
}

const garchFewest = 60 // days

func newGarchDays(family string, d days, o Options) (m garchDays, err error) {
	p, err := o.priors()
	if err != nil {
		return m, err
	}
	if len(d.y) < garchFewest {
		return m, fmt.Errorf("bayes: %s needs %d returns, there are %d; use student_t for a history this short", family, garchFewest, len(d.y))
	}
	sd, squares := robustSD(d.y), 0.0
	for _, v := range d.y {
		squares += v * v
	}
	if !(sd > 0) {
		return m, fmt.Errorf("bayes: the %d returns do not vary; %s has nothing to estimate", len(d.y), family)
	}
	return garchIn(math.Sqrt(squares/float64(len(d.y))), sd, d, p), nil
}

// garchIn takes days in a unit, with the prior of ln sd about that of sd.
func garchIn(unit, sd float64, d days, p priors) garchDays {
	n := len(d.y)
	m := garchDays{rms: unit, robust: math.Log(sd / unit), rootYear: d.rootYear, priors: p, fixed: math.NaN(), ends: &sync.Map{}}
	m.priors.logSD, m.h0 = p.logSD.shifted(m.robust), math.Exp(2*m.robust)
	if p.nu.family == "fixed" {
		m.fixed = math.Log(p.nu.location - 2)
	}
	m.y, m.work = make([]float64, n), newGarchWork(n)
	for i, v := range d.y {
		m.y[i] = v / unit
	}
	if m.first = m.h0; n > 0 {
		m.first = backcast(m.y)
	}
	return m
}

// values writes the log densities at several points, and remembers the variances after
// the last day that come with them.
func (m *garchDays) values(points [][]float64, lp []float64, density func(q []float64) (lp, end float64, err error)) error {
	for k, q := range points {
		v, end, err := density(q)
		switch {
		case errors.Is(err, nuts.ErrRecoverable):
			lp[k] = math.Inf(-1)
			continue
		case err != nil:
			return err
		}
		lp[k] = v
		m.ends.Store(pointOf(q), end)
	}
	return nil
}

// end returns the variance of the day after the series for the recursion g at q.
func (m *garchDays) end(q []float64, g *garch) float64 {
	if end, known := m.ends.Load(pointOf(q)); known {
		return end.(float64)
	}
	return g.after(m.first, m.y)
}

func pointOf(q []float64) (key [gjrDim]float64) {
	copy(key[:], q)
	return key
}

// garch is the recursion at a point, in any unit of returns.
type garch struct {
	mu, kappa                 float64
	square                    float64 // s^2, the mean square of the history
	first                     float64 // h_1
	omega, alpha, delta, beta float64
	skew                      skewT
}

// hMax is the largest variance of a day, in mean squares of the history: 7 times its
// volatility. Ten years of returns come near it in 2008 and 2020 only.
const hMax = 50.

func (g *garch) mean(h float64) float64 { return g.mu + g.kappa*(h-g.square) }

// step returns y_t and h_{t+1} for a return r and h_t = h.
func (g *garch) step(r, h float64) (y, next float64) {
	y = r - g.mean(h)
	return y, min(g.omega+(g.alpha*y+g.delta*math.Abs(y))*y+g.beta*h, hMax*g.square)
}

// backcast is the variance of the first day of a history: the weighted mean square
// of its first days, the weights of which halve in 11 days. Where these hardly vary
// it is a hundredth of the mean square of all days.
func backcast(history []float64) float64 {
	sum, weights, w, all := 0.0, 0.0, 1.0, 0.0
	for _, r := range history {
		all += r * r
	}
	for _, r := range history[:min(len(history), 75)] {
		sum += w * r * r
		weights += w
		w *= 0.94
	}
	return max(sum/weights, 0.01*all/float64(len(history)))
}

// after returns the variance of the day after a history whose first day has
// variance h.
func (g *garch) after(h float64, history []float64) float64 {
	omega, beta, slope, constant, most := g.omega, g.beta, g.kappa, g.kappa*g.square-g.mu, hMax*g.square
	news := [2]float64{g.alpha + g.delta, g.alpha - g.delta}
	for _, r := range history { // as forward does
		c := r + constant
		in := news[math.Float64bits(c)>>63]
		x := in * c
		next := (omega + x*c) + h*((beta-2*x*slope)+in*slope*slope*h)
		if y := c - slope*h; y*c < 0 {
			next = omega + news[math.Float64bits(y)>>63]*y*y + beta*h
		}
		if next > most {
			next = most
		}
		h = next
	}
	return h
}

// newGarch makes the recursion from its parameters; rms is that of the history.
func newGarch(mu, sd, rms, kappa, gains, losses, p float64, s skewT) garch {
	g := garch{mu: mu, kappa: kappa / rms, square: rms * rms, omega: sd * sd * (1 - p), alpha: (gains + losses) / 2, delta: (gains - losses) / 2, skew: s}
	g.beta = p - g.alpha - g.delta*s.signed()
	return g
}

// tailAt returns ln(nu-2), where q is its coordinate.
func (m *garchDays) tailAt(q float64) float64 {
	if math.IsNaN(m.fixed) {
		return q
	}
	return m.fixed
}

// tailPrior returns the log prior of the coordinate q of ln(nu-2) = k, and its slope
// beside that of the likelihood. Where nu is fixed nothing depends on the coordinate,
// which keeps a standard normal; tailSlope knows that.
func (m *garchDays) tailPrior(q, k, excess float64) (lp, slope float64) {
	if math.IsNaN(m.fixed) {
		return m.priors.nu.logDensityOfLog(k, excess)
	}
	return -q * q / 2, -q
}

// tailSlope adds the slope of the likelihood, by nu, to that of tailPrior.
func (m *garchDays) tailSlope(prior, dNu, excess float64) float64 {
	if math.IsNaN(m.fixed) {
		return dNu*excess + prior
	}
	return prior
}

// likelihood returns the log likelihood of n days with the innovations s.
func (d *garchSums) likelihood(s *skewT, n float64) float64 {
	return n*s.logBC + s.nu/2*d.logH - (s.nu+1)/2*d.logTail
}

// bySkew returns the derivatives of the log likelihood of n days by nu and lambda, but
// for what comes through the recursion.
func (d *garchSums) bySkew(s *skewT, slopes *skewSlopes, n float64) (dNu, dLambda float64) {
	lambda := s.lambda
	dNu = 0.5*(d.logH-d.logTail) - d.k*s.k*s.k + d.a*slopes.a[0] + d.b*slopes.b[0] + n*(slopes.logB[0]+slopes.logC[0])
	dLambda = d.a*slopes.a[1] + d.b*slopes.b[1] + n*slopes.logB[1] +
		d.side[0]*2/((1-lambda)*(1-lambda)*(1-lambda)) - d.side[1]*2/((1+lambda)*(1+lambda)*(1+lambda))
	return dNu, dLambda
}
