package optimize

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Options is the optimize section of the configuration.
type Options struct {
	Objective    Objective `mapstructure:"objective" json:"objective" doc:"objective: min_cvar, min_variance (least standard deviation of the scenarios), max_return (expected return subject to max_cvar), utility (expected return - risk_aversion x CVaR), max_ratio (expected return above risk_free / CVaR) or risk_budget (long-only; shares of the CVaR)" enum:"min_cvar,min_variance,max_return,utility,max_ratio,risk_budget"`
	Alpha        float64   `mapstructure:"alpha" json:"alpha" doc:"confidence level of the CVaR, 0 <= alpha < 1; 0.95 averages the worst 5% of the scenarios" fraction:"true"`
	Spectrum     []Level   `mapstructure:"spectrum" json:"spectrum,omitempty" doc:"spectral risk measure instead of the CVaR at alpha: weighted mean of CVaRs, [{alpha: 0.9, weight: 0.5}, {alpha: 0.99, weight: 0.5}]; reports still use alpha"`
	RiskAversion float64   `mapstructure:"risk_aversion" json:"risk_aversion" doc:"risk aversion, for objective utility"`
	MaxCVaR      *float64  `mapstructure:"max_cvar" json:"max_cvar,omitempty" doc:"maximum CVaR over the horizon, as a fraction of capital, for objectives max_return and utility; absent: none" fraction:"true"`
	RiskFree     float64   `mapstructure:"risk_free" json:"risk_free" doc:"annual risk-free return, for objective max_ratio; with cash set it to cash_return, so that risk is measured on excess returns" fraction:"true"`
	RiskShares   []Share   `mapstructure:"risk_shares" json:"risk_shares,omitempty" doc:"shares of the CVaR for objective risk_budget, [{name: a, share: 0.5}]; other strategies share the rest equally"`

	Budget          float64    `mapstructure:"budget" json:"budget" doc:"sum of the weights, as a fraction of capital; 0: market neutral" fraction:"true"`
	MinWeight       float64    `mapstructure:"min_weight" json:"min_weight" doc:"minimum weight of a strategy, as a fraction of capital; negative values allow short positions" fraction:"true"`
	MaxWeight       float64    `mapstructure:"max_weight" json:"max_weight" doc:"maximum weight of a strategy, as a fraction of capital" fraction:"true"`
	Bounds          []Bound    `mapstructure:"bounds" json:"bounds,omitempty" doc:"exceptions to min_weight and max_weight for named strategies"`
	Groups          []Group    `mapstructure:"groups" json:"groups,omitempty" doc:"limits on the sum of weights of a group, [{name: trend, strategies: [a, b], max: 0.4}]; group instead of strategies names a group of the metadata"`
	Exposures       []Exposure `mapstructure:"exposures" json:"exposures,omitempty" doc:"limits on linear factor exposures, [{name: beta, loadings: [{name: a, value: 0.8}], max: 0.3}]; other strategies have loading 0"`
	MinAnnualReturn *float64   `mapstructure:"min_annual_return" json:"min_annual_return,omitempty" doc:"minimum expected annual return, net of trading and borrowing costs, as a simple fraction of capital; absent: none" fraction:"true"`
	MaxLeverage     *float64   `mapstructure:"max_leverage" json:"max_leverage,omitempty" doc:"maximum gross leverage (sum of absolute weights), as a fraction of capital; absent: none" fraction:"true"`
	MaxTurnover     *float64   `mapstructure:"max_turnover" json:"max_turnover,omitempty" doc:"maximum turnover against the current weights (half the sum of absolute changes), as a fraction of capital; absent, or no previous portfolio: none" fraction:"true"`
	Benchmark       []Share    `mapstructure:"benchmark" json:"benchmark,omitempty" doc:"weights of the benchmark, [{name: a, share: 0.5}]; other strategies have weight 0"`
	MaxDistance     *float64   `mapstructure:"max_distance" json:"max_distance,omitempty" doc:"maximum active share against the benchmark (half the sum of absolute differences), as a fraction of capital; absent: none" fraction:"true"`
	MinPosition     float64    `mapstructure:"min_position" json:"min_position" doc:"minimum absolute nonzero weight, as a fraction of capital; 0: none" fraction:"true"`
	MaxPositions    int        `mapstructure:"max_positions" json:"max_positions" doc:"maximum number of nonzero weights (cardinality); 0: none"`
	Nodes           int        `mapstructure:"nodes" json:"nodes" doc:"maximum branch-and-bound nodes, for min_position and max_positions; a search that stops early reports its gap"`

	Cash       bool    `mapstructure:"cash" json:"cash" doc:"allow CASH, a riskless asset: strategies sum to at most the budget, CASH is the rest"`
	CashReturn float64 `mapstructure:"cash_return" json:"cash_return" doc:"annual return of CASH; in a backtest, of uninvested capital, and the risk-free return of its ratios" fraction:"true"`

	CostBP       float64 `mapstructure:"cost_bp" json:"cost_bp" doc:"proportional trading cost, basis points of the traded amount; cost_bp of the metadata and costs take precedence"`
	Costs        []Cost  `mapstructure:"costs" json:"costs,omitempty" doc:"exceptions to cost_bp, [{name: a, bp: 3}]"`
	FixedBP      float64 `mapstructure:"fixed_bp" json:"fixed_bp" doc:"fixed cost of a rebalance, basis points of capital; the current weights are kept if the gain is smaller"`
	BorrowBP     float64 `mapstructure:"borrow_bp" json:"borrow_bp" doc:"borrowing cost of short positions, basis points per year"`
	Indifference float64 `mapstructure:"indifference" json:"indifference,omitempty" doc:"no-trade tolerance: the current weights are kept while they are within this many standard errors (of the difference on common scenarios) of the best portfolio; otherwise they are traded just enough to be within; 0: always the best portfolio; not for objective risk_budget, and without effect if there is no previous portfolio"`
	RobustRadius float64 `mapstructure:"robust_radius" json:"robust_radius" doc:"radius of the Wasserstein ball around the scenarios (distributionally robust CVaR), as a horizon return; 0: none" fraction:"true"`
	RobustNorm   Norm    `mapstructure:"robust_norm" json:"robust_norm" doc:"ground norm of the Wasserstein distance: l1 (penalizes the largest weight) or linf (penalizes leverage)" enum:"l1,linf"`

	// Ranges asks for them beside the weights. It is no key of the section: a run sets it.
	Ranges bool `mapstructure:"-" json:"ranges,omitempty" jsonschema:"-"`

	Decimals int     `mapstructure:"decimals" json:"decimals" doc:"decimals of exported weights, 1 to 12; the rounded weights sum to the budget exactly"`
	MaxGap   float64 `mapstructure:"max_gap" json:"max_gap" doc:"maximum certified relative gap of an optimal solution"`
	Frontier int     `mapstructure:"frontier" json:"frontier" doc:"maximum points of the efficient frontier in the report; 0: none"`
	Fallback bool    `mapstructure:"fallback" json:"fallback" doc:"publish the weights of the bundle method, or else the current weights, where no optimum can be certified (exit code 3); false: refuse"`
}

