package bayes

import (
	"fmt"
	"math"
	"math/rand/v2"

	"allocate/bayes/nuts"
	"allocate/returns"
)

// The asymmetric GARCH(1,1) model of Glosten, Jagannathan and Runkle (Journal of
// Finance 48, 1993) with skewed Student-t innovations and the variance in the mean:
//
//	r_t = mu + kappa (h_t - s^2)/s + y_t,   y_t = sqrt(h_t) e_t,   e_t ~ skewT(nu, lambda)
//	h_{t+1} = v (1-p) + alpha y_t^2 + delta y_t |y_t| + beta h_t,   h_1 = backcast
//	beta = p - alpha - delta E[e |e|],   s^2 = mean square of the returns
//
// so that p is the persistence of the variance and v its mean in the long run.
// alpha + delta is the coefficient of gains, alpha - delta that of losses: the sign of
// delta is free, since the volatility of a trend follower rises with gains. kappa lets
// the mean depend on the state: where crashes come when the variance is high, a
// constant mean, which the data weight by 1/h, would be far above their average. mu is
// the mean at the variance s^2 of the history, whatever the skew, the asymmetry and
// kappa, which makes it that of the data: v is known much less, and is up to four
// times s^2. In the long run the mean is mu + kappa (v - s^2)/s.
//
// h_1 is the weighted mean square of the first days (backcast), as is usual: it is
// no parameter, since in a history that hardly varies nothing would pin it down.
//
// h is kept below hMax s^2, where only the days after the worst crashes come, so that
// no path explodes.
//
//	sqrt(P) mu/s               ~ PriorSharpe
//	ln sqrt(v) - ln robust sd  ~ PriorLogSD
//	nu - 2                     ~ PriorNu
//	p                          ~ Beta(40, 2)      90% of half-lives are 6 to 80 days
//	alpha/(p hShare)           ~ Beta(2, 8)       alpha is 2% to 20% of p
//	(alpha-delta)/(2 alpha)    ~ Beta(2, 2)       no side is preferred
//	atanh lambda               ~ Normal(0, 0.25)  skewness is centered on 0
//	kappa                      ~ Normal(0, 0.2)
//
// The sampler moves what the data pin down: of the mean, its value c at the robust
// variance h0 of the data and kappa, mu = c + kappa (s^2 - h0)/s, so that no day's mean
// depends on v; of the variance, v where it hardly persists and v (1-p) where p is near
// 1 (scaleLink), in units of s^2; the shares by links, and ln(nu-2). The links thin the
// tails, such as the one in which p nears 1 at a fixed v.
var gjrT = Family{
	Name:    "gjr_t",
	About:   "asymmetric GARCH(1,1) with skewed Student-t innovations: the variance, and the mean with it, depend on the days before",
	Options: []string{"prior_sharpe", "prior_log_sd", "prior_nu", "horizon"},

	TargetAccept: 0.95,
	New: func(s *returns.Series, o Options) (Model, error) {
		o.HalfLife = 0
		return newGJR(daysOf(s, o), o)
	},
	Predictor: func(s *returns.Series) Predictor { return newGJRPredictor(s) },
}

func init() { Register(gjrT) }

const (
	hShare    = 0.5 // most of the persistence that is news
	skewScale = 0.25
	kappaSD   = 0.2
)

var (
	persistenceLink = link{cubic: 0.3, alpha: 40, beta: 2}
	newsLink        = link{cubic: 0.1, alpha: 2, beta: 8}
	splitLink       = link{cubic: 0.6, alpha: 2, beta: 2}
)

// Coordinates of gjrModel.
const (
	qMu = iota
	qScale
	qPersistence
	qNews
	qSplit
	qTail
	qSkew
	qKappa
	gjrDim
)

type gjrModel struct{ garchDays }

