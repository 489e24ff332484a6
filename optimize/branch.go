package optimize

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
)

// stance is the decision of a node of the search about one strategy.
type stance int8

const (
	stanceOpen  stance = iota // nothing yet
	stanceOut                 // weight 0
	stanceLong                // a position above 0, of at least MinPosition
	stanceShort               // a position below 0
)

// node is a part of the search: all portfolios that agree with its stances. It
// keeps only what its children need, a few kilobytes for 100 strategies: the
// scenarios' losses and multipliers are computed again where they are wanted.
type node struct {
	id      int
	bound   float64 // no portfolio of the part that is better than the cutoff is below it
	state   []stance
	bounds  [2][]float64 // N lower and upper bounds of a portfolio worth finding: see tighten
	weights []float64    // N, of its relaxation
	from    *search      // where the relaxation ended; see slim
	decided int          // stances that are not open
	split   int          // the strategy to decide next
}

// errNone is a part without any admissible portfolio.
var errNone = errors.New("optimize: no portfolio in this part")

// branch solves a problem with rules on positions, exactly, by branch and
// bound. What is relaxed in a node is that a position is either 0 or not small,
// and that positions are counted: open strategies count with the share of
// their largest weight that they use, so that
//
//	sum over open of |w_i| / most_i <= MaxPositions - decided positions
//
// which is a Distance like others, and the node a problem for solve. The largest
// weights are those of portfolios that are worth finding (see tighten). The
// part with the least bound is split next, at the strategy about which the
// relaxation is least decided; until there is a portfolio, the part about which
// most is decided. Some parts' relaxations also suggest a portfolio: the largest
// positions are kept and the others closed.
//
// The search ends when no part can hold anything better by more than MaxGap,
// after Nodes parts, or at a deadline of ctx, with the best portfolio that it
// knows. The certificate's bound is the least over all parts: those that are
// left, those that were not worth a search, and those that arithmetic defeated.
func (e *engine) branch(ctx context.Context, solve func(context.Context, *engine) (*answer, error)) (*answer, error) {
	b := &branching{engine: e, solve: solve, most: e.Nodes, closed: math.Inf(1)}
	if b.most == 0 {
		b.most = DefaultOptions().Nodes
	}
	if e.seed != nil {
		b.improve(e.seed)
	}
	if err := b.forcedPositions(ctx); err != nil {
		return nil, err
	}
	state, bounds := make([]stance, e.shape.n), [2][]float64{e.Lower, e.Upper}
	root, err := b.relax(ctx, state, bounds, e.last)
	switch {
	case errors.Is(err, errNone):
		return nil, b.explainInfeasible(ctx)
	case err != nil && b.best != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return b.stopped(b.rough()), nil
	case err != nil:
		return nil, err
	}
	err = b.visit(ctx, root, true)
	for err == nil && len(b.parts) > 0 && b.nodes < b.most && !b.hopeless(b.parts[0].bound) {
		part := b.next()
		for _, s := range []stance{stanceOut, stanceLong, stanceShort} {
			if err = b.child(ctx, part, s); err != nil {
				b.closed = min(b.closed, part.bound)
				break
			}
		}
	}
	switch {
	case err != nil && (b.best == nil || !errors.Is(ctx.Err(), context.DeadlineExceeded)):
		return nil, err
	case b.best == nil && len(b.parts) == 0 && math.IsInf(b.closed, 1):
		return nil, b.explainInfeasible(ctx)
	case b.best == nil:
		return nil, &UndefinedError{Message: fmt.Sprintf("no portfolio within optimize.min_position and optimize.max_positions was found in %d nodes; raise optimize.nodes, or relax these constraints", b.nodes)}
	}
	least := min(b.value, b.closed)
	for _, part := range b.parts {
		least = min(least, part.bound)
	}
	if err != nil {
		return b.stopped(least), nil
	}
	b.best.least, b.best.nodes = &least, b.nodes
	return b.best, nil
}

// stopped is the best portfolio of a search that a deadline ended.
func (b *branching) stopped(least float64) *answer {
	b.best.least, b.best.nodes, b.best.settled = &least, b.nodes, true
	return b.best
}

