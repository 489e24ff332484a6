package pipeline

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"allocate/bayes"
	"allocate/config"
	"allocate/optimize"
	"allocate/pipeline/backtest"
	"allocate/pipeline/engine"
	"allocate/reports"
	"allocate/returns"
)

// quickBacktest is the bundled panel, decided every quarter of a year, small, in
// the cache that the tests share.
func quickBacktest(t testing.TB) *config.Config {
	t.Helper()
	c := config.Default()
	c.Returns.Path, c.Returns.ShortHistory, c.Workers = filepath.Join("..", "testdata", "panels", "sample.csv"), "exclude", 2
	c.Out, c.Cache = filepath.Join(t.TempDir(), "out"), warmCache
	c.Bayes.Chains, c.Bayes.Draws, c.Bayes.MinESS = 2, 400, 100
	c.Scenarios.Count, c.Scenarios.Horizon = 1000, 10
	c.Optimize.CostBP, c.Optimize.MaxWeight, c.Optimize.Indifference = 5, 0.4, 0 // each decision shows
	if testing.Short() {
		fewDraws(&c)
		c.Returns.Path, c.Returns.Window, c.Scenarios.Count = smallPanel(t), "2y", 500
	}
	b := &c.Backtest
	b.Schedule, b.Every, b.Start, b.Replicates = "every", 63, "2019-06-03", 100
	if testing.Short() {
		b.Start = "2021-03-01"
	}
	return &c
}

// halfYear ends quickBacktest after its first decisions.
func halfYear() string {
	if testing.Short() {
		return "2021-09-15"
	}
	return "2020-12-15"
}

