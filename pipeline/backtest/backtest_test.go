package backtest

import (
	"math"
	"slices"
	"strings"
	"testing"

	"allocate/returns"
)

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s: got %.17g, want %.17g within %g", what, got, want, tol)
	}
}

// weekdays returns n weekdays from a day on.
func weekdays(from returns.Date, n int) []returns.Date {
	var days []returns.Date
	for d := from; len(days) < n; d = d.NextWeekday() {
		days = append(days, d)
	}
	return days
}

// panelOf makes a panel of columns that begin on 2024-01-01, a Monday.
func panelOf(t *testing.T, names []string, columns ...[]float64) *returns.Panel {
	t.Helper()
	var strategies []returns.Strategy
	for _, name := range names {
		strategies = append(strategies, returns.Strategy{Name: name})
	}
	p, err := returns.NewPanel(weekdays(returns.NewDate(2024, 1, 1), len(columns[0])), strategies, columns)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSchedule(t *testing.T) {
	days := weekdays(returns.NewDate(2024, 1, 1), 66) // to 2024-04-01
	days = slices.DeleteFunc(days, func(d returns.Date) bool { return d == returns.NewDate(2024, 2, 29) })
	schedule := func(o Options, listed ...returns.Date) string {
		out, err := Schedule(o, days, days[0], days[len(days)-1], returns.Weekdays(), listed)
		if err != nil {
			return err.Error()
		}
		var text []string
		for _, d := range out {
			text = append(text, d.String())
		}
		return strings.Join(text, " ")
	}
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Schedule: Monthly}, "2024-01-31 2024-02-28 2024-03-29"}, // 29 February is missing; April is not over
		{Options{Schedule: Every, Every: 30}, "2024-01-01 2024-02-12 2024-03-26"},
	} {
		if got := schedule(c.o); got != c.want {
			t.Errorf("%+v: %s, want %s", c.o, got, c.want)
		}
	}
	if got := schedule(Options{Schedule: Weekly}); !strings.HasPrefix(got, "2024-01-05 2024-01-12") || !strings.HasSuffix(got, "2024-03-22 2024-03-29") || strings.Count(got, " ") != 12 {
		t.Errorf("weekly: %s", got)
	}
	if got := schedule(Options{Schedule: Listed}, days[9], days[3], days[9]); got != "2024-01-04 2024-01-12" {
		t.Errorf("listed: %s", got)
	}
	if got := schedule(Options{Schedule: Listed}, returns.NewDate(2024, 2, 29)); !strings.Contains(got, "backtest.dates: no data for 2024-02-29") {
		t.Errorf("a day without returns: %s", got)
	}
	if got := schedule(Options{Schedule: Listed}, returns.NewDate(2025, 1, 1)); !strings.Contains(got, "has no day between") {
		t.Errorf("no day: %s", got)
	}
}

// TestSimulator checks a path that a person can compute: half and half in a
// strategy that gains 10% a day and one that loses 10%.
func TestSimulator(t *testing.T) {
	p := panelOf(t, []string{"down", "up"}, []float64{-0.5, -0.1, -0.1, -0.1, -0.1}, []float64{0.5, 0.1, 0.1, 0.1, 0.1})
	costs := Costs{PerUnit: map[string]float64{"up": 0.01}, Default: 0.02, Fixed: 0.001}
	s := NewSimulator(p, costs, 0, p.Date(0), p.Last())
	if s.Held() != nil {
		t.Error("something is held before the first trade")
	}
	half := map[string]float64{"down": 0.5, "up": 0.5}
	s.Add(Target{Day: p.Date(0), Weights: half})
	if err := s.Until(p.Date(2)); err != nil {
		t.Fatal(err)
	}
	path := s.Path()
	// The first trade: 1 of turnover by halves with cash, 1.5% of half and half,
	// and 0.1% fixed; the day returns 0 before that.
	first := path.Trades[0]
	near(t, "turnover", first.Turnover, 1, 1e-15)
	near(t, "cost", first.Cost, 0.5*0.01+0.5*0.02+0.001, 1e-15)
	near(t, "first day", path.Returns[0], -first.Cost, 1e-15)
	// Then 0.55 and 0.45 of the capital, which return 1%.
	near(t, "second day", path.Returns[1], 0.01, 1e-15)
	near(t, "held", s.Held()["up"], 0.5*1.1*1.1/(0.5*1.21+0.5*0.81), 1e-15)

	// Back to half and half: what has drifted is traded.
	up := s.Held()["up"]
	s.Add(Target{Day: p.Date(2), Weights: half})
	if err := s.Until(p.Date(3)); err != nil {
		t.Fatal(err)
	}
	second := s.Path().Trades[1]
	near(t, "turnover", second.Turnover, up-0.5, 1e-15)
	near(t, "cost", second.Cost, (up-0.5)*0.03+0.001, 1e-15)
	if second.Traded != p.Date(3) {
		t.Errorf("decided on %v, traded on %v", second.Decided, second.Traded)
	}
	if err := s.Until(p.Date(4)); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Path().Days); n != 4 || s.Path().Days[0] != p.Date(1) {
		t.Errorf("%d days from %v", n, s.Path().Days[0])
	}
}