// rough is a bound on everything from no knowledge at all, of what the best
// portfolio minimizes.
func (b *branching) rough() float64 {
	bound, _ := b.bound(b.best.base, b.noDual())
	return min(b.value, bound+b.best.shift)
}

type branching struct {
	*engine
	solve  func(context.Context, *engine) (*answer, error)
	parts  heapOfParts
	faces  []face // of every slim search: they are the same in all parts
	nodes  int
	most   int
	best   *answer
	value  float64 // of best
	closed float64 // the least bound of the parts that are not searched any more
	pivots int
}

// next takes the part to split off the heap: that with the least bound, or,
// without any portfolio yet, that about which most is decided.
func (b *branching) next() *node {
	if b.best != nil {
		return heap.Pop(&b.parts).(*node)
	}
	at := 0
	for k, part := range b.parts {
		if first := b.parts[at]; part.decided > first.decided || part.decided == first.decided && (part.bound < first.bound || part.bound == first.bound && part.id < first.id) {
			at = k
		}
	}
	return heap.Remove(&b.parts, at).(*node)
}

// child decides the strategy that a part is split at, and solves what is left.
// A part whose relaxation arithmetic defeats is closed with the bound of the
// part that it is of. An error is one of ctx.
func (b *branching) child(ctx context.Context, part *node, s stance) error {
	i := part.split
	lo, up := part.bounds[0][i], part.bounds[1][i]
	if s == stanceLong && up <= 0 || s == stanceShort && lo >= 0 || s == stanceOut && (lo > 0 || up < 0) {
		return nil
	}
	state := slices.Clone(part.state)
	state[i] = s
	n, err := b.relax(ctx, state, part.bounds, part.from)
	switch {
	case errors.Is(err, errNone):
		return nil
	case err != nil && ctx.Err() != nil:
		return err
	case err != nil:
		b.closed = min(b.closed, part.bound)
		return nil
	}
	n.bound = max(n.bound, part.bound)
	return b.visit(ctx, n, b.best == nil || b.nodes%8 == 0)
}

// ruled reports a strategy that the rules are about.
func (e *engine) ruled(i int) bool { return !e.hasCash || e.Set.Names[i] != Cash }

// hopeless reports that a part with this bound holds nothing worth finding.
func (b *branching) hopeless(bound float64) bool { return b.best != nil && bound >= b.cutoff() }

// cutoff is the value from which on a portfolio is not worth finding.
func (b *branching) cutoff() float64 {
	return b.value - b.maxGap()/2*max(math.Abs(b.value), b.absolute)
}

// improve takes a portfolio that is better than the best.
func (b *branching) improve(a *answer) {
	v := a.value(a.base, a.outcome(a.weights), a.weights) + a.shift
	if b.best == nil || v < b.value {
		best := *a
		best.pivots = b.pivots
		b.best, b.value = &best, v
	}
}

// part is the problem of a node.
func (b *branching) part(state []stance, bounds [2][]float64) *engine {
	p := *b.Problem
	p.Lower, p.Upper = slices.Clone(bounds[0]), slices.Clone(bounds[1])
	p.MinPosition, p.MaxPositions = 0, 0
	held := 0
	d := Distance{Name: keyMaxPositions, Weight: make([]float64, b.shape.n), Center: make([]float64, b.shape.n)}
	for i, s := range state {
		switch s {
		case stanceOpen:
			if reach := max(math.Abs(p.Lower[i]), math.Abs(p.Upper[i])); reach > 0 && b.ruled(i) {
				d.Weight[i] = 1 / reach
			}
		case stanceOut:
			if p.Lower[i] > 0 || p.Upper[i] < 0 {
				return nil
			}
			p.Lower[i], p.Upper[i] = 0, 0
		case stanceLong:
			p.Lower[i] = max(p.Lower[i], b.MinPosition)
			held++
		case stanceShort:
			p.Upper[i] = min(p.Upper[i], -b.MinPosition)
			held++
		}
	}
	if b.MaxPositions > 0 {
		d.Limit = float64(b.MaxPositions - held)
		p.Distances = append(slices.Clone(p.Distances), d)
	}
	e := *b.engine
	e.Problem, e.start, e.last, e.quiet, e.seed = &p, nil, nil, true, nil
	e.guess = slices.Clone(b.guess)
	for i := range p.Lower {
		if p.Lower[i] > p.Upper[i] || d.Limit < 0 {
			return nil
		}
	}
	e.shape = newPolytope(&p)
	return &e
}

