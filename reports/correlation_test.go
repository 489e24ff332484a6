package reports

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"

	"allocate/returns"
)

// correlated returns n series with pairwise correlations of 0.4.
func correlated(n, days int) []*returns.Series {
	rng := rand.New(rand.NewPCG(11, 12))
	all := make([]*returns.Series, n)
	for j := range all {
		all[j] = &returns.Series{Strategy: returns.Strategy{Name: fmt.Sprint(j)}}
	}
	for i := range days {
		common := rng.NormFloat64()
		for _, s := range all {
			s.Dates = append(s.Dates, returns.NewDate(2015, 1, 1)+returns.Date(i))
			s.Returns = append(s.Returns, 0.01*(math.Sqrt(0.4)*common+math.Sqrt(0.6)*rng.NormFloat64()))
		}
	}
	return all
}

// pairwise is the average correlation of every pair of some columns.
func pairwise(columns [][]float64) (mean float64) {
	n := 0.0
	for i := range columns {
		for j := range i {
			mean += stat.Correlation(columns[i], columns[j], nil)
			n++
		}
	}
	return mean / n
}

// TestCorrelationsPairByPair compares every window, and the whole history, with the
// correlations of the pairs. One strategy starts late, and one lacks a few returns, in
// place of which stands its mean in the window.
func TestCorrelationsPairByPair(t *testing.T) {
	const n, days, late = 5, 200, 100
	all := correlated(n, days)
	dates := all[0].Dates
	full := make([][]float64, n) // NaN: missing
	for j, s := range all {
		full[j] = append([]float64(nil), s.Returns...)
	}
	drop := func(j, from, to int) {
		for t := from; t < to; t++ {
			full[j][t] = math.NaN()
		}
		all[j].Dates, all[j].Returns = nil, nil
		for t, r := range full[j] {
			if !math.IsNaN(r) {
				all[j].Dates, all[j].Returns = append(all[j].Dates, dates[t]), append(all[j].Returns, r)
			}
		}
	}
	drop(1, 0, late)
	drop(3, 185, 188)
	c := correlationsOf(all)
	if c == nil || len(c.days) != days-62 || c.days[0] != dates[62] || c.days[len(c.days)-1] != dates[days-1] || c.today != n || c.from != dates[0] || c.to != dates[days-1] {
		t.Fatalf("%+v", c)
	}
	for k, got := range c.mean {
		var columns [][]float64
		for _, column := range full {
			window, sum, there := append([]float64(nil), column[k:k+63]...), 0.0, 0.0
			for _, r := range window {
				if !math.IsNaN(r) {
					sum += r
					there++
				}
			}
			if there < 57 {
				continue
			}
			for i, r := range window {
				if math.IsNaN(r) {
					window[i] = sum / there
				}
			}
			columns = append(columns, window)
		}
		if want := pairwise(columns); !(math.Abs(got-want) <= 1e-12) {
			t.Fatalf("window %d: %v, of the pairs %v", k, got, want)
		}
	}
	want := 0.0
	for i := range n {
		for j := range i {
			var x, y []float64
			for t := range days {
				if !math.IsNaN(full[i][t] + full[j][t]) {
					x, y = append(x, full[i][t]), append(y, full[j][t])
				}
			}
			want += stat.Correlation(x, y, nil) / 10
		}
	}
	if !(math.Abs(c.whole-want) <= 1e-12) {
		t.Errorf("whole history %v, of the pairs %v", c.whole, want)
	}
}

// Scale, mean and order of the strategies change nothing; equal strategies have a
// correlation of 1, opposite ones of -1.
func TestCorrelationsInvariance(t *testing.T) {
	a, b := correlated(3, 150), correlated(3, 150)
	b[0], b[2] = b[2], b[0]
	for i := range b[1].Returns {
		b[1].Returns[i] = 3*b[1].Returns[i] + 0.002
	}
	x, y := correlationsOf(a), correlationsOf(b)
	for k := range x.mean {
		if !(math.Abs(x.mean[k]-y.mean[k]) <= 1e-9) {
			t.Fatalf("window %d: %v, then %v", k, x.mean[k], y.mean[k])
		}
	}
	for _, sign := range []float64{1, -1} {
		pair := correlated(2, 100)
		for i, r := range pair[0].Returns {
			pair[1].Returns[i] = sign * r
		}
		c := correlationsOf(pair)
		if !(math.Abs(c.mean[0]-sign)+math.Abs(c.whole-sign) <= 1e-12) {
			t.Errorf("%v, %v, want %v", c.mean[0], c.whole, sign)
		}
	}
}

