package optimize

import (
	"context"
	"math"
	"slices"
)

// blend is the minimized function -ret x return(w) + risk x risk(w).
type blend struct{ ret, risk float64 }

// cvarTerm is one CVaR of the risk during a search.
type cvarTerm struct {
	tail
	weight    float64   // in the risk
	t         float64   // tie level of the vertex, in unscaled loss
	q         []float64 // S: dual of the scenarios
	aggregate *aggregate
}

// search is the state of one minimization: the problem in scaled units, and
// where the walk stands. Scenario j of level k is hyperplane
// shape.size() + k S + j, whichever program holds it.
type search struct {
	*engine
	blend   blend
	terms   []*cvarTerm // none if the blend has no risk
	basis   []int       // identities of the hyperplanes of the current vertex
	sides   []bool      // which kinks w is above of
	w       []float64
	peak    float64   // largest absolute weight, if the objective has it
	y       []float64 // dual of the general rows
	price   []float64 // dual of the distances, >= 0
	norm    []float64 // N: the part of the dual norm's subgradient that its rows have, scaled by what the norm costs
	loss    []float64 // S, of w
	known   bool      // loss is that of w
	between bool      // w is on the optimal face between vertices, not at the walk's
	pivots  int
	walk    *walk  // of the last program
	rows    []int  // identity of each of its rows from shape.size() on
	guide   *guide // the point where the earlier search ended that this one goes on from; see standIns
}

func (s *search) dim() int { return s.shape.n + len(s.terms) + s.peaks() }

func (s *search) peaks() int {
	if s.shape.peak {
		return 1
	}
	return 0
}

// settle turns a vertex of the polytope into one of the program over
// scenarios: each t stands at its VaR, where a scenario ties, and the largest
// absolute weight is that of some strategy.
func (s *search) settle(scenarios []int) {
	s.measure()
	for k, l := range s.terms {
		atoms, mass := s.ranked(l, scenarios)
		tie := atoms[min(crossing(atoms, l.share()*mass), len(atoms)-1)]
		s.basis = append(s.basis, s.shape.size()+k*s.Set.Len()+tie.id)
		l.t = -tie.key
	}
	if s.shape.peak {
		at := slices.Index(s.shape.certain, false)
		for i, x := range s.w {
			if !s.shape.certain[i] && math.Abs(x) > math.Abs(s.w[at]) {
				at = i
			}
		}
		s.peak = math.Abs(s.w[at])
		s.basis = append(s.basis, s.shape.peakID(at, s.w[at] < 0))
	}
}

func (s *search) measure() {
	if !s.known {
		lossesOf(s.Set, s.w, s.loss)
		s.known = true
	}
}

// ranked lists scenarios as atoms in the order of falling loss, for crossing,
// and returns their total mass.
func (s *search) ranked(l *cvarTerm, scenarios []int) (atoms []atom, mass float64) {
	atoms = make([]atom, len(scenarios))
	for k, j := range scenarios {
		atoms[k] = atom{key: -s.loss[j], mass: l.mass[j], id: j}
		mass += l.mass[j]
	}
	return atoms, mass
}

// descend finds the optimum over scenarios, a list of indices of scenarios
// with positive probability, and ends at the optimal vertex.
//
// A thin sample of the scenarios is solved first, by the same method, unless
// the search starts from an earlier answer; then most scenarios are known to be
// worse or better than the VaR, and only a band around it stays explicit:
// scenarios above it pay for certain and fold into one linear cost, scenarios
// below it are dropped. Both replacements understate the hinge, so the reduced
// program is a relaxation, and exact as soon as no scenario turns out to be on
// the other side. Those that do join the band, which only grows, so that the
// rounds are finite. Sizes are those of Portnoy and Koenker (1997), section 5.
func (s *search) descend(ctx context.Context, scenarios []int, warm bool) (optimal bool, err error) {
	if warm && len(s.terms) > 0 {
		s.measure()
		for k, l := range s.terms {
			s.cut(k, l, scenarios, l.aggregate.mass, l.aggregate.low, l.aggregate.high, narrow)
		}
		return s.rounds(ctx)
	}
	n, m := float64(s.shape.n), float64(len(scenarios))
	sample := math.Sqrt(n+1) * math.Pow(m, 2./3)
	band := m
	stride := int(m / sample)
	switch {
	case len(s.terms) == 0:
	case stride >= 2 && sample > 10*n:
		band = 0.4 * sample
		thin := make([]int, 0, len(scenarios)/stride+1)
		for k := 0; k < len(scenarios); k += stride {
			thin = append(thin, scenarios[k])
		}
		if _, err := s.descend(ctx, thin, false); err != nil {
			return false, err
		}
	default:
		s.settle(scenarios)
	}
	if len(s.terms) == 0 {
		if !warm {
			s.settle(nil)
		}
		return s.solve(ctx)
	}
	s.measure()
	for k, l := range s.terms {
		s.split(k, l, scenarios, band/m)
	}
	return s.rounds(ctx)
}

