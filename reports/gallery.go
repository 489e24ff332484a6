package reports

import (
	"bytes"
	"encoding/csv"
	"errors"
	"html/template"

	"allocate/reports/chart"
)

// Figure is one chart of a page as a file of its own.
type Figure struct {
	File  string // its name, from what the chart shows and the number of its strategy; never from a strategy's name
	About string // the strategy, if it is about one
	Alt   string // text alternative
	PNG   []byte
}

// gallery takes the charts of a page: into the page, or, where it is not nil,
// as files of their own.
type gallery struct{ figures []Figure }

// notDrawn stands for a chart that cannot be drawn.
const notDrawn template.HTML = `<p class="soft">No chart: too few points, or a number that is not finite.</p>`

// put returns a chart as the element that shows it in the page. A chart that
// cannot be drawn, as of a single day, is left out with a note in its place: it
// is no reason to lose the results that it would have shown.
func (g *gallery) put(file, about string, draw func() (*chart.Chart, error)) template.HTML {
	if g == nil {
		var svg string
		if err := drawn(draw, func(c *chart.Chart) (err error) { svg, err = c.SVG(); return err }); err != nil {
			return notDrawn
		}
		return template.HTML(svg)
	}
	f := Figure{File: file + ".png", About: about}
	if err := drawn(draw, func(c *chart.Chart) (err error) { f.Alt = c.Alt(); f.PNG, err = c.PNG(); return err }); err != nil {
		f = Figure{About: about, Alt: "no chart of " + file + ": too few points, or a number that is not finite"}
	}
	g.figures = append(g.figures, f)
	return ""
}

// drawn draws a chart and renders it. The plotter panics on numbers that it has
// no place for; that is an error like the others.
func drawn(draw func() (*chart.Chart, error), render func(*chart.Chart) error) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("the values cannot be plotted")
		}
	}()
	c, err := draw()
	if err != nil {
		return err
	}
	return render(c)
}

// Figures draws the charts of a run's tear sheet as images.
func Figures(r *Run) ([]Figure, error) {
	s, err := Summarize(r)
	if err != nil {
		return nil, err
	}
	p := page{gallery: &gallery{}}
	p.figures(r, s)
	return p.gallery.list()
}

// BacktestFigures draws the charts of a backtest's tear sheet as images.
func BacktestFigures(b *Backtest) ([]Figure, error) {
	p := backtestPage{Ours: b.Portfolios[0].Name, gallery: &gallery{}}
	p.figures(b)
	return p.gallery.list()
}

// list returns the figures and, last, a table of their contents. A figure that
// could not be drawn is in the table only.
func (g *gallery) list() ([]Figure, error) {
	var b bytes.Buffer
	out := csv.NewWriter(&b)
	_ = out.Write([]string{"file", "strategy", "shows"}) // Flush reports
	var list []Figure
	for _, f := range g.figures {
		_ = out.Write([]string{f.File, CSVText(f.About), CSVText(f.Alt)})
		if f.File != "" {
			list = append(list, f)
		}
	}
	out.Flush()
	return append(list, Figure{File: "figures.csv", Alt: "captions of the charts", PNG: b.Bytes()}), out.Error()
}
