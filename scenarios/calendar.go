package scenarios

import (
	"math"
	"math/rand/v2"
)

// A strategy that follows a calendar or a signal is in the market on some days
// and flat on the others, and two such strategies may well be in it on the
// same days: at the turn of the month, on Fridays. Whether a strategy trades is
// therefore not drawn from its model alone. A window of consecutive days of
// history is drawn for each scenario, and on a scenario's day every strategy
// trades that traded on the window's day.
//
// The model's own share of trading days p, uncertain as it is, stays exact.
// With q the share of history's days on which the strategy traded, a trading
// day stands for a uniform number on (0, q) and a flat one for one on (q, 1);
// the strategy trades where the number is below p.
type calendar struct {
	h           *history
	first, days int       // the days that windows are drawn from
	share       []float64 // q, NaN for a strategy that is always in the market
}

// newCalendar returns nil if all strategies are always in the market. Windows
// come from the days on which all the others have begun, if they are a year.
func newCalendar(h *history) *calendar {
	c := &calendar{h: h, days: len(h.dates)}
	some := false
	for _, traded := range h.traded {
		for t, v := range traded {
			if !math.IsNaN(v) {
				some = true
				if t > c.first && len(h.dates)-t >= h.frequency.Year() {
					c.first = t
				}
				break
			}
		}
	}
	if !some {
		return nil
	}
	c.days -= c.first
	c.share = sharesOf(h, c.first)
	return c
}

// sharesOf returns the share of days from first on a strategy traded.
func sharesOf(h *history, first int) []float64 {
	share := make([]float64, len(h.traded))
	for j, traded := range h.traded {
		known, trades := 0.0, 0.0
		if traded != nil {
			for _, v := range traded[first:] {
				if !math.IsNaN(v) {
					known, trades = known+1, trades+v
				}
			}
		}
		share[j] = trades / known
	}
	return share
}

// window writes the history's days of one scenario, consecutive, the first
// following the last.
func (c *calendar) window(rng *rand.Rand, days []int32) {
	start := rng.IntN(c.days)
	for d := range days {
		days[d] = int32(c.first + (start+d)%c.days)
	}
}

// trading returns the uniform number that day t stands for.
func (c *calendar) trading(j, t int, u float64) float64 {
	switch v, q := c.h.traded[j][t], c.share[j]; {
	case math.IsNaN(v):
		return u
	case v == 1:
		return q * u
	default:
		return q + (1-q)*u
	}
}
