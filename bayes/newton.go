package bayes

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

const (
	ascents    = 100  // most steps of an ascent
	nearMode   = 4    // squared Mahalanobis distance from a mode at which an ascent may end
	nearHeight = 1    // by which the log density may differ there from the approximation's
	ascended   = 1e-3 // expected rise at which an ascent has come to an end
)

// newtonAscent ascends from q, which it changes, by quasi-Newton steps (the inverse
// BFGS update of Nocedal & Wright 2006, eq. 6.17, with a line search that
// doubles or halves) whose first metric is that of a mode, or the identity. It
// returns the index of the known mode in whose neighborhood it arrives, which
// spares the steps to the mode itself; else -1, with q as high as it came. No
// step is longer than longest in any coordinate, or it would leave the basin
// that it began in.
func newtonAscent(m Model, q []float64, metric *laplace, known []*laplace, longest float64) int {
	n := len(q)
	grad, trial, trialGrad := make([]float64, n), make([]float64, n), make([]float64, n)
	best, bestGrad := make([]float64, n), make([]float64, n)
	lp, err := m.LogDensity(q, grad)
	if err != nil {
		return -1
	}
	inverse := mat.NewSymDense(n, nil)
	if metric != nil {
		inverse.CopySym(metric.covariance)
	} else {
		norm := 0.0
		for _, g := range grad {
			norm = max(norm, math.Abs(g))
		}
		for i := range n {
			inverse.SetSym(i, i, 1/max(1, norm))
		}
	}
	step, change, rise, product := mat.NewVecDense(n, nil), mat.NewVecDense(n, nil), mat.NewVecDense(n, nil), mat.NewVecDense(n, nil)
	finite := func(lp float64, err error, grad []float64) bool {
		return err == nil && !math.IsNaN(lp) && !math.IsInf(lp, 0) && allFinite(grad)
	}
	for range ascents {
		for k, mode := range known {
			if d := mode.distance2(q); d < nearMode && math.Abs(mode.logDensity-d/2-lp) < nearHeight {
				return k
			}
		}
		step.MulVec(inverse, mat.NewVecDense(n, grad))
		gain := mat.Dot(step, mat.NewVecDense(n, grad))
		if !(gain > ascended) {
			break
		}
		length := 0.0
		for _, v := range step.RawVector().Data {
			length = max(length, math.Abs(v))
		}
		scale, reached, top := min(1, longest/length), 0.0, lp
		for down := false; scale > 1e-10; {
			for i := range trial {
				trial[i] = q[i] + scale*step.AtVec(i)
			}
			l, err := m.LogDensity(trial, trialGrad)
			if finite(l, err, trialGrad) && l > top && l >= lp+1e-4*scale*gain {
				reached, top = scale, l
				copy(best, trial)
				copy(bestGrad, trialGrad)
				// Onward while the slope at the end is still most of that at the start.
				if down || mat.Dot(step, mat.NewVecDense(n, trialGrad)) < 0.7*gain || 2*scale*length > longest {
					break
				}
				scale *= 2
				continue
			}
			if reached > 0 {
				break
			}
			scale, down = scale/3, true
		}
		if reached == 0 {
			break
		}
		for i := range n {
			change.SetVec(i, best[i]-q[i])
			rise.SetVec(i, grad[i]-bestGrad[i]) // of the negative log density
		}
		lp = top
		copy(q, best)
		copy(grad, bestGrad)
		if sy := mat.Dot(change, rise); sy > 1e-10*mat.Norm(change, 2)*mat.Norm(rise, 2) {
			product.MulVec(inverse, rise)
			yhy := mat.Dot(rise, product)
			inverse.SymRankOne(inverse, (sy+yhy)/(sy*sy), change)
			inverse.RankTwo(inverse, -1/sy, product, change)
		}
	}
	return -1
}
