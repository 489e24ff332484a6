package optimize

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
)

// UndefinedError says that a problem has no solution of the kind that its objective asks for.
type UndefinedError struct {
	Message string // what is undefined, why, and what to change
	Err     error  // what tells some of these errors apart; may be nil
}

// Unwrap returns what tells some of these errors apart.
func (e *UndefinedError) Unwrap() error { return e.Err }

func (e *UndefinedError) Error() string { return "optimize: " + e.Message }

// budgeted is a long-only portfolio whose strategies have given shares of the
// risk.
type budgeted struct {
	W             []float64   // N weights, which sum to Budget
	Q             [][]float64 // one tail measure (S) per level: 0 <= q_j <= p_j/(1-alpha), sum 1, q'loss = CVaR
	Contributions []float64   // N: w_i (sum_k weight_k L'q_k)_i, which sum to risk(W)
	Gap           float64     // certified: see riskBudget
	Iterations    int         // of the interior point method and of the finish
}

// riskBudget finds the long-only portfolio in which strategy i contributes the
// share b_i of the risk R = sum_k weight_k CVaR_k. Bounds, constraints, costs
// and the ball take no part. It is the scaled optimum of the convex program
//
//	minimize  R(w) - sum_i b_i log w_i  over w > 0
//
// (Maillard, Roncalli and Teiletche 2010; Mausser and Romanko 2014 for CVaR),
// because there b_i/w_i is the i-th entry of a subgradient of R.
// Where scenarios tie at the VaR, R has many subgradients, and only the one
// that the dual chooses has the shares that were asked for: Q is that one.
//
// With g = L'q for any tail measures q, R(w) >= w'g and the concavity of the
// logarithm give
//
//	log R(w) - sum_i b_i log w_i  >=  sum_i b_i log (g_i / b_i)
//
// for every w > 0, which is the dual of the program. Gap is the difference of
// the two sides at W and Q: no portfolio with the same geometric mean of
// weights (in which strategy i counts b_i times) has a risk that is smaller
// by a larger fraction.
//
// It fails with an *UndefinedError when some long-only portfolio has a risk of
// zero or less: then the program has no minimum.
func (p *Problem) riskBudget(ctx context.Context) (*budgeted, error) {
	s, err := newBudgeting(p)
	if err != nil {
		return nil, err
	}
	if err := s.descend(ctx, s.possible, finalTol); errors.Is(err, errDiverged) {
		return nil, s.undefined(s.w)
	} else if err != nil {
		return nil, err
	}
	best := s.answer()
	if !(best.Gap < lostGap) {
		if err := s.suspect(ctx); err != nil {
			return nil, err
		}
	}
	// The finish is exact if it recognizes the ties; where very many scenarios
	// tie it may not, and the point that it started from is as good as the
	// interior point method could make it.
	if err := s.finish(ctx); err != nil {
		return nil, err
	}
	if a := s.answer(); math.Abs(a.Gap) <= max(math.Abs(best.Gap), finishGap) {
		best = a
	}
	best.Iterations = s.iterations
	return best, nil
}

const (
	finalTol  = 1e-12 // relative gap and residuals that the interior point method goes for
	sampleTol = 1e-5  // on a sample, which is only a start
	finishGap = 1e-12 // what the rounding of a hedged portfolio's risk leaves of a gap of 0
	lostGap   = 1e-3  // the method got nowhere
	zeroRisk  = 1e-9  // a risk that is a smaller fraction of the mean absolute return is none
)

var errDiverged = errors.New("optimize: unbounded weights")

type budgeting struct {
	*Problem
	shares     []float64 // N: b
	unit       []float64 // N: mean absolute return of every strategy
	possible   []int     // the scenarios with positive probability
	layers     []*layer
	w          []float64 // N: the iterate, in a scale of its own
	loss       []float64 // S, of w
	iterations int
}

