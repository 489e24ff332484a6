package returns

import (
	"encoding/json"
	"fmt"
	"math"
	"sort"

	"allocate/returns/columnar"
)

// Series is the return history of one strategy: the days it has, in order.
type Series struct {
	Strategy Strategy
	Dates    []Date
	Returns  []float64 // simple, fractions, one per date, all finite

	Frequency Frequency // of the panel it is from
}

// Len returns the number of days.
func (s *Series) Len() int { return len(s.Returns) }

// Cut returns days a to b-1, at least one, as the window of a nightly run has them: nothing
// in it depends on other days.
func (s *Series) Cut(a, b int) *Series {
	c := *s
	c.Strategy.Entry, c.Strategy.Last = s.Dates[a], s.Dates[b-1]
	c.Dates, c.Returns = s.Dates[a:b:b], s.Returns[a:b:b]
	return &c
}

// ZeroShare returns the share of days whose return is exactly 0: the days on
// which a calendar rule, say, is out of the market.
func (s *Series) ZeroShare() float64 {
	if s.Len() == 0 {
		return 0
	}
	zeros := 0
	for _, r := range s.Returns {
		if r == 0 {
			zeros++
		}
	}
	return float64(zeros) / float64(s.Len())
}

// Moments returns the sample mean and standard deviation (divisor n-1) per day.
func (s *Series) Moments() (mean, sd float64) {
	n := float64(s.Len())
	for _, r := range s.Returns {
		mean += r
	}
	mean /= n
	for _, r := range s.Returns {
		sd += (r - mean) * (r - mean)
	}
	return mean, math.Sqrt(sd / (n - 1))
}

// Median returns the middle of v, without changing it; NaN if v is empty.
func Median(v []float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	s := append([]float64(nil), v...)
	sort.Float64s(s)
	m := len(s) / 2
	if len(s)%2 == 1 {
		return s[m]
	}
	return (s[m-1] + s[m]) / 2
}

// Table converts the series for storage.
func (s *Series) Table() (*columnar.Table, error) {
	about, err := json.Marshal(s.Strategy)
	if err != nil {
		return nil, fmt.Errorf("returns: %w", err)
	}
	return &columnar.Table{
		Columns: []columnar.Column{
			columnar.Days("date", toDays(s.Dates)),
			columnar.Floats64("return", s.Returns),
		},
		Meta: map[string]string{"type": "returns.Series", "strategy": string(about), "frequency": s.Frequency.String()},
	}, nil
}

// SeriesFromTable is the inverse of Series.Table.
func SeriesFromTable(t *columnar.Table) (*Series, error) {
	days, err := t.Column("date")
	if err != nil {
		return nil, err
	}
	values, err := t.FloatsOf("return")
	if err != nil {
		return nil, err
	}
	s := &Series{Dates: fromDays(days.Dates), Returns: values}
	if len(s.Dates) != len(s.Returns) {
		return nil, fmt.Errorf("returns: a series of %d dates and %d returns", len(s.Dates), len(s.Returns))
	}
	if s.Frequency, err = ParseFrequency(t.Meta["frequency"]); err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(t.Meta["strategy"]), &s.Strategy); err != nil {
		return nil, fmt.Errorf("returns: series metadata: %w", err)
	}
	return s, nil
}
