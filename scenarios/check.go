package scenarios

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/interp"
	"gonum.org/v1/gonum/mathext"

	"allocate/bayes"
	"allocate/returns"
)

// scoreDraws is the number of posterior draws, spread evenly over the
// posterior, that a predictive probability is averaged over.
const scoreDraws = 32

// predictive is the posterior predictive distribution function of a day's
// return under a model without memory, tabulated on the normal scale, where it is close to a line: node
// values are exact and between them it is interpolated monotonically (Fritsch
// and Butland 1984), apart on either side of 0, where it may jump.
type predictive struct {
	below, above       interp.FritschButland // normal score of P(R <= r)
	low, high          [2]float64            // first and last node of each side
	atZero, jump       float64               // P(R < 0), P(R = 0)
	hasBelow, hasAbove bool
}

// newPredictive tabulates at about 60 of the history's own order statistics,
// denser in the tails.
func newPredictive(s Strategy, m bayes.Exchangeable) (*predictive, error) {
	f := &predictive{atZero: s.predicted(m, -tiny)}
	f.jump = max(0, s.predicted(m, tiny)-f.atZero)
	sorted := append([]float64(nil), s.Series.Returns...)
	sort.Float64s(sorted)
	zero := sort.SearchFloat64s(sorted, 0)
	after := sort.Search(len(sorted), func(i int) bool { return sorted[i] > 0 })
	var err error
	if f.hasBelow, err = f.side(s, m, &f.below, &f.low, sorted[:zero], -tiny); err != nil {
		return nil, err
	}
	f.hasAbove, err = f.side(s, m, &f.above, &f.high, sorted[after:], tiny)
	return f, err
}

// side fits one side of 0 from its sorted returns, with 0 as an end.
func (f *predictive) side(s Strategy, m bayes.Exchangeable, fit *interp.FritschButland, span *[2]float64, sorted []float64, zero float64) (bool, error) {
	var x, z []float64
	add := func(r float64) {
		v := mathext.NormalQuantile(max(1e-300, min(1-1e-16, s.predicted(m, r))))
		if len(x) > 0 && (r <= x[len(x)-1] || v < z[len(z)-1]) {
			return
		}
		x, z = append(x, r), append(z, v)
	}
	if zero > 0 {
		add(zero)
	}
	for _, i := range tailwards(len(sorted), 60) {
		add(sorted[i])
	}
	if zero < 0 {
		add(zero)
	}
	if len(x) < 2 {
		return false, nil
	}
	span[0], span[1] = x[0], x[len(x)-1]
	return true, fit.Fit(x, z)
}

// tailwards returns about k of the indices 0..n-1, rising, 0 and n-1 among
// them, whose distance from the nearer end grows as the square of their order.
func tailwards(n, k int) []int {
	var out []int
	for a := range k {
		c := math.Cos(math.Pi * (1 - float64(a)/float64(k-1)))
		i := int(math.Round((1 + c) / 2 * float64(n-1)))
		if n > 0 && (len(out) == 0 || i > out[len(out)-1]) {
			out = append(out, i)
		}
	}
	return out
}

func (s Strategy) predicted(m bayes.Exchangeable, r float64) float64 {
	n, u := s.Posterior.Len(), 0.0
	for k := range scoreDraws {
		u += m.CDF(s.Posterior.Theta((2*k+1)*n/(2*scoreDraws)), r)
	}
	return u / scoreDraws
}

// tiny is a return that no day has: the distribution function just below and
// just above 0 tells how likely a return of exactly 0 is.
const tiny = 1e-300

// at returns P(R < r) + P(R = r)/2; beyond the nodes, that of the last.
func (f *predictive) at(r float64) float64 {
	switch {
	case r < 0 && f.hasBelow:
		return normalCDF(f.below.Predict(max(f.low[0], min(f.low[1], r))))
	case r > 0 && f.hasAbove:
		return normalCDF(f.above.Predict(max(f.high[0], min(f.high[1], r))))
	}
	return f.atZero + f.jump/2
}

