package optimize

import (
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"allocate/scenarios"
)

// TestMinVarianceClosedForm: with a budget alone the weights are C^-1 1 / 1'C^-1 1, for
// equal and for unequal probabilities.
func TestMinVarianceClosedForm(t *testing.T) {
	for _, set := range []*scenarios.Set{oneTruth(2, 7, 3000), weighted(5, oneTruth(2, 7, 3000))} {
		p := problem(t, set, func(o *Options) {
			o.Objective, o.MinWeight, o.MaxWeight, o.Decimals = MinVariance, -10, 10, 9
		})
		s := solve(t, p)
		data := mat.NewDense(set.Len(), 7, set.Returns)
		var prob []float64
		if set.Prob != nil {
			prob = slices.Clone(set.Prob)
			for i := range prob {
				prob[i] *= float64(set.Len())
			}
		}
		var cov, inverse mat.SymDense
		stat.CovarianceMatrix(&cov, data, prob)
		var chol mat.Cholesky
		if !chol.Factorize(&cov) {
			t.Fatal("no factor")
		}
		if err := chol.InverseTo(&inverse); err != nil {
			t.Fatal(err)
		}
		total := mat.Sum(&inverse)
		for i, w := range s.Exact {
			want := 0.0
			for j := range 7 {
				want += inverse.At(i, j) / total
			}
			near(t, "weight", w, want, 1e-8)
		}
		near(t, "standard deviation", s.Risk, math.Sqrt(1/total*float64(set.Len()-1)/float64(set.Len())), 1e-9)
		if s.Status != Optimal || s.Certificate.DualBound > s.Certificate.ExactPrimal+1e-15 {
			t.Errorf("%v, %+v", s.Status, s.Certificate)
		}
	}
}

// TestMinVarianceIsCertified on random problems with every kind of row, distance and cost;
// no admissible mixture with another portfolio has a lower objective.
func TestMinVarianceIsCertified(t *testing.T) {
	solved, worst, seeds := 0, 0.0, uint64(300)
	if testing.Short() {
		seeds = 20
	}
	for seed := range seeds {
		p, kind := randomProblem(seed)
		if p.discrete() || p.Radius > 0 {
			continue
		}
		best, err := Solve(t.Context(), p)
		if err != nil {
			continue
		}
		p.Objective, p.MaxCVaR = MinVariance, 0
		s, err := Solve(t.Context(), p)
		if err != nil {
			t.Fatalf("seed %d (%s): %v", seed, kind, err)
		}
		solved++
		worst = max(worst, s.Certificate.ExactGap)
		if s.Status != Optimal {
			t.Errorf("seed %d (%s): gap %.3g", seed, kind, s.Certificate.ExactGap)
		}
		v, err := NewSolver(p.Set)
		if err != nil {
			t.Fatal(err)
		}
		if !v.allowed(p, s) {
			by, what := p.violation(s.Exact)
			t.Errorf("seed %d (%s): violates %s by %.3g", seed, kind, what, by)
		}
		e := v.prepare(p)
		at := e.outcome(s.Exact).risk
		for _, share := range []float64{1, 0.1, 0.001} {
			w := make([]float64, len(s.Exact))
			for i := range w {
				w[i] = (1-share)*s.Exact[i] + share*best.Exact[i]
			}
			if by, _ := p.violation(w); by < 1e-10 && e.outcome(w).risk < at-1e-9*e.absolute {
				t.Errorf("seed %d (%s): a mixture is better by %.3g", seed, kind, at-e.outcome(w).risk)
			}
		}
	}
	t.Logf("%d problems, largest gap %.2g", solved, worst)
	if solved < int(seeds)/3 {
		t.Errorf("%d problems", solved)
	}
}

