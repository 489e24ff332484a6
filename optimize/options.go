package optimize

import (
	"errors"
	"fmt"
	"math"
)

// Options is the optimize section of the configuration.
type Options struct {
	Alpha           float64  `mapstructure:"alpha" json:"alpha" doc:"confidence of the CVaR that is minimised, 0 <= alpha < 1; 0.95 averages the worst 5 % of scenarios"`
	Budget          float64  `mapstructure:"budget" json:"budget" doc:"what the weights sum to, as a fraction of capital; 0 is market neutral"`
	MinWeight       float64  `mapstructure:"min_weight" json:"min_weight" doc:"smallest weight of a strategy, as a fraction of capital; negative allows short positions"`
	MaxWeight       float64  `mapstructure:"max_weight" json:"max_weight" doc:"largest weight of a strategy, as a fraction of capital"`
	Bounds          []Bound  `mapstructure:"bounds" json:"bounds,omitempty" doc:"exceptions to min_weight and max_weight for named strategies"`
	MinAnnualReturn *float64 `mapstructure:"min_annual_return" json:"min_annual_return,omitempty" doc:"floor on the expected return, as a simple annual fraction of capital; absent: no floor"`
	Cash            bool     `mapstructure:"cash" json:"cash" doc:"allow CASH, which returns 0: strategies then sum to at most the budget and CASH takes the rest"`
	Decimals        int      `mapstructure:"decimals" json:"decimals" doc:"decimals of an exported weight, 1 to 12; the printed weights sum to the budget exactly"`
	MaxGap          float64  `mapstructure:"max_gap" json:"max_gap" doc:"largest certified relative gap of the exact solution that still counts as optimal"`
}

// Bound replaces the default bounds of one strategy; a nil side keeps them.
type Bound struct {
	Name string   `mapstructure:"name" json:"name" doc:"strategy, as named in the scenarios; CASH for the cash position"`
	Min  *float64 `mapstructure:"min" json:"min,omitempty" doc:"smallest weight, as a fraction of capital"`
	Max  *float64 `mapstructure:"max" json:"max,omitempty" doc:"largest weight, as a fraction of capital"`
}

// Cash is the name of the position that earns nothing and loses nothing.
const Cash = "CASH"

// DefaultOptions is long-only and fully invested at 95 % confidence.
func DefaultOptions() Options {
	return Options{Alpha: 0.95, Budget: 1, MaxWeight: 1, Decimals: 6, MaxGap: 1e-9}
}

// Validate reports every problem at once, each with its key.
func (o Options) Validate() error {
	var problems []error
	refuse := func(key, format string, args ...any) {
		problems = append(problems, fmt.Errorf("optimize."+key+": "+format, args...))
	}
	finite := func(key string, x float64) bool {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			refuse(key, "%v is not a finite number", x)
			return false
		}
		return true
	}

	if !(o.Alpha >= 0 && o.Alpha < 1) {
		refuse("alpha", "%v is not in [0, 1)", o.Alpha)
	}
	if o.Decimals < 1 || o.Decimals > 12 {
		refuse("decimals", "%d is not between 1 and 12", o.Decimals)
	} else if finite("budget", o.Budget) {
		if _, err := units(o.Budget, o.Decimals); err != nil {
			refuse("budget", "%v", err)
		}
	}
	if o.Cash && o.Budget < 0 {
		refuse("cash", "needs a budget >= 0, not %v", o.Budget)
	}
	lowest, highest := finite("min_weight", o.MinWeight), finite("max_weight", o.MaxWeight)
	if lowest && highest && o.MinWeight > o.MaxWeight {
		refuse("min_weight", "%v is above max_weight %v", o.MinWeight, o.MaxWeight)
	}
	if r := o.MinAnnualReturn; r != nil && finite("min_annual_return", *r) && *r <= -1 {
		refuse("min_annual_return", "%v is not above -1", *r)
	}
	if !(o.MaxGap > 0) || math.IsInf(o.MaxGap, 1) {
		refuse("max_gap", "%v is not a positive number", o.MaxGap)
	}

	first := map[string]int{}
	for i, b := range o.Bounds {
		key := fmt.Sprintf("bounds[%d]", i)
		if b.Name == "" {
			refuse(key+".name", "is empty")
		} else if j, seen := first[b.Name]; seen {
			refuse(key+".name", "%q is already bounded by bounds[%d]", b.Name, j)
		} else {
			first[b.Name] = i
		}
		if b.Name == Cash && !o.Cash {
			refuse(key+".name", "CASH is bounded but optimize.cash is false")
		}
		lo, up := o.defaults(b.Name)
		sound := true
		if b.Min != nil {
			lo, sound = *b.Min, finite(key+".min", *b.Min)
		}
		if b.Max != nil {
			up, sound = *b.Max, finite(key+".max", *b.Max) && sound
		}
		if sound && lo > up {
			refuse(key, "min %v of %q is above its max %v", lo, b.Name, up)
		}
	}
	return errors.Join(problems...)
}

// defaults returns the bounds of a strategy that has no Bound of its own.
func (o Options) defaults(name string) (lo, up float64) {
	if name == Cash && o.Cash {
		return 0, o.Budget
	}
	return o.MinWeight, o.MaxWeight
}
