package bayes

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"allocate/returns"
)

// A hurdle model is for a strategy that is out of the market on many days,
// when its return is exactly 0. Trading and the return of a traded day
// are modeled separately:
//
//	traded_t ~ Bernoulli(p),  p ~ Beta(1, 1)
//	y_t | traded_t ~ a model of returns, of the traded days alone
//
// A plain Student-t collapses onto the zeros instead: its density there grows
// without bound as sigma falls to 0. So would the model of the traded days
// onto the days on which such a strategy only pays to get in or out: nearly
// the same small loss, again and again. Where the data have that spike (see
// findCosts), its days are taken out as well:
//
//	cost_t | not traded_t ~ Bernoulli(p_cost),  p_cost ~ Beta(1, 1)
//	y_t | cost_t = cost,  cost ~ Normal(mean, sd/sqrt(n)) of the days in the spike
//
// and a day that is neither traded nor paid for is 0. The Sharpe ratio and sd
// reported are those of all days.
//
// A hurdle is a combinator: activeModel and activePredictor say what it asks of
// the model of the traded days. p and p_cost are shape, not mean: days have the
// weights of half_life in them.
var (
	hurdleT     = hurdle("hurdle_student_t", "Student-t", studentT, active{newStudentTDays, studentTPredictor{}, 3})
	hurdleSkewT = hurdle("hurdle_skew_t", "skewed Student-t", skewStudentT, active{newSkewStudentTDays, skewStudentTPredictor{}, 4})
)

func init() {
	Register(hurdleT)
	Register(hurdleSkewT)
}

// active is a model of the traded days. shape is the number of its parameters, the
// first of theta and mu the first of them, that say everything; sd and sharpe, the
// last two, follow from them.
type active struct {
	model     func(d days, o Options) (dayModel, error)
	predictor activePredictor
	shape     int
}

// hurdle makes the family of a hurdle with a model of the traded days, whose
// family reads the same options.
func hurdle(name, about string, inner Family, of active) Family {
	return Family{
		Name:    name,
		About:   "zero-inflated: Bernoulli for activity, " + about + " for the returns of active days",
		Options: inner.Options,
		New: func(s *returns.Series, o Options) (Model, error) {
			m, err := newHurdle(daysOf(s, o), o, of)
			if err != nil {
				return nil, fmt.Errorf("strategy %q: %w", s.Strategy.Name, err)
			}
			if prior, is := m.inner.(PriorDensity); is {
				return hurdleWithPrior{m, prior}, nil
			}
			return m, nil
		},
		Predictor: func(s *returns.Series) Predictor {
			return hurdlePredictor{series: s, inner: of.predictor, about: about, shape: of.shape}
		},
	}
}

// dayModel is a model of days with a mean and a standard deviation: mu is its first
// parameter, sd and sharpe its last two.
type dayModel interface {
	Model
	Initializer
	PriorSampler
}

type hurdleModel struct {
	inner        dayModel
	shape        int
	rootYear     float64
	traded, flat float64 // days, weighted; flat includes the days of costs
	costs        *costs  // nil where there is no spike
}

// minTraded is the least number of days with a return other than 0.
const minTraded = 10

func newHurdle(all days, o Options, of active) (*hurdleModel, error) {
	spike := findCosts(all.y)
	var paid days
	traded := all.where(func(i int) bool {
		r := all.y[i]
		if spike.has(r) {
			paid.y, paid.n = append(paid.y, r), paid.n+all.weight(i)
			return false
		}
		return r != 0
	})
	if len(traded.y) < minTraded {
		return nil, fmt.Errorf("bayes: %d of %d returns are not 0; expected at least %d", len(traded.y), len(all.y), minTraded)
	}
	inner, err := of.model(traded, o)
	if err != nil {
		return nil, err
	}
	m := &hurdleModel{inner: inner, shape: of.shape, rootYear: all.rootYear, traded: traded.n, flat: all.n - traded.n}
	if len(paid.y) > 0 {
		m.costs = newCosts(paid)
	}
	return m, nil
}

func (m *hurdleModel) Dim() int {
	if m.costs == nil {
		return m.inner.Dim() + 1
	}
	return m.inner.Dim() + 3
}

func (m *hurdleModel) Names() []string {
	names := append(m.inner.Names()[:m.shape:m.shape], "p_trade", "sd", "sharpe")
	if m.costs != nil {
		names = append(names, "p_cost", "cost")
	}
	return names
}

// LogDensity adds the activity to the traded days.
func (m *hurdleModel) LogDensity(q, grad []float64) (float64, error) {
	n := m.inner.Dim()
	lp, err := m.inner.LogDensity(q[:n], grad[:n])
	if err != nil {
		return 0, err
	}
	return m.activity(q[n:], grad[n:]) + lp, nil
}

