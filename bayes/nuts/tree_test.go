package nuts

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// quartic is Σ −x⁴/4 − (x_i − x_{i+1})²/2: cheap, not Gaussian.
type quartic int

func (d quartic) Dim() int { return int(d) }

func (d quartic) LogDensity(q, grad []float64) (float64, error) {
	var lp float64
	for i, x := range q {
		lp -= x * x * x * x / 4
		grad[i] = -x * x * x
		if i > 0 {
			u := x - q[i-1]
			lp -= u * u / 2
			grad[i] -= u
			grad[i-1] += u
		}
	}
	return lp, nil
}

// stdNormal is N(0, I).
type stdNormal int

func (d stdNormal) Dim() int { return int(d) }

func (d stdNormal) LogDensity(q, grad []float64) (float64, error) {
	var lp float64
	for i, x := range q {
		lp -= x * x / 2
		grad[i] = -x
	}
	return lp, nil
}

func testChain(t testing.TB, d Density, dense bool, seed uint64) *chain {
	t.Helper()
	m := newMetric(d.Dim(), dense)
	v := make([]float64, d.Dim())
	for i := range v {
		v[i] = 1
	}
	if err := m.setVariances(v); err != nil {
		t.Fatal(err)
	}
	c := newChain(0, d, rand.NewPCG(seed, 1), make([]string, d.Dim()), m, DefaultOptions())
	if err := c.start(nil); err != nil {
		t.Fatal(err)
	}
	return c
}

// recursiveOK is the recursion of Stan's build_tree on the momenta of a
// subtree's leaves: the U-turn verdict that extend unrolls.
func recursiveOK(p [][]float64) bool {
	n := len(p)
	if n == 1 {
		return true
	}
	left, right := p[:n/2], p[n/2:]
	if !recursiveOK(left) || !recursiveOK(right) {
		return false
	}
	sum := func(ps ...[]float64) []float64 {
		s := make([]float64, len(ps[0]))
		for _, v := range ps {
			add(s, v)
		}
		return s
	}
	persists := func(a, b, rho []float64) bool { return dotProduct(a, rho) > 0 && dotProduct(b, rho) > 0 }
	rhoL, rhoR := sum(left...), sum(right...)
	return persists(p[0], p[n-1], sum(rhoL, rhoR)) &&
		persists(p[0], right[0], sum(rhoL, right[0])) &&
		persists(left[len(left)-1], p[n-1], sum(rhoR, left[len(left)-1]))
}

func dotProduct(a, b []float64) (s float64) {
	for i := range a {
		s += a[i] * b[i]
	}
	return s
}

func TestExtendMatchesRecursion(t *testing.T) {
	verdicts := map[bool]int{}
	for seed := range uint64(400) {
		c := testChain(t, quartic(3), false, seed)
		for i := range c.left.p {
			c.left.p[i] = c.rng.NormFloat64()
		}
		copy(c.left.q, c.at.q)
		c.metric.pull(c.left.g, c.at.grad)
		depth, eps := int(seed%5), 0.15
		if seed%2 == 0 {
			eps = -eps
		}
		c.right.set(&c.left)
		var momenta [][]float64
		for range 1 << depth {
			if _, _, err := c.leapfrog(&c.right, eps); err != nil {
				t.Fatal(err)
			}
			momenta = append(momenta, append([]float64(nil), c.right.p...))
		}
		c.weight, c.base = 1, 0
		top, ok, err := c.extend(&c.left, eps, depth, 0)
		if err != nil {
			t.Fatal(err)
		}
		want := recursiveOK(momenta)
		if ok != want {
			t.Fatalf("seed %d depth %d: valid %v, the recursion says %v", seed, depth, ok, want)
		}
		verdicts[ok]++
		if ok {
			rho := make([]float64, 3)
			for _, p := range momenta {
				add(rho, p)
			}
			for i := range rho {
				if top.first[i] != momenta[0][i] || top.last[i] != c.left.p[i] || math.Abs(top.rho[i]-rho[i]) > 1e-12 {
					t.Fatalf("seed %d: span %v, want rho %v", seed, top, rho)
				}
			}
		}
	}
	if verdicts[true] < 50 || verdicts[false] < 50 {
		t.Errorf("one-sided test: %v", verdicts)
	}
}

