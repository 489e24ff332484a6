package optimize

import (
	"context"
	"errors"
	"slices"

	"gonum.org/v1/gonum/blas/blas64"
)

// program writes the aggregated program in x = (w, scale t, peak).
func (s *search) program() *hinges {
	n, peak := s.shape.n, -1
	if s.shape.peak {
		peak = n + len(s.terms)
	}
	trade := s.blend.ret + s.blend.risk
	ball := s.blend.ret*s.Radius + s.blend.risk*s.ballRisk()
	room := s.dim() // for stand-ins
	for _, l := range s.terms {
		room += len(l.aggregate.band)
	}
	h := s.shape.hinges(s.dim(), peak, room, hard, hardDistance, func(k int) float64 {
		return 2 * s.scale * (trade*s.shape.kinks[k].cost + ball*s.shape.kinks[k].ball)
	})
	for i := range n {
		h.cost[i] = s.scale * (trade*s.shape.cost[i] + ball*s.shape.ball[i] - s.blend.ret*s.mean[i])
	}
	if peak >= 0 {
		h.cost[peak] = s.scale * ball
	}
	s.rows = s.rows[:0]
	row := make([]float64, h.dim)
	for k, l := range s.terms {
		h.cost[n+k] = s.blend.risk * l.weight
		for _, j := range l.aggregate.paying {
			most := s.blend.risk * l.weight * l.most(j)
			blas64.Axpy(-s.scale*most, vector(s.Set.Row(j)), vector(h.cost[:n]))
			h.cost[n+k] -= most
		}
		row[n+k] = -1
		for _, j := range l.aggregate.band {
			for i, r := range s.Set.Row(j) {
				row[i] = -s.scale * r
			}
			h.append(row, 0, s.blend.risk*l.weight*l.most(j))
			s.rows = append(s.rows, s.shape.size()+k*s.Set.Len()+j)
		}
		row[n+k] = 0
	}
	return h
}

// most is the largest dual of scenario j in the program of its aggregate.
func (l *cvarTerm) most(j int) float64 {
	return l.mass[j] / (l.aggregate.mass * l.share())
}

// identity is the hyperplane that a row of the last program is.
func (s *search) identity(row int) int {
	if row < s.shape.size() {
		return row
	}
	return s.rows[row-s.shape.size()]
}

// solve walks to the optimum of the aggregated program from the current vertex
// and reads vertex and duals back.
func (s *search) solve(ctx context.Context) (optimal bool, err error) {
	h := s.program()
	wanted := make(map[int]int, h.dim)
	for _, id := range s.basis {
		wanted[id] = id
	}
	for k, id := range s.rows {
		if _, held := wanted[id]; held {
			wanted[id] = s.shape.size() + k
		}
	}
	basis := make([]int, h.dim)
	for k, id := range s.basis {
		basis[k] = wanted[id]
	}
	real := len(h.rhs)
	s.walk, err = newWalk(h, basis, s.sides)
	if s.guide != nil && (errors.Is(err, errBent) || errors.Is(err, errSingular)) {
		s.standIns(h, basis)
		s.walk, err = newWalk(h, basis, s.sides)
	}
	if err != nil {
		return false, err
	}
	s.walk.reprice() // after a change of the problem the old vertex may be outside
	if optimal, err = s.walk.descend(ctx, limitOf(h.dim)); err != nil {
		return false, err
	}
	s.pivots += s.walk.pivots
	if s.walk.outside() || slices.Max(s.walk.basis) >= real {
		return false, errOutside
	}
	s.guide = nil
	s.read()
	return optimal, nil
}

// guide is the point where a search ended, and the rows of its basis that may
// move from one problem to the next.
type guide struct {
	x    []float64   // of the walk
	rows [][]float64 // per position of the basis; nil for bounds, rows and scenarios
}

// guided returns the guide of a search that has ended.
func (s *search) guided() *guide {
	if s.walk == nil {
		return s.guide // a slim search keeps its own
	}
	g := &guide{x: slices.Clone(s.walk.x), rows: make([][]float64, len(s.basis))}
	for k, row := range s.walk.basis {
		if row >= len(s.shape.faces) && row < s.shape.size() {
			g.rows[k] = slices.Clone(s.walk.row(row))
		}
	}
	return g
}

