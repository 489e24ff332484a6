package bayes

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"allocate/returns"
)

// The finding of a mean that symmetry moves: its severity follows the size, symmetric
// returns of any tails have none, nor has a model with skewness, nor the pull of the
// prior on a short history with a large Sharpe ratio.
func TestMeanOfAsymmetricReturns(t *testing.T) {
	rng := rand.New(rand.NewPCG(81, 82))
	flat := simulateJF(rng, 2500, 0, 0.01, 3.5, -0.35)
	for i := range flat {
		if i%4 == 0 {
			flat[i] = 0
		}
	}
	for name, c := range map[string]struct {
		model string
		y     []float64
		want  returns.Severity // -1: none
	}{
		"skewed":             {"student_t", simulateJF(rng, 2500, 0, 0.01, 3.5, -0.35), returns.Warn},
		"skewed for decades": {"student_t", simulateJF(rng, 20000, 0, 0.01, 3.5, -0.35), returns.Hold},
		"to the right":       {"student_t", simulateJF(rng, 2500, 0, 0.01, 3.5, 0.35), returns.Warn},
		"on active days":     {"auto", flat, returns.Warn},
		"its own skewness":   {"skew_t", simulateJF(rng, 2500, 0, 0.01, 3.5, -0.35), -1},
		"normal":             {"normal", simulateJF(rng, 2500, 0, 0.01, 3.5, -0.35), -1}, // its mean is the sample mean
		"symmetric":          {"student_t", simulateT(rng, 2500, 0, 0.01, 3), -1},
		"prior":              {"student_t", simulateT(rng, 60, 0.004, 0.01, 5), -1},
	} {
		if testing.Short() && c.want >= 0 && name != "skewed" {
			continue
		}
		o := DefaultOptions()
		o.Model, o.Replicates, o.Draws, o.MinESS = c.model, 0, 400, 200
		p, err := Fit(context.Background(), seriesOf(c.y), o, testStream(1), nil)
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(p.Findings, func(f returns.Finding) bool { return f.Code == codeMean })
		switch {
		case at < 0 && c.want >= 0:
			t.Errorf("%s: no finding", name)
		case at >= 0 && p.Findings[at].Severity != c.want:
			t.Errorf("%s: %v %s", name, p.Findings[at].Severity, p.Findings[at].Sentence)
		case at >= 0:
			t.Log(name, p.Findings[at].Sentence)
		}
	}
	// A prior that dominates says nothing about the returns.
	o := DefaultOptions()
	o.Model, o.Replicates, o.PriorSharpe = "student_t", 0, "normal(0, 0.4)"
	p, err := Fit(context.Background(), seriesOf(simulateT(rng, 120, 0.002, 0.01, 5)), o, testStream(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(p.Findings, func(f returns.Finding) bool { return f.Code == codeMean }) {
		t.Error("a finding where the prior has moved the mean")
	}
	if testing.Short() {
		return // fewer histories tell nothing about a rate of 0.1%
	}
	// Symmetric returns have the finding about as often as intended, in 0.1%.
	found := 0
	for i := range 200 {
		o := DefaultOptions()
		o.Model, o.Replicates = "student_t", 0
		p, err := Fit(context.Background(), seriesOf(simulateT(rng, 500, 0.0005, 0.01, 4)), o, testStream(uint64(i)), nil)
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(p.Findings, func(f returns.Finding) bool { return f.Code == codeMean }) {
			found++
		}
	}
	if t.Logf("%d of 200", found); found > 3 {
		t.Errorf("%d of 200 symmetric histories", found)
	}
}