// TestLeapfrogReversible goes forth, flips, and comes back.
func TestLeapfrogReversible(t *testing.T) {
	c := testChain(t, quartic(4), true, 3)
	sigma := mat.NewSymDense(4, []float64{2, 0.5, 0.1, 0, 0.5, 1, 0.2, 0.1, 0.1, 0.2, 0.7, -0.3, 0, 0.1, -0.3, 1.5})
	if err := c.metric.setCovariance(sigma); err != nil {
		t.Fatal(err)
	}
	e := &c.left
	copy(e.q, c.at.q)
	copy(e.p, []float64{0.3, -1, 0.5, 0.2})
	c.metric.pull(e.g, c.at.grad)
	for range 20 {
		if _, _, err := c.leapfrog(e, 0.1); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		if _, _, err := c.leapfrog(e, -0.1); err != nil {
			t.Fatal(err)
		}
	}
	for i, q := range e.q {
		if math.Abs(q-c.at.q[i]) > 1e-12 {
			t.Errorf("parameter %d came back to %v, started at %v", i, q, c.at.q[i])
		}
	}
	if got := c.metric.covariance(); !mat.EqualApprox(got, sigma, 1e-14) {
		t.Errorf("metric %v", mat.Formatted(got))
	}
}

// TestWeightsDoNotOverflow lets energies fall so far that plain exponentials overflow.
func TestWeightsDoNotOverflow(t *testing.T) {
	c := testChain(t, stdNormal(1), false, 1)
	c.weight, c.base, c.accept, c.subweight = 1, 0, 0, 0
	for _, gain := range []float64{-1, 900, 1900, 1899} {
		c.subweight += c.weigh(gain)
	}
	if want := 1 + math.Exp(-1); math.Abs(c.subweight-want) > 1e-12 || c.weight != 0 {
		t.Errorf("weights %g against %g, want %g against 0", c.subweight, c.weight, want)
	}
	if want := 3 + math.Exp(-1); math.Abs(c.accept-want) > 1e-12 {
		t.Errorf("acceptance sum %g, want %g", c.accept, want)
	}
}

func TestTransitionAllocatesNothing(t *testing.T) {
	for _, dense := range []bool{true, false} {
		c := testChain(t, quartic(3), dense, 5)
		n := testing.AllocsPerRun(1000, func() {
			if err := c.transition(0.3, 10); err != nil {
				t.Fatal(err)
			}
		})
		if n != 0 {
			t.Errorf("dense %v: %v allocations per transition", dense, n)
		}
	}
}

func TestDualAverageFindsTarget(t *testing.T) {
	d := dualAverage{target: 0.8, cap: math.Log(math.Pi)}
	d.restart(0.01)
	for range 500 {
		d.update(math.Exp(-d.step() / 3)) // accepts 0.8 at 3 ln 1.25
	}
	if want := 3 * math.Log(1.25); math.Abs(d.final()/want-1) > 0.02 {
		t.Errorf("step %g, want %g", d.final(), want)
	}
	// The first update by hand: s̄ = 0.3/11, x = log(10ε₀) − s̄/γ, x̄ = x.
	d.restart(0.5)
	d.update(0.5)
	if want := math.Log(5) - 0.3/11/0.05; math.Abs(d.x-want) > 1e-14 || math.Abs(d.xBar-want) > 1e-14 {
		t.Errorf("x %v, x̄ %v, want %v", d.x, d.xBar, want)
	}
	d.restart(1)
	for range 100 {
		d.update(1)
	}
	if d.step() != math.Pi {
		t.Errorf("step %v beyond the cap", d.step())
	}
}

func TestWindows(t *testing.T) {
	for n, want := range map[int][]int{
		1000: {10, 25, 50, 100, 200, 400, 950}, 100: {10, 25, 50, 75}, 20: {10, 15}, 300: {10, 25, 50, 100, 250},
	} {
		ends, last := windows(n)
		if len(ends) != len(want) || ends[len(ends)-1]+last != n {
			t.Errorf("windows(%d) = %v + %d, want %v", n, ends, last, want)
			continue
		}
		for i := range want {
			if ends[i] != want[i] {
				t.Errorf("windows(%d) = %v, want %v", n, ends, want)
			}
		}
	}
}

// BenchmarkTransition reports the time of one leapfrog step with its share of
// the tree, on a density that costs next to nothing.
func BenchmarkTransition(b *testing.B) {
	for _, bench := range []struct {
		name  string
		dim   int
		dense bool
	}{{"dense3", 3, true}, {"diagonal3", 3, false}, {"dense10", 10, true}, {"dense50", 50, true}, {"diagonal200", 200, false}} {
		b.Run(bench.name, func(b *testing.B) {
			c := testChain(b, stdNormal(bench.dim), bench.dense, 7)
			c.gradients = 0
			b.ReportAllocs()
			for b.Loop() {
				if err := c.transition(0.9, 10); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(c.gradients), "ns/leapfrog")
			b.ReportMetric(float64(c.gradients)/float64(b.N), "leapfrogs/op")
		})
	}
}
