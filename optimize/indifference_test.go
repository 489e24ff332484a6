package optimize

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"

	"allocate/scenarios"
)

// TestStandardErrorOfADifference is the deviation of the difference over fresh scenarios.
func TestStandardErrorOfADifference(t *testing.T) {
	const n, m = 5, 4000
	replicates, slack := uint64(300), 0.15
	if testing.Short() {
		replicates, slack = 80, 0.3
	}
	w, w0 := []float64{0.3, 0.3, 0.2, 0.1, 0.1}, fill(n, 0.2)
	var weigh []float64
	for _, x := range []struct {
		name string
		of   func(p *Problem)
	}{
		{"min_cvar", func(*Problem) {}},
		{"spectrum", func(p *Problem) { p.Spectrum = []Level{{0.8, 0.5}, {0.95, 0.5}} }},
		{"utility", func(p *Problem) { p.Objective, p.Aversion = Utility, 0.5 }},
		{"min_variance", func(p *Problem) { p.Objective = MinVariance }},
		{"unequal probabilities", nil},
	} {
		if testing.Short() && x.name != "min_cvar" && x.name != "unequal probabilities" {
			continue
		}
		var differences, errs []float64
		for seed := range replicates {
			set := &scenarios.Set{Horizon: 21, Names: factorSet(1, n, 1).Names}
			rng := rand.New(rand.NewPCG(seed, 3))
			for range m { // one truth
				common := rng.NormFloat64()
				for i := range n {
					set.Returns = append(set.Returns, 0.01*float64(i)*common+(0.02+0.005*float64(i))*rng.NormFloat64())
				}
			}
			if x.of == nil {
				weigh = make([]float64, m)
				for j := range weigh {
					weigh[j] = (0.5 + float64(j%3)/2) / m
				}
				sum := 0.0
				for _, p := range weigh {
					sum += p
				}
				for j := range weigh {
					weigh[j] /= sum
				}
				set.Prob = weigh
			}
			p := &Problem{Set: set, Alpha: 0.95, Budget: 1, Lower: fill(n, 0), Upper: fill(n, 1), Decimals: 6}
			if x.of != nil {
				x.of(p)
			}
			v, err := NewSolver(set)
			if err != nil {
				t.Fatal(err)
			}
			g := v.gauge(p, &Solution{Exact: w0})
			d, se := g.distance(g.engine, w)
			base, _ := g.distance(g.engine, w0)
			differences, errs = append(differences, d-base), append(errs, se)
		}
		sd, mean := stat.StdDev(differences, nil), stat.Mean(errs, nil)
		if ratio := mean / sd; ratio < 1-slack || ratio > 1+slack { // of 300 replicates the deviation has an error of 4%
			t.Errorf("%s: standard error %.3g, deviation over samples %.3g", x.name, mean, sd)
		}
	}
}

// TestIndifference solves random problems with weights held: the decision is admissible and
// certified, no further from the best than the tolerance, and nothing with less turnover is.
func TestIndifference(t *testing.T) {
	n := uint64(150)
	if testing.Short() {
		n = 20
	}
	held, moved, whole := 0, 0, 0
	for seed := range n {
		p, kind := randomProblem(seed)
		if p.discrete() {
			continue
		}
		best := withHeld(t, seed, p)
		if best == nil {
			continue
		}
		q := *p
		q.Indifference = []float64{0.5, 2}[seed%2]
		s, err := Decide(t.Context(), &q, Options{})
		if err != nil {
			t.Fatalf("seed %d (%s): %v", seed, kind, err)
		}
		v, err := NewSolver(p.Set)
		if err != nil {
			t.Fatal(err)
		}
		x := s.Indifference
		if x == nil || s.Status != Optimal || !v.allowed(&q, s) {
			t.Fatalf("seed %d (%s): %v, %+v", seed, kind, s.Status, x)
		}
		g := v.gauge(p, best)
		d, se := g.distance(g.engine, s.Exact)
		scale := g.absolute
		if math.Abs(d-x.Distance) > 1e-9*scale {
			t.Errorf("seed %d (%s): distance %v, %v from the best solved apart", seed, kind, x.Distance, d)
		}
		if d > q.Indifference*se+1e-9*scale {
			t.Errorf("seed %d (%s): distance %v above %v standard errors of %v", seed, kind, d, q.Indifference, se)
		}
		turn, most := p.turnover(s.Exact), p.turnover(best.Exact)
		switch {
		case s.Method == Hold:
			held++
			if turn > 1e-6 {
				t.Errorf("seed %d (%s): holds and trades %v", seed, kind, turn)
			}
			continue
		case turn > most*(1-2*indifferenceTol):
			whole++
		default:
			moved++
		}
		// With less turnover nothing is within the tolerance.
		less := *p
		less.Distances = append(slices.Clone(p.Distances), Distance{Name: "less", Weight: halves(len(p.Lower)), Center: p.Previous, Limit: max(0, turn-3*indifferenceTol*most-0.05*turn)})
		a, err := Solve(t.Context(), &less)
		none := new(InfeasibleError)
		if errors.As(err, &none) {
			continue
		}
		if err != nil {
			t.Fatalf("seed %d (%s): %v", seed, kind, err)
		}
		if d, se := g.distance(g.engine, a.Exact); d < q.Indifference*se*(1-2*indifferenceNear) {
			t.Errorf("seed %d (%s): turnover %v, but with %v the distance is %v of %v standard errors", seed, kind, turn, p.turnover(a.Exact), d, q.Indifference*se)
		}
	}
	t.Logf("%d held, %d moved in part, %d to the best", held, moved, whole)
	if held == 0 && !testing.Short() || moved == 0 {
		t.Errorf("%d held, %d moved in part", held, moved)
	}
}

