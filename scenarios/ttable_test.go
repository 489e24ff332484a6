package scenarios

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// The reference is gonum's distribution function, at points between the nodes.
func TestTMapMatchesTheDistribution(t *testing.T) {
	for _, nu := range []float64{2, 2.4, 5, 17, 92} {
		m := mapFor(nu)
		d := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: nu}
		for x := -60.0; x < 0; x += 0.0137 {
			p := d.CDF(x)
			if p < 1e-15 {
				continue
			}
			if got := normalCDF(m.normal(x)); math.Abs(got/p-1) > 1e-6 {
				t.Fatalf("nu %v: P(T < %v) is %.10g, want %.10g", nu, x, got, p)
			}
			if m.normal(-x) != -m.normal(x) {
				t.Fatalf("nu %v: not odd at %v", nu, x)
			}
		}
		for z := -4.9; z < 5; z += 0.0173 {
			if back := m.normal(m.student(z)); math.Abs(back-z) > 2e-6 {
				t.Fatalf("nu %v: z %v came back as %v", nu, z, back)
			}
		}
	}
}

func TestTMapIsMonotone(t *testing.T) {
	for _, nu := range []float64{2, 4, 92} {
		m := mapFor(nu)
		last := 0.0
		for x := 1e-3; x < 1e10; x *= 1.003 {
			z := m.normal(x)
			if z < last && z < 30 || math.IsNaN(z) || z > 40 {
				t.Fatalf("nu %v: z(%v) = %v after %v", nu, x, z, last)
			}
			last = z
		}
	}
}

func BenchmarkTMap(b *testing.B) {
	m := mapFor(4)
	x := 0.0
	for b.Loop() {
		x += 0.001
		if x > 10 {
			x = -10
		}
		sink += m.normal(x)
	}
}

func BenchmarkNewTMap(b *testing.B) {
	for b.Loop() {
		newTMap(4)
	}
}

var sink float64
