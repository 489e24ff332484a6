package optimize

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"allocate/scenarios"
)

// TestProperties holds problems of all kinds to what is true of CVaR whatever
// the numbers are (Artzner et al. 1999; Rockafellar and Uryasev 2002): a problem
// and its image under a change that matters in a known way are both without
// admissible weights, or have least values that differ in just that way.
func TestProperties(t *testing.T) {
	for name, change := range map[string]func(p *Problem, rng *rand.Rand) (*Problem, func(value float64) float64){
		"translation": translated, "positive homogeneity": scaled, "order of strategies": reordered,
		"order of scenarios": reshuffled, "scenarios twice": doubled, "a strategy in two halves": halved,
	} {
		t.Run(name, func(t *testing.T) {
			compared := 0
			rapid.Check(t, func(t *rapid.T) {
				seed := rapid.Uint64Range(0, 1<<40).Draw(t, "seed")
				p, kind := randomProblem(seed)
				image, expected := change(p, rand.New(rand.NewPCG(seed, 3)))
				if image == nil {
					return // the change means nothing to a problem of this kind
				}
				compared++
				a, b := leastOf(t, p), leastOf(t, image)
				if (a == nil) != (b == nil) {
					t.Fatalf("%s: admissible weights before: %v; after: %v", kind, a != nil, b != nil)
				}
				if a == nil {
					return
				}
				want, got := expected(a.ExactPrimal), b.ExactPrimal
				if tol := 1e-10 * max(math.Abs(want), math.Abs(expected(a.ExactPrimal+a.Scale)-want)); math.Abs(got-want) > tol {
					t.Errorf("%s: least value %v, expected %v to within %g", kind, got, want, tol)
				}
			})
			if compared < cases(30, 5) { // with -short, rapid makes a fifth of the checks
				t.Errorf("only %d problems were compared", compared)
			}
		})
	}
}

// TestMonotone expects the least CVaR to rise with alpha.
func TestMonotone(t *testing.T) {
	compared := 0
	rapid.Check(t, func(t *rapid.T) {
		p, kind := randomProblem(rapid.Uint64Range(0, 1<<40).Draw(t, "seed"))
		p.Objective, p.Spectrum, p.MaxCVaR = MinCVaR, nil, 0
		low := rapid.Float64Range(0, 0.98).Draw(t, "alpha")
		high := rapid.Float64Range(low, 0.99).Draw(t, "higher alpha")
		p.Alpha = low
		a := leastOf(t, p)
		if a == nil {
			return
		}
		compared++
		p.Alpha = high
		if b := leastOf(t, p); b == nil || b.ExactPrimal < a.ExactPrimal-1e-12*a.Scale {
			t.Errorf("%s: the least CVaR falls from %v at %v to %v at %v", kind, a, low, b, high)
		}
	})
	if compared < cases(30, 5) {
		t.Errorf("only %d problems were compared", compared)
	}
}

// leastOf returns the certificate of a problem's optimum, or nil when no weights
// are admissible.
func leastOf(t *rapid.T, p *Problem) *Certificate {
	s, err := Solve(t.Context(), p)
	if none := new(InfeasibleError); errors.As(err, &none) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	if s.Status != Optimal {
		t.Fatalf("%v with gap %g", s.Status, s.Certificate.ExactGap)
	}
	return &s.Certificate
}

// copyOf copies a problem and all that the changes write to.
func copyOf(p *Problem) *Problem {
	q, set := *p, *p.Set
	set.Names, set.Returns, set.Prob = slices.Clone(set.Names), slices.Clone(set.Returns), slices.Clone(set.Prob)
	q.Set, q.Lower, q.Upper = &set, slices.Clone(p.Lower), slices.Clone(p.Upper)
	q.Mean, q.Previous, q.Cost, q.Borrow = slices.Clone(p.Mean), slices.Clone(p.Previous), slices.Clone(p.Cost), slices.Clone(p.Borrow)
	q.Constraints, q.Distances = slices.Clone(p.Constraints), slices.Clone(p.Distances)
	for k := range q.Constraints {
		q.Constraints[k].Coef = slices.Clone(q.Constraints[k].Coef)
	}
	for k := range q.Distances {
		d := &q.Distances[k]
		d.Weight, d.Center = slices.Clone(d.Weight), slices.Clone(d.Center)
	}
	return &q
}

