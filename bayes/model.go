// Package bayes turns the daily returns of one strategy into a posterior: a
// return model is sampled with NUTS, its draws are diagnosed, and a verdict
// says whether they may be used.
package bayes

import (
	"fmt"
	"sort"
	"strings"

	"allocate/returns"
)

// Model is a log density with named parameters: all that NUTS needs.
//
// The sampler moves q on an unconstrained scale of Dim coordinates; Constrain
// maps it to the parameters that Names lists, which may be more (derived
// quantities) than the coordinates. A Model's methods
// other than LogDensity may be called by several goroutines at once.
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

// ReturnModel is a Model of one strategy's daily returns that can also say
// how surprising a day was and what a future may look like.
type ReturnModel interface {
	Model
	// Mean returns the expected daily return given parameters theta.
	Mean(theta []float64) float64
	// Score returns the predictive probability P(R < r) + P(R = r)/2 of a
	// daily return r given parameters theta (as Constrain writes them).
	Score(theta []float64, r float64) float64
	// Path writes one future of len(z) daily returns given parameters theta
	// and standard normal innovations z, rising in each z, so that dependent
	// innovations make dependent returns. r may be z.
	Path(theta, z, r []float64)
}

// Family makes a return model for a series.
type Family struct {
	Name  string
	About string
	New   func(s *returns.Series, o Options) (ReturnModel, error)
	// Predictor answers Mean, Score and Path for the parameters of any
	// posterior of the family; it has no data and no density.
	Predictor ReturnModel
}

// families lists every return model; a new one is one file and one line here.
var families = []Family{studentT, hurdleT, normalModel}

// Lookup returns the family of that name.
func Lookup(name string) (Family, error) {
	var known []string
	for _, f := range families {
		if f.Name == name {
			return f, nil
		}
		known = append(known, f.Name)
	}
	sort.Strings(known)
	return Family{}, fmt.Errorf("bayes: no return model %q; there are %s", name, strings.Join(known, ", "))
}

// Choose returns the family that o asks for; "auto" is the hurdle for a series
// with many days of exactly zero return and the plain Student-t otherwise.
func Choose(s *returns.Series, o Options) (Family, error) {
	if o.Model != "auto" {
		return Lookup(o.Model)
	}
	if s.ZeroShare() >= o.FlatShare {
		return hurdleT, nil
	}
	return studentT, nil
}
