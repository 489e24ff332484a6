package reports

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"allocate/reports/chart"
	"allocate/reports/metrics"
	"allocate/returns"
)

//go:embed assets/backtest.html
var backtestHTML string

var backtestSheet = template.Must(template.New("backtest").Funcs(formats).Funcs(template.FuncMap{
	"percent0": func(x float64) string { return fmt.Sprintf("%.0f%%", 100*x) },
	"prob":     func(x Number) string { return x.show("%.2g", 1) },
	"share":    func(x Number) string { return x.show("%.2f%%", 100) },
	"plain":    func(x Number) string { return x.show("%.2f", 1) },
}).Parse(backtestHTML))

// show prints a number times a factor, or a dash where there is none.
func (n Number) show(format string, by float64) string {
	if !n.finite() {
		return "–"
	}
	return fmt.Sprintf(format, by*float64(n))
}

type cell struct {
	Name, Value, Range, Other string
	Formula, Source           string
	Wide                      bool // left out on a phone
}

type compared struct {
	Name           string
	Cells          []cell
	Turnover, Cost float64
}

type backtestPage struct {
	B                            *Backtest
	CSS                          template.CSS
	Script                       template.JS
	Ours, Verdict                string
	Headline, Columns, All       []cell
	Compared                     []compared
	Equity, Underwater, PIT      template.HTML
	Predicted, Rolling, Turnover template.HTML
	Weights, Contributions       template.HTML
	MonthNames                   []string
	Years                        []yearRow
	Drawdowns                    []drawdownRow
	gallery                      *gallery
}

var columns = []struct {
	key  string
	wide bool
}{{"cagr", false}, {"annual_volatility", true}, {"sharpe", false}, {"max_drawdown", true}, {"cvar", true}}

func writeBacktestSheet(w io.Writer, b *Backtest) error {
	p := backtestPage{B: b, CSS: template.CSS(styleCSS), Script: script(), Ours: b.Portfolios[0].Name, Verdict: verdict(b.Forecast)}
	benchmark := slices.IndexFunc(b.Portfolios, func(x Portfolio) bool { return x.Name == b.Benchmark })
	for _, c := range columns {
		m := b.Metric(c.key)
		if m == nil {
			continue
		}
		head := m.cell(0)
		if benchmark > 0 {
			head.Other = m.cell(benchmark).Value
		}
		p.Columns = append(p.Columns, cell{Name: m.Name, Wide: c.wide})
		if c.key != "annual_volatility" { // four fit a phone
			p.Headline = append(p.Headline, head)
		}
	}
	for k, x := range b.Portfolios {
		row := compared{Name: x.Name, Turnover: x.Turnover, Cost: x.Cost}
		for _, c := range columns {
			if m := b.Metric(c.key); m != nil {
				one := m.cell(k)
				one.Wide = c.wide
				row.Cells = append(row.Cells, one)
			}
		}
		p.Compared = append(p.Compared, row)
	}
	for i := range b.Metrics {
		p.All = append(p.All, b.Metrics[i].cell(0))
	}
	p.calendar(b)
	p.drawdowns(b)
	p.figures(b)
	return backtestSheet.Execute(w, p)
}

func (m *MetricRow) cell(k int) cell {
	v := m.Values[k]
	format, by := "%.2f", 1.0
	switch m.Unit {
	case "fraction", "per year":
		format, by = "%.2f%%", 100
	case "periods":
		format = "%.0f"
	}
	c := cell{Name: m.Name, Value: v.Value.show(format, by), Formula: m.Formula, Source: m.Source}
	if v.Low.finite() {
		c.Range = v.Low.show(format, by) + " to " + v.High.show(format, by)
	}
	return c
}

