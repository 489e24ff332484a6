package chart

import "gonum.org/v1/plot/plotter"

// mostSteps is how many steps are drawn; of more, every second or third.
const mostSteps = 250

// Stack draws series that hold from one day to the next (weights between two
// trades) on top of each other: positive values upwards from zero, negative
// ones downwards. All series have the days of the first; last is the day up
// to which their last values hold.
func Stack(series []Line, last int32, y, alt string) (*Chart, error) {
	c, p := newChart(460, 280, alt, "", y)
	p.X.Tick.Marker, p.Y.Tick.Marker = yearTicks{}, percentTicks{}
	p.Add(grid())
	var x []float64 // both ends of every step
	days := series[0].Days
	if every := (len(days) + mostSteps - 1) / mostSteps; every > 1 {
		series, days = thinned(series, every)
	}
	for i, d := range days {
		end := max(last, d)
		if i+1 < len(days) {
			end = days[i+1]
		}
		x = append(x, float64(d), float64(end))
	}
	over, under := make([]float64, len(days)), make([]float64, len(days))
	for k, s := range series {
		// A series may change its sign, so that it has an area on either side.
		for _, side := range []struct {
			base []float64
			sign float64
		}{{over, 1}, {under, -1}} {
			var low, high []float64
			any := false
			for i, v := range s.Y {
				from := side.base[i]
				if v*side.sign > 0 {
					side.base[i] += v
					any = true
				}
				low, high = append(low, from, from), append(high, side.base[i], side.base[i])
			}
			if !any {
				continue
			}
			xs, ys := append([]float64{}, x...), append([]float64{}, high...)
			for i := len(x) - 1; i >= 0; i-- {
				xs, ys = append(xs, x[i]), append(ys, low[i])
			}
			if err := area(p, xs, ys, seriesColor(k), 0xd0); err != nil {
				return nil, err
			}
		}
		swatch, err := plotter.NewPolygon(plotter.XYs{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}})
		if err != nil {
			return nil, err
		}
		swatch.Color, swatch.LineStyle.Width = seriesColor(k), 0
		p.Legend.Add(clip(s.Name, 24), swatch)
	}
	legendRoom(p, len(series), 280)
	return c, nil
}

// thinned keeps one of every so many values.
func thinned(all []Line, every int) (some []Line, days []int32) {
	for _, s := range all {
		one := Line{Name: s.Name}
		for i := 0; i < len(s.Y); i += every {
			one.Days, one.Y = append(one.Days, s.Days[i]), append(one.Y, s.Y[i])
		}
		some = append(some, one)
	}
	return some, some[0].Days
}
