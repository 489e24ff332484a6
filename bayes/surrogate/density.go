package surrogate

import "math"

// Density approximates a log density f in coordinates x near those in which the normal
// approximation at its mode is the standard normal (see Warp):
//
//	s(x) = -|x|^2/2 + P(w),   w = x/(1 + (|x|/6)^8)^(1/8)
//
// P is fitted by least squares to values and gradients of 6 tanh((f + |x|^2/2)/6):
// what f is far below or above a normal density in the tails matters to no draw, and
// would bend P where the draws are. s is held below tails of a Student-t,
// s <- -ln(e^-s + e^-u), u = 4 - (3+dim)/2 ln(1 + |x|^2/(3 1.3^2)): far from its points a
// polynomial can be high by accident, and would keep chains where f has nothing.
//
// It is a nuts.Density, for one goroutine at a time.
type Density struct {
	*Warp
	p    polynomial
	w, g []float64
}

const (
	reach     = 6.0 // |w| is less
	softLimit = 6.0 // of f + |x|^2/2
	capDF     = 3
	capScale  = 1.3
	capLevel  = 4.0
)

// New fits a surrogate of f, which returns a log density in whitened coordinates z,
// relative to that at its mode 0, with its gradient; false where it is not finite at
// a point of the design, as it may be within 4 standard deviations of the mode.
func New(dim int, f func(z, grad []float64) (float64, bool)) (*Density, bool) {
	skew, z, grad := make([]float64, dim), make([]float64, dim), make([]float64, dim)
	for i := range z {
		z[i] = 1
		up, ok1 := f(z, grad)
		z[i] = -1
		down, ok2 := f(z, grad)
		if !ok1 || !ok2 {
			return nil, false
		}
		z[i] = 0
		skew[i] = (up - down) / 2
	}
	w := newWarp(skew)
	slope, bend := make([]float64, dim), make([]float64, dim)
	p, ok := designOf(dim).fit(func(x, grad []float64) (float64, bool) {
		v := w.At(x, z, slope, bend)
		lp, ok := f(z, grad)
		v += lp
		for i, xi := range x {
			v += xi * xi / 2
			grad[i] = grad[i]*slope[i] + bend[i] + xi
		}
		soft := math.Tanh(v / softLimit)
		for i := range grad {
			grad[i] *= 1 - soft*soft
		}
		return softLimit * soft, ok
	})
	return &Density{Warp: w, p: p, w: make([]float64, dim), g: make([]float64, dim)}, ok
}

// Clone returns a copy for another goroutine.
func (d *Density) Clone() *Density {
	return &Density{Warp: d.Warp, p: d.p, w: make([]float64, d.p.dim), g: make([]float64, d.p.dim)}
}

// Evaluations is the number of gradients that New needs.
func Evaluations(dim int) int { return 2*dim + 1 + 2*len(designOf(dim).points) }

// Dim is the number of variables.
func (d *Density) Dim() int { return d.p.dim }

// LogDensity returns s(x) and writes its gradient. There is no error.
func (d *Density) LogDensity(x, grad []float64) (float64, error) {
	square := 0.0
	for _, v := range x {
		square += v * v
	}
	q := square / (reach * reach)
	q *= q
	q *= q
	shrink := 1 / math.Sqrt(math.Sqrt(math.Sqrt(1+q)))
	for i, v := range x {
		d.w[i] = shrink * v
	}
	s := d.p.at(d.w, d.g) - square/2
	along := 0.0
	for i, v := range x {
		along += d.g[i] * v
	}
	inward := 0.0
	if q > 0 {
		inward = along * q / (square * (1 + q))
	}
	const width = 1 / (capDF * capScale * capScale)
	half := (capDF + float64(d.p.dim)) / 2
	tail := 1 + square*width
	most := capLevel - half*math.Log(tail)
	over := math.Exp(s - most)
	share := 1 / (1 + over) // of s in the gradient
	if math.IsInf(over, 1) {
		s = most
	} else {
		s -= math.Log1p(over)
	}
	down := (1 - share) * 2 * half * width / tail
	for i, v := range x {
		grad[i] = share*(shrink*(d.g[i]-inward*v)-v) - down*v
	}
	return s, nil
}
