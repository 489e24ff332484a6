package optimize

import (
	"math"
	"slices"
	"testing"
)

// TestIndifferenceAgainstHiGHS asks HiGHS for the best portfolio, for the best with the
// turnover of the decision, and with less of it: the first two have our values, and the
// third is beyond the tolerance.
func TestIndifferenceAgainstHiGHS(t *testing.T) {
	if *highs == 0 {
		t.Skip("no -highs")
	}
	type asked struct {
		seed      uint64
		p         *Problem
		best      *Solution
		s         *Solution
		tolerance float64
		less      *Problem
	}
	var list []asked
	var questions []highsProblem
	for seed := *highsFrom; len(list) < *highs; seed++ {
		p, _ := randomProblem(seed)
		if p.discrete() {
			continue
		}
		best := withHeld(t, seed, p)
		if best == nil {
			continue
		}
		q := *p
		q.Indifference = 2
		s, err := Decide(t.Context(), &q, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if turn, most := p.turnover(s.Exact), p.turnover(best.Exact); s.Method == Hold || turn > 0.95*most {
			continue
		}
		limited := func(turnover float64) *Problem {
			l := *p
			l.Distances = append(slices.Clone(p.Distances), Distance{Name: keyIndifference, Weight: halves(len(p.Lower)), Center: p.Previous, Limit: turnover})
			return &l
		}
		turn := p.turnover(s.Exact)
		less := limited(turn - 2*indifferenceTol*p.turnover(best.Exact) - 0.1*turn)
		list = append(list, asked{seed, p, best, s, q.Indifference * s.Indifference.Error, less})
		questions = append(questions, forHiGHS(p), forHiGHS(limited(turn)), forHiGHS(less))
	}
	answers := askHiGHS(t, questions)
	worst := 0.0
	for k, x := range list {
		a := answers[3*k : 3*k+3]
		scale := max(math.Abs(a[0].Objective), meanAbsolute(x.p.Set))
		for i, ours := range []float64{x.best.Certificate.ExactPrimal, x.s.Certificate.ExactPrimal} {
			apart := math.Abs(ours-a[i].Objective) / scale
			if worst = max(worst, apart); a[i].Status != "optimal" || !(apart <= 10*highsTol) {
				t.Errorf("seed %d: %.12g here, %.12g (%s) there", x.seed, ours, a[i].Objective, a[i].Status)
			}
		}
		if d := a[1].Objective - a[0].Objective; d > x.tolerance+1e-9*scale {
			t.Errorf("seed %d: with the turnover of the decision %v from the best, tolerance %v", x.seed, d, x.tolerance)
		}
		if d := a[2].Objective - a[0].Objective; a[2].Status == "optimal" && d < 0.9*x.tolerance {
			t.Errorf("seed %d: with a tenth less turnover %v from the best, tolerance %v", x.seed, d, x.tolerance)
		}
	}
	t.Logf("%d decisions, at most %.2g apart", len(list), worst)
}
