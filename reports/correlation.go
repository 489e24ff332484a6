package reports

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"allocate/reports/chart"
	"allocate/returns"
)

// correlationWindow is the number of periods of which a correlation is taken: a quarter
// of daily returns.
const correlationWindow = 63

// correlationGaps is the most missing returns of a strategy in a window.
const correlationGaps = 6

// correlationPoints is the most windows of a chart.
const correlationPoints = 300

// correlations are the average pairwise correlation of strategies through time.
type correlations struct {
	days     []returns.Date // last days of the windows, rising
	mean     []float64      // over the pairs of strategies that the window has; see windowCorrelation
	whole    float64        // over the pairs of today's strategies, on all days that two share
	today    int            // number of today's strategies
	from, to returns.Date   // of the history
}

// correlationsOf returns nil where there are no two windows, or no two strategies that
// vary in the last of them.
func correlationsOf(all []*returns.Series) *correlations {
	var dates []returns.Date
	for _, s := range all {
		if len(s.Dates) != s.Len() {
			return nil
		}
		dates = append(dates, s.Dates...)
	}
	slices.Sort(dates)
	dates = slices.Compact(dates)
	n := len(dates)
	if n <= correlationWindow {
		return nil
	}
	places := make([][]int, len(all)) // of the returns of each strategy on the dates, -1 where it has none
	for j, s := range all {
		places[j] = make([]int, n)
		at := 0
		for t, d := range dates {
			if places[j][t] = -1; at < s.Len() && s.Dates[at] == d {
				places[j][t] = at
				at++
			}
		}
	}
	c := &correlations{from: dates[0], to: dates[n-1]}
	step := (n - correlationWindow + correlationPoints - 2) / (correlationPoints - 1)
	var last []int
	for t := correlationWindow - 1 + (n-correlationWindow)%step; t < n; t += step { // up to the last date
		mean, who := windowCorrelation(all, places, t)
		if last = who; len(who) > 1 {
			c.days, c.mean = append(c.days, dates[t]), append(c.mean, mean)
		}
	}
	if c.today = len(last); c.today < 2 || len(c.days) < 2 {
		return nil
	}
	c.whole = wholeCorrelation(all, places, last)
	return c
}

// windowCorrelation returns the average correlation of the pairs of strategies in the
// window that ends at date t, and these strategies: those with a return on all days but a
// few, which count as the mean of the others, and whose returns vary. With z standardized
// in the window, the sum over all pairs, twice, and each strategy with itself, is the mean
// of the squares of sum_i z_i.
func windowCorrelation(all []*returns.Series, places [][]int, t int) (mean float64, who []int) {
	const w = correlationWindow
	var sum [w]float64
	for j, s := range all {
		window := places[j][t-w+1 : t+1]
		n, center, squares := 0.0, 0.0, 0.0
		for _, at := range window {
			if at >= 0 {
				n++
				center += s.Returns[at]
			}
		}
		if n < w-correlationGaps {
			continue
		}
		center /= n
		for _, at := range window {
			if at >= 0 {
				squares += (s.Returns[at] - center) * (s.Returns[at] - center)
			}
		}
		if !(squares > 1e-20*w*center*center) {
			continue
		}
		who = append(who, j)
		root := math.Sqrt(squares)
		for i, at := range window {
			if at >= 0 {
				sum[i] += (s.Returns[at] - center) / root
			}
		}
	}
	total := 0.0
	for _, x := range sum {
		total += x * x
	}
	k := float64(len(who))
	return (total - k) / (k * (k - 1)), who
}

// wholeCorrelation returns the average correlation of the pairs of some strategies on
// the days that the two share.
func wholeCorrelation(all []*returns.Series, places [][]int, who []int) float64 {
	sum, pairs := 0.0, 0
	var x, y []float64
	for a, i := range who {
		for _, j := range who[:a] {
			x, y = x[:0], y[:0]
			for t, at := range places[i] {
				if other := places[j][t]; at >= 0 && other >= 0 {
					x, y = append(x, all[i].Returns[at]), append(y, all[j].Returns[other])
				}
			}
			sum += stat.Correlation(x, y, nil)
			pairs++
		}
	}
	return sum / float64(pairs)
}

// heldSeries are the histories of the strategies with a weight.
func heldSeries(r *Run) (held []*returns.Series) {
	for j, s := range r.Series {
		if r.Solution.Weights[j] != 0 {
			held = append(held, s)
		}
	}
	return held
}

// note says what the chart shows.
func (c *correlations) note(f returns.Frequency) string {
	return fmt.Sprintf("Average pairwise correlation of the %s held, rolling %s: %.2f today, %.2f over the whole history.",
		returns.Plural(c.today, "strategy"), f.Days(correlationWindow), c.mean[len(c.mean)-1], c.whole)
}

// course is the line of the chart.
func (c *correlations) course(f returns.Frequency) chart.Course {
	now := c.mean[len(c.mean)-1]
	s := chart.Course{
		Name: "rolling " + f.Days(correlationWindow), Y: c.mean, Now: now, Until: float64(c.days[len(c.days)-1]), NowName: fmt.Sprintf("today %.2f", now),
		Level: &c.whole, LevelName: fmt.Sprintf("whole history %.2f", c.whole),
	}
	for _, d := range c.days {
		s.Days = append(s.Days, float64(d))
	}
	return s
}

func (c *correlations) chart(f returns.Frequency) (*chart.Chart, error) {
	low, high := slices.Index(c.mean, slices.Min(c.mean)), slices.Index(c.mean, slices.Max(c.mean))
	return chart.Through(c.course(f), "average correlation", false, fmt.Sprintf("%s %s, %v to %v; lowest %.2f on %v, highest %.2f on %v.",
		c.note(f), returns.Count(c.today, "strategy"), c.from, c.to, c.mean[low], c.days[low], c.mean[high], c.days[high]))
}