// PIT returns the randomised probability integral transforms of the days of a
// strategy that follow those before: the series itself after none, or days after
// the series. They are uniform on (0, 1) if the days come from the predictive
// distribution of each given the past. A return of exactly 0 has probability
// where the model gives it some; such days are spread evenly over it, without
// chance.
func (s Strategy) PIT(before, days []float64) ([]float64, error) {
	m, alike := s.Predictor.(bayes.Exchangeable)
	if !alike {
		u, err := s.conditional(slices.Concat(before, days))
		if err != nil {
			return nil, err
		}
		u = u[len(before):]
		idle := s.idle()
		for i, r := range days {
			if r == 0 && idle > 0 {
				u[i] += idle * (spread(i) - 0.5)
			}
		}
		return u, nil
	}
	f, err := newPredictive(s, m)
	if err != nil {
		return nil, err
	}
	u := make([]float64, len(days))
	for i, r := range days {
		u[i] = f.at(r)
		if r == 0 && f.jump > 0 {
			u[i] = f.atZero + f.jump*spread(i)
		}
	}
	return u, nil
}

// spread is the fractional part of 1/2 plus the i-th multiple of the golden
// ratio.
func spread(i int) float64 {
	_, v := math.Modf(0.5 + float64(i)*0.6180339887498949)
	return v
}

// conditional returns the probability integral transforms of a history from its
// beginning, each day given those before it, averaged over the posterior.
func (s Strategy) conditional(y []float64) ([]float64, error) {
	n := s.Posterior.Len()
	mean, u := make([]float64, len(y)), make([]float64, len(y))
	for k := range scoreDraws {
		s.Predictor.PIT(s.Posterior.Theta((2*k+1)*n/(2*scoreDraws)), y, u)
		for t, v := range u {
			mean[t] += v / scoreDraws
		}
	}
	for t, v := range mean {
		if !(v >= 0 && v <= 1+1e-9) {
			return nil, fmt.Errorf("scenarios: the probability integral transform of day %d of %q is %v, not in [0, 1]: an error of the return model %q", t+1, s.Series.Strategy.Name, v, s.Posterior.Model)
		}
	}
	return mean, nil
}

func (s Strategy) idle() float64 {
	n, p := s.Posterior.Len(), 0.0
	for k := range scoreDraws {
		p += s.Predictor.Idle(s.Posterior.Theta((2*k+1)*n/(2*scoreDraws))) / scoreDraws
	}
	return p
}

// Numbers that checks compare with.
const (
	checkAlpha = 0.95 // of the CVaR that checks speak of
	pitSlack   = 0.05 // Kolmogorov distance that no one would act on
	tailProb   = 0.01
)

// check looks at each strategy's history under its posterior, and at the
// equal-weight portfolio of the scenarios.
func check(strategies []Strategy, s *Set, each func(n int, f func(i int)) error) ([]returns.Finding, error) {
	found := make([][]returns.Finding, len(strategies))
	errs := make([]error, len(strategies))
	err := each(len(strategies), func(j int) {
		found[j], errs[j] = strategies[j].fits()
	})
	if err != nil {
		return nil, err
	}
	var all []returns.Finding
	for j := range found {
		if errs[j] != nil {
			return nil, fmt.Errorf("scenarios: predictive distribution of %q: %w", s.Names[j], errs[j])
		}
		all = append(all, found[j]...)
	}
	return append(all, checkPortfolio(s)...), nil
}

// fits compares the history with the predictive distribution of its own
// posterior, for gross misfit.
func (s Strategy) fits() ([]returns.Finding, error) {
	u, err := s.PIT(nil, s.Series.Returns)
	if err != nil || len(u) == 0 {
		return nil, err
	}
	which := "returns given the previous days"
	if _, alike := s.Predictor.(bayes.Exchangeable); alike {
		which = "returns (unconditional)" // calm and turbulent days may cancel
	}
	return misfit("scenarios.", which, s.Series.Strategy.Name, u), nil
}

