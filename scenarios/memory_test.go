package scenarios

import (
	"math"
	"math/rand/v2"
	"sort"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat"

	"allocate/bayes"
	"allocate/returns"
)

// walk is a model with memory whose parameters are p, phi and sigma: on a share p
// of the days, independently, it trades and returns phi times the return of the
// day before plus Normal(0, sigma); on the others it returns 0.
type walk struct{ series *returns.Series }

func (walk) Mean([]float64) float64 { return 0 }
func (walk) Volatility(theta []float64) float64 {
	return theta[2] * math.Sqrt(theta[0]/(1-theta[0]*theta[1]*theta[1]))
}
func (walk) Idle(theta []float64) float64 { return 1 - theta[0] }

func (walk) PIT(theta, y, u []float64) {
	before := 0.0
	for t, r := range y {
		v := theta[0] * normalCDF((r-theta[1]*before)/theta[2])
		switch {
		case r == 0:
			v += (1 - theta[0]) / 2
		case r > 0:
			v += 1 - theta[0]
		}
		u[t], before = v, r
	}
}

func (m walk) last() float64 { return m.series.Returns[m.series.Len()-1] }

func (m walk) Path(theta, z, r []float64) {
	before := m.last()
	for t, v := range z {
		center, u := theta[1]*before, normalCDF(v)
		below := theta[0] * normalCDF(-center/theta[2])
		switch {
		case u < below:
			r[t] = center + theta[2]*mathext.NormalQuantile(u/theta[0])
		case u < below+1-theta[0]:
			r[t] = 0
		default:
			r[t] = center + theta[2]*mathext.NormalQuantile((u-(1-theta[0]))/theta[0])
		}
		before = r[t]
	}
}

// tradingWalk can be told on which days it trades.
type tradingWalk struct{ walk }

func (m tradingWalk) PathTrading(theta []float64, trades []bool, z, r []float64) {
	before := m.last()
	for t, v := range z {
		r[t] = 0
		if trades[t] {
			r[t] = theta[1]*before + theta[2]*v
		}
		before = r[t]
	}
}

// walking is a strategy of n days made from the innovations e, which trades
// where its day of five is below traded.
func walking(name string, e []float64, theta []float64, traded int, told bool) Strategy {
	s := &returns.Series{Strategy: returns.Strategy{Name: name}}
	before := 0.0
	for t, x := range e {
		r := 0.0
		if t%5 < traded {
			r = theta[1]*before + theta[2]*x
		}
		s.Dates, s.Returns = append(s.Dates, returns.Date(t)), append(s.Returns, r)
		before = r
	}
	st := Strategy{Series: s, Posterior: &bayes.Posterior{Strategy: name, Model: "walk", Names: []string{"p", "phi", "sigma"}, Chains: 1, Draws: 1, Values: theta}, Predictor: walk{s}}
	if told {
		st.Predictor = tradingWalk{walk{s}}
	}
	return st
}

func innovations(n int) (a, b []float64) {
	a, b = correlated(n, 0.6)
	for i := range a {
		a[i], b[i] = 100*a[i], 100*b[i]
	}
	return a, b
}

