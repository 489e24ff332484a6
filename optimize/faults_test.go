package optimize

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"allocate/scenarios"
)

// fault is a problem of ../shared/reference/optimize_faults: options as in the
// configuration, scenarios, and the weights held.
type fault struct {
	Options     map[string]any
	Names       []string
	Returns     [][]float64
	Horizon     int
	Held        Held
	TrueOptimum float64 `json:"true_optimum"`
}

// faulty reads a problem that was once decided wrong.
func faulty(t *testing.T, name string) (*Problem, Options, *fault) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "shared", "reference", "optimize_faults", name+".json"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("the reference data is not here")
	}
	if err != nil {
		t.Fatal(err)
	}
	var f fault
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	o := DefaultOptions()
	text, err := json.Marshal(f.Options)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&o); err != nil {
		t.Fatal(err)
	}
	set := &scenarios.Set{Names: f.Names, Horizon: f.Horizon}
	for _, row := range f.Returns {
		set.Returns = append(set.Returns, row...)
	}
	p, err := NewProblem(set, o, f.Held)
	if err != nil {
		t.Fatal(err)
	}
	return p, o, &f
}

// positions counts weights that are not 0.
func positions(w []float64) (count int) {
	for _, x := range w {
		if x != 0 {
			count++
		}
	}
	return count
}

// TestIncumbentIsKept: a search over positions that stops early ends with its
// best portfolio, not with previous weights that break its rules.
func TestIncumbentIsKept(t *testing.T) {
	p, o, _ := faulty(t, "decide_drops_incumbent")
	all := *p
	all.Nodes = 0
	optimum := solve(t, &all)
	s, err := Decide(t.Context(), p, o)
	if err != nil {
		t.Fatal(err)
	}
	if s.Status != Fallback || s.Method != "branch" || positions(s.Weights) > 6 || s.Certificate.Violated != "" {
		t.Errorf("%v by %s with %d positions, violated: %q", s.Status, s.Method, positions(s.Weights), s.Certificate.Violated)
	}
	c := s.Certificate
	if c.DualBound > optimum.Certificate.ExactPrimal+1e-14 || !(c.ExactGap > 0) || c.ExactPrimal > 0.0362 {
		t.Errorf("value %v, bound %v, optimum %v", c.ExactPrimal, c.DualBound, optimum.Certificate.ExactPrimal)
	}
	near(t, "gap", c.ExactGap, (c.ExactPrimal-c.DualBound)/max(c.ExactPrimal, c.Scale), 1e-15)

	o.Fallback = false
	if s, err = Decide(t.Context(), p, o); err != nil || s.Status != Inaccurate || s.Method != "branch" {
		t.Errorf("without fallbacks: %v, %v", err, s)
	}

	// Previous weights that are many more positions are no fallback either.
	v, err := NewSolver(p.Set)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := fallBack(t.Context(), v, p, nil, errors.New("arithmetic"), fallbacks); err == nil {
		t.Errorf("%d positions by %s", positions(s.Weights), s.Method)
	}
}

// countdown is a context whose deadline passes after so many looks at it, the
// same on every machine.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		return context.DeadlineExceeded
	}
	return nil
}

