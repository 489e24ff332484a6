package reports

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"

	"allocate/reports/chart"
	"allocate/returns"
)

//go:embed assets/index.html
var indexHTML string

var indexPage = template.Must(template.New("index").Funcs(formats).Parse(indexHTML))

// IndexRun is one published run of an index.
type IndexRun struct {
	AsOf     returns.Date
	Revision int
	Outcome  string
	Link     string // of its tear sheet, relative to the index
	CVaR     float64
	Expected float64
	Turnover float64
	Verdict  string
	Warnings int
	Serious  []returns.Finding // the worst first
	Realized *Realized         // of the previous weights, since the previous run
	Weights  map[string]float64
	Due      map[string]float64 // parts of the turnover, by input; nil where it was not attributed
	Limits   map[string]float64 // by how much each limit that binds raises the CVaR
}

// NewIndexRun takes what an index shows from a run's summary.
func NewIndexRun(s *Summary, revision int, outcome, link string) IndexRun {
	r := IndexRun{
		AsOf: s.AsOf, Revision: revision, Outcome: outcome, Link: link, CVaR: s.CVaR, Expected: s.ExpectedRet, Turnover: s.Turnover,
		Verdict: s.Verdict, Realized: s.Realized, Weights: map[string]float64{},
	}
	for _, x := range s.Strategies {
		r.Weights[x.Name] = x.Weight
	}
	if s.Attribution != nil {
		r.Due = map[string]float64{}
		for _, p := range s.Attribution.Parts {
			r.Due[p.Input] = p.Trade
		}
	}
	for _, l := range s.Limits {
		if r.Limits == nil {
			r.Limits = map[string]float64{}
		}
		r.Limits[l.Name] = -l.CVaR
	}
	for _, f := range returns.Grouped(s.Findings) {
		if f.Severity >= returns.Warn {
			r.Serious = append(r.Serious, f)
		}
	}
	slices.SortStableFunc(r.Serious, func(a, b returns.Finding) int { return int(b.Severity) - int(a.Severity) })
	r.Warnings = len(r.Serious)
	return r
}

// mostRuns of an index are shown.
const mostRuns = 260

// exceedances counts the runs whose previous weights returned less than the 5% quantile of their
// forecast, among those with a forecast.
func exceedances(runs []IndexRun) (below, scored int) {
	for _, r := range runs {
		if r.Realized == nil || r.Realized.Band == nil {
			continue
		}
		scored++
		if r.Realized.Return < r.Realized.Band.Q5 {
			below++
		}
	}
	return below, scored
}

// WriteIndex writes index.html over runs, oldest first: the last decision and what needs
// attention, then weights, risk, turnover and realized returns through time. refused is why the
// last run published nothing, if it did; retracted are revisions that were taken
// back, and why; backtests are links.
func WriteIndex(w io.Writer, runs []IndexRun, backtests []string, refused string, retracted []string) error {
	p := struct {
		CSS                                       template.CSS
		Script                                    template.JS
		Runs                                      []IndexRun
		Last                                      *IndexRun // of the last date, the last revision
		Below, Scored                             int
		Expected                                  float64 // of Below
		Older                                     int
		Backtests                                 []string
		Refused                                   string
		Retracted                                 []string
		Weights, Risk, Turnover, Realized, Limits template.HTML
	}{CSS: template.CSS(styleCSS), Script: script(), Backtests: backtests, Refused: refused, Retracted: retracted}
	p.Older = max(0, len(runs)-mostRuns)
	runs = runs[p.Older:]
	draw := func(to *template.HTML, y string, percent bool, alt string, lines ...chart.Line) {
		*to = (*gallery)(nil).put("", "", func() (*chart.Chart, error) { return chart.Lines(lines, y, percent, alt) })
	}
	if len(runs) > 1 {
		var days []int32
		line := map[string][]float64{}
		for _, r := range runs {
			days = append(days, int32(r.AsOf))
			for name, v := range map[string]float64{"CVaR": r.CVaR, "expected": r.Expected, "turnover": r.Turnover} {
				line[name] = append(line[name], v)
			}
		}
		var when []int32
		realized := make([][]float64, 3)
		for _, r := range runs {
			if x := r.Realized; x != nil && x.Band != nil {
				when = append(when, int32(r.AsOf))
				for k, v := range []float64{x.Return, x.Band.Q5, x.Band.Q95} {
					realized[k] = append(realized[k], v)
				}
			}
		}
		if len(when) > 1 {
			draw(&p.Realized, "return since the previous run", true, "Realized returns of the previous weights and their forecast over time.",
				chart.Line{Name: "realized", Days: when, Y: realized[0]}, chart.Line{Name: "5% quantile", Days: when, Y: realized[1]}, chart.Line{Name: "95% quantile", Days: when, Y: realized[2]})
		}
		one := func(name string) chart.Line { return chart.Line{Name: name, Days: days, Y: line[name]} }
		draw(&p.Weights, "weight", true, "Largest weights over time.", largestLines(runs, days, func(r IndexRun) map[string]float64 { return r.Weights })...)
		draw(&p.Risk, "over the horizon", true, "Predicted CVaR and expected return over time.", one("CVaR"), one("expected"))
		due := largestLines(runs, days, func(r IndexRun) map[string]float64 { return r.Due })
		draw(&p.Turnover, "turnover", true, "Turnover over time, and what it is due to.", append([]chart.Line{one("turnover")}, due[:min(mostLines-1, len(due))]...)...)
		if limits := largestLines(runs, days, func(r IndexRun) map[string]float64 { return r.Limits }); len(limits) > 0 {
			draw(&p.Limits, "CVaR", true, "What the limits cost over time.", limits...)
		}
	}
	p.Below, p.Scored = exceedances(runs)
	p.Expected = 0.05 * float64(p.Scored)
	if len(runs) > 0 {
		p.Last = &runs[len(runs)-1]
	}
	p.Runs = slices.Clone(runs)
	slices.Reverse(p.Runs)
	return indexPage.Execute(w, p)
}

// largestLines are the lines of the largest of the values by name that runs have; a run
// without a value has 0.
func largestLines(runs []IndexRun, days []int32, of func(r IndexRun) map[string]float64) []chart.Line {
	total := map[string]float64{}
	for _, r := range runs {
		for name, v := range of(r) {
			total[name] += math.Abs(v)
		}
	}
	names := byLargest(total)
	var out []chart.Line
	for _, name := range names[:min(mostLines, len(names))] {
		l := chart.Line{Name: name, Days: days}
		for _, r := range runs {
			l.Y = append(l.Y, of(r)[name])
		}
		out = append(out, l)
	}
	return out
}

// IndexLink is the relative link to a run's tear sheet.
func IndexLink(asOf string, revision int) string {
	return fmt.Sprintf("%s/r%d/tearsheet.html", asOf, revision)
}