func newBudgeting(p *Problem) (*budgeting, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	n, m := len(p.Set.Names), p.Set.Len()
	if !(p.Budget > 0) {
		return nil, fmt.Errorf("optimize: a risk budget needs a budget above 0, not %v", p.Budget)
	}
	s := &budgeting{
		Problem: p, shares: slices.Clone(p.Shares), unit: make([]float64, n),
		w: make([]float64, n), loss: make([]float64, m),
	}
	total := 0.0
	for i := range n {
		if p.Shares == nil {
			s.shares = append(s.shares, 1/float64(n))
		}
		if !(s.shares[i] > 0) {
			return nil, fmt.Errorf("optimize: the share of risk of %q is %v; expected a number above 0", p.Set.Names[i], s.shares[i])
		}
		total += s.shares[i]
	}
	if !(math.Abs(total-1) <= budgetTol) {
		return nil, fmt.Errorf("optimize: the shares of risk sum to %v; expected 1", total)
	}
	for j := range m {
		prob := p.Set.Probability(j)
		if prob > 0 {
			s.possible = append(s.possible, j)
		}
		for i, r := range p.Set.Row(j) {
			s.unit[i] += prob * math.Abs(r)
		}
	}
	for i, u := range s.unit {
		if u == 0 {
			return nil, &UndefinedError{Message: fmt.Sprintf("the risk budget is undefined: %q has no risk in any scenario; exclude it, or choose another optimize.objective", p.Set.Names[i])}
		}
		s.shares[i] /= total
		s.w[i] = s.shares[i] / u
	}
	for _, level := range p.levels() {
		l := &layer{Level: level, tail: newTail(p.Set, level.Alpha), q: make([]float64, m), side: make([]int8, m)}
		if l.share = l.size; p.Set.Prob == nil {
			l.share /= float64(m)
		}
		l.whole = l.share > 1-wholeTol
		s.layers = append(s.layers, l)
	}
	return s, nil
}

// answer scales the iterate to the budget and certifies it.
func (s *budgeting) answer() *budgeted {
	n := len(s.w)
	a := &budgeted{W: make([]float64, n), Contributions: make([]float64, n)}
	sum := 0.0
	for _, x := range s.w {
		sum += x
	}
	for i, x := range s.w {
		a.W[i] = x * (s.Budget / sum)
	}
	losses, scratch := make([]float64, len(s.loss)), make([]float64, len(s.loss))
	lossesOf(s.Set, a.W, losses)
	risk, g := 0.0, make([]float64, n)
	for _, l := range s.layers {
		_, cvar := l.measure(losses, scratch)
		risk += l.Weight * cvar
		q := l.repair(l.q)
		a.Q = append(a.Q, q)
		gradientOf(s.Set, q, g)
		for i, x := range g {
			a.Contributions[i] += l.Weight * a.W[i] * x
		}
	}
	for i, c := range a.Contributions {
		// The logarithm of a ratio near 1, without its cancellation.
		if ratio := c / (s.shares[i] * risk); ratio > 0 {
			a.Gap -= s.shares[i] * math.Log1p((c-s.shares[i]*risk)/(s.shares[i]*risk))
		} else {
			a.Gap = math.Inf(1)
		}
	}
	return a
}

// suspect fails if some long-only portfolio has next to no risk. Only where
// the program was not solved is that worth a search of its own.
func (s *budgeting) suspect(ctx context.Context) error {
	if s.measure() <= zeroRisk*s.size() {
		return s.undefined(s.w)
	}
	n := len(s.w)
	least := &Problem{
		Set: s.Set, Objective: MinCVaR, Alpha: s.Alpha, Spectrum: s.Spectrum,
		Budget: 1, Lower: make([]float64, n), Upper: make([]float64, n), Decimals: s.Decimals,
	}
	for i := range least.Upper {
		least.Upper[i] = 1
	}
	solution, err := Solve(ctx, least)
	if err != nil {
		return err
	}
	kept := s.w
	if s.w = solution.Exact; s.measure() <= zeroRisk*s.size() {
		return s.undefined(s.w)
	}
	s.w = kept
	s.measure()
	return nil
}

// undefined explains that portfolio w has no risk to share, or better that a
// single strategy has none.
func (s *budgeting) undefined(w []float64) error {
	for i := range w {
		for j := range s.loss {
			s.loss[j] = -s.Set.Row(j)[i]
		}
		if s.risk() <= zeroRisk*s.unit[i] {
			w = make([]float64, len(w))
			w[i] = 1
			break
		}
	}
	s.w = w
	risk, sum := s.measure(), 0.0
	order := make([]int, len(w))
	for i, x := range w {
		order[i] = i
		sum += x
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(w[b], w[a]) })
	const most = 4
	what, remedy, rest := "", "some of them", 1.0
	if len(w) == 1 || w[order[0]] > 0.995*sum {
		what, remedy = s.Set.Names[order[0]]+" alone has", s.Set.Names[order[0]]
	} else {
		var parts []string
		for k, i := range order {
			if share := w[i] / sum; k < most && share >= 0.005 {
				parts = append(parts, fmt.Sprintf("%.0f%% %s", 100*share, s.Set.Names[i]))
				rest -= share
			}
		}
		if rest >= 0.005 {
			parts = append(parts, fmt.Sprintf("%.0f%% in others", 100*rest))
		}
		what = list(parts) + " have"
	}
	return &UndefinedError{Message: fmt.Sprintf("the risk budget is undefined: %s a risk of %.3g, which is not positive; "+
		"raise optimize.alpha, exclude %s, or choose another optimize.objective", what, risk/sum, remedy)}
}
