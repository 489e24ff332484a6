package bayes

import (
	"fmt"
	"math"
	"math/rand/v2"

	"allocate/bayes/nuts"
	"allocate/returns"
)

// The exponentially weighted variance of RiskMetrics (1996), with an estimated decay,
// skewed Student-t innovations and the variance in the mean: the small sibling of
// gjr_t,
//
//	r_t = mu + kappa (h_t - s^2)/s + y_t,   y_t = sqrt(h_t) e_t,   e_t ~ skewT(nu, lambda)
//	h_{t+1} = (1-decay) y_t^2 + decay h_t,   h_1 = backcast,   s^2 = mean square of the returns
//
// A variance that has risen stays: the forecast is h_{T+1} for every later day, and
// there is no long-run variance, so that its forecasts for a month are too narrow in
// calm markets and too wide in turbulent ones. sd = s is that of the
// history, and mu the mean at that variance, as in gjr_t.
//
//	sqrt(P) mu/sd ~ PriorSharpe
//	nu - 2        ~ PriorNu
//	decay         ~ Beta(40, 2.5)     90% of half-lives are 5 to 50 days
//	atanh lambda  ~ Normal(0, 0.25)
//	kappa         ~ Normal(0, 0.2)
//
// The model says how a variance goes on, not where histories begin: it replicates
// none, and has no posterior predictive checks.
var ewmaT = Family{
	Name:    "ewma_t",
	About:   "exponentially weighted variance with an estimated decay and skewed Student-t innovations",
	Options: []string{"prior_sharpe", "prior_nu", "horizon"},

	TargetAccept: gjrT.TargetAccept,
	New: func(s *returns.Series, o Options) (Model, error) {
		o.HalfLife = 0
		return newEWMA(daysOf(s, o), o)
	},
	Predictor: func(s *returns.Series) Predictor { return newEWMAPredictor(s) },
}

func init() { Register(ewmaT) }

var decayLink = link{cubic: 0.3, alpha: 40, beta: 2.5}

// Coordinates of ewmaModel: the level and the slope of the mean in the variance as in
// gjrModel, the decay by its link, ln(nu-2) and atanh lambda.
const (
	eMu = iota
	eDecay
	eTail
	eSkew
	eSlope
	ewmaDim
)

// Places of the parameters of ewma_t.
const (
	ewmaMu = iota
	ewmaSD
	ewmaNu
	ewmaLambda
	ewmaDecay
	ewmaKappa
	ewmaSharpe
	ewmaNext
	ewmaParameters
)

type ewmaModel struct{ garchDays }

func newEWMA(d days, o Options) (*ewmaModel, error) {
	data, err := newGarchDays("ewma_t", d, o)
	if err != nil {
		return nil, err
	}
	return &ewmaModel{data}, nil
}

func (m *ewmaModel) Dim() int { return ewmaDim }

func (m *ewmaModel) Names() []string {
	return []string{"mu", "sd", "nu", "lambda", "decay", "kappa", "sharpe", "sd_next"}
}

// LogDensity takes its likelihood as gjr_t does, in units of rms.
func (m *ewmaModel) LogDensity(q, grad []float64) (float64, error) {
	lp, _, err := m.density(q, grad)
	return lp, err
}

// Values is without gradients.
func (m *ewmaModel) Values(points [][]float64, lp []float64) error {
	return m.values(points, lp, func(q []float64) (float64, float64, error) { return m.density(q, nil) })
}

// density returns the log density at q and the variance of the day after the series,
// and writes the gradient, if it is not nil.
func (m *ewmaModel) density(q, grad []float64) (lp, end float64, err error) {
	k := m.tailAt(q[eTail])
	excess := math.Exp(k)
	decay, rest, slope, prior, priorSlope := decayLink.at(q[eDecay])
	lambda := math.Tanh(q[eSkew])
	if !(excess > 1e-8) || !(excess < 1e12) || !(rest > 1e-12) || !(decay > 0) || !(math.Abs(lambda) < 0.999) || !(math.Abs(q[eMu]) < 1e6) || !(math.Abs(q[eSlope]) < 1e3) {
		return 0, 0, fmt.Errorf("bayes: ewma_t at decay %.6g, nu %.3g, lambda %.3g: %w", decay, 2+excess, lambda, nuts.ErrRecoverable)
	}
	level, inMean := q[eMu]/m.rootYear, q[eSlope]
	g := m.recursion(q)
	s := &g.skew
	slopes, _ := s.slopes()
	d := m.forward(&g, level, inMean, grad != nil)
	n := float64(len(m.y))
	lp = d.likelihood(s, n)
	if math.IsNaN(lp) || math.IsInf(lp, 0) {
		return 0, 0, fmt.Errorf("bayes: ewma_t at decay %.6g: the likelihood is %v: %w", decay, lp, nuts.ErrRecoverable)
	}
	sharpe, dSharpe := m.priors.sharpe.logDensity(g.mu * m.rootYear)
	skew, kappa := q[eSkew]/skewScale, inMean/kappaSD
	lp += sharpe + prior - skew*skew/2 - kappa*kappa/2
	tail, dTail := m.tailPrior(q[eTail], k, excess)
	lp += tail
	if grad == nil {
		return lp, d.next, nil
	}
	m.backward(&g, &d)
	dNu, dLambda := d.bySkew(s, &slopes, n)
	grad[eMu] = d.level/m.rootYear + dSharpe
	grad[eDecay] = (d.beta-d.alpha)*slope + priorSlope
	grad[eSkew] = dLambda*(1-lambda*lambda) - skew/skewScale
	grad[eSlope] = d.slope + dSharpe*m.rootYear*(1-m.h0) - kappa/kappaSD
	grad[eTail] = m.tailSlope(dTail, dNu, excess)
	return lp, d.next, nil
}

