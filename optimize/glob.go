package optimize

import (
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas/blas64"
)

// search is the state of one solve: the problem in scaled units, and where
// the walk stands. A hyperplane has one identity throughout: face f is f, and
// scenario j is len(faces)+j, whichever of them a program happens to hold.
type search struct {
	*Problem
	tail   tail
	faces  *polytope
	scale  float64 // losses times scale are of order one
	basis  []int   // identities of the n+1 hyperplanes of the current vertex
	w      []float64
	t      float64   // tie level of the vertex, in unscaled loss
	q      []float64 // S: dual of the scenarios
	y      []float64 // dual of the general rows
	loss   []float64 // S, of w
	pivots int
}

// settle turns a vertex of the polytope into one of the program over
// scenarios: t stands at the VaR, where one of them ties.
func (s *search) settle(scenarios []int) error {
	w, err := newWalk(s.faces.hinges(s.faces.n, hard), s.basis)
	if err != nil {
		return err
	}
	s.w = w.x
	lossesOf(s.Set, s.w, s.loss)
	atoms, mass := s.ranked(scenarios)
	tie := atoms[min(crossing(atoms, s.share()*mass), len(atoms)-1)]
	s.basis = append(s.basis, len(s.faces.faces)+tie.id)
	s.t = -tie.key
	return nil
}

// ranked lists scenarios as atoms in the order of falling loss, for crossing,
// and returns their total mass.
func (s *search) ranked(scenarios []int) (atoms []atom, mass float64) {
	atoms = make([]atom, len(scenarios))
	for k, j := range scenarios {
		atoms[k] = atom{key: -s.loss[j], mass: s.tail.mass[j], id: j}
		mass += s.tail.mass[j]
	}
	return atoms, mass
}

// descend finds the optimum over scenarios, a list of indices of scenarios
// with positive probability, and ends at the optimal vertex.
//
// A thin sample of the scenarios is solved first, by the same method; then
// most scenarios are known to be worse or better than the VaR, and only a band
// around it stays explicit: scenarios above it pay for certain and fold into
// one linear cost, scenarios below it are dropped. Both replacements
// understate the hinge, so the reduced program is a relaxation, and exact as
// soon as no scenario turns out to be on the other side. Those that do join
// the band, which only grows, so that the rounds are finite. Sizes are those
// of Portnoy and Koenker (1997), section 5.
func (s *search) descend(ctx context.Context, scenarios []int) (optimal bool, err error) {
	n, m := float64(s.faces.n), float64(len(scenarios))
	sample := math.Sqrt(n+1) * math.Pow(m, 2./3)
	band := m
	if stride := int(m / sample); stride >= 2 && sample > 10*n {
		thin := make([]int, 0, len(scenarios)/stride+1)
		for k := 0; k < len(scenarios); k += stride {
			thin = append(thin, scenarios[k])
		}
		if _, err := s.descend(ctx, thin); err != nil {
			return false, err
		}
		band = 0.4 * sample
	} else if err := s.settle(scenarios); err != nil {
		return false, err
	}
	lossesOf(s.Set, s.w, s.loss)
	g := s.split(scenarios, band/m)
	for {
		if optimal, err = s.solve(ctx, g); err != nil {
			return false, err
		}
		lossesOf(s.Set, s.w, s.loss)
		if g.admit(s) == 0 {
			return optimal, nil
		}
	}
}

// glob says where each scenario of a program is.
type glob struct {
	mass  float64 // of all scenarios of the program
	above []int   // sure to pay
	band  []int   // explicit
	below []int   // sure not to pay
}

// split ranks scenarios by the current losses and keeps explicit the share of
// them, by mass, that is nearest to the VaR.
func (s *search) split(scenarios []int, share float64) *glob {
	atoms, mass := s.ranked(scenarios)
	g := &glob{mass: mass}
	// level is the loss that a given share of the mass exceeds.
	level := func(beyond float64) float64 {
		if beyond <= 0 {
			return math.Inf(1)
		}
		if k := crossing(atoms, beyond*mass); k < len(atoms) {
			return -atoms[k].key
		}
		return math.Inf(-1)
	}
	high, low := level(s.share()-share/2), level(s.share()+share/2)
	for _, j := range scenarios {
		switch l := s.loss[j]; {
		case l >= low && l <= high || slices.Contains(s.basis, len(s.faces.faces)+j):
			g.band = append(g.band, j) // a tie of the vertex stays a row
		case l > high:
			g.above = append(g.above, j)
		default:
			g.below = append(g.below, j)
		}
	}
	return g
}