func newGJR(d days, o Options) (*gjrModel, error) {
	data, err := newGarchDays("gjr_t", d, o)
	if err != nil {
		return nil, err
	}
	return &gjrModel{data}, nil
}

func (m *gjrModel) Dim() int { return gjrDim }

// Names are the parameters; sharpe is annual, that of the history, mu/s; sd_next is the
// standard deviation of the day after the series, and rms the s of the series, the same
// in every draw.
func (m *gjrModel) Names() []string {
	return []string{"mu", "sd", "nu", "lambda", "news_gains", "news_losses", "persistence", "kappa", "sharpe", "sd_next", "rms"}
}

// Places of the parameters of gjr_t.
const (
	gjrMu = iota
	gjrSD
	gjrNu
	gjrLambda
	gjrGains
	gjrLosses
	gjrP
	gjrKappa
	gjrSharpe
	gjrNext
	gjrRMS
	gjrParameters
)

// spread is the distance of p from 1 at which the data begin to pin down v (1-p)
// rather than v.
const spread = 0.02

// scaleLink returns ln v of its coordinate, given what p leaves of 1, the slope, the
// log of the slope with its derivative, and the derivative by rest:
//
//	ln v = x - exp(-(x + 1.5)) + ln(1 + spread/rest)
func scaleLink(x, rest float64) (logV, slope, logSlope, dLogSlope, dRest float64) {
	e := math.Exp(-(x + 1.5))
	return x - e + math.Log1p(spread/rest), 1 + e, math.Log1p(e), -e / (1 + e), -spread / (rest * (rest + spread))
}

func invertScale(logV, rest float64) float64 {
	want := logV - math.Log1p(spread/rest)
	x := want
	if x < -1.5 {
		x = -1.5 - math.Log(max(1, -want)) // near the root, where the exponential rules
	}
	for range 60 {
		e := math.Exp(-(x + 1.5))
		step := (x - e - want) / (1 + e)
		if x -= step; math.Abs(step) < 1e-13*(1+math.Abs(x)) {
			break
		}
	}
	return x
}

// LogDensity takes its likelihood from one pass over the days and one back; see forward.
func (m *gjrModel) LogDensity(q, grad []float64) (float64, error) {
	lp, _, err := m.density(q, grad)
	return lp, err
}

// Values takes the first of these passes only.
func (m *gjrModel) Values(points [][]float64, lp []float64) error {
	return m.values(points, lp, func(q []float64) (float64, float64, error) { return m.density(q, nil) })
}

