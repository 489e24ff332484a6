package bayes

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"

	"allocate/returns"
)

// The hurdle whose traded days are those of gjr_t: their variance follows the traded
// days before, and neither days out of the market nor days of costs change the variance.
var hurdleGJRT = Family{
	Name:    "hurdle_gjr_t",
	About:   "zero-inflated: Bernoulli for activity, asymmetric GARCH(1,1) for the returns of active days",
	Options: gjrT.Options,

	TargetAccept: gjrT.TargetAccept,
	New: func(s *returns.Series, o Options) (Model, error) {
		o.HalfLife = 0
		m, err := newHurdle(daysOf(s, o), o, active{model: newActiveGJR, shape: activeShape})
		if err != nil {
			return nil, fmt.Errorf("strategy %q: %w", s.Strategy.Name, err)
		}
		inner := m.inner.(activeGJR)
		return hurdleGJRModel{hurdleWithPrior{m, inner}}, nil
	},
	Predictor: func(s *returns.Series) Predictor { return hurdleGJRPredictor{series: s, ends: &sync.Map{}} },
}

func init() { Register(hurdleGJRT) }

// activeGJR is gjr_t with its parameters in the order of a dayModel.
type activeGJR struct{ *gjrModel }

// Places of the parameters of activeGJR: the first activeShape of hurdle_gjr_t.
const (
	activeMu = iota
	activeSD
	activeNu
	activeLambda
	activeGains
	activeLosses
	activeP
	activeKappa
	activeNext
	activeRMS
	activeShape
)

func newActiveGJR(d days, o Options) (dayModel, error) {
	m, err := newGJR(d, o)
	return activeGJR{m}, err
}

func (activeGJR) Names() []string {
	return []string{"mu", "sd_active", "nu", "lambda", "news_gains", "news_losses", "persistence", "kappa", "sd_next", "rms", "sd", "sharpe"}
}

func (m activeGJR) Constrain(q, theta []float64) {
	var t [gjrParameters]float64
	m.gjrModel.Constrain(q, t[:])
	copy(theta, t[:gjrSharpe])
	theta[activeNext], theta[activeRMS], theta[activeShape], theta[activeShape+1] = t[gjrNext], t[gjrRMS], t[gjrSD], t[gjrSharpe]
}

// LogPrior reads theta as far as its shape goes.
func (m activeGJR) LogPrior(theta []float64) (logPrior, logJacobian float64) {
	var t [gjrParameters]float64
	copy(t[:], theta[:gjrSharpe])
	return m.gjrModel.LogPrior(t[:])
}

// hurdleGJRModel is a Valuer.
type hurdleGJRModel struct{ hurdleWithPrior }

func (m hurdleGJRModel) Values(points [][]float64, lp []float64) error {
	n := m.inner.Dim()
	inner := make([][]float64, len(points))
	for k, q := range points {
		inner[k] = q[:n]
	}
	if err := m.inner.(activeGJR).Values(inner, lp); err != nil {
		return err
	}
	for k, q := range points {
		lp[k] += m.activity(q[n:], nil)
	}
	return nil
}

// hurdleGJRPredictor has the parameters of activeGJR up to sd_next, which is of the
// next traded day, then those of every hurdle.
type hurdleGJRPredictor struct {
	series *returns.Series
	ends   *sync.Map // garchEnd by parameters
	own    bool      // sd_next is that of the series
	first  float64   // h_1 of replicated histories; 0: v
}

func (m hurdleGJRPredictor) anchor() Predictor {
	m.own = true
	return m
}

// static is a hurdle without memory, for what does not depend on the state.
func (m hurdleGJRPredictor) static() hurdlePredictor {
	return hurdlePredictor{series: m.series, about: "asymmetric GARCH(1,1)", shape: activeShape}
}

func (m hurdleGJRPredictor) Mean(theta []float64) float64       { return m.static().Mean(theta) }
func (m hurdleGJRPredictor) Volatility(theta []float64) float64 { return m.static().Volatility(theta) }
func (m hurdleGJRPredictor) Sharpe(theta []float64) float64     { return m.static().Sharpe(theta) }
func (m hurdleGJRPredictor) Idle(theta []float64) float64       { return m.static().Idle(theta) }
func (m hurdleGJRPredictor) Findings() []returns.Finding        { return m.static().Findings() }

// activeOf returns the recursion of the traded days at theta.
func activeOf(theta []float64) garch {
	return newGarch(theta[activeMu], theta[activeSD], theta[activeRMS], theta[activeKappa], theta[activeGains], theta[activeLosses], theta[activeP], newSkewT(theta[activeNu], theta[activeLambda]))
}

// trades reports a day that is traded, neither 0 nor one of the costs of theta.
func trades(theta []float64, r float64) bool {
	list, n := atoms(theta[activeShape:])
	for _, a := range list[:n] {
		if r == a.at || a.at != 0 && math.Abs(r-a.at) <= costWidth*math.Abs(a.at) {
			return false
		}
	}
	return true
}