// TestMinVarianceWithOptions: costs, a fixed cost, turnover, cash and what is refused.
func TestMinVarianceWithOptions(t *testing.T) {
	set := oneTruth(3, 6, 4000)
	held := Held{}
	for i, name := range set.Names {
		held[name] = []float64{0.5, 0.5, 0, 0, 0, 0}[i]
	}
	decide := func(change func(o *Options)) *Solution {
		t.Helper()
		s := decided(t, set, held, func(o *Options) { o.Objective = MinVariance; change(o) })
		if s.Status != Optimal {
			t.Errorf("%v, gap %.3g", s.Status, s.Certificate.ExactGap)
		}
		return s
	}
	free := decide(func(*Options) {})
	costly := decide(func(o *Options) { o.CostBP = 50 })
	if costly.Cost == 0 || costly.Cost >= 0.005*2*0.5 {
		t.Errorf("with costs of 50 bp %v is paid", costly.Cost)
	}
	if s := decide(func(o *Options) { o.CostBP = 5000 }); s.Cost != 0 {
		t.Errorf("at prohibitive costs %v is traded", s.Cost)
	}
	if s := decide(func(o *Options) { o.FixedBP = 1000 }); s.Method != Hold {
		t.Errorf("at a prohibitive fixed cost: %s", s.Method)
	}
	limit := 0.1
	if s := decide(func(o *Options) { o.MaxTurnover = &limit }); math.Abs(s.Weights[0]+s.Weights[1]-0.9) > 1e-5 {
		t.Errorf("a turnover of %v: %v", limit, s.Weights)
	}
	if s := decide(func(o *Options) { o.Cash = true }); s.Weights[6] != 1 {
		t.Errorf("with cash: %v", s.Weights)
	}
	kept := decide(func(o *Options) { o.Indifference = 2 })
	if x := kept.Indifference; x == nil || x.Turnover >= x.BestTurnover || x.Distance > 2*x.Error+1e-12 || kept.Risk < free.Risk {
		t.Errorf("indifference: %+v", x)
	}
	for key, change := range map[string]func(o *Options){
		"min_position": func(o *Options) { o.MinPosition = 0.1 }, "max_positions": func(o *Options) { o.MaxPositions = 2 }, "robust_radius": func(o *Options) { o.RobustRadius = 0.01 },
	} {
		o := DefaultOptions()
		o.Objective = MinVariance
		change(&o)
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), "optimize."+key) {
			t.Errorf("%s: %v", key, err)
		}
	}
	o := DefaultOptions()
	o.Objective, o.MinWeight = MinVariance, 0.5
	p, err := NewProblem(set, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Solve(t.Context(), p); err == nil || !strings.Contains(err.Error(), "min_weight") {
		t.Errorf("bounds above the budget: %v", err)
	}
	// A strategy without movement has no variance.
	flat := *set
	flat.Returns = slices.Clone(set.Returns)
	for j := range flat.Len() {
		flat.Row(j)[2] = 0.001
	}
	if p, err = NewProblem(&flat, Options{Objective: MinVariance, Alpha: 0.95, Budget: 1, MaxWeight: 1, Decimals: 6, MaxGap: 1e-9, RobustNorm: L1, Nodes: 1}, nil); err != nil {
		t.Fatal(err)
	}
	if s := solve(t, p); s.Weights[2] != 1 || s.Status != Optimal {
		t.Errorf("with a constant return: %v, %v", s.Weights, s.Status)
	}
}

// TestMinVarianceWithoutRisk: the best portfolio is CASH, at a cost, where the standard
// deviation has no slope.
func TestMinVarianceWithoutRisk(t *testing.T) {
	for seed := range uint64(cases(8, 4)) {
		set := oneTruth(seed, 6, 2000)
		held := Held{set.Names[0]: 0.6, set.Names[1]: 0.4}
		for _, cost := range []float64{5, 20, 50, 100, 300} {
			s := decided(t, set, held, func(o *Options) { o.Objective, o.Cash, o.CostBP = MinVariance, true, cost })
			if s.Status != Optimal {
				t.Errorf("seed %d, %v bp: %v, gap %.3g, weights %v", seed, cost, s.Status, s.Certificate.ExactGap, s.Weights)
			}
		}
	}
}
