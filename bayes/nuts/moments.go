package nuts

import "gonum.org/v1/gonum/mat"

// moments accumulates the means and covariances of draws and of gradients by
// Welford's recursion, in whatever order they are added.
type moments struct {
	n          int
	dense      bool
	draw, grad running
}

// running is the running mean and scatter of one sequence of vectors.
type running struct {
	mean, delta []float64
	scatter     []float64 // Σ(v−mean)(v−mean)ᵀ, packed lower rows, or its diagonal
}

func newMoments(dim int, dense bool) *moments {
	size := dim
	if dense {
		size = dim * (dim + 1) / 2
	}
	r := func() running {
		return running{make([]float64, dim), make([]float64, dim), make([]float64, size)}
	}
	return &moments{dense: dense, draw: r(), grad: r()}
}

func (m *moments) reset() {
	m.n = 0
	for _, r := range []*running{&m.draw, &m.grad} {
		clear(r.mean)
		clear(r.scatter)
	}
}

func (m *moments) add(q, grad []float64) {
	m.n++
	m.draw.add(q, m.n, m.dense)
	m.grad.add(grad, m.n, m.dense)
}

func (r *running) add(v []float64, n int, dense bool) {
	inv := 1 / float64(n)
	for i, x := range v {
		d := x - r.mean[i]
		r.delta[i] = d
		r.mean[i] += d * inv
	}
	shrink := 1 - inv
	if !dense {
		for i, d := range r.delta {
			r.scatter[i] += shrink * d * d
		}
		return
	}
	k := 0
	for i, d := range r.delta {
		d *= shrink
		row := r.scatter[k : k+i+1]
		for j := range row {
			row[j] += d * r.delta[j]
		}
		k += i + 1
	}
}

func (r *running) covariance(n int) *mat.SymDense {
	c := mat.NewSymDense(len(r.mean), nil)
	k := 0
	for i := range r.mean {
		for j := range i + 1 {
			c.SetSym(i, j, r.scatter[k]/float64(n-1))
			k++
		}
	}
	return c
}