// activeDays are the traded days of a history.
func activeDays(theta, y []float64) (active []float64) {
	for _, r := range y {
		if trades(theta, r) {
			active = append(active, r)
		}
	}
	return active
}

// end goes through the traded days of the series, unless the draw was fitted to it.
func (m hurdleGJRPredictor) end(theta []float64) garchEnd {
	if m.own {
		return garchEnd{activeOf(theta), theta[activeNext] * theta[activeNext]}
	}
	var key [maxInner]float64
	copy(key[:], theta)
	if e, ok := m.ends.Load(key); ok {
		return e.(garchEnd)
	}
	g, y := activeOf(theta), activeDays(theta, m.series.Returns)
	e := garchEnd{g, g.after(m.start(theta, m.series.Returns), y)}
	m.ends.Store(key, e)
	return e
}

// day is the distribution of a day of which h would be the variance if it is traded.
// innovation is the distribution function of the recursion's innovations.
func (g *garch) day(d *dayMixture, innovation func(e float64) float64, theta []float64, h float64) (cdf func(r float64) float64) {
	mean, root := g.mean(h), math.Sqrt(h)
	cdf = func(r float64) float64 { return innovation((r - mean) / root) }
	d.set(theta[activeShape:], cdf)
	return cdf
}

// start returns the variance of the first traded day of a history.
func (hurdleGJRPredictor) start(theta, y []float64) float64 {
	if active := activeDays(theta, y); len(active) > 0 {
		return backcast(active)
	}
	return theta[activeSD] * theta[activeSD]
}

func (m hurdleGJRPredictor) PIT(theta, y, u []float64) {
	g, h := activeOf(theta), m.start(theta, y)
	innovation := g.skew.cdfFor(2 * len(y))
	var d dayMixture
	for t, r := range y {
		cdf := g.day(&d, innovation, theta, h)
		traded := trades(theta, r)
		sum := d.p * cdf(r)
		for _, a := range d.atoms[:d.n] {
			switch {
			case math.Abs(r-a.at) <= costWidth*math.Abs(a.at):
				sum += a.mass / 2
			case r > a.at:
				sum += a.mass
			}
		}
		u[t] = sum
		if traded {
			_, h = g.step(r, h)
		}
	}
}

func (m hurdleGJRPredictor) Path(theta, z, r []float64) { m.path(theta, nil, z, r) }

// PathTrading has the innovation of a trading day, of costs or not, say the same among
// all days as it does among trading days.
func (m hurdleGJRPredictor) PathTrading(theta []float64, trading []bool, z, r []float64) {
	m.path(theta, trading, z, r)
}

func (m hurdleGJRPredictor) path(theta []float64, trading []bool, z, r []float64) {
	e := m.end(theta)
	h := e.next
	var score tScore
	score.set(e.skew.nu)
	var d dayMixture
	var one [1]float64
	idle := m.Idle(theta)
	for t, v := range z {
		cdf := e.day(&d, e.skew.cdf, theta, h)
		if trading != nil {
			if !trading[t] {
				r[t] = 0
				continue
			}
			below, busy := d.p*cdf(0), 1-idle // of a return below 0, and of one that is not 0
			for _, a := range d.atoms[:d.n] {
				if a.at < 0 {
					below += a.mass
				}
			}
			if u := busy * normalCDF(v); u < below {
				v = normalQuantile(u, 1-u)
			} else {
				over := busy * normalCDF(-v)
				v = normalQuantile(1-over, over)
			}
		}
		at, s, traded := d.invert(v)
		if traded {
			one[0] = s
			e.skew.quantiles(&score, one[:], one[:])
			at = max(-1, e.mean(h)+math.Sqrt(h)*one[0])
			_, h = e.step(at, h)
		}
		r[t] = at
	}
}

// Replicate begins with the mean variance.
func (m hurdleGJRPredictor) Replicate(theta []float64, rng *rand.Rand, r []float64) {
	active := newGJRPredictor(nil)
	active.first = m.first
	var t [gjrParameters]float64
	copy(t[:], theta[:gjrSharpe])
	t[gjrRMS] = theta[activeRMS]
	days := 0
	p, k := theta[activeShape], activeShape
	for i := range r {
		r[i] = 0
		if rng.Float64() < p {
			r[i] = math.NaN() // traded: filled below
			days++
		} else if len(theta) > k+3 && rng.Float64() < theta[k+3] {
			r[i] = theta[k+4]
		}
	}
	traded := make([]float64, days)
	active.Replicate(t[:], rng, traded)
	for i, v := range r {
		if math.IsNaN(v) {
			r[i], traded = traded[0], traded[1:]
		}
	}
}