// TestDeadlineEndsWithTheIncumbent stops a search by a deadline.
func TestDeadlineEndsWithTheIncumbent(t *testing.T) {
	p, o, _ := faulty(t, "decide_drops_incumbent")
	p.Nodes = 1 << 30
	p.MaxGap = 1e-300 // never ends by itself
	for _, looks := range []int{1000, 2000, 5000} {
		s, err := Decide(&countdown{t.Context(), looks}, p, o)
		if err != nil {
			t.Fatalf("after %d looks: %v", looks, err)
		}
		if s.Status != Fallback || s.Method != "branch" || positions(s.Weights) > 6 || !(s.Certificate.DualBound <= s.Certificate.ExactPrimal) {
			t.Errorf("%v by %s with %d positions: %+v", s.Status, s.Method, positions(s.Weights), s.Certificate)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Decide(ctx, p, o); !errors.Is(err, context.Canceled) {
		t.Errorf("an interrupted search: %v", err)
	}
}

// TestBoundIncludesPrunedParts: parts that are not worth a search at a wide
// max_gap are still in the bound.
func TestBoundIncludesPrunedParts(t *testing.T) {
	p, _, f := faulty(t, "branch_false_bound")
	for _, gap := range []float64{1e-9, 0.003, 0.01, 0.03, 0.1, 0.3} {
		p.MaxGap = gap
		c := solve(t, p).Certificate
		if c.DualBound > f.TrueOptimum+1e-13 || c.ExactPrimal < f.TrueOptimum-1e-13 {
			t.Errorf("max_gap %v: the optimum %v is not within [%v, %v]", gap, f.TrueOptimum, c.DualBound, c.ExactPrimal)
		}
		if real := (c.ExactPrimal - f.TrueOptimum) / max(c.ExactPrimal, c.Scale); c.ExactGap < real-1e-12 || c.ExactGap > gap {
			t.Errorf("max_gap %v: gap %v claimed, %v real", gap, c.ExactGap, real)
		}
	}
}

// TestBoundsWithWideGaps compares the bounds of searches that stop early for
// both reasons with enumeration.
func TestBoundsWithWideGaps(t *testing.T) {
	wide := 0
	for k := range uint64(cases(60, 4)) {
		p := problem(t, factorSet(k, 6, 80), func(o *Options) {
			o.MaxWeight, o.MaxPositions, o.MinPosition = 0.6, 3, 0.05*float64(k%3)
			if k%4 == 0 {
				o.MinWeight = -0.2
			}
		})
		p.MaxGap, p.Nodes = []float64{0.02, 0.1, 0.5}[k%3], []int{2, 5, 2000}[k%3]
		best, _ := enumerate(t, p)
		s, err := Solve(t.Context(), p)
		if err != nil {
			t.Errorf("%d: %v", k, err)
			continue
		}
		c := s.Certificate
		if c.DualBound > best+1e-13 || c.ExactPrimal < best-1e-13 {
			t.Errorf("%d: the optimum %v is not within [%v, %v]", k, best, c.DualBound, c.ExactPrimal)
		}
		if c.ExactPrimal > best+1e-9 {
			wide++
		}
	}
	if wide < cases(5, 4) {
		t.Errorf("only %d searches ended before the optimum", wide)
	}
}

// TestRobustRadiusExcludesCash: a Wasserstein ball moves no return of CASH.
func TestRobustRadiusExcludesCash(t *testing.T) {
	for _, norm := range []Norm{L1, LInf} {
		p, _, _ := faulty(t, "robust_cash")
		p.Norm = norm
		s := solve(t, p)
		if s.Weights[len(s.Weights)-1] != 1 || s.CVaR != 0 || math.Abs(s.Certificate.ExactPrimal) > 1e-15 || s.Status != Optimal {
			t.Errorf("%s: %v with CVaR %v, %+v", norm, s.Weights, s.CVaR, s.Certificate)
		}
		b, err := p.bundle(t.Context(), 1e-9, 500)
		if err != nil || math.Abs(b.Value) > 1e-9 {
			t.Errorf("%s: the bundle method: %v, %+v", norm, err, b)
		}
	}
}

// TestUnattainableRiskLimit: a limit on the risk that no portfolio keeps is to blame,
// not the rules on positions.
func TestUnattainableRiskLimit(t *testing.T) {
	p, o, _ := faulty(t, "max_cvar_with_positions_false_explanation")
	_, err := Solve(t.Context(), p)
	none := new(InfeasibleError)
	if !errors.As(err, &none) || len(none.Conflict) != 1 || none.Conflict[0] != keyMaxCVaR {
		t.Fatalf("got %v", err)
	}
	least := *p
	least.Objective, least.MaxCVaR, least.MaxPositions = MinCVaR, 0, 0
	want := solve(t, &least).Certificate.ExactPrimal
	_, text := inward(want, true)
	if !strings.Contains(err.Error(), "below the minimum achievable, "+text+" (") {
		t.Errorf("%v does not say %v", err, text)
	}
	if !follow(t, none.Advice[0], &o) {
		t.Fatalf("nothing to follow in %v", err)
	}
	q, err := NewProblem(p.Set, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	solve(t, q)
}

// TestHoldMaximizesRatio: where no trade pays its fixed cost, the previous weights
// have the highest ratio.
func TestHoldMaximizesRatio(t *testing.T) {
	p, _, _ := faulty(t, "max_ratio_fixed_cost_hold")
	s := solve(t, p)
	if s.Method != Hold || s.Status != Optimal || s.Weights[0] != 1 || !(s.Mean > 0) || math.Abs(s.Certificate.ExactPrimal) > 1e-15 {
		t.Errorf("%v by %s: %v, %+v", s.Status, s.Method, s.Weights, s.Certificate)
	}
}

// TestReturnNetOfCosts: the floor on the annual return holds after the costs of
// trading, of borrowing and of the rebalance, and where it cannot the sentence
// says what can.
func TestReturnNetOfCosts(t *testing.T) {
	set := factorSet(3, 5, 300)
	o := DefaultOptions()
	o.MinWeight, o.MaxWeight, o.CostBP, o.FixedBP, o.BorrowBP = -0.3, 0.8, 80, 20, 300
	held := Held{set.Names[0]: 0.7, set.Names[1]: 0.3}
	for _, floor := range []float64{0.01, 0.05, 0.08, 0.12} {
		o.MinAnnualReturn = &floor
		p, err := NewProblem(set, o, held)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Solve(t.Context(), p)
		if none := new(InfeasibleError); errors.As(err, &none) {
			changed := o
			if !follow(t, none.Advice[0], &changed) {
				t.Fatalf("nothing to follow in %v", err)
			}
			if p, err = NewProblem(set, changed, held); err != nil {
				t.Fatal(err)
			}
			s, floor = solve(t, p), *changed.MinAnnualReturn
		} else if err != nil {
			t.Fatal(err)
		}
		net, cost := 0.0, 0.0
		for i, m := range set.Mean() {
			net += m * s.Exact[i]
			cost += 0.008*math.Abs(s.Exact[i]-held[set.Names[i]]) + 0.03*21/252*max(0, -s.Exact[i])
		}
		if s.Method != Hold {
			cost += 0.002
		}
		if annual := math.Pow(1+net-cost, 252.0/21) - 1; annual < floor-1e-9 {
			t.Errorf("floor %v: %v net of costs by %s", floor, annual, s.Method)
		}
		// Nothing cheaper keeps it: the bundle method agrees on the least risk.
		b, err := p.trading().bundle(t.Context(), 1e-7, 2000)
		if err != nil || s.Method != Hold && math.Abs(b.Value-s.Certificate.ExactPrimal) > 1e-6*b.Value {
			t.Errorf("floor %v: %v, %v, the bundle method has %v", floor, err, s.Certificate.ExactPrimal, b.Value)
		}
	}
}

// TestRiskMatchesMaxCVaR: Risk is the number that max_cvar limits, and for a
// budget of a spectrum the contributions sum to the risk that was budgeted.
func TestRiskMatchesMaxCVaR(t *testing.T) {
	set := factorSet(2, 5, 400)
	o := DefaultOptions()
	limit := 0.09
	o.Objective, o.MaxCVaR, o.CostBP, o.MaxWeight = MaxReturn, &limit, 50, 0.6
	o.Spectrum = []Level{{0.9, 0.5}, {0.98, 0.5}}
	p, err := NewProblem(set, o, Held{set.Names[0]: 1})
	if err != nil {
		t.Fatal(err)
	}
	s := solve(t, p)
	want := s.Cost
	for _, l := range o.Spectrum {
		r, err := Evaluate(set, s.Weights, l.Alpha)
		if err != nil {
			t.Fatal(err)
		}
		want += l.Weight * r.CVaR
	}
	near(t, "risk", s.Risk, want, 1e-14)
	near(t, "limit", s.Risk, limit, 1e-5)

	o.Objective, o.MaxCVaR, o.CostBP, o.MaxWeight = RiskBudget, nil, 0, 1
	if p, err = NewProblem(set, o, nil); err != nil {
		t.Fatal(err)
	}
	s = solve(t, p)
	sum := 0.0
	for _, c := range s.Contributions {
		sum += c
		near(t, "share", c/s.Risk, 0.2, 1e-4)
	}
	near(t, "sum of contributions", sum, s.Risk, 1e-14)
}

// TestEmptyPortfolioIsReported: a net-zero budget whose best answer holds nothing says so.
func TestEmptyPortfolioIsReported(t *testing.T) {
	p := problem(t, factorSet(2, 4, 400), func(o *Options) { o.Budget, o.MinWeight = 0, -0.5 })
	s := solve(t, p)
	if positions(s.Weights) != 0 || len(s.Findings) == 0 || s.Findings[0].Code != "optimize.empty" {
		t.Errorf("%v, %v", s.Weights, s.Findings)
	}
}

// TestDecidedByReducedCosts: a part whose last open strategies reduced costs
// close is the portfolio of what is left, not that of its relaxation.
func TestDecidedByReducedCosts(t *testing.T) {
	p, _ := randomProblem(100_510)
	s := solve(t, p)
	if _, excess := value(p, s.Exact); s.Status != Optimal || excess > 1e-12 {
		t.Errorf("%v with gap %v, a rule is broken by %v", s.Status, s.Certificate.ExactGap, excess)
	}
}

// TestBoundIncludesReducedCostCuts: reduced costs cut portfolios off that are not
// worth finding at a wide max_gap, and the bound counts with them. The seeds
// are those, of 300, where it would else be above the optimum.
func TestBoundIncludesReducedCostCuts(t *testing.T) {
	for seed, gap := range map[uint64]float64{97: 0.1, 122: 0.05, 161: 0.2, 299: 0.05} {
		of := func(gap float64) Certificate {
			p := problem(t, factorSet(seed, 8, 60), func(o *Options) {
				o.MaxWeight, o.MaxPositions, o.MinPosition, o.MaxGap = 0.5, 3, 0.1*float64(seed%3), gap
			})
			return solve(t, p).Certificate
		}
		if best, wide := of(1e-9), of(gap); wide.DualBound > best.ExactPrimal+1e-13 {
			t.Errorf("seed %d, max_gap %v: bound %v is above the optimum %v", seed, gap, wide.DualBound, best.ExactPrimal)
		}
	}
}
