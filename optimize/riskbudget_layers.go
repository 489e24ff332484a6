package optimize

import (
	"context"
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas/blas64"
)

// layer is one level of the risk and where the scenarios stand towards it.
type layer struct {
	Level
	tail
	share float64   // the tail as a fraction of all probability
	whole bool      // the tail is everything: the level is a plain mean
	t     float64   // the iterate's VaR, in the scale of w
	q     []float64 // S: tail measure
	side  []int8    // S: 1 beyond t, 0 tied with it, -1 within

	// The program at hand: as in aggregate.
	total              float64 // mass of its scenarios
	above, band, below []int
}

// measure fills the losses of w and returns its risk; every layer's t becomes
// the VaR.
func (s *budgeting) measure() float64 {
	lossesOf(s.Set, s.w, s.loss)
	return s.risk()
}

func (s *budgeting) risk() (risk float64) {
	scratch := make([]float64, len(s.loss))
	for _, l := range s.layers {
		var cvar float64
		l.t, cvar = l.measure(s.loss, scratch)
		risk += l.Weight * cvar
	}
	return risk
}

// size is the scale that a risk of w is compared with.
func (s *budgeting) size() float64 { return blas64.Dot(vector(s.unit), vector(s.w)) }

// descend solves the program over some of the scenarios, in rounds as
// search.descend does: a thin sample first, then a band around each VaR, and
// again with the scenarios that turn out to be on the other side.
func (s *budgeting) descend(ctx context.Context, scenarios []int, tol float64) error {
	n, m := float64(len(s.w)), float64(len(scenarios))
	sample := math.Sqrt(n+1) * math.Pow(m, 2./3)
	band := m
	if stride := int(m / sample); stride >= 2 && sample > 10*n {
		thin := make([]int, 0, len(scenarios)/stride+1)
		for k := 0; k < len(scenarios); k += stride {
			thin = append(thin, scenarios[k])
		}
		start := slices.Clone(s.w)
		if err := s.descend(ctx, thin, sampleTol); errors.Is(err, errDiverged) {
			copy(s.w, start)
		} else if err != nil {
			return err
		}
		band = 0.4 * sample
	}
	s.rescale()
	for _, l := range s.layers {
		l.split(s.loss, scenarios, band/m)
	}
	start := slices.Clone(s.w)
	for {
		in := s.program()
		err := in.solve(ctx, tol)
		s.iterations += in.iterations
		if err != nil && !errors.Is(err, errDiverged) {
			return err
		}
		s.read(in)
		lossesOf(s.Set, s.w, s.loss)
		admitted := 0
		for _, l := range s.layers {
			admitted += l.admit(s.loss)
		}
		switch {
		case admitted > 0 && err != nil: // the relaxation has no minimum; the program may have one
			copy(s.w, start)
		case err != nil:
			return err
		case admitted == 0:
			return nil
		}
		s.rescale()
	}
}

// rescale makes the risk of w about one, as it is at the optimum.
func (s *budgeting) rescale() {
	risk := max(s.measure(), 0.01*s.size())
	blas64.Scal(1/risk, vector(s.w))
	blas64.Scal(1/risk, vector(s.loss))
	for _, l := range s.layers {
		l.t /= risk
	}
}

