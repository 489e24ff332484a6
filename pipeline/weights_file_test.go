package pipeline

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"allocate/config"
	"allocate/optimize"
	"allocate/pipeline/backtest"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/returns"
)

// TestPreviousWeightsAge: weights that take effect in the far future are refused,
// old ones are a finding by their age.
func TestPreviousWeightsAge(t *testing.T) {
	const header = "as_of,effective,strategy,weight\n"
	asOf := returns.NewDate(2022, 12, 28)
	read := func(row string) (*published.Holding, error) {
		path := filepath.Join(t.TempDir(), "w.csv")
		if err := os.WriteFile(path, []byte(header+row), 0o600); err != nil {
			t.Fatal(err)
		}
		return published.ReadWeights(path, 2, asOf)
	}
	if _, err := read("2022-12-27,2099-01-01,a,1\n"); err == nil || !strings.Contains(err.Error(), "take effect long after the as-of date") {
		t.Errorf("%v", err)
	}
	p, err := returns.NewPanel([]returns.Date{returns.NewDate(2021, 1, 4), asOf}, []returns.Strategy{{Name: "a"}}, [][]float64{{0.01, 0.01}})
	if err != nil {
		t.Fatal(err)
	}
	for row, want := range map[string]string{
		"2022-12-27,2022-12-28,a,1\n":    "",
		"2022-12-27,2022-12-28,a,0.97\n": "warn",
		"2022-12-27,2022-12-28,a,0.3\n":  "hold",
		"2022-08-27,2022-08-29,a,1\n":    "warn",
		"1999-08-27,1999-08-30,a,1\n":    "hold",
		"2022-12-27,2022-12-28,ibm,1\n":  "hold",
	} {
		h, err := read(row)
		if err != nil {
			t.Fatal(err)
		}
		fs := checkPrevious(h, p, asOf, optimize.DefaultOptions())
		got := ""
		if len(fs) > 0 {
			got = returns.Worst(fs).String()
		}
		if got != want {
			t.Errorf("%s: %v, want %s", row, fs, want)
		}
	}
}

// TestLimitsMeantInPercent finds limits and rates that were meant in percent.
func TestLimitsMeantInPercent(t *testing.T) {
	five := 5.0
	for key, set := range map[string]func(c *config.Config){
		"":                           func(*config.Config) {},
		"optimize.max_weight":        func(c *config.Config) { c.Optimize.MaxWeight = 10 },
		"optimize.max_cvar":          func(c *config.Config) { c.Optimize.MaxCVaR = &five },
		"optimize.cash_return":       func(c *config.Config) { c.Optimize.CashReturn = 4 },
		"optimize.min_weight":        func(c *config.Config) { c.Optimize.MinWeight = -10 },
		"optimize.bounds[0].max":     func(c *config.Config) { c.Optimize.Bounds = []optimize.Bound{{Name: "a", Max: &five}} },
		"optimize.groups[0].max":     func(c *config.Config) { c.Optimize.Groups = []optimize.Group{{Name: "g", Max: &five}} },
		"optimize.robust_radius":     func(c *config.Config) { c.Optimize.RobustRadius = 1 },
		"returns.max_median_abs":     func(c *config.Config) { c.Returns.MaxMedianAbs = 2 },
		"gates.max_change":           func(c *config.Config) { c.Gates.MaxChange = 30 },
		"optimize.min_annual_return": func(c *config.Config) { c.Optimize.MinAnnualReturn = &five },
	} {
		c := config.Default()
		set(&c)
		fs := looseLimits(&c)
		if key == "" && len(fs) > 0 || key != "" && (len(fs) != 1 || !strings.HasPrefix(fs[0].Sentence, key+" is ")) {
			t.Errorf("%s: %v", key, fs)
		}
	}
}

// TestMostGross is what previous weights may be under some limits.
func TestMostGross(t *testing.T) {
	o := optimize.DefaultOptions()
	three, below := 3.0, -0.1
	for _, c := range []struct {
		change func(o *optimize.Options)
		want   float64
	}{
		{func(*optimize.Options) {}, 2},
		{func(o *optimize.Options) { o.Budget = 2 }, 4},
		{func(o *optimize.Options) { o.MinWeight = -1 }, 10},
		{func(o *optimize.Options) { o.MinWeight, o.MaxLeverage = -1, &three }, 6},
		{func(o *optimize.Options) { o.Bounds = []optimize.Bound{{Name: "a", Min: &below}} }, 10},
	} {
		o := o
		c.change(&o)
		if got := mostGross(o); got != c.want {
			t.Errorf("%+v: %v, want %v", o, got, c.want)
		}
	}
}

// TestPortfolioFiles gives a backtest files that cannot be followed.
func TestPortfolioFiles(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"as_of,effective,strategy,weight\n", "desk.csv: no weights"},
		{"as_of,effective,strategy,weight\n2019-01-02,2019-01-03,strategy_1,1\n", `backtest.portfolios: desk holds "strategy_1" on 2019-01-02, which is not in the data`},
		{"as_of,effective,strategy,weight\n2029-01-02,2029-01-03,strategy_01,1\n", "backtest.portfolios: desk has no weights up to " + halfYear()},
	} {
		b := quickBacktest(t)
		desk := filepath.Join(t.TempDir(), "desk.csv")
		if err := os.WriteFile(desk, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		b.Backtest.End, b.Backtest.Portfolios = halfYear(), []backtest.External{{Name: "desk", Path: desk}}
		var m engine.Memory
		_, err := Backtest(t.Context(), b, nil, &m, time.Now)
		var bad *returns.InputError
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.text, err, c.want)
		}
		if m.Count(engine.StageStarted, "forecasts") != 0 {
			t.Errorf("%q: forecasts were made before it was refused", c.text)
		}
	}
}
