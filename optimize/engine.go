package optimize

import (
	"context"
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"

	"allocate/scenarios"
)

// Solver solves problems over one set of scenarios, one after another. It
// keeps what does not change between them, and starts each from the answer to
// the one before: a nightly run with new previous weights, a limit that moved. The
// answers are those of Solve to the last bit of the objective; where the
// optimum is not unique it is told apart as Solve does.
type Solver struct {
	set      *scenarios.Set
	mean     []float64
	absolute float64 // mean absolute scenario return
	largest  float64 // absolute scenario return
	tails    map[float64]tail
	possible []int // the scenarios with a positive probability
	root     *mat.Dense
	last     *search
}

// NewSolver prepares a solver; it fails on a set that is not valid.
func NewSolver(set *scenarios.Set) (*Solver, error) {
	if err := set.Validate(); err != nil {
		return nil, err
	}
	s := &Solver{set: set, tails: map[float64]tail{}, possible: make([]int, 0, set.Len())}
	s.mean, s.absolute, s.largest = moments(set)
	for j := range set.Len() {
		if set.Prob == nil || set.Prob[j] > 0 {
			s.possible = append(s.possible, j)
		}
	}
	return s, nil
}

// tail is the measure of the worst 1-alpha of the set's scenarios.
func (v *Solver) tail(alpha float64) tail {
	t, ok := v.tails[alpha]
	if !ok {
		t = newTail(v.set, alpha)
		v.tails[alpha] = t
	}
	return t
}

// moments returns the mean return of each strategy, and of all of them the
// probability-weighted mean absolute return and the largest.
func moments(set *scenarios.Set) (mean []float64, absolute, largest float64) {
	n := len(set.Names)
	mean = make([]float64, n)
	for j := range set.Len() {
		p, sum := set.Probability(j), 0.0
		for i, r := range set.Row(j) {
			mean[i] += p * r
			a := math.Abs(r)
			if sum += a; a > largest {
				largest = a
			}
		}
		absolute += p * sum
	}
	return mean, absolute / float64(n), largest
}

// engine is a prepared problem, shared by all searches for its solution.
type engine struct {
	*Problem
	mean      []float64
	absolute  float64
	largest   float64
	scale     float64 // losses times scale are of order one
	shape     *polytope
	tails     []tail // of the levels
	report    tail   // of Alpha
	scenarios []int  // with a positive probability
	start     *walk  // to a vertex of the polytope; nil until a search needs it
	last      *search
	quiet     bool       // an empty polytope needs no explanation
	whole     *Problem   // that advice has to do for, with its rules on positions; nil: Problem
	seed      *answer    // an admissible portfolio that a search over positions starts from
	root      *mat.Dense // of MinVariance
	guess     []float64  // per level: a loss that is probably below the VaR
}

func (v *Solver) prepare(p *Problem) *engine {
	e := &engine{
		Problem: p, mean: v.mean, absolute: v.absolute, largest: v.largest, scale: powerOfTwo(v.absolute), shape: newPolytope(p),
		report: v.tail(p.Alpha), scenarios: v.possible, last: v.last,
	}
	if p.Mean != nil {
		e.mean = p.Mean
	}
	if p.objective() == MinVariance {
		e.root = v.principal()
	}
	for _, l := range p.levels() {
		e.guess = append(e.guess, math.Inf(-1))
		e.tails = append(e.tails, v.tail(l.Alpha))
	}
	return e
}

// guessOf is a loss that is probably below the VaR at alpha.
func (e *engine) guessOf(alpha float64) float64 {
	for k, l := range e.levels() {
		if l.Alpha == alpha {
			return e.guess[k]
		}
	}
	return math.Inf(-1)
}

// begin finds a first vertex, unless it is known. It fails with an
// *InfeasibleError when there is none.
func (e *engine) begin(ctx context.Context) error {
	if e.start != nil {
		return nil
	}
	start, ok, err := e.shape.vertex(ctx)
	if err != nil {
		return err
	}
	if !ok && e.quiet {
		return errNone
	}
	if !ok {
		return e.explain(ctx)
	}
	e.start = start
	return nil
}

// minimize finds the least of a blend of return and risk. from is an earlier
// search of the same shape to start from, or nil.
func (e *engine) minimize(ctx context.Context, b blend, from *search) (*search, error) {
	if s := e.search(b); from != nil && s.continues(from) {
		_, err := s.descend(ctx, e.scenarios, true)
		if err == nil {
			return s, nil
		}
		if !errors.Is(err, errBent) && !errors.Is(err, errSingular) && !errors.Is(err, errOutside) && !errors.Is(err, errUnbounded) {
			return nil, err
		}
	}
	if err := e.begin(ctx); err != nil {
		return nil, err
	}
	s := e.search(b)
	s.basis, s.w, s.sides = slices.Clone(e.start.basis), slices.Clone(e.start.x), e.start.bendSides()
	_, err := s.descend(ctx, e.scenarios, false)
	return s, err
}

func (e *engine) search(b blend) *search {
	s := &search{
		engine: e, blend: b, loss: make([]float64, e.Set.Len()),
		y: make([]float64, len(e.shape.rows)), price: make([]float64, len(e.Distances)), norm: make([]float64, e.shape.n),
	}
	if b.risk > 0 {
		for k, l := range e.levels() {
			s.terms = append(s.terms, &cvarTerm{tail: e.tails[k], weight: l.Weight, q: make([]float64, e.Set.Len())})
		}
	}
	return s
}

