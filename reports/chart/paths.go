package chart

import (
	"fmt"
	"math"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
)

// Line is a named series of a chart of lines; a line has a point for each of
// its days.
type Line struct {
	Name string
	Days []int32 // since 1970-01-01
	Y    []float64
}

// mostPoints of a line are drawn: more cannot be seen.
const mostPoints = 600

// yearTicks labels an axis of days since 1970.
type yearTicks struct{}

// Ticks implements plot.Ticker.
func (yearTicks) Ticks(low, high float64) []plot.Tick {
	from, to := day(low), day(high)
	months := 12
	switch span := high - low; {
	case span < 70:
		return dayTicks(low, high)
	case span < 200:
		months = 1
	case span < 900:
		months = 3
	case span > 9000:
		months = 60
	case span > 4500:
		months = 24
	}
	var ticks []plot.Tick
	for t := time.Date(from.Year()-from.Year()%5, 1, 1, 0, 0, 0, 0, time.UTC); !t.After(to); t = t.AddDate(0, months, 0) {
		if t.Before(from) {
			continue
		}
		format := "2006"
		if months < 12 {
			format = "Jan 06"
		}
		ticks = append(ticks, plot.Tick{Value: float64(t.Unix()) / 86400, Label: t.Format(format)})
	}
	return ticks
}

// dayTicks marks about six days.
func dayTicks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	step := max(1, math.Ceil((high-low)/6))
	for d := math.Ceil(low); d <= high; d += step {
		ticks = append(ticks, plot.Tick{Value: d, Label: day(d).Format("2 Jan")})
	}
	return ticks
}

func day(d float64) time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// Lines draws up to eight series over days. percent says whether values are
// fractions.
func Lines(lines []Line, y string, percent bool, alt string) (*Chart, error) {
	c, p := newChart(460, 240, alt, "", y)
	p.X.Tick.Marker, p.Y.Tick.Marker = yearTicks{}, plainTicks{}
	if percent {
		p.Y.Tick.Marker = percentTicks{}
	}
	p.Add(grid())
	for k, s := range lines {
		x := make([]float64, len(s.Days))
		for i, d := range s.Days {
			x[i] = float64(d)
		}
		tx, ty := thin(x, s.Y, mostPoints)
		width := 1.1
		if k == 0 {
			width = 1.8
		}
		l, err := line(p, tx, ty, seriesColor(k), width)
		if err != nil {
			return nil, err
		}
		if len(lines) > 1 {
			p.Legend.Add(clip(s.Name, 24), l)
		}
		if len(tx) > 2 {
			c.names = append(c.names, s.Name)
		}
	}
	if len(lines) > 1 {
		legendRoom(p, len(lines), 240)
	}
	return c, nil
}

// legendRoom extends the vertical axis of a plot of that height, so that a legend of so many names
// lies above the data.
func legendRoom(p *plot.Plot, names int, height float64) {
	const line, margins = 13, 34 // of a name; above and below the axes
	share := min(0.75, line*float64(names)/(height-margins))
	p.Y.Max += (p.Y.Max - p.Y.Min) * share / (1 - share)
}

func grid() *plotter.Grid {
	g := plotter.NewGrid()
	g.Vertical.Color, g.Horizontal.Color = nil, faint
	g.Horizontal.Width = 0.5
	return g
}

// Bands are quantiles of cumulative returns at days X, and what was realized.
type Bands struct {
	X                      []float64
	Q5, Q25, Q50, Q75, Q95 []float64
	PastX, Past            []float64 // drawn before and over the bands; may be empty
}

// Fan draws bands of quantiles that open with time: 50% dark, 90% light, the
// median, and a realized line. dates says whether X are days since 1970, else
// trading days.
func Fan(b Bands, dates bool, x, alt string) (*Chart, error) {
	c, p := newChart(460, 230, alt, x, "cumulative return")
	p.Y.Tick.Marker = percentTicks{}
	if dates {
		p.X.Tick.Marker = yearTicks{}
	}
	p.Add(grid())
	band := func(low, high []float64, alpha uint8) error {
		xs, ys := append([]float64{}, b.X...), append([]float64{}, low...)
		for i := len(b.X) - 1; i >= 0; i-- {
			xs, ys = append(xs, b.X[i]), append(ys, high[i])
		}
		return area(p, xs, ys, seriesColor(0), alpha)
	}
	if err := band(b.Q5, b.Q95, 0x30); err != nil {
		return nil, err
	}
	if err := band(b.Q25, b.Q75, 0x55); err != nil {
		return nil, err
	}
	if _, err := line(p, b.X, b.Q50, seriesColor(0), 1.4); err != nil {
		return nil, err
	}
	c.names = []string{"median"}
	if len(b.Past) > 1 {
		px, py := thin(b.PastX, b.Past, mostPoints)
		if _, err := line(p, px, py, ink, 1.2); err != nil {
			return nil, err
		}
		c.names = append(c.names, "realized")
	}
	return c, nil
}

// Underwater draws drawdowns (0 or negative fractions) as an area.
func Underwater(days []int32, drawdown []float64, alt string) (*Chart, error) {
	c, p := newChart(460, 240, alt, "", "drawdown")
	p.X.Tick.Marker, p.Y.Tick.Marker = yearTicks{}, percentTicks{}
	p.Add(grid())
	x := make([]float64, len(days))
	for i, d := range days {
		x[i] = float64(d)
	}
	tx, ty := thin(x, drawdown, mostPoints)
	if len(tx) < 2 {
		return nil, fmt.Errorf("chart: %d days make no line", len(tx))
	}
	xs, ys := append(append([]float64{tx[0]}, tx...), tx[len(tx)-1]), append(append([]float64{0}, ty...), 0)
	if err := area(p, xs, ys, seriesColor(1), 0x66); err != nil {
		return nil, err
	}
	if _, err := line(p, tx, ty, seriesColor(1), 0.8); err != nil {
		return nil, err
	}
	p.Y.Max = 0
	return c, nil
}

// growthTicks labels an axis of log growth as growth.
type growthTicks struct{}

// Ticks implements plot.Ticker.
func (growthTicks) Ticks(low, high float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(math.Exp(low), math.Exp(high))
	var out []plot.Tick
	for _, t := range ticks {
		if t.Value > 0 {
			t.Value = math.Log(t.Value)
			out = append(out, t)
		}
	}
	return out
}

// Growth draws the logarithms of wealth, labeled as wealth.
func Growth(lines []Line, alt string) (*Chart, error) {
	c, err := Lines(lines, "growth of 1", false, alt)
	if err == nil {
		c.plot.Y.Tick.Marker = growthTicks{}
	}
	return c, err
}
