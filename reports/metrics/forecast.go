package metrics

import "math"

// A predictive distribution of a day is a set of scenarios and their weights,
// or nil for equally likely ones. Weights need not sum to 1.

// PIT returns the probability integral transform of an outcome, its place in
// the predictive distribution, in the mid-distribution form: P(X < x) + P(X =
// x)/2. Over many days its mean is 1/2 if the forecasts are calibrated, and
// where ties are rare it is uniform on (0, 1) (Dawid 1984): heaped at both ends
// if forecasts are too narrow, in the middle if too wide, at one end if biased.
// With ties, such as of a strategy that often returns exactly 0, it is less
// spread out than that even if all is well; a test needs [RandomizedPIT]. NaN
// for an outcome that is NaN or a distribution as in [Tail].
func PIT(outcome float64, scenarios, weights []float64) float64 {
	return RandomizedPIT(outcome, scenarios, weights, 0.5)
}

// RandomizedPIT is P(X < x) + v P(X = x), which is exactly uniform on (0, 1) if
// v is, independent of all else, and the forecast is the distribution of x,
// whatever its atoms (Czado, Gneiting & Held, "Predictive model assessment for
// count data", Biometrics 2009, eq. 1). Without ties it is [PIT] for any v in
// [0, 1]. NaN as for PIT.
func RandomizedPIT(outcome float64, scenarios, weights []float64, v float64) float64 {
	if !usable(scenarios, weights) || math.IsNaN(outcome) {
		return math.NaN()
	}
	below, tied, total := 0.0, 0.0, 0.0
	for j, x := range scenarios {
		w := 1.0
		if weights != nil {
			w = weights[j]
		}
		total += w
		switch {
		case x < outcome:
			below += w
		case x == outcome:
			tied += w
		}
	}
	return min(1, (below+v*tied)/total)
}

// CRPS returns the continuous ranked probability score of an outcome, exactly,
//
//	integral (F(z) - 1{outcome <= z})^2 dz = E|X - outcome| - E|X - X'|/2,
//
// for the distribution function F of the scenarios (Gneiting & Raftery 2007).
// It has the unit of the outcome; 0 is best, and it is the absolute error of a
// forecast that is one number. The integral is summed over the sorted scenarios,
// so that nothing cancels. NaN as for [PIT].
func CRPS(outcome float64, scenarios, weights []float64) float64 {
	if !usable(scenarios, weights) || math.IsNaN(outcome) || math.IsInf(outcome, 0) {
		return math.NaN()
	}
	atoms, total := sorted(scenarios, weights)
	score, mass := 0.0, 0.0
	if first := atoms[0].x; outcome < first {
		score += first - outcome // F is 0 there, the indicator 1
	}
	for i, a := range atoms[:len(atoms)-1] {
		mass += a.mass
		f := mass / total
		next := atoms[i+1].x
		turn := min(max(outcome, a.x), next)
		score += f*f*(turn-a.x) + (1-f)*(1-f)*(next-turn)
	}
	if last := atoms[len(atoms)-1].x; outcome > last {
		score += outcome - last
	}
	return score
}

// Skill returns 1 - sum(scores)/sum(reference): how much of the reference's
// score, such as [CRPS] of a plain forecast on the same days, a forecast saves.
// 1 is perfect, 0 no better, negative worse. NaN for a reference without error
// and for no days.
func Skill(scores, reference []float64) float64 {
	if len(scores) != len(reference) {
		panic("metrics: scores and reference differ in length")
	}
	var ours, theirs float64
	for t, s := range scores {
		ours += s
		theirs += reference[t]
	}
	return 1 - ratio(ours, theirs)
}

// Test is the outcome of a test of a hypothesis.
type Test struct {
	Statistic float64
	PValue    float64 // probability of a statistic as extreme or more if the hypothesis is true
}

// Uniformity tests values, such as [PIT] of many days, for a uniform
// distribution on [0, 1] by the Kolmogorov-Smirnov statistic, the greatest
// distance of their distribution function from the diagonal. The values are
// taken to be independent: forecasts over a horizon of many days that overlap
// are not. The p-value is exact up to 1000 values (Marsaglia, Tsang & Wang,
// "Evaluating Kolmogorov's distribution", Journal of Statistical Software 2003,
// with their approximation, good to 7 digits, of small p-values), and above
// that the limiting one at x + 1/(6 sqrt(n)) + (x-1)/(4n), x = sqrt(n) D (Vrbik
// 2018), good to 2e-5.
// NaN for no values and for a value that is NaN or outside [0, 1].
func Uniformity(values []float64) Test {
	for _, v := range values {
		if !(v >= 0 && v <= 1) {
			return Test{math.NaN(), math.NaN()}
		}
	}
	if len(values) == 0 {
		return Test{math.NaN(), math.NaN()}
	}
	atoms, n := sorted(values, nil)
	d := 0.0
	for i, a := range atoms {
		d = max(d, a.x-float64(i)/n, float64(i+1)/n-a.x)
	}
	return Test{d, min(1, max(0, kolmogorovTail(d, len(values))))}
}
