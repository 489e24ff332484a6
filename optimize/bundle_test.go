package optimize

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"allocate/scenarios"
)

// bundle runs the method and checks what must hold of every answer: admissible
// weights, a value that the definition confirms, a bound that is not above it.
func bundle(t *testing.T, p *Problem, tol float64) *bundled {
	t.Helper()
	b, err := p.bundle(t.Context(), tol, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if b.Infeasible {
		if b.W != nil {
			t.Error("infeasible, yet there are weights")
		}
		return b
	}
	near(t, "excess", max(0, slowExcess(p, b.W)), 0, 1e-9)
	scale := max(math.Abs(b.Value), meanAbsolute(p.Set))
	near(t, "value", b.Value, slowValue(t, p, b.W), 1e-12*scale)
	if relative := (b.Value - b.Bound) / scale; !(relative >= -1e-9 && relative <= tol) {
		t.Errorf("relative gap %v after %d iterations; expected at most %v", relative, b.Iterations, tol)
	}
	return b
}

// slowValue is F by its definition, from Evaluate.
func slowValue(t *testing.T, p *Problem, w []float64) float64 {
	t.Helper()
	income, squares := 0.0, 0.0
	for i, x := range w {
		income += p.means()[i] * x
		squares += x * x
	}
	income -= p.cost(w) + p.Radius*p.dualNorm(w)
	m, rho := 0.0, 1.0
	switch p.Objective {
	case MaxReturn:
		m, rho = 1, 0
	case Utility:
		m, rho = 1, p.Aversion
	}
	return -m*income + rho*slowRisk(t, p, w) + p.Ridge*squares
}

// slowRisk is risk(w) by its definition.
func slowRisk(t *testing.T, p *Problem, w []float64) float64 {
	t.Helper()
	risk := p.cost(w)
	for _, l := range p.levels() {
		r, err := Evaluate(p.Set, w, l.Alpha)
		if err != nil {
			t.Fatal(err)
		}
		risk += l.Weight * (r.CVaR + p.Radius/(1-l.Alpha)*p.dualNorm(w))
	}
	return risk
}

// slowExcess is the largest violation of anything but the limit on the risk.
func slowExcess(p *Problem, w []float64) float64 {
	most, sum := math.Inf(-1), 0.0
	for i, x := range w {
		most = max(most, p.Lower[i]-x, x-p.Upper[i])
		sum += x
	}
	most = max(most, math.Abs(sum-p.Budget))
	for _, c := range p.Constraints {
		v := 0.0
		for i, x := range w {
			v += c.Coef[i] * x
		}
		most = max(most, c.Lower-v, v-c.Upper)
	}
	for _, d := range p.Distances {
		v := d.Constant - d.Limit
		for i, x := range w {
			v += d.Weight[i] * math.Abs(x-d.Center[i])
		}
		most = max(most, v)
	}
	return most
}

// anyProblem draws a problem with every kind of objective and constraint.
func anyProblem(seed uint64, n, m int) *Problem {
	rng := rand.New(rand.NewPCG(seed, 7))
	set := factorSet(seed, n, m)
	if rng.IntN(2) == 0 {
		set = weighted(seed, set)
	}
	p := &Problem{Set: set, Alpha: []float64{0, 0.5, 0.9, 0.95}[rng.IntN(4)], Budget: 1, Decimals: 6}
	p.Lower, p.Upper = fill(n, 0), fill(n, 1)
	if rng.IntN(3) == 0 {
		p.Budget = float64(rng.IntN(2))
		p.Lower = fill(n, -1)
	}
	if rng.IntN(5) == 0 {
		p.Lower[0], p.Upper[0] = 0.125, 0.125
	}
	start := fill(n, p.Budget/float64(n))
	if rng.IntN(2) == 0 {
		p.Spectrum = []Level{{0.5, 0.25}, {0.9, 0.5}, {0.975, 0.25}}
	}
	if rng.IntN(2) == 0 {
		p.Previous, p.Cost = make([]float64, n), make([]float64, n)
		for i := range start {
			p.Previous[i], p.Cost[i] = start[i]*2*rng.Float64(), 0.002*rng.Float64()
		}
	}
	if rng.IntN(2) == 0 {
		p.Radius, p.Norm = 0.002, []Norm{L1, LInf, ""}[rng.IntN(3)]
	}
	if rng.IntN(2) == 0 {
		p.Ridge = math.Exp(-8 + 8*rng.Float64())
	}
	// Around weights that satisfy everything.
	inner := slices.Clone(start)
	if p.Lower[0] == p.Upper[0] {
		for i := range inner {
			inner[i] = (p.Budget - 0.125) / float64(n-1)
		}
		inner[0] = 0.125
	}
	for k := range rng.IntN(3) {
		c := Constraint{Name: fmt.Sprint("row ", k), Coef: make([]float64, n), Lower: math.Inf(-1)}
		v := 0.0
		for i := range c.Coef {
			c.Coef[i] = float64(rng.IntN(3) - 1)
			v += c.Coef[i] * inner[i]
		}
		c.Upper = v + 0.3*rng.Float64()
		switch rng.IntN(3) {
		case 0:
			c.Lower = v - 0.3*rng.Float64()
		case 1:
			if n > 4 {
				c.Lower, c.Upper = v, v
			}
		}
		p.Constraints = append(p.Constraints, c)
	}
	for k := range rng.IntN(3) {
		d := Distance{Name: fmt.Sprint("distance ", k), Weight: make([]float64, n), Center: make([]float64, n), Constant: 0.01}
		for i := range d.Weight {
			d.Weight[i] = float64(rng.IntN(3)) / 2
			if k == 1 {
				d.Center[i] = inner[i] + 0.1*rng.NormFloat64()
			}
		}
		d.Limit = d.of(inner) + 0.3*rng.Float64()
		p.Distances = append(p.Distances, d)
	}
	switch rng.IntN(4) {
	case 0:
		p.Objective = MinCVaR
	case 1:
		p.Objective, p.Aversion = Utility, 3*rng.Float64()
	default:
		p.Objective = MaxReturn
		if rng.IntN(4) == 0 {
			p.Objective, p.Aversion = Utility, rng.Float64()
		}
		p.MaxCVaR = 0.02 + 0.2*rng.Float64()*rng.Float64()
	}
	return p
}

// TestBundleAgreesWithSolver agrees with the exact solver on the problems of both.
func TestBundleAgreesWithSolver(t *testing.T) {
	for seed := range uint64(cases(20, 3)) {
		n := 3 + int(seed)
		set := factorSet(seed, n, 200+100*int(seed))
		if seed%2 == 1 {
			set = weighted(seed, set)
		}
		p := &Problem{Set: set, Alpha: []float64{0, 0.8, 0.95, 0.99}[seed%4], Budget: 1, Lower: fill(n, -0.1), Upper: fill(n, 0.6), Decimals: 6}
		mean := set.Mean()
		if seed%3 > 0 {
			average := 0.0
			for _, x := range mean {
				average += x / float64(n)
			}
			p.Constraints = append(p.Constraints, Constraint{Name: "floor", Coef: mean, Lower: average, Upper: math.Inf(1)})
		}
		if seed%3 > 1 {
			group := make([]float64, n)
			group[0], group[2] = 1, 1
			p.Constraints = append(p.Constraints, Constraint{Name: "group", Coef: group, Lower: 0.3, Upper: 0.4})
		}
		exact, b := solve(t, p), bundle(t, p, 1e-9)
		scale := max(math.Abs(b.Value), meanAbsolute(p.Set))
		near(t, "value", b.Value, exact.Certificate.ExactPrimal, 1.1e-9*scale)
		near(t, "bound", b.Bound, exact.Certificate.ExactPrimal, 1.1e-9*scale)
	}
}

// TestBundleAnyProblem mixes all kinds of objectives and constraints. No
// random admissible weights beat the bound, and the limit on the risk is
// called impossible only if it is.
func TestBundleAnyProblem(t *testing.T) {
	impossible, iterations := 0, 0
	problems := cases(120, 8)
	for seed := range uint64(problems) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			n := 2 + int(seed)%24
			p := anyProblem(seed, n, 300)
			b := bundle(t, p, 1e-8)
			iterations += b.Iterations
			if b.Infeasible {
				impossible++
				q := *p
				q.Objective, q.Ridge, q.MaxCVaR = MinCVaR, 0, 0
				if !p.limited() || !(bundle(t, &q, 1e-8).Bound > p.MaxCVaR) {
					t.Error("infeasible, yet the least risk is within the limit")
				}
				return
			}
			if p.limited() {
				near(t, "risk over the limit", max(0, slowRisk(t, p, b.W)-p.MaxCVaR), 0, 1e-9)
			}
			rng := rand.New(rand.NewPCG(seed, 9))
			for range 20 {
				// Random admissible weights: the nearest to random ones, and
				// then closer to the best.
				q, _ := newShape(p).base(false)
				for i := range n {
					q.Q[i], q.C[i] = 1, -(p.Lower[i] + (p.Upper[i]-p.Lower[i])*rng.Float64())
				}
				w, share := q.Minimize(1e-12).X[:n], math.Pow(10, -3*rng.Float64())
				for i := range w {
					w[i] = b.W[i] + share*(w[i]-b.W[i])
				}
				if slowExcess(p, w) > 1e-11 || p.limited() && slowRisk(t, p, w) > p.MaxCVaR {
					continue
				}
				if value := slowValue(t, p, w); value < b.Bound-1e-11 {
					t.Errorf("weights %v are worth %v, below the bound %v", w, value, b.Bound)
				}
			}
		})
	}
	if impossible < problems/24 || impossible > problems/3 {
		t.Errorf("%d problems are infeasible; the draw should give some", impossible)
	}
	if iterations > 1000*problems/120 {
		t.Errorf("%d iterations; it used to take 939", iterations)
	}
}

