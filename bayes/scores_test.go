package bayes

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"allocate/returns"
)

// scored are the families with the parameters of a draw and a history of each.
func scored() map[string]struct {
	m        Scorer
	theta, y []float64
} {
	type one = struct {
		m        Scorer
		theta, y []float64
	}
	short := []float64{0.011, -0.02, 0.0004, -0.0001, 0.05, -0.06, 0.003, -0.004, 0.012, -0.03}
	paid := []float64{0, 0.01, -0.0005, 0, -0.00048, -0.02, 0.0004, 0, 0.03, -0.00056}
	gjr := gjrTruth(-0.3, 0.02, 0.2, 0.95, -0.15, 4.5)
	return map[string]one{
		"normal":                    {normalPredictor{}, []float64{0.0004, 0.012, 0.5}, short},
		"student_t":                 {studentTPredictor{}, []float64{0.0004, 0.009, 3.7, 0.013, 0.5}, short},
		"skew_t":                    {skewStudentTPredictor{}, []float64{0.0004, 0.009, 3.7, -0.3, 0.013, 0.5}, short},
		"hurdle_student_t":          {hurdleOf(hurdleT), []float64{0.001, 0.01, 5, 0.3, 0.006, 0.5}, paid},
		"hurdle_student_t of costs": {hurdleOf(hurdleT), []float64{0.001, 0.01, 5, 0.3, 0.006, 0.5, 0.2, -0.0005}, paid},
		"hurdle_skew_t":             {hurdleOf(hurdleSkewT), []float64{0.001, 0.01, 5, 0.2, 0.3, 0.006, 0.5}, paid},
		"gjr_t":                     {newGJRPredictor(nil), gjr, gjrSeries(11, 150, gjr).Returns},
		"ewma_t":                    {newEWMAPredictor(nil), ewmaTruth(0.2, 0.94, 0.1, 5), gjrSeries(11, 150, gjr).Returns},
		"hurdle_gjr_t":              {newHurdleGJR(nil), hurdleGJRTruth(false), hurdleGJRSeries(11, 400, hurdleGJRTruth(false)).Returns},
	}
}

func hurdleOf(f Family) hurdlePredictor { return f.Predictor(nil).(hurdlePredictor) }

// remembers reports a family whose first variance depends on the days themselves.
func remembers(m Scorer) bool {
	_, alike := m.(Exchangeable)
	return !alike
}

// TestLogScores compares densities with derivatives of the distribution function, by
// the PIT of histories that differ in one day, except where it jumps.
func TestLogScores(t *testing.T) {
	for name, x := range scored() {
		score := make([]float64, len(x.y))
		x.m.LogScores(x.theta, x.y, score)
		at := func(day int, r float64) float64 {
			// The days before stay as they are; backcast sees the day itself, so a
			// history must be long enough, and its first variance is not compared.
			y := append([]float64(nil), x.y...)
			y[day] = r
			u := make([]float64, len(y))
			x.m.PIT(x.theta, y, u)
			return u[day]
		}
		compared := 0
		for day, r := range x.y {
			if r == 0 || len(x.theta) == 8 && math.Abs(r+0.0005) < 0.00006 || remembers(x.m) && day < 3*len(x.y)/4 {
				continue
			}
			h := 1e-4 * math.Max(math.Abs(r), 1e-3)
			want := math.Log((8*(at(day, r+h)-at(day, r-h)) - (at(day, r+2*h) - at(day, r-2*h))) / (12 * h))
			if !(math.Abs(score[day]-want) < 2e-6) {
				t.Errorf("%s, day %d: log score %v, the distribution function has the log slope %v", name, day, score[day], want)
			}
			compared++
		}
		if compared < 4 {
			t.Errorf("%s: only %d days were compared", name, compared)
		}
		same := append([]float64(nil), x.y...)
		x.m.LogScores(x.theta, same, same)
		for day := range same {
			if same[day] != score[day] {
				t.Errorf("%s: written over the history, day %d is %v, else %v", name, day, same[day], score[day])
			}
		}
	}
}

