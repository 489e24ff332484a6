package optimize

import (
	"errors"
	"fmt"
	"math"

	"allocate/scenarios"
)

// Objective selects the quantity that a problem optimizes.
type Objective string

// The objectives. Return and risk are defined at Problem.
const (
	MinCVaR    Objective = "min_cvar"    // least risk
	MaxReturn  Objective = "max_return"  // highest return, usually within MaxCVaR
	Utility    Objective = "utility"     // highest return - Aversion x risk
	MaxRatio   Objective = "max_ratio"   // highest (return - RiskFree) / risk
	RiskBudget Objective = "risk_budget" // long-only, the strategies' shares of risk as given
)

// Problem asks for the best weights w over Set among those that sum to Budget,
// lie in [Lower, Upper] and satisfy Constraints, Distances and the rules on
// positions. What is good about weights is made of two numbers:
//
//	return(w) = Mean'w - cost(w) - Radius |w|
//	risk(w)   = sum_k weight_k (CVaR_k(w) + Radius/(1-alpha_k) |w|) + cost(w)
//
// over the horizon, with the levels k of Spectrum, or Alpha alone. A loss is
// minus a return. Costs of trading and of borrowing what is sold short,
//
//	cost(w) = sum_i Cost_i |w_i - Previous_i| + sum_i Borrow_i max(0, -w_i)
//
// are certain, so that they raise every loss alike. Weights other than those
// held also cost Fixed, once. Radius is that of a
// Wasserstein-1 ball around the scenarios with the ground metric Norm; |w| is
// then the dual norm, and return and risk are those of the worst distribution
// in the ball (Mohajerin Esfahani and Kuhn 2018, corollary 5.1, without
// bounds on the support; Pflug, Pichler and Wozabal 2012). CASH has no part in
// |w|: the ball holds no distribution in which its return is another.
type Problem struct {
	Set       *scenarios.Set
	Objective Objective // "" is MinCVaR
	Alpha     float64   // confidence of the VaR and CVaR that are reported, in [0, 1)
	Spectrum  []Level   // of the risk; empty: Alpha with weight 1
	Mean      []float64 // N expected horizon returns; nil: those of Set
	Aversion  float64   // of Utility, >= 0
	RiskFree  float64   // of MaxRatio: a horizon return
	MaxCVaR   float64   // limit on the risk for MaxReturn and Utility; 0 or +Inf: none
	Shares    []float64 // N shares of the risk for RiskBudget, which sum to 1; nil: equal
	Ridge     float64   // adds Ridge sum_i w_i^2 to what is minimized; such a problem is solved by the bundle method

	Budget       float64      // sum of the weights, a multiple of 10^-Decimals
	Lower, Upper []float64    // N finite bounds, fractions of capital
	Constraints  []Constraint // any number
	Distances    []Distance   // any number
	MinPosition  float64      // smallest absolute weight that is not 0; 0: no rule
	MaxPositions int          // most weights that are not 0; 0: no rule
	Nodes        int          // most nodes of the search that the two rules need; 0: the default

	Previous []float64 // N weights held now; nil: none, a cold start
	Cost     []float64 // N costs per unit of |w - Previous|, fractions of capital; nil: none
	Borrow   []float64 // N costs per unit of a short position over the horizon; nil: none
	Fixed    float64   // cost of a rebalance, whatever is traded, fraction of capital; a cold start is free
	Radius   float64   // of the Wasserstein ball, a horizon return; 0: no robustness
	Norm     Norm      // ground metric of the ball; "" is L1

	Indifference float64 // distance from the best portfolio, in its standard errors, within which the current weights are kept: see Decide; 0: none

	Decimals int     // of an exported weight
	MaxGap   float64 // largest relative gap that is Optimal; 0 means the default

	sunk     float64 // cost that is paid whatever the weights
	departed float64 // sum of absolute weights held of strategies that are not in the set

	// Options that NewProblem keeps for sentences; zero when built by hand.
	ownLower, ownUpper []bool   // N: the bound is the strategy's own, not the default
	minAnnual          *float64 // the floor as it was configured
	hasCash            bool
	cash               *float64 // certain return of CASH over the horizon; nil: there is none
}

// Level is one CVaR of a mixture. A mixture of several is a spectral risk
// measure (Acerbi 2002).
type Level struct {
	Alpha  float64 `mapstructure:"alpha" json:"alpha" doc:"confidence, 0 <= alpha < 1" fraction:"true"`
	Weight float64 `mapstructure:"weight" json:"weight" doc:"its weight; the weights of all levels sum to 1" fraction:"true"`
}

// Constraint is one named linear row: Lower <= Coef'w <= Upper. Equal sides
// are an equality; an infinite side is absent.
type Constraint struct {
	Name         string
	Coef         []float64 // N
	Lower, Upper float64
}

