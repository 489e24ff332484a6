package optimize

import (
	"context"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// interior is a primal-dual interior point method (Mehrotra 1992) for
//
//	minimize  cost'x + sum_j most_j (row_j'x)+ - sum_(i<n) shares_i log x_i
//
// over x in R^d, whose first n entries are positive. With u and z the two
// parts of row'x = u - z, and q the multiplier of that equation, optimal is
//
//	cost + rows'q = (y, 0),   u_j v_j = z_j q_j = 0,   x_i y_i = shares_i
//
// where v = most - q. The products are driven to a common mu that falls to 0;
// those of x and y have their final value as target from the start. Hinges are
// eliminated, so that a step costs one d x d matrix, J d^2, and its factor.
type interior struct {
	n, d         int
	cost         []float64 // d
	rows         []float64 // J x d, row-major
	most         []float64 // J
	shares       []float64 // n
	unit         []float64 // n: mean absolute return of a unit of x
	x, y         []float64 // d, n
	u, z, q, v   []float64 // J
	dx, dy       []float64
	du, dz, dq   []float64
	primal       []float64 // J: residual of row'x = u - z
	dual         []float64 // d
	weight, push []float64 // J
	scaled       []float64 // block of rows, times the root of their weights
	normal       *mat.SymDense
	right        []float64 // d
	chol         mat.Cholesky
	iterations   int
}

func newInterior(d int, cost, rows, most, shares, unit, x []float64) *interior {
	n, J := len(shares), len(most)
	in := &interior{n: n, d: d, cost: cost, rows: rows, most: most, shares: shares, unit: unit, x: x}
	for _, f := range []struct {
		at   *[]float64
		size int
	}{
		{&in.y, n},
		{&in.u, J},
		{&in.z, J},
		{&in.q, J},
		{&in.v, J},
		{&in.dx, d},
		{&in.dy, n},
		{&in.du, J},
		{&in.dz, J},
		{&in.dq, J},
		{&in.primal, J},
		{&in.dual, d},
		{&in.weight, J},
		{&in.push, J},
		{&in.scaled, min(J, blockRows) * d},
		{&in.right, d},
	} {
		*f.at = make([]float64, f.size)
	}
	in.normal = mat.NewSymDense(d, nil)
	return in
}

// blockRows of a normal matrix fit into a cache.
const blockRows = 128

func (in *interior) matrix() blas64.General {
	return blas64.General{Rows: len(in.most), Cols: in.d, Stride: in.d, Data: in.rows}
}

// start fills the hinges around x; fill is the share of most with which q
// begins.
func (in *interior) start(fill []float64) {
	blas64.Gemv(blas.NoTrans, 1, in.matrix(), vector(in.x), 0, vector(in.primal))
	spread := 1e-3
	for _, r := range in.primal {
		spread += math.Abs(r) / float64(len(in.primal))
	}
	for j, r := range in.primal {
		in.u[j], in.z[j] = max(r, 0)+spread, max(-r, 0)+spread
		in.q[j] = fill[j] * in.most[j]
		in.v[j] = in.most[j] - in.q[j]
	}
	for i, b := range in.shares {
		in.y[i] = b / in.x[i]
	}
}

// solve iterates until gap and residuals are below tol, relative to a risk of
// one, or until they no longer fall, and leaves the best iterate. Past some
// point rounding in the normal matrix spoils the dual again.
func (in *interior) solve(ctx context.Context, tol float64) error {
	if len(in.most) == 0 { // plain means: the risk is linear
		for i, b := range in.shares {
			if in.cost[i] <= zeroRisk*in.unit[i] {
				in.x[i] = 1e12
				return errDiverged
			}
			in.x[i] = b / in.cost[i]
		}
		return nil
	}
	const limit, patience = 120, 5
	best, worse := math.Inf(1), 0
	var kept [6][]float64
	state := [6][]float64{in.x, in.y, in.u, in.z, in.q, in.v}
	for in.iterations < limit && worse < patience {
		if err := ctx.Err(); err != nil {
			return err
		}
		mu, merit := in.residuals()
		if merit < best {
			best, worse = merit, 0
			for k, f := range state {
				kept[k] = append(kept[k][:0], f...)
			}
		} else {
			worse++
		}
		if merit <= tol || math.IsNaN(merit) {
			break
		}
		if in.worthless() {
			return errDiverged
		}
		in.iterations++
		if !in.factorize() {
			break
		}
		in.step(mu)
	}
	for k, f := range state {
		copy(f, kept[k])
	}
	return nil
}

// residuals fills what is left of the linear equations and returns the mean
// product of the hinges and the largest of all errors.
func (in *interior) residuals() (mu, merit float64) {
	blas64.Gemv(blas.NoTrans, -1, in.matrix(), vector(in.x), 0, vector(in.primal))
	gap := 0.0
	for j := range in.primal {
		in.primal[j] += in.u[j] - in.z[j]
		gap += in.u[j]*in.v[j] + in.z[j]*in.q[j]
		merit = max(merit, math.Abs(in.primal[j]))
	}
	blas64.Gemv(blas.Trans, -1, in.matrix(), vector(in.q), 0, vector(in.dual))
	for i := range in.dual {
		in.dual[i] -= in.cost[i]
		if i < in.n {
			in.dual[i] += in.y[i]
			merit = max(merit, math.Abs(in.x[i]*in.y[i]-in.shares[i]), math.Abs(in.dual[i])*in.x[i])
		} else {
			merit = max(merit, math.Abs(in.dual[i]))
		}
	}
	return gap / float64(2*max(1, len(in.primal))), max(merit, gap)
}

// worthless reports weights that have next to no risk for their size.
func (in *interior) worthless() bool {
	risk := blas64.Dot(vector(in.cost), vector(in.x))
	for j, r := range in.primal { // row'x = u - z - what is left
		risk += in.most[j] * max(0, in.u[j]-in.z[j]-r)
	}
	return risk <= zeroRisk*blas64.Dot(vector(in.unit), vector(in.x[:in.n]))
}

// factorize factorizes rows'D rows + Y/X with 1/D_j = u_j/v_j + z_j/q_j. A
// matrix that is singular to working precision gets a little on its diagonal.
func (in *interior) factorize() bool {
	d, J := in.d, len(in.most)
	for j := range in.weight {
		in.weight[j] = 1 / (in.u[j]/in.v[j] + in.z[j]/in.q[j])
	}
	c := in.normal.RawSymmetric()
	clear(c.Data)
	for first := 0; first < J; first += blockRows {
		count := min(blockRows, J-first)
		for k := range count {
			root := math.Sqrt(in.weight[first+k])
			row, to := in.rows[(first+k)*d:(first+k+1)*d], in.scaled[k*d:(k+1)*d]
			for i, x := range row {
				to[i] = root * x
			}
		}
		block := blas64.General{Rows: count, Cols: d, Stride: d, Data: in.scaled[:count*d]}
		blas64.Syrk(blas.Trans, 1, block, 1, c)
	}
	for i := range in.n {
		c.Data[i*d+i] += in.y[i] / in.x[i]
	}
	most := 0.0
	for i := range d {
		most = max(most, c.Data[i*d+i])
	}
	for _, ridge := range []float64{0, 1e-15, 1e-14, 1e-13, 1e-12} {
		if ridge > 0 {
			for i := range d {
				c.Data[i*d+i] += ridge * most
			}
		}
		if in.chol.Factorize(in.normal) {
			return true
		}
	}
	return false
}

// step goes one predictor-corrector step. Where that would end at once, at a
// product that is far smaller than the others, it goes towards equal products
// instead; and it stays further from zero as long as steps are short.
func (in *interior) step(mu float64) {
	in.direction(0, 0)
	ap, ad := in.lengths()
	ap, ad = min(1, ap), min(1, ad)
	after := 0.0
	for j := range in.u {
		after += (in.u[j]+ap*in.du[j])*(in.v[j]-ad*in.dq[j]) + (in.z[j]+ap*in.dz[j])*(in.q[j]+ad*in.dq[j])
	}
	sigma := math.Pow(after/(float64(2*len(in.u))*mu), 3)
	in.direction(min(sigma, 1)*mu, min(ap, ad))
	ap, ad = in.lengths()
	if min(ap, ad) < 0.1 {
		in.direction(mu, 0)
		ap, ad = in.lengths()
	}
	back := min(0.9995, max(0.8, min(ap, ad)))
	ap, ad = min(1, back*ap), min(1, back*ad)
	blas64.Axpy(ap, vector(in.dx), vector(in.x))
	blas64.Axpy(ap, vector(in.du), vector(in.u))
	blas64.Axpy(ap, vector(in.dz), vector(in.z))
	blas64.Axpy(ad, vector(in.dy), vector(in.y))
	blas64.Axpy(ad, vector(in.dq), vector(in.q))
	blas64.Axpy(-ad, vector(in.dq), vector(in.v))
}

// direction solves for the Newton step to products mu, corrected to second
// order by a part of the step that the fields hold.
func (in *interior) direction(mu, part float64) {
	for j := range in.push {
		over := mu - in.u[j]*in.v[j] + part*in.du[j]*in.dq[j]
		under := mu - in.z[j]*in.q[j] - part*in.dz[j]*in.dq[j]
		in.du[j], in.dz[j] = over/in.v[j], under/in.q[j]
		in.push[j] = in.du[j] - in.dz[j] + in.primal[j]
		in.dq[j] = in.weight[j] * in.push[j] // for the product below
	}
	copy(in.right, in.dual)
	blas64.Gemv(blas.Trans, 1, in.matrix(), vector(in.dq), 1, vector(in.right))
	for i, b := range in.shares {
		in.dy[i] = (b - in.x[i]*in.y[i] - part*in.dx[i]*in.dy[i]) / in.x[i]
		in.right[i] += in.dy[i]
	}
	// A solution is refused only where the condition is bad, and then used all
	// the same: the residuals tell.
	_ = in.chol.SolveVecTo(mat.NewVecDense(in.d, in.dx), mat.NewVecDense(in.d, in.right))
	blas64.Gemv(blas.NoTrans, 1, in.matrix(), vector(in.dx), 0, vector(in.dq))
	for j := range in.dq {
		in.dq[j] = in.weight[j] * (in.dq[j] - in.push[j])
		in.du[j] += in.u[j] / in.v[j] * in.dq[j]
		in.dz[j] -= in.z[j] / in.q[j] * in.dq[j]
	}
	for i := range in.dy {
		in.dy[i] -= in.y[i] / in.x[i] * in.dx[i]
	}
}

// lengths returns the longest steps that keep everything positive.
func (in *interior) lengths() (primal, dual float64) {
	primal, dual = 2, 2
	for j := range in.u {
		if in.du[j] < 0 {
			primal = min(primal, -in.u[j]/in.du[j])
		}
		if in.dz[j] < 0 {
			primal = min(primal, -in.z[j]/in.dz[j])
		}
		if in.dq[j] < 0 {
			dual = min(dual, -in.q[j]/in.dq[j])
		} else if in.dq[j] > 0 {
			dual = min(dual, in.v[j]/in.dq[j])
		}
	}
	for i := range in.n {
		if in.dx[i] < 0 {
			primal = min(primal, -in.x[i]/in.dx[i])
		}
		if in.dy[i] < 0 {
			dual = min(dual, -in.y[i]/in.dy[i])
		}
	}
	return primal, dual
}
