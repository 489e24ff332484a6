package optimize

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// randomProblem draws a problem, the same for the same seed, and says in kind
// what is in it: its objective, and every kind of limit, cost and ambiguity that
// a linear or mixed-integer program can state. Most are admissible, some are
// not. MaxRatio, RiskBudget and Ridge are not among them.
func randomProblem(seed uint64) (p *Problem, kind string) {
	rng := rand.New(rand.NewPCG(seed, 77))
	crowded := rng.IntN(3) > 0 // the others have one or two things in them, if any
	chance := func(percent int) bool {
		if !crowded {
			percent /= 4
		}
		return rng.IntN(100) < percent
	}
	between := func(low, high float64) float64 { return low + (high-low)*rng.Float64() }
	var parts []string
	note := func(part string) { parts = append(parts, part) }

	discrete := chance(15)
	n := 2 + rng.IntN(39)
	if discrete {
		n = 2 + rng.IntN(11)
	}
	m := int(20 * math.Pow(150, rng.Float64())) // 20 to 3000, small ones as often as large ones
	set := factorSet(seed, n, m)
	switch rng.IntN(6) {
	case 0:
		note("weighted")
		set = weighted(seed, set)
	case 1:
		note("grid")
		for k := range set.Returns {
			set.Returns[k] = math.Trunc(set.Returns[k]*50) / 50
		}
	case 2:
		note("cash")
		for j := range m {
			set.Row(j)[n-1] = 0
		}
	}
	p = &Problem{
		Set: set, Alpha: []float64{0.5, 0.9, 0.95, 0.99, 0}[rng.IntN(5)], Budget: 1, Decimals: 6,
		Lower: fill(n, 0), Upper: fill(n, min(1, between(1, 4)*max(0.2, 1/float64(n)))),
	}

	short := chance(30)
	if short {
		note("long-short")
		p.Budget = float64(rng.IntN(2))
		p.Lower, p.Upper = fill(n, -between(0.1, 1)), fill(n, between(0.3, 1))
		p.Distances = append(p.Distances, Distance{
			Name: keyMaxLeverage, Weight: fill(n, 1), Center: fill(n, 0), Limit: math.Abs(p.Budget) + between(0, 2),
		})
	}
	if chance(20) {
		note("bounds")
		for i := range n {
			if rng.IntN(3) == 0 {
				p.Lower[i], p.Upper[i] = p.Lower[i]+between(0, 0.3/float64(n)), between(0.8, 1)*p.Upper[i]
			}
		}
	}

	// Something to hold: what fits the budget, and sometimes the bounds.
	held := make([]float64, n)
	left := p.Budget
	for i := range held {
		held[i] = min(max(left, p.Lower[i]), p.Upper[i]*between(0.2, 1))
		left -= held[i]
	}
	rng.Shuffle(n, func(a, b int) { held[a], held[b] = held[b], held[a] })
	equal := fill(n, p.Budget/float64(n))

	// Objective.
	switch rng.IntN(4) {
	case 0:
		note("utility")
		p.Objective, p.Aversion = Utility, math.Exp(between(-3, 2))
	case 1:
		note("max_return")
		p.Objective = MaxReturn
	default:
		note("min_cvar")
		p.Objective = MinCVaR
	}
	if chance(30) {
		note("spectrum")
		p.Spectrum = []Level{{0.8, 0.2}, {0.9, 0.3}, {0.97, 0.5}}[:1+rng.IntN(3)]
		p.Spectrum = slices.Clone(p.Spectrum)
		sum := 0.0
		for _, l := range p.Spectrum {
			sum += l.Weight
		}
		for k := range p.Spectrum {
			p.Spectrum[k].Weight /= sum
		}
	}
	if p.Objective != MinCVaR && chance(30) {
		note("views")
		p.Mean = slices.Clone(set.Mean())
		for i := range p.Mean {
			p.Mean[i] += 0.01 * rng.NormFloat64()
		}
	}

	// Rows.
	rows := rng.IntN(3)
	if !crowded {
		rows /= 2
	}
	for k := range rows {
		row := Constraint{Name: "group " + string(rune('a'+k)), Coef: make([]float64, n), Lower: math.Inf(-1), Upper: math.Inf(1)}
		center := 0.0
		for i := range row.Coef {
			if rng.IntN(5) < 2 {
				row.Coef[i] = 1
			}
			center += row.Coef[i] * equal[i]
		}
		switch rng.IntN(4) {
		case 0:
			note("equality")
			for i := range row.Coef {
				row.Coef[i] *= between(0.3, 1.5)
			}
			row.Lower = 0
			for i, a := range row.Coef {
				row.Lower += a * (0.7*equal[i] + 0.3*held[i])
			}
			row.Upper = row.Lower
		case 1:
			note("group floor")
			row.Lower = center + between(-0.2, 0.1)
		case 2:
			note("group range")
			row.Lower, row.Upper = center-between(0, 0.2), center+between(0, 0.2)
		default:
			note("group cap")
			row.Upper = center + between(-0.1, 0.2)
		}
		p.Constraints = append(p.Constraints, row)
	}
	if chance(25) {
		note("mean floor")
		mean, sum := set.Mean(), 0.0
		for i, x := range mean {
			sum += equal[i] * x
		}
		p.Constraints = append(p.Constraints, Constraint{Name: keyMinReturn, Coef: mean, Lower: sum + between(-0.002, 0.002), Upper: math.Inf(1)})
	}

	// Current weights, distances to it and costs from it.
	if chance(40) {
		p.Previous = held
		if chance(60) {
			note("turnover")
			p.Distances = append(p.Distances, Distance{
				Name: keyMaxTurnover, Weight: fill(n, 0.5), Center: held, Constant: between(0, 0.05), Limit: between(0.05, 0.6),
			})
		}
		if chance(60) {
			note("costs")
			p.Cost = make([]float64, n)
			for i := range p.Cost {
				if chance(80) {
					p.Cost[i] = between(0, 0.01)
				}
			}
		}
	}
	if chance(10) {
		note("distance")
		center, weight := make([]float64, n), make([]float64, n)
		for i := range center {
			center[i], weight[i] = equal[i]+between(-0.05, 0.05), between(0, 1)
		}
		p.Distances = append(p.Distances, Distance{Name: keyMaxDistance, Weight: weight, Center: center, Limit: between(0, 0.5)})
	}
	if chance(30) {
		p.Radius, p.Norm = between(0, 0.02), []Norm{L1, LInf, ""}[rng.IntN(3)]
		note("robust " + string(p.Norm))
	}

	// Limit on the risk: around that of equal weights.
	if p.Objective != MinCVaR && chance(60) {
		risk := p.cost(equal) + p.ballRisk()*p.dualNorm(equal)
		for _, l := range p.levels() {
			risk += l.Weight * newTail(set, l.Alpha).risk(set, equal).CVaR
		}
		if p.MaxCVaR = risk * between(0.6, 1.5); p.MaxCVaR != 0 {
			note("max_cvar")
		}
	}
	if short && chance(50) {
		note("borrow")
		p.Borrow = make([]float64, n)
		for i := range p.Borrow {
			if chance(80) {
				p.Borrow[i] = between(0, 0.01)
			}
		}
	}
	if discrete {
		if chance(60) {
			p.MinPosition = between(0.5, 1.5) / float64(n)
			note("min_position")
		}
		if p.MinPosition == 0 || chance(50) {
			p.MaxPositions = 1 + rng.IntN(n)
			note("max_positions")
		}
	}
	if chance(8) {
		note("impossible")
		p.Constraints = append(p.Constraints, Constraint{Name: "impossible", Coef: fill(n, 2), Lower: 2*p.Budget + 0.01, Upper: math.Inf(1)})
	}
	return p, strings.Join(parts, ", ")
}

// TestRandomProblem checks the generator itself: everything is drawn, and all
// of it is well posed.
func TestRandomProblem(t *testing.T) {
	kinds := map[string]int{}
	for seed := range uint64(300) {
		p, kind := randomProblem(seed)
		if err := p.validate(); err != nil {
			t.Errorf("seed %d, %s: %v", seed, kind, err)
		}
		for part := range strings.SplitSeq(kind, ", ") {
			kinds[part]++
		}
	}
	for _, part := range []string{
		"weighted", "grid", "cash", "long-short", "bounds", "utility", "max_return", "min_cvar", "spectrum", "views",
		"equality", "group floor", "group range", "group cap", "mean floor", "turnover", "costs", "borrow", "distance",
		"robust l1", "robust linf", "max_cvar", "min_position", "max_positions", "impossible",
	} {
		if kinds[part] < 5 {
			t.Errorf("%s: only %d of 300 problems", part, kinds[part])
		}
	}
}
