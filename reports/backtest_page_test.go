package reports

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
	"testing"

	"allocate/returns"
)

// replayed is a backtest of two portfolios over three years with numbers of
// usual size.
func replayed() *Backtest {
	wave := func(i, j int) float64 { return math.Sin(float64(i*7919+j*104729) * 0.618) }
	b := &Backtest{
		First: returns.NewDate(2019, 11, 4), Horizon: 21, Alpha: 0.95, Level: 0.9, Benchmark: "equal_weight", Decimals: 6,
		Findings: []returns.Finding{{Code: "backtest.missing", Severity: returns.Warn, Sentence: `A strategy named "<b>" had no return on 3 days.`}},
	}
	for d := b.First; len(b.Days) < 760; d++ {
		if wd := d.Time().Weekday(); wd != 0 && wd != 6 {
			b.Days = append(b.Days, d)
		}
	}
	b.Last = b.Days[len(b.Days)-1]
	for k, name := range []string{"allocate", "equal_weight"} {
		p := Portfolio{Name: name, Turnover: 1.234 + float64(k), Cost: 0.00123, Trades: 12}
		for i := range b.Days {
			p.Returns = append(p.Returns, 0.0002+0.008*wave(i, k))
		}
		p.Gross = p.Returns
		b.Portfolios = append(b.Portfolios, p)
	}
	for k, key := range []string{"cagr", "annual_volatility", "sharpe", "max_drawdown", "cvar", "longest_drawdown"} {
		m := MetricRow{Key: key, Name: "Metric " + key, Unit: []string{"per year", "per year", "", "fraction", "fraction", "periods"}[k], Formula: "a < b", Source: "someone 1999"}
		for j := range b.Portfolios {
			v := 0.0123*float64(k+1) + 0.001*float64(j)
			if key == "longest_drawdown" {
				v = 217
			}
			m.Values = append(m.Values, Estimate{Number(v), Number(v * 0.7), Number(v * 1.4)})
		}
		b.Metrics = append(b.Metrics, m)
	}
	for k := 0; k < len(b.Days)-30; k += 60 {
		day := b.Days[k]
		traded, expected, realized, pit := b.Days[k+1], 0.004, 0.02*wave(k, 3), 0.5+0.4*wave(k, 4)
		b.Rebalances = append(b.Rebalances, Rebalance{
			Day: day, AsOf: day, Effective: traded, Traded: &traded, Method: "vertex", Turnover: 0.2 + 0.1*wave(k, 5), Cost: 0.0001,
			Weights: map[string]float64{"a": 0.6 + 0.1*wave(k, 6), "b": -0.2, "<i>c</i>": 0.6 - 0.1*wave(k, 6)}, Contributions: map[string]float64{"a": 0.02, "b": -0.001, "<i>c</i>": 0.01},
			Expected: &expected, Realized: &realized, PIT: &pit, CRPS: &expected, VaR: []float64{0.02, 0.03}, CVaR: []float64{0.025, 0.035},
		})
	}
	b.Forecast = &Forecast{
		Scored: 13, Apart: 12, Levels: []float64{0.05, 0.01}, PIT: Test{0.1, 0.43}, CRPS: 0.01234, CRPSNaive: 0.0125,
		Tail: []TailScore{
			{0.05, 2, 0.6, Test{1, 0.12}, Test{1, 0.8}, Test{1, 0.21}, Test{-0.3, 0.33}, 0.0251, 0.0301},
			{0.01, 0, 0.12, Test{1, 0.62}, Test{Number(math.NaN()), Number(math.NaN())}, Test{1, 0.9}, Test{0.1, 0.81}, 0.0352, Number(math.NaN())},
		},
	}
	b.Sweep = &Sweep{
		Keys: []string{"optimize.max_weight"}, Trials: []SweepTrial{{Values: []string{"0.3"}, Return: 0.021, Sharpe: 0.41, CVaR: 0.011}, {Values: []string{"0.6"}, Return: Number(math.NaN()), Sharpe: Number(math.NaN()), CVaR: Number(math.NaN())}},
		Overfit: &Overfit{PBO: 0.37, DeflatedSharpe: 0.82, OutOfSample: 0.28, Blocks: 10},
	}
	return b
}

// published writes the files of a backtest.
func published(t *testing.T, b *Backtest) map[string]*bytes.Buffer {
	t.Helper()
	files := map[string]*bytes.Buffer{}
	for _, f := range BacktestFiles() {
		files[f.Name] = &bytes.Buffer{}
		if err := f.Write(files[f.Name], b); err != nil {
			t.Fatal(f.Name, err)
		}
	}
	return files
}