// Bound replaces the default bounds of one strategy; a nil side keeps them.
type Bound struct {
	Name string   `mapstructure:"name" json:"name" doc:"strategy, as named in the scenarios; CASH for the cash position"`
	Min  *float64 `mapstructure:"min" json:"min,omitempty" doc:"minimum weight, as a fraction of capital" fraction:"true"`
	Max  *float64 `mapstructure:"max" json:"max,omitempty" doc:"maximum weight, as a fraction of capital" fraction:"true"`
}

// Group limits the sum of the weights of some strategies.
type Group struct {
	Name       string   `mapstructure:"name" json:"name" doc:"name of the limit, for errors and shadow prices"`
	Strategies []string `mapstructure:"strategies" json:"strategies,omitempty" doc:"the strategies; CASH may be one"`
	Group      string   `mapstructure:"group" json:"group,omitempty" doc:"instead of strategies: a group of the metadata"`
	Min        *float64 `mapstructure:"min" json:"min,omitempty" doc:"minimum sum, as a fraction of capital" fraction:"true"`
	Max        *float64 `mapstructure:"max" json:"max,omitempty" doc:"maximum sum, as a fraction of capital" fraction:"true"`
}

// Exposure limits a weighted sum of the weights.
type Exposure struct {
	Name     string    `mapstructure:"name" json:"name" doc:"name of the exposure, for errors and shadow prices"`
	Loadings []Loading `mapstructure:"loadings" json:"loadings" doc:"loadings of the strategies"`
	Min      *float64  `mapstructure:"min" json:"min,omitempty" doc:"minimum exposure" fraction:"true"`
	Max      *float64  `mapstructure:"max" json:"max,omitempty" doc:"maximum exposure" fraction:"true"`
}