// program writes the aggregated program in x = (weights relative to the iterate,
// one t per layer that has a VaR).
func (s *budgeting) program() *interior {
	n, d := len(s.w), len(s.w)
	for _, l := range s.layers {
		if !l.whole {
			d++
		}
	}
	cost, x := make([]float64, d), make([]float64, d)
	for i := range n {
		x[i] = 1
	}
	var rows, most, fill []float64
	at := n
	for _, l := range s.layers {
		for _, j := range l.above {
			blas64.Axpy(-l.cost(j), vector(s.Set.Row(j)), vector(cost[:n]))
		}
		if l.whole {
			continue
		}
		cost[at], x[at] = l.Weight, l.t
		for _, j := range l.above {
			cost[at] -= l.cost(j)
		}
		rows = slices.Grow(rows, len(l.band)*d)
		room := 0.0
		for _, j := range l.band {
			row := rows[len(rows) : len(rows)+d]
			clear(row)
			rows = rows[:len(rows)+d]
			for i, r := range s.Set.Row(j) {
				row[i] = -r * s.w[i]
			}
			row[at] = -1
			most = append(most, l.cost(j))
			room += l.cost(j)
		}
		for range l.band {
			fill = append(fill, min(max(cost[at]/room, 0.01), 0.99))
		}
		at++
	}
	unit := make([]float64, n)
	for i := range n {
		cost[i] *= s.w[i]
		unit[i] = s.unit[i] * s.w[i]
	}
	in := newInterior(d, cost, rows, most, s.shares, unit, x)
	if len(most) > 0 {
		in.start(fill)
	}
	return in
}

// read takes weights, VaRs, tail measures and sides from a solved program.
func (s *budgeting) read(in *interior) {
	for i := range s.w {
		s.w[i] *= in.x[i]
	}
	row, at := 0, len(s.w)
	for _, l := range s.layers {
		clear(l.q)
		for j := range l.side {
			l.side[j] = -1
		}
		for _, j := range l.above {
			l.q[j], l.side[j] = l.cost(j)/l.Weight, 1
		}
		if l.whole {
			continue
		}
		l.t = in.x[at]
		at++
		// Losses of the band are about so far from each other.
		spacing := 0.0
		for k := range l.band {
			spacing += (in.u[row+k] + in.z[row+k]) / float64(len(l.band)*len(l.band))
		}
		for _, j := range l.band {
			l.q[j] = in.q[row] / l.Weight
			switch a := in.most[row]; {
			case in.u[row]/spacing > in.v[row]/a:
				l.side[j] = 1
			case in.z[row]/spacing <= in.q[row]/a:
				l.side[j] = 0
			}
			row++
		}
	}
}

// cost is the coefficient in the program of the loss of scenario j beyond t.
func (l *layer) cost(j int) float64 { return l.Weight * l.mass[j] / (l.total * l.share) }

// split ranks scenarios by loss and keeps explicit the share of them, by mass,
// that is nearest to the VaR.
func (l *layer) split(loss []float64, scenarios []int, share float64) {
	l.total, l.above, l.band, l.below = 0, nil, nil, nil
	atoms := make([]atom, len(scenarios))
	for k, j := range scenarios {
		atoms[k] = atom{key: -loss[j], mass: l.mass[j], id: j}
		l.total += l.mass[j]
	}
	level := func(beyond float64) float64 { // the loss that a share of the mass exceeds
		if beyond <= 0 {
			return math.Inf(1)
		}
		if k := crossing(atoms, beyond*l.total); k < len(atoms) {
			return -atoms[k].key
		}
		return math.Inf(-1)
	}
	high, low := level(l.share-share/2), level(l.share+share/2)
	for _, j := range scenarios {
		switch {
		case l.whole || loss[j] > high:
			l.above = append(l.above, j)
		case loss[j] >= low:
			l.band = append(l.band, j)
		default:
			l.below = append(l.below, j)
		}
	}
}

// admit moves scenarios that are on the wrong side of t into the band and
// returns how many there were.
func (l *layer) admit(loss []float64) int {
	if l.whole {
		return 0
	}
	before := len(l.band)
	keep := func(list []int, wrong func(float64) bool) []int {
		kept := list[:0]
		for _, j := range list {
			if wrong(loss[j]) {
				l.band = append(l.band, j)
			} else {
				kept = append(kept, j)
			}
		}
		return kept
	}
	l.above = keep(l.above, func(x float64) bool { return x < l.t })
	l.below = keep(l.below, func(x float64) bool { return x > l.t })
	return len(l.band) - before
}