// share is the tail as a fraction of all probability.
func (s *search) share() float64 {
	if s.Set.Prob == nil {
		return s.tail.size / float64(s.Set.Len())
	}
	return s.tail.size
}

// admit moves scenarios that are on the wrong side of t into the band and
// returns how many there were.
func (g *glob) admit(s *search) int {
	tol := 1e-12 / s.scale
	before := len(g.band)
	keep := func(list []int, wrong func(float64) bool) []int {
		kept := list[:0]
		for _, j := range list {
			if wrong(s.loss[j] - s.t) {
				g.band = append(g.band, j)
			} else {
				kept = append(kept, j)
			}
		}
		return kept
	}
	g.above = keep(g.above, func(e float64) bool { return e < -tol })
	g.below = keep(g.below, func(e float64) bool { return e > tol })
	return len(g.band) - before
}

// solve writes the globbed program in x = (w, scale t), walks to its optimum
// from the current vertex and reads vertex and duals back.
func (s *search) solve(ctx context.Context, g *glob) (optimal bool, err error) {
	n, faces := s.faces.n, len(s.faces.faces)
	most := func(j int) float64 { return s.tail.mass[j] / (g.mass * s.share()) }
	h := s.faces.hinges(n+1, hard)
	h.cost[n] = 1
	for _, j := range g.above {
		blas64.Axpy(-s.scale*most(j), vector(s.Set.Row(j)), vector(h.cost[:n]))
		h.cost[n] -= most(j)
	}
	h.rows = append(make([]float64, 0, (faces+len(g.band))*(n+1)), h.rows...)
	row := make([]float64, n+1)
	row[n] = -1
	position := make(map[int]int, n+1)
	for _, id := range s.basis {
		position[id] = id
	}
	for k, j := range g.band {
		for i, r := range s.Set.Row(j) {
			row[i] = -s.scale * r
		}
		h.append(row, 0, most(j))
		if _, held := position[faces+j]; held {
			position[faces+j] = faces + k
		}
	}
	basis := make([]int, n+1)
	for k, id := range s.basis {
		basis[k] = position[id]
	}

	w, err := newWalk(h, basis)
	if err != nil {
		return false, err
	}
	if optimal, err = w.descend(ctx, limit(n)); err != nil {
		return false, err
	}
	s.pivots += w.pivots
	identity := func(row int) int {
		if row < faces {
			return row
		}
		return faces + g.band[row-faces]
	}
	for k, row := range w.basis {
		s.basis[k] = identity(row)
	}
	s.w, s.t = w.x[:n:n], w.x[n]/s.scale
	for _, row := range w.basis { // a bound that binds is met exactly
		if row < 2*n {
			f := s.faces.faces[row]
			s.w[f.strategy] = f.offset * f.normal[f.strategy]
		}
	}
	for i, x := range s.w { // and the others to the last bit
		s.w[i] = min(max(x, s.Lower[i]), s.Upper[i])
	}

	dual := make([]float64, len(h.rhs))
	w.multipliers(dual)
	clear(s.q)
	clear(s.y)
	for _, j := range g.above {
		s.q[j] = most(j)
	}
	for row, v := range dual {
		switch {
		case row >= faces:
			s.q[identity(row)-faces] = v
		case s.faces.faces[row].row < 0: // bounds have reduced costs instead
		case s.faces.faces[row].lower:
			s.y[s.faces.faces[row].row] += v * s.faces.faces[row].scale / s.scale
		default:
			s.y[s.faces.faces[row].row] -= v * s.faces.faces[row].scale / s.scale
		}
	}
	return optimal, nil
}