// A long history has a bounded number of windows, the last day's among them; what has no
// two windows of two strategies has no chart.
func TestCorrelationsOfShortAndLongHistories(t *testing.T) {
	for _, days := range []int{64, 363, 364, 1000, 5000} {
		all := correlated(2, days)
		c := correlationsOf(all)
		if len(c.days) > correlationPoints || len(c.days) < 2 || c.days[len(c.days)-1] != all[0].Dates[days-1] {
			t.Errorf("%d days: %d windows", days, len(c.days))
		}
	}
	constant := correlated(2, 100)
	for i := range constant[0].Returns {
		constant[0].Returns[i] = 0.001
	}
	stopped := correlated(2, 100)
	stopped[1].Dates, stopped[1].Returns = stopped[1].Dates[:80], stopped[1].Returns[:80]
	late := correlated(2, 100)
	late[1].Dates, late[1].Returns = late[1].Dates[100-57:], late[1].Returns[100-57:]
	undated := correlated(2, 100)
	undated[1].Dates = nil
	for what, all := range map[string][]*returns.Series{
		"none": nil, "one": correlated(1, 100), "one window": correlated(2, 63), "a constant strategy": constant, "a strategy that stopped": stopped, "a strategy in the last window only": late, "no dates": undated,
	} {
		if c := correlationsOf(all); c != nil {
			t.Errorf("%s: %+v", what, c)
		}
	}
}

// The page shows the strategies held.
func TestCorrelationOfHeldStrategies(t *testing.T) {
	r := plausible(12)
	r.Series = correlated(12, 300)
	p := page{}
	s, err := Summarize(func() *Run { x := plausible(12); x.Series = r.Series; return x }())
	if err != nil {
		t.Fatal(err)
	}
	p.figures(r, s)
	c := correlationsOf(r.Series[:8])
	if p.CorrelationNote != c.note(returns.Daily) || !strings.Contains(string(p.Correlation), "8 strategies, 2015-01-01 to 2015-10-27; lowest ") {
		t.Errorf("%q, %.300s", p.CorrelationNote, p.Correlation)
	}
	if want := fmt.Sprintf("rolling 63 days: %.2f today, %.2f over the whole history.", c.mean[len(c.mean)-1], c.whole); !strings.HasSuffix(p.CorrelationNote, want) {
		t.Errorf("%q, want %q", p.CorrelationNote, want)
	}
	last := len(c.days) - 1
	if x := c.course(returns.Daily); x.Now != c.mean[last] || x.Until != float64(c.days[last]) || x.Days[last] != x.Until || *x.Level != c.whole || x.NowName != fmt.Sprintf("today %.2f", x.Now) || x.LevelName != fmt.Sprintf("whole history %.2f", c.whole) {
		t.Errorf("the chart has today %v and the whole history %v, want %v and %v", x.Now, *x.Level, c.mean[last], c.whole)
	}
	low, high := 0, 0
	for k, x := range c.mean {
		if x < c.mean[low] {
			low = k
		}
		if x > c.mean[high] {
			high = k
		}
	}
	if want := fmt.Sprintf("lowest %.2f on %v, highest %.2f on %v.", c.mean[low], c.days[low], c.mean[high], c.days[high]); !strings.Contains(string(p.Correlation), want) {
		t.Errorf("the text lacks %q: %.300s", want, p.Correlation)
	}
	r.Solution.Weights = make([]float64, 12)
	r.Solution.Weights[4] = 1
	p = page{}
	if p.figures(r, s); p.Correlation != "" {
		t.Error("a single strategy has a correlation")
	}
}
