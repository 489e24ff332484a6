package bayes

import (
	"math"
	"slices"
)

// costs are the days on which a strategy is out of the market but for what it
// pays to get in or out.
type costs struct {
	days  float64 // weighted
	mean  float64 // return of such a day
	error float64 // standard error of the mean
}

func newCosts(paid days) *costs {
	c := &costs{days: paid.n}
	for _, r := range paid.y {
		c.mean += r / float64(len(paid.y))
	}
	for _, r := range paid.y {
		c.error += (r - c.mean) * (r - c.mean)
	}
	n := float64(len(paid.y))
	c.error = max(math.Sqrt(c.error/n/n), 1e-6*math.Abs(c.mean)) // of equal values too, the sampler needs a width
	return c
}

const (
	costWidth = 0.1  // days within this share of the spike's center belong to it
	costShare = 0.05 // of the days with a return, that a spike has at least
	costSize  = 0.3  // of the spread of those days, that its center is at most
	costSpan  = 0.01 // of that spread, that costShare of the days span at most
)

// spike is an interval of returns, empty if low > high.
type spike struct{ low, high float64 }

func (s spike) has(r float64) bool { return s.low <= r && r <= s.high }

// findCosts looks for a spike of small losses among the days whose return is
// not 0: the narrowest interval with a twentieth of them, if it spans less than
// a hundredth of their robust spread, an interval in which a bell of that
// spread would have less than half a hundredth of its days.
func findCosts(y []float64) spike {
	none := spike{1, -1}
	var s []float64
	for _, r := range y {
		if r != 0 {
			s = append(s, r)
		}
	}
	n := len(s)
	if n < 100 {
		return none
	}
	slices.Sort(s)
	spread := (s[n*95/100] - s[n*5/100]) / (2 * 1.6449)
	k := int(math.Ceil(costShare * float64(n)))
	best, at := math.Inf(1), 0
	for i := 0; i+k <= n; i++ {
		if w := s[i+k-1] - s[i]; w < best && s[i+k-1] < 0 {
			best, at = w, i
		}
	}
	center := s[at+k/2]
	if best > costSpan*spread || center >= 0 || -center > costSize*spread {
		return none
	}
	return spike{center * (1 + costWidth), center * (1 - costWidth)}
}
