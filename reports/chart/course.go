package chart

import (
	"fmt"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Course is a quantity through time, with its value of today and what that is compared
// with. A number that is not finite cannot be drawn.
type Course struct {
	Name    string // of the line, for the legend
	Days    []float64
	Y       []float64
	Q5, Q95 []float64 // band about Y; nil: none

	Now     float64 // the last value, at the day Until
	Until   float64 // not before the last of Days
	NowName string  // for the legend

	Panel bool // of the size of a strategy's panels

	Level     *float64 // a horizontal line; nil: none
	LevelName string   // for the legend
}

// Through draws a quantity through time: its band, its line, the level as a dashed line
// and a dot for today. percent says whether values are fractions; of these, which are
// positive, the axis begins at 0.
func Through(s Course, y string, percent bool, alt string) (*Chart, error) {
	if len(s.Days) < 2 || len(s.Y) != len(s.Days) || s.Q5 != nil && (len(s.Q5) != len(s.Days) || len(s.Q95) != len(s.Days)) {
		return nil, fmt.Errorf("chart: %d days with %d values make no line", len(s.Days), len(s.Y))
	}
	width, height := 460., 240.
	if s.Panel {
		width, height = 380, 190
	}
	c, p := newChart(width, height, alt, "", y)
	p.X.Tick.Marker, p.Y.Tick.Marker = yearTicks{}, plainTicks{}
	if percent {
		p.Y.Tick.Marker = percentTicks{}
	}
	p.Add(grid())
	if s.Q5 != nil {
		xs, ys := append([]float64{}, s.Days...), append([]float64{}, s.Q5...)
		for i := len(s.Days) - 1; i >= 0; i-- {
			xs, ys = append(xs, s.Days[i]), append(ys, s.Q95[i])
		}
		if err := area(p, xs, ys, seriesColor(0), 0x55); err != nil {
			return nil, err
		}
	}
	l, err := line(p, s.Days, s.Y, seriesColor(0), 1)
	if err != nil {
		return nil, err
	}
	p.Legend.Add(s.Name, l)
	c.names = []string{s.Name}
	if s.Level != nil {
		level, err := line(p, []float64{s.Days[0], s.Until}, []float64{*s.Level, *s.Level}, ink, 1, vg.Points(4), vg.Points(3))
		if err != nil {
			return nil, err
		}
		p.Legend.Add(s.LevelName, level)
	}
	dot, err := plotter.NewScatter(plotter.XYs{{X: s.Until, Y: s.Now}})
	if err != nil {
		return nil, fmt.Errorf("chart: %w", err)
	}
	dot.GlyphStyle = draw.GlyphStyle{Color: seriesColor(1), Radius: vg.Points(3.5), Shape: draw.CircleGlyph{}}
	p.Add(dot)
	p.Legend.Add(s.NowName, dot)
	if percent {
		p.Y.Min = 0
	}
	p.Y.Max += (p.Y.Max - p.Y.Min) * 62 / height // room for the legend above the line
	return c, nil
}
