package optimize

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"allocate/returns"
	"allocate/scenarios"
)

// TestRandomPrograms certifies answers on programs that are meant to hurt:
// few and many scenarios, duplicate strategies and scenarios, returns on a
// grid, returns that are mostly zero, long-short books, rows that bind.
func TestRandomPrograms(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 4))
	solved, infeasible := 0, 0
	problems := cases(250, 5)
	for k := range problems {
		n, m := 1+rng.IntN(35), 1+rng.IntN(4000)
		if rng.IntN(5) == 0 {
			m = 1 + rng.IntN(30)
		}
		set := factorSet(uint64(k), n, m)
		kind := []string{"plain", "weighted", "grid", "duplicates", "signs", "sparse", "tiny"}[rng.IntN(7)]
		for c := range set.Returns {
			r := &set.Returns[c]
			switch i, j := c%n, c/n; kind {
			case "grid":
				*r = math.Trunc(*r*50) / 50
			case "duplicates":
				if i == 1 {
					*r = set.Returns[c-1]
				}
				if j%2 == 1 {
					*r = set.Returns[c-n]
				}
			case "signs":
				*r = float64(rng.IntN(3)-1) / 10
			case "sparse":
				if rng.IntN(10) > 0 {
					*r = 0
				}
			case "tiny":
				*r *= 1e-9
			}
		}
		if kind == "weighted" {
			set = weighted(uint64(k), set)
		}
		floor := 0.05 * (rng.Float64() - 0.3)
		p := problem(t, set, func(o *Options) {
			o.Alpha = []float64{0, 0.5, 0.9, 0.95, 0.99, 0.999}[rng.IntN(6)]
			o.MaxWeight = []float64{0.1, 0.2, 0.5, 1}[rng.IntN(4)]
			o.Cash = rng.IntN(4) == 0
			switch rng.IntN(6) {
			case 0:
				o.MinWeight, o.MaxWeight, o.Budget = -3, 3, float64(rng.IntN(2))
			case 1:
				o.MinWeight = -0.1
			}
			if rng.IntN(3) == 0 {
				o.MinAnnualReturn = &floor
			}
		})
		for r := range rng.IntN(3) {
			c := Constraint{Name: fmt.Sprint("row ", r), Coef: make([]float64, len(p.Lower)), Lower: math.Inf(-1), Upper: math.Inf(1)}
			for i := range c.Coef {
				c.Coef[i] = float64(rng.IntN(3))
			}
			c.Upper = rng.Float64()
			if rng.IntN(2) == 0 {
				c.Lower = c.Upper
			}
			p.Constraints = append(p.Constraints, c)
		}
		s, err := Solve(t.Context(), p)
		if conflict := new(InfeasibleError); errors.As(err, &conflict) {
			infeasible++
			continue
		}
		if err != nil {
			t.Fatalf("%s %d: %v", kind, k, err)
		}
		solved++
		if g := s.Certificate.ExactGap; s.Status != Optimal || math.Abs(g) > 1e-10 {
			t.Errorf("%s %d (%d x %d, alpha %v): %v with gap %g after %d pivots", kind, k, n, m, p.Alpha, s.Status, g, s.Iterations)
		}
		if by, name := p.violation(s.Exact); by > 1e-9 {
			t.Errorf("%s %d: %s violated by %g", kind, k, name, by)
		}
	}
	if solved < problems*2/5 || infeasible < problems*2/25 {
		t.Errorf("%d solved and %d infeasible: the suite has lost its mixture", solved, infeasible)
	}
}

