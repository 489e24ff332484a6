package nuts_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"allocate/bayes/nuts"
)

// model is a test density.
type model struct {
	params []string // unconstrained parameters
	logp   func(q, grad []float64) float64
}

func (m *model) Dim() int { return len(m.params) }

func (m *model) LogDensity(q, grad []float64) (float64, error) { return m.logp(q, grad), nil }

func sample(t testing.TB, m *model, seed uint64, o nuts.Options, start *nuts.Start) *nuts.Result {
	t.Helper()
	r, err := nuts.Sample(context.Background(), func(int) (nuts.Density, error) { return m, nil }, m.params,
		source(seed), start, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func source(seed uint64) func(int) rand.Source {
	return func(chain int) rand.Source { return rand.NewPCG(seed, uint64(chain)) }
}
