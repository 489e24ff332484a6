package walkforward

import (
	"maps"
	"math"
	"slices"

	"allocate/bayes"
	"allocate/returns"
)

// Difference is a mean difference of scores and its standard error.
type Difference struct {
	Days int          `json:"days"`
	Mean bayes.Number `json:"mean"`           // NaN without a day
	SE   bayes.Number `json:"standard_error"` // NaN for fewer than two quarters
}

// blocks are differences of log scores by quarter of a year. Days of a quarter, of
// one strategy or several, may depend on each other; quarters are taken to be
// independent.
type blocks map[int]block

type block struct {
	sum  float64
	days int
}

// quarter numbers the quarters of all years.
func quarter(d returns.Date) int {
	t := d.Time()
	return 4*t.Year() + (int(t.Month())-1)/3
}

// compare adds the days of a fit of a model and of the reference. Scores of a density
// and of a probability are not comparable.
func (b blocks) compare(ours, theirs *Scores) {
	if !ours.Density || !theirs.Density || ours.Idle != theirs.Idle { // a failed fit has none
		return
	}
	for t, d := range ours.Days {
		q := quarter(d.Date)
		x := b[q]
		x.sum += excluded(d.LogScore) - excluded(theirs.Days[t].LogScore)
		x.days++
		b[q] = x
	}
}

// excluded is -Inf for the score of a return that the model excludes, which a stored
// score has as null.
func excluded(score bayes.Number) float64 {
	if math.IsNaN(float64(score)) {
		return math.Inf(-1)
	}
	return float64(score)
}

func (b blocks) add(more blocks) {
	for q, y := range more {
		x := b[q]
		x.sum += y.sum
		x.days += y.days
		b[q] = x
	}
}

// difference is the mean over all days, and its standard error as that of a ratio of
// block sums (Cochran, Sampling Techniques, 1977, section 6.4): quarters have
// different numbers of days.
func (b blocks) difference() Difference {
	sum, days := 0.0, 0
	quarters := slices.Sorted(maps.Keys(b))
	for _, q := range quarters {
		sum += b[q].sum
		days += b[q].days
	}
	d := Difference{Days: days, Mean: bayes.Number(sum / float64(days)), SE: bayes.Number(math.NaN())}
	n := float64(len(quarters))
	if n < 2 {
		return d
	}
	squares := 0.0
	for _, q := range quarters {
		e := b[q].sum - float64(d.Mean)*float64(b[q].days)
		squares += e * e
	}
	d.SE = bayes.Number(math.Sqrt(squares*n/(n-1)) / float64(days))
	return d
}

// compareCRPS sums the CRPS of the horizons that both models have.
func compareCRPS(ours, theirs *Scores) (a, b float64) {
	if ours.Failed != "" || theirs.Failed != "" {
		return 0, 0
	}
	for k, h := range ours.Horizons {
		a += float64(h.CRPS)
		b += float64(theirs.Horizons[k].CRPS)
	}
	return a, b
}
