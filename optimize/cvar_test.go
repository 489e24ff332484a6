package optimize

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
	"pgregory.net/rapid"

	"allocate/scenarios"
)

// slowCVaR sorts and walks, with the tail mass given exactly.
func slowCVaR(losses, prob []float64, tailMass float64) float64 {
	order := make([]int, len(losses))
	for j := range order {
		order[j] = j
	}
	sort.SliceStable(order, func(a, b int) bool { return losses[order[a]] > losses[order[b]] })
	left, sum := tailMass, 0.0
	for _, j := range order {
		take := min(left, prob[j])
		sum += take * losses[j]
		left -= take
	}
	return sum / tailMass
}

func TestEvaluateAgainstSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, m := rapid.IntRange(1, 5).Draw(t, "n"), rapid.IntRange(1, 60).Draw(t, "m")
		// A coarse grid makes ties common.
		cell := rapid.Custom(func(t *rapid.T) float64 { return float64(rapid.IntRange(-8, 8).Draw(t, "r")) / 64 })
		set := &scenarios.Set{Names: make([]string, n), Returns: rapid.SliceOfN(cell, n*m, n*m).Draw(t, "returns")}
		w := rapid.SliceOfN(cell, n, n).Draw(t, "w")
		percent := rapid.IntRange(0, 99).Draw(t, "percent")
		alpha := float64(percent) / 100
		prob := fill(m, 1/float64(m))
		if rapid.Bool().Draw(t, "weighted") {
			mass := rapid.SliceOfN(rapid.IntRange(0, 5), m, m).Draw(t, "mass")
			total := 1
			mass[0]++
			for _, k := range mass {
				total += k
			}
			for j, k := range mass {
				prob[j] = float64(k) / float64(total-1)
			}
			set.Prob = prob
		}
		r, err := Evaluate(set, w, alpha)
		if err != nil {
			t.Fatal(err)
		}
		losses := make([]float64, m)
		lossesOf(set, w, losses)
		if want := slowCVaR(losses, prob, float64(100-percent)/100); math.Abs(r.CVaR-want) > 1e-12 {
			t.Fatalf("CVaR %v, sorting gives %v", r.CVaR, want)
		}
		if r.CVaR < r.VaR-1e-15 {
			t.Fatalf("CVaR %v is below VaR %v", r.CVaR, r.VaR)
		}
		// The lower quantile: P(l > VaR) <= 1-alpha < P(l >= VaR).
		beyond, reached := 0.0, 0.0
		for j, l := range losses {
			if l > r.VaR {
				beyond += prob[j]
			}
			if l >= r.VaR {
				reached += prob[j]
			}
		}
		if tail := float64(100-percent) / 100; beyond > tail+1e-9 || percent > 0 && reached <= tail-1e-9 {
			t.Fatalf("VaR %v: %v beyond, %v reached, tail %v", r.VaR, beyond, reached, tail)
		}
		sum := 0.0
		for i, c := range r.Contributions {
			sum += c
			if c == 0 && math.Signbit(c) {
				t.Fatalf("contribution %d is -0", i)
			}
		}
		if math.Abs(sum-r.CVaR) > 1e-14 {
			t.Fatalf("contributions sum to %v, CVaR is %v", sum, r.CVaR)
		}
	})
}

// TestTailSize counts scenarios as the reader of alpha does, although 1-0.95
// is above 0.05 in binary and 1-0.9 below 0.1.
func TestTailSize(t *testing.T) {
	for _, c := range []struct {
		alpha float64
		m     int
		want  float64
	}{
		{0.95, 1000, 50},
		{0.9, 10_000, 1000},
		{0.99, 100_000, 1000},
		{0.975, 1000, 25},
		{0.9, 10, 1},
		{0.95, 7, 0.35},
		{0.95, 30, 1.5},
		{0, 13, 13},
		{0.999, 1_000_000, 1000},
		{2. / 3, 9, 3},
	} {
		got := newTail(&scenarios.Set{Names: []string{"a"}, Returns: make([]float64, c.m)}, c.alpha).size
		if got != c.want && math.Abs(got-c.want) > 1e-15 || c.want == math.Trunc(c.want) && got != c.want {
			t.Errorf("alpha %v of %d scenarios: tail %.17g, want %v", c.alpha, c.m, got, c.want)
		}
	}
}