// TestBundleOnALine searches all portfolios of two strategies.
func TestBundleOnALine(t *testing.T) {
	for seed := range uint64(cases(60, 4)) {
		p := anyProblem(seed, 2, 40)
		b, found, least := bundle(t, p, 1e-9), false, math.Inf(1)
		const steps = 2000
		for k := range steps + 1 {
			x := p.Lower[0] + (p.Upper[0]-p.Lower[0])*float64(k)/steps
			w := []float64{x, p.Budget - x}
			if slowExcess(p, w) > 1e-15 || p.limited() && slowRisk(t, p, w) > p.MaxCVaR {
				continue
			}
			found, least = true, min(least, slowValue(t, p, w))
		}
		if b.Infeasible && found {
			t.Errorf("seed %d: infeasible, yet there are admissible weights", seed)
		}
		if !b.Infeasible && least < b.Bound-1e-12 {
			t.Errorf("seed %d: a value of %v is below the bound %v", seed, least, b.Bound)
		}
	}
}

// TestBundleClosedForms has answers that need no scenarios.
func TestBundleClosedForms(t *testing.T) {
	const n = 5
	quiet := &scenarios.Set{Horizon: 1, Names: []string{"a", "b", "c", "d", "e"}, Returns: make([]float64, 3*n)}
	base := Problem{Set: quiet, Alpha: 0.9, Budget: 1, Lower: fill(n, -10), Upper: fill(n, 10), Decimals: 6}
	mean := []float64{0.01, 0.05, -0.02, 0.03, 0.08}

	// -mean'w + r w'w over sum w = 1: w_i = 1/n + (mean_i - average)/2r.
	p := base
	p.Objective, p.Mean, p.Ridge = MaxReturn, mean, 0.03
	b := bundle(t, &p, 1e-10)
	near(t, "distance", distance(b.W, []float64{-0.4 / 3, 1.6 / 3, -1.9 / 3, 0.2, 3.1 / 3}), 0, 1e-5)
	near(t, "value", b.Value, -0.024-0.0058/0.12, 1e-11) // r/n - average - variance n/4r

	// Long-only it is the projection on the simplex: (mean_i - 0.035)/2r for
	// those with more.
	p.Lower = fill(n, 0)
	b = bundle(t, &p, 1e-10)
	near(t, "distance", distance(b.W, []float64{0, 0.25, 0, 0, 0.75}), 0, 1e-5)

	// A ball around nothing: the largest weight counts, or their sum.
	p = base
	p.Radius, p.Norm = 0.01, L1
	near(t, "value", bundle(t, &p, 1e-10).Value, 0.1/n, 1e-11)
	p.Norm = LInf
	near(t, "value", bundle(t, &p, 1e-10).Value, 0.1, 1e-11)

	// Trading is not worth its cost, until the turnover has to fall on the
	// cheapest: from (1, 0, ...) at least half has to go.
	p = base
	p.Previous, p.Cost = []float64{1, 0, 0, 0, 0}, []float64{0.01, 0.05, 0.02, 0.03, 0.04}
	p.Upper = []float64{0.5, 1, 1, 1, 1}
	near(t, "value", bundle(t, &p, 1e-10).Value, 0.5*0.01+0.5*0.02, 1e-11)
	p.Distances = []Distance{{Name: "turnover", Weight: fill(n, 1), Center: p.Previous, Limit: 0.9}}
	if b := bundle(t, &p, 1e-10); !b.Infeasible {
		t.Error("half has to be traded twice, yet a turnover of 0.9 is enough")
	}
	p.Distances[0].Limit = 1
	near(t, "value without an interior", bundle(t, &p, 1e-10).Value, 0.015, 1e-10)
}

// TestBundleScale multiplies the returns: the weights stay, the value follows.
func TestBundleScale(t *testing.T) {
	want := math.NaN()
	for _, f := range []float64{1, 1e-6, 1e4} {
		set := factorSet(4, 12, 500)
		for j := range set.Returns {
			set.Returns[j] *= f
		}
		p := &Problem{Set: set, Objective: MaxReturn, MaxCVaR: 0.09 * f, Alpha: 0.95, Budget: 1, Lower: fill(12, 0), Upper: fill(12, 1), Decimals: 6}
		value := bundle(t, p, 1e-9).Value / f
		if f == 1 {
			want = value
		}
		near(t, "value", value, want, 1e-9*math.Abs(want)+1e-9*set.Mean()[0]/f)
	}
}
