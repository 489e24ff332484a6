package scenarios

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// condition is a linear constraint on probabilities: sum p f >= value, or equal.
type condition struct {
	f     []float64 // S
	value float64
	equal bool
	view  int // index of the view it comes from
}

type pooled struct {
	prob      []float64
	effective float64 // exp of the entropy of prob: number of scenarios that carry it
	unmet     []bool  // conditions that are not met; nil if all are
}

// poolTolerance is how closely conditions are met, in standard deviations of
// their f.
const poolTolerance = 1e-9

// pool returns the probabilities closest to prior in relative entropy that
// meet the conditions (Meucci 2008, "Fully flexible views", equations 18-22):
// p_s ~ prior_s exp(sum_k lambda_k f_ks), where lambda, >= 0 for inequalities,
// maximizes the concave dual
//
//	sum_k lambda_k value_k - ln sum_s prior_s exp(sum_k lambda_k f_ks).
//
// The dual is maximized by Newton's method, projected on the bounds and with a
// line search; for conditions that no probabilities meet it has no maximum. The dual is at most the relative
// entropy of any probabilities that meet them: beyond that of a single scenario there are none.
func pool(prior []float64, conditions []condition) pooled {
	rarest := 1.0
	for _, p := range prior {
		if p > 0 {
			rarest = min(rarest, p)
		}
	}
	return poolBelow(prior, conditions, 1e-9-math.Log(rarest))
}

// poolBelow is pool for probabilities of which the relative entropy is less than most: others
// count as none.
func poolBelow(prior []float64, conditions []condition, most float64) pooled {
	n, k := len(prior), len(conditions)
	// Standardized conditions make Newton's steps and the tolerance scale-free.
	f, value := make([][]float64, k), make([]float64, k)
	for i, c := range conditions {
		mean, ss := 0.0, 0.0
		for s, v := range c.f {
			mean += prior[s] * v
		}
		for s, v := range c.f {
			ss += prior[s] * (v - mean) * (v - mean)
		}
		sd := max(math.Sqrt(ss), 1e-12*max(1, math.Abs(mean)))
		f[i] = make([]float64, n)
		for s, v := range c.f {
			f[i][s] = (v - mean) / sd
		}
		value[i] = (c.value - mean) / sd
	}
	lambda, trial := make([]float64, k), make([]float64, k)
	p, tried := make([]float64, n), make([]float64, n)
	dual := func(l, p []float64) float64 {
		top := math.Inf(-1)
		for s := range p {
			x := 0.0
			for i := range l {
				x += l[i] * f[i][s]
			}
			p[s] = x
			top = max(top, x)
		}
		sum := 0.0
		for s := range p {
			p[s] = prior[s] * math.Exp(p[s]-top)
			sum += p[s]
		}
		for s := range p {
			p[s] /= sum
		}
		d := -top - math.Log(sum)
		for i := range l {
			d += l[i] * value[i]
		}
		return d
	}
	at := dual(lambda, p)
	beyond := at > most
	gradient := make([]float64, k)
	for range 200 {
		if beyond = at > most; beyond {
			break
		}
		gap := 0.0
		var free []int
		for i := range f {
			m := 0.0
			for s, v := range f[i] {
				m += p[s] * v
			}
			gradient[i] = value[i] - m
			if conditions[i].equal || lambda[i] > 0 || gradient[i] > 0 {
				free = append(free, i)
				gap = max(gap, math.Abs(gradient[i]))
			}
		}
		if gap < poolTolerance {
			break
		}
		step := newtonStep(f, p, gradient, lambda, conditions, free)
		slope := 0.0
		for i, d := range step {
			slope += gradient[i] * d
		}
		moved, least := false, 1e-10
		if slope < 1e-12 {
			least = 0.1 // shorter steps follow the rounding of the dual
		}
		for scale := 1.0; slope > 0 && scale > least; scale /= 2 {
			for i, d := range step {
				trial[i] = lambda[i] + scale*d
				if !conditions[i].equal {
					trial[i] = max(0, trial[i])
				}
			}
			if d := dual(trial, tried); d >= at+1e-4*scale*slope {
				at, moved = d, true
				lambda, trial = trial, lambda
				p, tried = tried, p
				break
			}
		}
		if !moved {
			break
		}
	}
	out := pooled{prob: p}
	for i := range f {
		m := 0.0
		for s, v := range f[i] {
			m += p[s] * v
		}
		if short := value[i] - m; beyond || short > 1e-6 || conditions[i].equal && short < -1e-6 {
			if out.unmet == nil {
				out.unmet = make([]bool, k)
			}
			out.unmet[i] = true
		}
	}
	entropy := 0.0
	for _, v := range p {
		if v > 0 {
			entropy -= v * math.Log(v)
		}
	}
	out.effective = math.Exp(entropy)
	return out
}

// newtonStep returns Newton's step of all lambda: it solves covariance x =
// gradient for the free ones, with the covariance of their f under p; one that
// would fall below its bound is put there and the others are solved again. A
// small ridge serves conditions that say the same, and ones that the
// probabilities have left no scenario to vary over.
func newtonStep(f [][]float64, p, gradient, lambda []float64, conditions []condition, free []int) []float64 {
	k := len(f)
	covariance := mat.NewSymDense(k, nil)
	mean := make([]float64, k)
	for a := range k {
		for s, v := range f[a] {
			mean[a] += p[s] * v
		}
	}
	for a := range k {
		for b := a; b < k; b++ {
			c := 0.0
			for s, v := range f[a] {
				c += p[s] * (v - mean[a]) * (f[b][s] - mean[b])
			}
			covariance.SetSym(a, b, c)
		}
	}
	step := make([]float64, k)
	for len(free) > 0 {
		right := mat.NewVecDense(len(free), nil)
		for a, i := range free {
			g := gradient[i]
			for b, d := range step {
				g -= covariance.At(i, b) * d // only what is at its bound has a step yet
			}
			right.SetVec(a, g)
		}
		x := solveDamped(subMatrix(covariance, free), right)
		worst, at := 0.0, -1
		for a, i := range free {
			if below := lambda[i] + x[a]; !conditions[i].equal && below < worst {
				worst, at = below, a
			}
		}
		if at < 0 {
			for a, i := range free {
				step[i] = x[a]
			}
			break
		}
		step[free[at]] = -lambda[free[at]]
		free = append(free[:at:at], free[at+1:]...)
	}
	return step
}

// solveDamped solves a x = right, with as small a ridge as makes it solvable.
func solveDamped(a *mat.SymDense, right *mat.VecDense) []float64 {
	n := a.SymmetricDim()
	for ridge := 1e-12; ; ridge *= 100 {
		damped := mat.NewSymDense(n, nil)
		damped.CopySym(a)
		for i := range n {
			damped.SetSym(i, i, a.At(i, i)*(1+ridge)+ridge)
		}
		var chol mat.Cholesky
		if !chol.Factorize(damped) {
			continue
		}
		var x mat.VecDense
		if err := chol.SolveVecTo(&x, right); err != nil && ridge < 1e-6 {
			continue
		}
		return x.RawVector().Data
	}
}
