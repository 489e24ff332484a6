// Package nuts draws from a log density by the No-U-Turn sampler: multinomial
// dynamic Hamiltonian Monte Carlo in the form of Stan 2.35 (Hoffman & Gelman
// 2014; Betancourt 2017), with a metric fitted to draws and gradients, and a
// warm-up shared by all chains.
//
// It consumes a [Density] and random sources and produces draws on the
// unconstrained scale with per-draw statistics; package mcmc judges them. It
// knows nothing of parameters' meaning, clocks, logs or worker counts: a
// [Result] is a function of the density, the sources and the [Options].
package nuts

import (
	"errors"
	"fmt"
	"strings"
)

// Density is a log density on R^Dim with its gradient, up to an additive
// constant. Implementations need not be safe for concurrent use: the sampler
// asks for one per chain.
type Density interface {
	// Dim is the number of unconstrained parameters, constant and positive.
	Dim() int
	// LogDensity returns the log density at q and writes its gradient; both
	// slices have length Dim and must not be kept. A value that is NaN, +Inf or
	// -Inf rejects the point, and so does an error wrapping [ErrRecoverable];
	// any other error stops the sampler.
	LogDensity(q, grad []float64) (float64, error)
}

// ErrRecoverable marks a density error that only rejects the point at hand, as
// if its energy were infinite.
var ErrRecoverable = errors.New("nuts: recoverable density error")

// ErrBudget means that MaxGradients were spent before there were draws enough.
var ErrBudget = errors.New("nuts: the gradient budget is spent")

// PointError is a density error that stopped the sampler, with the point that
// caused it.
type PointError struct {
	Chain     int       // from 0
	Iteration int       // from 0, warm-up included; -1 while starting
	Names     []string  // parameter names
	Point     []float64 // unconstrained parameter values
	Err       error
}

func (e *PointError) Error() string {
	when := fmt.Sprintf("iteration %d", e.Iteration)
	if e.Iteration < 0 {
		when = "start"
	}
	return fmt.Sprintf("nuts: chain %d, %s, at %s: %v", e.Chain, when, describe(e.Names, e.Point), e.Err)
}

// Unwrap returns the density's own error.
func (e *PointError) Unwrap() error { return e.Err }

// describe writes a point as "mu=0.1, tau=2", at most its first 8 parameters.
func describe(names []string, q []float64) string {
	const most = 8
	var b strings.Builder
	for i, v := range q {
		if i == most {
			fmt.Fprintf(&b, ", … (%d more)", len(q)-most)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s=%.6g", names[i], v)
	}
	return b.String()
}
