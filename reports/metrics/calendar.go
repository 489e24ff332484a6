package metrics

import (
	"math"
	"time"
)

// Period is a calendar month or year.
type Period struct {
	Key    int     // year*12 + month-1 of a month, see [MonthKey]; the year of a year
	Return float64 // compounded, fraction; NaN if a return is not finite
	Days   int     // days with a return, fewer than usual at the ends of a sample
}

// MonthKey returns year*12 + month-1, so that key/12 is the year and key%12 the
// month from 0.
func MonthKey(year int, month time.Month) int { return year*12 + int(month) - 1 }

// Monthly compounds returns over each month that has a day. months holds the
// [MonthKey] of each day and must not decrease.
func Monthly(returns []float64, months []int) []Period {
	return compound(returns, months, 1)
}

// Yearly compounds returns over each year that has a day. months is as for
// [Monthly].
func Yearly(returns []float64, months []int) []Period {
	return compound(returns, months, 12)
}

func compound(returns []float64, months []int, length int) []Period {
	if len(returns) != len(months) {
		panic("metrics: months and returns differ in length")
	}
	var out []Period
	wealth := 1.0
	for t, r := range returns {
		if t > 0 && months[t] < months[t-1] {
			panic("metrics: months decrease")
		}
		key := months[t] / length
		if len(out) == 0 || out[len(out)-1].Key != key {
			out = append(out, Period{Key: key})
			wealth = 1
		}
		if math.IsInf(r, 0) {
			r = math.NaN()
		}
		wealth *= max(0, 1+r)
		p := &out[len(out)-1]
		p.Return = wealth - 1
		p.Days++
	}
	return out
}

// HeatmapRow is a year of monthly returns, NaN for months without a day.
type HeatmapRow struct {
	Year   int
	Months [12]float64
}

// Heatmap lays the periods of [Monthly] out by year, oldest first, without a
// gap between the first year and the last.
func Heatmap(monthly []Period) []HeatmapRow {
	if len(monthly) == 0 {
		return nil
	}
	first, last := monthly[0].Key/12, monthly[len(monthly)-1].Key/12
	rows := make([]HeatmapRow, last-first+1)
	for i := range rows {
		rows[i].Year = first + i
		for m := range rows[i].Months {
			rows[i].Months[m] = math.NaN()
		}
	}
	for _, p := range monthly {
		rows[p.Key/12-first].Months[p.Key%12] = p.Return
	}
	return rows
}
