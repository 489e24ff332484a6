package reports

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strings"

	"allocate/bayes"
	"allocate/optimize"
	"allocate/returns"
)

//go:embed assets/tearsheet.html
var tearsheetHTML string

//go:embed assets/style.css
var styleCSS string

//go:embed assets/sort.js
var sortJS string

//go:embed assets/cursor.js
var cursorJS string

// script is that of every page.
func script() template.JS { return template.JS(sortJS + cursorJS) }

var formats = template.FuncMap{
	"percent":  func(x any) string { return dashed(x, func(v float64) string { return fmt.Sprintf("%.2f%%", 100*v) }) },
	"percent3": func(x float64) string { return fmt.Sprintf("%.3f%%", 100*x) },
	"signed":   func(x any) string { return dashed(x, func(v float64) string { return fmt.Sprintf("%+.2f%%", 100*v) }) },
	"priced":   func(x float64) string { return fmt.Sprintf("%+.4f%%", x) }, // 100 x, for a side moved by 1/100
	"fixed":    fixed,
	"brief":    func(x float64) string { return fmt.Sprintf("%.2g", x) },
	"level":    func(x float64) string { return fmt.Sprintf("%.4g%%", 100*x) },
	"pp":       func(x float64) string { return fmt.Sprintf("%+.2f pp", math.Round(1e4*x)/100+0) }, // no -0.00
	"chance":   chance,
	"count":    returns.Count,
}

// chance prints a probability that was estimated from draws: never as certain.
func chance(p float64) string {
	switch {
	case p > 0.999:
		return ">99.9%"
	case p < 0.001:
		return "<0.1%"
	}
	return fmt.Sprintf("%.1f%%", 100*p)
}

// fixed prints a number, or a pointer to one, with so many digits.
func fixed(digits int, x any) string {
	if p, ok := x.(*float64); ok {
		x = *p
	}
	if n, ok := x.(Number); ok {
		return dashed(n, func(v float64) string { return fixed(digits, v) })
	}
	return fmt.Sprintf("%.*f", digits, x)
}

// dashed prints a float64 or a Number, of which one that is not finite is a dash.
func dashed(x any, format func(float64) string) string {
	v, plain := x.(float64)
	if n, ok := x.(Number); ok {
		if !n.finite() {
			return "–"
		}
		v, plain = float64(n), true
	}
	if !plain {
		panic(fmt.Sprintf("reports: %T is no number", x))
	}
	return format(v)
}

var tearsheet = template.Must(template.New("tearsheet").Funcs(formats).Parse(tearsheetHTML))

// row is one line of the table of weights.
type row struct {
	Name    string
	Link    string // of its charts on the page; "" where it has none
	Weight  float64
	Printed string
	Range   string  // of the portfolios within one standard error of the best
	Held    float64 // current weight, drifted
	Change  float64 // from it
	Reason  string  // what has changed since
	Chance  string  // that the mean return is above 0; "–" of cash
	Share   float64 // of the CVaR
	Mean    float64 // expected horizon return
	Bar     float64 // percent of the widest bar
}

type detail struct {
	Name, Link     string
	History, Ranks template.HTML
	Densities      []template.HTML // of the Sharpe ratio, the return and the volatility
	HistoryNote    string

	Volatility                template.HTML // of a model with memory, given the days before
	VolatilityNote, ModelNote string
}

