package bayes

import (
	"fmt"
	"math"

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
		traded := make([]float64, 0, s.Len())
		for _, r := range s.Returns {
			if r != 0 {
				traded = append(traded, r)
			}
		}
		if len(traded) < 10 {
			return nil, fmt.Errorf("bayes: strategy %q trades on %d of %d days; the model needs at least 10 days with a return other than 0", s.Strategy.Name, len(traded), s.Len())
		}
		t, err := newStudentT(traded, o)
		if err != nil {
			return nil, err
		}
		return &hurdleModel{t: t, traded: float64(len(traded)), flat: float64(s.Len() - len(traded))}, nil
	},
}

type hurdleModel struct {
	t            *studentTModel
	traded, flat float64 // days
}

func (m *hurdleModel) Dim() int { return 4 }
func (m *hurdleModel) Names() []string {
	return []string{"mu", "sigma", "nu", "p_trade", "sd", "sharpe"}
}

// LogDensity adds the Beta-Bernoulli term on x = logit p, Jacobian p(1-p).
func (m *hurdleModel) LogDensity(q, grad []float64) (float64, error) {
	lp, err := m.t.LogDensity(q[:3], grad[:3])
	if err != nil {
		return 0, err
	}
	x := q[3]
	p := 1 / (1 + math.Exp(-x))
	lp += -(m.traded+1)*softplus(-x) - (m.flat+1)*softplus(x)
	grad[3] = (m.traded+1)*(1-p) - (m.flat+1)*p
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
	m.t.Constrain(q[:3], t[:])
	p := 1 / (1 + math.Exp(-q[3]))
	mu, sd := t[0], t[3]
	theta[0], theta[1], theta[2], theta[3] = mu, t[1], t[2], p
	theta[4] = math.Sqrt(p*sd*sd + p*(1-p)*mu*mu)
	theta[5] = p * mu / theta[4] * math.Sqrt(daysPerYear)
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