// Loading is the exposure of one strategy per unit of weight.
type Loading struct {
	Name  string  `mapstructure:"name" json:"name" doc:"strategy"`
	Value float64 `mapstructure:"value" json:"value" doc:"exposure per unit of weight"`
}

// Share is a strategy's part of something.
type Share struct {
	Name  string  `mapstructure:"name" json:"name" doc:"strategy"`
	Share float64 `mapstructure:"share" json:"share" doc:"its share, as a fraction" fraction:"true"`
}

// Cost is the cost of trading one strategy.
type Cost struct {
	Name string  `mapstructure:"name" json:"name" doc:"strategy"`
	BP   float64 `mapstructure:"bp" json:"bp" doc:"basis points of the traded amount"`
}

// Cash is the name of the position that earns nothing and loses nothing.
const Cash = "CASH"

// DefaultOptions is long-only and fully invested at 95 % confidence.
func DefaultOptions() Options {
	return Options{
		Objective: MinCVaR, Alpha: 0.95, RiskAversion: 1, Budget: 1, MaxWeight: 1, Nodes: 2000,
		RobustNorm: L1, Indifference: 2, Decimals: 6, MaxGap: 1e-9, Frontier: 40, Fallback: true,
	}
}

type checks struct{ problems []error }

func (c *checks) refuse(key, format string, args ...any) {
	c.problems = append(c.problems, fmt.Errorf("optimize."+key+": "+format, args...))
}

func (c *checks) finite(key string, x float64) bool {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		c.refuse(key, "%v is not a finite number", x)
		return false
	}
	return true
}

// isWeight accepts a weight: a fraction of capital of at most a thousand times it.
func (c *checks) isWeight(key string, x float64) bool {
	if !c.finite(key, x) {
		return false
	}
	if math.Abs(x) > 1000 {
		c.refuse(key, "%v is more than a thousand times the capital; expected a fraction of it", x)
		return false
	}
	return true
}

func (c *checks) atLeast(key string, x, low float64) bool {
	if !c.finite(key, x) {
		return false
	}
	if x < low {
		c.refuse(key, "%v is below %v", x, low)
		return false
	}
	return true
}

func (c *checks) oneOf(key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		c.refuse(key, "%q is not one of %s", value, strings.Join(allowed, ", "))
	}
}

// names reports blank names, and names given twice; k names of list are at
// key[i].name.
func (c *checks) names(key string, names []string) {
	first := map[string]int{}
	for i, name := range names {
		at := fmt.Sprintf("%s[%d].name", key, i)
		if name == "" {
			c.refuse(at, "is empty")
		} else if j, seen := first[name]; seen {
			c.refuse(at, "%q is already in %s[%d]", name, key, j)
		} else {
			first[name] = i
		}
	}
}

