// Package chart draws what the reports show, with gonum/plot, as SVG to be put
// into a page or as PNG: slices in, bytes out. Charts have one theme, which
// color-blind readers can tell apart (Okabe and Ito 2008); in a page they take
// its text color, font and light or dark variant from the custom properties
// --ink, --line and --c1 to --c8. The same input gives the same bytes.
package chart

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"image/color"
	"math"
	"regexp"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Chart is a plot with its size and its text alternative.
type Chart struct {
	plot *plot.Plot
	w, h vg.Length
	alt  string
	side float64 // margins at the sides, in points, where not marginX
	// names are those of the lines of three points or more, in the order in which they are drawn.
	names []string
}

// The theme. Black and the light gray stand for the page's own.
var (
	ink    = color.NRGBA{0, 0, 0, 0xff}
	faint  = color.NRGBA{0xd9, 0xdc, 0xe1, 0xff}
	series = []color.NRGBA{
		{0x00, 0x72, 0xb2, 0xff},
		{0xd5, 0x5e, 0x00, 0xff},
		{0x00, 0x9e, 0x73, 0xff},
		{0xcc, 0x79, 0xa7, 0xff},
		{0xe6, 0x9f, 0x00, 0xff},
		{0x56, 0xb4, 0xe9, 0xff},
		{0x7d, 0x6f, 0x00, 0xff},
		{0x66, 0x66, 0x66, 0xff},
	}
	// properties names what a page calls the theme's colors.
	properties = []struct {
		fill color.NRGBA
		name string
	}{
		{ink, "var(--ink,#1b1d21)"},
		{faint, "var(--line,#d9dce1)"},
		{series[0], "var(--c1,#0072b2)"},
		{series[1], "var(--c2,#d55e00)"},
		{series[2], "var(--c3,#009e73)"},
		{series[3], "var(--c4,#cc79a7)"},
		{series[4], "var(--c5,#e69f00)"},
		{series[5], "var(--c6,#56b4e9)"},
		{series[6], "var(--c7,#7d6f00)"},
		{series[7], "var(--c8,#666)"},
	}
	hexadecimal = regexp.MustCompile("#[0-9A-F]{6}")
)

// themed writes the page's names for the theme's colors. Transparent ones have
// come back from the canvas rounded down a little.
func themed(svg string) string {
	return hexadecimal.ReplaceAllStringFunc(svg, func(s string) string {
		v, err := strconv.ParseUint(s[1:], 16, 32)
		if err != nil {
			return s
		}
		near := func(a uint8, b uint64) bool { return a-uint8(b) <= 3 }
		for _, p := range properties {
			if near(p.fill.R, v>>16&255) && near(p.fill.G, v>>8&255) && near(p.fill.B, v&255) {
				return p.name
			}
		}
		return s
	})
}

var lettering = regexp.MustCompile(`^(<text [^>]*?)\s+style="font-family:[^"]*?font-size:([0-9.]+)px(;[^"]*)?">([^<]*)</text>$`)

// fitted gives every text the width that it was laid out with, since the page's
// font may be wider: a label stays off what is beside it.
func fitted(svg string) string {
	const begin, end = "<text ", "</text>"
	var b strings.Builder
	for { // the expression sees texts only: paths are most of the bytes, and it is slow
		from := strings.Index(svg, begin)
		if from < 0 {
			break
		}
		length := strings.Index(svg[from:], end)
		if length < 0 {
			break
		}
		to := from + length + len(end)
		b.WriteString(svg[:from])
		b.WriteString(fittedText(svg[from:to]))
		svg = svg[to:]
	}
	b.WriteString(svg)
	return b.String()
}

// fittedText is fitted of one text element; others than lettering stay as they are.
func fittedText(s string) string {
	m := lettering.FindStringSubmatch(s)
	if m == nil {
		return s
	}
	size, err := strconv.ParseFloat(m[2], 64)
	if err != nil {
		return s
	}
	face := font.DefaultCache.Lookup(sans(size), vg.Points(size))
	width := face.Width(html.UnescapeString(m[4])).Points()
	return fmt.Sprintf(`%s textLength="%.4g" lengthAdjust="spacingAndGlyphs" style="font-size:%spx%s">%s</text>`, m[1], width, m[2], m[3], m[4])
}