// misfit judges n probability integral transforms of the returns that which
// names. It reports, with prefix,
//
//	pit    the transforms are not uniform: Kolmogorov distance; at least a
//	       warning if the lower tail is wrong as well
//	tail   more of them are below 1% than chance allows
//
// Chance is the 0.1% point; the clustering of volatility makes days count for
// less than their number, for which both limits have slack.
func misfit(prefix, which, name string, u []float64) []returns.Finding {
	n, low, high := float64(len(u)), 0.0, 0.0
	for _, v := range u {
		if v < tailProb {
			low++
		}
		if v > 1-tailProb {
			high++
		}
	}
	var found []returns.Finding
	tailLimit := tailProb*n*1.5 + 3.1*math.Sqrt(tailProb*n)
	if d, limit := kolmogorov(u), 1.95/math.Sqrt(n)+pitSlack; d > limit {
		f := returns.NewFinding(prefix+"pit", name, d-1.95/math.Sqrt(n),
			fmt.Sprintf("PIT of the %s: the distance from uniform is %.2f pp (Kolmogorov-Smirnov); the return model is miscalibrated.", which, 100*d),
			map[string]float64{"distance": d, "limit": limit, "days": n})
		if low > tailLimit {
			f.Severity = max(f.Severity, returns.Warn)
		}
		found = append(found, f)
	}
	if low > tailLimit {
		found = append(found, returns.NewFinding(prefix+"tail", name, (low-tailLimit)/n,
			fmt.Sprintf("%.1f%% of the %s are below the predicted 1%% quantile: the model understates tail losses.", 100*low/n, which),
			map[string]float64{"below": low / n, "above": high / n, "expected": tailProb, "limit": tailLimit / n}))
	}
	return found
}

// kolmogorov returns the distance of u from uniform; it sorts u.
func kolmogorov(u []float64) float64 {
	sort.Float64s(u)
	n, d := float64(len(u)), 0.0
	for i, v := range u {
		d = max(d, v-float64(i)/n, float64(i+1)/n-v)
	}
	return d
}

// checkPortfolio reports the Monte Carlo error of the CVaR of the
// equal-weighted portfolio.
func checkPortfolio(s *Set) []returns.Finding {
	loss := equalWeightLoss(s)
	cvar, se := tailMean(loss, s.Prob, checkAlpha)
	k := bayes.TailShape(loss)
	mean := 0.0
	for i, l := range loss {
		mean += s.Probability(i) * l
	}
	f := returns.NewFinding("scenarios.cvar", "", se/(cvar-mean),
		fmt.Sprintf("CVaR 95%% of the equal-weighted portfolio (%s): %.2f%% ± %.2f%% (MC s.e.).", s.Frequency.Days(s.Horizon), 100*cvar, 100*se),
		map[string]float64{"cvar": cvar, "standard_error": se, "alpha": checkAlpha})
	if math.IsNaN(k) {
		return []returns.Finding{f}
	}
	f.Numbers["pareto_k"] = k
	found := []returns.Finding{f}
	limit := min(1-1/math.Log10(float64(s.Len())), 0.7) // Vehtari et al. 2024, equation 13
	switch {
	case k >= 1:
		found = append(found, returns.Finding{
			Code: "scenarios.pareto_k", Severity: returns.Hold, Numbers: map[string]float64{"k": k, "limit": 1},
			Sentence: fmt.Sprintf("The loss tail of the equal-weighted portfolio has Pareto k %.2f, at least 1: its CVaR does not exist.", k),
		})
	case k > limit:
		found = append(found, returns.Finding{
			Code: "scenarios.pareto_k", Severity: returns.Warn, Numbers: map[string]float64{"k": k, "limit": limit},
			Sentence: fmt.Sprintf("The loss tail of the equal-weighted portfolio has Pareto k %.2f, above %.2f: %s are too few for its CVaR.", k, limit, returns.Count(s.Len(), "scenario")),
		})
	}
	return found
}