// Validate reports every problem at once, each with its key.
func (o Options) Validate() error {
	c := &checks{}
	o.validateObjective(c)
	if o.Decimals < 1 || o.Decimals > 12 {
		c.refuse("decimals", "%d is not between 1 and 12", o.Decimals)
	} else if c.finite("budget", o.Budget) {
		if _, err := units(o.Budget, o.Decimals); err != nil {
			c.refuse("budget", "%v", err)
		}
	}
	if o.Cash && o.Budget < 0 {
		c.refuse("cash", "needs a budget >= 0, not %v", o.Budget)
	}
	if !(o.MaxGap > 0) || math.IsInf(o.MaxGap, 1) {
		c.refuse("max_gap", "%v is not a positive number", o.MaxGap)
	}
	o.validateBounds(c)
	o.validateLimits(c)
	c.atLeast("cost_bp", o.CostBP, 0)
	c.atLeast("fixed_bp", o.FixedBP, 0)
	c.atLeast("borrow_bp", o.BorrowBP, 0)
	c.atLeast("indifference", o.Indifference, 0)
	if c.finite("cash_return", o.CashReturn) && o.CashReturn <= -1 {
		c.refuse("cash_return", "%v is not above -1", o.CashReturn)
	}
	names := make([]string, len(o.Costs))
	for i, x := range o.Costs {
		names[i] = x.Name
		c.atLeast(fmt.Sprintf("costs[%d].bp", i), x.BP, 0)
	}
	c.names("costs", names)
	if c.atLeast("robust_radius", o.RobustRadius, 0) && o.RobustRadius > 1 {
		c.refuse("robust_radius", "%v exceeds 100%%; expected a horizon return such as 0.01", o.RobustRadius)
	}
	c.oneOf("robust_norm", string(o.RobustNorm), string(L1), string(LInf))
	if o.Frontier < 0 || o.Frontier == 1 {
		c.refuse("frontier", "%d is not 0 or at least 2", o.Frontier)
	}
	return errors.Join(c.problems...)
}

func (o Options) validateObjective(c *checks) {
	c.oneOf("objective", string(o.Objective), string(MinCVaR), string(MinVariance), string(MaxReturn), string(Utility), string(MaxRatio), string(RiskBudget))
	if !(o.Alpha >= 0 && o.Alpha < 1) {
		c.refuse("alpha", "%v is not in [0, 1)", o.Alpha)
	}
	if err := validLevels(o.Spectrum); err != nil {
		c.refuse("spectrum", "%v", err)
	}
	c.atLeast("risk_aversion", o.RiskAversion, 0)
	if r := o.MaxCVaR; r != nil && c.finite("max_cvar", *r) {
		if o.Objective != MaxReturn && o.Objective != Utility {
			c.refuse("max_cvar", "applies to objectives max_return and utility, not to %s; remove it, or set optimize.objective", o.Objective)
		}
		if *r == 0 {
			c.refuse("max_cvar", "is 0, which only CASH satisfies; expected a positive limit, or no value")
		}
	}
	if c.finite("risk_free", o.RiskFree) && o.RiskFree <= -1 {
		c.refuse("risk_free", "%v is not above -1", o.RiskFree)
	}
	sum, names := 0.0, make([]string, len(o.RiskShares))
	for i, x := range o.RiskShares {
		names[i] = x.Name
		if c.finite(fmt.Sprintf("risk_shares[%d].share", i), x.Share) && x.Share <= 0 {
			c.refuse(fmt.Sprintf("risk_shares[%d].share", i), "%v is not above 0", x.Share)
		}
		sum += x.Share
	}
	c.names("risk_shares", names)
	if sum > 1+budgetTol {
		c.refuse("risk_shares", "sum to %v, more than 1", sum)
	}
	if o.Objective == MinVariance {
		for _, x := range []struct {
			key string
			set bool
		}{{"min_position", o.MinPosition != 0}, {"max_positions", o.MaxPositions != 0}, {"robust_radius", o.RobustRadius != 0}} {
			if x.set {
				c.refuse(x.key, "does not apply to objective min_variance; leave it at its default, or use min_cvar")
			}
		}
	}
	if o.Objective == RiskBudget {
		for _, x := range []struct {
			key string
			set bool
		}{
			{"min_weight", o.MinWeight > 0 || o.MinWeight < 0},
			{"bounds", len(o.Bounds) > 0},
			{"groups", len(o.Groups) > 0},
			{"exposures", len(o.Exposures) > 0},
			{"min_annual_return", o.MinAnnualReturn != nil},
			{"max_leverage", o.MaxLeverage != nil},
			{"max_turnover", o.MaxTurnover != nil},
			{"max_distance", o.MaxDistance != nil},
			{"min_position", o.MinPosition != 0},
			{"max_positions", o.MaxPositions != 0},
			{"cash", o.Cash},
			{"robust_radius", o.RobustRadius != 0},
			{"budget", o.Budget <= 0},
		} {
			if x.set {
				c.refuse(x.key, "does not apply to objective risk_budget, whose weights follow from risk_shares; leave it at its default")
			}
		}
	}
}