// Distance is one named limit on a weighted sum of absolute differences:
//
//	Constant + sum_i Weight_i |w_i - Center_i| + Coef'w + sum_i Short_i max(0, -w_i) <= Limit
//
// Gross leverage has Center 0, turnover the previous weights, a distance to a
// benchmark the benchmark's. A floor on the expected return net of costs has
// the costs as weights and minus the expected returns as Coef.
type Distance struct {
	Name            string
	Weight, Center  []float64 // N; Weight >= 0
	Coef            []float64 // N; nil: none
	Short           []float64 // N, >= 0; nil: none
	Constant, Limit float64   // >= 0, unless there is a Coef
}

// Norm is the ground metric of a Wasserstein ball: the distance by which a
// scenario's vector of returns may be moved.
type Norm string

// The metrics.
const (
	L1   Norm = "l1"   // sum of moves; the dual |w| is the largest absolute weight
	LInf Norm = "linf" // largest move; the dual |w| is the sum of absolute weights
)

func (p *Problem) levels() []Level {
	if len(p.Spectrum) == 0 {
		return []Level{{p.Alpha, 1}}
	}
	return p.Spectrum
}

func (p *Problem) objective() Objective {
	if p.Objective == "" {
		return MinCVaR
	}
	return p.Objective
}

func (p *Problem) limited() bool { return p.MaxCVaR != 0 && !math.IsInf(p.MaxCVaR, 1) }

// discrete reports rules on positions, which need a search.
func (p *Problem) discrete() bool {
	return p.MinPosition > 0 || p.MaxPositions > 0 && p.MaxPositions < len(p.Set.Names)
}

// maxGap is the largest relative gap that counts as optimal.
func (p *Problem) maxGap() float64 {
	if p.MaxGap == 0 {
		return DefaultOptions().MaxGap
	}
	return p.MaxGap
}

// means returns the N expected horizon returns.
func (p *Problem) means() []float64 {
	if p.Mean != nil {
		return p.Mean
	}
	return p.Set.Mean()
}

// cost returns the cost of trading from Previous to w and of borrowing the short
// positions of w, a fraction of capital, without Fixed: see tradeOrHold. The trades
// of a cold start cost nothing.
func (p *Problem) cost(w []float64) float64 {
	total := p.sunk
	if p.Previous != nil {
		for i, c := range p.Cost {
			total += c * math.Abs(w[i]-p.Previous[i])
		}
	}
	for i, c := range p.Borrow {
		total += c * max(0, -w[i])
	}
	return total
}

// uncertain reports a strategy whose returns the Wasserstein ball moves: all but
// CASH, whose return is certain.
func (p *Problem) uncertain(i int) bool { return !p.hasCash || p.Set.Names[i] != Cash }

// dualNorm returns |w|, the norm dual to the ground metric, of the uncertain
// weights.
func (p *Problem) dualNorm(w []float64) float64 {
	norm := 0.0
	for i, x := range w {
		if !p.uncertain(i) {
			continue
		}
		if p.Norm == LInf {
			norm += math.Abs(x)
		} else {
			norm = max(norm, math.Abs(x))
		}
	}
	return norm
}

// ballRisk is the risk that one unit of the dual norm adds:
// Radius sum_k weight_k / (1-alpha_k).
func (p *Problem) ballRisk() float64 {
	sum := 0.0
	for _, l := range p.levels() {
		sum += l.Weight / (1 - l.Alpha)
	}
	return p.Radius * sum
}

// of returns the left side of a distance.
func (d *Distance) of(w []float64) float64 {
	sum := d.Constant
	for i, a := range d.Weight {
		sum += a * math.Abs(w[i]-d.Center[i])
	}
	for i, a := range d.Coef {
		sum += a * w[i]
	}
	for i, a := range d.Short {
		sum += a * max(0, -w[i])
	}
	return sum
}

// rows returns the general rows of the problem, the budget first.
func (p *Problem) rows() []Constraint {
	ones := make([]float64, len(p.Set.Names))
	for i := range ones {
		ones[i] = 1
	}
	budget := Constraint{Name: keyBudget, Coef: ones, Lower: p.Budget, Upper: p.Budget}
	return append([]Constraint{budget}, p.Constraints...)
}

// annual is the inverse of the conversion in NewProblem.
func (p *Problem) annual(horizonReturn float64) float64 {
	return math.Expm1(math.Log1p(horizonReturn) * p.Set.Frequency.PeriodsPerYear() / float64(p.Set.Horizon))
}

