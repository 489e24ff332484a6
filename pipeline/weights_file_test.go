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
	"allocate/returns"
)

// TestParseTargets reads days in any order, and names of any kind.
func TestParseTargets(t *testing.T) {
	text := "\ufeffas_of,effective,strategy,weight\r\n2022-06-01,2022-06-02,b,1\r\n2022-05-02,2022-05-03,\"'=a, b\",-0.25\r\n2022-06-01,2022-06-02,CASH,0\r\n"
	got, err := parseTargets("x.csv", []byte(text), anyGross)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Day != returns.NewDate(2022, 5, 2) || got[0].Weights["=a, b"] != -0.25 || got[1].Weights["b"] != 1 || len(got[1].Weights) != 2 {
		t.Errorf("%+v", got)
	}
}

// TestParseTargetsRefuses says which row and column is wrong, and what would
// not be.
func TestParseTargetsRefuses(t *testing.T) {
	const header = "as_of,effective,strategy,weight\n"
	for _, c := range []struct{ text, want string }{
		{"", "x.csv: the file is empty"},
		{header, "x.csv: no weights; expected rows of as_of,effective,strategy,weight"},
		{"date,effective,strategy,weight\n", `x.csv: row 1: the header is "date,effective,strategy,weight"; expected as_of,effective,strategy,weight`},
		{"as_of,effective,strategy,weight,why\n", "x.csv: row 1: the header is"},
		{header + "2022-06-01,2022-06-02,a\n", "x.csv: row 2: 3 cells"},
		{header + "2022-06-31,2022-07-02,a,1\n", `x.csv: row 2: column "as_of": "2022-06-31": not a date`},
		{header + "2022-06-01,soon,a,1\n", `x.csv: row 2: column "effective": "soon": not a date`},
		{header + "2022-06-01,2022-06-01,a,1\n", `x.csv: row 2: column "effective": "2022-06-01": not after as_of, 2022-06-01`},
		{header + "2022-06-01,2022-06-02,,1\n", `x.csv: row 2: column "strategy": the name is blank`},
		{header + "2022-06-01,2022-06-02,a,+Inf\n", `x.csv: row 2: column "weight": "+Inf": not a finite number`},
		{header + "2022-06-01,2022-06-02,a,NaN\n", `x.csv: row 2: column "weight": "NaN": not a finite number`},
		{header + "2022-06-01,2022-06-02,a,0x1p-2\n", `x.csv: row 2: column "weight": "0x1p-2": not a finite number`},
		{header + "2022-06-01,2022-06-02,a,\"0,5\"\n", `x.csv: row 2: column "weight": "0,5": not a finite number`},
		{header + "2022-06-01,2022-06-02,a,\n", `x.csv: row 2: column "weight": not a finite number`},
		{header + "2022-06-01,2022-06-02,a,1\n2022-06-01,2022-06-02,a,1\n", `x.csv: row 3: column "strategy": "a": it is there twice on 2022-06-01; remove one`},
		{header + "2022-06-01,2022-06-02,a,1\n2022-06-01,2022-06-03,b,1\n", `x.csv: row 3: column "effective": "2022-06-03": 2022-06-01 is there with effective 2022-06-02 and 2022-06-03; keep the rows of one of them`},
		{header + "2022-06-01,2022-06-02,\"a,1\n", "x.csv: row 2: a quote is opened"},
		{header + "2022-06-01,2022-06-02,a,60\n2022-06-01,2022-06-02,b,40\n", `x.csv: row 3: column "weight": the weights of 2022-06-01 sum to 100, in absolute value to 100 times the capital: they are in percent; write fractions of capital`},
		{header + "2022-06-01,2022-06-02,a,8\n2022-06-01,2022-06-02,b,-7\n", `x.csv: row 3: column "weight": the weights of 2022-06-01 sum to 1, in absolute value to 15 times the capital: the largest believed is 10`},
	} {
		_, err := parseTargets("x.csv", []byte(c.text), anyGross)
		var bad *returns.InputError
		if !errors.As(err, &bad) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q:\n%v\nwant %s", c.text, err, c.want)
		}
	}
}