// translated adds the same return to every strategy in every scenario. Weights
// sum to the budget, so that it moves return and risk of all portfolios alike.
func translated(p *Problem, rng *rand.Rand) (*Problem, func(float64) float64) {
	q, by := copyOf(p), 0.05*rng.NormFloat64()
	for k := range q.Set.Returns {
		q.Set.Returns[k] += by
	}
	for i := range q.Mean {
		q.Mean[i] += by
	}
	for k := range q.Constraints {
		if c := &q.Constraints[k]; c.Name == keyMinReturn {
			for i := range c.Coef {
				c.Coef[i] += by
			}
			c.Lower += by * q.Budget
		}
	}
	if q.MaxCVaR != 0 {
		q.MaxCVaR -= by * q.Budget
	}
	parts := map[Objective]float64{MinCVaR: 1, MaxReturn: 1, Utility: 1 + q.Aversion}[q.objective()]
	return q, func(v float64) float64 { return v - parts*by*q.Budget }
}

// scaled multiplies everything that is a return.
func scaled(p *Problem, rng *rand.Rand) (*Problem, func(float64) float64) {
	q, by := copyOf(p), math.Exp(3*rng.NormFloat64())
	for _, list := range [][]float64{q.Set.Returns, q.Mean, q.Cost, q.Borrow} {
		for k := range list {
			list[k] *= by
		}
	}
	for k := range q.Constraints {
		if c := &q.Constraints[k]; c.Name == keyMinReturn {
			for i := range c.Coef {
				c.Coef[i] *= by
			}
			c.Lower *= by
		}
	}
	q.MaxCVaR *= by
	q.Radius *= by
	return q, func(v float64) float64 { return by * v }
}

// reordered lists the strategies in another order.
func reordered(p *Problem, rng *rand.Rand) (*Problem, func(float64) float64) {
	return columns(p, rng.Perm(len(p.Lower))), same
}

// columns makes a problem whose strategy i is strategy from[i] of p.
func columns(p *Problem, from []int) *Problem {
	q := copyOf(p)
	pick := func(list []float64) []float64 {
		if list == nil {
			return nil
		}
		out := make([]float64, len(from))
		for i, k := range from {
			out[i] = list[k]
		}
		return out
	}
	set := &scenarios.Set{Horizon: p.Set.Horizon, Prob: p.Set.Prob}
	for i, k := range from {
		name := p.Set.Names[k]
		if slices.Contains(from[:i], k) {
			name += " again"
		}
		set.Names = append(set.Names, name)
	}
	for j := range p.Set.Len() {
		set.Returns = append(set.Returns, pick(p.Set.Row(j))...)
	}
	q.Set, q.Lower, q.Upper = set, pick(p.Lower), pick(p.Upper)
	q.Mean, q.Previous, q.Cost, q.Borrow = pick(p.Mean), pick(p.Previous), pick(p.Cost), pick(p.Borrow)
	for k := range q.Constraints {
		q.Constraints[k].Coef = pick(q.Constraints[k].Coef)
	}
	for k := range q.Distances {
		d := &q.Distances[k]
		d.Weight, d.Center = pick(d.Weight), pick(d.Center)
	}
	return q
}

// reshuffled lists the scenarios in another order.
func reshuffled(p *Problem, rng *rand.Rand) (*Problem, func(float64) float64) {
	q := copyOf(p)
	for j, from := range rng.Perm(q.Set.Len()) {
		copy(q.Set.Row(j), p.Set.Row(from))
		if p.Set.Prob != nil {
			q.Set.Prob[j] = p.Set.Prob[from]
		}
	}
	return q, same
}

// doubled has every scenario twice, with unequal parts of its probability.
func doubled(p *Problem, rng *rand.Rand) (*Problem, func(float64) float64) {
	q := copyOf(p)
	q.Set.Returns, q.Set.Prob = slices.Concat(p.Set.Returns, p.Set.Returns), nil
	part := 0.1 + 0.8*rng.Float64()
	for k := range 2 * p.Set.Len() {
		share := part
		if k >= p.Set.Len() {
			share = 1 - part
		}
		q.Set.Prob = append(q.Set.Prob, share*p.Set.Probability(k%p.Set.Len()))
	}
	return q, same
}

// halved offers one strategy as two, each with half of its bounds and of what
// is held of it. Rules on positions count the two, and the largest weight knows
// them apart, so that problems with either mean something else.
func halved(p *Problem, rng *rand.Rand) (*Problem, func(float64) float64) {
	if p.MinPosition > 0 || p.MaxPositions > 0 || p.Radius > 0 && p.Norm != LInf {
		return nil, nil
	}
	n := len(p.Lower)
	from := make([]int, n+1)
	for i := range n {
		from[i] = i
	}
	from[n] = rng.IntN(n)
	q := columns(p, from)
	lists := [][]float64{q.Lower, q.Upper}
	if q.Previous != nil {
		lists = append(lists, q.Previous)
	}
	for k := range q.Distances {
		lists = append(lists, q.Distances[k].Center)
	}
	for _, list := range lists {
		list[n] /= 2
		list[from[n]] = list[n]
	}
	return q, same
}

func same(v float64) float64 { return v }