// TestSimulatorRules checks delay, cash, borrowing, the no-trade band, small
// trades, days without a return and a decision that was refused.
func TestSimulatorRules(t *testing.T) {
	nan := math.NaN()
	p := panelOf(t, []string{"a", "b"}, []float64{0.01, 0.01, 0.02, 0.03, nan, 0.01}, []float64{0, 0, 0, 0, 0, 0.01})
	run := func(c Costs, delay int, targets ...Target) *Path {
		s := NewSimulator(p, c, delay, p.Date(0), p.Last())
		for _, target := range targets {
			if err := s.Until(target.Day); err != nil {
				t.Fatal(err)
			}
			s.Add(target)
		}
		if err := s.Until(p.Date(5)); err != nil {
			t.Fatal(err)
		}
		return s.Path()
	}
	all := Target{Day: p.Date(0), Weights: map[string]float64{"a": 1}}

	path := run(Costs{CashReturn: math.Pow(1.0001, 252) - 1}, 1, all)
	near(t, "cash while waiting", path.Returns[0], 0.0001, 1e-12)
	near(t, "the delayed day", path.Returns[1], 0.02, 1e-15)
	near(t, "a day without a return", path.Returns[3], 0, 1e-15)
	if path.Missing != 1 || path.Trades[0].Traded != p.Date(2) {
		t.Errorf("%d missing, traded on %v", path.Missing, path.Trades[0].Traded)
	}

	// Short half, long one and a half; borrowing costs 252 bp a year, 1 bp a day.
	path = run(Costs{Borrow: 0.0252}, 0, Target{Day: p.Date(0), Weights: map[string]float64{"a": 1.5, "b": -0.5}})
	near(t, "long and short", path.Returns[0], 1.5*0.01-0.5*0.0001, 1e-15)
	near(t, "gross", path.Gross[0], 1.5*0.01, 1e-15)

	nearly := Target{Day: p.Date(1), Weights: map[string]float64{"a": 0.99, "b": 0.01}}
	path = run(Costs{NoTrade: 0.02}, 0, all, nearly)
	if x := path.Trades[1]; !x.Held || x.Turnover != 0 || x.Weights["a"] != 1 {
		t.Errorf("within the no-trade band: %+v", x)
	}
	path = run(Costs{MinTrade: 0.015, Default: 0.01}, 0, all, Target{Day: p.Date(1), Weights: map[string]float64{"a": 0.9, "b": 0.01}})
	if x := path.Trades[1]; x.Held || len(x.Weights) != 1 || x.Weights["a"] != 0.9 {
		t.Errorf("a trade of 0.01 below the least of 0.015: %+v", x)
	}
	near(t, "turnover, cash among it", path.Trades[1].Turnover, 0.1, 1e-15)
	path = run(Costs{}, 0, all, Target{Day: p.Date(1), Hold: true})
	if x := path.Trades[1]; !x.Held || x.Weights["a"] != 1 {
		t.Errorf("a refused decision: %+v", x)
	}
	path = run(Costs{}, 0, all, Target{Day: p.Date(5), Weights: map[string]float64{"b": 1}})
	if len(path.Trades) != 1 {
		t.Errorf("a decision on the last day is traded: %+v", path.Trades[1:])
	}

	ruin := panelOf(t, []string{"a"}, []float64{0, 0, -0.5})
	s := NewSimulator(ruin, Costs{}, 0, ruin.Date(0), ruin.Last())
	s.Add(Target{Day: ruin.Date(0), Weights: map[string]float64{"a": 3}})
	if err := s.Until(ruin.Date(2)); err == nil || !strings.Contains(err.Error(), "total loss on 2024-01-03") {
		t.Errorf("three times -50%%: %v", err)
	}
}

