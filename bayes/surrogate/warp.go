package surrogate

import "math"

// Warp maps coordinates x of a surrogate to whitened ones, each by itself,
//
//	z = (sinh(d + a x) - sinh d) / (a cosh d),
//
// which has slope 1 at 0 and the curvature a tanh d that takes the skewness out of the
// density along the axis: that a polynomial is asked for less. It is onto.
type Warp struct{ a, d, sinh, cosh []float64 }

const (
	lean     = 1.5 // |d|
	mostBend = 0.5 // |a tanh d|
	share    = 0.8 // of the skewness that is taken out: the best of those tried
)

// newWarp makes the map for a log density whose odd part at 1 along each axis is skew,
// a sixth of the third derivative or so: the map takes it out with a curvature of twice
// its size.
func newWarp(skew []float64) *Warp {
	n := len(skew)
	w := &Warp{make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)}
	for i, c := range skew {
		bend := max(-mostBend, min(mostBend, 2*share*c))
		w.a[i], w.d[i] = math.Abs(bend)/math.Tanh(lean), math.Copysign(lean, bend)
		w.sinh[i], w.cosh[i] = math.Sinh(w.d[i]), math.Cosh(w.d[i])
	}
	return w
}

// At writes z and returns the log Jacobian, ln |dz/dx|; and, unless they are nil, dz/dx
// of each axis and the derivative of its logarithm.
func (w *Warp) At(x, z, slope, bend []float64) (logSlope float64) {
	product := 1.0
	for i, v := range x {
		if w.a[i] < 1e-6 {
			z[i] = v
			if slope != nil {
				slope[i], bend[i] = 1, 0
			}
			continue
		}
		up := math.Exp(w.d[i] + w.a[i]*v)
		down := 1 / up
		sinh, cosh := (up-down)/2, (up+down)/2
		z[i] = (sinh - w.sinh[i]) / (w.a[i] * w.cosh[i])
		product *= cosh / w.cosh[i]
		if slope != nil {
			slope[i] = cosh / w.cosh[i]
			bend[i] = w.a[i] * sinh / cosh
		}
	}
	return math.Log(product)
}
