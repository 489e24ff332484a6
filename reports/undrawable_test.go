package reports

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"allocate/returns"
)

// TestUndrawableChartsAreOmitted: whatever the numbers are, all files are
// written; a chart that cannot be drawn is a note.
func TestUndrawableChartsAreOmitted(t *testing.T) {
	for what, c := range map[string]struct {
		spoil func(b *Backtest)
		notes bool
	}{
		"one day": {func(b *Backtest) {
			b.Days, b.Last, b.Rebalances, b.Forecast = b.Days[:1], b.First, b.Rebalances[:1], nil
			for k := range b.Portfolios {
				b.Portfolios[k].Returns = b.Portfolios[k].Returns[:1]
			}
		}, true},
		"no day": {func(b *Backtest) {
			b.Days, b.Rebalances, b.Forecast = nil, nil, nil
			for k := range b.Portfolios {
				b.Portfolios[k].Returns = nil
			}
		}, true},
		"constant": {func(b *Backtest) {
			for i := range b.Days {
				b.Portfolios[0].Returns[i], b.Portfolios[1].Returns[i] = 0, 0
			}
		}, false},
		"one portfolio": {func(b *Backtest) { b.Portfolios = b.Portfolios[:1]; b.Metrics = nil }, false},
		"NaN":           {func(b *Backtest) { b.Portfolios[0].Returns[5] = math.NaN() }, true},
		"huge":          {func(b *Backtest) { b.Portfolios[0].Returns[5] = math.Inf(1) }, true},
		"NaN forecasts": {func(b *Backtest) {
			b.Rebalances[1].VaR = []float64{math.NaN(), math.Inf(1)}
			*b.Rebalances[1].PIT = math.NaN()
		}, true},
		"NaN weights": {func(b *Backtest) { b.Rebalances[1].Weights["a"] = math.NaN(); b.Rebalances[2].Turnover = math.Inf(1) }, true},
	} {
		if testing.Short() && what != "one day" && what != "NaN" && what != "one portfolio" {
			continue
		}
		b := replayed()
		c.spoil(b)
		page := published(t, b)["tearsheet.html"].String()
		if got := strings.Contains(page, string(notDrawn)); got != c.notes {
			t.Errorf("%s: noted %v", what, got)
		}
		figures, err := BacktestFigures(b)
		if err != nil || len(figures) == 0 {
			t.Fatalf("%s: %v", what, err)
		}
		table := string(figures[len(figures)-1].PNG)
		if got := strings.Contains(table, "no chart of"); got != c.notes {
			t.Errorf("%s: noted %v in figures.csv", what, got)
		}
		for _, f := range figures {
			if len(f.PNG) == 0 || f.File == "" {
				t.Errorf("%s: %q is empty", what, f.Alt)
			}
		}
	}
	for what, spoil := range map[string]func(r *Run){
		"constant draws": func(r *Run) {
			for _, p := range r.Posteriors {
				for i := range p.Values {
					p.Values[i] = p.Values[i%len(p.Names)]
				}
			}
		},
		"zero draws": func(r *Run) {
			for _, p := range r.Posteriors {
				clear(p.Values)
			}
		},
		"NaN draws": func(r *Run) { r.Posteriors[0].Values[7], r.Posteriors[0].Values[9] = math.NaN(), math.NaN() },
		"constant scenarios": func(r *Run) {
			clear(r.Set.Returns)
			r.Solution.CVaR, r.Solution.VaR, r.Solution.Mean = 0, 0, 0
			clear(r.Solution.Contributions)
		},
		"NaN risk":          func(r *Run) { r.Solution.CVaR, r.Solution.Contributions[0] = math.NaN(), math.NaN() },
		"infinite scenario": func(r *Run) { r.Set.Returns[3] = math.Inf(1) },
		"NaN frontier":      func(r *Run) { r.Solution.Frontier.Points[0].Risk = math.NaN() },
		"uncertified": func(r *Run) {
			r.Solution.Certificate.DualBound, r.Solution.Certificate.ExactGap = math.Inf(-1), math.Inf(1)
		},
	} {
		if testing.Short() && what != "constant draws" && what != "NaN risk" && what != "infinite scenario" {
			continue
		}
		r := plausible(3)
		spoil(r)
		var page, summary bytes.Buffer
		if err := WriteTearsheet(&page, r); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if err := WriteSummary(&summary, r); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if strings.HasPrefix(what, "NaN") != strings.Contains(page.String(), string(notDrawn)) && what != "infinite scenario" {
			t.Errorf("%s: noted %v", what, strings.Contains(page.String(), string(notDrawn)))
		}
	}
	var b bytes.Buffer
	run := IndexRun{AsOf: returns.NewDate(2020, 1, 2), CVaR: math.NaN(), Turnover: math.Inf(1)}
	if err := WriteIndex(&b, []IndexRun{run, run}, nil, "", nil); err != nil || strings.Count(b.String(), string(notDrawn)) != 2 {
		t.Errorf("index: %v, %d notes", err, strings.Count(b.String(), string(notDrawn)))
	}
}
