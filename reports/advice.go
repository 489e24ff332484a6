package reports

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"allocate/optimize"
	"allocate/returns"
	"allocate/scenarios"
)

const (
	lowMean      = 0.1    // probability of a positive mean return below which a strategy is held for its risk alone
	lowMeanShare = 1. / 3 // of the capital in such strategies, from which it is reported
	trialReturn  = 0.05   // annual return at which the cost of min_annual_return is shown
)

// Advice are the findings about what the objective leaves out: an expected return that
// cannot be told from that of cash, and capital in strategies whose mean return is
// probably negative; with the keys that change it, and their cost in CVaR.
func Advice(r *Run) ([]returns.Finding, error) {
	s, err := Summarize(r)
	if err != nil {
		return nil, err
	}
	var found []returns.Finding
	span, cash := s.ExpectedSpan, Number(r.Optimize.CashReturn)
	invested := 0.0
	for j, name := range r.Solution.Names {
		if name != optimize.Cash || !r.Optimize.Cash {
			invested += math.Abs(r.Solution.Weights[j])
		}
	}
	if r.Scenarios.Mean == scenarios.ZeroMean || invested == 0 {
		return nil, nil // there is nothing to expect
	}
	if span.Q5 <= cash && r.Optimize.Budget > 0 {
		f := returns.Finding{
			Code: "optimize.return", Severity: returns.Info,
			Numbers: map[string]float64{"mean": float64(span.Mean), "q05": float64(span.Q5), "q95": float64(span.Q95), "cash": float64(cash)},
		}
		relation := "cannot be told from"
		if span.Q95 < cash {
			f.Severity, relation = returns.Warn, "is below"
		}
		f.Sentence = fmt.Sprintf("The expected return, %.2f%% p.a. (90%% CI %.2f%% to %.2f%%), %s that of cash, %.2f%%.%s", 100*span.Mean, 100*span.Q5, 100*span.Q95, relation, 100*cash, alternatives(r, s))
		found = append(found, f)
	}
	gross, low := 0.0, 0.0
	var names []string
	for _, x := range s.Strategies {
		gross += math.Abs(x.Weight)
		if x.Weight > 0 && x.ProbMeanPositive < lowMean || x.Weight < 0 && x.ProbMeanPositive > 1-lowMean {
			low += math.Abs(x.Weight)
			names = append(names, x.Name)
		}
	}
	if gross > 0 && low/gross >= lowMeanShare {
		slices.SortFunc(names, func(a, b string) int { return strings.Compare(a, b) })
		shown, more := names, ""
		if len(shown) > 5 {
			shown, more = names[:5], fmt.Sprintf(" and %d more", len(names)-5)
		}
		f := returns.Finding{
			Code: "optimize.low_means", Severity: returns.Info, Numbers: map[string]float64{"share": low / gross, "strategies": float64(len(names))},
			Sentence: fmt.Sprintf("%.0f%% of the positions are in strategies that make a profit in the mean with a probability below %.0f%%: %s%s. They are held because they lower the risk.", 100*low/gross, 100*lowMean, strings.Join(shown, ", "), more),
		}
		if low/gross >= 2*lowMeanShare {
			f.Severity = returns.Warn
		}
		found = append(found, f)
	}
	return found, nil
}

// alternatives names the keys that ask for more return, and their cost in risk, as far as
// the efficient frontier has it.
func alternatives(r *Run, s *Summary) string {
	if r.Optimize.Objective != optimize.MinCVaR || r.Optimize.MinAnnualReturn != nil {
		return ""
	}
	f := r.Solution.Frontier
	if f == nil || len(f.Points) == 0 {
		return " Objective min_cvar does not ask for return: see optimize.min_annual_return, and objectives max_ratio and utility."
	}
	var parts []string
	certain := math.Expm1(math.Log1p(r.Optimize.RiskFree) * float64(s.Horizon) / s.PerYear)
	best, ratio := f.Points[0], math.Inf(-1)
	for _, p := range f.Points {
		if q := (p.Return - certain) / p.Risk; p.Risk > 0 && q > ratio {
			best, ratio = p, q
		}
	}
	say := func(key string, p optimize.FrontierPoint) {
		parts = append(parts, fmt.Sprintf("%s would have an expected return of %.2f%% p.a. and raise the CVaR from %.2f%% to %.2f%%", key, 100*annual(p.Return, s), 100*s.Risk, 100*p.Risk))
	}
	if ratio > 0 && best.Risk > s.Risk {
		say("objective max_ratio", best)
	}
	if p, ok := atReturn(f.Points, math.Expm1(math.Log1p(trialReturn)*float64(s.Horizon)/s.PerYear)); ok && p.Risk > s.Risk {
		say(fmt.Sprintf("optimize.min_annual_return %v", trialReturn), p)
	}
	if len(parts) == 0 {
		return " No portfolio within the limits has a higher expected return at a positive ratio to its CVaR; widen the limits, or add strategies."
	}
	return " Objective min_cvar does not ask for return: " + strings.Join(parts, "; ") + "; or use objective utility."
}

// atReturn is the point of the frontier with a return, between two breakpoints.
func atReturn(points []optimize.FrontierPoint, want float64) (optimize.FrontierPoint, bool) {
	for i := 1; i < len(points); i++ {
		a, b := points[i-1], points[i]
		if a.Return <= want && want <= b.Return && b.Return > a.Return {
			t := (want - a.Return) / (b.Return - a.Return)
			return optimize.FrontierPoint{Return: want, Risk: a.Risk + t*(b.Risk-a.Risk)}, true
		}
	}
	return optimize.FrontierPoint{}, false
}

// annual converts a return over the horizon by compounding.
func annual(x float64, s *Summary) float64 {
	return math.Expm1(math.Log1p(x) * s.PerYear / float64(s.Horizon))
}
