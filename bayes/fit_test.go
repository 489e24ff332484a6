package bayes

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"allocate/returns"
)

// testStream gives every part its own PCG.
func testStream(seed uint64) func(string) rand.Source {
	return func(part string) rand.Source {
		h := uint64(14695981039346656037)
		for _, c := range []byte(part) {
			h = (h ^ uint64(c)) * 1099511628211
		}
		return rand.NewPCG(seed, h)
	}
}

func seriesOf(y []float64) *returns.Series {
	s := &returns.Series{Strategy: returns.Strategy{Name: "test"}, Returns: y}
	for i := range y {
		s.Dates = append(s.Dates, returns.Date(i))
	}
	return s
}

// simulateT draws n Student-t returns by the ratio of a normal and a chi.
func simulateT(rng *rand.Rand, n int, mu, sigma, nu float64) []float64 {
	y := make([]float64, n)
	for i := range y {
		y[i] = mu + sigma*rng.NormFloat64()/math.Sqrt(drawGamma(rng, nu/2)/(nu/2))
	}
	return y
}

// The three sums against the plain form, which needs a logarithm a day.
func TestTSumsAgainstPlainForm(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{0, 1, 3, 4, 5, 63, 1000} {
		y := simulateT(rng, n, 0.001, 0.02, 2.5)
		if n > 5 {
			y[2], y[5] = 1e30, 4
		}
		for _, c := range []float64{1e-9, 1e-4, 3} {
			var wantLog, wantShare, wantU float64
			for _, v := range y {
				r := v - 0.0005
				wantLog += math.Log1p(r * r / c)
				wantShare += r * r / (c + r*r)
				wantU += r / (c + r*r)
			}
			d := newDays(y, nil)
			got := d.tSums(0.0005, c)
			gotLog, gotShare, gotU := got.log, got.share, got.u
			for _, p := range [][2]float64{{gotLog, wantLog}, {gotShare, wantShare}, {gotU, wantU}} {
				if math.Abs(p[0]-p[1]) > 1e-11*(1+math.Abs(p[1])) {
					t.Errorf("n = %d, c = %v: got %v, plain form %v", n, c, p[0], p[1])
				}
			}
		}
	}
}

func TestFitRecoversTruth(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	y := simulateT(rng, 2520, 0.0004, 0.009, 5)
	p, err := Fit(context.Background(), seriesOf(y), DefaultOptions(), testStream(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	if p.Verdict() != OK {
		t.Errorf("verdict %s: %v", p.Verdict(), p.Findings)
	}
	for _, s := range p.Summary {
		t.Logf("%-7s mean %.5g sd %.3g  5%% %.5g  95%% %.5g  R-hat %.4f  bulk %.0f tail %.0f", s.Name, s.Mean, s.SD, s.Q5, s.Q95, s.RHat, s.ESSBulk, s.ESSTail)
	}
	t.Logf("warm-up %d, gradients %d", p.Sampler.Warmup, p.Sampler.Gradients)
	for k, truth := range []float64{0.0004, 0.009, 5} {
		s := p.Summary[k]
		if math.Abs(float64(s.Mean)-truth) > 4*float64(s.SD) {
			t.Errorf("%s is %v, truth %v", s.Name, s.Mean, truth)
		}
	}
}
