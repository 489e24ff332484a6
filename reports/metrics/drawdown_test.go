package metrics

import (
	"math"
	"slices"
	"testing"
	"time"

	"gonum.org/v1/gonum/floats/scalar"
	"pgregory.net/rapid"
)

func TestDrawdowns(t *testing.T) {
	//           0    1     2    3     4    5    6     7
	r := []float64{0.1, -0.1, 0.2, -0.2, 0.1, 0.5, -0.3, 0.1}
	got := Drawdowns(r, -1)
	want := []Drawdown{
		{Depth: 0.3, Start: 6, Trough: 6, Recovery: -1, Days: 2},
		{Depth: 0.2, Start: 3, Trough: 3, Recovery: 5, Days: 2},
		{Depth: 0.1, Start: 1, Trough: 1, Recovery: 2, Days: 1},
	}
	for i := range want {
		if !scalar.EqualWithinAbs(got[i].Depth, want[i].Depth, 1e-15) {
			t.Errorf("depth %v, want %v", got[i].Depth, want[i].Depth)
		}
		want[i].Depth = got[i].Depth
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
	if two := Drawdowns(r, 2); !slices.Equal(two, want[:2]) {
		t.Errorf("the worst two: %+v", two)
	}
	if d := Drawdowns([]float64{-0.5, 0.1}, 1); len(d) != 1 || d[0].Start != 0 || d[0].Depth != 0.5 {
		t.Errorf("a drawdown from the first day: %+v", d)
	}
	if len(Drawdowns([]float64{0.1, 0, 0.2}, 1)) > 0 {
		t.Error("a drawdown of a rise")
	}
	if d := Drawdowns([]float64{-0.1, math.NaN()}, -1); d != nil {
		t.Errorf("drawdowns of a NaN: %v", d)
	}
}

// The table, the series and the metrics tell of the same drawdowns.
func TestDrawdownsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, _ := heavy(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(2, 300).Draw(t, "days"))
		v := valuesOf(Sample{PeriodsPerYear: 252, Returns: r})
		all := Drawdowns(r, -1)
		under := Underwater(r)
		submerged, longest, depths := 0, 0, 0.0
		for _, d := range all {
			submerged += d.Days
			longest = max(longest, d.Days)
			depths += d.Depth
			if under[d.Trough] != d.Depth || d.Start > 0 && under[d.Start-1] != 0 || d.Recovery >= 0 && under[d.Recovery] != 0 {
				t.Fatalf("%+v does not fit the series", d)
			}
			if end := max(d.Recovery, 0); end > 0 && end-d.Start != d.Days {
				t.Fatalf("%+v: days", d)
			}
		}
		count := 0
		for _, d := range under {
			if d > 0 {
				count++
			}
		}
		deepest := slices.Max(under)
		if v["max_drawdown"] != deepest || v["longest_drawdown"] != float64(longest) || count != submerged {
			t.Fatalf("metrics %v and %v, series %v, %v and %v", v["max_drawdown"], v["longest_drawdown"], deepest, longest, count)
		}
		if n := float64(len(all)); n > 0 && !scalar.EqualWithinAbs(v["average_drawdown"], depths/n, 1e-14) {
			t.Fatalf("average %v, want %v", v["average_drawdown"], depths/n)
		}
	})
}

func TestRolling(t *testing.T) {
	r, _ := heavy(2, 100)
	r[50] = math.NaN()
	vol := RollingVolatility(r, 252, 20)
	for day := range r {
		blank := day < 19 || day >= 50 && day < 70
		if math.IsNaN(vol[day]) != blank {
			t.Errorf("volatility of day %d is %v", day, vol[day])
		}
		if blank {
			continue
		}
		if v := valuesOf(Sample{PeriodsPerYear: 252, Returns: r[day-19 : day+1]}); v["annual_volatility"] != vol[day] {
			t.Errorf("volatility of day %d is %v, of its window %v", day, vol[day], v["annual_volatility"])
		}
	}
}

func TestCalendar(t *testing.T) {
	r := []float64{0.1, 0.1, -0.5, 0.2, math.NaN()}
	months := []int{MonthKey(2023, time.November), MonthKey(2023, time.November), MonthKey(2023, time.December), MonthKey(2025, time.January), MonthKey(2025, time.March)}
	monthly, yearly := Monthly(r, months), Yearly(r, months)
	if len(monthly) != 4 || monthly[0].Days != 2 || !scalar.EqualWithinAbs(monthly[0].Return, 0.21, 1e-15) || monthly[2].Key != MonthKey(2025, time.January) {
		t.Errorf("months: %+v", monthly)
	}
	if len(yearly) != 2 || yearly[0].Key != 2023 || !scalar.EqualWithinAbs(yearly[0].Return, 1.21*0.5-1, 1e-15) || !math.IsNaN(yearly[1].Return) {
		t.Errorf("years: %+v", yearly)
	}
	rows := Heatmap(monthly)
	if len(rows) != 3 || rows[1].Year != 2024 || !math.IsNaN(rows[1].Months[5]) || rows[0].Months[11] != -0.5 {
		t.Errorf("heatmap: %+v", rows)
	}
	if Heatmap(nil) != nil || Monthly(nil, nil) != nil {
		t.Error("something of no days")
	}
}