// TestVertex expects the defining property of the answer: as many bounds,
// rows and scenario ties as there are unknowns.
func TestVertex(t *testing.T) {
	p := problem(t, factorSet(7, 20, 5000), nil)
	s := solve(t, p)
	near(t, "exact gap", s.Certificate.ExactGap, 0, 1e-13)
	if c := s.Certificate; c.MaxViolation != 0 || c.Violated != "" || c.Gap < c.ExactGap || c.Gap > 1e-4 {
		t.Errorf("exported weights: %+v", c)
	}
	losses := make([]float64, p.Set.Len())
	lossesOf(p.Set, s.Exact, losses)
	r, err := Evaluate(p.Set, s.Exact, p.Alpha)
	if err != nil {
		t.Fatal(err)
	}
	active := 1 // the budget
	for i, w := range s.Exact {
		if w == p.Lower[i] || w == p.Upper[i] {
			active++
		}
	}
	for _, l := range losses {
		if math.Abs(l-r.VaR) < 1e-14 {
			active++
		}
	}
	if active < len(s.Exact)+1 {
		t.Errorf("%d hyperplanes meet at the answer; a vertex needs %d", active, len(s.Exact)+1)
	}
}

// TestTwoStrategies compares with a scan of the only free weight.
func TestTwoStrategies(t *testing.T) {
	for seed := range uint64(cases(20, 5)) {
		set := factorSet(seed, 2, 300)
		p := problem(t, set, func(o *Options) { o.MaxWeight = 1 })
		s := solve(t, p)
		for k := range 1001 {
			x := float64(k) / 1000
			r, err := Evaluate(set, []float64{x, 1 - x}, p.Alpha)
			if err != nil {
				t.Fatal(err)
			}
			if r.CVaR < s.Certificate.DualBound-1e-15 || r.CVaR < s.Certificate.ExactPrimal-1e-15 {
				t.Fatalf("seed %d: weight %v has CVaR %v, below the optimum %v", seed, x, r.CVaR, s.Certificate.ExactPrimal)
			}
		}
	}
}

func TestInvariances(t *testing.T) {
	const n, m = 12, 1500
	set := factorSet(5, n, m)
	least := func(set *scenarios.Set, change func(*Options)) (float64, []float64) {
		s := solve(t, problem(t, set, change))
		return s.Certificate.ExactPrimal, s.Exact
	}
	want, w := least(set, nil)
	mapped := func(f func(float64) float64) *scenarios.Set {
		out := *set
		out.Returns = make([]float64, n*m)
		for k, r := range set.Returns {
			out.Returns[k] = f(r)
		}
		return &out
	}

	got, _ := least(mapped(func(r float64) float64 { return r + 0.01 }), nil)
	near(t, "translation", got, want-0.01, 1e-14)
	got, _ = least(mapped(func(r float64) float64 { return 100 * r }), nil)
	near(t, "homogeneity", got, 100*want, 1e-11)

	rng := rand.New(rand.NewPCG(1, 1))
	shuffled, columns := mapped(func(r float64) float64 { return r }), rng.Perm(n)
	for j, from := range rng.Perm(m) {
		for i, c := range columns {
			shuffled.Row(j)[i] = set.Row(from)[c]
		}
	}
	got, v := least(shuffled, nil)
	near(t, "permutation", got, want, 1e-15)
	for i, c := range columns {
		near(t, "permuted weight", v[i], w[c], 1e-11)
	}

	// Every scenario twice, with halves of its probability in unequal parts.
	twice := *set
	twice.Returns = append(append([]float64{}, set.Returns...), set.Returns...)
	got, _ = least(&twice, nil)
	near(t, "duplication", got, want, 1e-14)
	twice.Prob = append(fill(m, 0.25/m), fill(m, 0.75/m)...)
	got, _ = least(&twice, nil)
	near(t, "duplication with weights", got, want, 1e-13)

	// A strategy that is offered in two halves, each up to half its bound.
	split := &scenarios.Set{Horizon: set.Horizon, Names: append(append([]string{}, set.Names...), "half")}
	for j := range m {
		split.Returns = append(append(split.Returns, set.Row(j)...), set.Row(j)[3])
	}
	halves := problem(t, split, nil)
	halves.Upper[3], halves.Upper[n] = halves.Upper[3]/2, halves.Upper[3]/2
	parts := solve(t, halves)
	near(t, "splitting", parts.Certificate.ExactPrimal, want, 1e-15)
	near(t, "halves", parts.Exact[3]+parts.Exact[n], w[3], 1e-11)
	near(t, "equal halves", parts.Exact[3], parts.Exact[n], 1e-12)

	previous := math.Inf(-1)
	for _, alpha := range []float64{0, 0.5, 0.8, 0.9, 0.95, 0.99, 0.999} {
		got, _ = least(set, func(o *Options) { o.Alpha = alpha })
		if got < previous {
			t.Errorf("least CVaR falls from %v to %v at alpha %v", previous, got, alpha)
		}
		previous = got
	}
}

