package bayes

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

var drawNus = []float64{2.0001, 2.05, 2.5, 3, 5, 8, 30, 200, 1e4, 1e9}

// Every cell against gonum's distribution function: the probability beyond its
// points is off by less than 1e-4, and by less than 0.1% of itself.
func TestTDrawCells(t *testing.T) {
	for _, nu := range drawNus {
		ref := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: nu}
		var d tDraws
		d.set(0, 1, nu)
		for i, c := range d.cells {
			for _, within := range []float64{0, 0.25, 0.5, 0.75, 1} {
				x := cellNode(i) + within*(cellNode(i+1)-cellNode(i))
				want := x / (1 << 33)
				if off := math.Abs(ref.CDF(-c.offset-c.slope*x) - want); !(off < 1e-4 && off < 1e-3*want) {
					t.Fatalf("nu %v, cell %d: off by %v of probability %v", nu, i, off, want)
				}
			}
		}
		for _, x := range []float64{1, 77, cellNode(0) - 1} { // beyond the cells
			want := x / (1 << 33)
			if got := ref.CDF(-d.beyond(x)); !(math.Abs(got-want) < 1e-6*want) {
				t.Errorf("nu %v: probability %v beyond the draw of %v", nu, got, want)
			}
		}
	}
}

// 300,000 draws at a location and scale against gonum: by the
// Kolmogorov-Smirnov distance, whose 99.9% quantile is 1.95/sqrt(n), and by the
// number beyond quantiles far out in either tail. Neighbors, which share a
// number of the generator, do not correlate, nor do their sizes.
func TestTDraws(t *testing.T) {
	n := 300_000
	if testing.Short() {
		n = 30_000
	}
	for _, nu := range drawNus {
		ref := distuv.StudentsT{Mu: 0.5, Sigma: 2, Nu: nu}
		var d tDraws
		d.set(ref.Mu, ref.Sigma, nu)
		r := make([]float64, n+1)
		d.fill(rand.New(rand.NewPCG(5, uint64(nu*10))), r)
		u, size := make([]float64, len(r)), make([]float64, len(r))
		for i, v := range r {
			u[i] = ref.CDF(v)
			size[i] = math.Abs(u[i] - 0.5)
		}
		for _, x := range [][]float64{u, size} {
			if c := stat.Correlation(x[:n], x[1:], nil); !(math.Abs(c) < 4/math.Sqrt(float64(n))) {
				t.Errorf("nu %v: neighbors correlate by %v", nu, c)
			}
		}
		slices.Sort(u)
		worst := 0.0
		for i, v := range u {
			worst = max(worst, math.Abs(v-(float64(i)+0.5)/float64(len(u))))
		}
		if !(worst < 1.95/math.Sqrt(float64(n))) {
			t.Errorf("nu %v: Kolmogorov-Smirnov distance %v", nu, worst)
		}
		slices.Sort(r)
		for _, p := range []float64{1e-2, 1e-3, 1e-4, 1e-5} {
			cut := ref.Quantile(p)
			below, _ := slices.BinarySearch(r, cut)
			above, _ := slices.BinarySearch(r, 2*ref.Mu-cut)
			for _, count := range []int{below, len(r) - above} {
				if math.Abs(float64(count)-float64(n)*p) > 4*math.Sqrt(float64(n)*p) {
					t.Errorf("nu %v: %d draws beyond probability %v, expected %v", nu, count, p, float64(n)*p)
				}
			}
		}
	}
}

// The same random numbers make the same draws, whatever was drawn before, and
// nothing is allocated.
func TestTDrawsRepeat(t *testing.T) {
	m, theta := studentTPredictor{}, []float64{0.001, 0.01, 4}
	a, b := make([]float64, 2521), make([]float64, 2521)
	m.Replicate(theta, rand.New(rand.NewPCG(1, 2)), a)
	m.Replicate([]float64{0, 1, 30}, rand.New(rand.NewPCG(3, 4)), b)
	m.Replicate(theta, rand.New(rand.NewPCG(1, 2)), b)
	if !slices.Equal(a, b) {
		t.Error("draws differ")
	}
	rng := rand.New(rand.NewPCG(1, 2))
	if allocs := testing.AllocsPerRun(10, func() { m.Replicate(theta, rng, a) }); allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func BenchmarkTDraws(b *testing.B) {
	m, r, rng := studentTPredictor{}, make([]float64, 2520), rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		m.Replicate([]float64{0.001, 0.01, 4}, rng, r)
	}
}

func BenchmarkStatistics(b *testing.B) {
	y, s := benchmarkReturns(2520), newSummarizer(2520)
	for b.Loop() {
		s.of(y)
	}
}