// rounds solves until no scenario is on the wrong side.
func (s *search) rounds(ctx context.Context) (optimal bool, err error) {
	for {
		if optimal, err = s.solve(ctx); err != nil {
			return false, err
		}
		if s.admit() == 0 {
			return optimal, nil
		}
	}
}

// aggregate says where each scenario of a program is, for one level.
type aggregate struct {
	mass   float64 // of all scenarios of the program
	low    float64 // where the band was cut at first, from t
	high   float64
	paying []int // sure to pay
	band   []int // explicit
	below  []int // sure not to pay
}

// split ranks scenarios by the current losses and keeps explicit the share of
// them, by mass, that is nearest to the VaR.
func (s *search) split(k int, l *cvarTerm, scenarios []int, share float64) {
	atoms, mass := s.ranked(l, scenarios)
	// at is the loss that a given share of the mass exceeds.
	at := func(beyond float64) float64 {
		if beyond <= 0 {
			return math.Inf(1)
		}
		if k := crossing(atoms, beyond*mass); k < len(atoms) {
			return -atoms[k].key
		}
		return math.Inf(-1)
	}
	tail := l.share()
	s.cut(k, l, scenarios, mass, at(tail+share/2)-l.t, at(tail-share/2)-l.t, 1)
}

// narrow is the part of a band that is enough where a search goes on from an
// answer to a neighboring problem.
const narrow = 0.15

// cut keeps explicit the scenarios whose loss is within a share of [low, high]
// of t, and the ties of the vertex.
func (s *search) cut(k int, l *cvarTerm, scenarios []int, mass, low, high, share float64) {
	g := &aggregate{mass: mass, low: low, high: high}
	low, high = share*low, share*high
	g.paying, g.below = make([]int, 0, len(scenarios)/8), make([]int, 0, len(scenarios))
	for _, j := range scenarios {
		switch e := s.loss[j] - l.t; {
		case e >= low && e <= high:
			g.band = append(g.band, j)
		case e > high:
			g.paying = append(g.paying, j)
		default:
			g.below = append(g.below, j)
		}
	}
	// A tie of the vertex stays a row, wherever rounding has put it.
	first := s.shape.size() + k*s.Set.Len()
	for _, id := range s.basis {
		j := id - first
		if j < 0 || j >= s.Set.Len() || s.loss[j]-l.t >= low && s.loss[j]-l.t <= high {
			continue
		}
		tie := func(i int) bool { return i == j }
		g.paying, g.below = slices.DeleteFunc(g.paying, tie), slices.DeleteFunc(g.below, tie)
		g.band = append(g.band, j)
	}
	l.aggregate = g
}

// share is the tail as a fraction of all probability.
func (t tail) share() float64 {
	if t.counted {
		return t.size / float64(len(t.mass))
	}
	return t.size
}

// admit moves scenarios that are on the wrong side of their t into the band
// and returns how many there were.
func (s *search) admit() int {
	if len(s.terms) == 0 {
		return 0
	}
	s.measure()
	tol := bandTol / s.scale
	moved := 0
	for _, l := range s.terms {
		g := l.aggregate
		before := len(g.band)
		keep := func(list []int, wrong func(float64) bool) []int {
			kept := list[:0]
			for _, j := range list {
				if wrong(s.loss[j] - l.t) {
					g.band = append(g.band, j)
				} else {
					kept = append(kept, j)
				}
			}
			return kept
		}
		g.paying = keep(g.paying, func(e float64) bool { return e < -tol })
		g.below = keep(g.below, func(e float64) bool { return e > tol })
		moved += len(g.band) - before
	}
	return moved
}