// smallPanel is the file of the first five strategies of the bundled panel.
func smallPanel(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "small.csv")
	var text strings.Builder
	for line := range strings.Lines(string(read(t, filepath.Join("..", "testdata", "panels", "sample.csv")))) {
		text.WriteString(strings.Join(strings.Split(strings.TrimSpace(line), ",")[:6], ",") + "\n")
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestBacktestHoldsAsNightlyRun: within the tolerance neither trades, but for the rounding of
// published weights.
func TestBacktestHoldsAsNightlyRun(t *testing.T) {
	c := quickBacktest(t)
	c.Optimize.Indifference = 2
	o := tested(t, c)
	held, b := 0, o.Report.Rebalances
	for _, x := range b[1:] {
		if x.Turnover == 0 {
			held++
		}
	}
	if held == 0 {
		t.Fatalf("none of %d decisions is held", len(b))
	}
	last, before := b[len(b)-1], b[len(b)-2]
	path := filepath.Join(t.TempDir(), "held.csv")
	var rows []string
	for _, line := range strings.SplitAfter(string(read(t, filepath.Join(o.Dir, "weights.csv"))), "\n") {
		if strings.HasPrefix(line, "as_of") || strings.HasPrefix(line, before.AsOf.String()) {
			rows = append(rows, line)
		}
	}
	if err := os.WriteFile(path, []byte(strings.Join(rows, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	night := *c
	night.AsOf, night.Gates.Previous, night.Gates.MaxChange, night.Gates.MaxTurnover = last.AsOf.String(), path, 2, 2
	r, _ := run(t, &night)
	s := r.Decision.Solution
	for i, name := range s.Names {
		if d := s.Weights[i] - last.Weights[name]; math.Abs(d) > 3e-6 {
			t.Errorf("%s is %v at night, %v in the backtest", name, s.Weights[i], last.Weights[name])
		}
	}
	if (s.Method == optimize.Hold) != (last.Turnover == 0) {
		t.Errorf("%s at night, turnover %v in the backtest", s.Method, last.Turnover)
	}
}

// tinyBacktest is quickBacktest of five strategies from few draws.
func tinyBacktest(t testing.TB) *config.Config {
	c := quickBacktest(t)
	c.Returns.Path = smallPanel(t)
	fewDraws(c)
	c.Scenarios.Count = 500
	return c
}

func tested(t testing.TB, c *config.Config, trials ...Trial) *BacktestResult {
	t.Helper()
	o, err := Backtest(t.Context(), c, trials, &engine.Memory{}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestBacktestEqualsNightlyRun expects the weights of the last decision to be, byte
// for byte, the file that the nightly run of that day publishes, which knows
// nothing of the backtest but the weights held.
func TestBacktestEqualsNightlyRun(t *testing.T) {
	limit := 0.15
	for name, change := range map[string]func(*config.Config){
		"costs":    func(*config.Config) {},
		"turnover": func(c *config.Config) { c.Optimize.MaxTurnover = &limit },
		"weighed models": func(c *config.Config) {
			c.Bayes.Model, c.Returns.Path, c.Backtest.Start, c.Backtest.Every = "auto", smallPanel(t), "2021-06-01", 126
			if testing.Short() {
				c.Backtest.Start = "2022-03-01"
			}
		},
		"updated fits": func(c *config.Config) {
			c.Bayes.Refit, c.Returns.Path, c.Backtest.Start, c.Backtest.Every = bayes.RefitMonthly, smallPanel(t), "2022-08-15", 20
			if testing.Short() {
				c.Backtest.Start = "2022-10-14"
			}
		},
		"cash": func(c *config.Config) {
			c.Optimize.Cash, c.Optimize.CashReturn = true, 0.02
			c.Optimize.Objective, c.Optimize.RiskAversion = "utility", 0.05
			if testing.Short() {
				c.Backtest.Start = "2020-06-01" // the last decision trades
			}
		},
		"short": func(c *config.Config) {
			c.Optimize.MinWeight, c.Optimize.BorrowBP = -0.2, 150
		},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && (name == "turnover" || name == "short") {
				t.Skip("the other cases have limits and costs")
			}
			c := quickBacktest(t)
			change(c)
			o := tested(t, c)
			b := o.Report.Rebalances
			last, before := b[len(b)-1], b[len(b)-2]
			// What was held: the decision before, as a weights file.
			held := filepath.Join(t.TempDir(), "held.csv")
			var rows []string
			for _, line := range strings.SplitAfter(string(read(t, filepath.Join(o.Dir, "weights.csv"))), "\n") {
				if strings.HasPrefix(line, "as_of") || strings.HasPrefix(line, before.AsOf.String()) {
					rows = append(rows, line)
				}
			}
			if err := os.WriteFile(held, []byte(strings.Join(rows, "")), 0o600); err != nil {
				t.Fatal(err)
			}
			night := *c
			night.AsOf, night.Gates.Previous = last.AsOf.String(), held
			night.Gates.MaxChange, night.Gates.MaxTurnover = 2, 2
			r, _ := run(t, &night)
			if got, want := read(t, filepath.Join(o.Dir, "last_weights.csv")), read(t, filepath.Join(r.Dir, "weights.csv")); !bytes.Equal(got, want) {
				t.Errorf("the backtest has\n%s\nthe night has\n%s", got, want)
			}
			var s reports.Summary
			if err := json.Unmarshal(read(t, filepath.Join(r.Dir, "summary.json")), &s); err != nil {
				t.Fatal(err)
			}
			if math.Abs(*last.Expected-s.ExpectedRet) > 1e-12 || math.Abs(last.CVaR[0]-s.CVaR) > 1e-9 {
				t.Errorf("return %v and CVaR %v are predicted in the backtest, %v and %v at night", *last.Expected, last.CVaR[0], s.ExpectedRet, s.CVaR)
			}
			if (last.Weights[optimize.Cash] > 0.01) != (name == "cash") {
				t.Errorf("weights %v", last.Weights)
			}
			if short := slices.Min(slices.Collect(maps.Values(last.Weights))) < 0; short != (name == "short") {
				t.Errorf("weights %v", last.Weights)
			}
			if last.Turnover == 0 || math.Abs(last.Turnover-r.Decision.Turnover) > 1e-12 {
				t.Errorf("turnover %v in the backtest, %v at night", last.Turnover, r.Decision.Turnover)
			}
			if name == "turnover" && last.Turnover > limit+1e-5 {
				t.Errorf("turnover %v is above the limit", last.Turnover)
			}
		})
	}
}

// TestNoLookAhead corrupts every return after a day and expects that nothing
// up to that day changes, for any allocator: decisions, weights, returns and
// predictions.
func TestNoLookAhead(t *testing.T) {
	t.Run("quarters", func(t *testing.T) {
		c := tinyBacktest(t)
		if c.Backtest.Start = "2020-06-01"; testing.Short() {
			c.Backtest.Start = "2021-06-01"
		}
		noLookAhead(t, c, 1, 4, 7, 9)
	})
	t.Run("weighed models", func(t *testing.T) {
		if testing.Short() {
			t.Skip("fits two years of three models a strategy")
		}
		c := tinyBacktest(t)
		c.Bayes.Model, c.Backtest.Start, c.Backtest.Every, c.Returns.Window = "auto", "2021-09-01", 85, "10y"
		noLookAhead(t, c, 1)
	})
	t.Run("days, traded later", func(t *testing.T) {
		// Decisions that wait are decided upon again before they are traded.
		if testing.Short() {
			t.Skip("quarters has all allocators; TestForecastsStartAtTrade has a delay")
		}
		c := tinyBacktest(t)
		limit := 0.1
		c.Backtest.Every, c.Backtest.Delay, c.Backtest.Start, c.Backtest.End = 1, 2, "2021-06-01", "2021-06-14"
		c.Optimize.MaxTurnover = &limit
		noLookAhead(t, c, 2, 4, 6)
	})
}

func noLookAhead(t *testing.T, c *config.Config, days ...int) {
	if testing.Short() {
		days = days[1:2]
	}
	clean := tested(t, c).Report
	rows, err := csv.NewReader(bytes.NewReader(read(t, c.Returns.Path))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range days {
		day := clean.Rebalances[k].Day
		spoilt := filepath.Join(t.TempDir(), fmt.Sprint(k, ".csv"))
		var text strings.Builder
		w := csv.NewWriter(&text)
		for i, row := range rows {
			out := append([]string{}, row...)
			if i > 0 && row[0] > day.String() {
				for j := 1; j < len(out); j++ {
					out[j] = fmt.Sprintf("%.6f", 0.03*math.Sin(float64(i*j*k)))
				}
			}
			if err := w.Write(out); err != nil {
				t.Fatal(err)
			}
		}
		w.Flush()
		if err := os.WriteFile(spoilt, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		other := *c
		other.Returns.Path, other.Out = spoilt, filepath.Join(t.TempDir(), "out")
		got := tested(t, &other).Report
		for i := 0; i <= k; i++ {
			a, b := clean.Rebalances[i], got.Rebalances[i]
			if a.Day != b.Day || fmt.Sprint(a.Weights) != fmt.Sprint(b.Weights) || fmt.Sprint(a.VaR, a.CVaR, *a.Expected) != fmt.Sprint(b.VaR, b.CVaR, *b.Expected) {
				t.Errorf("returns after %v change the decision of %v:\n%v\n%v", day, a.Day, a, b)
			}
			// What is traded is known on the day it is traded.
			if a.Traded != nil && *a.Traded <= day && (a.Turnover != b.Turnover || a.Cost != b.Cost) {
				t.Errorf("returns after %v change the trade of %v", day, *a.Traded)
			}
		}
		for j, p := range clean.Portfolios {
			for i, d := range clean.Days {
				if d <= day && p.Returns[i] != got.Portfolios[j].Returns[i] {
					t.Fatalf("returns after %v change what %s earns on %v", day, p.Name, d)
				}
			}
		}
		if clean.Last != got.Last {
			t.Errorf("the backtest ends on %v and %v", clean.Last, got.Last)
		}
		if fmt.Sprint(clean.Portfolios[0].Returns) == fmt.Sprint(got.Portfolios[0].Returns) {
			t.Error("the corruption corrupts nothing")
		}
	}
}

// TestBacktestBytes expects the same files from any number of workers, warm and
// cold.
func TestBacktestBytes(t *testing.T) {
	c := cold(t, tinyBacktest(t))
	if c.Backtest.End = "2021-06-15"; testing.Short() {
		c.Backtest.End = halfYear()
	}
	first := tested(t, c)
	again := tested(t, c)
	if again.Fresh || again.Dir != first.Dir {
		t.Errorf("the same backtest is published again: %s", again.Dir)
	}
	eight := *c
	eight.Workers, eight.Out, eight.Cache = 8, filepath.Join(t.TempDir(), "out"), t.TempDir()
	other := tested(t, &eight)
	for _, name := range []string{"weights.csv", "last_weights.csv", "returns.csv", "rebalances.csv", "metrics.csv", "backtest.json"} {
		if !bytes.Equal(read(t, filepath.Join(first.Dir, name)), read(t, filepath.Join(other.Dir, name))) {
			t.Errorf("%s differs between 2 and 8 workers", name)
		}
	}
}

// TestBacktestContinuesAfterRefusal keeps the current weights on a day that a night would refuse, and
// says so.
func TestBacktestContinuesAfterRefusal(t *testing.T) {
	c := quickBacktest(t)
	c.Returns.Path = filepath.Join("..", "testdata", "panels", "sample.csv") // all ten strategies
	c.Optimize.MaxWeight = 0.12                                              // feasible only with nine strategies or more
	if c.Returns.MinHistory, c.Backtest.Start = 500, "2019-06-03"; testing.Short() {
		c.Backtest.Every = 126
	}
	r := tested(t, c).Report
	refused := 0
	for k, b := range r.Rebalances {
		if b.Refused == "" {
			continue
		}
		refused++
		if !strings.Contains(b.Refused, "optimize: infeasible") && !strings.Contains(b.Refused, "data.no_strategy") {
			t.Errorf("%v: %s", b.Day, b.Refused)
		}
		if b.Turnover != 0 || b.Cost != 0 {
			t.Errorf("%v: refused, but %v was traded", b.Day, b.Turnover)
		}
		if k > 0 && r.Rebalances[k-1].Refused == "" && len(b.Weights) == 0 {
			t.Errorf("%v: nothing is held after a decision", b.Day)
		}
	}
	if refused == 0 || refused == len(r.Rebalances) {
		t.Errorf("%d of %d refused; the test needs both", refused, len(r.Rebalances))
	}
	codes := map[string]returns.Finding{}
	for _, f := range r.Findings {
		codes[f.Code] = f
	}
	if codes["backtest.refused"].Numbers["refused"] != float64(refused) {
		t.Errorf("findings %v", r.Findings)
	}
	// Historical simulation has the same cap, and says so too.
	if f := codes["backtest.compared"]; f.Severity != returns.Warn || !strings.Contains(f.Sentence, "historical_cvar failed on") {
		t.Errorf("finding %v", f)
	}
}

// TestSweep compares configurations and says what the choice is worth.
func TestSweep(t *testing.T) {
	c := quickBacktest(t)
	var trials []Trial
	for _, x := range []float64{0.3, 0.4, 1} {
		one := *c
		one.Optimize.MaxWeight = x
		trials = append(trials, Trial{Values: []string{fmt.Sprint(x)}, Config: &one})
	}
	s := tested(t, c, trials...).Report.Sweep
	if s == nil || len(s.Trials) != 3 || s.Overfit == nil {
		t.Fatalf("sweep %+v", s)
	}
	for _, x := range s.Trials {
		if math.IsNaN(float64(x.Sharpe)) || x.Sharpe > s.Trials[s.Overfit.Best].Sharpe {
			t.Errorf("trial %+v is better than the best", x)
		}
	}
	if p := float64(s.Overfit.PBO); !(p >= 0 && p <= 1) {
		t.Errorf("probability of overfitting %v", p)
	}
	if d := float64(s.Overfit.DeflatedSharpe); !(d >= 0 && d <= 1) {
		t.Errorf("deflated Sharpe ratio %v", d)
	}
	if o := float64(s.Overfit.OutOfSample); math.IsNaN(o) || o > 1.5*math.Abs(float64(s.Trials[s.Overfit.Best].Sharpe))+1 {
		t.Errorf("out of sample %v", o)
	}
}

// TestUniverseByDate lets a strategy enter, and another leave by metadata.
func TestUniverseByDate(t *testing.T) {
	c := quickBacktest(t)
	c.Returns.Path = filepath.Join("..", "testdata", "panels", "sample.csv") // all ten strategies
	about := filepath.Join(t.TempDir(), "about.csv")
	if err := os.WriteFile(about, []byte("strategy,exit\nstrategy_07,2021-03-31\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c.Returns.Metadata = about; testing.Short() {
		c.Backtest.Start, c.Backtest.Every = "2020-06-01", 126
	}
	exit := returns.NewDate(2021, 3, 31)
	before, after := 0.0, 0.0
	for _, b := range tested(t, c).Report.Rebalances {
		if b.Day < exit {
			before += b.Weights["strategy_07"]
		} else {
			after += b.Weights["strategy_07"]
		}
	}
	if before == 0 || after != 0 {
		t.Errorf("weight %v before the exit, %v after it", before, after)
	}
}

// TestBacktestEnds on the day it is told, for every portfolio, though decisions
// fall on that day and files go on.
func TestBacktestEnds(t *testing.T) {
	c := quickBacktest(t)
	desk := filepath.Join(t.TempDir(), "desk.csv")
	text := "as_of,effective,strategy,weight\n2019-01-02,2019-01-03,strategy_01,0.5\n2022-06-01,2022-06-02,strategy_02,1\n"
	if err := os.WriteFile(desk, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Backtest.End, c.Backtest.Delay = halfYear(), 3
	c.Backtest.Portfolios = []backtest.External{{Name: "desk", Path: desk}}
	r := tested(t, c).Report
	if r.Last.String() != halfYear() || len(r.Portfolios) != 7 {
		t.Errorf("ends on %v with %d portfolios", r.Last, len(r.Portfolios))
	}
	for _, p := range r.Portfolios {
		if len(p.Returns) != len(r.Days) {
			t.Errorf("%s has %d returns for %d days", p.Name, len(p.Returns), len(r.Days))
		}
	}
}

// TestOptionsOfAbsentStrategies names strategies that are not always there: what is said of
// them counts when they are.
func TestOptionsOfAbsentStrategies(t *testing.T) {
	c := quickBacktest(t)
	cap, cost := 0.05, 3.0
	c.Optimize.Bounds = []optimize.Bound{{Name: "strategy_05", Max: &cap}, {Name: "strategy_01", Max: &cap}}
	c.Optimize.Costs = []optimize.Cost{{Name: "strategy_01", BP: cost}}
	c.Optimize.Groups = []optimize.Group{{Name: "g", Strategies: []string{"strategy_05", "strategy_01"}, Max: &cap}}
	for _, b := range tested(t, c).Report.Rebalances {
		if b.Refused != "" || b.Weights["strategy_05"]+b.Weights["strategy_01"] > cap+1e-6 {
			t.Errorf("%v: %s, weights %v", b.Day, b.Refused, b.Weights)
		}
	}
	c.Optimize.Groups[0].Strategies[0] = "strategy_5"
	if _, err := Backtest(t.Context(), c, nil, &engine.Memory{}, time.Now); err == nil || !strings.Contains(err.Error(), `no strategy "strategy_5"`) {
		t.Errorf("a name that nobody has: %v", err)
	}
}
