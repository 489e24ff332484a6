package bayes

import (
	"context"
	"errors"
	"flag"
	"math"
	"math/rand/v2"
	"testing"

	"allocate/bayes/mcmc"
	"allocate/bayes/nuts"
)

// go test ./bayes -run SBC -sbc 1000 is the full simulation-based calibration.
var sbcReplicates = flag.Int("sbc", 200, "replicates of the simulation-based calibration, for each model")

// Simulation-based calibration (Talts et al. 2018; Modrák et al. 2023): where
// parameters are drawn from the prior and a history from the parameters, the
// rank of each parameter among posterior draws is uniform. So is that of the
// log density, which sees faults that no single parameter shows. Each
// quantity's ranks must keep to the envelope that 99.9% of uniform samples
// keep to; for 32 quantities the test then fails a correct sampler in 3.2% of
// seeds, and the seed is fixed.
func TestSBC(t *testing.T) {
	replicates := *sbcReplicates
	if testing.Short() {
		replicates = min(replicates, 40)
	}
	for name, make := range sbcModels(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := replicates
			switch {
			case n >= 1000: // all that were asked for
			case testing.Short() && name != "normal" && name != "student_t" && name != "hurdle_student_t":
				t.Skip("the other models take the same steps, with longer fits")
			case name == "hurdle_gjr_t":
				n /= 8
			case sbcDays(name) > 200:
				n /= 4 // a fit costs ten of the others
			}
			if bad := calibrate(t, name, n, make, make); len(bad) > 0 {
				t.Errorf("ranks of %v leave the envelope", bad)
			}
		})
	}
}

// The calibration must notice a posterior whose prior of the Sharpe ratio is
// half as wide as the truth's.
func TestSBCFindsAFault(t *testing.T) {
	make := sbcModels(t)["normal"]
	wrong := func(y []float64) Model {
		m := make(y).(*normal)
		m.priors.sharpe.scale /= 2
		return m
	}
	n := 300
	if testing.Short() {
		n = 150
	}
	if bad := calibrate(t, "normal", n, make, wrong); len(bad) == 0 {
		t.Error("all ranks are inside the envelope")
	}
}

const sbcRanks = 100 // draws kept for a rank, far enough apart to be independent

// sbcDays is enough that the Student-t likelihood is reduced, and that a variance with
// memory has a surrogate.
func sbcDays(name string) int {
	switch name {
	case "gjr_t", "hurdle_gjr_t": // a simulated ewma_t comes to nothing in as many days
		return 750
	}
	return 200
}

// sbcReplicator draws a history; those with memory begin with a variance that no
// parameter has, as the models of sbcModels do.
func sbcReplicator(t *testing.T, name string) func(theta []float64, rng *rand.Rand, y []float64) {
	const first = 1e-4
	switch name {
	case "gjr_t":
		m := newGJRPredictor(nil)
		m.first = first
		return m.Replicate
	case "hurdle_gjr_t":
		m := newHurdleGJR(nil)
		m.first = first
		return m.Replicate
	case "ewma_t":
		return replicateEWMA // from theta's sd, which is 0.01
	}
	family, err := Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return replicator(family.Predictor(nil))
}

func sbcOptions() Options {
	o := DefaultOptions()
	o.Draws, o.MinESS, o.MaxRHat = 250, 50, 1.05
	return o
}

