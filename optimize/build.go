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
	keyBudget       = "optimize.budget"
	keyMinWeight    = "optimize.min_weight"
	keyMaxWeight    = "optimize.max_weight"
	keyMinReturn    = "optimize.min_annual_return"
	keyMaxLeverage  = "optimize.max_leverage"
	keyMaxTurnover  = "optimize.max_turnover"
	keyMaxDistance  = "optimize.max_distance"
	keyMaxCVaR      = "optimize.max_cvar"
	keyMinPosition  = "optimize.min_position"
	keyMaxPositions = "optimize.max_positions"
	keyGroups       = "optimize.groups: "    // and the name
	keyExposures    = "optimize.exposures: " // and the name
)

// Held is the weights of an earlier day as they stand now, by strategy.
type Held map[string]float64

// NewProblem writes options as a problem over set. With o.Cash the set of the
// problem is a copy with one more column, CASH, whose return is certain. held is
// the current weights; nil is a cold start, on which trading is free and turnover
// has no limit. A position in a strategy that is not in the set is sold: it
// takes of the limit on turnover, and its cost is the same whatever the weights.
//
// Annual returns are converted to the horizon of h of the set's P periods per
// year by compounding, (1+r)^(h/P) - 1, and compared with the mean scenario return.
func NewProblem(set *scenarios.Set, o Options, held Held) (*Problem, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if err := set.Validate(); err != nil {
		return nil, fmt.Errorf("optimize: %w", err)
	}
	if o.Cash {
		if slices.Contains(set.Names, Cash) {
			return nil, fmt.Errorf("optimize.cash: a strategy is named %s; rename it", Cash)
		}
		set = withCash(set, o.CashOver(set.Horizon, set.Frequency))
	}
	if set.Horizon < 1 && (o.MinAnnualReturn != nil || o.RiskFree != 0 || o.CashReturn != 0 || o.BorrowBP != 0) {
		return nil, fmt.Errorf("%s: the scenarios span %d periods; expected at least 1", keyMinReturn, set.Horizon)
	}
	b := &builder{set: set, names: set.Names, Options: o}
	n := len(set.Names)
	p := &Problem{
		Set: set, Objective: o.Objective, Alpha: o.Alpha, Spectrum: o.Spectrum, Aversion: o.RiskAversion, RiskFree: b.horizon(o.RiskFree),
		Budget: o.Budget, Decimals: o.Decimals, MaxGap: o.MaxGap, Lower: make([]float64, n), Upper: make([]float64, n),
		MinPosition: o.MinPosition, MaxPositions: o.MaxPositions, Nodes: o.Nodes, Radius: o.RobustRadius, Norm: o.RobustNorm,
		ownLower: make([]bool, n), ownUpper: make([]bool, n), minAnnual: o.MinAnnualReturn, hasCash: o.Cash,
		Indifference: o.Indifference, departed: gone(held, set.Names),
	}
	if o.MaxCVaR != nil {
		p.MaxCVaR = *o.MaxCVaR
	}
	if o.Cash {
		certain := o.CashOver(set.Horizon, set.Frequency)
		p.cash = &certain
	}
	b.bounds(p)
	b.rows(p)
	b.distances(p, held)
	b.costs(p, held)
	b.borrow(p)
	b.netFloor(p)
	b.shares(p)
	return p, errors.Join(b.unknown...)
}

// builder writes options as numbers in the order of the set's names.
type builder struct {
	Options
	set     *scenarios.Set
	names   []string
	unknown []error
}

// index returns the position of a name, or notes at key that there is none.
func (b *builder) index(key, name string) int {
	i := slices.Index(b.names, name)
	if i < 0 {
		b.unknown = append(b.unknown, fmt.Errorf("optimize.%s: no strategy %q%s", key, name, returns.Suggest(name, b.names)))
	}
	return i
}

func (b *builder) horizon(annual float64) float64 {
	return over(annual, b.set.Horizon, b.set.Frequency)
}

