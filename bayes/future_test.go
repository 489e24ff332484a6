package bayes

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat"

	"allocate/returns"
)

// TestLeaveFutureOutAgreesWithRefit compares the posterior of the days but the last year, by
// weights, with one fitted to them: means to a fifth of a standard deviation, and standard
// deviations to a fifth. A last year of five times the volatility says too much for a model
// whose volatility is constant.
func TestLeaveFutureOutAgreesWithRefit(t *testing.T) {
	for _, model := range []string{"student_t", "skew_t", "normal", "hurdle_student_t", "gjr_t", "ewma_t"} {
		if testing.Short() && model != "gjr_t" {
			continue
		}
		s := gjrSeries(31, 2520, gjrTruth(-0.2, 0.03, 0.12, 0.95, 0, 6))
		if model == "hurdle_student_t" {
			s = seriesOf(slices.Clone(s.Returns))
			for i := range s.Returns {
				if i%3 == 0 {
					s.Returns[i] = 0
				}
			}
		}
		o := DefaultOptions()
		o.Model, o.Replicates = model, 0
		fit := func(s *returns.Series) *Posterior {
			p, err := Fit(t.Context(), s, o, testStream(2), nil)
			if err != nil || p.Verdict() == Unusable {
				t.Fatalf("%s: %v, %v", model, err, p.Findings)
			}
			return p
		}
		const last = 252
		train := *s
		train.Dates, train.Returns = s.Dates[:2520-last], s.Returns[:2520-last]
		all, want := fit(s), fit(&train)
		got, k, limit := all.LeaveFuture(s, last)
		if got == nil || k > limit {
			t.Fatalf("%s: k is %v, limit %v", model, k, limit)
		}
		for j, name := range want.Names {
			x := make([]float64, got.Len())
			for i := range x {
				x[i] = got.Theta(i)[j]
			}
			mean, sd := stat.MeanStdDev(x, nil)
			w := want.Summary[j]
			if name == "sd_next" || w.constant() {
				continue // of the last day of all
			}
			before := (float64(all.Summary[j].Mean) - float64(w.Mean)) / float64(w.SD)
			if z := (mean - float64(w.Mean)) / float64(w.SD); math.Abs(z) > 0.2 && math.Abs(z) > 0.4*math.Abs(before) {
				t.Errorf("%s, %s: mean %v, of a fit %v, %.2f standard deviations off (%.2f of all days)", model, name, mean, w.Mean, z, before)
			}
			if ratio := sd / float64(w.SD); ratio < 0.8 || ratio > 1.2 {
				t.Errorf("%s, %s: standard deviation %v, of a fit %v", model, name, sd, w.SD)
			}
		}
		if model == "student_t" {
			for i := range last {
				s.Returns[2520-1-i] *= 5
			}
			if got, k, limit := fit(s).LeaveFuture(s, last); got != nil && k <= limit {
				t.Errorf("after a change of regime k is %v, at most %v", k, limit)
			}
		}
	}
}

// TestLeaveFutureOutNeedsDensityAndDays has neither.
func TestLeaveFutureOutNeedsDensityAndDays(t *testing.T) {
	s := gjrSeries(1, 300, gjrTruth(0, 0.05, 0.05, 0.9, 0, 6))
	o := DefaultOptions()
	o.Model, o.Replicates = "student_t", 0
	p, err := Fit(t.Context(), s, o, testStream(2), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, -1, 300, 301} {
		if got, k, _ := p.LeaveFuture(s, n); got != nil || !math.IsNaN(k) {
			t.Errorf("%d days: %v", n, k)
		}
	}
	p.Method = Laplace
	if got, _, _ := p.LeaveFuture(s, 20); got != nil {
		t.Error("draws of an approximation were weighed")
	}
}