// sbcModels make the models for a history, with a prior that does not look at
// it.
func sbcModels(t *testing.T) map[string]func(y []float64) Model {
	o := sbcOptions()
	priors, err := o.priors()
	if err != nil {
		t.Fatal(err)
	}
	unshifted := priors
	priors.logSD = priors.logSD.shifted(math.Log(0.01))
	student := func(d days) dayModel {
		return &studentTModel{days: d, robust: math.Log(0.01), priors: priors, nu: nuTable()}
	}
	skewed := func(d days) dayModel { return skewStudentTOf(d, 0, math.Log(0.01), priors) }
	gjr := func(d days) *gjrModel {
		m := &gjrModel{garchIn(0.01, 0.01, d, unshifted)}
		m.first = 1 // as the truth: see sbcReplicator
		return m
	}
	// Made by hand: few days traded must not be turned away, which would change the
	// prior.
	hurdleOf := func(y []float64, of func(d days) dayModel, shape int) Model {
		var traded []float64
		for _, r := range y {
			if r != 0 {
				traded = append(traded, r)
			}
		}
		d := newDays(traded, nil)
		return &hurdleModel{inner: of(d), shape: shape, rootYear: d.rootYear, traded: d.n, flat: float64(len(y)) - d.n}
	}
	return map[string]func(y []float64) Model{
		"normal": func(y []float64) Model {
			m, err := newNormal(newDays(y, nil), o)
			if err != nil {
				t.Fatal(err)
			}
			m.priors = priors
			return m
		},
		"student_t": func(y []float64) Model { return student(newDays(y, nil)) },
		"gjr_t": func(y []float64) Model {
			return gjr(newDays(y, nil))
		},
		"ewma_t": func(y []float64) Model {
			m := &ewmaModel{garchIn(0.01, 0.01, newDays(y, nil), unshifted)}
			m.first = 1
			return m
		},
		"hurdle_gjr_t": func(y []float64) Model {
			m := hurdleOf(y, func(d days) dayModel { return activeGJR{gjr(d)} }, activeShape).(*hurdleModel)
			return hurdleGJRModel{hurdleWithPrior{m, m.inner.(activeGJR)}}
		},
		"skew_t":           func(y []float64) Model { return skewed(newDays(y, nil)) },
		"hurdle_student_t": func(y []float64) Model { return hurdleOf(y, student, 3) },
		"hurdle_skew_t":    func(y []float64) Model { return hurdleOf(y, skewed, 4) },
	}
}

// calibrate returns the quantities whose ranks leave the envelope, when the
// truth is of one model and the posterior of another.
func calibrate(t *testing.T, name string, n int, truth, fitted func(y []float64) Model) (bad []string) {
	var names []string
	var got [][]int
	again, spent, unsampled := 0, 0, 0
	replicate := sbcReplicator(t, name)
	for i := range n {
		stream := testStream(uint64(1000 + i))
		rng := rand.New(stream("truth " + name))
		y := make([]float64, sbcDays(name))
		for j := range y {
			y[j] = 0.01 * rng.NormFloat64()
		}
		prior := truth(y) // for its prior only
		q := make([]float64, prior.Dim())
		prior.(PriorSampler).SamplePrior(rng, q)
		theta := make([]float64, len(prior.Names()))
		prior.Constrain(q, theta)
		replicate(theta, rng, y)
		m := fitted(y)
		m.Constrain(q, theta) // what depends on the history: the state at its end
		lp, err := m.LogDensity(q, make([]float64, len(q)))
		if err != nil {
			t.Fatal(err)
		}
		p, err := SampleWith(context.Background(), m, sbcOptions(), stream, nil)
		if errors.Is(err, nuts.ErrBudget) {
			unsampled++ // a truth that no posterior of data has, such as nu = 2.001
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		spent += p.Sampler.Gradients
		if p.Sampler.Attempts > 1 {
			again++
		}
		if names == nil {
			names = append(append(names, p.Names...), "log density")
			got = make([][]int, len(names))
		}
		for k := range names {
			rank := 0
			for d := 0; d < p.Len(); d += p.Len() / sbcRanks {
				if k < len(theta) && p.Theta(d)[k] < theta[k] || k == len(theta) && p.Sampler.LogDensity[d] < lp {
					rank++
				}
			}
			got[k] = append(got[k], rank)
		}
	}
	envelope, err := mcmc.NewEnvelope(n-unsampled, sbcRanks+1, 0.999)
	if err != nil {
		t.Fatal(err)
	}
	for k, name := range names {
		if name == "rms" || name == "sd" && len(names) == ewmaParameters+1 {
			continue // taken from the data
		}
		if !envelope.Contains(got[k]) {
			bad = append(bad, name)
		}
	}
	t.Logf("%d replicates, %d quantities, %d sampled again, %d not at all, %d gradients each", n, len(names), again, unsampled, spent/n)
	if unsampled*200 > n {
		bad = append(bad, "replicates that were not sampled")
	}
	return bad
}
