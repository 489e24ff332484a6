package pipeline

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"allocate/config"
	"allocate/optimize"
	"allocate/returns"
)

// looseLimits finds limits that are a multiple of what they limit, as 10 for
// 10% is: they cannot bind, and nothing else would tell.
func looseLimits(c *config.Config) []returns.Finding {
	o := c.Optimize
	// Twice all of a long-only budget, or five times the capital with short
	// positions, is beyond use for a weight; ten times for leverage.
	most := mostGross(o)
	if most > 5 {
		most = 5
	}
	var fs []returns.Finding
	check := func(key string, value, most float64) {
		if value >= most {
			fs = append(fs, returns.NewFinding("optimize.limit", "", 0, fmt.Sprintf("%s is %v, which is %.0f%%; if %v%% is meant, write %v or %v%%.", key, value, 100*value, value, value/100, value), map[string]float64{"value": value}))
		}
	}
	optional := func(key string, value *float64, most float64) {
		if value != nil {
			check(key, *value, most)
		}
	}
	check("optimize.max_weight", o.MaxWeight, most)
	for i, b := range o.Bounds {
		optional(fmt.Sprintf("optimize.bounds[%d].max", i), b.Max, most)
	}
	for i, g := range o.Groups {
		optional(fmt.Sprintf("optimize.groups[%d].max", i), g.Max, 2*most)
	}
	optional("optimize.max_leverage", o.MaxLeverage, 10)
	optional("optimize.max_turnover", o.MaxTurnover, 5)
	optional("optimize.max_distance", o.MaxDistance, 5)
	optional("optimize.max_cvar", o.MaxCVaR, 1)
	optional("optimize.min_annual_return", o.MinAnnualReturn, 1)
	check("optimize.cash_return", o.CashReturn, 0.5)
	check("optimize.risk_free", o.RiskFree, 0.5)
	check("optimize.robust_radius", o.RobustRadius, 0.5)
	check("optimize.min_weight", -o.MinWeight, 5)
	check("returns.max_median_abs", c.Returns.MaxMedianAbs, 1)
	check("gates.max_turnover", c.Gates.MaxTurnover, 5)
	check("gates.max_change", c.Gates.MaxChange, 5)
	return fs
}

// checkPrevious judges previous weights: they should sum to the budget, unless
// the rest is cash, and be of strategies that the data has.
func checkPrevious(held *Holding, panel *returns.Panel, asOf returns.Date, o optimize.Options) []returns.Finding {
	if held == nil {
		return nil
	}
	var fs []returns.Finding
	if d := held.Sum - o.Budget; math.Abs(d) > 1e-6 && !(o.Cash && d < 0) {
		fs = append(fs, returns.NewFinding("run.previous", "", math.Abs(d), fmt.Sprintf("The previous weights of %v sum to %.2f%%, the budget is %.2f%%.", held.AsOf, 100*held.Sum, 100*o.Budget), map[string]float64{"sum": held.Sum, "budget": o.Budget}))
	}
	// Drift needs the returns since; weights of a year ago are not the current ones.
	switch {
	case held.AsOf < panel.First():
		fs = append(fs, returns.NewFinding("run.previous", "", 1, fmt.Sprintf("The previous weights are of %v, before the first returns, %v: their drift is not known.", held.AsOf, panel.First()), nil))
	case held.AsOf.AddMonths(3) < asOf:
		fs = append(fs, returns.NewFinding("run.previous", "", 0.1, fmt.Sprintf("The previous weights are of %v, more than three months before %v; are they the current ones?", held.AsOf, asOf), nil))
	}
	known := panel.Names()
	unknown, gross := []string{}, 0.0
	for _, name := range slices.Sorted(maps.Keys(held.Weights)) {
		if w := held.Weights[name]; w != 0 && name != optimize.Cash && !slices.Contains(known, name) {
			unknown, gross = append(unknown, fmt.Sprintf("%q", name)), gross+math.Abs(w)
		}
	}
	if len(unknown) > 0 {
		list := strings.Join(unknown[:min(6, len(unknown))], ", ")
		fs = append(fs, returns.NewFinding("run.previous", "", gross, fmt.Sprintf("The previous weights of %v hold %.2f%% of capital in strategies that the data does not have: %s.", held.AsOf, 100*gross, list), map[string]float64{"weight": gross, "strategies": float64(len(unknown))}))
	}
	return fs
}
