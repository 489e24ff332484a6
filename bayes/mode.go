package bayes

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// laplace is a normal approximation at a mode: covariance = lower lower^T, the
// inverse of the negative Hessian.
type laplace struct {
	at         []float64
	covariance *mat.SymDense
	lower      *mat.TriDense
	logDensity float64 // at the mode
	logMass    float64 // of the approximation, less dim/2 ln(2 pi)
}

const (
	saddles     = 10  // left behind at most on one way to a mode
	newtonSteps = 200 // to a mode
	dearSteps   = 10  // of a Valuer, from where an ascent ended
)

// newLaplace ascends from q to a maximum of the log density by Newton's method
// with a line search, and approximates the density there. It returns nil where
// there is no maximum to be found. A point where the gradient vanishes but the
// density curves upward in some direction is a saddle, and is left in that
// direction. It gives up after so many steps.
func newLaplace(m Model, q []float64, steps int) *laplace {
	n := m.Dim()
	x := append([]float64(nil), q...)
	grad, trial, trialGrad := make([]float64, n), make([]float64, n), make([]float64, n)
	lp, err := m.LogDensity(x, grad)
	if err != nil || math.IsNaN(lp) || math.IsInf(lp, 0) {
		return nil
	}
	step, left := mat.NewVecDense(n, nil), 0
	for range steps {
		c := curvature(m, x)
		if c == nil {
			return nil
		}
		if err := c.chol.SolveVecTo(step, mat.NewVecDense(n, grad)); err != nil {
			return nil
		}
		gain := mat.Dot(step, mat.NewVecDense(n, grad)) // expected rise, twice over
		if gain < 1e-8 && c.up == nil {
			l := &laplace{at: x, covariance: mat.NewSymDense(n, nil), lower: mat.NewTriDense(n, mat.Lower, nil), logDensity: lp}
			l.logMass = lp - c.chol.LogDet()/2
			var inverse mat.Cholesky
			if err := c.chol.InverseTo(l.covariance); err != nil || !inverse.Factorize(l.covariance) {
				return nil
			}
			inverse.LTo(l.lower)
			return l
		}
		slope := gain
		if gain < 1e-8 { // a saddle: up by at least what rounding cannot make
			if left++; left > saddles {
				return nil
			}
			slope = 0
		}
		moved := false
		for scale := 1.0; scale > 1e-8 && !moved; scale /= 2 {
			for _, sign := range []float64{1, -1} {
				for i := range trial {
					trial[i] = x[i] + scale*step.AtVec(i)
					if slope == 0 {
						trial[i] = x[i] + sign*scale*c.up[i]
					}
				}
				l, err := m.LogDensity(trial, trialGrad)
				if err == nil && !math.IsInf(l, 1) && (slope > 0 && l >= lp+1e-4*scale*slope || slope == 0 && l > lp+1e-8) {
					lp, moved = l, true
					copy(x, trial)
					copy(grad, trialGrad)
					break
				}
				if slope > 0 {
					break
				}
			}
		}
		if !moved {
			return nil
		}
	}
	return nil
}

// move writes at + scale lower z.
func (l *laplace) move(q, z []float64, scale float64) {
	for i := range q {
		sum := 0.0
		for j := range i + 1 {
			sum += l.lower.At(i, j) * z[j]
		}
		q[i] = l.at[i] + scale*sum
	}
}

// distance2 returns the squared Mahalanobis distance of q from the mode.
func (l *laplace) distance2(q []float64) float64 {
	z, sum := make([]float64, len(q)), 0.0
	for i := range q {
		v := q[i] - l.at[i]
		for j := range i {
			v -= l.lower.At(i, j) * z[j]
		}
		z[i] = v / l.lower.At(i, i)
		sum += z[i] * z[i]
	}
	return sum
}

// bend is the negative Hessian at a point. Where it is not positive definite,
// chol has the absolute values of its eigenvalues, so that Newton's step still
// ascends, and up is the direction in which the density curves upward most, or
// downward least.
type bend struct {
	chol *mat.Cholesky
	up   []float64
}

// curvature takes central differences of the gradient; nil where they are not
// finite.
func curvature(m Model, x []float64) *bend {
	n := len(x)
	h := mat.NewDense(n, n, nil)
	up, down, shifted := make([]float64, n), make([]float64, n), append([]float64(nil), x...)
	for i := range n {
		const e = 1e-5
		shifted[i] = x[i] + e
		_, err1 := m.LogDensity(shifted, up)
		shifted[i] = x[i] - e
		_, err2 := m.LogDensity(shifted, down)
		shifted[i] = x[i]
		if err1 != nil || err2 != nil {
			return nil
		}
		for j := range n {
			h.Set(i, j, -(up[j]-down[j])/(2*e))
		}
	}
	s := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			v := (h.At(i, j) + h.At(j, i)) / 2
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil
			}
			s.SetSym(i, j, v)
		}
	}
	var chol mat.Cholesky
	if chol.Factorize(s) && chol.Cond() < 1e12 {
		return &bend{chol: &chol}
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(s, true) {
		return nil
	}
	values := eigen.Values(nil)
	top := 0.0
	for _, v := range values {
		top = max(top, math.Abs(v))
	}
	var vectors, scaled mat.Dense
	eigen.VectorsTo(&vectors)
	scaled.Apply(func(_, j int, v float64) float64 { return v * max(math.Abs(values[j]), 1e-8*top, 1e-12) }, &vectors)
	h.Mul(&scaled, vectors.T())
	for i := range n {
		for j := i; j < n; j++ {
			s.SetSym(i, j, (h.At(i, j)+h.At(j, i))/2)
		}
	}
	if !chol.Factorize(s) {
		return nil
	}
	return &bend{&chol, mat.Col(nil, 0, &vectors)} // eigenvalues rise
}