// TestStudentT converges on the closed form: VaR = T^-1(a) and
// CVaR = f(x)/(1-a) (nu+x^2)/(nu-1) at x = VaR (McNeil, Frey and Embrechts
// 2015, example 2.15). Scenarios at the midpoints of equal probabilities have
// no sampling noise, only a cut tail.
func TestStudentT(t *testing.T) {
	for _, nu := range []float64{3, 5, 30}[:cases(3, 3)] {
		sets := map[int]*scenarios.Set{} // by size, for every alpha: quantiles take most of the time
		for _, m := range []int{1000, 5000, 25_000} {
			set := &scenarios.Set{Names: []string{"t"}, Returns: make([]float64, m)}
			for j := range m {
				set.Returns[j] = -distuv.StudentsT{Mu: 0, Sigma: 1, Nu: nu}.Quantile((float64(j) + 0.5) / float64(m))
			}
			sets[m] = set
		}
		for _, alpha := range []float64{0.9, 0.95, 0.99} {
			dist := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: nu}
			x := dist.Quantile(alpha)
			want := dist.Prob(x) / (1 - alpha) * (nu + x*x) / (nu - 1)
			previous := math.Inf(1)
			for _, m := range []int{1000, 5000, 25_000} {
				r, err := Evaluate(sets[m], []float64{1}, alpha)
				if err != nil {
					t.Fatal(err)
				}
				off := math.Abs(r.CVaR - want)
				if off > previous/1.5 {
					t.Errorf("nu %v alpha %v: error %g with %d scenarios, %g with a fifth", nu, alpha, off, m, previous)
				}
				previous = off
			}
			if previous > 1e-2*want {
				t.Errorf("nu %v alpha %v: error %g of %g with 25,000 scenarios", nu, alpha, previous, want)
			}
		}
	}
}

func TestCrossing(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for range 2000 {
		atoms := make([]atom, rng.IntN(40))
		for i := range atoms {
			atoms[i] = atom{key: float64(rng.IntN(6)), mass: float64(rng.IntN(4)), id: i}
		}
		if len(atoms) > 0 && rng.IntN(4) == 0 {
			atoms[rng.IntN(len(atoms))].mass = math.Inf(1)
		}
		target := float64(rng.IntN(60)) + 0.5
		sorted := slices.Clone(atoms)
		sort.Slice(sorted, func(i, j int) bool { return sorted[i].before(sorted[j]) })
		want, sum := len(sorted), 0.0
		for i, a := range sorted {
			if sum += a.mass; sum >= target {
				want = i
				break
			}
		}
		got := crossing(atoms, target)
		if got != want || got < len(atoms) && atoms[got] != sorted[want] {
			t.Fatalf("crossing %v of %v: position %d, want %d", target, sorted, got, want)
		}
		for _, a := range atoms[:got] {
			if got < len(atoms) && !a.before(atoms[got]) {
				t.Fatalf("%v is left of %v", a, atoms[got])
			}
		}
	}
}

func TestEvaluateRefuses(t *testing.T) {
	set := factorSet(1, 2, 10)
	for _, c := range []struct {
		w     []float64
		alpha float64
	}{{[]float64{1}, 0.9}, {[]float64{1, math.NaN()}, 0.9}, {[]float64{0, 1}, 1}, {[]float64{0, 1}, math.NaN()}} {
		if _, err := Evaluate(set, c.w, c.alpha); err == nil {
			t.Errorf("weights %v at alpha %v: no error", c.w, c.alpha)
		}
	}
	set.Returns[5] = math.Inf(1)
	if _, err := Evaluate(set, []float64{0, 1}, 0.9); err == nil {
		t.Error("an infinite return is accepted")
	}
}

func ExampleEvaluate() {
	set := &scenarios.Set{
		Names:   []string{"carry", "trend"},
		Returns: []float64{-0.04, 0.03, -0.02, 0.01, 0.01, -0.01, 0.02, 0, 0.03, -0.02},
	}
	r, _ := Evaluate(set, []float64{0.5, 0.5}, 0.6) // the worst two of five
	fmt.Printf("VaR %.4f CVaR %.4f = %.4f + %.4f\n", r.VaR, r.CVaR, r.Contributions[0], r.Contributions[1])
	// Output: VaR 0.0000 CVaR 0.0050 = 0.0150 + -0.0100
}

// A tail that lacks mass takes it from the scenarios that it pays for already,
// and from others only where those have no more room.
func TestRepairKeepsTheSupport(t *testing.T) {
	set := &scenarios.Set{Names: []string{"a"}, Returns: make([]float64, 10)}
	tail := newTail(set, 0.6) // at most 1/4 of each of 10 scenarios
	for _, c := range []struct{ q, want []float64 }{
		{[]float64{0.2, 0.1, 0.2, 0.1, 0.1}, []float64{0.2 + 0.05*6/11, 0.1 + 0.15*6/11, 0.2 + 0.05*6/11, 0.1 + 0.15*6/11, 0.1 + 0.15*6/11}},
		{[]float64{0.3, 0.3, -1}, []float64{0.25, 0.25, 0.0625, 0.0625, 0.0625, 0.0625, 0.0625, 0.0625, 0.0625, 0.0625}},
		{[]float64{0.25, 0.25, 0.25, 0.25, 0.25}, []float64{0.2, 0.2, 0.2, 0.2, 0.2}},
	} {
		q := make([]float64, 10)
		copy(q, c.q)
		want := make([]float64, 10)
		copy(want, c.want)
		for j, x := range tail.repair(q) {
			near(t, fmt.Sprint("scenario ", j), x, want[j], 1e-15)
		}
	}
}