func (o Options) validateBounds(c *checks) {
	lowest, highest := c.isWeight("min_weight", o.MinWeight), c.isWeight("max_weight", o.MaxWeight)
	if lowest && highest && o.MinWeight > o.MaxWeight {
		c.refuse("min_weight", "%v is above max_weight %v", o.MinWeight, o.MaxWeight)
	}
	if r := o.MinAnnualReturn; r != nil && c.finite("min_annual_return", *r) && *r <= -1 {
		c.refuse("min_annual_return", "%v is not above -1", *r)
	}
	first := map[string]int{}
	for i, b := range o.Bounds {
		key := fmt.Sprintf("bounds[%d]", i)
		if b.Name == "" {
			c.refuse(key+".name", "is empty")
		} else if j, seen := first[b.Name]; seen {
			c.refuse(key+".name", "duplicate name %q; see bounds[%d]", b.Name, j)
		} else {
			first[b.Name] = i
		}
		if b.Name == Cash && !o.Cash {
			c.refuse(key+".name", "CASH is bounded but optimize.cash is false")
		}
		lo, up := o.defaults(b.Name)
		sound := true
		if b.Min != nil {
			lo, sound = *b.Min, c.isWeight(key+".min", *b.Min)
		}
		if b.Max != nil {
			up, sound = *b.Max, c.isWeight(key+".max", *b.Max) && sound
		}
		if sound && lo > up {
			c.refuse(key, "min %v of %q is above its max %v", lo, b.Name, up)
		}
	}
}

func (o Options) validateLimits(c *checks) {
	sides := func(key string, low, high *float64) {
		if low == nil && high == nil {
			c.refuse(key, "needs min or max")
		}
		sound := true
		if low != nil {
			sound = c.finite(key+".min", *low)
		}
		if high != nil {
			sound = c.finite(key+".max", *high) && sound
		}
		if sound && low != nil && high != nil && *low > *high {
			c.refuse(key, "min %v is above max %v", *low, *high)
		}
	}
	var names []string
	for i, g := range o.Groups {
		key := fmt.Sprintf("groups[%d]", i)
		names = append(names, g.Name)
		sides(key, g.Min, g.Max)
		if (len(g.Strategies) == 0) == (g.Group == "") {
			c.refuse(key, "needs either strategies or group")
		}
	}
	c.names("groups", names)
	names = nil
	for i, e := range o.Exposures {
		key := fmt.Sprintf("exposures[%d]", i)
		names = append(names, e.Name)
		sides(key, e.Min, e.Max)
		var loaded []string
		for k, l := range e.Loadings {
			loaded = append(loaded, l.Name)
			c.finite(fmt.Sprintf("%s.loadings[%d].value", key, k), l.Value)
		}
		c.names(key+".loadings", loaded)
		if len(loaded) == 0 {
			c.refuse(key+".loadings", "is empty")
		}
	}
	c.names("exposures", names)
	names = nil
	for i, b := range o.Benchmark {
		names = append(names, b.Name)
		c.finite(fmt.Sprintf("benchmark[%d].share", i), b.Share)
	}
	c.names("benchmark", names)
	for _, x := range []struct {
		key   string
		value *float64
	}{{"max_leverage", o.MaxLeverage}, {"max_turnover", o.MaxTurnover}, {"max_distance", o.MaxDistance}} {
		if x.value != nil {
			c.atLeast(x.key, *x.value, 0)
		}
	}
	if o.MaxDistance != nil && len(o.Benchmark) == 0 {
		c.refuse("max_distance", "needs a benchmark; give optimize.benchmark")
	}
	c.atLeast("min_position", o.MinPosition, 0)
	if o.MaxPositions < 0 {
		c.refuse("max_positions", "%d is below 0", o.MaxPositions)
	}
	if o.Nodes < 1 {
		c.refuse("nodes", "%d is below 1", o.Nodes)
	}
}

// defaults returns the bounds of a strategy that has no Bound of its own.
func (o Options) defaults(name string) (lo, up float64) {
	if name == Cash && o.Cash {
		return 0, o.Budget
	}
	return o.MinWeight, o.MaxWeight
}
