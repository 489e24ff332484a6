package optimize

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"allocate/scenarios"
)

// longOnly is a problem without limits.
func longOnly(set *scenarios.Set, alpha float64) *Problem {
	n := len(set.Names)
	return &Problem{Set: set, Alpha: alpha, Budget: 1, Lower: fill(n, 0), Upper: fill(n, 1), Decimals: 6}
}

func setOf(columns int, rows ...float64) *scenarios.Set {
	set := &scenarios.Set{Horizon: 1, Returns: rows}
	for i := range columns {
		set.Names = append(set.Names, string(rune('a'+i)))
	}
	return set
}

// budget solves, and checks everything that an answer promises.
func budget(t *testing.T, p *Problem) *budgeted {
	t.Helper()
	a, err := p.riskBudget(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	checkBudget(t, p, a)
	return a
}

func checkBudget(t *testing.T, p *Problem, a *budgeted) {
	t.Helper()
	n, m := len(p.Set.Names), p.Set.Len()
	sum, total, risk, size := 0.0, 0.0, 0.0, 0.0
	for i, w := range a.W {
		if !(w > 0) {
			t.Errorf("weight %d is %v", i, w)
		}
		sum += w
		total += a.Contributions[i]
	}
	near(t, "sum of the weights", sum, p.Budget, 1e-14*p.Budget)

	losses, scratch, gradient, part := make([]float64, m), make([]float64, m), make([]float64, n), make([]float64, n)
	lossesOf(p.Set, a.W, losses)
	for j := range m {
		for i, r := range p.Set.Row(j) {
			size += p.Set.Probability(j) * math.Abs(r) * a.W[i]
		}
	}
	if len(a.Q) != len(p.levels()) {
		t.Fatalf("%d tail measures for %d levels", len(a.Q), len(p.levels()))
	}
	for k, level := range p.levels() {
		tail := newTail(p.Set, level.Alpha)
		_, cvar := tail.measure(losses, scratch)
		risk += level.Weight * cvar
		mass, mean := 0.0, 0.0
		for j, q := range a.Q[k] {
			if q < 0 || q > tail.cap(j)*(1+1e-14) {
				t.Fatalf("level %d: q of scenario %d is %v, not in [0, %v]", k, j, q, tail.cap(j))
			}
			mass += q
			mean += q * losses[j]
		}
		near(t, "mass of the tail", mass, 1, 1e-12)
		near(t, "CVaR by the tail measure", mean, cvar, 1e-11*size)
		gradientOf(p.Set, a.Q[k], part)
		for i, g := range part {
			gradient[i] += level.Weight * g
		}
	}
	near(t, "sum of the contributions", total, risk, 1e-11*size)
	for i, c := range a.Contributions {
		share := 1 / float64(n)
		if p.Shares != nil {
			share = p.Shares[i]
		}
		near(t, "contribution by the gradient", c, a.W[i]*gradient[i], 1e-13*size)
		near(t, "share of "+p.Set.Names[i], c/risk, share, 1e-9*share)
	}
	if !(math.Abs(a.Gap) < 1e-10) {
		t.Errorf("gap %v", a.Gap)
	}
}

// TestRiskBudgetSymmetric has columns that are the same but for order and
// scale: risk is shared equally when the weights are inverse to the scales.
func TestRiskBudgetSymmetric(t *testing.T) {
	for _, n := range []int{1, 2, 3} {
		base := factorSet(5, n, 400)
		set := &scenarios.Set{Horizon: 21, Names: base.Names}
		scale := []float64{1, 2.5, 0.04}
		for j := range base.Len() {
			row := base.Row(j)
			for shift := range n { // cyclic orders make every column alike, and both orders of two
				for i := range n {
					set.Returns = append(set.Returns, row[(i+shift)%n]*scale[i])
				}
			}
		}
		a := budget(t, longOnly(set, 0.95))
		for i, w := range a.W {
			near(t, "weight times scale", w*scale[i], a.W[0]*scale[0], 1e-10)
		}
	}
}

// TestRiskBudgetElliptical: of independent normal returns without drift the
// CVaR is a multiple of the standard deviation, and weights with shares b are
// proportional to the roots of b over the standard deviations.
func TestRiskBudgetElliptical(t *testing.T) {
	const m = 40_000
	rng := rand.New(rand.NewPCG(3, 1))
	sd, shares := []float64{0.01, 0.03, 0.02}, []float64{0.5, 0.3, 0.2}
	set := setOf(3, make([]float64, 3*m)...)
	for j := range m {
		for i, s := range sd {
			set.Row(j)[i] = s * rng.NormFloat64()
		}
	}
	p := longOnly(set, 0.9)
	p.Shares = shares
	a := budget(t, p)
	want, sum := make([]float64, 3), 0.0
	for i, s := range sd {
		want[i] = math.Sqrt(shares[i]) / s
		sum += want[i]
	}
	for i, w := range want {
		near(t, "weight", a.W[i], w/sum, 0.01)
	}
}

// TestRiskBudgetDiagonal: strategy i loses s_i in scenario i and nothing
// else, so that contributions are q_i w_i s_i and shares can only be met by the
// split of q among ties.
func TestRiskBudgetDiagonal(t *testing.T) {
	loss, shares := []float64{0.01, 0.02, 0.05, 0.1}, []float64{0.1, 0.2, 0.3, 0.4}
	set := setOf(4, make([]float64, 16)...)
	for i, l := range loss {
		set.Row(i)[i] = -l
	}
	for _, alpha := range []float64{0, 0.1, 0.2, 0.375, 0.5, 0.7, 0.75, 0.9} {
		p := longOnly(set, alpha)
		p.Shares = shares
		a := budget(t, p)
		// In units of the risk: q_i w_i s_i = b_i, and q_i = cap for losses above
		// the VaR, less for the k smallest, which tie with it and have what is
		// left of q. So w_i s_i = max(VaR, b_i/cap).
		cap, times := 1/(4*(1-alpha)), make([]float64, 4)
		for k, part := 1, 0.0; k <= 4; k++ {
			part += shares[k-1]
			level := part / (1 - cap*float64(4-k))
			if level >= shares[k-1]/cap-1e-15 && (k == 4 || level <= shares[k]/cap) {
				for i, b := range shares {
					times[i] = max(level, b/cap)
				}
			}
		}
		if alpha >= 0.75 && times[0] != times[3] { // the largest loss: all tie, whatever the shares
			t.Fatalf("alpha %v: %v", alpha, times)
		}
		sum := 0.0
		for i, x := range times {
			sum += x / loss[i]
		}
		for i, x := range times {
			near(t, fmt.Sprintf("alpha %v: weight %d", alpha, i), a.W[i], x/loss[i]/sum, 1e-12)
		}
	}
}

// TestRiskBudgetOfTwo compares with a search along the line of two weights
// for the least log risk(w) - sum b log w.
func TestRiskBudgetOfTwo(t *testing.T) {
	for seed := range uint64(8) {
		set := factorSet(seed, 2, 300)
		if seed%2 == 1 {
			set = weighted(seed, set)
		}
		p := longOnly(set, 0.9)
		p.Shares = []float64{0.2 + 0.05*float64(seed), 0.8 - 0.05*float64(seed)}
		a := budget(t, p)
		value := func(x float64) float64 {
			r, err := Evaluate(set, []float64{x, 1 - x}, p.Alpha)
			if err != nil {
				t.Fatal(err)
			}
			return math.Log(r.CVaR) - p.Shares[0]*math.Log(x) - p.Shares[1]*math.Log(1-x)
		}
		best := value(a.W[0])
		for k := 1; k < 1000; k++ {
			if v := value(float64(k) / 1000); v < best-1e-14 {
				t.Errorf("seed %d: %v at %v is below %v at %v", seed, v, float64(k)/1000, best, a.W[0])
			}
		}
		for _, step := range []float64{1e-3, 1e-4, 1e-5, 1e-6} {
			if value(a.W[0]+step) < best-1e-14 || value(a.W[0]-step) < best-1e-14 {
				t.Errorf("seed %d: %v is not a minimum at distance %v", seed, a.W[0], step)
			}
		}
	}
}

// TestRiskBudgetRandom checks promises on programs that are meant to hurt.
func TestRiskBudgetRandom(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 4))
	solved, undefined := 0, 0
	problems := cases(150, 10)
	for k := range problems {
		n, m := 1+rng.IntN(30), 60+rng.IntN(2000)
		set := factorSet(uint64(k), n, m)
		kind := []string{"plain", "grid", "duplicates", "signs", "sparse", "tiny", "hedged"}[rng.IntN(7)]
		for c := range set.Returns {
			r := &set.Returns[c]
			switch i, j := c%n, c/n; {
			case kind == "grid":
				*r = math.Trunc(*r*50) / 50
			case kind == "duplicates" && i == 1, kind == "duplicates" && j%2 == 1:
				*r = set.Returns[c-1]
			case kind == "signs":
				*r = float64(rng.IntN(3)-1) / 10
			case kind == "sparse" && rng.IntN(10) > 0:
				*r = 0
			case kind == "tiny":
				*r *= 1e-9
			case kind == "hedged" && i == 1:
				*r = -set.Returns[c-1] + 0.01**r
			}
		}
		if rng.IntN(3) == 0 {
			set = weighted(uint64(k), set)
		}
		p := longOnly(set, []float64{0, 0.5, 0.9, 0.95, 0.99, 0.999}[rng.IntN(6)])
		if rng.IntN(3) == 0 {
			p.Spectrum = []Level{{0, 0.1}, {0.9, 0.4}, {0.99, 0.5}}
		}
		if rng.IntN(2) == 0 {
			p.Budget = 2
			p.Shares = make([]float64, n)
			sum := 0.0
			for i := range p.Shares {
				p.Shares[i] = 0.05 + rng.ExpFloat64()
				sum += p.Shares[i]
			}
			for i := range p.Shares {
				p.Shares[i] /= sum
			}
		}
		a, err := p.riskBudget(t.Context())
		if u := new(UndefinedError); errors.As(err, &u) {
			undefined++
			if p.Spectrum == nil && solve(t, longOnly(set, p.Alpha)).Certificate.ExactPrimal > 1e-8*meanAbsolute(p.Set) {
				t.Errorf("%d %s: every portfolio has a risk, but: %v", k, kind, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%d %s: %v", k, kind, err)
		}
		solved++
		checkBudget(t, p, a)
		if t.Failed() {
			t.Fatalf("%d: %s, %d x %d, alpha %v, spectrum %v", k, kind, n, m, p.Alpha, p.Spectrum)
		}
	}
	if solved < problems*3/5 || undefined < problems/15 {
		t.Errorf("solved %d, undefined %d; the test is not testing much", solved, undefined)
	}
}

// TestRiskBudgetInvariances: the order of strategies and scenarios changes
// nothing, the scale of a strategy's returns divides its weight, and the same
// problem gives the same bits.
func TestRiskBudgetInvariances(t *testing.T) {
	const n, m = 7, 900
	set := weighted(2, factorSet(2, n, m))
	p := longOnly(set, 0.95)
	p.Spectrum = []Level{{0.9, 0.3}, {0.95, 0.7}}
	p.Shares = []float64{0.05, 0.1, 0.1, 0.15, 0.15, 0.2, 0.25}
	a := budget(t, p)
	if b := budget(t, p); !reflect.DeepEqual(a, b) {
		t.Error("the same problem has two answers")
	}

	rng := rand.New(rand.NewPCG(2, 2))
	columns, rows := rng.Perm(n), rng.Perm(m)
	scale := make([]float64, n)
	moved := longOnly(setOf(n, make([]float64, n*m)...), 0.95)
	moved.Spectrum, moved.Shares, moved.Set.Prob = p.Spectrum, make([]float64, n), make([]float64, m)
	for i, from := range columns {
		scale[i] = math.Exp(rng.NormFloat64())
		moved.Shares[i] = p.Shares[from]
		for j, row := range rows {
			moved.Set.Row(j)[i] = set.Row(row)[from] * scale[i]
			moved.Set.Prob[j] = set.Prob[row]
		}
	}
	b := budget(t, moved)
	sum := 0.0
	for i := range n {
		sum += b.W[i] * scale[i]
	}
	for i, from := range columns {
		near(t, "weight", b.W[i]*scale[i]/sum, a.W[from], 1e-12)
	}
}

func TestRiskBudgetUndefined(t *testing.T) {
	set := factorSet(3, 3, 500)
	gaining := *set
	gaining.Returns = slices.Clone(set.Returns)
	hedge := *set
	hedge.Returns = slices.Clone(set.Returns)
	idle := *set
	idle.Returns = slices.Clone(set.Returns)
	for j := range set.Len() {
		gaining.Row(j)[1] += 1
		hedge.Row(j)[2] = -hedge.Row(j)[0]
		idle.Row(j)[0] = 0
	}
	for _, c := range []struct {
		name string
		set  *scenarios.Set
		want string
	}{
		{"gain", &gaining, "sab alone has a risk of -0."},
		{"hedge", &hedge, "50% saa and 50% sac have a risk of"},
		{"idle", &idle, `"saa" has no risk in any scenario`},
	} {
		for _, spectrum := range [][]Level{nil, {{0.5, 0.5}, {0.9, 0.5}}, {{0, 1}}} {
			p := longOnly(c.set, 0.9)
			p.Spectrum = spectrum
			_, err := p.riskBudget(t.Context())
			if u := new(UndefinedError); !errors.As(err, &u) {
				t.Errorf("%s, %v: got %v, want an UndefinedError", c.name, spectrum, err)
			} else if spectrum == nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %q does not say %q", c.name, err, c.want)
			}
		}
	}
}