// slim returns what another search needs of this one to go on from where it
// ended, without anything of the size of the scenarios. faces are slimFaces of
// its polytope.
func (s *search) slim(faces []face) *search {
	t := &polytope{n: s.shape.n, faces: faces, peak: s.shape.peak, distances: make([]straight, len(s.shape.distances))}
	for _, k := range s.shape.kinks {
		t.kinks = append(t.kinks, kink{strategy: k.strategy, center: k.center})
	}
	out := &search{
		engine: &engine{Problem: &Problem{Set: s.Set}, shape: t}, basis: slices.Clone(s.basis), sides: slices.Clone(s.sides),
		w: slices.Clone(s.w), guide: s.guided(),
	}
	if s.between {
		copy(out.w, s.walk.x)
	}
	for _, l := range s.terms {
		thin := &cvarTerm{t: l.t}
		if l.aggregate != nil {
			thin.aggregate = &aggregate{mass: l.aggregate.mass, low: l.aggregate.low, high: l.aggregate.high}
		}
		out.terms = append(out.terms, thin)
	}
	return out
}

// slimFaces returns the faces without their normals: enough to tell them apart.
func (t *polytope) slimFaces() []face {
	out := slices.Clone(t.faces)
	for k := range out {
		out[k].normal = nil
	}
	return out
}

// standIns lets a walk start at the very point where the guide ended, although
// kinks or limits have moved since: those in the guide's basis are
// replaced by rows through that point that cost nothing, and that the walk
// leaves first.
func (s *search) standIns(h *hinges, basis []int) {
	for k, row := range s.guide.rows {
		if row == nil {
			continue
		}
		basis[k] = len(h.rhs)
		h.append(row, blas64.Dot(vector(row), vector(s.guide.x)), 0)
	}
}

func (s *search) read() {
	w, n := s.walk, s.shape.n
	s.sides = w.bendSides()
	for k, row := range w.basis {
		s.basis[k] = s.identity(row)
	}
	s.w, s.known = append(s.w[:0], w.x[:n]...), false
	for _, row := range w.basis { // what binds is met exactly
		switch {
		case row < 2*n:
			f := s.shape.faces[row]
			s.w[f.strategy] = f.offset * f.normal[f.strategy]
		case w.bends.has(row):
			k := s.shape.kinks[row-w.bends.first]
			s.w[k.strategy] = k.center
		}
	}
	for i, x := range s.w { // and the bounds to the last bit
		s.w[i] = min(max(x, s.Lower[i]), s.Upper[i])
	}
	s.between = false
	for k, l := range s.terms {
		l.t = w.x[n+k] / s.scale
		s.guess[k] = l.t - s.absolute/16
		clear(l.q)
		for _, j := range l.aggregate.paying {
			l.q[j] = l.most(j)
		}
	}
	if s.shape.peak {
		s.peak = w.x[n+len(s.terms)]
	}

	dual := make([]float64, len(w.rhs))
	w.multipliers(dual)
	clear(s.y)
	clear(s.price)
	clear(s.norm)
	for row, f := range s.shape.faces {
		switch v := dual[row] * f.scale / s.scale; {
		case f.row < 0: // bounds have reduced costs instead
		case f.lower:
			s.y[f.row] += v
		default:
			s.y[f.row] -= v
		}
	}
	if s.shape.peak {
		for i := range n {
			s.norm[i] = (dual[s.shape.peakID(i, false)] - dual[s.shape.peakID(i, true)]) / s.scale
		}
	}
	for g := range s.price {
		s.price[g] = dual[s.shape.distanceID(g)] * s.shape.distances[g].scale / s.scale
	}
	for k, id := range s.rows {
		at := id - s.shape.size()
		l := s.terms[at/s.Set.Len()]
		l.q[at%s.Set.Len()] = dual[s.shape.size()+k] / (s.blend.risk * l.weight)
	}
}
