package optimize

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// degenerate makes a random problem of all kinds harder on arithmetic: columns
// that are the same, columns of zeros, fewer scenarios than strategies, returns
// of any size, a floor on the return net of costs. Several of them at once.
func degenerate(seed uint64) (p *Problem, kind string) {
	p, kind = randomProblem(seed)
	rng := rand.New(rand.NewPCG(seed, 161))
	set, n := p.Set, len(p.Set.Names)
	if rng.IntN(3) == 0 {
		kind += ", thin"
		rows := min(max(2, rng.IntN(n+1)), set.Len())
		set.Returns = set.Returns[:rows*n]
		if set.Prob != nil {
			set.Prob = set.Prob[:rows]
			set.Prob[0]++ // some may be 0
			sum := 0.0
			for _, x := range set.Prob {
				sum += x
			}
			for j := range set.Prob {
				set.Prob[j] /= sum
			}
		}
	}
	if rng.IntN(3) == 0 {
		kind += ", duplicates"
		for range 1 + rng.IntN(n) {
			a, b := rng.IntN(n), rng.IntN(n)
			for j := range set.Len() {
				set.Row(j)[b] = set.Row(j)[a]
			}
		}
	}
	if rng.IntN(4) == 0 {
		kind += ", zero column"
		a := rng.IntN(n)
		for j := range set.Len() {
			set.Row(j)[a] = 0
		}
	}
	if rng.IntN(4) == 0 {
		kind += ", same scenario"
		for j := range set.Len() / 2 {
			copy(set.Row(j), set.Row(0))
		}
	}
	for k, c := range p.Constraints {
		if c.Name == keyMinReturn {
			p.Constraints[k].Coef = set.Mean()
			p.Constraints[k].Lower = max(c.Lower, -1)
		}
	}
	if (p.Cost != nil && p.Previous != nil || p.Borrow != nil) && rng.IntN(2) == 0 {
		kind += ", net floor"
		d := Distance{Name: keyMinReturn, Weight: make([]float64, n), Center: make([]float64, n), Coef: make([]float64, n), Short: p.Borrow}
		if p.Cost != nil && p.Previous != nil {
			d.Weight, d.Center = p.Cost, p.Previous
		}
		equal := 0.0
		for i, m := range set.Mean() {
			d.Coef[i] = -m
			equal += m * p.Budget / float64(n)
		}
		d.Limit = -equal + 0.004*rng.NormFloat64()
		p.Distances = append(p.Distances, d)
	}
	if rng.IntN(2) == 0 {
		kind += ", scaled"
		s := math.Pow(10, -8+12*rng.Float64())
		for k := range set.Returns {
			set.Returns[k] *= s
		}
		scale := func(x []float64) {
			for i := range x {
				x[i] *= s
			}
		}
		scale(p.Mean)
		scale(p.Cost)
		scale(p.Borrow)
		p.MaxCVaR, p.Radius = p.MaxCVaR*s, p.Radius*s
		for k, c := range p.Constraints {
			if c.Name == keyMinReturn {
				p.Constraints[k].Coef = set.Mean()
				p.Constraints[k].Lower *= s
			}
		}
		for k, d := range p.Distances {
			if d.Name == keyMinReturn { // its weights are the costs, scaled above
				p.Distances[k].Limit *= s
				scale(d.Coef)
			}
		}
	}
	return p, kind
}

// TestDegenerateSuite: whatever the arithmetic, an answer keeps every limit, its
// bound is below it and within 1e-9, and the bundle method finds nothing below
// the bound. An answer that there is none is shared by the bundle method.
func TestDegenerateSuite(t *testing.T) {
	certified, infeasible, loose := 0, 0, 0
	problems := cases(*suite, 20)
	for seed := range uint64(problems) {
		p, kind := degenerate(seed + 700_000)
		s, err := Solve(t.Context(), p)
		none := new(InfeasibleError)
		switch {
		case errors.As(err, &none):
			infeasible++
			if p.discrete() || strings.Contains(kind, "scaled") {
				continue // the bundle method's rows have absolute tolerances
			}
			if b, failed := p.bundle(t.Context(), 1e-6, 2000); failed == nil && !b.Infeasible {
				t.Errorf("seed %d, %s: %v, but the bundle method has %v", seed, kind, err, b.Value)
			}
			continue
		case err != nil:
			t.Errorf("seed %d, %s: %v", seed, kind, err)
			continue
		}
		certified++
		c := s.Certificate
		scale := max(math.Abs(c.ExactPrimal), c.Scale)
		if s.Status != Optimal || math.Abs(c.ExactGap) > 1e-9 {
			loose++
			t.Errorf("seed %d, %s: %v by %s with gap %g", seed, kind, s.Status, s.Method, c.ExactGap)
		}
		v, excess := value(p, s.Exact)
		if excess > 1e-9*max(1, c.Scale) || math.Abs(v-c.ExactPrimal) > 1e-12*scale {
			t.Errorf("seed %d, %s: value %v, claimed %v; a limit is broken by %g", seed, kind, v, c.ExactPrimal, excess)
		}
		if p.discrete() || strings.Contains(kind, "scaled") {
			continue
		}
		if b, failed := p.bundle(t.Context(), 1e-6, 300); failed == nil && !b.Infeasible && b.Value < c.DualBound-1e-8*scale {
			t.Errorf("seed %d, %s: the bundle method has %v, below the bound %v", seed, kind, b.Value, c.DualBound)
		}
	}
	t.Logf("%d certified, %d infeasible, %d with a wide gap", certified, infeasible, loose)
	if certified < problems/3 {
		t.Error("the suite has lost its mixture")
	}
}

// TestRoundingIsNotUnbounded solves a problem whose scenarios stand twice: on the way,
// multipliers leave a descent of 1e-12 along an edge without an end, which is their
// rounding and not an objective without a bound.
func TestRoundingIsNotUnbounded(t *testing.T) {
	const seed = 0x9b26e
	p, kind := randomProblem(seed)
	image, _ := doubled(p, rand.New(rand.NewPCG(seed, 3)))
	a, err := Solve(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Solve(t.Context(), image)
	if err != nil || b.Status != Optimal {
		t.Fatalf("%s: %v", kind, err)
	}
	if want, got := a.Certificate.ExactPrimal, b.Certificate.ExactPrimal; math.Abs(got-want) > 1e-11 {
		t.Errorf("%s: %v, and %v with every scenario twice", kind, want, got)
	}
}
