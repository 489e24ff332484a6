package bayes

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"allocate/returns"
)

// The hurdle model is for a strategy that is out of the market on many days,
// when its return is exactly 0. Whether it trades on a day and what it then
// earns are separate:
//
//	traded_t ~ Bernoulli(p),  p ~ Beta(1, 1)
//	y_t | traded_t ~ the Student-t model
//
// A plain Student-t collapses onto the zeros instead: its density there grows
// without bound as sigma falls to 0. So would the Student-t of the traded days
// onto the days on which such a strategy only pays to get in or out: nearly
// the same small loss, again and again. Where the data have that spike (see
// findCosts), its days are taken out as well:
//
//	cost_t | not traded_t ~ Bernoulli(p_cost),  p_cost ~ Beta(1, 1)
//	y_t | cost_t = cost,  cost ~ Normal(mean, sd/sqrt(n)) of the days in the spike
//
// and a day that is neither traded nor paid for is 0. The Sharpe ratio and sd
// reported are those of all days.
var hurdleT = Family{
	Name:    "hurdle_student_t",
	About:   "zero-inflated: Bernoulli for activity, Student-t for the returns of active days",
	Options: studentT.Options,
	New: func(s *returns.Series, o Options) (Model, error) {
		m, err := newHurdle(daysOf(s, o), o)
		if err != nil {
			return nil, fmt.Errorf("strategy %q: %w", s.Strategy.Name, err)
		}
		return m, nil
	},
	Predictor: func(s *returns.Series) Predictor { return hurdlePredictor{s} },
}

func init() { Register(hurdleT) }

type hurdleModel struct {
	t            *studentTModel
	traded, flat float64 // days, weighted; flat includes the days of costs
	costs        *costs  // nil where there is no spike
}

// minTraded is the least number of days with a return other than 0.
const minTraded = 10

func newHurdle(all days, o Options) (*hurdleModel, error) {
	spike := findCosts(all.y)
	var y, w []float64
	var paid days
	for i, r := range all.y {
		weight := 1.0
		if all.w != nil {
			weight = all.w[i]
		}
		switch {
		case r == 0:
		case spike.has(r):
			paid.y, paid.n = append(paid.y, r), paid.n+weight
		default:
			y = append(y, r)
			if all.w != nil {
				w = append(w, weight)
			}
		}
	}
	if len(y) < minTraded {
		return nil, fmt.Errorf("bayes: %d of %d returns are not 0; expected at least %d", len(y), len(all.y), minTraded)
	}
	d := newDays(y, w)
	d.rootYear = all.rootYear
	t, err := newStudentT(d, o)
	if err != nil {
		return nil, err
	}
	m := &hurdleModel{t: t, traded: d.n, flat: all.n - d.n}
	if len(paid.y) > 0 {
		m.costs = newCosts(paid)
	}
	return m, nil
}

func (m *hurdleModel) Dim() int {
	if m.costs == nil {
		return m.t.Dim() + 1
	}
	return m.t.Dim() + 3
}

func (m *hurdleModel) Names() []string {
	names := []string{"mu", "sigma", "nu", "p_trade", "sd", "sharpe"}
	if m.costs != nil {
		names = append(names, "p_cost", "cost")
	}
	return names
}

// LogDensity adds the Beta-Bernoulli terms on x = logit p, Jacobian p(1-p),
// and the standard normal of the cost.
func (m *hurdleModel) LogDensity(q, grad []float64) (float64, error) {
	n := m.t.Dim()
	lp, err := m.t.LogDensity(q[:n], grad[:n])
	if err != nil {
		return 0, err
	}
	bernoulli := func(k int, yes, no float64) {
		x := q[k]
		p := 1 / (1 + math.Exp(-x))
		lp += -(yes+1)*softplus(-x) - (no+1)*softplus(x)
		grad[k] = (yes+1)*(1-p) - (no+1)*p
	}
	bernoulli(n, m.traded, m.flat)
	if m.costs != nil {
		bernoulli(n+1, m.costs.days, m.flat-m.costs.days)
		lp -= q[n+2] * q[n+2] / 2
		grad[n+2] = -q[n+2]
	}
	return lp, nil
}

// softplus returns ln(1 + e^x).
func softplus(x float64) float64 {
	if x > 0 {
		return x + math.Log1p(math.Exp(-x))
	}
	return math.Log1p(math.Exp(x))
}

func (m *hurdleModel) Constrain(q, theta []float64) {
	var t [5]float64
	n := m.t.Dim()
	m.t.Constrain(q[:n], t[:])
	p := 1 / (1 + math.Exp(-q[n]))
	theta[0], theta[1], theta[2], theta[3] = t[0], t[1], t[2], p
	mu, sd := t[0], t[3]
	square := p * (sd*sd + mu*mu)
	if m.costs != nil {
		theta[6] = 1 / (1 + math.Exp(-q[n+1]))
		theta[7] = m.costs.mean + m.costs.error*q[n+2]
		square += (1 - p) * theta[6] * theta[7] * theta[7]
	}
	mean := hurdlePredictor{}.Mean(theta)
	theta[4] = math.Sqrt(square - mean*mean)
	theta[5] = mean / theta[4] * m.t.days.rootYear
}

func (m *hurdleModel) SamplePrior(rng *rand.Rand, q []float64) {
	n := m.t.Dim()
	m.t.SamplePrior(rng, q[:n])
	for k := n; k < min(n+2, len(q)); k++ {
		p := rng.Float64()
		q[k] = math.Log(p) - math.Log1p(-p)
	}
	if m.costs != nil {
		q[n+2] = rng.NormFloat64()
	}
}

// LogPrior is that of the Student-t; the probabilities have uniform priors, and
// the distribution of a cost is made of data alone.
func (m *hurdleModel) LogPrior(theta []float64) (logPrior, logJacobian float64) {
	logPrior, logJacobian = m.t.LogPrior(theta[:3])
	logJacobian += math.Log(theta[3]) + math.Log1p(-theta[3])
	if m.costs != nil {
		logJacobian += math.Log(theta[6]) + math.Log1p(-theta[6])
	}
	return logPrior, logJacobian
}

func (m *hurdleModel) Initialize(q []float64) {
	n := m.t.Dim()
	m.t.Initialize(q[:n])
	q[n] = math.Log((m.traded + 1) / (m.flat + 1))
	if m.costs != nil {
		q[n+1], q[n+2] = math.Log((m.costs.days+1)/(m.flat-m.costs.days+1)), 0
	}
}

// Reduce reduces the Student-t likelihood; logit p stands apart from it.
func (m *hurdleModel) Reduce(at []float64, covariance mat.Symmetric) Model {
	n := m.t.Dim()
	block := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			block.SetSym(i, j, covariance.At(i, j))
		}
	}
	fast := *m
	fast.t = m.t.Reduce(at[:n], block).(*studentTModel)
	return &fast
}