func seriesColor(i int) color.NRGBA { return series[i%len(series)] }

// newChart makes an empty chart; sizes are in points.
func newChart(w, h float64, alt, x, y string) (*Chart, *plot.Plot) {
	p := plot.New()
	p.BackgroundColor = nil
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Label.TextStyle.Font, axis.Tick.Label.Font = sans(10.5), sans(10.5)
		axis.LineStyle.Width, axis.Tick.LineStyle.Width = vg.Points(0.6), vg.Points(0.6)
		axis.Padding = vg.Points(2)
	}
	p.X.Label.Text, p.Y.Label.Text = x, y
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.TextStyle.Font = sans(10)
	p.Legend.ThumbnailWidth, p.Legend.Padding = vg.Points(14), vg.Points(2.5)
	return &Chart{plot: p, w: vg.Points(w), h: vg.Points(h), alt: alt}, p
}

// sans is a font about as wide as those of the page that will draw the text: it
// is measured here, and replaced there.
func sans(size float64) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Points(size)}
}

// Margins of a chart in a page, in points: the label of the first tick reaches over its edge.
const marginX, marginY = 6, 2

// SVG returns the chart as an SVG element to be put into a page: it scales with
// the page, takes its colors and font from it, and has a text alternative.
func (c *Chart) SVG() (string, error) {
	canvas := vgsvg.New(c.w, c.h)
	c.plot.Draw(draw.New(canvas))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return "", fmt.Errorf("chart: %w", err)
	}
	svg := b.String()
	start := strings.Index(svg, "<svg")
	end := strings.Index(svg[max(0, start):], ">")
	if start < 0 || end < 0 {
		return "", fmt.Errorf("chart: the canvas is no SVG")
	}
	side := max(c.side, marginX)
	body := fitted(themed(svg[start+end+1:]))
	return fmt.Sprintf(`<svg role="img" aria-label="%s" viewBox="%g %d %g %g" preserveAspectRatio="xMidYMid meet"%s>`, html.EscapeString(c.alt), -side, -marginY, c.w.Points()+2*side, c.h.Points()+2*marginY, c.scale(draw.New(canvas))) + body, nil
}

// scale is an attribute for scripts that read values off the lines: left, right, bottom and top of the data
// in the coordinates of the paths, the values there, and what kind they are (d: days since
// 1970, p: fractions in percent, g: logarithms, n: numbers); and the names of the lines. There is none on an axis
// of names.
func (c *Chart) scale(on draw.Canvas) string {
	x, y := kind(c.plot.X.Tick.Marker), kind(c.plot.Y.Tick.Marker)
	if x == "" || y == "" {
		return ""
	}
	at := c.plot.DataCanvas(on)
	left, bottom, right, top := at.Min.X.Points(), at.Min.Y.Points(), at.Max.X.Points(), at.Max.Y.Points()
	text := fmt.Sprintf(` data-plot="%.5g %.5g %.5g %.5g %.7g %.7g %.5g %.5g %s %s"`, left, right, bottom, top, c.plot.X.Min, c.plot.X.Max, c.plot.Y.Min, c.plot.Y.Max, x, y)
	if len(c.names) > 0 {
		if b, err := json.Marshal(c.names); err == nil {
			text += fmt.Sprintf(` data-names="%s"`, html.EscapeString(string(b)))
		}
	}
	return text
}

// kind is that of the numbers on an axis; "" for names.
func kind(t plot.Ticker) string {
	switch t.(type) {
	case yearTicks:
		return "d"
	case percentTicks:
		return "p"
	case growthTicks:
		return "g"
	case plot.ConstantTicks:
		return ""
	}
	return "n"
}

// Alt is the text alternative.
func (c *Chart) Alt() string { return c.alt }

// PNG returns the chart as an image on white, at twice the size of the screen.
func (c *Chart) PNG() ([]byte, error) {
	c.plot.BackgroundColor = color.White
	defer func() { c.plot.BackgroundColor = nil }()
	canvas := vgimg.NewWith(vgimg.UseWH(c.w, c.h), vgimg.UseDPI(144))
	c.plot.Draw(draw.New(canvas))
	var b bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(&b); err != nil {
		return nil, fmt.Errorf("chart: %w", err)
	}
	return b.Bytes(), nil
}