// TestWeightsFileForms reads what spreadsheets and other programs make of a
// weights file: the same weights.
func TestWeightsFileForms(t *testing.T) {
	for name, text := range map[string]string{
		"plain":            "as_of,effective,strategy,weight\n2022-06-01,2022-06-02,a,0.25\n2022-06-01,2022-06-02,b,0.75\n",
		"semicolons":       "as_of;effective;strategy;weight\r\n2022-06-01;2022-06-02;a;0.25\r\n2022-06-01;2022-06-02;b;0.75\r\n",
		"tabs":             "as_of\teffective\tstrategy\tweight\n2022-06-01\t2022-06-02\ta\t0.25\n2022-06-01\t2022-06-02\tb\t0.75\n",
		"separator line":   "sep=;\nas_of;effective;strategy;weight\n2022-06-01;2022-06-02;a;0.25\n2022-06-01;2022-06-02;b;0.75\n",
		"byte order mark":  "\ufeffas_of,effective,strategy,weight\n2022-06-01,2022-06-02,a,0.25\n2022-06-01,2022-06-02,b,0.75\n",
		"all quoted":       "\"as_of\",\"effective\",\"strategy\",\"weight\"\n\"2022-06-01\",\"2022-06-02\",\"a\",\"0.25\"\n\"2022-06-01\",\"2022-06-02\",\"b\",\"0.75\"\n",
		"other order":      "strategy,weight,effective,as_of\nb,0.75,2022-06-02,2022-06-01\n\na,0.25,2022-06-02,2022-06-01\n",
		"percent signs":    "as_of,effective,strategy,weight\n2022-06-01,2022-06-02,a,25%\n2022-06-01,2022-06-02,b,75 %\n",
		"compact dates":    "as_of,effective,strategy,weight\n20220601,20220602,a,0.25\n20220601,20220602,b,7.5e-1\n",
		"blanks around it": "as_of, effective, strategy, weight\n2022-06-01, 2022-06-02, a, 0.25\n2022-06-01, 2022-06-02, b, 0.75\n",
	} {
		got, err := parseTargets("x.csv", []byte(text), anyGross)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(got) != 1 || got[0].Weights["a"] != 0.25 || got[0].Weights["b"] != 0.75 || len(got[0].Weights) != 2 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestWeightsTakeEffect: the weights of a file count from their effective day
// on, whatever day they were decided, and in one order.
func TestWeightsTakeEffect(t *testing.T) {
	const header = "as_of,effective,strategy,weight\n"
	got, err := parseTargets("x.csv", []byte(header+"2022-10-31,2022-12-20,a,1\n2022-12-01,2022-12-22,a,0.5\n"), anyGross)
	if err != nil || got[0].Day != returns.NewDate(2022, 12, 19) || got[1].Day != returns.NewDate(2022, 12, 21) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := parseTargets("x.csv", []byte(header+"2022-10-31,2022-12-20,a,1\n2022-12-01,2022-12-02,a,0.5\n"), anyGross); err == nil || !strings.Contains(err.Error(), "when the weights of the as_of before take effect") {
		t.Errorf("%v", err)
	}
}

// TestPreviousWeightsAge: weights that take effect in the far future are refused,
// old ones are a finding by their age.
func TestPreviousWeightsAge(t *testing.T) {
	const header = "as_of,effective,strategy,weight\n"
	asOf := returns.NewDate(2022, 12, 28)
	read := func(row string) (*Holding, error) {
		path := filepath.Join(t.TempDir(), "w.csv")
		if err := os.WriteFile(path, []byte(header+row), 0o600); err != nil {
			t.Fatal(err)
		}
		return readWeights(path, 2, asOf)
	}
	if _, err := read("2022-12-27,2099-01-01,a,1\n"); err == nil || !strings.Contains(err.Error(), "take effect long after the as-of day") {
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

// TestLooseLimits finds limits and rates that were meant in percent.
func TestLooseLimits(t *testing.T) {
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
		{"as_of,effective,strategy,weight\n2019-01-02,2019-01-03,strategy_1,1\n", `backtest.portfolios: desk holds "strategy_1" on 2019-01-02, which is no strategy of the data`},
		{"as_of,effective,strategy,weight\n2029-01-02,2029-01-03,strategy_01,1\n", "backtest.portfolios: desk has no weights up to 2020-12-15"},
	} {
		b := quickBacktest(t)
		desk := filepath.Join(t.TempDir(), "desk.csv")
		if err := os.WriteFile(desk, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		b.Backtest.End, b.Backtest.Portfolios = "2020-12-15", []backtest.External{{Name: "desk", Path: desk}}
		var m Memory
		_, err := Backtest(t.Context(), b, nil, &m, time.Now)
		var bad *returns.InputError
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.text, err, c.want)
		}
		if m.Count(StageStarted, "forecasts") != 0 {
			t.Errorf("%q: forecasts were made before it was refused", c.text)
		}
	}
}