// activity returns the Beta-Bernoulli terms on x = logit p, Jacobian p(1-p), and the
// standard normal of the cost, and writes the gradient, if it is not nil.
func (m *hurdleModel) activity(q, grad []float64) (lp float64) {
	bernoulli := func(k int, yes, no float64) {
		x := q[k]
		p := 1 / (1 + math.Exp(-x))
		lp += -(yes+1)*softplus(-x) - (no+1)*softplus(x)
		if grad != nil {
			grad[k] = (yes+1)*(1-p) - (no+1)*p
		}
	}
	bernoulli(0, m.traded, m.flat)
	if m.costs != nil {
		bernoulli(1, m.costs.days, m.flat-m.costs.days)
		lp -= q[2] * q[2] / 2
		if grad != nil {
			grad[2] = -q[2]
		}
	}
	return lp
}

// softplus returns ln(1 + e^x).
func softplus(x float64) float64 {
	if x > 0 {
		return x + math.Log1p(math.Exp(-x))
	}
	return math.Log1p(math.Exp(x))
}

func (m *hurdleModel) Constrain(q, theta []float64) {
	var t [maxInner]float64
	n, k := m.inner.Dim(), m.shape
	m.inner.Constrain(q[:n], t[:k+2])
	copy(theta, t[:k])
	p := 1 / (1 + math.Exp(-q[n]))
	theta[k] = p
	n = k + 3
	if m.costs != nil {
		n = k + 5
		at := m.inner.Dim()
		theta[k+3] = 1 / (1 + math.Exp(-q[at+1]))
		theta[k+4] = m.costs.mean + m.costs.error*q[at+2]
	}
	hurdleMoments(theta[:n], k, t[k], m.rootYear)
}

// hurdleMoments writes sd and sharpe of all days, after the k parameters of the traded days,
// whose standard deviation is sd, and p_trade.
func hurdleMoments(theta []float64, k int, sd, rootYear float64) {
	p, mu := theta[k], theta[0]
	square := p * (sd*sd + mu*mu)
	if len(theta) > k+3 {
		square += (1 - p) * theta[k+3] * theta[k+4] * theta[k+4]
	}
	mean := hurdlePredictor{shape: k}.Mean(theta)
	theta[k+1] = math.Sqrt(square - mean*mean)
	theta[k+2] = mean / theta[k+1] * rootYear
}

// maxInner is the largest number of parameters of a model of the traded days.
const maxInner = 16

func (m *hurdleModel) SamplePrior(rng *rand.Rand, q []float64) {
	n := m.inner.Dim()
	m.inner.SamplePrior(rng, q[:n])
	for k := n; k < min(n+2, len(q)); k++ {
		p := rng.Float64()
		q[k] = math.Log(p) - math.Log1p(-p)
	}
	if m.costs != nil {
		q[n+2] = rng.NormFloat64()
	}
}

// hurdleWithPrior is a hurdle whose model of the traded days knows its prior.
type hurdleWithPrior struct {
	*hurdleModel
	prior PriorDensity
}

// LogPrior is that of the traded days; the probabilities have uniform priors, and
// the distribution of a cost is made of data alone.
func (m hurdleWithPrior) LogPrior(theta []float64) (logPrior, logJacobian float64) {
	k := m.shape
	logPrior, logJacobian = m.prior.LogPrior(theta[:k])
	logJacobian += math.Log(theta[k]) + math.Log1p(-theta[k])
	if m.costs != nil {
		logJacobian += math.Log(theta[k+3]) + math.Log1p(-theta[k+3])
	}
	return logPrior, logJacobian
}

func (m *hurdleModel) Initialize(q []float64) {
	n := m.inner.Dim()
	m.inner.Initialize(q[:n])
	q[n] = math.Log((m.traded + 1) / (m.flat + 1))
	if m.costs != nil {
		q[n+1], q[n+2] = math.Log((m.costs.days+1)/(m.flat-m.costs.days+1)), 0
	}
}

// Reduce reduces the likelihood of the traded days, if it can be; logit p stands
// apart from it.
func (m *hurdleModel) Reduce(at []float64, covariance mat.Symmetric) Model {
	fast := *m
	fast.inner = reducePart(m.inner, at, covariance, 0)
	return &fast
}

// reducePart reduces a part of a model, whose coordinates begin at from.
func reducePart(m dayModel, at []float64, covariance mat.Symmetric, from int) dayModel {
	r, is := m.(Reducer)
	if !is {
		return m
	}
	n := m.Dim()
	block := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			block.SetSym(i, j, covariance.At(from+i, from+j))
		}
	}
	return r.Reduce(at[from:from+n], block).(dayModel)
}
