package mcmc

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The coverage claimed, against the share of 20,000 simulated samples inside:
// within 4 standard errors.
func TestEnvelopeCovers(t *testing.T) {
	rng := rand.New(rand.NewPCG(71, 72))
	for _, c := range []struct {
		n, k     int
		coverage float64
	}{{1, 2, 0.5}, {30, 10, 0.9}, {100, 101, 0.95}, {250, 20, 0.5}} {
		e, err := NewEnvelope(c.n, c.k, c.coverage)
		if err != nil {
			t.Fatal(err)
		}
		if e.Coverage < c.coverage {
			t.Errorf("%+v: coverage %v", c, e.Coverage)
		}
		const samples = 20000
		inside := 0.0
		ranks := make([]int, c.n)
		for range samples {
			for i := range ranks {
				ranks[i] = rng.IntN(c.k)
			}
			if e.Contains(ranks) {
				inside++
			}
		}
		share := inside / samples
		if se := math.Sqrt(e.Coverage*(1-e.Coverage)/samples) + 1e-9; math.Abs(share-e.Coverage) > 4*se {
			t.Errorf("%+v: %.4f of samples inside, %.4f claimed", c, share, e.Coverage)
		}
	}
}

// Ranks of a posterior that is too narrow (a pile at both ends), shifted or
// too wide fall outside.
func TestEnvelopeFindsFaults(t *testing.T) {
	rng := rand.New(rand.NewPCG(73, 74))
	e, err := NewEnvelope(500, 101, 0.99)
	if err != nil {
		t.Fatal(err)
	}
	for name, fault := range map[string]func(u float64) float64{
		"narrow":  func(u float64) float64 { return (1 - math.Cos(math.Pi*u)) / 2 },
		"wide":    func(u float64) float64 { return math.Acos(1-2*u) / math.Pi },
		"shifted": func(u float64) float64 { return math.Pow(u, 1.3) },
	} {
		ranks := make([]int, 500)
		for i := range ranks {
			ranks[i] = min(100, int(101*fault(rng.Float64())))
		}
		if e.Contains(ranks) {
			t.Errorf("%s ranks are inside", name)
		}
	}
	if _, err := NewEnvelope(0, 10, 0.9); err == nil {
		t.Error("an envelope of nothing")
	}
}
