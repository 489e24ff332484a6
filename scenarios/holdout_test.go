package scenarios

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"allocate/bayes"
	"allocate/returns"
)

// TestHoldoutLength says how many returns a second fit is tried on: a year of them, at
// most a fifth, or those since the strategy went live.
func TestHoldoutLength(t *testing.T) {
	series := func(n, live int, f returns.Frequency) *returns.Series {
		s := &returns.Series{Returns: make([]float64, n), Frequency: f}
		for i := range n {
			s.Dates = append(s.Dates, returns.Date(i))
		}
		if live > 0 {
			from := returns.Date(n - live)
			s.Strategy.LiveFrom = &from
		}
		return s
	}
	forty, none := 40, 0
	for _, c := range []struct {
		name string
		o    Options
		s    *returns.Series
		want int
	}{
		{"a year of days", Options{}, series(2520, 0, returns.Daily), 252},
		{"a fifth", Options{}, series(1000, 0, returns.Daily), 200},
		{"a year of weeks", Options{}, series(1000, 0, returns.Weekly), 52},
		{"two years of months", Options{}, series(120, 0, returns.Monthly), 24},
		{"too few", Options{}, series(99, 0, returns.Daily), 0},
		{"just enough", Options{}, series(100, 0, returns.Daily), 20},
		{"as asked", Options{Holdout: &forty}, series(2520, 0, returns.Daily), 40},
		{"not at all", Options{Holdout: &none}, series(2520, 500, returns.Daily), 0},
		{"since live", Options{}, series(2520, 500, returns.Daily), 500},
		{"live, and most of it", Options{}, series(2520, 1700, returns.Daily), 252}, // 820 before are fewer than half of 1,700
		{"live, two thirds", Options{}, series(2520, 1680, returns.Daily), 1680},
		{"live a little", Options{}, series(2520, 19, returns.Daily), 252},
	} {
		if got := c.o.HeldOut(c.s); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// followed is a series with more days.
func followed(s *returns.Series, days ...float64) *returns.Series {
	whole := *s
	whole.Dates, whole.Returns = slices.Clone(s.Dates), slices.Concat(s.Returns, days)
	for len(whole.Dates) < len(whole.Returns) {
		whole.Dates = append(whole.Dates, whole.Dates[len(whole.Dates)-1].AddDays(1))
	}
	return &whole
}

// even is a predictor whose PITs rise evenly from 0 to 1.
type even struct{}

func (even) Mean([]float64) float64       { return 0 }
func (even) Volatility([]float64) float64 { return 0.01 }
func (even) Idle([]float64) float64       { return 0 }
func (even) Path(_, z, r []float64)       { copy(r, z) }
func (even) PIT(_, y, u []float64) {
	for t := range y {
		u[t] = (float64(t%1000) + 0.5) / 1000
	}
}

// Coverage counts the days below and above each quantile.
func TestCoverageCounts(t *testing.T) {
	s := Strategy{
		Series:    &returns.Series{Strategy: returns.Strategy{Name: "a"}, Dates: make([]returns.Date, 1000), Returns: make([]float64, 1000)},
		Posterior: &bayes.Posterior{Strategy: "a", Model: "normal", Names: []string{"mu", "sd"}, Chains: 1, Draws: 50, Values: make([]float64, 100)},
		Predictor: even{},
	}
	c, err := s.Holdout(followed(s.Series, make([]float64, 1000)...), rand.NewPCG(1, 1))
	if err != nil {
		t.Fatal(err)
	}
	if c.Days != 1000 || c.Below1 != 10 || c.Below5 != 50 || c.Above5 != 50 || c.Above1 != 10 {
		t.Errorf("%+v", c)
	}
	want := []StateCoverage{{State: "calm"}, {"middle", Exceedances{1000, 10, 50}, Exceedances{47, 47, 47}}, {State: "high"}} // of 0, above no path
	if !slices.Equal(c.States, want) {
		t.Errorf("%+v, want %+v", c.States, want)
	}
}

// TestStatesOfAHoldout has a calm half and a turbulent one, of a model whose volatility is
// that of the history: losses are too few in one and too many in the other, over days and
// months.
func TestStatesOfAHoldout(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 1))
	y := make([]float64, 2000)
	for k := range y {
		sd := 0.01
		if k >= 1000 {
			sd = 0.004
		}
		if k >= 1500 {
			sd = 0.03
		}
		y[k] = sd * rng.NormFloat64()
	}
	s := fixed(t, "a", y[:1000], [][3]float64{{0, 0.01, 200}, {0, 0.01, 200}})
	c, err := s.Holdout(followed(s.Series, y[1000:]...), rand.NewPCG(1, 1))
	if err != nil {
		t.Fatal(err)
	}
	share := func(e Exceedances) float64 { return float64(e.Below5) / float64(e.Returns) }
	calm, high := c.States[returns.Calm], c.States[returns.High]
	if calm.Day.Returns < 300 || share(calm.Day) > 0.01 || share(high.Day) < 0.2 || share(high.Day) > 0.4 || high.Horizon.Returns < 15 || share(high.Horizon) < 0.1 || share(calm.Horizon) > 0.1 {
		t.Errorf("%+v", c.States)
	}
	found := JudgeHoldout([]*Coverage{c, nil, {Strategy: "b", Days: 5}})
	i := slices.IndexFunc(found, func(f returns.Finding) bool { return f.Code == "scenarios.holdout_states" })
	if i < 0 || found[i].Severity != returns.Warn || math.Abs(found[i].Numbers["high"]-share(high.Day)) > 1e-12 || found[i].Numbers["calm_returns"] != float64(calm.Day.Returns) {
		t.Errorf("%v", found)
	}
}