// relax solves a node's relaxation; errNone says that the part is empty.
func (b *branching) relax(ctx context.Context, state []stance, bounds [2][]float64, from *search) (*node, error) {
	b.nodes++
	e := b.part(state, bounds)
	if e == nil {
		return nil, errNone
	}
	e.last = from
	a, err := b.solve(ctx, e)
	var none *InfeasibleError
	if errors.Is(err, errNone) || errors.As(err, &none) {
		return nil, errNone
	}
	if err != nil {
		return nil, err
	}
	b.pivots += a.pivots
	bound, each := a.bound(a.blend, a.dual())
	bound += a.shift + a.credit
	if b.faces == nil {
		b.faces = a.shape.slimFaces()
	}
	n := &node{id: b.nodes, bound: bound, state: state, bounds: bounds, weights: slices.Clone(a.weights), from: a.slim(b.faces), split: -1}
	b.tighten(n, e, each)
	for _, s := range n.state {
		if s != stanceOpen {
			n.decided++
		}
	}
	return n, nil
}

// tighten narrows the bounds of a part to what portfolios below the cutoff can
// have, and closes strategies that none of them holds: moving one weight away
// from its best under the multipliers raises the bound by what its function of
// one weight says (reduced-cost fixing). Narrow bounds make open strategies
// count for more of a position, and the relaxation strong. What is cut off is
// not below the cutoff, which the bound of the search then counts with.
func (b *branching) tighten(n *node, e *engine, each []piecewise) {
	if b.best == nil {
		return
	}
	room := b.cutoff() - n.bound
	if room < 0 {
		return
	}
	room += riskTol * max(math.Abs(b.value), b.absolute)
	lower, upper := slices.Clone(n.bounds[0]), slices.Clone(n.bounds[1])
	state, cut := slices.Clone(n.state), false
	for i := range each {
		lo, up := e.Lower[i], e.Upper[i]
		if lo == up {
			continue
		}
		low, high := each[i].below(each[i].least(lo, up)+room, lo, up)
		if low > lower[i] {
			lower[i], cut = low, true
		}
		if high < upper[i] {
			upper[i], cut = high, true
		}
		if state[i] == stanceOpen && b.ruled(i) && lower[i] <= 0 && upper[i] >= 0 && max(-lower[i], upper[i]) < max(b.MinPosition-positionTol, positionTol) {
			state[i], cut = stanceOut, true
		}
	}
	if cut {
		b.closed = min(b.closed, b.cutoff())
		n.bounds, n.state = [2][]float64{lower, upper}, state
	}
}

// below returns an interval outside which a convex function of one weight is
// above level in [lo, up], a little too large rather than too small.
func (f *piecewise) below(level, lo, up float64) (low, high float64) {
	at := lo
	for _, x := range append([]float64{up}, f.centers...) {
		if x > lo && x <= up && f.at(x) < f.at(at) {
			at = x
		}
	}
	edge := func(end float64) float64 {
		if f.at(end) <= level {
			return end
		}
		in, out := at, end
		for range 60 {
			if mid := (in + out) / 2; f.at(mid) <= level {
				in = mid
			} else {
				out = mid
			}
		}
		return out
	}
	slack := boundTol * (up - lo)
	return max(lo, edge(lo)-slack), min(up, edge(up)+slack)
}

