package returns

import "math"

// State is one of the three states of volatility: of the last days, in units of that of the
// history.
type State int

// The states.
const (
	Calm State = iota
	Middle
	High
	States // their number
)

func (s State) String() string { return [...]string{"calm", "middle", "high"}[s] }

// Bounds of the ratio of volatilities.
const (
	calmBelow = 0.67
	highAbove = 1.33
)

// StateOf returns the state of a ratio of volatilities.
func StateOf(ratio float64) State {
	switch {
	case ratio < calmBelow:
		return Calm
	case ratio > highAbove:
		return High
	}
	return Middle
}

// recent is the number of periods that the state of volatility is seen in: a month
// of days, and no fewer than twelve periods.
func recent(f Frequency) int { return max(f.Month(), 12) }

// VolatilityRatios returns, for every day from day from on, the standard deviation of the last
// periods before it over that of all days before it. 1 where these do not vary.
func VolatilityRatios(s *Series, from int) []float64 {
	out := make([]float64, s.Len()-from)
	for t := range out {
		before := s.Returns[:from+t]
		out[t] = 1
		if sd := deviation(before); sd > 0 {
			out[t] = deviation(before[max(0, len(before)-recent(s.Frequency)):]) / sd
		}
	}
	return out
}

// deviation is the standard deviation, with divisor n-1.
func deviation(y []float64) float64 {
	mean, squares := 0.0, 0.0
	for _, v := range y {
		mean += v / float64(len(y))
	}
	for _, v := range y {
		squares += (v - mean) * (v - mean)
	}
	return math.Sqrt(squares / float64(len(y)-1))
}
