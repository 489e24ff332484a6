package reports

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"

	"allocate/optimize"
	"allocate/returns"
)

//go:embed assets/tearsheet.html
var tearsheetHTML string

//go:embed assets/style.css
var styleCSS string

var tearsheet = template.Must(template.New("tearsheet").Funcs(template.FuncMap{
	"percent":  func(x float64) string { return fmt.Sprintf("%.2f%%", 100*x) },
	"percent1": func(x float64) string { return fmt.Sprintf("%.1f%%", 100*x) },
	"signed":   func(x float64) string { return fmt.Sprintf("%+.2f%%", 100*x) },
	"fixed":    func(digits int, x any) string { return fmt.Sprintf("%.*f", digits, x) },
	"brief":    func(x float64) string { return fmt.Sprintf("%.2g", x) },
	"isCash":   func(name string) bool { return name == optimize.Cash },
}).Parse(tearsheetHTML))

// row is one line of the table of weights.
type row struct {
	Name         string
	Weight       float64
	Printed      string
	Contribution float64
	Share        float64 // of the CVaR
	Mean         float64 // expected horizon return
	Bar          float64 // percent of the widest bar
}

type page struct {
	Summary   *Summary
	CSS       template.CSS
	Loss      template.HTML
	Rows      []row
	Zero      []string // strategies of weight 0
	Serious   []returns.Finding
	Notes     []returns.Finding
	Tail      float64
	Seed      uint64
	Settings  []setting
	Certified bool
}

type setting struct{ Name, Value string }

// WriteTearsheet writes tearsheet.html: one file that asks for nothing else,
// readable without scripts, in light and dark and on paper.
func WriteTearsheet(w io.Writer, r *Run) error {
	s, err := Summarise(r)
	if err != nil {
		return err
	}
	loss, err := lossChart(r)
	if err != nil {
		return err
	}
	p := page{Summary: s, CSS: template.CSS(styleCSS), Loss: loss, Tail: 1 - s.Alpha, Seed: r.Seed, Certified: s.Certificate.ExactGap <= r.Optimize.MaxGap}
	mean := r.Set.Mean()
	widest := 0.0
	for _, x := range r.Solution.Weights {
		widest = max(widest, math.Abs(x))
	}
	for j, name := range r.Solution.Names {
		weight := r.Solution.Weights[j]
		if weight == 0 {
			p.Zero = append(p.Zero, name)
			continue
		}
		line := row{Name: name, Weight: weight, Printed: fmt.Sprintf("%.*f", r.Solution.Decimals, weight), Contribution: r.Solution.Contributions[j], Bar: 100 * math.Abs(weight) / widest}
		if s.CVaR != 0 {
			line.Share = line.Contribution / s.CVaR
		}
		if j < len(mean) {
			line.Mean = mean[j]
		}
		p.Rows = append(p.Rows, line)
	}
	p.Zero = append(p.Zero, r.LeftOut...)
	sortRows(p.Rows)
	for _, f := range r.Findings {
		if f.Severity > returns.Info {
			p.Serious = append(p.Serious, f)
		} else {
			p.Notes = append(p.Notes, f)
		}
	}
	p.Settings = settings(r)
	return tearsheet.Execute(w, p)
}

// sortRows puts the largest weight first and ties by name.
func sortRows(rows []row) {
	for i := 1; i < len(rows); i++ {
		for k := i; k > 0 && (math.Abs(rows[k].Weight) > math.Abs(rows[k-1].Weight)); k-- {
			rows[k], rows[k-1] = rows[k-1], rows[k]
		}
	}
}

func settings(r *Run) []setting {
	o := r.Optimize
	list := []setting{
		{"Confidence (alpha)", fmt.Sprint(o.Alpha)},
		{"Budget", fmt.Sprint(o.Budget)},
		{"Weight of a strategy", fmt.Sprintf("%v to %v", o.MinWeight, o.MaxWeight)},
	}
	for _, b := range o.Bounds {
		var sides []string
		if b.Min != nil {
			sides = append(sides, fmt.Sprintf("at least %v", *b.Min))
		}
		if b.Max != nil {
			sides = append(sides, fmt.Sprintf("at most %v", *b.Max))
		}
		list = append(list, setting{"Weight of " + b.Name, strings.Join(sides, ", ")})
	}
	if o.MinAnnualReturn != nil {
		list = append(list, setting{"Least expected annual return", fmt.Sprintf("%.2f%%", 100**o.MinAnnualReturn)})
	}
	return append(list,
		setting{"Cash", map[bool]string{true: "allowed", false: "not allowed"}[o.Cash]},
		setting{"Horizon", fmt.Sprintf("%d trading days", r.Scenarios.Horizon)},
		setting{"Scenarios", fmt.Sprint(r.Scenarios.Count)},
		setting{"Dependence", r.Scenarios.Dependence},
		setting{"Return model", r.Bayes.Model},
		setting{"Chains x draws", fmt.Sprintf("%d x %d", r.Bayes.Chains, r.Bayes.Draws)},
		setting{"Priors", fmt.Sprintf("annual Sharpe %s; ln sd around a robust estimate %s; nu (above 2) %s", r.Bayes.PriorSharpe, r.Bayes.PriorLogSD, r.Bayes.PriorNu)},
	)
}