// The dependence of models with memory is that of their innovations: the ranks
// are those of the PITs given the past, not those of the returns.
func TestHistoryOfModelsWithMemory(t *testing.T) {
	a, b := innovations(1500)
	theta := []float64{1, 0.9, 0.01}
	s := []Strategy{walking("a", a, theta, 5, false), walking("b", b, theta, 5, false)}
	h, err := newHistory(s, func(n int, f func(j int)) error {
		for j := range n {
			f(j)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	order := func(x []float64) []int {
		list := make([]int, len(x))
		for i := range list {
			list[i] = i
		}
		sort.Slice(list, func(i, j int) bool { return x[list[i]] < x[list[j]] })
		return list
	}
	got, want := order(h.score[0]), order(a)
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("rank %d is day %d, of the innovations day %d", i, got[i], want[i])
		}
	}
	if r := stat.Correlation(h.score[0][1:], h.score[0][:1499], nil); math.Abs(r) > 0.08 {
		t.Errorf("autocorrelation of the scores %.2f: the past is in them", r)
	}
}

// PITs of a model with memory and idle days are uniform, also of days after the
// series, which go on from its last day.
func TestPITWithMemory(t *testing.T) {
	a, _ := innovations(5000)
	theta := []float64{0.6, 0.8, 0.01}
	s := walking("a", a, theta, 3, true)
	u, err := s.PIT(nil, s.Series.Returns)
	if err != nil {
		t.Fatal(err)
	}
	if d := kolmogorov(u); d > 1.95/math.Sqrt(5000) {
		t.Errorf("Kolmogorov distance %.4f", d)
	}
	found, err := s.fits()
	if err != nil || len(found) != 0 {
		t.Errorf("%v, %v", found, err)
	}
	always := walking("b", a[:1000], []float64{1, 0.8, 0.01}, 5, false)
	always.Series.Returns[999] = -0.1
	after, err := always.PIT(always.Series.Returns, []float64{-0.08, -0.08})
	if err != nil || math.Abs(after[0]-0.5) > 1e-12 || after[1] > 0.06 {
		t.Errorf("after a loss of 10%%, one of 8%% is the median and a second one is not: %v, %v", after, err)
	}
	c, err := always.Holdout(followed(always.Series, -0.08, -0.064, -0.0512), rand.NewPCG(1, 1))
	if err != nil || c.Below5 != 0 || c.Above5 != 0 || c.Cone == nil || math.Abs(c.Cone.Q50[0]+0.08) > 0.002 {
		t.Errorf("the cone does not go on from the last day: %+v, %v", c, err)
	}
}

// A strategy with memory that can be told on which days it trades, trades with
// the others of its calendar; one that cannot has idle days of its own.
func TestMemoryModelsShareTradingDays(t *testing.T) {
	a, b := innovations(3000)
	theta := []float64{0.2, 0.3, 0.01}
	for _, told := range []bool{true, false} {
		s := []Strategy{walking("a", a, theta, 1, told), hurdle(t, "b", walking("b", b, theta, 1, false).Series.Returns, 0.2)}
		set := generate(t, s, options(1, 4000), 2)
		both, either, own := 0.0, 0.0, 0.0
		for i := range set.Len() {
			x, y := set.Row(i)[0] != 0, set.Row(i)[1] != 0
			if x && y {
				both++
			}
			if x || y {
				either++
			}
			if x {
				own++
			}
		}
		if math.Abs(own/4000-0.2) > 0.02 {
			t.Errorf("told %v: trades on %.3f of the days", told, own/4000)
		}
		if share := both / either; told != (share > 0.95) {
			t.Errorf("told %v: both trade on %.2f of the days on which one does", told, share)
		}
	}
}

// broken answers what no distribution function answers.
type broken struct{ walk }

func (broken) PIT(_, y, u []float64) {
	for t := range y {
		u[t] = math.NaN()
	}
}

func (broken) Path(_, z, r []float64) {
	for t := range z {
		r[t] = math.Inf(1)
	}
}

// A predictor that is at fault is named; what has no number has no cone.
func TestBrokenPredictor(t *testing.T) {
	a, _ := innovations(100)
	s := walking("a", a, []float64{1, 0.5, 0.01}, 5, false)
	s.Predictor = broken{walk{s.Series}}
	_, err := s.PIT(nil, s.Series.Returns)
	for _, want := range []string{`day 1 of "a" is NaN`, `return model "walk"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	if _, err := newHistory([]Strategy{s}, func(_ int, f func(j int)) error { f(0); return nil }); err == nil {
		t.Error("the history is ranked")
	}
	if c := s.cone([]float64{0.01, 0.02}, rand.NewPCG(1, 1)); c != nil {
		t.Errorf("a cone of infinite returns: %+v", c)
	}
}

// TestHoldoutHorizonsHaveTheirState loses a fifth in a month after a month of daily moves
// of 6%: rare for a strategy of 1% a day, and not so for one whose variance has followed.
func TestHoldoutHorizonsHaveTheirState(t *testing.T) {
	y := make([]float64, 600)
	for k := range y {
		y[k] = 0.01 * float64(1-2*(k%2))
	}
	family, err := bayes.Lookup("gjr_t")
	if err != nil {
		t.Fatal(err)
	}
	s := Strategy{Series: fixed(t, "a", y, [][3]float64{{0, 0.01, 5}}).Series}
	s.Posterior = &bayes.Posterior{
		Strategy: "a", Model: "gjr_t", Chains: 1, Draws: 1, Names: []string{"mu", "sd", "nu", "lambda", "news_gains", "news_losses", "persistence", "kappa", "sharpe", "sd_next", "rms"},
		Values: []float64{0, 0.01, 20, 0, 0.1, 0.1, 0.99, 0, 0, 0.01, 0.01},
	}
	s.Predictor = family.Predictor(s.Series)
	days := make([]float64, 42)
	for k := range days {
		days[k] = 0.06 * float64(1-2*(k%2))
		if k >= 21 {
			days[k] = -0.01
		}
	}
	c, err := s.Holdout(followed(s.Series, days...), rand.NewPCG(1, 1))
	if err != nil {
		t.Fatal(err)
	}
	total := Exceedances{}
	for _, x := range c.States {
		total.add(x.Horizon)
	}
	if total != (Exceedances{Returns: 2}) {
		t.Errorf("months: %+v, want neither beyond the VaR", total)
	}
}
