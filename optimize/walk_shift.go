package optimize

import (
	"math"
	"slices"
)

// shift moves every soft row that is not in the basis away from x, further
// onto its own side, by amounts that differ: x and every multiplier stay what
// they are, and ties come apart. Basic rows and hard rows do not move, so that
// the walk stays admissible.
func (w *walk) shift(round int) error {
	w.given = slices.Clone(w.rhs)
	for j := range w.rhs {
		if w.basic[j] || math.IsInf(w.penalty[j], 1) || w.limited(j) {
			continue
		}
		by := shiftBy * scatter(uint64(j), uint64(round))
		if w.paying[j] {
			by = -by
		}
		w.rhs[j] += by
	}
	return w.factorize()
}

// restore puts the rows back. The multipliers are still optimal; x moves by as
// little as the rows did.
func (w *walk) restore() error {
	copy(w.rhs, w.given)
	w.given = nil
	return w.factorize()
}

// reprice looks for hard rows that x violates by more than rounding, because
// restore moved it over a row that was about to bind. From now on such a row
// charges a price that drives x back. It reports whether there was any.
func (w *walk) reprice() (any bool) {
	for j, s := range w.slack {
		if math.IsInf(w.penalty[j], 1) && !w.basic[j] && s > hardTol {
			w.penalty[j], w.paying[j], any = dear, true, true
			w.pay(j, 1)
		}
	}
	return any
}

// outside reports a repriced row that x still violates.
func (w *walk) outside() bool {
	for j, p := range w.penalty {
		if p == dear && w.slack[j] > shiftTol {
			return true
		}
	}
	return false
}

// limited reports a row that limits depend on, or a limit.
func (w *walk) limited(j int) bool {
	return len(w.limits) > 0 && (w.bends.has(j) || w.limitAt(j) >= 0)
}

// scatter maps a row and a round to a fixed number in [0.5, 1) that looks
// random (the finalizer of splitmix64).
func scatter(row, round uint64) float64 {
	z := (row + round<<32 + 1) * 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return 0.5 + float64((z^z>>31)>>12)/(1<<53)
}
