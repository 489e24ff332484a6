package qp

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// factorize builds the normal matrix and the Schur complement of the equality
// rows.
func (s *barrier) factorize() bool {
	n := len(s.x)
	raw := s.normal.Data
	clear(raw)
	for k, r := range s.G {
		d := s.z[k] / s.s[k]
		for t, i := range r.At {
			row, v := raw[i*n:(i+1)*n], d*r.V[t]
			for u := t; u < len(r.At); u++ { // the upper triangle
				row[r.At[u]] += v * r.V[u]
			}
		}
	}
	for i, x := range s.x {
		d := s.Q[i]
		if s.zl[i] > 0 {
			d += s.zl[i] / (x - s.Lo[i])
		}
		if s.zu[i] > 0 {
			d += s.zu[i] / (s.Up[i] - x)
		}
		raw[i*n+i] = (raw[i*n+i]+d)*(1+1e-15) + 1e-9
	}
	var ok bool
	if s.chol, ok = cholesky(s.normal); !ok {
		return false
	}
	schur := symmetric(len(s.A))
	s.columns = s.columns[:0]
	for l, r := range s.A {
		column := make([]float64, n)
		r.AddTo(column, 1)
		substitute(s.chol, column)
		s.columns = append(s.columns, column)
		for k := range l + 1 {
			schur.Data[k*len(s.A)+l] = s.A[k].Dot(column)
		}
		schur.Data[l*len(s.A)+l] += proximal
	}
	s.schur, ok = cholesky(schur)
	return ok
}

// symmetric returns a zero matrix whose upper triangle counts.
func symmetric(n int) blas64.Symmetric {
	return blas64.Symmetric{N: n, Stride: max(1, n), Data: make([]float64, n*n), Uplo: blas.Upper}
}

// cholesky leaves its argument alone.
func cholesky(a blas64.Symmetric) (blas64.Triangular, bool) {
	a.Data = append([]float64{}, a.Data...)
	return lapack64.Potrf(a)
}

// substitute overwrites x with (U'U)^-1 x.
func substitute(u blas64.Triangular, x []float64) {
	blas64.Trsv(blas.Trans, u, vector(x))
	blas64.Trsv(blas.NoTrans, u, vector(x))
}

// direction solves the Newton equations for complementarity target, with
// Mehrotra's second-order correction from the direction at hand if asked.
func (s *barrier) direction(target float64, correct bool) {
	n := len(s.x)
	rs, rl, ru := make([]float64, len(s.s)), make([]float64, n), make([]float64, n)
	for k := range rs {
		rs[k] = s.s[k]*s.z[k] - target
		if correct {
			rs[k] += s.ds[k] * s.dz[k]
		}
	}
	right := make([]float64, n)
	for i, x := range s.x {
		right[i] = -s.rd[i]
		if s.zl[i] > 0 {
			rl[i] = (x-s.Lo[i])*s.zl[i] - target
			if correct {
				rl[i] += s.dx[i] * s.dzl[i]
			}
			right[i] -= rl[i] / (x - s.Lo[i])
		}
		if s.zu[i] > 0 {
			ru[i] = (s.Up[i]-x)*s.zu[i] - target
			if correct {
				ru[i] -= s.dx[i] * s.dzu[i]
			}
			right[i] += ru[i] / (s.Up[i] - x)
		}
	}
	for k, r := range s.G {
		r.AddTo(right, -(s.z[k]*s.rg[k]-rs[k])/s.s[k])
	}
	s.reduced(right)
	for i, x := range s.x {
		if s.zl[i] > 0 {
			s.dzl[i] = (-rl[i] - s.zl[i]*s.dx[i]) / (x - s.Lo[i])
		}
		if s.zu[i] > 0 {
			s.dzu[i] = (-ru[i] + s.zu[i]*s.dx[i]) / (s.Up[i] - x)
		}
	}
	for k, r := range s.G {
		s.ds[k] = -s.rg[k] - r.Dot(s.dx)
		s.dz[k] = (-rs[k] - s.z[k]*s.ds[k]) / s.s[k]
	}
}

// reduced solves
//
//	normal dx + A'dy = right,  A dx - proximal dy = -rp
//
// with two steps of iterative refinement.
func (s *barrier) reduced(right []float64) {
	clear(s.dx)
	clear(s.dy)
	t, e := append([]float64{}, right...), make([]float64, len(s.A))
	left := make([]float64, len(s.A))
	for k, r := range s.rp {
		left[k] = -r
	}
	for range 3 {
		substitute(s.chol, t)
		for k, r := range s.A {
			e[k] = r.Dot(t) - left[k]
		}
		substitute(s.schur, e)
		for k, column := range s.columns {
			blas64.Axpy(-e[k], vector(column), vector(t))
			s.dy[k] += e[k]
		}
		blas64.Axpy(1, vector(t), vector(s.dx))

		copy(t, right) // what is left
		blas64.Symv(-1, s.normal, vector(s.dx), 1, vector(t))
		for k, r := range s.A {
			r.AddTo(t, -s.dy[k])
			left[k] = -s.rp[k] - r.Dot(s.dx) + proximal*s.dy[k] + s.delta*s.dy[k]
		}
	}
}

// eachPair visits the complementary pairs with their directions.
func (s *barrier) eachPair(visit func(slack, mult, dslack, dmult float64)) {
	for i, x := range s.x {
		if s.zl[i] > 0 {
			visit(x-s.Lo[i], s.zl[i], s.dx[i], s.dzl[i])
		}
		if s.zu[i] > 0 {
			visit(s.Up[i]-x, s.zu[i], -s.dx[i], s.dzu[i])
		}
	}
	for k := range s.s {
		visit(s.s[k], s.z[k], s.ds[k], s.dz[k])
	}
}

// lengths returns how far the direction can go before keep of a slack or a
// multiplier is used up. A quadratic term ties both: one length.
func (s *barrier) lengths(keep float64) (primal, dual float64) {
	primal, dual = 1, 1
	s.eachPair(func(slack, mult, dslack, dmult float64) {
		if dslack < 0 {
			primal = min(primal, -keep*slack/dslack)
		}
		if dmult < 0 {
			dual = min(dual, -keep*mult/dmult)
		}
	})
	for _, q := range s.Q {
		if q != 0 {
			return min(primal, dual), min(primal, dual)
		}
	}
	return primal, dual
}

// point returns the iterate in the terms of the whole program.
func (s *barrier) point() Point {
	out := Point{X: append([]float64{}, s.whole.Lo...), Y: make([]float64, len(s.y)), Z: make([]float64, len(s.z))}
	for k, i := range s.free {
		out.X[i] = s.x[k]
	}
	for k, y := range s.y {
		out.Y[k] = y * s.cost / s.unitA[k]
	}
	for k, z := range s.z {
		out.Z[k] = z * s.cost / s.unitG[k]
	}
	return out
}

func vector(x []float64) blas64.Vector { return blas64.Vector{N: len(x), Inc: 1, Data: x} }
