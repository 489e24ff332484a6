package optimize

// atom is a mass at a place on a line.
type atom struct {
	key  float64
	mass float64
	id   int
}

func (a atom) before(b atom) bool {
	return a.key < b.key || a.key == b.key && a.id < b.id
}

// crossing partitions atoms, ordered by key and then id, around the first one
// at which the cumulated mass reaches target, and returns its position: all
// atoms before it come earlier in the order, in no particular sequence. It
// returns len(atoms) when the whole mass is below target.
//
// This one weighted quickselect, linear in expected time, answers both
// questions of the package: where the worst 1-alpha of the losses ends, and at
// which kink a step along an edge stops paying.
func crossing(atoms []atom, target float64) int {
	lo, hi, below := 0, len(atoms), 0.0
	for hi-lo > 1 {
		mid := partition(atoms[lo:hi]) + lo
		left := 0.0
		for _, a := range atoms[lo:mid] {
			left += a.mass
		}
		if mid > lo && below+left >= target {
			hi = mid
			continue
		}
		if below += left; below+atoms[mid].mass >= target {
			return mid
		}
		below += atoms[mid].mass
		lo = mid + 1
	}
	if lo < hi && below+atoms[lo].mass < target {
		return hi
	}
	return lo
}

// partition moves a pivot, the median of three, to its final place and
// returns it. Ids are unique, hence so is the order.
func partition(s []atom) int {
	last, mid := len(s)-1, len(s)/2
	if s[mid].before(s[0]) {
		s[mid], s[0] = s[0], s[mid]
	}
	if s[last].before(s[0]) {
		s[last], s[0] = s[0], s[last]
	}
	if s[mid].before(s[last]) {
		s[mid], s[last] = s[last], s[mid]
	}
	pivot, store := s[last], 0
	for i := range last {
		if s[i].before(pivot) {
			s[i], s[store] = s[store], s[i]
			store++
		}
	}
	s[store], s[last] = s[last], s[store]
	return store
}
