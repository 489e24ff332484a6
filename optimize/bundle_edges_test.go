package optimize

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestBundleTightLimit puts the limit on the risk around the least risk.
func TestBundleTightLimit(t *testing.T) {
	set := factorSet(2, 10, 1000)
	p := &Problem{Set: set, Alpha: 0.95, Budget: 1, Lower: fill(10, 0), Upper: fill(10, 1), Decimals: 6}
	least := bundle(t, p, 1e-12)
	p.Objective = MaxReturn
	for _, room := range []float64{1e-3, 1e-5, 1e-7, -1e-9, -1e-7} {
		p.MaxCVaR = least.Value * (1 + room)
		b := bundle(t, p, 1e-7)
		if b.Infeasible != (room < 0) {
			t.Errorf("room %v: infeasible is %v", room, b.Infeasible)
		}
		if !b.Infeasible {
			near(t, "risk over the limit", max(0, slowRisk(t, p, b.W)-p.MaxCVaR), 0, 1e-9)
		}
	}
	// Without any room the weights of the least risk are it; the bound is poor.
	p.MaxCVaR = least.Value
	b, err := p.bundle(t.Context(), 1e-7, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if b.Infeasible || slowRisk(t, p, b.W) > p.MaxCVaR+1e-9 || b.Bound > b.Value+1e-9 {
		t.Errorf("no room at all: %+v", b)
	}
}

// TestBundleOnePoint admits one portfolio only, for one reason or another: the
// interior is empty, some prices have no measure.
func TestBundleOnePoint(t *testing.T) {
	const n = 20
	set := factorSet(3, n, 200)
	even := fill(n, 0.05)
	for what, change := range map[string]func(*Problem){
		"equal bounds": func(p *Problem) { p.Lower, p.Upper = even, even },
		"lower bounds": func(p *Problem) { p.Lower = even },
		"upper bounds": func(p *Problem) { p.Upper = even },
		"turnover":     func(p *Problem) { p.Distances = []Distance{{Weight: fill(n, 1), Center: even}} },
		"rows": func(p *Problem) {
			p.Constraints = []Constraint{{Coef: fill(n, 2), Lower: 2, Upper: 2}}
			for i := range n {
				e := make([]float64, n)
				e[i] = 1
				p.Constraints = append(p.Constraints, Constraint{Coef: e, Lower: math.Inf(-1), Upper: 0.05})
			}
		},
	} {
		p := &Problem{Set: set, Alpha: 0.95, Budget: 1, Lower: fill(n, 0), Upper: fill(n, 1), Decimals: 6}
		change(p)
		b := bundle(t, p, 1e-8)
		near(t, what, distance(b.W, even), 0, 1e-8)
	}
}

// TestBundleDegeneratePrices leans on the budget beyond all measure. The
// weights are fixed, so that every price gives the same bound, up to rounding.
func TestBundleDegeneratePrices(t *testing.T) {
	const n = 20
	p := &Problem{Set: factorSet(3, n, 200), Alpha: 0.95, Budget: 1, Lower: fill(n, 0.05), Upper: fill(n, 0.05), Decimals: 6}
	want := bundle(t, p, 1e-9).Value
	b := newBundleMethod(p, 1)
	b.cutAt(p.Lower)
	for _, price := range []float64{0, 1, -1, 1e8, -1e8, 1e300, -1e300} {
		y := prices{rows: []float64{price}, cuts: []float64{1}, norm: make([]float64, n)}
		if bound := b.lagrangian(aim{rho: 1}, y); !(bound <= want && bound >= want-1e-13*(1+math.Abs(price))) {
			t.Errorf("price %v: bound %v of %v", price, bound, want)
		}
	}
}

// TestBundleUndecided has no time to find weights within the limit, which is no
// proof that there are none.
func TestBundleUndecided(t *testing.T) {
	p := problem(t, factorSet(1, 20, 1000), nil)
	least := bundle(t, p, 1e-9).Value
	p.Objective, p.MaxCVaR = MaxReturn, 1.001*least
	if b, err := p.bundle(t.Context(), 1e-6, 2); err == nil {
		t.Errorf("after 2 iterations: %+v", b)
	}
	if b := bundle(t, p, 1e-6); b.Infeasible {
		t.Error("infeasible")
	}
}

func TestBundleRefuses(t *testing.T) {
	set := factorSet(1, 4, 50)
	for what, change := range map[string]func(*Problem){
		"ratio":             func(p *Problem) { p.Objective = MaxRatio },
		"risk budget":       func(p *Problem) { p.Objective = RiskBudget },
		"smallest position": func(p *Problem) { p.MinPosition = 0.1 },
		"most positions":    func(p *Problem) { p.MaxPositions = 2 },
		"bounds":            func(p *Problem) { p.Upper[0] = math.Inf(1) },
	} {
		p := &Problem{Set: set, Alpha: 0.9, Budget: 1, Lower: fill(4, 0), Upper: fill(4, 1), Decimals: 6}
		change(p)
		if _, err := p.bundle(t.Context(), 1e-6, 100); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

// TestBundleStops is interrupted: by the context with an error, by the number
// of iterations with what is known by then. A second run gives the same bits.
func TestBundleStops(t *testing.T) {
	p := problem(t, factorSet(1, 20, 1000), nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.bundle(ctx, 1e-6, 100); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	short, err := p.bundle(t.Context(), 1e-9, 4)
	if err != nil {
		t.Fatal(err)
	}
	long, again := bundle(t, p, 1e-9), bundle(t, p, 1e-9)
	if short.Iterations != 4 || !(short.Bound < long.Bound && long.Value < short.Value) {
		t.Errorf("after 4 iterations [%v, %v], in the end [%v, %v]", short.Bound, short.Value, long.Bound, long.Value)
	}
	if long.Value != again.Value || long.Bound != again.Bound || !slices.Equal(long.W, again.W) {
		t.Error("a second run differs")
	}
}

func TestMinimumOfKinkedFunction(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	for trial := range 500 {
		lo := rng.NormFloat64()
		up, slope, square := lo+rng.ExpFloat64(), rng.NormFloat64(), 0.0
		if trial%2 == 0 {
			square = rng.ExpFloat64()
		}
		var kinks []kinked
		for range rng.IntN(4) {
			kinks = append(kinks, kinked{rng.NormFloat64(), rng.ExpFloat64()})
		}
		least, grid := leastKinked(slope, square, kinks, lo, up), math.Inf(1)
		for k := range 1001 {
			x := lo + (up-lo)*float64(k)/1000
			value := slope*x + square*x*x
			for _, b := range kinks {
				value += b.factor * math.Abs(x-b.at)
			}
			grid = min(grid, value)
		}
		if !(least <= grid+1e-12 && least >= grid-0.01) {
			t.Errorf("trial %d: least %v, on a grid %v", trial, least, grid)
		}
	}
}

func BenchmarkBundle(b *testing.B) {
	for _, size := range []struct{ n, m int }{{10, 10_000}, {30, 10_000}, {60, 20_000}} {
		b.Run(fmt.Sprintf("%dx%d", size.n, size.m), func(b *testing.B) {
			p := problem(b, factorSet(1, size.n, size.m), nil)
			var out *bundled
			for b.Loop() {
				var err error
				if out, err = p.bundle(b.Context(), 1e-8, 1000); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(out.Iterations), "iterations")
		})
	}
}
