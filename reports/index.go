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
	AsOf      returns.Date
	Revision  int
	Outcome   string
	Link      string // of its tear sheet, relative to the index
	CVaR      float64
	Expected  float64
	Turnover  float64
	Gap       float64
	RHat, ESS float64
	Divergent int
	Warnings  int
	Weights   map[string]float64
}

// NewIndexRun takes what an index shows from a run's summary.
func NewIndexRun(s *Summary, revision int, outcome, link string) IndexRun {
	r := IndexRun{
		AsOf: s.AsOf, Revision: revision, Outcome: outcome, Link: link, CVaR: s.CVaR, Expected: s.ExpectedRet, Turnover: s.Turnover,
		Gap: s.Certificate.ExactGap, ESS: math.Inf(1), Weights: map[string]float64{},
	}
	for _, x := range s.Strategies {
		r.RHat, r.ESS = max(r.RHat, float64(x.MaxRHat)), min(r.ESS, float64(x.MinESSBulk), float64(x.MinESSTail))
		r.Divergent += x.Divergent
		r.Weights[x.Name] = x.Weight
	}
	for _, f := range s.Findings {
		if f.Severity >= returns.Warn {
			r.Warnings++
		}
	}
	return r
}

// mostRuns of an index are shown.
const mostRuns = 260

// WriteIndex writes index.html over runs, oldest first: one page that says how
// weights, risk, turnover and the sampler went through time. refused is why the
// last run published nothing, if it did; retracted are revisions that were taken
// back, and why; backtests are links.
func WriteIndex(w io.Writer, runs []IndexRun, backtests []string, refused string, retracted []string) error {
	p := struct {
		CSS                          template.CSS
		Script                       template.JS
		Runs                         []IndexRun
		Older                        int
		Backtests                    []string
		Refused                      string
		Retracted                    []string
		Weights, Risk, Turnover, ESS template.HTML
	}{CSS: template.CSS(styleCSS), Script: template.JS(sortJS), Backtests: backtests, Refused: refused, Retracted: retracted}
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
			for name, v := range map[string]float64{"CVaR": r.CVaR, "expected": r.Expected, "turnover": r.Turnover, "ess": r.ESS / 1000} {
				line[name] = append(line[name], v)
			}
		}
		one := func(name string) chart.Line { return chart.Line{Name: name, Days: days, Y: line[name]} }
		draw(&p.Weights, "weight", true, "Largest weights over time.", indexWeights(runs, days)...)
		draw(&p.Risk, "over the horizon", true, "Predicted CVaR and expected return over time.", one("CVaR"), one("expected"))
		draw(&p.Turnover, "turnover", true, "Turnover over time.", one("turnover"))
		draw(&p.ESS, "draws", false, "Minimum effective sample size over time.", one("ess"))
	}
	p.Runs = slices.Clone(runs)
	slices.Reverse(p.Runs)
	return indexPage.Execute(w, p)
}

// indexWeights are the lines of the strategies with the largest weights.
func indexWeights(runs []IndexRun, days []int32) []chart.Line {
	total := map[string]float64{}
	for _, r := range runs {
		for name, w := range r.Weights {
			total[name] += math.Abs(w)
		}
	}
	names := byLargest(total)
	var out []chart.Line
	for _, name := range names[:min(mostLines, len(names))] {
		l := chart.Line{Name: name, Days: days}
		for _, r := range runs {
			l.Y = append(l.Y, r.Weights[name])
		}
		out = append(out, l)
	}
	return out
}

// IndexLink is the relative link to a run's tear sheet.
func IndexLink(asOf string, revision int) string {
	return fmt.Sprintf("%s/r%d/tearsheet.html", asOf, revision)
}