// visit takes what a solved node is worth: a new best portfolio, or a part to
// split. With try it also solves the portfolio that the relaxation suggests.
func (b *branching) visit(ctx context.Context, n *node, try bool) error {
	if b.hopeless(n.bound) {
		b.closed = min(b.closed, n.bound)
		return nil
	}
	n.split = b.undecided(n)
	open := slices.Index(n.state, stanceOpen)
	if n.split < 0 || try {
		leaf, err := b.leaf(ctx, b.suggest(n), n.from)
		switch {
		case errors.Is(err, errNone) && open < 0:
			return nil // the part is this leaf, and empty
		case errors.Is(err, errNone):
		case err != nil && ctx.Err() != nil:
			b.closed = min(b.closed, n.bound)
			return err
		case err == nil:
			b.improve(leaf)
			if open < 0 {
				// Everything is decided, perhaps since the relaxation was solved: the
				// part is this leaf.
				bound, _ := leaf.bound(leaf.blend, leaf.dual())
				n.bound = max(n.bound, bound+leaf.shift+leaf.credit)
			}
		}
	}
	if n.split < 0 {
		// The relaxation keeps the rules, but for what counts as 0. Where that is
		// not all there is to the part, it is decided further.
		n.split = open
	}
	if n.split < 0 || b.hopeless(n.bound) {
		b.closed = min(b.closed, n.bound)
		return nil
	}
	heap.Push(&b.parts, n)
	return nil
}

// leaf solves a part about which everything is decided.
func (b *branching) leaf(ctx context.Context, state []stance, from *search) (*answer, error) {
	b.nodes++
	e := b.part(state, [2][]float64{b.Lower, b.Upper})
	if e == nil {
		return nil, errNone
	}
	e.last = from
	a, err := b.solve(ctx, e)
	if none := new(InfeasibleError); errors.As(err, &none) {
		return nil, errNone
	}
	if err == nil {
		b.pivots += a.pivots
	}
	return a, err
}

// undecided returns the strategy that a relaxation breaks the rules at the
// most, -1 if it keeps them.
func (b *branching) undecided(n *node) int {
	worst, at, positions := 0.0, -1, 0
	for i, x := range n.weights {
		size := math.Abs(x)
		if !b.ruled(i) || size <= positionTol {
			continue
		}
		positions++
		if n.state[i] != stanceOpen {
			continue
		}
		if size < b.MinPosition-positionTol {
			if v := min(size, b.MinPosition-size) / b.MinPosition; v > worst {
				worst, at = v, i
			}
		}
	}
	if at >= 0 || b.MaxPositions == 0 || positions <= b.MaxPositions {
		return at
	}
	for i, x := range n.weights {
		if n.state[i] != stanceOpen || !b.ruled(i) || math.Abs(x) <= positionTol {
			continue
		}
		used := math.Abs(x) / max(math.Abs(b.Lower[i]), math.Abs(b.Upper[i]))
		if v := min(used, 1-used); v >= worst {
			worst, at = v, i
		}
	}
	return at
}

// suggest keeps the largest positions of a relaxation and closes the others.
func (b *branching) suggest(n *node) []stance {
	w, state := n.weights, slices.Clone(n.state)
	order, held := []int{}, 0
	for i, s := range state {
		switch {
		case s == stanceLong || s == stanceShort:
			held++
		case s == stanceOpen && b.ruled(i):
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch a, c := math.Abs(w[i]), math.Abs(w[j]); {
		case a > c:
			return -1
		case a < c:
			return 1
		}
		return 0
	})
	for _, i := range order {
		room := b.MaxPositions == 0 || held < b.MaxPositions
		switch {
		case room && w[i] > max(positionTol, b.MinPosition/2), b.Lower[i] > 0:
			state[i] = stanceLong
			held++
		case room && w[i] < -max(positionTol, b.MinPosition/2), b.Upper[i] < 0:
			state[i] = stanceShort
			held++
		default:
			state[i] = stanceOut
		}
	}
	return state
}

// heapOfParts orders parts by bound, then age.
type heapOfParts []*node

func (h heapOfParts) Len() int { return len(h) }
func (h heapOfParts) Less(i, j int) bool {
	return h[i].bound < h[j].bound || h[i].bound == h[j].bound && h[i].id < h[j].id
}
func (h heapOfParts) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push and Pop implement heap.Interface.
func (h *heapOfParts) Push(x any) { *h = append(*h, x.(*node)) }

// Pop implements heap.Interface.
func (h *heapOfParts) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
