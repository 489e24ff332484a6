package optimize

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// TestTradeOrHold gives random problems with weights held a fixed cost of a
// rebalance and expects the better of two values that are computed apart: of
// the current weights, from the definitions, and of the problem without the fixed
// cost plus that cost.
func TestTradeOrHold(t *testing.T) {
	held, traded, refused, problems := 0, 0, 0, cases(150, 5)
	for seed := uint64(0); held+traded < problems; seed++ {
		p, kind := randomProblem(seed + 400_000)
		if p.Previous == nil || p.MaxCVaR != 0 {
			continue
		}
		rng := rand.New(rand.NewPCG(seed, 9))
		free, err := Solve(t.Context(), p)
		if err != nil {
			continue
		}
		parts := map[Objective]float64{MinCVaR: 1, MaxReturn: 1, Utility: 1 + p.Aversion}[p.objective()]
		q := copyOf(p)
		q.Fixed = free.Certificate.Scale * math.Pow(10, -3+4*rng.Float64())
		s, err := Solve(t.Context(), q)
		if err != nil {
			t.Errorf("seed %d, %s: %v", seed, kind, err)
			continue
		}
		want, method := free.Certificate.ExactPrimal+parts*q.Fixed, free.Method
		stay, excess := value(p, p.Previous)
		if excess > 1e-9 {
			refused++
		} else if stay < want {
			want, method = stay, "hold"
		}
		near(t, "seed, value", s.Certificate.ExactPrimal, want, 1e-11*max(math.Abs(want), s.Certificate.Scale))
		if s.Method != method || s.Status != Optimal || math.Abs(s.Certificate.ExactGap) > 1e-9 {
			t.Errorf("seed %d, %s: %v by %s with gap %g, expected %s", seed, kind, s.Status, s.Method, s.Certificate.ExactGap, method)
		}
		if s.Method == "hold" {
			held++
			if d := distance(s.Weights, p.Previous); d > 1e-6*float64(len(p.Previous)) {
				t.Errorf("seed %d: held weights are %g away", seed, d)
			}
		} else {
			traded++
			near(t, "seed, cost", s.Cost-p.cost(s.Weights), q.Fixed, 1e-15)
		}
	}
	t.Logf("%d held, %d traded, %d of them because what was held is not admissible", held, traded, refused)
	if held < problems/5 || traded < problems/5 || refused < problems/30 {
		t.Error("the suite has lost its mixture")
	}
}

// TestFixedCostInLimitsAndRatios counts the fixed cost as the loss that it is.
func TestFixedCostInLimitsAndRatios(t *testing.T) {
	set := factorSet(4, 5, 800)
	with := func(fixed float64, change func(*Problem)) (*Solution, error) {
		p := problem(t, set, func(o *Options) { o.MaxWeight = 0.6 })
		p.Previous, p.Fixed = fill(5, 0.2), fixed
		change(p)
		return Solve(t.Context(), p)
	}
	least, err := with(0, func(*Problem) {})
	if err != nil {
		t.Fatal(err)
	}
	limit := least.Certificate.ExactPrimal + 0.001
	bold := func(p *Problem) { p.Objective, p.MaxCVaR = MaxReturn, limit }
	none := new(InfeasibleError)
	if _, err := with(0.002, bold); !errors.As(err, &none) {
		t.Errorf("a fixed cost above the room of the limit: %v", err)
	}
	s, err := with(0.0005, bold)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "risk with its cost", s.CVaR+s.Cost, limit, 1e-5)

	ratio := func(p *Problem) { p.Objective = MaxRatio }
	of := func(w []float64, cost float64) float64 {
		r, err := Evaluate(set, w, 0.95)
		if err != nil {
			t.Fatal(err)
		}
		mean := -cost
		for i, m := range set.Mean() {
			mean += m * w[i]
		}
		return mean / (r.CVaR + cost)
	}
	best := math.Inf(-1)
	for _, fixed := range []float64{1e-5, 1e-4, 1e-3, 1e-2} {
		s, err := with(fixed, ratio)
		if err != nil {
			t.Fatal(err)
		}
		if s.Method == "hold" {
			fixed = 0
		}
		got, stay := of(s.Exact, fixed), of(fill(5, 0.2), 0)
		best = max(best, got)
		if got < stay-1e-12 || s.Status != Optimal {
			t.Errorf("ratio %v by %s, below %v of the current weights", got, s.Method, stay)
		}
	}
	if stay := of(fill(5, 0.2), 0); !(best > stay) {
		t.Errorf("no cost was worth a trade: %v", best)
	}
	if s, err := with(0.01, ratio); err != nil || s.Method != "hold" {
		t.Errorf("a cost of 1%% of capital is not worth a trade, but: %v", err)
	}
}

// TestAbsentStrategiesAreSold: positions in strategies that are gone have to be sold, so
// that the fixed cost is paid in any case.
func TestAbsentStrategiesAreSold(t *testing.T) {
	set := factorSet(4, 3, 400)
	o := DefaultOptions()
	o.MaxWeight, o.FixedBP = 1, 500
	held := Held{set.Names[0]: 0.4, set.Names[1]: 0.3, set.Names[2]: 0.3}
	for _, gone := range []bool{false, true} {
		if gone {
			held["gone"] = 0.1
		}
		p, err := NewProblem(set, o, held)
		if err != nil {
			t.Fatal(err)
		}
		s := solve(t, p)
		if want := !gone; (s.Method == "hold") != want {
			t.Errorf("gone %v: %s", gone, s.Method)
		}
		if gone {
			near(t, "cost", s.Cost, 0.05, 1e-15)
		}
	}
}