// TestBytes expects the same bytes from every run and every GOMAXPROCS, and
// an exact round trip through JSON.
func TestBytes(t *testing.T) {
	p := problem(t, factorSet(3, 29, 4000), func(o *Options) { o.MinWeight = -0.05; o.Cash = true })
	first, err := json.Marshal(solve(t, p))
	if err != nil {
		t.Fatal(err)
	}
	procs := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(procs)
	for _, k := range []int{1, 2, 8} {
		runtime.GOMAXPROCS(k)
		if again, _ := json.Marshal(solve(t, p)); string(again) != string(first) {
			t.Errorf("GOMAXPROCS %d changes the answer", k)
		}
	}
	var back Solution
	if err := json.Unmarshal(first, &back); err != nil {
		t.Fatal(err)
	}
	if s := solve(t, p); !reflect.DeepEqual(*s, back) {
		t.Error("the solution does not survive JSON")
	}
	if strings.Contains(string(first), "-0,") || strings.Contains(string(first), "-0]") {
		t.Error("a zero has a sign")
	}
}

func TestCash(t *testing.T) {
	set := factorSet(2, 3, 500)
	for k := range set.Returns {
		set.Returns[k] -= 0.05 // nothing is worth holding
	}
	s := solve(t, problem(t, set, func(o *Options) { o.Cash = true; o.MaxWeight = 1 }))
	if want := []float64{0, 0, 0, 1}; !reflect.DeepEqual(s.Weights, want) || s.Names[3] != Cash {
		t.Errorf("weights %v of %v, want all in CASH", s.Weights, s.Names)
	}
	near(t, "CVaR of cash", s.CVaR, 0, 0)
	if len(set.Names) != 3 {
		t.Error("the caller's set was changed")
	}
}

// TestBorrowingAndCashAreOptimized pays for a short position and earns on cash as simple sums
// say: both are part of what is optimized, not only of what is simulated.
func TestBorrowingAndCashAreOptimized(t *testing.T) {
	const year = 21. / 252
	set := factorSet(2, 2, 40)
	for j := range set.Len() {
		copy(set.Row(j), []float64{0.02, 0.012})
	}
	pair := func(borrow float64) *Solution {
		return solve(t, problem(t, set, func(o *Options) {
			o.Objective, o.Budget, o.MinWeight, o.MaxWeight, o.BorrowBP = MaxReturn, 0, -1, 1, borrow
		}))
	}
	s := pair(600)
	near(t, "short", s.Weights[1], -1, 0)
	near(t, "borrowing", s.Cost, 0.06*year, 1e-15)
	near(t, "net return", -s.Certificate.Primal, 0.02-0.012-0.06*year, 1e-15)
	if s = pair(1200); s.Weights[1] != 0 { // dearer than the spread of 0.008
		t.Errorf("weights %v, although borrowing costs more than the pair earns", s.Weights)
	}

	s = solve(t, problem(t, factorSet(2, 3, 500), func(o *Options) { o.Cash, o.CashReturn, o.MaxWeight = true, 0.05, 0 }))
	near(t, "return of cash", s.Mean, math.Pow(1.05, year)-1, 1e-15)
	near(t, "CVaR of cash", s.CVaR, 1-math.Pow(1.05, year), 1e-15)
}