// verdict summarizes the tests of the risk forecasts.
func verdict(f *Forecast) string {
	if f == nil {
		return "Too few completed horizons to test the risk forecasts."
	}
	var parts []string
	for _, t := range f.Tail {
		judged := "not rejected"
		switch {
		case float64(t.Kupiec.P) < 0.05 && float64(t.Exceedances) > t.Expected:
			judged = "rejected: too many"
		case float64(t.Kupiec.P) < 0.05:
			judged = "rejected: too few"
		}
		parts = append(parts, fmt.Sprintf("%d at %.0f%% (%.1f expected; %s)", t.Exceedances, 100*t.Level, t.Expected, judged))
	}
	true5 := "predicted CVaR not rejected"
	for _, t := range f.Tail {
		if float64(t.AcerbiSzekely.P) < 0.05 {
			true5 = "predicted CVaR rejected: too low"
		}
	}
	return "VaR exceptions: " + strings.Join(parts, ", ") + "; " + true5 + "."
}

type yearRow struct {
	Year   int
	Months []monthCell
	Total  string
}

type monthCell struct{ Text, Class string }

func (p *backtestPage) calendar(b *Backtest) {
	p.MonthNames = []string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}
	keys := make([]int, len(b.Days))
	for i, d := range b.Days {
		t := d.Time()
		keys[i] = metrics.MonthKey(t.Year(), t.Month())
	}
	for _, row := range metrics.Heatmap(metrics.Monthly(b.Portfolios[0].Returns, keys)) {
		y, wealth := yearRow{Year: row.Year}, 1.0
		for _, v := range row.Months {
			c := monthCell{}
			if !math.IsNaN(v) {
				wealth *= 1 + v
				c.Text, c.Class = fmt.Sprintf("%.2f", 100*v), "gain"
				if v < 0 {
					c.Class = "loss"
				}
			}
			y.Months = append(y.Months, c)
		}
		y.Total = fmt.Sprintf("%.2f", 100*(wealth-1))
		p.Years = append(p.Years, y)
	}
}

type drawdownRow struct {
	From, Trough, To string
	Depth            float64
}

func (p *backtestPage) drawdowns(b *Backtest) {
	for _, d := range metrics.Drawdowns(b.Portfolios[0].Returns, 8) {
		row := drawdownRow{From: b.Days[d.Start].String(), Trough: b.Days[d.Trough].String(), To: "not recovered", Depth: d.Depth}
		if d.Recovery >= 0 && d.Recovery < len(b.Days) {
			row.To = b.Days[d.Recovery].String()
		}
		p.Drawdowns = append(p.Drawdowns, row)
	}
}

// mostLines is how many allocators and weights a chart of lines holds.
const mostLines = 8

