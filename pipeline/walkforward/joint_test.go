package walkforward

import (
	"math"
	"testing"

	"allocate/returns"
	"allocate/scenarios"
)

// TestPeriods has a strategy with three fits, one that starts later and one that has ended
// before the last: a period is between fits of the first, with those that are there.
func TestPeriods(t *testing.T) {
	days := func(from, n int) (d []returns.Date) {
		for i := range n {
			d = append(d, returns.Date(from+i))
		}
		return d
	}
	strategies := []Strategy{
		{Name: "a", Days: days(0, 400), Segments: []Segment{{0, 100, 200}, {0, 200, 300}, {0, 300, 400}}},
		{Name: "b", Days: days(150, 250), Segments: []Segment{{0, 100, 200}, {0, 200, 250}}},
		{Name: "c", Days: days(0, 290), Segments: []Segment{{0, 100, 200}, {0, 200, 290}}},
	}
	all, err := Options{MinHistory: 100, Refit: 100}.Periods(strategies, "all")
	if err != nil || len(all) != 3 {
		t.Fatalf("%+v, %v", all, err)
	}
	for k, want := range [][]Member{
		{{0, 0, 0, 100, 200}, {2, 0, 0, 100, 200}},
		{{0, 1, 0, 200, 300}, {2, 1, 0, 200, 290}}, // b has its first fit on day 250
		{{0, 2, 0, 300, 400}, {1, 0, 0, 150, 250}},
	} {
		got := all[k].Members
		if len(got) != len(want) {
			t.Errorf("period %d: %+v", k, got)
			continue
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("period %d: %+v, want %+v", k, got[i], want[i])
			}
		}
	}
}

// TestJoint is by hand: differences by day, in the years that they are of; a day that the
// reference lacks, or had other strategies on, does not count.
func TestJoint(t *testing.T) {
	at := func(y, m, d, n int, score float64) scenarios.JointDay {
		return scenarios.JointDay{Date: returns.NewDate(y, 1, 1).AddMonths(m - 1).AddDays(d - 1), Strategies: n, LogScore: score}
	}
	rows := Joint(Options{Models: []string{"m"}, Dependences: []string{"x", "y"}}, [][][]scenarios.JointDay{{
		{at(2020, 12, 30, 3, 1), at(2020, 12, 31, 3, 2), at(2021, 1, 4, 3, -1), at(2021, 1, 5, 2, 0)},
		{at(2020, 12, 30, 3, 1.5), at(2020, 12, 31, 3, 2.1), at(2021, 1, 4, 3, -2), at(2021, 1, 5, 3, 9), at(2021, 1, 6, 3, 9)},
	}})
	if len(rows) != 2 || rows[0].LogScore.Mean != 0 || rows[0].LogScore.Days != 4 {
		t.Fatalf("%+v", rows)
	}
	y := rows[1]
	if y.Model != "m" || y.Dependence != "y" || y.Strategies != 3 || y.LogScore.Days != 3 || math.Abs(float64(y.LogScore.Mean)-(0.5+0.1-1)/3) > 1e-12 {
		t.Errorf("%+v", y)
	}
	if len(y.Years) != 2 || y.Years[0].Year != 2020 || math.Abs(float64(y.Years[0].Mean)-0.3) > 1e-12 || y.Years[1].Year != 2021 || y.Years[1].Mean != -1 {
		t.Errorf("%+v", y.Years)
	}
}