// TestShadowPrices moves each binding side by a little and watches the CVaR.
func TestShadowPrices(t *testing.T) {
	floor := 0.08
	p := problem(t, factorSet(9, 10, 2000), func(o *Options) { o.MinAnnualReturn = &floor; o.Decimals = 12 })
	s := solve(t, p)
	rows := 0
	for _, price := range s.ShadowPrices {
		const h = 1e-8
		q := *p
		q.Constraints = append([]Constraint{}, p.Constraints...)
		q.Lower, q.Upper = append([]float64{}, p.Lower...), append([]float64{}, p.Upper...)
		switch i := indexOf(p.Set.Names, price.Name); {
		case price.Name == keyBudget:
			q.Budget += h
			rows++
		case price.Name == keyMinReturn:
			q.Constraints[0].Lower += h
			rows++
		case price.Side == "lower":
			q.Lower[i] += h
		default:
			q.Upper[i] += h
		}
		moved := solve(t, &q)
		near(t, price.Name, (moved.Certificate.ExactPrimal-s.Certificate.ExactPrimal)/h, price.Price, 1e-6)
	}
	if rows != 2 {
		t.Errorf("prices %v; expected the budget and the floor to bind", s.ShadowPrices)
	}
}

func indexOf(names []string, name string) int {
	for i, n := range names {
		if n == name {
			return i
		}
	}
	return -1
}

func TestFindings(t *testing.T) {
	codes := func(p *Problem) (out []string) {
		for _, f := range solve(t, p).Findings {
			out = append(out, f.Severity.String()+" "+f.Code)
		}
		return out
	}
	if got := codes(problem(t, factorSet(1, 5, 1000), nil)); got != nil {
		t.Errorf("50 tail scenarios for 5 strategies: %v, want none", got)
	}
	thin := codes(problem(t, factorSet(1, 5, 980), func(o *Options) { o.Cash = true }))
	if want := []string{returns.Warn.String() + " optimize.tail_thin"}; !reflect.DeepEqual(thin, want) {
		t.Errorf("49 tail scenarios for 5 strategies: %v, want %v", thin, want)
	}
	strict := problem(t, factorSet(1, 5, 1000), nil)
	strict.MaxGap = 1e-300
	if s := solve(t, strict); (s.Status == Inaccurate) != (s.Certificate.ExactGap > 1e-300) {
		t.Errorf("status %v with gap %g", s.Status, s.Certificate.ExactGap)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Solve(ctx, problem(t, factorSet(1, 20, 1000), nil)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestSolveRefuses(t *testing.T) {
	p := problem(t, factorSet(1, 3, 50), func(o *Options) { o.MaxWeight = 1 })
	p.Alpha, p.Lower[1], p.Upper[2] = 1, math.NaN(), math.Inf(1)
	p.Constraints = []Constraint{{Name: "short", Coef: []float64{1}, Lower: 2, Upper: 1}}
	_, err := Solve(t.Context(), p)
	for _, part := range []string{"alpha 1", `of "sab"`, `of "sac"`, "1 numbers for 3 strategies", "[2, 1]"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v does not mention %s", err, part)
		}
	}
	p = problem(t, factorSet(1, 3, 50), func(o *Options) { o.MaxWeight = 1 })
	p.Set.Returns[4] = math.NaN()
	if _, err := Solve(t.Context(), p); err == nil || !strings.Contains(err.Error(), "scenario 1") {
		t.Errorf("NaN in scenario 1: %v", err)
	}
}

func ExampleSolve() {
	set := &scenarios.Set{
		Horizon: 21,
		Names:   []string{"carry", "trend"},
		Returns: []float64{-0.04, 0.03, -0.02, 0.01, 0.01, -0.01, 0.02, 0, 0.03, -0.02},
	}
	o := DefaultOptions()
	o.Alpha = 0.8 // the worst of five
	p, err := NewProblem(set, o, nil)
	if err != nil {
		panic(err)
	}
	s, err := Solve(context.Background(), p)
	if err != nil {
		panic(err)
	}
	fmt.Println(s.Status, s.Weights)
	fmt.Printf("CVaR %.6f, no portfolio below %.6f\n", s.CVaR, s.Certificate.DualBound)
	// Output:
	// optimal [0.4 0.6]
	// CVaR 0.002000, no portfolio below 0.002000
}
