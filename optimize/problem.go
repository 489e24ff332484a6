package optimize

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"allocate/returns"
	"allocate/scenarios"
)

// Names of the constraints that come from the configuration: the keys that a
// person changes when they conflict.
const (
	keyBudget    = "optimize.budget"
	keyMinWeight = "optimize.min_weight"
	keyMaxWeight = "optimize.max_weight"
	keyMinReturn = "optimize.min_annual_return"
)

// tradingDays annualises: trading days in a year.
const tradingDays = 252

// Constraint is one named linear row: Lower <= Coef'w <= Upper. Equal sides
// are an equality; an infinite side is absent.
type Constraint struct {
	Name         string
	Coef         []float64 // N
	Lower, Upper float64
}

// Problem asks for the weights w with the least CVaR over Set among those
// that sum to Budget, lie in [Lower, Upper] and satisfy Constraints.
type Problem struct {
	Set          *scenarios.Set
	Alpha        float64      // confidence, in [0, 1)
	Budget       float64      // sum of the weights, a multiple of 10^-Decimals
	Lower, Upper []float64    // N finite bounds, fractions of capital
	Constraints  []Constraint // any number
	Decimals     int          // of an exported weight
	MaxGap       float64      // largest relative gap that is Optimal; 0 means the default

	// What NewProblem knows of the options, for sentences; zero when built by hand.
	ownLower, ownUpper []bool   // N: the bound is the strategy's own, not the default
	minAnnual          *float64 // the floor as it was configured
	hasCash            bool
}

// NewProblem writes options as a problem over set. With o.Cash the set of the
// problem is a copy with one more column, CASH, whose returns are zero.
//
// The floor on expected return is converted from a year to the horizon of h
// trading days by compounding, (1+r)^(h/252) - 1, and compared with the mean
// scenario return.
func NewProblem(set *scenarios.Set, o Options) (*Problem, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if err := set.Validate(); err != nil {
		return nil, fmt.Errorf("optimize: %w", err)
	}
	if o.Cash {
		if slices.Contains(set.Names, Cash) {
			return nil, fmt.Errorf("optimize.cash: a strategy is already named %s", Cash)
		}
		set = withCash(set)
	}

	n := len(set.Names)
	p := &Problem{
		Set: set, Alpha: o.Alpha, Budget: o.Budget, Decimals: o.Decimals, MaxGap: o.MaxGap,
		Lower: make([]float64, n), Upper: make([]float64, n),
		ownLower: make([]bool, n), ownUpper: make([]bool, n), minAnnual: o.MinAnnualReturn, hasCash: o.Cash,
	}
	for i, name := range set.Names {
		p.Lower[i], p.Upper[i] = o.defaults(name)
		own := o.Cash && name == Cash
		p.ownLower[i], p.ownUpper[i] = own, own
	}
	var unknown []error
	for k, b := range o.Bounds {
		i := slices.Index(set.Names, b.Name)
		if i < 0 {
			unknown = append(unknown, fmt.Errorf("optimize.bounds[%d].name: no strategy %q%s", k, b.Name, returns.Suggest(b.Name, set.Names)))
			continue
		}
		if b.Min != nil {
			p.Lower[i], p.ownLower[i] = *b.Min, true
		}
		if b.Max != nil {
			p.Upper[i], p.ownUpper[i] = *b.Max, true
		}
	}
	if err := errors.Join(unknown...); err != nil {
		return nil, err
	}
	if r := o.MinAnnualReturn; r != nil {
		if set.Horizon < 1 {
			return nil, fmt.Errorf("%s: the scenarios span %d trading days; expected at least 1", keyMinReturn, set.Horizon)
		}
		p.Constraints = append(p.Constraints, Constraint{
			Name: keyMinReturn, Coef: set.Mean(),
			Lower: math.Expm1(math.Log1p(*r) * float64(set.Horizon) / tradingDays), Upper: math.Inf(1),
		})
	}
	return p, nil
}

// annual is the inverse of the conversion in NewProblem.
func (p *Problem) annual(horizonReturn float64) float64 {
	return math.Expm1(math.Log1p(horizonReturn) * tradingDays / float64(p.Set.Horizon))
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

// validate reports every way in which a problem is not well posed. Whether it
// can be satisfied is another question: see InfeasibleError.
func (p *Problem) validate() error {
	if p.Set == nil {
		return errors.New("optimize: a problem needs scenarios")
	}
	if err := p.Set.Validate(); err != nil {
		return fmt.Errorf("optimize: %w", err)
	}
	var problems []error
	refuse := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("optimize: "+format, args...))
	}
	n := len(p.Set.Names)
	if !(p.Alpha >= 0 && p.Alpha < 1) {
		refuse("alpha %v is not in [0, 1)", p.Alpha)
	}
	if p.Decimals < 1 || p.Decimals > 12 {
		refuse("%d decimals; expected 1 to 12", p.Decimals)
	} else if _, err := units(p.Budget, p.Decimals); err != nil {
		refuse("budget: %v", err)
	}
	if !(p.MaxGap >= 0) {
		refuse("largest gap %v is not a number >= 0", p.MaxGap)
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
		if len(c.Coef) != n {
			refuse("constraint %d %q has %d coefficients for %d strategies", k, c.Name, len(c.Coef), n)
		}
		for i, a := range c.Coef {
			if math.IsNaN(a) || math.IsInf(a, 0) {
				refuse("constraint %d %q: coefficient %d is %v", k, c.Name, i, a)
			}
		}
		if !(c.Lower <= c.Upper) || math.IsInf(c.Lower, 1) || math.IsInf(c.Upper, -1) {
			refuse("constraint %d %q: [%v, %v] is not an interval", k, c.Name, c.Lower, c.Upper)
		}
	}
	return errors.Join(problems...)
}

// withCash returns a copy of set with a last column of zero returns.
func withCash(set *scenarios.Set) *scenarios.Set {
	n := len(set.Names)
	wide := *set
	wide.Names = append(slices.Clone(set.Names), Cash)
	wide.Returns = make([]float64, set.Len()*(n+1))
	for j := range set.Len() {
		copy(wide.Row(j), set.Row(j))
	}
	return &wide
}
