package bayes

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"allocate/bayes/mcmc"
	"allocate/returns"
)

// Sensitivity says how fast the posterior of a parameter changes as its prior
// or its likelihood is raised to a power near 1 (power-scaling, Kallioinen,
// Paananen, Buerkner & Vehtari, Statistics and Computing 2024, arXiv:2107.14054):
// the cumulative Jensen-Shannon distance of the two posteriors per doubling of
// the power. From 0.05 on a posterior counts as sensitive. Sensitive to both,
// prior and data conflict; sensitive to the prior alone, the data say little.
type Sensitivity struct {
	Parameter  string `json:"parameter"`
	Prior      Number `json:"prior"`
	Likelihood Number `json:"likelihood"`
}

const (
	sensitive      = 0.05 // the paper's threshold
	conflicting    = 0.5  // of a conflict that warns, to both: ten times that
	sensitiveDraws = 500  // draws used at most
	powerStep      = 0.01 // powers 1 - step and 1 + step, as in the R package priorsense
)

// codePriorConflict is the finding of a prior and data that conflict: mu or sd is
// sensitive to both. (So is nu, always, of returns that are nearly normal, where
// all large values are alike.) The lesser of the two is its size: information from 0.05
// on, which a year of a Sharpe ratio of 3 has, as has the sd of a pair of stocks
// with nu near 2 (0.3); and a warning from 0.5 on, ten times that. It does not hold a run: the
// predictive checks measure whether the posterior misses the data.
const codePriorConflict = "bayes.prior_conflict"

// scaledParameters are those whose sensitivity is reported.
var scaledParameters = []string{"mu", "sd", "nu"}

// scalePower fills Sensitivity by importance weights on the draws, Pareto
// smoothed, and reports a conflict.
func (p *Posterior) scalePower(m Model) {
	known, is := m.(PriorDensity)
	if !is {
		return
	}
	every := (p.Len() + sensitiveDraws - 1) / sensitiveDraws
	n := p.Len() / every
	prior, likelihood := make([]float64, n), make([]float64, n)
	for i := range n {
		var jacobian float64
		prior[i], jacobian = known.LogPrior(p.Theta(i * every))
		likelihood[i] = p.Sampler.LogDensity[i*every] - prior[i] - jacobian
	}
	weights := [2][2][]float64{{power(prior, -powerStep), power(prior, powerStep)}, {power(likelihood, -powerStep), power(likelihood, powerStep)}}
	x, order := make([]float64, n), make([]int, n)
	p.Sensitivity = nil
	for _, name := range scaledParameters {
		k := p.Index(name)
		if k < 0 || p.Summary[k].constant() {
			continue
		}
		for i := range x {
			x[i], order[i] = p.Theta(i * every)[k], i
		}
		slices.SortFunc(order, func(a, b int) int {
			switch {
			case x[a] < x[b]:
				return -1
			case x[a] > x[b]:
				return 1
			}
			return a - b
		})
		p.Sensitivity = append(p.Sensitivity, Sensitivity{name, Number(gradient(x, order, weights[0])), Number(gradient(x, order, weights[1]))})
	}
	p.Findings = append(p.Findings, conflict(p.Sensitivity)...)
}

// conflict reports the parameters that are sensitive to both prior and
// likelihood.
func conflict(all []Sensitivity) []returns.Finding {
	var names []string
	worst := 0.0
	for _, s := range all {
		if lesser := float64(min(s.Prior, s.Likelihood)); s.Parameter != "nu" && lesser >= sensitive {
			names = append(names, s.Parameter)
			worst = max(worst, lesser)
		}
	}
	if len(names) == 0 {
		return nil
	}
	f := returns.Finding{
		Code: codePriorConflict, Severity: returns.Info, Numbers: map[string]float64{"value": worst, "limit": sensitive},
		Sentence: fmt.Sprintf("Prior-data conflict in %s: power-scaling sensitivity to both is at least %.2f (threshold %.2f); check bayes.prior_sharpe, bayes.prior_log_sd and bayes.prior_nu.", strings.Join(names, ", "), worst, sensitive),
	}
	if worst >= conflicting {
		f.Severity = returns.Warn
	}
	return []returns.Finding{f}
}

// power returns the normalized importance weights of draws where the component
// with the given log density is raised to the power 1 + by.
func power(log []float64, by float64) []float64 {
	w := make([]float64, len(log))
	for i, v := range log {
		w[i] = by * v
	}
	mcmc.PSIS(w, w, 1)
	for i, v := range w {
		w[i] = math.Exp(v)
	}
	return w
}

// gradient is the mean of the distances at both powers, per doubling.
func gradient(x []float64, order []int, w [2][]float64) float64 {
	down, up := distanceCJS(x, order, w[0]), distanceCJS(x, order, w[1])
	return (up/math.Log2(1+powerStep) - down/math.Log2(1-powerStep)) / 2
}

// distanceCJS is the cumulative Jensen-Shannon distance (Nguyen & Vreeken 2015)
// of the draws with equal weights from the same draws with weights w: the square
// root of the divergence over its upper bound, the larger for x and -x. order
// sorts x.
func distanceCJS(x []float64, order []int, w []float64) float64 {
	n := len(order)
	var divergence, bound [2]float64 // of the distribution function and of its complement
	var below float64
	for i := range n - 1 {
		below += w[order[i]]
		width := x[order[i+1]] - x[order[i]]
		equal := float64(i+1) / float64(n)
		divergence[0] += width * jensenShannon(equal, below)
		divergence[1] += width * jensenShannon(1-equal, 1-below)
		bound[0] += width * (equal + below)
		bound[1] += width * (2 - equal - below)
	}
	worst := 0.0
	for k := range divergence {
		worst = max(worst, math.Sqrt(divergence[k]/bound[k]))
	}
	return worst
}

// jensenShannon returns p log2(p/m) + q log2(q/m), m = (p+q)/2; for p and q that
// are near, by its series in t = (p-q)/(p+q), which loses no digits.
func jensenShannon(p, q float64) float64 {
	m := (p + q) / 2
	if !(m > 0) {
		return 0
	}
	t := (p - q) / (2 * m)
	if t*t < 0.01 {
		t *= t
		return m * t * (1 + t*(1./6+t*(1./15+t*(1./28+t/45)))) / math.Ln2
	}
	sum := 0.0
	for _, v := range []float64{p, q} {
		if v > 0 {
			sum += v * math.Log2(v/m)
		}
	}
	return sum
}
