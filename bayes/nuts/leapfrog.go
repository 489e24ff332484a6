package nuts

import (
	"errors"
	"math"
)

// endpoint is one end of a trajectory. Momentum and gradient are whitened by
// the metric's factor L (covariance Σ = LLᵀ): with p ~ N(0, I) and g = Lᵀ∇log π
// the equations of motion are q̇ = Lp, ṗ = g, the kinetic energy is |p|²/2, and
// Stan's p♯·ρ = pᵀM⁻¹ρ becomes a plain dot product.
type endpoint struct {
	q, p, g []float64
}

func newEndpoint(dim int) endpoint {
	v := make([]float64, 3*dim)
	return endpoint{v[:dim:dim], v[dim : 2*dim : 2*dim], v[2*dim:]}
}

func (e *endpoint) set(from *endpoint) {
	copy(e.q, from.q)
	copy(e.p, from.p)
	copy(e.g, from.g)
}

// leapfrog advances e by one step of size eps (negative: back in time): half
// kick, drift, half kick. It returns the energy H = |p|²/2 − log π(q) and the
// log density there, with ∇log π left in c.grad. A rejected point has H = +Inf.
func (c *chain) leapfrog(e *endpoint, eps float64) (energy, logp float64, err error) {
	m, half := c.metric, eps/2
	dim := len(c.grad)
	q, p, g := e.q[:dim], e.p[:dim], e.g[:dim]
	if m.dense {
		rows := m.rows
		for i, gi := range g {
			p[i] += half * gi
			row := rows[:i+1]
			rows = rows[i+1:]
			var s float64
			for j, l := range row {
				s += l * p[j]
			}
			q[i] += eps * s
		}
	} else {
		for i, l := range m.rows[:dim] {
			p[i] += half * g[i]
			q[i] += eps * l * p[i]
		}
	}

	c.gradients++
	grad := c.grad
	if logp, err = c.density.LogDensity(q, grad); err != nil {
		if errors.Is(err, ErrRecoverable) {
			c.sawNonFinite(q)
			return math.Inf(1), math.Inf(-1), nil
		}
		return 0, 0, c.pointError(q, err)
	}

	var kinetic float64
	if m.dense {
		cols := m.cols
		for j := range g {
			col := cols[:dim-j]
			cols = cols[dim-j:]
			var s float64
			for i, v := range grad[j:] {
				s += col[i] * v
			}
			g[j] = s
			s = p[j] + half*s
			p[j] = s
			kinetic += s * s
		}
	} else {
		for i, l := range m.rows[:dim] {
			s := l * grad[i]
			g[i] = s
			s = p[i] + half*s
			p[i] = s
			kinetic += s * s
		}
	}
	energy = kinetic/2 - logp
	if math.IsNaN(energy) || math.IsInf(energy, 0) {
		c.sawNonFinite(q)
		energy = math.Inf(1)
	}
	return energy, logp, nil
}

// sawNonFinite keeps the chain's first point without a finite log density or
// gradient.
func (c *chain) sawNonFinite(q []float64) {
	if c.firstNonFinite == nil {
		c.firstNonFinite = append([]float64(nil), q...)
	}
}