func (b *builder) bounds(p *Problem) {
	for i, name := range b.names {
		p.Lower[i], p.Upper[i] = b.defaults(name)
		own := b.Cash && name == Cash
		p.ownLower[i], p.ownUpper[i] = own, own
	}
	for k, x := range b.Bounds {
		i := b.index(fmt.Sprintf("bounds[%d].name", k), x.Name)
		if i < 0 {
			continue
		}
		if x.Min != nil {
			p.Lower[i], p.ownLower[i] = *x.Min, true
		}
		if x.Max != nil {
			p.Upper[i], p.ownUpper[i] = *x.Max, true
		}
	}
}

func (b *builder) rows(p *Problem) {
	row := func(name string, coef []float64, low, high *float64) {
		c := Constraint{Name: name, Coef: coef, Lower: math.Inf(-1), Upper: math.Inf(1)}
		if low != nil {
			c.Lower = *low
		}
		if high != nil {
			c.Upper = *high
		}
		p.Constraints = append(p.Constraints, c)
	}
	if r := b.MinAnnualReturn; r != nil {
		floor := b.horizon(*r)
		row(keyMinReturn, b.set.Mean(), &floor, nil)
	}
	for k, g := range b.Groups {
		coef := make([]float64, len(b.names))
		for m, name := range g.Strategies {
			if i := b.index(fmt.Sprintf("groups[%d].strategies[%d]", k, m), name); i >= 0 {
				coef[i] = 1
			}
		}
		row(keyGroups+g.Name, coef, g.Min, g.Max)
	}
	for k, e := range b.Exposures {
		coef := make([]float64, len(b.names))
		for m, l := range e.Loadings {
			if i := b.index(fmt.Sprintf("exposures[%d].loadings[%d].name", k, m), l.Name); i >= 0 {
				coef[i] = l.Value
			}
		}
		row(keyExposures+e.Name, coef, e.Min, e.Max)
	}
}

// netFloor makes the floor on the expected return one that holds net of the
// costs of trading and borrowing, where there are any.
func (b *builder) netFloor(p *Problem) {
	k := slices.IndexFunc(p.Constraints, func(c Constraint) bool { return c.Name == keyMinReturn })
	if k < 0 || p.Cost == nil && p.Borrow == nil && p.Fixed == 0 && p.sunk == 0 {
		return
	}
	n := len(b.names)
	row := p.Constraints[k]
	d := Distance{
		Name: keyMinReturn, Weight: make([]float64, n), Center: make([]float64, n), Coef: make([]float64, n), Short: p.Borrow,
		Constant: p.sunk, Limit: -row.Lower,
	}
	if p.Previous != nil {
		d.Center = p.Previous
		if p.Cost != nil {
			d.Weight = p.Cost
		}
	}
	for i, m := range row.Coef {
		d.Coef[i] = -m
	}
	p.Constraints = slices.Delete(p.Constraints, k, k+1)
	p.Distances = append(p.Distances, d)
}

// distances adds the limits on leverage, on turnover and on the distance to
// the benchmark.
func (b *builder) distances(p *Problem, held Held) {
	n := len(b.names)
	if held != nil {
		p.Previous = make([]float64, n)
		for i, name := range b.names {
			p.Previous[i] = held[name]
		}
	}
	all := func(x float64) []float64 {
		w := make([]float64, n)
		for i := range w {
			w[i] = x
		}
		return w
	}
	if x := b.MaxLeverage; x != nil {
		d := Distance{Name: keyMaxLeverage, Weight: all(1), Center: all(0), Limit: *x}
		if i := slices.Index(b.names, Cash); b.Cash {
			d.Weight[i] = 0
		}
		p.Distances = append(p.Distances, d)
	}
	if x := b.MaxTurnover; x != nil && held != nil {
		p.Distances = append(p.Distances, Distance{Name: keyMaxTurnover, Weight: all(0.5), Center: p.Previous, Constant: p.departed / 2, Limit: *x})
	}
	if x := b.MaxDistance; x != nil {
		d := Distance{Name: keyMaxDistance, Weight: all(0.5), Center: all(0), Limit: *x}
		for k, s := range b.Benchmark {
			if i := b.index(fmt.Sprintf("benchmark[%d].name", k), s.Name); i >= 0 {
				d.Center[i] = s.Share
			}
		}
		p.Distances = append(p.Distances, d)
	}
}