// density returns the log density at q and the variance of the day after the series,
// and writes the gradient, if it is not nil.
func (m *gjrModel) density(q, grad []float64) (lp, end float64, err error) {
	k := m.tailAt(q[qTail])
	excess := math.Exp(k)
	p, rest, pSlope, pLog, pLogSlope := persistenceLink.at(q[qPersistence])
	news, _, newsSlope, newsLog, newsLogSlope := newsLink.at(q[qNews])
	split, _, splitSlope, splitLog, splitLogSlope := splitLink.at(q[qSplit])
	lambda := math.Tanh(q[qSkew])
	logV, scaleSlope, scaleLog, scaleLogSlope, scaleRest := scaleLink(q[qScale], rest)
	v := math.Exp(logV)
	omega := v * rest
	if !(excess > 1e-8) || !(excess < 1e12) || !(math.Abs(logV) < 200) || !(p > 0) || !(rest > 1e-12) || !(news > 0 && news < 1) || !(split > 0 && split < 1) || !(math.Abs(lambda) < 0.999) || !(math.Abs(q[qMu]) < 1e6) || !(math.Abs(q[qKappa]) < 1e3) {
		return 0, 0, fmt.Errorf("bayes: gjr_t at persistence %.6g, nu %.3g, lambda %.3g: %w", p, 2+excess, lambda, nuts.ErrRecoverable)
	}
	s := newSkewT(2+excess, lambda)
	slopes, signed := s.slopes()
	sd := math.Sqrt(v)
	level, slope := q[qMu]/m.rootYear, q[qKappa]
	g := garch{mu: level + slope*(1-m.h0), kappa: slope, square: 1, first: m.first, omega: omega, alpha: p * news * hShare, skew: s}
	tilt := 1 - 2*split // delta/alpha
	g.delta = g.alpha * tilt
	g.beta = p - g.alpha - g.delta*signed
	if !(g.beta >= 0) {
		return 0, 0, fmt.Errorf("bayes: gjr_t with beta %.3g: %w", g.beta, nuts.ErrRecoverable)
	}

	n := float64(len(m.y))
	d := m.forward(&g, level, slope, grad != nil)
	lp = d.likelihood(&s, n)
	if math.IsNaN(lp) || math.IsInf(lp, 0) {
		return 0, 0, fmt.Errorf("bayes: gjr_t at sd %.3g, persistence %.6g: the likelihood is %v: %w", sd, p, lp, nuts.ErrRecoverable)
	}

	sharpe, dSharpe := m.priors.sharpe.logDensity(g.mu * m.rootYear)
	scale, dScale := m.priors.logSD.logDensity(logV / 2)
	skew, kappa := q[qSkew]/skewScale, slope/kappaSD
	lp += sharpe + scale + scaleLog + pLog + newsLog + splitLog - skew*skew/2 - kappa*kappa/2
	tail, dTail := m.tailPrior(q[qTail], k, excess)
	lp += tail
	if grad == nil {
		return lp, d.next, nil
	}

	// Chain rule to the parameters.
	m.backward(&g, &d)
	dNu, dLambda := d.bySkew(&s, &slopes, n)
	d.alpha -= d.beta
	d.delta -= d.beta * signed
	dNu -= d.beta * g.delta * slopes.signed[0]
	dLambda -= d.beta * g.delta * slopes.signed[1]
	dP := d.beta
	d.alpha += d.delta * tilt
	dTilt := d.delta * g.alpha
	dP += d.alpha * news * hShare
	dNews := d.alpha * p * hShare
	dLogV := d.omega*omega + dScale/2

	grad[qMu] = d.level/m.rootYear + dSharpe
	grad[qScale] = dLogV*scaleSlope + scaleLogSlope
	grad[qPersistence] = (dP-d.omega*v-dLogV*scaleRest)*pSlope + pLogSlope
	grad[qNews] = dNews*newsSlope + newsLogSlope
	grad[qSplit] = -2*dTilt*splitSlope + splitLogSlope
	grad[qSkew] = dLambda*(1-lambda*lambda) - skew/skewScale
	grad[qKappa] = d.slope + dSharpe*m.rootYear*(1-m.h0) - kappa/kappaSD
	grad[qTail] = m.tailSlope(dTail, dNu, excess)
	return lp, d.next, nil
}

// at returns the recursion at q and the standard deviation in the long run, in units of
// rms.
func (m *gjrModel) at(q []float64) (g garch, sd float64) {
	k := m.tailAt(q[qTail])
	p, rest, _, _, _ := persistenceLink.at(q[qPersistence])
	news, _, _, _, _ := newsLink.at(q[qNews])
	split, _, _, _, _ := splitLink.at(q[qSplit])
	logV, _, _, _, _ := scaleLink(q[qScale], rest)
	sd = math.Exp(logV / 2)
	alpha := p * news * hShare
	return newGarch(q[qMu]/m.rootYear+q[qKappa]*(1-m.h0), sd, 1, q[qKappa], 2*alpha*(1-split), 2*alpha*split, p, newSkewT(2+math.Exp(k), math.Tanh(q[qSkew]))), sd
}

