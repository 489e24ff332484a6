package chart

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Bar is a named number.
type Bar struct {
	Name  string
	Value float64
}

// Bars draws named fractions as horizontal bars, the first on top, negative
// ones in the second color.
func Bars(bars []Bar, x, alt string) (*Chart, error) {
	c, p := newChart(460, 44+17*float64(len(bars)), alt, x, "")
	p.X.Tick.Marker = percentTicks{}
	low, high := 0.0, 0.0
	var ticks []plot.Tick
	for k, b := range bars {
		y := float64(len(bars) - k)
		which := seriesColor(0)
		if b.Value < 0 {
			which = seriesColor(1)
		}
		if err := area(p, []float64{0, 0, b.Value, b.Value}, []float64{y - 0.35, y + 0.35, y + 0.35, y - 0.35}, which, 0xff); err != nil {
			return nil, err
		}
		low, high = min(low, b.Value), max(high, b.Value)
		ticks = append(ticks, plot.Tick{Value: y, Label: clip(b.Name, 24)})
	}
	p.Y.Tick.Marker, p.Y.Tick.Length, p.Y.LineStyle.Width = plot.ConstantTicks(ticks), 0, 0
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = low, high*1.02+1e-12, 0.4, float64(len(bars))+0.6
	return c, nil
}

// Frontier draws the efficient frontier: risk to the right, return up. chosen
// is the large mark, others the small ones.
func Frontier(risk, ret []float64, chosen [2]float64, others [][2]float64, x, y, alt string) (*Chart, error) {
	c, p := newChart(460, 280, alt, x, y)
	p.X.Tick.Marker, p.Y.Tick.Marker = percentTicks{}, percentTicks{}
	p.Add(grid())
	if _, err := line(p, risk, ret, seriesColor(0), 1.6); err != nil {
		return nil, err
	}
	marks := func(at [][2]float64, which color.Color, size float64, shape draw.GlyphDrawer) error {
		xy := make(plotter.XYs, len(at))
		for i, v := range at {
			xy[i].X, xy[i].Y = v[0], v[1]
		}
		s, err := plotter.NewScatter(xy)
		if err != nil {
			return fmt.Errorf("chart: %w", err)
		}
		s.GlyphStyle = draw.GlyphStyle{Color: which, Radius: vg.Points(size), Shape: shape}
		p.Add(s)
		return nil
	}
	ends := make([][2]float64, len(risk))
	for i := range risk {
		ends[i] = [2]float64{risk[i], ret[i]}
	}
	if err := marks(ends, seriesColor(0), 1.4, draw.CircleGlyph{}); err != nil {
		return nil, err
	}
	// Strategies far to the right would squeeze the line that the chart is about.
	reach := risk[len(risk)-1] * 1.5
	var near [][2]float64
	for _, v := range others {
		if v[0] <= reach {
			near = append(near, v)
		}
	}
	if len(near) > 0 {
		if err := marks(near, seriesColor(7), 2, draw.CircleGlyph{}); err != nil {
			return nil, err
		}
	}
	return c, marks([][2]float64{chosen}, seriesColor(1), 5, draw.CircleGlyph{})
}

// Matrix draws an N x N table of probabilities with names on both sides, blue
// above one half and orange below it, and the numbers in the cells.
func Matrix(names []string, value [][]float64, alt string) (*Chart, error) {
	n := len(names)
	c, p := newChart(560, 110+25*float64(n), alt, "", "")
	var xs, ys []plot.Tick
	for i := range n {
		y := float64(n - 1 - i)
		ys = append(ys, plot.Tick{Value: y, Label: clip(names[i], 18)})
		xs = append(xs, plot.Tick{Value: float64(i), Label: clip(names[i], 14)})
		for j := range n {
			if i == j {
				continue
			}
			v := value[i][j]
			which := seriesColor(0)
			if v < 0.5 {
				which = seriesColor(1)
			}
			x := float64(j)
			strength := uint8(math.Round(min(1, 2*math.Abs(v-0.5)*1.4) * 0xb0))
			if err := area(p, []float64{x - .47, x - .47, x + .47, x + .47}, []float64{y - .46, y + .46, y + .46, y - .46}, which, strength); err != nil {
				return nil, err
			}
			if err := label(p, x, y, fmt.Sprintf("%.0f", 100*v), text.XCenter, 10); err != nil {
				return nil, err
			}
		}
	}
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.ConstantTicks(xs), plot.ConstantTicks(ys)
	// Upright: side by side, names are wider than the cells.
	p.X.Tick.Label.Rotation, p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = math.Pi/2, text.XRight, text.YCenter
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.LineStyle.Width, axis.Tick.Length = 0, 0
		axis.Min, axis.Max = -0.55, float64(n)-0.45
	}
	return c, nil
}