func (p *backtestPage) figures(b *Backtest) {
	draw := func(to *template.HTML, file string, of func() (*chart.Chart, error)) {
		*to = p.gallery.put(file, "", of)
	}
	days := toInt32(b.Days)
	var equity, rolling []chart.Line
	for _, x := range b.Portfolios[:min(mostLines, len(b.Portfolios))] {
		logs := make([]float64, len(x.Returns))
		sum := 0.0
		for i, r := range x.Returns {
			sum += math.Log1p(max(r, -0.999999))
			logs[i] = sum
		}
		equity = append(equity, chart.Line{Name: x.Name, Days: days, Y: logs})
		var when []int32
		var vol []float64
		for i, v := range metrics.RollingVolatility(x.Returns, b.PerYear, b.Frequency.Year()) {
			if !math.IsNaN(v) {
				when, vol = append(when, days[i]), append(vol, v)
			}
		}
		if len(vol) > 1 {
			rolling = append(rolling, chart.Line{Name: x.Name, Days: when, Y: vol})
		}
	}
	draw(&p.Equity, "equity", func() (*chart.Chart, error) {
		return chart.Growth(equity, fmt.Sprintf("Growth of 1 of %s from %v to %v; %s ends at %.2f.", returns.Count(len(equity), "portfolio"), b.First, b.Last, p.Ours, math.Exp(equity[0].Y[len(days)-1])))
	})
	draw(&p.Underwater, "drawdown", func() (*chart.Chart, error) {
		return chart.Underwater(days, negative(metrics.Underwater(b.Portfolios[0].Returns)), "Drawdown of "+p.Ours+" through time.")
	})
	if len(rolling) > 0 {
		draw(&p.Rolling, "rolling", func() (*chart.Chart, error) {
			return chart.Lines(rolling, "volatility", true, fmt.Sprintf("Rolling volatility of each portfolio over %s.", b.Frequency.Days(b.Frequency.Year())))
		})
	}
	var traded []int32
	var turnover []float64
	for _, r := range b.Rebalances {
		traded, turnover = append(traded, int32(r.Day)), append(turnover, r.Turnover)
	}
	if len(traded) > 1 {
		draw(&p.Turnover, "turnover", func() (*chart.Chart, error) {
			return chart.Lines([]chart.Line{{Name: "turnover", Days: traded, Y: turnover}}, "turnover", true, "Turnover at each decision.")
		})
		draw(&p.Weights, "weights", func() (*chart.Chart, error) {
			return chart.Stack(largest(b, traded, func(r Rebalance) map[string]float64 { return r.Weights }), int32(b.Last), "weight", "Stacked weights after each trade, short positions below zero.")
		})
		draw(&p.Contributions, "contributions", func() (*chart.Chart, error) {
			return chart.Stack(largest(b, traded, func(r Rebalance) map[string]float64 { return r.Contributions }), int32(b.Last), "contribution to CVaR", "Stacked contributions of the strategies to the predicted CVaR of each decision.")
		})
	}
	if b.Forecast != nil {
		pits, came := []float64{}, []chart.Line{{Name: "realized"}, {Name: "5% VaR"}, {Name: "1% VaR"}}
		for _, r := range b.Rebalances {
			if r.PIT == nil {
				continue
			}
			pits = append(pits, *r.PIT)
			for k, v := range []float64{*r.Realized, -r.VaR[0], -r.VaR[1]} {
				came[k].Days, came[k].Y = append(came[k].Days, int32(r.Day)), append(came[k].Y, v)
			}
		}
		draw(&p.PIT, "pit", func() (*chart.Chart, error) {
			return chart.Uniform(pits, fmt.Sprintf("Histogram of %d probability integral transforms; flat if the forecasts are calibrated.", len(pits)))
		})
		draw(&p.Predicted, "predicted", func() (*chart.Chart, error) {
			return chart.Lines(came, "return over the horizon", true, "Realized returns over each horizon, with the predicted 5% and 1% quantiles.")
		})
	}
}

// byLargest lists names in falling order of their numbers.
func byLargest(of map[string]float64) []string {
	return slices.SortedFunc(maps.Keys(of), func(x, y string) int {
		return cmp.Or(cmp.Compare(of[y], of[x]), cmp.Compare(x, y))
	})
}

// largest are the strategies for which something of the decisions is largest
// in the mean, and the sum of the others.
func largest(b *Backtest, days []int32, of func(Rebalance) map[string]float64) []chart.Line {
	mean := map[string]float64{}
	for _, r := range b.Rebalances {
		for name, v := range of(r) {
			mean[name] += math.Abs(v)
		}
	}
	names := byLargest(mean)
	shown := names
	if len(names) > mostLines {
		shown = names[:mostLines-1]
	}
	out := make([]chart.Line, len(shown), len(shown)+1)
	for k, name := range shown {
		out[k] = chart.Line{Name: name, Days: days}
		for _, r := range b.Rebalances {
			out[k].Y = append(out[k].Y, of(r)[name])
		}
	}
	if rest := names[len(shown):]; len(rest) > 0 || len(names) == 0 {
		others := chart.Line{Name: fmt.Sprintf("%d others", len(rest)), Days: days}
		for _, r := range b.Rebalances {
			sum := 0.0
			for _, name := range rest {
				sum += of(r)[name]
			}
			others.Y = append(others.Y, sum)
		}
		out = append(out, others)
	}
	return out
}

func toInt32(days []returns.Date) []int32 {
	out := make([]int32, len(days))
	for i, d := range days {
		out[i] = int32(d)
	}
	return out
}

// negative turns positive drawdowns into what is drawn below zero.
func negative(x []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = -math.Abs(v)
	}
	return out
}