// TestBacktestPageMatchesPublishedFiles reads the tear sheet of a backtest back and
// compares every number of its tables with backtest.json, or computes it anew
// from returns.csv.
func TestBacktestPageMatchesPublishedFiles(t *testing.T) {
	files := published(t, replayed())
	var b Backtest
	if err := json.Unmarshal(files["backtest.json"].Bytes(), &b); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(files["returns.csv"]).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	text := files["tearsheet.html"].String()
	same := func(what string, got, want []string) {
		t.Helper()
		if strings.Join(got, " ; ") != strings.Join(want, " ; ") {
			t.Errorf("%s: the page has %q, the artifact %q", what, got, want)
		}
	}
	pct := func(digits int, x float64) string { return fmt.Sprintf("%.*f%%", digits, 100*x) }
	or := func(x Number, format string, by float64) string {
		if math.IsNaN(float64(x)) {
			return "–"
		}
		return fmt.Sprintf(format, by*float64(x))
	}
	shown := func(m MetricRow, k int) (value, interval string) {
		format, by := "%.2f", 1.0
		switch m.Unit {
		case "per year", "fraction":
			format, by = "%.2f%%", 100
		case "periods":
			format = "%.0f"
		}
		v := m.Values[k]
		return or(v.Value, format, by), or(v.Low, format, by) + " to " + or(v.High, format, by)
	}

	rows := cells(t, text, "compare")
	if len(rows) != len(b.Portfolios) {
		t.Fatalf("%d allocators", len(rows))
	}
	for k, p := range b.Portfolios {
		want := []string{p.Name}
		for _, m := range b.Metrics[:5] {
			v, i := shown(m, k)
			want = append(want, v+" | "+i)
		}
		same("allocator", rows[k], append(want, fmt.Sprintf("%.2f", p.Turnover), pct(2, p.Cost)))
	}
	for k, row := range cells(t, text, "forecast") {
		x := b.Forecast.Tail[k]
		same("tail", row, []string{
			pct(0, x.Level), fmt.Sprint(x.Exceedances), fmt.Sprintf("%.1f", x.Expected), or(x.Kupiec.P, "%.2g", 1), or(x.Conditional.P, "%.2g", 1),
			pct(2, x.MeanCVaR), or(x.MeanLoss, "%.2f%%", 100), or(x.AcerbiSzekely.P, "%.2g", 1),
		})
	}
	for k, row := range cells(t, text, "sweep") {
		x := b.Sweep.Trials[k]
		same("trial", row, []string{x.Values[0], or(x.Return, "%.2f%%", 100), or(x.Sharpe, "%.2f", 1), or(x.CVaR, "%.2f%%", 100)})
	}
	rows = cells(t, text, "metrics")
	if len(rows) != len(b.Metrics) {
		t.Fatalf("%d metrics", len(rows))
	}
	for k, m := range b.Metrics {
		v, i := shown(m, 0)
		same("metric", rows[k], []string{m.Name, v + " | " + i, m.Formula, m.Source})
	}

	// Months, years and drawdowns by a person's arithmetic on returns.csv.
	months, years := map[string]float64{}, map[string]float64{}
	var wealth, top, depth float64 = 1, 1, 0
	for _, rec := range records[1:] {
		r, err := strconv.ParseFloat(rec[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		months[rec[0][:7]] = (1+months[rec[0][:7]])*(1+r) - 1
		years[rec[0][:4]] = (1+years[rec[0][:4]])*(1+r) - 1
		wealth *= 1 + r
		top = max(top, wealth)
		depth = max(depth, 1-wealth/top)
	}
	rows = cells(t, text, "months")
	if len(rows) != len(years) {
		t.Errorf("%d years, want %d", len(rows), len(years))
	}
	for _, row := range rows {
		want := []string{row[0]}
		for m := range 12 {
			v, ok := months[fmt.Sprintf("%s-%02d", row[0], m+1)]
			if ok {
				want = append(want, fmt.Sprintf("%.2f", 100*v))
			} else {
				want = append(want, "")
			}
		}
		same("year", row, append(want, fmt.Sprintf("%.2f", 100*years[row[0]])))
	}
	if rows = cells(t, text, "drawdowns"); len(rows) == 0 || rows[0][3] != pct(2, depth) {
		t.Errorf("drawdowns %v; the deepest of returns.csv is %s", rows, pct(2, depth))
	}

	f := b.Forecast
	for _, want := range []string{
		fmt.Sprintf("%d decisions", len(b.Rebalances)), fmt.Sprintf("%d days, net of costs", len(records)-1), fmt.Sprintf("%d non-overlapping horizons of %d decisions", f.Apart, f.Scored),
		fmt.Sprintf("CRPS %.4f; %.4f", f.CRPS, f.CRPSNaive), fmt.Sprintf("Uniformity of the PIT: p = %.2g", float64(f.PIT.P)), b.Findings[0].Sentence,
		fmt.Sprintf("overfitting %.2g; deflated Sharpe ratio of the best %.2g", float64(b.Sweep.Overfit.PBO), float64(b.Sweep.Overfit.DeflatedSharpe)),
		"VaR exceptions: 2 at 5% (0.6 expected; ",
	} {
		if !strings.Contains(text, html.EscapeString(want)) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(text, "<i>c</i>") {
		t.Error("a strategy's name is markup")
	}
}

// TestBacktestPageOfMissingParts leaves out what there is too little of: one decision, no
// forecast, no sweep.
func TestBacktestPageOfMissingParts(t *testing.T) {
	b := replayed()
	b.Rebalances, b.Forecast, b.Sweep, b.Benchmark, b.Portfolios = b.Rebalances[:1], nil, nil, "", b.Portfolios[:1]
	for k := range b.Metrics {
		b.Metrics[k].Values = b.Metrics[k].Values[:1]
	}
	text := published(t, b)["tearsheet.html"].String()
	if !strings.Contains(text, "Too few completed horizons") || strings.Contains(text, "<figure></figure>") || strings.Contains(text, `id="sweep"`) {
		t.Error("something is shown that is not there")
	}
}
