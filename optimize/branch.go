package optimize

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
)

// stance is what a node of the search has decided about one strategy.
type stance int8

const (
	stanceOpen  stance = iota // nothing yet
	stanceOut                 // weight 0
	stanceLong                // a position above 0, of at least MinPosition
	stanceShort               // a position below 0
)

// node is a part of the search: all portfolios that agree with its stances.
type node struct {
	id    int
	bound float64 // no portfolio of the part is below it
	state []stance
	a     *answer // of its relaxation
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
// which is a Distance like others, and the node a problem for solve. The part
// with the least bound is split next, at the strategy about which the
// relaxation is least decided. Every part's relaxation also suggests a
// portfolio: the largest positions are kept and the others closed.
//
// The search ends when no part can hold anything better by more than MaxGap,
// or after Nodes parts; the certificate's bound is the least of what is left.
func (e *engine) branch(ctx context.Context, solve func(context.Context, *engine) (*answer, error)) (*answer, error) {
	b := &branching{engine: e, solve: solve, most: e.Nodes}
	if b.most == 0 {
		b.most = DefaultOptions().Nodes
	}
	root, err := b.relax(ctx, make([]stance, e.shape.n), e.last)
	if errors.Is(err, errNone) {
		return nil, b.noneAtAll(ctx)
	}
	if err != nil {
		return nil, err
	}
	if err := b.visit(ctx, root, true); err != nil {
		return nil, err
	}
	for b.parts.Len() > 0 && b.nodes < b.most {
		part := heap.Pop(&b.parts).(*node)
		if b.hopeless(part.bound) {
			heap.Push(&b.parts, part) // its bound is the least
			break
		}
		i := b.undecided(part)
		for _, s := range []stance{stanceOut, stanceLong, stanceShort} {
			if s == stanceLong && e.Upper[i] <= 0 || s == stanceShort && e.Lower[i] >= 0 || s == stanceOut && (e.Lower[i] > 0 || e.Upper[i] < 0) {
				continue
			}
			state := slices.Clone(part.state)
			state[i] = s
			child, err := b.relax(ctx, state, part.a.search)
			if errors.Is(err, errNone) {
				continue
			}
			if err != nil {
				return nil, err
			}
			if err := b.visit(ctx, child, b.nodes%8 == 0); err != nil {
				return nil, err
			}
		}
	}
	if b.best == nil {
		if b.parts.Len() == 0 {
			return nil, b.noneAtAll(ctx)
		}
		return nil, &UndefinedError{fmt.Sprintf("the search for a portfolio within optimize.min_position and optimize.max_positions found none in %d steps; raise optimize.nodes, or relax the rules", b.nodes)}
	}
	least := b.value
	for _, part := range b.parts {
		least = min(least, part.bound)
	}
	b.best.least, b.best.nodes = &least, b.nodes
	return b.best, nil
}

// branching is the state of the search.
type branching struct {
	*engine
	solve  func(context.Context, *engine) (*answer, error)
	parts  heapOfParts
	nodes  int
	most   int
	best   *answer
	value  float64 // of best
	pivots int
}

// ruled reports a strategy that the rules are about.
func (e *engine) ruled(i int) bool { return !e.hasCash || e.Set.Names[i] != Cash }

// hopeless reports that a part with this bound holds nothing worth finding.
func (b *branching) hopeless(bound float64) bool {
	return b.best != nil && bound >= b.value-b.maxGap()/2*max(math.Abs(b.value), b.absolute)
}

// part is the problem of a node.
func (b *branching) part(state []stance) *engine {
	p := *b.Problem
	p.Lower, p.Upper = slices.Clone(p.Lower), slices.Clone(p.Upper)
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
	e.Problem, e.start, e.last, e.quiet = &p, nil, nil, true
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
func (b *branching) relax(ctx context.Context, state []stance, from *search) (*node, error) {
	b.nodes++
	e := b.part(state)
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
	bound, _ := a.bound(a.blend, a.dual())
	return &node{id: b.nodes, bound: bound + a.shift + a.credit, state: state, a: a}, nil
}

// visit takes what a solved node is worth: a new best portfolio, or a part to
// split. With try it also solves the portfolio that the relaxation suggests.
func (b *branching) visit(ctx context.Context, n *node, try bool) error {
	if b.hopeless(n.bound) {
		return nil
	}
	kept := b.undecided(n) < 0
	if !kept {
		heap.Push(&b.parts, n)
	}
	if !kept && !try {
		return nil
	}
	leaf, err := b.relax(ctx, b.suggest(n), n.a.search)
	if errors.Is(err, errNone) {
		return nil
	}
	if err != nil {
		return err
	}
	o := leaf.a.outcome(leaf.a.weights)
	if v := leaf.a.value(leaf.a.base, o, leaf.a.weights) + leaf.a.shift; b.best == nil || v < b.value {
		b.best, b.value = leaf.a, v
		b.best.pivots = b.pivots
	}
	return nil
}

// tiny is a weight that counts as 0 in the search.
const tiny = 1e-9

// undecided returns the strategy that a relaxation breaks the rules at the
// most, -1 if it keeps them.
func (b *branching) undecided(n *node) int {
	worst, at, positions := 0.0, -1, 0
	for i, x := range n.a.weights {
		size := math.Abs(x)
		if !b.ruled(i) || size <= tiny {
			continue
		}
		positions++
		if n.state[i] != stanceOpen {
			continue
		}
		if size < b.MinPosition-tiny {
			if v := min(size, b.MinPosition-size) / b.MinPosition; v > worst {
				worst, at = v, i
			}
		}
	}
	if at >= 0 || b.MaxPositions == 0 || positions <= b.MaxPositions {
		return at
	}
	for i, x := range n.a.weights {
		if n.state[i] != stanceOpen || !b.ruled(i) || math.Abs(x) <= tiny {
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
	w, state := n.a.weights, slices.Clone(n.state)
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
		case room && w[i] > max(tiny, b.MinPosition/2), b.Lower[i] > 0:
			state[i] = stanceLong
			held++
		case room && w[i] < -max(tiny, b.MinPosition/2), b.Upper[i] < 0:
			state[i] = stanceShort
			held++
		default:
			state[i] = stanceOut
		}
	}
	return state
}

// noneAtAll explains rules on positions that cannot be kept: first by what
// conflicts without them, else by the least number of positions that will do.
func (b *branching) noneAtAll(ctx context.Context) error {
	p := *b.Problem
	p.MinPosition, p.MaxPositions = 0, 0
	plain := *b.engine
	plain.Problem, plain.start, plain.quiet = &p, nil, false
	if err := plain.begin(ctx); err != nil {
		return err
	}
	var rules []string
	if b.MaxPositions > 0 {
		rules = append(rules, keyMaxPositions)
	}
	if b.MinPosition > 0 {
		rules = append(rules, keyMinPosition)
	}
	advice := fmt.Sprintf("%s cannot be kept together with the bounds and limits; relax one of them", list(rules))
	for k := b.MaxPositions + 1; b.MaxPositions > 0 && k < b.shape.n; k++ {
		more := *b.Problem
		more.MaxPositions = k
		try := *b.engine
		try.Problem, try.start, try.last = &more, nil, nil
		c := &branching{engine: &try, solve: b.solve, most: b.most}
		if n, err := c.relax(ctx, make([]stance, b.shape.n), nil); err == nil {
			if _, err := c.relax(ctx, c.suggest(n), nil); err == nil {
				advice = fmt.Sprintf("%s %d positions are too few for the bounds and limits; raise it to %d, where there is a portfolio", keyMaxPositions, b.MaxPositions, k)
				break
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return &InfeasibleError{Conflict: rules, Advice: []string{advice}}
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