func TestRiskBudgetRefuses(t *testing.T) {
	for _, c := range []struct {
		change func(*Problem)
		want   string
	}{
		{func(p *Problem) { p.Budget = 0 }, "a budget above 0"},
		{func(p *Problem) { p.Shares = []float64{1, 0} }, "expected a number above 0"},
		{func(p *Problem) { p.Shares = []float64{0.5, 0.6} }, "expected 1"},
		{func(p *Problem) { p.Shares = []float64{1} }, "1 numbers for 2 strategies"},
	} {
		p := longOnly(factorSet(1, 2, 50), 0.9)
		c.change(p)
		if _, err := p.riskBudget(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := longOnly(factorSet(1, 2, 50), 0.9).riskBudget(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v of a cancelled context", err)
	}
}

func BenchmarkRiskBudget(b *testing.B) {
	for _, size := range []struct{ n, m int }{{29, 10_000}, {100, 100_000}} {
		b.Run(fmt.Sprintf("%dx%d", size.n, size.m), func(b *testing.B) {
			p := longOnly(factorSet(1, size.n, size.m), 0.95)
			var a *budgeted
			for b.Loop() {
				var err error
				if a, err = p.riskBudget(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(a.Iterations), "iterations")
			b.ReportMetric(1e15*a.Gap, "gap_e-15")
		})
	}
}
