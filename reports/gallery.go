package reports

import (
	"bytes"
	"encoding/csv"
	"html/template"

	"allocate/reports/chart"
)

// Figure is one chart of a page as a file of its own.
type Figure struct {
	File  string // its name, from what the chart shows and the number of its strategy; never from a strategy's name
	About string // the strategy, if it is about one
	Alt   string // what there is to see
	PNG   []byte
}

// gallery takes the charts of a page: into the page, or, where it is not nil,
// as files of their own.
type gallery struct{ figures []Figure }

// put returns a chart as the element that shows it in the page.
func (g *gallery) put(file, about string, c *chart.Chart, err error) (template.HTML, error) {
	if err != nil {
		return "", err
	}
	if g == nil {
		s, err := c.SVG()
		return template.HTML(s), err
	}
	b, err := c.PNG()
	g.figures = append(g.figures, Figure{File: file + ".png", About: about, Alt: c.Alt(), PNG: b})
	return "", err
}

// Figures draws the charts of a run's tear sheet as images.
func Figures(r *Run) ([]Figure, error) {
	s, err := Summarise(r)
	if err != nil {
		return nil, err
	}
	p := page{gallery: &gallery{}}
	return p.gallery.list(p.figures(r, s))
}

// BacktestFigures draws the charts of a backtest's tear sheet as images.
func BacktestFigures(b *Backtest) ([]Figure, error) {
	p := backtestPage{Ours: b.Portfolios[0].Name, gallery: &gallery{}}
	return p.gallery.list(p.figures(b))
}

// list returns the figures and, last, a table of what they show.
func (g *gallery) list(err error) ([]Figure, error) {
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	out := csv.NewWriter(&b)
	_ = out.Write([]string{"file", "strategy", "shows"}) // Flush reports
	for _, f := range g.figures {
		_ = out.Write([]string{f.File, CSVText(f.About), CSVText(f.Alt)})
	}
	out.Flush()
	return append(g.figures, Figure{File: "figures.csv", Alt: "what each file shows", PNG: b.Bytes()}), out.Error()
}
