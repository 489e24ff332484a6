package pipeline

import (
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"allocate/config"
	"allocate/optimize"
	"allocate/pipeline/backtest"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/reports"
	"allocate/returns"
)

// before returns the current weights, for the reports.
func (in *day) before() *reports.Held {
	if in.held == nil {
		return nil
	}
	h := in.held
	held := &reports.Held{AsOf: h.AsOf, Weights: h.Weights, Beliefs: h.Beliefs}
	if h.Since.Periods > 0 {
		held.Since = &reports.Realized{Periods: h.Since.Periods, Missing: h.Since.Missing, Return: h.Since.Return, By: h.Since.By, Forecast: h.Fan}
	}
	return held
}

// holding reads the weights that were last published, or those of the file the
// configuration names, and lets them drift by the returns of the days after
// theirs up to asOf, as a backtest does. nil means a cold start.
func holding(c *config.Config, panel *returns.Panel, asOf returns.Date, last *published.Revision, s engine.Store) (*published.Holding, error) {
	var h *published.Holding
	var err error
	switch {
	case c.Gates.Previous != "":
		if h, err = published.ReadWeights(c.Gates.Previous, mostGross(c.Optimize), asOf); err != nil {
			return nil, err
		}
		if b, err := returns.ReadRegular(filepath.Join(filepath.Dir(c.Gates.Previous), "summary.json")); err == nil {
			h.Beliefs, _ = published.Beliefs(b) // the file may have other weights than the run beside it
		}
	case last == nil:
		return nil, nil
	default:
		if h, err = last.Holding(s); err != nil {
			return nil, err
		}
	}
	if h.AsOf >= asOf && c.Gates.Previous == "" {
		return nil, nil
	}
	h.Weights, h.Since = backtest.Drift(h.Weights, panel, h.AsOf, asOf, cashReturn(c))
	return h, nil
}

// checkChange compares a solution with the current weights: total turnover, half the
// sum of absolute changes, and the largest change of one position.
func checkChange(held *published.Holding, s *optimize.Solution, g config.Gates) (turnover float64, fs []returns.Finding) {
	if held == nil {
		return 0, []returns.Finding{{Code: "run.cold_start", Severity: returns.Info, Sentence: "No previous portfolio; turnover is not checked."}}
	}
	change := map[string]float64{}
	for name, w := range held.Weights {
		change[name] -= w
	}
	for j, name := range s.Names {
		change[name] += s.Weights[j]
	}
	names := make([]string, 0, len(change))
	for name := range change {
		names = append(names, name)
	}
	sort.Strings(names)
	largest, who := 0.0, ""
	for _, name := range names {
		turnover += math.Abs(change[name]) / 2
		if math.Abs(change[name]) > math.Abs(largest) {
			largest, who = change[name], name
		}
	}
	f := returns.Finding{
		Code: "run.turnover", Severity: returns.Info, Numbers: map[string]float64{"turnover": turnover, "limit": g.MaxTurnover},
		Sentence: fmt.Sprintf("Turnover against the drifted weights of %v: %.2f%%.", held.AsOf, 100*turnover),
	}
	rounding := 0.0 // weights are rounded after they were chosen within optimize.max_turnover
	if s.Decimals > 0 {
		rounding = float64(len(names)) * math.Pow10(-s.Decimals) / 2
	}
	if turnover > g.MaxTurnover+rounding {
		f.Severity = returns.Hold
		f.Sentence = fmt.Sprintf("Turnover against the drifted weights of %v: %.2f%%, above gates.max_turnover %.2f%%; review it and run again with --approve, or raise the limit.", held.AsOf, 100*turnover, 100*g.MaxTurnover)
	}
	fs = append(fs, f)
	if math.Abs(largest) > g.MaxChange {
		fs = append(fs, returns.Finding{
			Code: "run.change", Severity: returns.Hold, Strategy: who, Numbers: map[string]float64{"change": largest, "limit": g.MaxChange},
			Sentence: fmt.Sprintf("Weight change of %q: %+.2f pp, above gates.max_change %.2f pp; review it and run again with --approve, or raise the limit.", who, 100*largest, 100*g.MaxChange),
		})
	}
	return turnover, fs
}

// looseLimits finds limits that are a multiple of the quantity they limit, such as 10
// for 10%: they cannot bind, and no other check reports it.
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
			fs = append(fs, returns.NewFinding("optimize.limit", "", 0, fmt.Sprintf("%s is %v (%.0f%%); if %v%% is intended, write %v or %v%%.", key, value, 100*value, value, value/100, value), map[string]float64{"value": value}))
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
func checkPrevious(held *published.Holding, panel *returns.Panel, asOf returns.Date, o optimize.Options) []returns.Finding {
	if held == nil {
		return nil
	}
	var fs []returns.Finding
	if d := held.Sum - o.Budget; math.Abs(d) > 1e-6 && !(o.Cash && d < 0) {
		fs = append(fs, returns.NewFinding("run.previous", "", math.Abs(d), fmt.Sprintf("The previous weights of %v sum to %.2f%%; the budget is %.2f%%.", held.AsOf, 100*held.Sum, 100*o.Budget), map[string]float64{"sum": held.Sum, "budget": o.Budget}))
	}
	// Drift needs the returns since; weights of a year ago are not the current ones.
	switch {
	case held.AsOf < panel.First():
		fs = append(fs, returns.NewFinding("run.previous", "", 1, fmt.Sprintf("The previous weights of %v precede the first returns (%v); their drift is unknown.", held.AsOf, panel.First()), nil))
	case held.AsOf.AddMonths(3) < asOf:
		fs = append(fs, returns.NewFinding("run.previous", "", 0.1, fmt.Sprintf("The previous weights of %v are more than three months older than %v; verify that they are current.", held.AsOf, asOf), nil))
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
		fs = append(fs, returns.NewFinding("run.previous", "", gross, fmt.Sprintf("The previous weights of %v hold %.2f%% of capital in strategies without data: %s.", held.AsOf, 100*gross, list), map[string]float64{"weight": gross, "strategies": float64(len(unknown))}))
	}
	return fs
}

// mostGross is the largest plausible sum of absolute previous weights under the
// present limits: twice the allowed sum, since limits change.
func mostGross(o optimize.Options) float64 {
	short := o.MinWeight < 0 || slices.ContainsFunc(o.Bounds, func(b optimize.Bound) bool { return b.Min != nil && *b.Min < 0 })
	size := max(1, math.Abs(o.Budget))
	switch {
	case !short:
		return 2 * size
	case o.MaxLeverage != nil:
		return 2 * max(size, *o.MaxLeverage)
	}
	return published.AnyGross * size
}
