package bayes

import "math"

// tTailTable is the distribution function of a Student-t, for as many evaluations that
// exact ones would be slower: cubic Hermite interpolation in s = t/(bend+t), whose
// derivatives are the density's, to 2e-9 absolute. Beyond the last knot it is exact,
// so that small tail probabilities keep their digits.
type tTailTable struct {
	nu   float64
	knot [tKnots + 1]struct{ tail, slope float64 } // P(T > t) and its derivative by s, times the distance of knots
}

const (
	tKnots        = 192
	tBend         = 2.0
	tLastKnot     = 12.0
	tSpacing      = tLastKnot / (tBend + tLastKnot) / tKnots
	tTailTableMin = 500 // evaluations from which a table pays
)

func newTTailTable(nu float64) *tTailTable {
	f := &tTailTable{nu: nu}
	density := newTDensity(0, 1, nu)
	for k := range f.knot {
		s := float64(k) * tSpacing
		t := tBend * s / (1 - s)
		tail := 0.5
		if t > 0 {
			tail, _ = tTails(t, nu)
		}
		f.knot[k].tail = tail
		f.knot[k].slope = -math.Exp(density.log(t)) * tBend / ((1 - s) * (1 - s)) * tSpacing
	}
	return f
}

// tail returns P(T > t) for t >= 0.
func (f *tTailTable) tail(t float64) float64 {
	if !(t < tLastKnot) {
		p, _ := tTails(t, f.nu)
		return p
	}
	x := t / (tBend + t) / tSpacing
	k := min(int(x), tKnots-1)
	x -= float64(k)
	a, b := &f.knot[k], &f.knot[k+1]
	rest := 1 - x
	return rest*rest*((1+2*x)*a.tail+x*a.slope) + x*x*((3-2*x)*b.tail-rest*b.slope)
}

// cdfFor returns P(E < e), by a table where it will be asked n times.
func (s *skewT) cdfFor(n int) func(e float64) float64 {
	if n < tTailTableMin {
		return s.cdf
	}
	table, unit := newTTailTable(s.nu), math.Sqrt(s.nu*s.k)
	low, high := unit/(1-s.lambda), unit/(1+s.lambda)
	return func(e float64) float64 {
		u := s.a + s.b*e
		if u < 0 {
			return (1 - s.lambda) * table.tail(-u*low)
		}
		return 1 - (1+s.lambda)*table.tail(u*high)
	}
}
