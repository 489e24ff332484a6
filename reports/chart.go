package reports

import (
	"bytes"
	"fmt"
	"html/template"
	"image/color"
	"math"
	"sort"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The theme's colours, from Okabe and Ito (2008), which colour-blind readers
// can tell apart. Black stands for the page's own text colour.
var (
	blue      = color.NRGBA{0x00, 0x72, 0xb2, 0xff}
	vermilion = color.NRGBA{0xd5, 0x5e, 0x00, 0xff}
	ink       = color.NRGBA{0, 0, 0, 0xff}
)

// interval is the mean and central 90% of values.
func interval(v []float64) Interval {
	s := append([]float64(nil), v...)
	sort.Float64s(s)
	sum := 0.0
	for _, x := range s {
		sum += x
	}
	at := func(p float64) float64 {
		h := p * float64(len(s)-1)
		i := min(int(h), len(s)-2)
		return s[i] + (h-float64(i))*(s[i+1]-s[i])
	}
	return Interval{sum / float64(len(s)), at(0.05), at(0.95)}
}

// lossChart draws the distribution of the portfolio's horizon return, with VaR
// and CVaR marked, as an inline SVG.
func lossChart(r *Run) (template.HTML, error) {
	outcomes := PortfolioReturns(r)
	sorted := append([]float64(nil), outcomes...)
	sort.Float64s(sorted)
	lo, hi := sorted[len(sorted)/1000], sorted[len(sorted)-1-len(sorted)/1000]
	lo = min(lo, -r.Solution.CVaR)
	if hi <= lo {
		hi = lo + 1e-6
	}
	lo, hi = lo-0.02*(hi-lo), hi+0.02*(hi-lo)
	const bins = 80
	width := (hi - lo) / bins
	heights := make([]float64, bins)
	for i, x := range outcomes {
		if b := int(math.Floor((x - lo) / width)); b >= 0 && b < bins {
			heights[b] += r.Set.Probability(i)
		}
	}
	p := plot.New()
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Label.TextStyle.Font.Size, axis.Tick.Label.Font.Size = vg.Points(10), vg.Points(9)
	}
	p.X.Label.Text = fmt.Sprintf("portfolio return over %d trading days, percent", r.Scenarios.Horizon)
	p.Y.Label.Text = "percent of scenarios"
	top := 0.0
	for b, h := range heights {
		x0, x1 := 100*(lo+float64(b)*width), 100*(lo+float64(b+1)*width)
		bar, err := plotter.NewPolygon(plotter.XYs{{X: x0}, {X: x0, Y: 100 * h}, {X: x1, Y: 100 * h}, {X: x1}})
		if err != nil {
			return "", err
		}
		bar.Color = blue
		if (lo + (float64(b)+0.5)*width) < -r.Solution.VaR {
			bar.Color = vermilion
		}
		bar.LineStyle.Width = 0
		p.Add(bar)
		top = max(top, 100*h)
	}
	marks := []struct {
		name   string
		at     float64
		height float64
		side   text.XAlignment
		dashes []vg.Length
	}{
		{"CVaR", -r.Solution.CVaR, 0.75, text.XRight, nil},
		{"VaR", -r.Solution.VaR, 0.9, text.XRight, []vg.Length{vg.Points(4), vg.Points(3)}},
		{"expected", r.Solution.Mean, 1.05, text.XLeft, []vg.Length{vg.Points(1), vg.Points(2)}},
	}
	for _, m := range marks {
		line, err := plotter.NewLine(plotter.XYs{{X: 100 * m.at}, {X: 100 * m.at, Y: m.height * top}})
		if err != nil {
			return "", err
		}
		line.Color, line.Width, line.Dashes = ink, vg.Points(1), m.dashes
		label, err := plotter.NewLabels(plotter.XYLabels{XYs: plotter.XYs{{X: 100 * m.at, Y: m.height * top}}, Labels: []string{fmt.Sprintf(" %s %+.1f%% ", m.name, 100*m.at)}})
		if err != nil {
			return "", err
		}
		label.TextStyle[0].XAlign = m.side
		p.Add(line, label)
	}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 100*lo, 100*hi, 0, 1.15*top
	alt := fmt.Sprintf("Histogram of the portfolio's return over %d trading days in %d scenarios. Expected %+.2f%%; value at risk %.2f%%; the mean of the worst %.3g%% is a loss of %.2f%%.",
		r.Scenarios.Horizon, r.Set.Len(), 100*r.Solution.Mean, 100*r.Solution.VaR, 100*(1-r.Optimize.Alpha), 100*r.Solution.CVaR)
	return inlineSVG(p, 7.6*vg.Inch, 3*vg.Inch, alt)
}

// inlineSVG draws a plot as SVG to be put into a page: it scales with the
// page, takes its text colour from it, and has a text alternative.
func inlineSVG(p *plot.Plot, w, h vg.Length, alt string) (template.HTML, error) {
	p.BackgroundColor = nil
	canvas := vgsvg.New(w, h)
	p.Draw(draw.New(canvas))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return "", fmt.Errorf("reports: chart: %w", err)
	}
	svg := b.String()
	start := strings.Index(svg, "<svg")
	end := strings.Index(svg[max(0, start):], ">")
	if start < 0 || end < 0 {
		return "", fmt.Errorf("reports: chart: not an SVG")
	}
	body := strings.NewReplacer("fill:#000000", "fill:currentColor", "stroke:#000000", "stroke:currentColor").Replace(svg[start+end+1:])
	head := fmt.Sprintf(`<svg role="img" aria-label="%s" viewBox="0 0 %g %g" preserveAspectRatio="xMidYMid meet">`, template.HTMLEscapeString(alt), w.Points(), h.Points())
	return template.HTML(head + body), nil
}