type page struct {
	Summary                        *Summary
	CSS                            template.CSS
	Script                         template.JS
	Loss, Fan, Contributions       template.HTML
	Frontier, Outperformance       template.HTML
	Correlation                    template.HTML
	CorrelationNote                string
	DependenceNote                 string // of the scenarios
	Rows                           []row
	Zero                           []string // strategies of weight 0
	MoreZero, MoreNotes, NoDetails int      // what a page of this size leaves out
	Serious, Notes                 []returns.Finding
	Details                        []detail
	Strip                          string
	Methods                        []string // how draws were made, if not by NUTS alone
	Conditional                    bool     // some forecasts depend on today's volatility
	Tail                           float64
	Seed                           uint64
	Settings                       []setting
	Certified                      bool
	Trade                          string   // why the decision is not the best portfolio; blank: it is
	Advice                         []string // what the objective leaves out
	Since                          string   // how the previous weights did
	Active                         []string // views, overrides and limits that bind
	Shares                         bool     // the shares of CVaR differ from the weights
	Annual                         float64  // volatility, a year
	Low, High                      float64  // 90% Monte Carlo interval of the CVaR
	Ranges                         bool
	Why                            string // the trades in a sentence: what they are due to
	Inputs                         []AttributionPart
	Causes                         []cause
	gallery                        *gallery
}

type setting struct{ Name, Value string }

// Limits on the strategies that a page shows: a fund of fifty is shown in full, and five
// hundred still fit a page.
const (
	mostDetails = 60
	mostZeros   = 120
	mostNotes   = 200
	mostCauses  = 60
)

// WriteTearsheet writes tearsheet.html: one file that asks for nothing else,
// readable without its script, which sorts tables, in light and dark and on
// paper.
func WriteTearsheet(w io.Writer, r *Run) error {
	s, err := Summarize(r)
	if err != nil {
		return err
	}
	p := page{
		Summary: s, CSS: template.CSS(styleCSS), Script: script(), Tail: 1 - s.Alpha, Seed: r.Seed,
		Certified: s.Certificate.ExactGap <= r.Optimize.MaxGap, Strip: strip(s), Settings: settings(r), Methods: methods(r.Posteriors),
		Conditional: slices.ContainsFunc(s.Strategies, func(x StrategySummary) bool { return x.Conditional != nil }),
	}
	if s.Realized != nil {
		p.Since = s.Realized.sentence(*s.HeldFrom, s.Frequency)
	}
	p.Ranges, p.Active = r.Solution.Ranges != nil, active(r)
	p.Annual = s.Volatility * math.Sqrt(s.PerYear/float64(s.Horizon))
	p.Low, p.High = s.CVaR-z95*s.CVaRError, s.CVaR+z95*s.CVaRError
	for _, f := range r.Solution.Findings {
		if f.Code == "optimize.indifference" {
			if p.Trade = f.Sentence; noTrade(r.Solution.Findings) != "" {
				p.Trade = "Current weights are kept." // the page begins with why
			}
		}
	}
	for _, f := range r.Findings {
		if f.Severity == returns.Info && (f.Code == "optimize.return" || f.Code == "optimize.low_means") { // warnings come next
			p.Advice = append(p.Advice, f.Sentence)
		}
	}
	p.rows(r, s)
	p.findings(r)
	p.figures(r, s)
	links := map[string]string{}
	for _, d := range p.Details {
		links[d.Name] = d.Link
	}
	if a := s.Attribution; a != nil {
		p.Why, p.Inputs, p.Causes = s.Why(), a.largest(), a.causes(mostCauses)
		for i := range p.Causes {
			p.Causes[i].Link = links[p.Causes[i].Name]
		}
	}
	for i := range p.Rows {
		p.Rows[i].Link = links[p.Rows[i].Name]
	}
	return tearsheet.Execute(w, p)
}

// shareDiffers is by how much a share of the CVaR must differ from the weight to be shown: at an
// optimum without active limits they are equal.
const shareDiffers = 0.01