// TestDrift is the simulator without trades.
func TestDrift(t *testing.T) {
	p := panelOf(t, []string{"a", "b"}, []float64{0.02, 0.01, -0.03, 0.05}, []float64{0.01, -0.01, 0.02, 0})
	s := NewSimulator(p, Costs{}, 0, p.Date(0), p.Last())
	w := map[string]float64{"a": 0.3, "b": 0.5, Cash: 0.2}
	s.Add(Target{Day: p.Date(0), Weights: w})
	if err := s.Until(p.Date(3)); err != nil {
		t.Fatal(err)
	}
	drifted, since := Drift(w, p, p.Date(0), p.Date(3), 0)
	held := s.Held()
	sum := 0.0
	for name, x := range drifted {
		if x != held[name] {
			t.Errorf("%s: drifted to %v, simulated %v", name, x, held[name])
		}
		sum += x
	}
	near(t, "sum", sum, 1, 1e-15)
	near(t, "return", since.Return, 0.3*1.01*0.97*1.05+0.5*0.99*1.02+0.2-1, 1e-15)
	near(t, "return of a", since.By["a"], 0.3*(1.01*0.97*1.05-1), 1e-15)
	near(t, "return of b", since.By["b"], 0.5*(0.99*1.02-1), 1e-15)
	if since.Periods != 3 || since.Missing != 0 {
		t.Errorf("%+v", since)
	}
	growth := 0.3*1.01*0.97*1.05 + 0.5*0.99*1.02 + 0.2
	near(t, "a", drifted["a"], 0.3*1.01*0.97*1.05/growth, 1e-15)
	near(t, "cash", drifted[Cash], 0.2/growth, 1e-15)
}

func TestOptions(t *testing.T) {
	if err := DefaultOptions().Validate(); err != nil {
		t.Errorf("defaults: %v", err)
	}
	o := DefaultOptions()
	o.Schedule, o.Start, o.End, o.Compare, o.Benchmark, o.Level, o.Replicates, o.NoTrade = "yearly", "2024-02-30", "x", []string{"luck"}, "spx", 2, 5, -1
	o.Sweep = []Sweep{{Key: "backtest.sweep", Values: nil}}
	o.Portfolios = []External{{Name: "allocate"}}
	err := o.Validate()
	for _, part := range []string{"backtest.schedule: \"yearly\"", "backtest.start", "backtest.end", "backtest.compare[0]", "backtest.benchmark", "backtest.level", "backtest.replicates", "backtest.no_trade", "sweep[0].key", "sweep[0].values", "portfolios[0].name", "portfolios[0].path"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not mention %s", err, part)
		}
	}
}

// TestCostIsPaidAtTheTrade: the cost is paid before the return that the weights
// then earn, and a trade of exactly the smallest size is made.
func TestCostIsPaidAtTheTrade(t *testing.T) {
	p := panelOf(t, []string{"a"}, []float64{0, 0.5, 0, 0})
	s := NewSimulator(p, Costs{Default: 0.1, MinTrade: 0.25}, 0, p.Date(0), p.Last())
	s.Add(Target{Day: p.Date(0), Weights: map[string]float64{"a": 1}})
	if err := s.Until(p.Date(1)); err != nil {
		t.Fatal(err)
	}
	near(t, "net of a cost of 10% and a gain of 50%", s.Path().Returns[0], 0.9*1.5-1, 1e-15)
	near(t, "gross", s.Path().Gross[0], 0.5, 1e-15)
	s.Add(Target{Day: p.Date(1), Weights: map[string]float64{"a": 0.75}})
	s.Add(Target{Day: p.Date(2), Weights: map[string]float64{"a": 0.5 + 1e-9}}) // less than the smallest
	if err := s.Until(p.Date(3)); err != nil {
		t.Fatal(err)
	}
	near(t, "a trade of the smallest size", s.Path().Trades[1].Weights["a"], 0.75, 1e-12)
	near(t, "a smaller one", s.Path().Trades[2].Weights["a"], 0.75, 1e-12)
}

// A week of a market that never closes ends on Sunday.
func TestWeeksEndOnSunday(t *testing.T) {
	var days []returns.Date
	for i := range 22 {
		days = append(days, returns.NewDate(2024, 1, 1).AddDays(i))
	}
	got, err := Schedule(Options{Schedule: Weekly}, days, days[0], days[21], returns.EveryDay(), nil)
	if want := []returns.Date{days[6], days[13], days[20]}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
}

// Of two decisions for one session, as those of a Friday and a Saturday are, the
// last one is traded. A change that is just as large as the no-trade band is
// traded, too.
func TestSimulatorBoundaries(t *testing.T) {
	p := panelOf(t, []string{"a", "b"}, []float64{0, 0, 0}, []float64{0, 0, 0})
	path := func(c Costs, targets ...Target) *Path {
		s := NewSimulator(p, c, 0, p.Date(0), p.Last())
		for _, target := range targets {
			s.Add(target)
		}
		if err := s.Until(p.Last()); err != nil {
			t.Fatal(err)
		}
		return s.Path()
	}
	of := func(name string, w float64) Target {
		return Target{Day: p.Date(0), Weights: map[string]float64{name: w}}
	}
	if trades := path(Costs{}, of("a", 1), of("b", 1)).Trades; len(trades) != 1 || trades[0].Weights["b"] != 1 || trades[0].Turnover != 1 {
		t.Errorf("two decisions for one session: %+v", trades)
	}
	if trades := path(Costs{NoTrade: 0.25}, of("a", 0.25)).Trades; len(trades) != 1 || trades[0].Held {
		t.Errorf("a turnover as large as the no-trade band: %+v", trades)
	}
}