// TestLogScoresIntegrate sums up a day's distribution: its density integrates to 1
// less the probability of an idle day, by the substitution r = mu + sigma sinh(x).
func TestLogScoresIntegrate(t *testing.T) {
	for name, x := range scored() {
		if testing.Short() && name != "student_t" && name != "hurdle_skew_t" && name != "gjr_t" {
			continue
		}
		// Narrow steps, since the density jumps at the edges of the interval of costs;
		// wider ones where each point is a history.
		mu, sigma, step := x.theta[0], x.theta[1], 1e-4
		history := []float64{0}
		if remembers(x.m) {
			history, step = append([]float64(nil), x.y...), 8e-3
		}
		total, score, day := 0.0, make([]float64, len(history)), len(history)-1
		for z := -12 + step/2; z < 12; z += step {
			history[day] = mu + sigma*math.Sinh(z)
			x.m.LogScores(x.theta, history, score)
			total += math.Exp(score[day]) * sigma * math.Cosh(z) * step
		}
		want := 1 - x.m.Idle(x.theta)
		if math.Abs(total-want) > 2e-4 {
			t.Errorf("%s: the density integrates to %v, want %v", name, total, want)
		}
	}
}

// TestLogScoreOfIdleDay is the probability of the jump at 0, which the distribution
// function has as well.
func TestLogScoreOfIdleDay(t *testing.T) {
	for _, theta := range [][]float64{{0.001, 0.01, 5, 0.3, 0.006, 0.5}, {0.001, 0.01, 5, 0.3, 0.006, 0.5, 0.2, -0.0005}} {
		score := []float64{0}
		hurdleOf(hurdleT).LogScores(theta, score, score)
		jump := hurdleOf(hurdleT).CDF(theta, tiny) - hurdleOf(hurdleT).CDF(theta, -tiny)
		if math.Abs(math.Exp(score[0])-jump) > 1e-14 {
			t.Errorf("an idle day scores %v, the jump at 0 is %v", score[0], math.Log(jump))
		}
	}
}

// TestLogScoresReference compares with the densities of gonum, far out as well.
func TestLogScoresReference(t *testing.T) {
	y := []float64{-0.9, -0.05, 0, 1e-4, 0.02, 3}
	score := make([]float64, len(y))
	near := func(name string, r, got, want float64) {
		if math.Abs(got-want) > 1e-10*(1+math.Abs(want)) {
			t.Errorf("%s at %v: %v, gonum has %v", name, r, got, want)
		}
	}
	for _, nu := range []float64{2.01, 3.7, 40, 1e4} {
		studentTPredictor{}.LogScores([]float64{0.001, 0.01, nu, 0, 0}, y, score)
		for i, r := range y {
			near("student_t", r, score[i], distuv.StudentsT{Mu: 0.001, Sigma: 0.01, Nu: nu}.LogProb(r))
		}
	}
	normalPredictor{}.LogScores([]float64{0.001, 0.01, 0}, y, score)
	for i, r := range y {
		near("normal", r, score[i], distuv.Normal{Mu: 0.001, Sigma: 0.01}.LogProb(r))
	}
}

// TestEveryFamilyHasLogScores expects log scores of every family.
func TestEveryFamilyHasLogScores(t *testing.T) {
	for _, f := range Families() {
		if _, is := f.Predictor(&returns.Series{}).(Scorer); !is {
			t.Errorf("%s has no log scores", f.Name)
		}
	}
}

// TestLogScoresOfTheLastDays are those of a whole history.
func TestLogScoresOfTheLastDays(t *testing.T) {
	for name, x := range scored() {
		all, last := make([]float64, len(x.y)), make([]float64, 7)
		x.m.LogScores(x.theta, x.y, all)
		x.m.LogScores(x.theta, x.y, last)
		for i, v := range last {
			if want := all[len(all)-len(last)+i]; !(math.Abs(v-want) <= 1e-9*(1+math.Abs(want))) {
				t.Errorf("%s: day %d of the last has %v, in the history %v", name, i, v, want)
			}
		}
	}
}
