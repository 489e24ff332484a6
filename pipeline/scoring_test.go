package pipeline

import (
	"math"
	"testing"

	"allocate/config"
	"allocate/reports"
	"allocate/returns"
)

// A return over the horizon is that of weights bought before its first day and
// held; it is known when the panel has its last day.
func TestHorizonReturn(t *testing.T) {
	d := returns.NewDate(2020, 1, 6)
	p, err := returns.NewPanel([]returns.Date{d, d + 1, d + 2, d + 3}, []returns.Strategy{{Name: "a"}, {Name: "b"}},
		[][]float64{{9, 0.1, 0.2, 9}, {9, -0.2, math.NaN(), 0.5}})
	if err != nil {
		t.Fatal(err)
	}
	weights := map[string]float64{"a": 0.5, "b": 0.25}
	if got, over := horizonReturn(p, weights, 1, 2); !over || math.Abs(got-(0.5*0.32-0.25*0.2)) > 1e-15 {
		t.Errorf("two days from the second: %v, %v", got, over)
	}
	if got, over := horizonReturn(p, weights, 3, 1); !over || math.Abs(got-(0.5*9+0.25*0.5)) > 1e-15 {
		t.Errorf("the last day: %v, %v", got, over)
	}
	if _, over := horizonReturn(p, weights, 3, 2); over {
		t.Error("a horizon that is not over is")
	}
}

// TestScoreByHand has 60 forecasts of every return from -0.50 to 0.49 with equal
// chances, one a day over a horizon of two days: every second is tested. Three of
// those, and some between them, lose more than the VaR.
func TestScoreByHand(t *testing.T) {
	c := config.Default()
	c.Scenarios.Horizon = 2
	outcomes := make([]float64, 100)
	for i := range outcomes {
		outcomes[i] = float64(i-50) / 100
	}
	var all []prediction
	for k := range 60 {
		q := prediction{at: k, from: k, outcomes: outcomes, realized: 0.1, over: true}
		switch k {
		case 10, 20, 31, 33: // 31 and 33 share days with those that are tested
			q.realized = -0.6
		case 30:
			q.realized = -0.9
		}
		all = append(all, q)
	}
	all = append(all, prediction{at: 60, from: 60, outcomes: outcomes, over: false})
	rebalances := make([]reports.Rebalance, 61)
	f := (&replay{c: &c}).score(all, rebalances)
	if f == nil || f.Scored != 60 || f.Apart != 30 || f.Riskless != 0 {
		t.Fatalf("%+v", f)
	}
	tail := f.Tail[0] // 5%
	if tail.Exceedances != 3 || math.Abs(float64(tail.Expected)-1.5) > 1e-12 {
		t.Errorf("%v exceedances where %v were expected, want 3 and 1.5", tail.Exceedances, tail.Expected)
	}
	// The mean of -0.6, -0.6 and -0.9; the worst five outcomes are 0.46 to 0.50.
	if math.Abs(float64(tail.MeanLoss)-0.7) > 1e-12 || math.Abs(float64(tail.MeanCVaR)-0.48) > 1e-12 {
		t.Errorf("mean loss %v beyond the VaR, mean CVaR %v, want 0.7 and 0.48", tail.MeanLoss, tail.MeanCVaR)
	}
	if r := rebalances[10]; *r.Realized != -0.6 || *r.PIT != 0 || math.Abs(*r.Expected+0.005) > 1e-15 {
		t.Errorf("%+v", r)
	}
	if r := rebalances[60]; r.Realized != nil || r.PIT != nil || len(r.CVaR) != 2 {
		t.Errorf("a horizon that is not over: %+v", r)
	}
}

// What a forecast is compared with begins when its weights are traded.
func TestForecastsStartAtTrade(t *testing.T) {
	c := tinyBacktest(t)
	c.Backtest.Start = "2019-06-03"
	c.Backtest.Delay, c.Backtest.End = 3, "2020-02-15"
	p := replays(t, c)
	all, err := p.predictions(t.Context(), p.quietly())
	if err != nil || len(all) == 0 {
		t.Fatalf("%d forecasts, %v", len(all), err)
	}
	for _, q := range all {
		d := p.days[q.at]
		first, _ := p.in.panel.Find(d.day + 1)
		want, _ := horizonReturn(p.in.panel, weightsOf(d.decision.Solution), first+3, c.Scenarios.Horizon)
		if q.from != first+3 || math.Abs(q.realized-want) > 1e-15 {
			t.Errorf("%v: from day %d of the panel, return %v; want %d and %v", d.day, q.from, q.realized, first+3, want)
		}
	}
}
