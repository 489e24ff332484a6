package chart

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// Mark is a vertical line with a name.
type Mark struct {
	Name string
	At   float64
}

// Histogram draws outcomes (returns, fractions) with probabilities (nil:
// equal) in 80 bins; those below cut are in the second color. Marks are drawn
// from the highest to the lowest.
func Histogram(outcomes, prob []float64, cut float64, marks []Mark, x, alt string) (*Chart, error) {
	const bins = 80
	sorted := slices.Clone(outcomes)
	slices.Sort(sorted)
	lo, hi := sorted[len(sorted)/1000], sorted[len(sorted)-1-len(sorted)/1000]
	for _, m := range marks {
		lo, hi = min(lo, m.At), max(hi, m.At)
	}
	if hi <= lo {
		hi = lo + 1e-6
	}
	lo, hi = lo-0.02*(hi-lo), hi+0.02*(hi-lo)
	width := (hi - lo) / bins
	heights := make([]float64, bins)
	for i, v := range outcomes {
		if b := int(math.Floor((v - lo) / width)); b >= 0 && b < bins {
			if prob == nil {
				heights[b] += 1 / float64(len(outcomes))
			} else {
				heights[b] += prob[i]
			}
		}
	}
	c, p := newChart(460, 240, alt, x, "share of scenarios")
	p.X.Tick.Marker, p.Y.Tick.Marker = percentTicks{}, percentTicks{}
	top := slices.Max(heights)
	for b, h := range heights {
		x0, x1 := lo+float64(b)*width, lo+float64(b+1)*width
		which := seriesColor(0)
		if (x0+x1)/2 < cut {
			which = seriesColor(1)
		}
		if h > 0 {
			if err := area(p, []float64{x0, x0, x1, x1}, []float64{0, h, h, 0}, which, 0xff); err != nil {
				return nil, err
			}
		}
	}
	for k, m := range marks {
		height := top * (1.05 - 0.15*float64(k))
		if _, err := line(p, []float64{m.At, m.At}, []float64{0, height}, ink, 1, vg.Points(4), vg.Points(float64(2*k))); err != nil {
			return nil, err
		}
		side := text.XAlignment(text.XRight)
		if m.At > (lo+hi)/2 || k == 0 {
			side = text.XLeft
		}
		if err := label(p, m.At, height, fmt.Sprintf("\u00a0%s %+.1f%%\u00a0", m.Name, 100*m.At), side, 10); err != nil {
			return nil, err
		}
	}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = lo, hi, 0, 1.15*top
	return c, nil
}

// Density draws the density of draws by a histogram's outline, with the mean
// and the central 90% marked: one panel of a strategy's posterior. percent says
// whether draws are fractions.
func Density(draws []float64, x string, percent bool, alt string) (*Chart, error) {
	const bins = 40
	sorted := slices.Clone(draws)
	slices.Sort(sorted)
	lo, hi := sorted[len(sorted)/500], sorted[len(sorted)-1-len(sorted)/500]
	if hi <= lo {
		hi = lo + math.Max(1e-9, math.Abs(lo)*1e-6)
	}
	width := (hi - lo) / bins
	heights := make([]float64, bins+2)
	for _, v := range draws {
		if b := int(math.Floor((v - lo) / width)); b >= 0 && b < bins {
			heights[b+1] += 1 / float64(len(draws))
		}
	}
	xs, ys := make([]float64, bins+2), make([]float64, bins+2)
	for b := range xs {
		xs[b] = lo + (float64(b)-0.5)*width
		ys[b] = heights[b]
		if b > 0 && b < bins+1 { // a light smoothing: the eye should not count bins
			ys[b] = (heights[b-1] + 2*heights[b] + heights[b+1]) / 4
		}
	}
	c, p := newChart(380, 190, alt, x, "")
	if percent {
		p.X.Tick.Marker = percentTicks{}
	}
	p.HideY()
	c.side = 16 // half of the first tick's label
	if err := area(p, append(append([]float64{xs[0]}, xs...), xs[bins+1]), append(append([]float64{0}, ys...), 0), seriesColor(0), 0x55); err != nil {
		return nil, err
	}
	if _, err := line(p, xs, ys, seriesColor(0), 1.4); err != nil {
		return nil, err
	}
	top := slices.Max(ys)
	for _, q := range []float64{0.05, 0.5, 0.95} {
		v := sorted[int(q*float64(len(sorted)-1))]
		if _, err := line(p, []float64{v, v}, []float64{0, top}, ink, 0.8, vg.Points(2), vg.Points(2)); err != nil {
			return nil, err
		}
	}
	p.Y.Min, p.Y.Max = 0, 1.05*top
	return c, nil
}

// Ranks draws, for each chain, how its draws rank among those of all: flat
// where the chains agree (Vehtari et al. 2021, figure 2).
func Ranks(chains [][]float64, alt string) (*Chart, error) {
	const bins = 20
	type drawn struct {
		v     float64
		chain int
	}
	var all []drawn
	for k, chain := range chains {
		for _, v := range chain {
			all = append(all, drawn{v, k})
		}
	}
	slices.SortStableFunc(all, func(a, b drawn) int {
		switch {
		case a.v < b.v:
			return -1
		case a.v > b.v:
			return 1
		}
		return 0
	})
	c, p := newChart(380, 190, alt, "rank among the draws of all chains", "")
	counts := make([][]float64, len(chains))
	for k := range counts {
		counts[k] = make([]float64, bins)
	}
	for rank, d := range all {
		counts[d.chain][rank*bins/len(all)]++
	}
	expected := float64(len(all)) / float64(len(chains)*bins)
	for k, n := range counts {
		xs, ys := []float64{}, []float64{}
		for b, v := range n {
			xs, ys = append(xs, float64(b)/bins, float64(b+1)/bins), append(ys, v/expected, v/expected)
		}
		if _, err := line(p, xs, ys, seriesColor(k), 1); err != nil {
			return nil, err
		}
	}
	p.X.Tick.Marker = percentTicks{}
	p.Y.Min, p.Y.Max = 0, 2
	p.HideY()
	c.side = 16 // half of the first tick's label
	return c, nil
}

// Uniform draws a histogram of numbers that should be uniform on [0, 1], in ten
// bins, with the central 90% band of a bin's count.
func Uniform(values []float64, alt string) (*Chart, error) {
	const bins = 10
	counts := make([]float64, bins)
	for _, v := range values {
		counts[min(bins-1, max(0, int(v*bins)))]++
	}
	c, p := newChart(460, 240, alt, "probability integral transform", "decisions")
	p.X.Tick.Marker = percentTicks{}
	n := float64(len(values))
	mean := n / bins
	half := 1.6449 * math.Sqrt(n/bins*(1-1.0/bins))
	for b, k := range counts {
		x0, x1 := float64(b)/bins+0.004, float64(b+1)/bins-0.004
		if k > 0 {
			if err := area(p, []float64{x0, x0, x1, x1}, []float64{0, k, k, 0}, seriesColor(0), 0xff); err != nil {
				return nil, err
			}
		}
	}
	for _, y := range []float64{mean - half, mean, mean + half} {
		if _, err := line(p, []float64{0, 1}, []float64{y, y}, ink, 0.8, vg.Points(3), vg.Points(3)); err != nil {
			return nil, err
		}
	}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1, 0, 1.1*max(slices.Max(counts), mean+half)
	return c, nil
}