// continues takes over the vertex of an earlier search, if every hyperplane of
// it still exists.
func (s *search) continues(from *search) bool {
	if from.shape.n != s.shape.n || len(from.terms) != len(s.terms) || from.Set != s.Set || from.dim() != s.dim() {
		return false
	}
	s.guide, s.basis = from.guided(), make([]int, len(from.basis))
	for k, id := range from.basis {
		at, ok := s.shape.translate(from.shape, id, s.Set.Len())
		if !ok || slices.Contains(s.basis[:k], at) {
			return false
		}
		s.basis[k] = at
	}
	if from.between { // the vertex that the search went on from
		s.w = slices.Clone(from.walk.x[:s.shape.n])
	} else {
		s.w, s.known = slices.Clone(from.w), from.known
		copy(s.loss, from.loss)
	}
	s.sides = make([]bool, len(s.shape.kinks))
	for k, x := range s.shape.kinks {
		if len(from.sides) == len(s.sides) {
			s.sides[k] = from.sides[k]
		} else {
			s.sides[k] = s.w[x.strategy] > x.center
		}
	}
	for k, l := range s.terms {
		l.t, l.aggregate = from.terms[k].t, from.terms[k].aggregate
	}
	return true
}

// translate returns the identity in t of a hyperplane of another polytope in
// the same variables, and whether there is one.
func (t *polytope) translate(from *polytope, id, scenarios int) (int, bool) {
	kinks, peaks := len(from.faces), len(from.faces)+len(from.kinks)
	switch {
	case id < kinks:
		f := from.faces[id]
		if id < len(t.faces) && t.faces[id].row == f.row && t.faces[id].strategy == f.strategy && t.faces[id].lower == f.lower {
			return id, true
		}
		return 0, false
	case id < peaks:
		k := from.kinks[id-kinks]
		if at := id - kinks; len(t.kinks) == len(from.kinks) && t.kinks[at].strategy == k.strategy {
			return t.kinkID(at), true // though its center may have moved
		}
		at := slices.IndexFunc(t.kinks, func(x kink) bool { return x.strategy == k.strategy && x.center == k.center })
		return t.kinkID(at), at >= 0
	case id < from.distanceID(0):
		return id - peaks + t.peakID(0, false), t.peak
	case id < from.size():
		g := id - from.distanceID(0)
		return t.distanceID(g), g < len(t.distances)
	}
	return id - from.size() + t.size(), true
}

type outcome struct {
	ret, risk  float64 // as Problem defines them
	mean, cost float64
}

func (e *engine) outcome(w []float64) outcome {
	loss := make([]float64, e.Set.Len())
	lossesOf(e.Set, w, loss)
	return e.outcomeOf(w, loss)
}

// outcomeOf is outcome for weights whose losses are known.
func (e *engine) outcomeOf(w, loss []float64) outcome {
	o := outcome{mean: blas64.Dot(vector(e.mean), vector(w)), cost: e.cost(w)}
	norm := 0.0
	if e.Radius > 0 {
		norm = e.dualNorm(w)
	}
	if e.objective() == MinVariance {
		o.ret, o.risk = o.mean-o.cost, e.deviation(loss)+o.cost
		return o
	}
	q := make([]float64, e.Set.Len())
	for k, l := range e.levels() {
		_, cvar := e.tails[k].measureFrom(loss, q, e.guess[k])
		o.risk += l.Weight * cvar
	}
	o.ret = o.mean - o.cost - e.Radius*norm
	o.risk += o.cost + e.ballRisk()*norm
	return o
}

// lossesNear returns the losses of w from those of weights nearby. What is
// below the tails before and after is left as it was: no loss moves by more
// than the largest return times the distance of the weights, and nothing below
// the guesses counts.
func (e *engine) lossesNear(w, nearby, loss []float64) []float64 {
	floor, apart, moved := min(slices.Min(e.guess), e.guessOf(e.Alpha)), 0.0, slices.Clone(loss)
	if math.IsInf(floor, -1) {
		lossesOf(e.Set, w, moved)
		return moved
	}
	for i, x := range w {
		apart += math.Abs(x - nearby[i])
	}
	above := make([]float64, len(e.guess)) // mass, per level
	for j, l := range loss {
		if l < floor-e.largest*apart {
			continue
		}
		moved[j] = 0 - blas64.Dot(vector(e.Set.Row(j)), vector(w))
		for k, t := range e.tails {
			if moved[j] > e.guess[k] {
				above[k] += t.mass[j]
			}
		}
	}
	for k, t := range e.tails {
		if above[k] <= t.size*(1+massTol) { // a guess was wrong
			lossesOf(e.Set, w, moved)
			break
		}
	}
	return moved
}

// value returns the blend of an outcome, plus the term of Ridge.
func (e *engine) value(b blend, o outcome, w []float64) float64 {
	v := -b.ret*o.ret + b.risk*o.risk
	if e.Ridge > 0 {
		v += e.Ridge * blas64.Dot(vector(w), vector(w))
	}
	return v
}

// meanAbsolute is the probability-weighted mean absolute return of all
// strategies.
func meanAbsolute(set *scenarios.Set) float64 {
	_, absolute, _ := moments(set)
	return absolute
}