// validate reports every way in which a problem is not well posed. Whether it
// can be satisfied is another question: see InfeasibleError.
func (p *Problem) validate() error {
	var problems []error
	refuse := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("optimize: "+format, args...))
	}
	n := len(p.Set.Names)
	numbers := func(what string, x []float64, optional bool, low float64) {
		if x == nil && optional {
			return
		}
		if len(x) != n {
			refuse("%s: %d numbers for %d strategies", what, len(x), n)
		}
		for i, v := range x {
			if !(v >= low) || math.IsInf(v, 0) {
				refuse("%s: number %d is %v", what, i, v)
			}
		}
	}
	lowest := -math.MaxFloat64
	switch p.objective() {
	case MinCVaR, MaxReturn, Utility, MaxRatio, RiskBudget:
	case MinVariance:
		if p.Radius > 0 || p.Ridge > 0 || p.discrete() {
			refuse("%s does not go with a Wasserstein ball, a ridge or rules on positions", MinVariance)
		}
	default:
		refuse("no objective %q", p.Objective)
	}
	if !(p.Alpha >= 0 && p.Alpha < 1) {
		refuse("alpha %v is not in [0, 1)", p.Alpha)
	}
	if err := validLevels(p.Spectrum); err != nil {
		refuse("spectrum: %v", err)
	}
	for _, x := range []struct {
		what  string
		value float64
	}{{"aversion", p.Aversion}, {"radius", p.Radius}, {"ridge", p.Ridge}, {"smallest position", p.MinPosition}, {"largest gap", p.MaxGap}, {"indifference", p.Indifference}} {
		if !(x.value >= 0) || math.IsInf(x.value, 1) {
			refuse("%s %v is not a number >= 0", x.what, x.value)
		}
	}
	if math.IsNaN(p.MaxCVaR) || math.IsInf(p.MaxCVaR, -1) || math.IsNaN(p.RiskFree) || math.IsInf(p.RiskFree, 0) {
		refuse("risk limit %v, risk-free return %v", p.MaxCVaR, p.RiskFree)
	}
	if p.limited() && p.objective() != MaxReturn && p.objective() != Utility {
		refuse("a limit on the risk goes with %s and %s, not with %s", MaxReturn, Utility, p.objective())
	}
	if p.MaxPositions < 0 || p.Nodes < 0 {
		refuse("most positions %d, most nodes %d; expected numbers >= 0", p.MaxPositions, p.Nodes)
	}
	if p.Decimals < 1 || p.Decimals > 12 {
		refuse("%d decimals; expected 1 to 12", p.Decimals)
	} else if _, err := units(p.Budget, p.Decimals); err != nil {
		refuse("budget: %v", err)
	}
	if len(p.Lower) != n || len(p.Upper) != n {
		refuse("%d lower and %d upper bounds for %d strategies", len(p.Lower), len(p.Upper), n)
	} else {
		for i, name := range p.Set.Names {
			// Written so that NaN fails; the certificate needs finite bounds.
			if lo, up := p.Lower[i], p.Upper[i]; !(lo <= up) || math.IsInf(lo, 0) || math.IsInf(up, 0) {
				refuse("bounds [%v, %v] of %q are not an interval of finite numbers", lo, up, name)
			}
		}
	}
	for k, c := range p.Constraints {
		numbers(fmt.Sprintf("coefficients of constraint %d %q", k, c.Name), c.Coef, false, lowest)
		if !(c.Lower <= c.Upper) || math.IsInf(c.Lower, 1) || math.IsInf(c.Upper, -1) {
			refuse("constraint %d %q: [%v, %v] is not an interval", k, c.Name, c.Lower, c.Upper)
		}
	}
	for k, d := range p.Distances {
		numbers(fmt.Sprintf("weights of distance %d %q", k, d.Name), d.Weight, false, 0)
		numbers(fmt.Sprintf("center of distance %d %q", k, d.Name), d.Center, false, lowest)
		numbers(fmt.Sprintf("coefficients of distance %d %q", k, d.Name), d.Coef, true, lowest)
		numbers(fmt.Sprintf("short costs of distance %d %q", k, d.Name), d.Short, true, 0)
		if d.Coef != nil {
			if math.IsNaN(d.Limit) || math.IsInf(d.Limit, 0) || math.IsNaN(d.Constant) || math.IsInf(d.Constant, 0) {
				refuse("distance %d %q: limit %v, constant %v", k, d.Name, d.Limit, d.Constant)
			}
		} else if !(d.Limit >= 0) || math.IsInf(d.Limit, 1) || !(d.Constant >= 0) || math.IsInf(d.Constant, 1) {
			refuse("distance %d %q: limit %v, constant %v", k, d.Name, d.Limit, d.Constant)
		}
	}
	numbers("expected returns", p.Mean, true, lowest)
	numbers("previous weights", p.Previous, true, lowest)
	numbers("costs", p.Cost, true, 0)
	numbers("costs of short positions", p.Borrow, true, 0)
	if !(p.Fixed >= 0) || math.IsInf(p.Fixed, 1) {
		refuse("fixed cost %v", p.Fixed)
	}
	numbers("shares of risk", p.Shares, true, 0)
	return errors.Join(problems...)
}

// validLevels reports levels that are not a mixture of CVaRs.
func validLevels(levels []Level) error {
	sum := 0.0
	for _, l := range levels {
		if !(l.Alpha >= 0 && l.Alpha < 1) {
			return fmt.Errorf("alpha %v is not in [0, 1)", l.Alpha)
		}
		if !(l.Weight > 0) {
			return fmt.Errorf("weight %v of alpha %v is not above 0", l.Weight, l.Alpha)
		}
		sum += l.Weight
	}
	if len(levels) > 0 && !(math.Abs(sum-1) <= budgetTol) {
		return fmt.Errorf("the weights sum to %v; expected 1", sum)
	}
	return nil
}
