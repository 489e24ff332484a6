package reports

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"allocate/returns"
	"allocate/scenarios"
)

func TestRealized(t *testing.T) {
	fan := &scenarios.Fan{Day: []int{5, 10}, Q5: []float64{-0.05, -0.1}, Q25: []float64{-0.02, -0.04}, Q50: []float64{0, 0.01}, Q75: []float64{0.02, 0.04}, Q95: []float64{0.05, 0.1}}
	from := returns.NewDate(2022, 12, 1)
	for _, c := range []struct {
		name     string
		periods  int
		value    float64
		fan      *scenarios.Fan
		q5, pit  float64 // of the band; 0: there is none
		sentence string
		parts    map[string]float64
		missing  int
	}{
		{"on a day of the fan", 5, 0.02, fan, -0.05, 0.75, "Since 2022-12-01 (5 days) the previous weights returned +2.00%, percentile 75 of their forecast (90% band -5.00% to +5.00%).", nil, 0},
		{"between two", 7, -0.008, fan, -0.07, 0.25 + 0.25*(-0.008+0.028)/0.032, "Since 2022-12-01 (7 days) the previous weights returned -0.80%, percentile 41 of their forecast (90% band -7.00% to +7.00%).", nil, 0},
		{"before the first", 1, 0, fan, -0.01, 0.5, "Since 2022-12-01 (1 day) the previous weights returned +0.00%, percentile 50 of their forecast (90% band -1.00% to +1.00%).", nil, 0},
		{"a loss beyond it", 10, -0.2, fan, -0.1, 0.05, "Since 2022-12-01 (10 days) the previous weights returned -20.00%, below the 5% quantile of their forecast, -10.00%. Largest parts: b -0.15 pp, a -0.06 pp.", map[string]float64{"a": -0.0006, "b": -0.0015, "c": 0.00055}, 0},
		{"a gain beyond it", 10, 0.2, fan, -0.1, 0.95, "Since 2022-12-01 (10 days) the previous weights returned +20.00%, above the 95% quantile of their forecast, +10.00%. 2 returns missing, counted as 0.", nil, 2},
		{"after the horizon", 11, 0.2, fan, 0, 0, "Since 2022-12-01 (11 days) the previous weights returned +20.00%.", nil, 0},
		{"no forecast", 3, 0.2, nil, 0, 0, "Since 2022-12-01 (3 days) the previous weights returned +20.00%.", nil, 0},
		{"a damaged forecast", 3, 0.2, &scenarios.Fan{Day: []int{5}, Q5: []float64{1}}, 0, 0, "Since 2022-12-01 (3 days) the previous weights returned +20.00%.", nil, 0},
	} {
		r := (&Realized{Periods: c.periods, Return: c.value, Forecast: c.fan, By: c.parts, Missing: c.missing}).scored()
		switch {
		case c.q5 == 0 && r.Band != nil:
			t.Errorf("%s: %+v", c.name, r.Band)
		case c.q5 != 0 && (r.Band == nil || math.Abs(r.Band.Q5-c.q5) > 1e-12 || math.Abs(r.Band.PIT-c.pit) > 1e-12):
			t.Errorf("%s: %+v, want a 5%% quantile of %v and a PIT of %v", c.name, r.Band, c.q5, c.pit)
		}
		if got := r.sentence(from, returns.Daily); got != c.sentence {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.sentence)
		}
		if r.Forecast != nil {
			t.Errorf("%s: the forecast of the earlier run is published again", c.name)
		}
	}
}

// The index begins with the last decision, and counts the losses beyond the forecasts.
func TestIndexOfRuns(t *testing.T) {
	var runs []IndexRun
	for i, x := range []float64{-0.03, 0.01, -0.06, 0.02} {
		r := &Realized{Periods: 5, Return: x, Forecast: &scenarios.Fan{Day: []int{5}, Q5: []float64{-0.05}, Q25: []float64{-0.02}, Q50: []float64{0}, Q75: []float64{0.02}, Q95: []float64{0.05}}}
		s := &Summary{AsOf: returns.NewDate(2022, 12, 1+7*i), Verdict: "Trade 3.1% of capital.", Realized: r.scored(), Findings: []returns.Finding{
			{Code: "data.gap", Severity: returns.Warn, Sentence: "A gap."}, {Code: "run.change", Severity: returns.Hold, Sentence: "A change."}, {Code: "data.stale", Severity: returns.Info, Sentence: "A note."},
		}}
		runs = append(runs, NewIndexRun(s, 1, "published", IndexLink(s.AsOf.String(), 1)))
	}
	runs[3].Verdict = "No trade: <b>."
	runs = append([]IndexRun{{AsOf: returns.NewDate(2022, 11, 1), Outcome: "published"}}, runs...) // by an earlier version
	var b bytes.Buffer
	if err := WriteIndex(&b, runs, nil, "", nil); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	last := 0
	for _, want := range []string{
		`<p class="verdict"><a href="2022-12-22/r1/tearsheet.html">2022-12-22</a>: No trade: &lt;b&gt;.</p>`,
		"in 1 of 4 runs (expected 0.2)", ">hold</span> A change.", ">warn</span> A gap.", "Return of the previous weights since the previous run",
		"2022-12-22</a> r1", "Trade 3.1% of capital.", "-6.00%<br>", "2022-11-01</a> r0",
	} {
		at := strings.Index(page[last:], want)
		if at < 0 {
			t.Errorf("the index lacks %q, or has it elsewhere", want)
			continue
		}
		last += at
	}
	if strings.Contains(page, "A note.") {
		t.Error("information is among what needs attention")
	}
}