// rows fills the table of weights: current and previous positions, the largest
// first.
func (p *page) rows(r *Run, s *Summary) {
	widest := 0.0
	for _, x := range r.Solution.Weights {
		widest = max(widest, math.Abs(x))
	}
	held := map[string]float64{}
	if r.Held != nil {
		held = r.Held.Weights
	}
	mean := r.Set.Mean()
	for j, name := range r.Solution.Names {
		weight := r.Solution.Weights[j]
		if weight == 0 && math.Abs(held[name]) < math.Pow10(-r.Solution.Decimals) {
			p.Zero = append(p.Zero, name)
			continue
		}
		line := row{Name: name, Weight: weight, Printed: fmt.Sprintf("%.2f%%", 100*weight), Held: held[name], Change: weight - held[name], Chance: "–"}
		if ranges := r.Solution.Ranges; ranges != nil {
			line.Range = fmt.Sprintf("%.1f to %.1f%%", 100*ranges[j].Low, 100*ranges[j].High)
		}
		if widest > 0 {
			line.Bar = 100 * math.Abs(weight) / widest
		}
		if total := r.Solution.Contributed(); total != 0 {
			line.Share = r.Solution.Contributions[j] / total
		}
		if j < len(mean) {
			line.Mean, line.Chance = mean[j], chance(s.Strategies[j].ProbMeanPositive)
			line.Reason = since(r, &s.Strategies[j])
		}
		p.Shares = p.Shares || math.Abs(line.Share-weight) >= shareDiffers
		p.Rows = append(p.Rows, line)
	}
	p.Zero = append(p.Zero, r.Excluded...)
	if len(p.Zero) > mostZeros {
		p.Zero, p.MoreZero = p.Zero[:mostZeros], len(p.Zero)-mostZeros
	}
	slices.SortStableFunc(p.Rows, func(a, b row) int {
		switch x, y := math.Abs(a.Weight), math.Abs(b.Weight); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
}

// since describes the change of a strategy's forecast since the current weights
// were chosen, and an active bound on its weight.
func since(r *Run, s *StrategySummary) string {
	if r.Held == nil {
		return ""
	}
	var parts []string
	if cause := r.Attribution.mostly(s.Name); cause != "" {
		parts = append(parts, cause)
	}
	if then, known := r.Held.Beliefs[s.Name]; known {
		move := func(what string, then, now Number) {
			if then.finite() && now.finite() && math.Abs(float64(now-then)) >= 5e-4 {
				parts = append(parts, fmt.Sprintf("%s %.2f%% → %.2f%%", what, 100*then, 100*now))
			}
		}
		move("return", then.AnnualReturn, s.AnnualReturn.Mean)
		move("volatility", then.AnnualVolatility, s.AnnualVolatility.Mean)
		if c := s.Conditional; c != nil && then.ForecastVolatility != 0 {
			move("forecast volatility", then.ForecastVolatility, c.Forecast.Median)
		}
	} else if r.Held.Beliefs != nil {
		parts = append(parts, "new in the universe")
	}
	for _, x := range r.Solution.ShadowPrices {
		if x.Name == s.Name {
			parts = append(parts, "at its "+x.Side+" bound")
		}
	}
	if len(parts) == 0 {
		return "no material change in the forecast"
	}
	return strings.Join(parts, "; ")
}

// findings separates warnings from information.
func (p *page) findings(r *Run) {
	for _, f := range returns.Grouped(r.Findings) {
		if f.Severity > returns.Info {
			p.Serious = append(p.Serious, f)
		} else {
			p.Notes = append(p.Notes, f)
		}
	}
	if len(p.Notes) > mostNotes {
		p.Notes, p.MoreNotes = p.Notes[:mostNotes], len(p.Notes)-mostNotes
	}
}

// strip summarizes the MCMC diagnostics.
func strip(s *Summary) string {
	rhat, ess, divergent, doubtful := 0.0, math.Inf(1), 0, 0
	for _, x := range s.Strategies {
		rhat, ess = max(rhat, float64(x.MaxRHat)), min(ess, float64(x.MinESSBulk), float64(x.MinESSTail))
		divergent += x.Divergent
		if x.Verdict != bayes.OK {
			doubtful++
		}
	}
	good := returns.Count(len(s.Strategies), "posterior") + " passed"
	if doubtful > 0 {
		good = fmt.Sprintf("posteriors with a warning: %d of %d", doubtful, len(s.Strategies))
	}
	return fmt.Sprintf("%s: maximum R-hat %.4f, minimum ESS %.0f, divergent transitions %d.", good, rhat, ess, divergent)
}

// settings lists the settings of the decision that differ from their neutral
// values.
func settings(r *Run) []setting {
	o := r.Optimize
	list := []setting{
		{"Objective", string(o.Objective)},
		{"Confidence (alpha)", fmt.Sprint(o.Alpha)},
		{"Budget", fmt.Sprint(o.Budget)},
		{"Weight of a strategy", fmt.Sprintf("%v to %v", o.MinWeight, o.MaxWeight)},
	}
	add := func(set bool, name, format string, args ...any) {
		if set {
			list = append(list, setting{name, fmt.Sprintf(format, args...)})
		}
	}
	span := func(low, high *float64) string {
		var sides []string
		if low != nil {
			sides = append(sides, fmt.Sprintf("at least %v", *low))
		}
		if high != nil {
			sides = append(sides, fmt.Sprintf("at most %v", *high))
		}
		return strings.Join(sides, ", ")
	}
	value := func(x *float64) float64 {
		if x == nil {
			return 0
		}
		return *x
	}
	for _, l := range o.Spectrum {
		add(true, "Risk spectrum", "CVaR %v with weight %v", l.Alpha, l.Weight)
	}
	add(o.Objective == optimize.Utility, "Risk aversion", "%v", o.RiskAversion)
	add(o.MaxCVaR != nil, "Maximum CVaR", "%.2f%%", 100*value(o.MaxCVaR))
	add(o.RiskFree != 0, "Risk-free return", "%.2f%% a year", 100*o.RiskFree)
	for _, b := range o.Bounds {
		add(true, "Weight of "+b.Name, "%s", span(b.Min, b.Max))
	}
	for _, g := range o.Groups {
		add(true, "Group "+g.Name, "%s of %s%s", span(g.Min, g.Max), g.Group, strings.Join(g.Strategies, ", "))
	}
	for _, e := range o.Exposures {
		add(true, "Exposure "+e.Name, "%s", span(e.Min, e.Max))
	}
	add(o.MinAnnualReturn != nil, "Minimum expected annual return", "%.2f%%", 100*value(o.MinAnnualReturn))
	add(o.MaxLeverage != nil, "Maximum gross leverage", "%v", value(o.MaxLeverage))
	add(o.MaxTurnover != nil, "Maximum turnover", "%.2f%%", 100*value(o.MaxTurnover))
	add(o.MaxDistance != nil, "Maximum active share", "%.2f%%", 100*value(o.MaxDistance))
	add(o.MinPosition != 0, "Minimum position", "%v", o.MinPosition)
	add(o.MaxPositions != 0, "Maximum positions", "%d", o.MaxPositions)
	add(o.CostBP != 0, "Trading cost", "%v basis points", o.CostBP)
	add(o.RobustRadius != 0, "Wasserstein radius", "%v, ground norm %s", o.RobustRadius, o.RobustNorm)
	list = append(list,
		setting{"Cash", map[bool]string{true: "allowed", false: "not allowed"}[o.Cash]},
		setting{"Frequency", fmt.Sprintf("%s, %.0f periods a year", strings.ReplaceAll(r.Set.Frequency.String(), "_", "-"), r.Set.Frequency.PeriodsPerYear())},
		setting{"Horizon", r.Set.Frequency.Periods(r.Set.Horizon)},
		setting{"Scenarios", fmt.Sprint(r.Set.Len())},
		setting{"Dependence", r.Scenarios.Dependence},
		setting{"Return model", r.Bayes.Model},
		setting{"Chains × draws", fmt.Sprintf("%d x %d", r.Bayes.Chains, r.Bayes.Draws)},
		setting{"Priors", fmt.Sprintf("annual Sharpe %s; ln sd around a robust estimate %s; nu (above 2) %s", r.Bayes.PriorSharpe, r.Bayes.PriorLogSD, r.Bayes.PriorNu)},
	)
	for _, v := range r.Bayes.Of {
		whose := "Return model of " + v.Name
		if v.Group != "" {
			whose = "Return models of group " + v.Group
		}
		list = append(list, setting{whose, v.Settings()})
	}
	return list
}
