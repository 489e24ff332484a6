package optimize

import (
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// nearest chooses among several optima the one nearest to the weights held, or
// to none at all on a cold start: whatever does not pay for itself is not
// traded. Distance is Euclidean, so that the choice is unique and treats equal
// strategies equally.
func (a *answer) nearest(ctx context.Context) error {
	if a.settled {
		return nil
	}
	for {
		if err := a.project(ctx); err != nil {
			return err
		}
		if a.admit() == 0 {
			break
		}
		a.search.w, a.known = append(a.search.w[:0], a.walk.x[:a.shape.n]...), false
		if _, err := a.rounds(ctx); err != nil {
			return err
		}
	}
	a.weights = a.search.w
	return nil
}

// project moves the search from its vertex to the point of the optimal face
// nearest to the weights held, by Wolfe's algorithm (1976) for the point of
// least norm in a polytope that is known by its vertices in a direction: the
// walk finds those along edges on which the objective does not change.
func (s *search) project(ctx context.Context) error {
	if !s.walk.level() {
		return nil
	}
	n, d := s.shape.n, s.walk.dim
	home := s.Previous
	if home == nil {
		home = make([]float64, n)
	}
	vertex := func() []float64 { return slices.Clone(s.walk.x) }
	corral, share := [][]float64{vertex()}, []float64{1}
	point := vertex()
	away := func(x []float64) []float64 {
		v := slices.Clone(x[:n])
		blas64.Axpy(-1, vector(home), vector(v))
		return v
	}
	moved := false
	for range 10 * (d + 10) {
		here := away(point)
		direction := make([]float64, d)
		copy(direction, here)
		if err := s.walk.slide(ctx, direction); err != nil {
			return err
		}
		next := vertex()
		if blas64.Dot(vector(here), vector(away(next))) >= blas64.Dot(vector(here), vector(here))-nearTol {
			break
		}
		corral, share = append(corral, next), append(share, 0)
		moved = true
		corral, share = reduce(corral, share, away)
		clear(point)
		for k, v := range corral {
			blas64.Axpy(share[k], vector(v), vector(point))
		}
	}
	if !moved {
		return nil
	}
	s.sides = s.walk.bendSides()
	for k, row := range s.walk.basis {
		s.basis[k] = s.identity(row)
	}
	s.known, s.between = false, true
	for i := range n {
		s.w[i] = min(max(point[i], s.Lower[i]), s.Upper[i])
		for _, c := range []float64{s.Lower[i], s.Upper[i], home[i]} {
			if math.Abs(s.w[i]-c) < nearTol {
				s.w[i] = min(max(c, s.Lower[i]), s.Upper[i])
			}
		}
	}
	for k, l := range s.terms {
		l.t = point[n+k] / s.scale
	}
	return nil
}

// reduce finds the point of least norm among the combinations of a corral: the
// least of its affine hull, or where the way there from the current point
// leaves the simplex, again without the vertex that is left there.
func reduce(corral [][]float64, share []float64, away func([]float64) []float64) ([][]float64, []float64) {
	for {
		k := len(corral)
		// The least of the hull solves [G 1; 1' 0] (c, mu) = (0, 1).
		system, right := mat.NewDense(k+1, k+1, nil), mat.NewVecDense(k+1, nil)
		right.SetVec(k, 1)
		points := make([][]float64, k)
		for i, v := range corral {
			points[i] = away(v)
			for j := range i + 1 {
				g := blas64.Dot(vector(points[i]), vector(points[j]))
				system.Set(i, j, g)
				system.Set(j, i, g)
			}
			system.Set(i, k, 1)
			system.Set(k, i, 1)
		}
		var c mat.VecDense
		if err := c.SolveVec(system, right); err != nil && c.Len() == 0 {
			return corral[:k-1], share[:k-1]
		}
		step, drop := 1.0, -1
		for i := range k {
			if ci := c.AtVec(i); ci < shareTol && share[i]-ci > 0 {
				if at := share[i] / (share[i] - ci); at < step {
					step, drop = at, i
				}
			}
		}
		for i := range k {
			share[i] += step * (c.AtVec(i) - share[i])
		}
		if drop < 0 {
			return corral, share
		}
		corral, share = slices.Delete(corral, drop, drop+1), slices.Delete(share, drop, drop+1)
	}
}

// level reports an edge along which the objective does not change.
func (w *walk) level() bool {
	w.edge(false)
	for i, q := range w.mult {
		if q <= flatTol || w.price(w.basis[i])-q <= flatTol {
			return true
		}
	}
	return false
}

// slide walks along edges on which the objective does not change to the lowest
// vertex of a second, linear one, direction (d).
func (w *walk) slide(ctx context.Context, direction []float64) error {
	d := w.dim
	second := make([]float64, d)
	for since := 0; ; since++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if since >= refresh {
			if err := w.factorize(); err != nil {
				return err
			}
			since = 0
		}
		if w.pivots > limitOf(len(w.rhs)) {
			return nil
		}
		w.edge(false)
		blas64.Gemv(blas.NoTrans, 1, w.edgeMatrix(), vector(direction), 0, vector(second))
		k, best, sign := -1, 0.0, 0.0
		for i, q := range w.mult {
			e := vector(w.edges[i*d : (i+1)*d])
			try := func(flat bool, slope, s float64) {
				if slope > -stallSlope || !flat {
					return
				}
				if steep := slope * slope / blas64.Dot(e, e); steep > best {
					k, best, sign = i, steep, s
				}
			}
			try(q <= flatTol, -second[i], -1)
			try(w.price(w.basis[i])-q <= flatTol, w.up(i, second), 1)
		}
		if k < 0 {
			return nil
		}
		if _, err := w.follow(k, sign, 0, false); err != nil {
			return err
		}
		w.pivots++
	}
}

// up is the slope of a second objective on the paying side of the k-th basic
// row; second holds its slopes along the edges.
func (w *walk) up(k int, second []float64) float64 {
	slope, j := second[k], w.basis[k]
	if !w.bends.has(j) {
		return slope
	}
	for b, row := range w.basis {
		if g := w.limitAt(row); g >= 0 {
			slope -= w.weightOf(g, j) * second[b]
		}
	}
	return slope
}
