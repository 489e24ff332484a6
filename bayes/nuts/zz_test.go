package nuts_test

import (
	"testing"

	"allocate/bayes/nuts"
)

func TestZZ(t *testing.T) {
	for _, p := range posteriors[1:5] {
		m := p.make(t, p.name)
		for seed := range uint64(12) {
			o := nuts.DefaultOptions()
			r := sample(t, m, seed, o, nil)
			t.Log(p.name, seed, "div", r.Divergences(), r.WarmupIterations, r.WarmupLeapfrogs, r.StepSize)
		}
	}
}