// recursion returns the recursion at q, in units of rms.
func (m *ewmaModel) recursion(q []float64) garch {
	k := m.tailAt(q[eTail])
	decay, rest, _, _, _ := decayLink.at(q[eDecay])
	return garch{
		mu: q[eMu]/m.rootYear + q[eSlope]*(1-m.h0), kappa: q[eSlope], square: 1,
		first: m.first, alpha: rest, beta: decay, skew: newSkewT(2+math.Exp(k), math.Tanh(q[eSkew])),
	}
}

func (m *ewmaModel) Constrain(q, theta []float64) {
	g := m.recursion(q)
	theta[ewmaMu] = g.mu * m.rms
	theta[ewmaSD] = m.rms
	theta[ewmaNu] = g.skew.nu
	theta[ewmaLambda] = g.skew.lambda
	theta[ewmaDecay] = g.beta
	theta[ewmaKappa] = g.kappa
	theta[ewmaSharpe] = g.mu * m.rootYear
	theta[ewmaNext] = math.Sqrt(m.end(q, &g)) * m.rms
}

// Initialize takes the mean of the data and the decay of RiskMetrics.
func (m *ewmaModel) Initialize(q []float64) {
	mean := 0.0
	for _, y := range m.y {
		mean += y / float64(len(m.y))
	}
	q[eMu], q[eDecay], q[eSkew], q[eSlope] = mean*m.rootYear, decayLink.inverse(0.94), 0, 0
	q[eTail] = math.Log(5)
	if !math.IsNaN(m.fixed) {
		q[eTail] = 0
	}
}

// SamplePrior writes a draw of the prior on the unconstrained scale.
func (m *ewmaModel) SamplePrior(rng *rand.Rand, q []float64) {
	q[eDecay] = decayLink.inverse(decayLink.draw(rng))
	q[eSkew] = skewScale * rng.NormFloat64()
	q[eTail] = rng.NormFloat64()
	if math.IsNaN(m.fixed) {
		q[eTail] = math.Log(m.priors.nu.draw(rng))
	}
	q[eSlope] = kappaSD * rng.NormFloat64()
	q[eMu] = m.priors.sharpe.draw(rng) - q[eSlope]*(1-m.h0)*m.rootYear
}

// LogPrior returns the log prior density of sharpe and nu, which the configuration
// sets; the other priors are with logJacobian, as in gjr_t.
func (m *ewmaModel) LogPrior(theta []float64) (logPrior, logJacobian float64) {
	logPrior, _ = m.priors.sharpe.logDensity(theta[ewmaSharpe])
	skew, kappa := math.Atanh(theta[ewmaLambda])/skewScale, theta[ewmaKappa]/kappaSD
	logJacobian = decayLink.logPrior(theta[ewmaDecay]) - skew*skew/2 - kappa*kappa/2
	if math.IsNaN(m.fixed) {
		k := math.Log(theta[ewmaNu] - 2)
		tail, _ := m.priors.nu.logDensityOfLog(k, theta[ewmaNu]-2)
		logPrior += tail - k
		logJacobian += k
	}
	return logPrior, logJacobian
}

// ewmaPredictor cannot replicate histories: see ewmaT.
type ewmaPredictor struct{ garchPredictor }

func newEWMAPredictor(s *returns.Series) ewmaPredictor {
	p := newGJRPredictor(s).garchPredictor
	p.of, p.places = ewmaOf, garchPlaces{ewmaMu, ewmaSD, ewmaSharpe, ewmaNext, ewmaSD, ewmaKappa}
	return ewmaPredictor{p}
}

func (m ewmaPredictor) anchor() Predictor {
	m.own = true
	return m
}

func ewmaOf(theta []float64) garch {
	sd, decay := theta[ewmaSD], theta[ewmaDecay]
	return garch{
		mu: theta[ewmaMu], kappa: theta[ewmaKappa] / sd, square: sd * sd,
		alpha: 1 - decay, beta: decay, skew: newSkewT(theta[ewmaNu], theta[ewmaLambda]),
	}
}
