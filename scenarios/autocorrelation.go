package scenarios

import (
	"fmt"
	"math"

	"allocate/returns"
)

// Returns that depend on those of the day before, as smoothed prices make them, have
// another volatility over the horizon than independent ones. Return models know of
// variance only; a term of first order in the normal scores,
//
//	z_t = phi z_{t-1} + sqrt(1-phi^2) e_t,
//
// adds the rest, and leaves the distribution of every day as it is. Paths go on from the
// score of the last day. The dependence of strategies is estimated from e.
//
// phi is used where the data ask for it: where its robust t statistic, squared, is above
// the logarithm of the number of days (the criterion of Schwarz 1978), and then shrunk by
// the inverse of that square.
type autocorrelation struct {
	phi  float64
	last float64 // score of the last day
}

// whiten estimates the autocorrelation of the scores of a strategy, NaN where it has no
// day, and replaces them by e.
func whiten(score []float64) (a autocorrelation) {
	cross, squares, products, n := 0.0, 0.0, 0.0, 0.0
	before := math.NaN()
	for _, z := range score {
		if math.IsNaN(z) {
			continue
		}
		if !math.IsNaN(before) {
			cross += z * before
			products += z * z * before * before
			squares += before * before
			n++
		}
		before = z
	}
	a.last = before
	if n < leastOverlap || !(squares > 0) {
		return a
	}
	phi := cross / squares
	square := cross * cross / products // of the t statistic, robust to changing variance (White 1980)
	if square <= math.Log(n) {
		return a
	}
	a.phi = max(-0.95, min(0.95, phi*(1-1/square)))
	a.innovations(score, math.NaN())
	return a
}

// innovations replaces scores by e, before being the score of the day before; NaN: there is
// none.
func (a autocorrelation) innovations(score []float64, before float64) {
	if a.phi == 0 {
		return
	}
	root := math.Sqrt(1 - a.phi*a.phi)
	for t, z := range score {
		if math.IsNaN(z) {
			continue
		}
		if !math.IsNaN(before) {
			score[t] = (z - a.phi*before) / root
		}
		before = z
	}
}

// follow turns independent scores into those that depend on the day before.
func (a autocorrelation) follow(z []float64) {
	if a.phi == 0 {
		return
	}
	root, before := math.Sqrt(1-a.phi*a.phi), a.last
	for t, e := range z {
		before = a.phi*before + root*e
		z[t] = before
	}
}

// ratio returns the variance of the sum of n scores over n times that of one.
func (a autocorrelation) ratio(n int) float64 {
	sum, power := 1.0, 1.0
	for k := 1; k < n; k++ {
		power *= a.phi
		sum += 2 * (1 - float64(k)/float64(n)) * power
	}
	return sum
}

// varianceRatio returns the variance of sums of q returns over q times that of one, and
// its standard error if returns are uncorrelated, whatever their variances (Lo and
// MacKinlay, Review of Financial Studies 1, 1988, equations 12b and 20).
func varianceRatio(r []float64, q int) (ratio, se float64) {
	n := float64(len(r))
	mean := 0.0
	for _, v := range r {
		mean += v / n
	}
	squares := 0.0
	for _, v := range r {
		squares += (v - mean) * (v - mean)
	}
	ratio = 1
	for k := 1; k < q; k++ {
		cross, products := 0.0, 0.0
		for t := k; t < len(r); t++ {
			a, b := r[t]-mean, r[t-k]-mean
			cross += a * b
			products += a * a * b * b
		}
		weight := 2 * (1 - float64(k)/float64(q))
		ratio += weight * cross / squares
		se += weight * weight * products / (squares * squares)
	}
	return ratio, math.Sqrt(se)
}

// checkVarianceRatio compares the variance ratio of the history over the horizon with that
// of the scenarios, where a is theirs. The difference is significant at 0.1%, else nil.
func (s Strategy) checkVarianceRatio(a autocorrelation, horizon int) []returns.Finding {
	r := s.Series.Returns
	if horizon < 2 || len(r) < 8*horizon || s.trades() {
		return nil
	}
	got, se := varianceRatio(r, horizon)
	want := a.ratio(horizon)
	if math.Abs(got-want) <= 3.29*se || !(got > 0) {
		return nil
	}
	edge := max(got-1.64*se, 1e-3) // what the data leave open does not count
	if got < want {
		edge = got + 1.64*se
	}
	size := math.Sqrt(edge / want)
	word := "understate"
	if size < 1 {
		size, word = 1/size, "overstate"
	}
	sentence := fmt.Sprintf("Variance ratio over %s: %.2f in the history, %.2f in the scenarios", s.Series.Frequency.Days(horizon), got, want)
	if a.phi != 0 {
		sentence += fmt.Sprintf(" (first-order autocorrelation %.2f)", a.phi)
	}
	return []returns.Finding{returns.NewFinding("scenarios.variance_ratio", s.Series.Strategy.Name, size-1,
		fmt.Sprintf("%s: the scenarios %s the volatility over the horizon by %.0f%%.", sentence, word, 100*math.Abs(math.Sqrt(got/want)-1)),
		map[string]float64{"history": got, "scenarios": want, "standard_error": se, "phi": a.phi})}
}
