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
// without bound as sigma falls to 0. The Sharpe ratio and sd reported are
// those of all days: with mean m and variance v of a traded day, the mean is
// p m and the variance p v + p(1-p) m^2.
var hurdleT = Family{
	Name:  "hurdle_student_t",
	About: "Bernoulli for whether the strategy trades on a day, Student-t for the days it does",
	New: func(s *returns.Series, o Options) (ReturnModel, error) {
		m, err := newHurdle(newDays(s.Returns, forgetting(s.Len(), o.HalfLife)), o)
		if err != nil {
			return nil, fmt.Errorf("strategy %q: %w", s.Strategy.Name, err)
		}
		return m, nil
	},
}

type hurdleModel struct {
	t            *studentTModel
	traded, flat float64 // days, weighted
}

// minTraded is the least number of days with a return other than 0.
const minTraded = 10

func newHurdle(all days, o Options) (*hurdleModel, error) {
	var y, w []float64
	for i, r := range all.y {
		if r == 0 {
			continue
		}
		y = append(y, r)
		if all.w != nil {
			w = append(w, all.w[i])
		}
	}
	if len(y) < minTraded {
		return nil, fmt.Errorf("bayes: %d of %d days have a return other than 0; the model needs at least %d", len(y), len(all.y), minTraded)
	}
	d := newDays(y, w)
	t, err := newStudentT(d, o)
	if err != nil {
		return nil, err
	}
	return &hurdleModel{t: t, traded: d.n, flat: all.n - d.n}, nil
}

func (m *hurdleModel) Dim() int { return m.t.Dim() + 1 }
func (m *hurdleModel) Names() []string {
	return []string{"mu", "sigma", "nu", "p_trade", "sd", "sharpe"}
}

// LogDensity adds the Beta-Bernoulli term on x = logit p, Jacobian p(1-p).
func (m *hurdleModel) LogDensity(q, grad []float64) (float64, error) {
	last := len(q) - 1
	lp, err := m.t.LogDensity(q[:last], grad[:last])
	if err != nil {
		return 0, err
	}
	x := q[last]
	p := 1 / (1 + math.Exp(-x))
	lp += -(m.traded+1)*softplus(-x) - (m.flat+1)*softplus(x)
	grad[last] = (m.traded+1)*(1-p) - (m.flat+1)*p
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
	last := len(q) - 1
	m.t.Constrain(q[:last], t[:])
	p := 1 / (1 + math.Exp(-q[last]))
	mu, sd := t[0], t[3]
	theta[0], theta[1], theta[2], theta[3] = mu, t[1], t[2], p
	theta[4] = math.Sqrt(p*sd*sd + p*(1-p)*mu*mu)
	theta[5] = p * mu / theta[4] * math.Sqrt(daysPerYear)
}

func (m *hurdleModel) drawPrior(rng *rand.Rand, q []float64) {
	last := len(q) - 1
	m.t.drawPrior(rng, q[:last])
	p := rng.Float64()
	q[last] = math.Log(p) - math.Log1p(-p)
}

func (m *hurdleModel) guess(q []float64) {
	last := len(q) - 1
	m.t.guess(q[:last])
	q[last] = math.Log((m.traded + 1) / (m.flat + 1))
}

// prepared reduces the Student-t likelihood; logit p stands apart from it.
func (m *hurdleModel) prepared(at []float64, covariance mat.Symmetric) Model {
	n := m.t.Dim()
	block := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			block.SetSym(i, j, covariance.At(i, j))
		}
	}
	fast := *m
	fast.t = m.t.prepared(at[:n], block).(*studentTModel)
	return &fast
}

func (m *hurdleModel) simulate(theta []float64, rng *rand.Rand, r []float64) {
	m.t.simulate(theta[:3], rng, r)
	for i := range r {
		if rng.Float64() >= theta[3] {
			r[i] = 0
		}
	}
}

func (m *hurdleModel) Mean(theta []float64) float64 { return theta[3] * theta[0] }

// Score gives a flat day the middle of the jump that the distribution has at 0.
func (m *hurdleModel) Score(theta []float64, r float64) float64 {
	p := theta[3]
	below := tCDF((r-theta[0])/theta[1], theta[2])
	switch {
	case r < 0:
		return p * below
	case r > 0:
		return p*below + 1 - p
	}
	return p*below + (1-p)/2
}

// Path inverts the distribution of a day: below the jump at 0, on it, above it.
func (m *hurdleModel) Path(theta, z, r []float64) {
	var score tScore
	score.set(theta[2])
	p := theta[3]
	atZero := p * tCDF(-theta[0]/theta[1], theta[2])
	for i, v := range z {
		u := 0.5 * math.Erfc(-v/math.Sqrt2)
		switch {
		case u < atZero:
			v = normalQuantile(u/p, 0.5*math.Erfc(v/math.Sqrt2)/p+1-1/p)
		case u < atZero+1-p:
			r[i] = 0
			continue
		default:
			upper := 0.5 * math.Erfc(v/math.Sqrt2) / p
			v = -normalQuantile(upper, 1-upper)
		}
		r[i] = max(-1, theta[0]+theta[1]*score.at(v))
	}
}

// normalQuantile returns Phi^-1(u), with 1-u given besides so that neither
// tail loses digits.
func normalQuantile(u, complement float64) float64 {
	if u < 0.5 {
		return -math.Sqrt2 * math.Erfcinv(2*u)
	}
	return math.Sqrt2 * math.Erfcinv(2*complement)
}
