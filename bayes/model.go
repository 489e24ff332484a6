// Package bayes turns the daily returns of one strategy into a posterior: a
// return model is sampled with NUTS, its draws are diagnosed, and a verdict
// says whether they may be used.
//
// A return model is two things. A Model is the density that is sampled; a
// Predictor says what parameters mean for returns, and is all that the checks,
// the scenarios and the reports ask. A Family makes both for a series; Register
// adds one.
package bayes

import (
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// Model is a log density with named parameters: all that NUTS needs.
//
// The sampler moves q on an unconstrained scale of Dim coordinates; Constrain
// maps it to the parameters that Names lists, which may be more (derived
// quantities) or fewer (latent states that nothing reads) than the coordinates.
// A Model's methods other than LogDensity may be called by several goroutines at
// once.
//
// A Model may implement Initializer, Reducer, PriorSampler and PriorDensity.
type Model interface {
	// Dim returns the number of unconstrained coordinates.
	Dim() int
	// Names returns the names of the values that Constrain writes.
	Names() []string
	// LogDensity returns the log density at q, up to a constant and with the
	// log Jacobian of the transform, and writes its gradient. An error that
	// wraps nuts.ErrRecoverable rejects the point; any other ends the run.
	LogDensity(q, grad []float64) (float64, error)
	// Constrain writes the parameters at q.
	Constrain(q, theta []float64)
}

// Initializer is a Model with an approximate location of its posterior. The
// mode search starts there and needs fewer ascents.
type Initializer interface {
	// Initialize writes an initial point on the unconstrained scale.
	Initialize(q []float64)
}

// Reducer is a Model whose likelihood can be replaced by a cheaper one near the
// posterior, as by sufficient statistics or an expansion.
type Reducer interface {
	// Reduce returns the model to sample instead, given the mode and the
	// covariance there, or the model itself. Its density must be the same to
	// within the accuracy of the sampler, everywhere.
	Reduce(mode []float64, covariance mat.Symmetric) Model
}

// PriorSampler is a Model that can draw from its prior.
type PriorSampler interface {
	// SamplePrior writes a draw of the prior on the unconstrained scale.
	SamplePrior(rng *rand.Rand, q []float64)
}

// PriorDensity is a Model that knows the density of its prior, so that the
// sensitivity to prior and likelihood can be told (power-scaling), of the
// parameters named mu, sd and nu as far as there are.
type PriorDensity interface {
	// LogPrior returns the log prior density of the parameters and the log
	// Jacobian of the transform to the unconstrained scale, each up to a
	// constant: with the log likelihood they add up to the log density.
	LogPrior(theta []float64) (logPrior, logJacobian float64)
}