// gone returns the sum of absolute weights held of strategies that are not
// among names.
func gone(held Held, names []string) float64 {
	var others []string
	for name := range held {
		if !slices.Contains(names, name) {
			others = append(others, name)
		}
	}
	slices.Sort(others)
	sum := 0.0
	for _, name := range others {
		sum += math.Abs(held[name])
	}
	return sum
}

func (b *builder) costs(p *Problem, held Held) {
	cost := make([]float64, len(b.names))
	any := false
	for i, name := range b.names {
		if b.Cash && name == Cash {
			continue
		}
		cost[i] = b.CostBP / 1e4
		any = any || cost[i] > 0
	}
	for k, c := range b.Costs {
		if i := b.index(fmt.Sprintf("costs[%d].name", k), c.Name); i >= 0 {
			cost[i] = c.BP / 1e4
			any = any || cost[i] > 0
		}
	}
	if held == nil {
		return
	}
	if any {
		p.Cost = cost
	}
	if fixed := b.FixedBP / 1e4; gone(held, b.names) > 0 {
		p.sunk = fixed // to sell what is gone is a rebalance
	} else {
		p.Fixed = fixed
	}
}

// borrow charges short positions for the horizon, but not CASH.
func (b *builder) borrow(p *Problem) {
	if b.BorrowBP == 0 {
		return
	}
	p.Borrow = make([]float64, len(b.names))
	for i, name := range b.names {
		if !b.Cash || name != Cash {
			p.Borrow[i] = b.BorrowBP / 1e4 * float64(b.set.Horizon) / b.set.Frequency.PeriodsPerYear()
		}
	}
}

// shares fills the shares of risk: those that are named, and equal parts of the rest.
func (b *builder) shares(p *Problem) {
	if b.Objective != RiskBudget {
		return
	}
	n := len(b.names)
	p.Shares = make([]float64, n)
	left, free := 1.0, n
	for k, s := range b.RiskShares {
		if i := b.index(fmt.Sprintf("risk_shares[%d].name", k), s.Name); i >= 0 {
			p.Shares[i] = s.Share
			left -= s.Share
			free--
		}
	}
	if free == 0 {
		for i := range p.Shares {
			p.Shares[i] /= 1 - left
		}
		return
	}
	if left <= 0 {
		b.unknown = append(b.unknown, fmt.Errorf("optimize.risk_shares: sum to %v, which leaves no share for %d other strategies; every strategy needs a positive share", 1-left, free))
		return
	}
	for i, s := range p.Shares {
		if s == 0 {
			p.Shares[i] = left / float64(free)
		}
	}
}

// CashOver is the certain return of CASH over a number of periods.
func (o Options) CashOver(periods int, f returns.Frequency) float64 {
	return over(o.CashReturn, periods, f)
}

func over(annual float64, periods int, f returns.Frequency) float64 {
	return math.Expm1(math.Log1p(annual) * float64(periods) / f.PeriodsPerYear())
}

// withCash returns a copy of set with a last column of a certain return.
func withCash(set *scenarios.Set, certain float64) *scenarios.Set {
	n := len(set.Names)
	wide := *set
	wide.Names = append(slices.Clone(set.Names), Cash)
	wide.Returns = make([]float64, set.Len()*(n+1))
	for j := range set.Len() {
		copy(wide.Row(j), set.Row(j))
		wide.Row(j)[n] = certain
	}
	return &wide
}
