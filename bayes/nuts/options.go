package nuts

import (
	"errors"
	"fmt"
	"math"
)

// MetricKind chooses the shape of the inverse mass matrix.
type MetricKind string

// Metric kinds.
const (
	MetricAuto     MetricKind = "auto"     // dense up to 50 parameters, diagonal above
	MetricDense    MetricKind = "dense"    // full covariance
	MetricDiagonal MetricKind = "diagonal" // variances only
)

// MinDraws is the least number of draws per chain that a run returns when
// MaxGradients ends it.
const MinDraws = 100

// autoDenseDim is the largest dimension for which MetricAuto is dense.
const autoDenseDim = 50

// Options are the sampler's settings. DefaultOptions gives every default.
type Options struct {
	// Chains is the number of Markov chains; default 4. They share one warm-up.
	Chains int
	// Warmup is the largest number of warm-up iterations per chain; default
	// 1000. Zero samples with Start's covariance and step, unadapted.
	Warmup int
	// MinWarmup is the least number of warm-up iterations; default 100. Between
	// the two the warm-up stops at the first checkpoint where the chains agree
	// and the metric has settled. MinWarmup = Warmup forbids an early stop.
	MinWarmup int
	// Draws is the number of kept draws per chain; default 1000.
	Draws int
	// MaxDepth bounds a trajectory at 2^MaxDepth-1 leapfrog steps; default 10.
	MaxDepth int
	// TargetAccept is the mean acceptance statistic sought, in (0, 1); default 0.8.
	TargetAccept float64
	// Jitter spreads each iteration's step uniformly over (1±Jitter) times the
	// adapted one, against resonance; in [0, 1), default 0.1.
	Jitter float64
	// MaxStep caps the adapted step in units of the metric; default π.
	MaxStep float64
	// MaxEnergyError is the energy error beyond which a trajectory is
	// divergent; default 1000.
	MaxEnergyError float64
	// MaxGradients bounds the gradient evaluations of all chains together,
	// warm-up included; default 0, no bound. It is never exceeded but by the few
	// of a search for the step size: a run that could pass it with the next
	// draw stops. With fewer than MinDraws draws it fails with [ErrBudget].
	MaxGradients int
	// Metric is the shape of the metric; default MetricAuto.
	Metric MetricKind
	// Parallel runs the chains in one goroutine each. The result is the same,
	// byte for byte; sources and densities must then be independent.
	Parallel bool
}

// DefaultOptions returns the settings documented at each field of Options.
func DefaultOptions() Options {
	return Options{
		Chains: 4, Warmup: 1000, MinWarmup: 100, Draws: 1000, MaxDepth: 10,
		TargetAccept: 0.8, Jitter: 0.1, MaxStep: math.Pi, MaxEnergyError: 1000,
		Metric: MetricAuto,
	}
}

// Validate reports every setting outside its range, joined.
func (o Options) Validate() error {
	var errs []error
	check := func(ok bool, key string, value any, want string) {
		if !ok {
			errs = append(errs, fmt.Errorf("nuts: options: %s = %v: must be %s", key, value, want))
		}
	}
	check(o.Chains >= 1, "chains", o.Chains, "at least 1")
	check(o.Warmup == 0 || o.Warmup >= 20, "warmup", o.Warmup, "0 or at least 20")
	check(o.MinWarmup >= 0 && o.MinWarmup <= o.Warmup, "min_warmup", o.MinWarmup, "between 0 and warmup")
	check(o.Draws >= 0, "draws", o.Draws, "at least 0")
	check(o.MaxDepth >= 1 && o.MaxDepth <= 20, "max_depth", o.MaxDepth, "between 1 and 20")
	check(o.TargetAccept > 0 && o.TargetAccept < 1, "target_accept", o.TargetAccept, "between 0 and 1")
	check(o.Jitter >= 0 && o.Jitter < 1, "jitter", o.Jitter, "at least 0 and below 1")
	check(o.MaxStep > 0, "max_step", o.MaxStep, "positive")
	check(o.MaxGradients >= 0, "max_gradients", o.MaxGradients, "at least 0")
	check(o.MaxEnergyError > 0, "max_energy_error", o.MaxEnergyError, "positive")
	check(o.Metric == MetricAuto || o.Metric == MetricDense || o.Metric == MetricDiagonal,
		"metric", o.Metric, "auto, dense or diagonal")
	return errors.Join(errs...)
}