// TestIndifferenceNotApplicable: on a cold start, at 0 and for risk budgets the decision is
// the best portfolio; the best itself, held, is kept; a ratio has its own distance.
func TestIndifferenceNotApplicable(t *testing.T) {
	set := factorSet(3, 6, 2000)
	decide := func(held Held, change func(o *Options)) *Solution {
		t.Helper()
		return decided(t, set, held, change)
	}
	on := func(o *Options) { o.Indifference = 2 }
	best := decide(nil, func(*Options) {})
	if s := decide(nil, on); s.Indifference != nil || !slices.Equal(s.Weights, best.Weights) {
		t.Errorf("a cold start has %+v", s.Indifference)
	}
	far := Held{}
	for i, name := range set.Names {
		far[name] = []float64{1, 0, 0, 0, 0, 0}[i]
	}
	if s := decide(far, func(*Options) {}); s.Indifference != nil || !slices.Equal(s.Weights, best.Weights) {
		t.Errorf("at 0 it is %+v", s.Indifference)
	}
	if s := decide(far, func(o *Options) { on(o); o.Objective = RiskBudget }); s.Indifference != nil {
		t.Errorf("a risk budget has %+v", s.Indifference)
	}
	kept := Held{}
	for i, name := range set.Names {
		kept[name] = best.Weights[i]
	}
	if s := decide(kept, on); s.Method != Hold || !slices.Equal(s.Weights, best.Weights) || s.Status != Optimal {
		t.Errorf("the best is not kept: %s, %v", s.Method, s.Weights)
	}
	s := decide(far, on)
	if x := s.Indifference; x.Turnover >= x.BestTurnover || x.HeldDistance == nil || *x.HeldDistance <= 2**x.HeldError {
		t.Errorf("from afar %+v", x)
	}
	for _, objective := range []Objective{MaxRatio, Utility, MaxReturn} {
		s := decide(far, func(o *Options) {
			on(o)
			if o.Objective = objective; objective == MaxReturn {
				limit := best.CVaR * 1.1
				o.MaxCVaR = &limit
			}
		})
		if x := s.Indifference; x == nil || s.Status != Optimal || x.Distance > 2*x.Error+1e-9 || x.Turnover > x.BestTurnover+1e-9 {
			t.Errorf("%s: %+v, %v", objective, x, s.Status)
		}
	}
	// Positions: the branch and bound decides each step.
	s = decide(far, func(o *Options) { on(o); o.MaxPositions, o.MinPosition = 3, 0.1 })
	if x := s.Indifference; x == nil || s.Status != Optimal || x.Distance > 2*x.Error+1e-9 {
		t.Errorf("with rules on positions %+v", x)
	}
	// A fixed cost is part of what a trade has to gain.
	s = decide(far, func(o *Options) { on(o); o.FixedBP = 5 })
	if x := s.Indifference; x == nil || s.Status != Optimal {
		t.Errorf("with a fixed cost %+v", x)
	}
}