func line(p *plot.Plot, x, y []float64, c color.Color, width float64, dashes ...vg.Length) (*plotter.Line, error) {
	l, err := plotter.NewLine(points(x, y))
	if err != nil {
		return nil, fmt.Errorf("chart: %w", err)
	}
	l.Color, l.Width, l.Dashes = c, vg.Points(width), dashes
	p.Add(l)
	return l, nil
}

func area(p *plot.Plot, x, y []float64, c color.NRGBA, alpha uint8) error {
	g, err := plotter.NewPolygon(points(x, y))
	if err != nil {
		return fmt.Errorf("chart: %w", err)
	}
	c.A = alpha
	g.Color, g.LineStyle.Width = c, 0
	p.Add(g)
	return nil
}

func label(p *plot.Plot, x, y float64, s string, align text.XAlignment, size float64) error {
	l, err := plotter.NewLabels(plotter.XYLabels{XYs: plotter.XYs{{X: x, Y: y}}, Labels: []string{s}})
	if err != nil {
		return fmt.Errorf("chart: %w", err)
	}
	l.TextStyle[0].XAlign, l.TextStyle[0].YAlign = align, draw.YCenter
	l.TextStyle[0].Font = sans(size)
	p.Add(l)
	return nil
}

func points(x, y []float64) plotter.XYs {
	xy := make(plotter.XYs, len(x))
	for i := range x {
		xy[i].X, xy[i].Y = x[i], y[i]
	}
	return xy
}

// percentTicks labels an axis of fractions in percent.
type percentTicks struct{}

// Ticks implements plot.Ticker.
func (percentTicks) Ticks(low, high float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(100*low, 100*high)
	for i := range ticks {
		if ticks[i].Label != "" {
			ticks[i].Label = strings.TrimSuffix(fmt.Sprintf("%.6g", ticks[i].Value), ".") + "%"
		}
		ticks[i].Value /= 100
	}
	return ticks
}

// plainTicks are numbers with as many digits as tell them apart.
type plainTicks struct{}

// Ticks implements plot.Ticker.
func (plainTicks) Ticks(low, high float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(low, high)
	for i := range ticks {
		if ticks[i].Label != "" {
			ticks[i].Label = fmt.Sprintf("%.6g", ticks[i].Value)
		}
	}
	return ticks
}

// thin keeps at most n points of a line, those of Thin.
func thin(x, y []float64, n int) ([]float64, []float64) {
	keep := Thin(x, y, n)
	if len(keep) == len(x) {
		return x, y
	}
	outX, outY := make([]float64, len(keep)), make([]float64, len(keep))
	for k, i := range keep {
		outX[k], outY[k] = x[i], y[i]
	}
	return outX, outY
}

// Thin returns the places of at most n points of a line, all where n is below 3: the
// first and last, and of each bucket the one that makes the largest triangle with its
// neighbors (Steinarsson 2013, largest triangle three buckets).
func Thin(x, y []float64, n int) []int {
	if len(x) <= n || n < 3 {
		all := make([]int, len(x))
		for i := range all {
			all[i] = i
		}
		return all
	}
	places := []int{0}
	size := float64(len(x)-2) / float64(n-2)
	at := 0
	for b := range n - 2 {
		from, to := 1+int(float64(b)*size), 1+int(float64(b+1)*size)
		next := min(len(x), 1+int(float64(b+2)*size))
		meanX, meanY := 0.0, 0.0
		for i := to; i < next; i++ {
			meanX += x[i] / float64(next-to)
			meanY += y[i] / float64(next-to)
		}
		if to >= next {
			meanX, meanY = x[len(x)-1], y[len(y)-1]
		}
		best, keep := -1.0, from
		for i := from; i < to; i++ {
			if a := math.Abs((x[at]-meanX)*(y[i]-y[at]) - (x[at]-x[i])*(meanY-y[at])); a > best {
				best, keep = a, i
			}
		}
		places, at = append(places, keep), keep
	}
	return append(places, len(x)-1)
}

// clip shortens a name to n runes.
func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
