package bayes

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// GradientError is a gradient that is not the derivative of its log density.
// Sampling with it would be slow, or confined to where it happens to fit.
type GradientError struct {
	Coordinate int       // of the unconstrained scale, from 0
	Name       string    // of the parameter, where parameters and coordinates are as many
	Point      []float64 // unconstrained
	Gradient   float64   // as the model has it
	Difference float64   // of its log density
}

func (e *GradientError) Error() string {
	name := ""
	if e.Name != "" {
		name = fmt.Sprintf(" (%s)", e.Name)
	}
	return fmt.Sprintf("bayes: the gradient of coordinate %d of %d%s is wrong: the model returns %.6g, finite differences of its log density %.6g, at %.4g",
		e.Coordinate+1, len(e.Point), name, e.Gradient, e.Difference, e.Point)
}

const (
	checkedDim  = 500  // coordinates that are checked at most
	checkTries  = 20   // points looked at for two where the density is finite
	checkStep   = 1e-4 // of the differences
	gradientTol = 1e-3 // relative error that a right gradient may seem to have
)

// checkGradient compares the gradient with central differences of the log
// density at two random points around the initial point, or 0, and returns the worst
// coordinate that is wrong at both: at one alone it may be a kink, or a place
// where the differences themselves are off. What differences can say is judged
// by taking them with two steps.
func checkGradient(m Model, src rand.Source) (*GradientError, int) {
	dim := m.Dim()
	rng := rand.New(src)
	center := make([]float64, dim)
	if g, is := m.(Initializer); is {
		g.Initialize(center)
	}
	q, grad, scratch := make([]float64, dim), make([]float64, dim), make([]float64, dim)
	c := &counted{Model: m}
	at := func(i int, h float64) float64 {
		x := q[i]
		q[i] = x + h
		v, err := c.LogDensity(q, scratch)
		q[i] = x
		if err != nil {
			return math.NaN()
		}
		return v
	}
	suspects := map[int]bool{}
	points := 0
	for try := 0; try < checkTries && points < 2; try++ {
		for i := range q {
			q[i] = center[i] + 2*rng.Float64() - 1
		}
		lp, err := c.LogDensity(q, grad)
		if err != nil || math.IsNaN(lp) || math.IsInf(lp, 0) || !allFinite(grad) {
			continue
		}
		points++
		top := 0.0
		for _, g := range grad {
			top = max(top, math.Abs(g))
		}
		wrong := map[int]bool{}
		var worst *GradientError
		excess := 1.0
		for i := range min(dim, checkedDim) {
			if points == 2 && !suspects[i] {
				continue
			}
			one := (at(i, checkStep) - at(i, -checkStep)) / (2 * checkStep)
			two := (at(i, 2*checkStep) - at(i, -2*checkStep)) / (4 * checkStep)
			slope := (4*one - two) / 3
			// Rounding of the log density is that of its largest summand, which
			// is unknown; a thousand times that of the whole is allowed for.
			allowed := gradientTol*(math.Abs(slope)+math.Abs(grad[i])) + 3*math.Abs(one-two) + 1e-13*math.Abs(lp)/checkStep + 1e-6*(1+top)
			if d := math.Abs(slope - grad[i]); d > allowed {
				wrong[i] = true
				if d/allowed > excess {
					excess = d / allowed
					worst = &GradientError{Coordinate: i, Point: append([]float64(nil), q...), Gradient: grad[i], Difference: slope}
				}
			}
		}
		suspects = wrong
		if len(wrong) == 0 {
			return nil, c.n
		}
		if points == 2 {
			if names := m.Names(); len(names) == dim {
				worst.Name = names[worst.Coordinate]
			}
			return worst, c.n
		}
	}
	return nil, c.n
}