// TestIndifferenceFollowsVolatilityChange: after one strategy's volatility has doubled, the weights
// make at least 80% of their whole change within 21 nights of fresh scenarios.
func TestIndifferenceFollowsVolatilityChange(t *testing.T) {
	const n = 8
	nights, m, many := 21, 30_000, 300_000
	if testing.Short() {
		nights, m, many = 5, 10_000, 100_000
	}
	after := func(seed uint64, m int, doubled bool) *scenarios.Set {
		set := oneTruth(seed, n, m)
		for j := range set.Len() {
			if doubled {
				set.Row(j)[1] *= 2
			}
		}
		return set
	}
	decide := func(set *scenarios.Set, held []float64, indifference float64) []float64 {
		p := problem(t, set, func(o *Options) { o.MaxWeight = 1 })
		p.Previous, p.Indifference = held, indifference
		s, err := Decide(t.Context(), p, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return s.Exact
	}
	before := decide(after(1, many, false), nil, 0)
	target := decide(after(2, many, true), nil, 0)
	held := before
	for night := range nights {
		held = decide(after(uint64(100+night), m, true), held, 2)
	}
	whole, left := 0.0, 0.0
	for i := range held {
		whole += math.Abs(target[i] - before[i])
		left += math.Abs(target[i] - held[i])
	}
	t.Logf("of a change of %.1f%% of capital %.0f%% is made", 50*whole, 100*(1-left/whole))
	if left > 0.2*whole {
		t.Errorf("of a change of %.1f%% of capital %.0f%% is left", 50*whole, 100*left/whole)
	}
}

// TestIndifferenceKeepsLimits also with few decimals, and leaves what a fixed cost keeps to it.
func TestIndifferenceKeepsLimits(t *testing.T) {
	set := oneTruth(4, 10, 2000)
	held := Held{set.Names[0]: 0.45, set.Names[1]: 0.55}
	for decimals := 1; decimals <= 6; decimals++ {
		s := decided(t, set, held, func(o *Options) { o.MaxWeight, o.Indifference, o.Decimals = 0.5, 50, decimals })
		if s.Method == Hold || s.Exact[1] > 0.5+1e-12 || math.Abs(s.Indifference.Turnover-0.05) > 0.02+math.Pow10(-decimals)*5 {
			t.Errorf("%d decimals: %s, %v, turnover %v", decimals, s.Method, s.Exact, s.Indifference.Turnover)
		}
	}
	// What is sold of a strategy that has left counts.
	left := decided(t, set, Held{set.Names[0]: 0.4, set.Names[1]: 0.3, "gone": 0.3}, func(o *Options) { o.Indifference = 2 })
	traded := 0.3
	for i, w := range left.Weights {
		traded += math.Abs(w - []float64{0.4, 0.3, 0, 0, 0, 0, 0, 0, 0, 0}[i])
	}
	if gone := left.Indifference; gone.HeldDistance != nil || math.Abs(gone.Turnover-traded/2) > 1e-12 || gone.BestTurnover < gone.Turnover {
		t.Errorf("of a strategy that has left: %+v, traded %v", gone, traded/2)
	}
	for _, objective := range []Objective{MinCVaR, MaxRatio} {
		s := decided(t, set, held, func(o *Options) { o.Objective, o.Indifference, o.FixedBP, o.Ranges = objective, 0.01, 900, true })
		if s.Method != Hold || s.Indifference != nil || s.Ranges != nil {
			t.Errorf("%s: %v, %+v, %v", objective, s.Method, s.Indifference, s.Ranges)
		}
	}
}

// A gain is printed with the digits that its standard error needs.
func TestGainDigitsFollowStandardError(t *testing.T) {
	p := &Problem{Indifference: 2}
	for want, x := range map[string]Indifference{
		"by 0.00044% ± 0.00032% of capital": {Distance: 4.4e-6, Error: 3.2e-6},
		"by 0.012% ± 0.040% of capital":     {Distance: 1.2e-4, Error: 4e-4},
		"by 0.000% ± 0.000% of capital":     {},
	} {
		if got := x.finding(p, true).Sentence; !strings.Contains(got, want) {
			t.Errorf("%s; want %q", got, want)
		}
	}
}