func (m *gjrModel) Constrain(q, theta []float64) {
	g, sd := m.at(q)
	theta[gjrMu] = g.mu * m.rms
	theta[gjrSD] = sd * m.rms
	theta[gjrNu] = g.skew.nu
	theta[gjrLambda] = g.skew.lambda
	theta[gjrGains] = g.alpha + g.delta
	theta[gjrLosses] = g.alpha - g.delta
	theta[gjrP] = 1 - g.omega/(sd*sd)
	theta[gjrKappa] = g.kappa
	theta[gjrSharpe] = g.mu * m.rootYear
	theta[gjrNext] = math.Sqrt(m.end(q, &g)) * m.rms
	theta[gjrRMS] = m.rms
}

// Initialize takes the mean and the variance of the data, a persistence of 0.97
// and little else.
func (m *gjrModel) Initialize(q []float64) {
	mean := 0.0
	for _, y := range m.y {
		mean += y / float64(len(m.y))
	}
	q[qMu] = mean * m.rootYear
	q[qScale] = invertScale(2*math.Min(0, m.robust+0.3), 0.03)
	q[qPersistence] = persistenceLink.inverse(0.97)
	q[qNews] = newsLink.inverse(0.15)
	q[qSplit] = 0
	q[qTail] = math.Log(5)
	if !math.IsNaN(m.fixed) {
		q[qTail] = 0
	}
	q[qSkew], q[qKappa] = 0, 0
}

// SamplePrior writes a draw of the prior on the unconstrained scale. One whose
// beta would be negative is drawn again, as the density excludes it.
func (m *gjrModel) SamplePrior(rng *rand.Rand, q []float64) {
	for {
		p := persistenceLink.draw(rng)
		q[qPersistence] = persistenceLink.inverse(p)
		q[qNews] = newsLink.inverse(newsLink.draw(rng))
		q[qSplit] = splitLink.inverse(splitLink.draw(rng))
		q[qSkew] = skewScale * rng.NormFloat64()
		if math.IsNaN(m.fixed) {
			q[qTail] = math.Log(m.priors.nu.draw(rng))
		} else {
			q[qTail] = rng.NormFloat64()
		}
		logSD := m.priors.logSD.draw(rng)
		q[qScale] = invertScale(2*logSD, 1-p)
		q[qKappa] = kappaSD * rng.NormFloat64()
		q[qMu] = m.priors.sharpe.draw(rng) - q[qKappa]*(1-m.h0)*m.rootYear
		if g, _ := m.at(q); g.beta >= 0 {
			return
		}
	}
}

// LogPrior returns the log prior density of (sqrt(P) mu/s, ln sd, nu), which the
// configuration sets. The other terms that LogDensity adds to the log likelihood, the
// other priors and the Jacobians, are in logJacobian, so that the sensitivity to the
// prior covers those three only.
func (m *gjrModel) LogPrior(theta []float64) (logPrior, logJacobian float64) {
	logSD := math.Log(theta[gjrSD] / m.rms)
	sharpe, _ := m.priors.sharpe.logDensity(theta[gjrMu] / m.rms * m.rootYear)
	sd, _ := m.priors.logSD.logDensity(logSD)
	logPrior = sharpe + sd
	alpha := (theta[gjrGains] + theta[gjrLosses]) / 2
	skew, kappa := math.Atanh(theta[gjrLambda])/skewScale, theta[gjrKappa]/kappaSD
	_, _, scale, _, _ := scaleLink(invertScale(2*logSD, 1-theta[gjrP]), 1-theta[gjrP])
	logJacobian = scale + persistenceLink.logPrior(theta[gjrP]) + newsLink.logPrior(alpha/(theta[gjrP]*hShare)) +
		splitLink.logPrior(theta[gjrLosses]/(2*alpha)) - skew*skew/2 - kappa*kappa/2
	if math.IsNaN(m.fixed) {
		k := math.Log(theta[gjrNu] - 2)
		tail, _ := m.priors.nu.logDensityOfLog(k, theta[gjrNu]-2)
		logPrior += tail - k
		logJacobian += k
	}
	return logPrior, logJacobian
}
