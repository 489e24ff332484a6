package reports

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"allocate/returns"
	"allocate/scenarios"
)

// Realized is what the previous weights returned since they were decided, without trades and
// costs, against the forecast of the run that decided them.
type Realized struct {
	Periods  int                `json:"periods"`
	Missing  int                `json:"missing,omitempty"` // returns that were missing, and count as 0
	Return   float64            `json:"return"`            // fraction of the capital at the beginning
	By       map[string]float64 `json:"by_strategy"`       // parts of it; cash is the rest
	Forecast *scenarios.Fan     `json:"forecast,omitempty"`

	// Band is the forecast for as many periods; nil where there is none: no forecast is known, or
	// more periods have passed than its horizon has.
	Band *Band `json:"band,omitempty"`
}

// Band are quantiles of a forecast, and where in it the return is.
type Band struct {
	Q5  float64 `json:"q5"`
	Q50 float64 `json:"q50"`
	Q95 float64 `json:"q95"`
	// PIT is the probability that the forecast gave to a lower return, by interpolation between
	// its quantiles; 0.05 and 0.95 stand for what is beyond them.
	PIT float64 `json:"pit"`
}

// scored adds the forecast for the periods that have passed.
func (r *Realized) scored() *Realized {
	if r == nil {
		return nil
	}
	out := *r
	out.Forecast = nil // summary.json of that run has it
	f := r.Forecast
	if f == nil {
		return &out
	}
	for _, q := range [][]float64{f.Q5, f.Q25, f.Q50, f.Q75, f.Q95} {
		if len(q) != len(f.Day) {
			return &out
		}
	}
	for k, day := range f.Day {
		if day < r.Periods {
			continue
		}
		t := 1.0 // between this day of the fan and the one before, which may be the start
		before := [5]float64{}
		at := [5]float64{f.Q5[k], f.Q25[k], f.Q50[k], f.Q75[k], f.Q95[k]}
		from := 0
		if k > 0 {
			from, before = f.Day[k-1], [5]float64{f.Q5[k-1], f.Q25[k-1], f.Q50[k-1], f.Q75[k-1], f.Q95[k-1]}
		}
		if day > from {
			t = float64(r.Periods-from) / float64(day-from)
		}
		for i := range at {
			at[i] = before[i] + t*(at[i]-before[i])
		}
		out.Band = &Band{Q5: at[0], Q50: at[2], Q95: at[4], PIT: between(r.Return, at)}
		break
	}
	return &out
}

// between is the probability of less than x under quantiles of 5, 25, 50, 75 and 95%.
func between(x float64, q [5]float64) float64 {
	levels := [5]float64{0.05, 0.25, 0.5, 0.75, 0.95}
	if x <= q[0] {
		return levels[0]
	}
	for i := 1; i < len(q); i++ {
		if x <= q[i] {
			return levels[i-1] + (levels[i]-levels[i-1])*(x-q[i-1])/(q[i]-q[i-1])
		}
	}
	return levels[4]
}

// sentence says how the previous weights did.
func (r *Realized) sentence(from returns.Date, f returns.Frequency) string {
	text := fmt.Sprintf("Since %v (%s) the previous weights returned %+.2f%%", from, f.Days(r.Periods), 100*r.Return)
	switch b := r.Band; {
	case b == nil:
		text += "."
	case r.Return < b.Q5:
		text += fmt.Sprintf(", below the 5%% quantile of their forecast, %+.2f%%.", 100*b.Q5)
	case r.Return > b.Q95:
		text += fmt.Sprintf(", above the 95%% quantile of their forecast, %+.2f%%.", 100*b.Q95)
	default:
		text += fmt.Sprintf(", percentile %.0f of their forecast (90%% band %+.2f%% to %+.2f%%).", 100*b.PIT, 100*b.Q5, 100*b.Q95)
	}
	if parts := r.largest(2); parts != "" {
		text += " Largest parts: " + parts + "."
	}
	if r.Missing > 0 {
		text += fmt.Sprintf(" %s missing, counted as 0.", returns.Count(r.Missing, "return"))
	}
	return text
}

// largest lists the strategies with the largest parts of the return.
func (r *Realized) largest(most int) string {
	names := slices.Sorted(maps.Keys(r.By))
	slices.SortStableFunc(names, func(a, b string) int {
		switch x, y := math.Abs(r.By[a]), math.Abs(r.By[b]); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	var parts []string
	for _, name := range names[:min(most, len(names))] {
		if math.Abs(r.By[name]) >= 5e-5 {
			parts = append(parts, fmt.Sprintf("%s %+.2f pp", name, 100*r.By[name]))
		}
	}
	return strings.Join(parts, ", ")
}
