package pipeline

import (
	"math"
	"testing"

	"allocate/config"
	"allocate/pipeline/backtest"
	"allocate/reports"
	"allocate/returns"
)

// TestEveryMetricHasAnInterval expects one around every number of every
// portfolio, where the number is defined.
func TestEveryMetricHasAnInterval(t *testing.T) {
	b := tested(t, quickBacktest(t)).Report
	seen := map[string]bool{}
	for _, m := range b.Metrics {
		if seen[m.Key] {
			t.Errorf("%s is there twice", m.Key)
		}
		seen[m.Key] = true
		if len(m.Values) != len(b.Portfolios) {
			t.Fatalf("%s has %d values for %d portfolios", m.Key, len(m.Values), len(b.Portfolios))
		}
		for k, v := range m.Values {
			value, low, high := float64(v.Value), float64(v.Low), float64(v.High)
			if !math.IsNaN(value) && !(low <= value && value <= high) {
				t.Errorf("%s of %s: %v is not in [%v, %v]", m.Key, b.Portfolios[k].Name, value, low, high)
			}
		}
	}
	for k, p := range b.Portfolios {
		for key, want := range map[string]float64{"turnover": p.Turnover, "trading_costs": p.Cost} {
			v := b.Metric(key).Values[k]
			if float64(v.Value) != want || !(v.Low < v.High) {
				t.Errorf("%s of %s: %+v, want %v", key, p.Name, v, want)
			}
		}
	}
	if !seen["probabilistic_sharpe"] {
		t.Error("no probabilistic Sharpe ratio")
	}
}

// TestTurnoverInterval checks that the first trade counts once in every
// resample, and that equal rebalances leave nothing uncertain.
func TestTurnoverInterval(t *testing.T) {
	c := config.Default()
	p := &replay{c: &c, in: day{panel: &returns.Panel{}}}
	path := &backtest.Path{Days: make([]returns.Date, 252)}
	x := follow("x", path, 252)
	if e := p.yearly(x.Turnover, x.turnovers(), x.entry(), 252); !math.IsNaN(float64(e.Low)) || e.Value != 0 {
		t.Errorf("without a rebalance: %+v", e)
	}
	path.Trades = append(path.Trades, backtest.Trade{Held: true}, backtest.Trade{Turnover: 1, Cost: 0.001})
	x = follow("x", path, 252)
	if e := p.yearly(x.Turnover, x.turnovers(), x.entry(), 252); !math.IsNaN(float64(e.Low)) || e.Value != 1 {
		t.Errorf("with the first trade alone: %+v", e)
	}
	for range 10 {
		path.Trades = append(path.Trades, backtest.Trade{Turnover: 0.25, Cost: 0.0005})
	}
	path.Days = append(path.Days, path.Days...) // two years
	x = follow("x", path, 252)
	if e := p.yearly(x.Turnover, x.turnovers(), x.entry(), 504); e != (reports.Estimate{Value: 1.75, Low: 1.75, High: 1.75}) {
		t.Errorf("equal rebalances: %+v", e)
	}
	path.Trades[5].Turnover, path.Trades[7].Held, path.Trades[7].Turnover = 0.5, true, 0
	x = follow("x", path, 252)
	e := p.yearly(x.Turnover, x.turnovers(), x.entry(), 504)
	if e.Value != 1.75 || !(e.Low < 1.75 && e.Low >= 0.5) || !(e.High > 1.75 && e.High <= 3) {
		t.Errorf("unequal rebalances: %+v", e)
	}
	if x.Held != 2 || x.Trades != 10 || x.entry() != 2 {
		t.Errorf("%d held, %d traded, bought by rebalance %d", x.Held, x.Trades, x.entry())
	}
}
