package bayes

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// guesser is a model that knows where its posterior is, roughly.
type guesser interface{ guess(q []float64) }

// mode climbs from q to a maximum of the log density by Newton's method with
// a line search, and returns it with the inverse of the negative Hessian
// there: the Laplace approximation. ok is false where there is no maximum to
// be found; the sampler then starts without it.
func mode(m Model, q []float64) (at []float64, covariance *mat.SymDense, ok bool) {
	n := m.Dim()
	x := append([]float64(nil), q...)
	grad, trial, trialGrad := make([]float64, n), make([]float64, n), make([]float64, n)
	lp, err := m.LogDensity(x, grad)
	if err != nil || math.IsNaN(lp) {
		return nil, nil, false
	}
	step := mat.NewVecDense(n, nil)
	for range 200 {
		chol, found := curvature(m, x)
		if !found {
			return nil, nil, false
		}
		if err := chol.SolveVecTo(step, mat.NewVecDense(n, grad)); err != nil {
			return nil, nil, false
		}
		gain := mat.Dot(step, mat.NewVecDense(n, grad)) // expected rise, twice over
		if gain < 1e-8 {
			covariance = mat.NewSymDense(n, nil)
			if err := chol.InverseTo(covariance); err != nil {
				return nil, nil, false
			}
			return x, covariance, true
		}
		moved := false
		for scale := 1.0; scale > 1e-8; scale /= 2 {
			for i := range trial {
				trial[i] = x[i] + scale*step.AtVec(i)
			}
			if l, err := m.LogDensity(trial, trialGrad); err == nil && l >= lp+1e-4*scale*gain {
				lp, moved = l, true
				copy(x, trial)
				copy(grad, trialGrad)
				break
			}
		}
		if !moved {
			return nil, nil, false
		}
	}
	return nil, nil, false
}

// curvature factorises the negative Hessian at x, by central differences of
// the gradient; where that is not positive definite, its eigenvalues are made
// positive, so that Newton's step still climbs.
func curvature(m Model, x []float64) (*mat.Cholesky, bool) {
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
			return nil, false
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
				return nil, false
			}
			s.SetSym(i, j, v)
		}
	}
	var chol mat.Cholesky
	if chol.Factorize(s) && chol.Cond() < 1e12 {
		return &chol, true
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(s, true) {
		return nil, false
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
	return &chol, chol.Factorize(s)
}
