package reports

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"math/bits"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat/combin"

	"allocate/optimize"
	"allocate/returns"
)

// Attribution says what changed the weights: the decision was made again with the inputs of the
// run before in place of one or several of tonight's, and each input has its Shapley value, the mean
// of what it changes over all orders in which the inputs may be switched (Shapley 1953). The parts
// of a strategy sum to the change of its weight.
type Attribution struct {
	From  returns.Date      `json:"from"` // as-of date of the run before
	Parts []AttributionPart `json:"parts"`
}

// AttributionPart is the part of the change that one input has.
type AttributionPart struct {
	Input string             `json:"input"`
	Trade float64            `json:"turnover"`    // its part of the turnover, to which they sum; negative where it offsets trades
	By    map[string]float64 `json:"by_strategy"` // its part of the change of every weight, fractions of capital
}

// Inputs of a decision whose change may change the weights.
const (
	NewData       = "new data"
	NewModels     = "new data and return models"        // the configuration of the models changed, too
	NewUniverse   = "new data, strategies and settings" // other strategies are in the universe
	NewScenarios  = "scenario settings"
	NewLimits     = "objective and limits"
	Holdings      = "drift of the holdings" // current weights instead of those that were decided
	ScenarioNoise = "scenario noise"        // other random numbers
)

// Attribute divides the change from drifted to the weights of all inputs of tonight. decisions has
// the weights for every set of inputs that are tonight's, the others being those of the run before:
// 2^len(inputs), by the bits of the index. What the market did to the weights since they were decided
// is a part of Holdings.
func Attribute(from returns.Date, inputs []string, decisions []map[string]float64, drifted map[string]float64) *Attribution {
	n := len(inputs)
	names := map[string]bool{}
	for _, d := range append([]map[string]float64{drifted}, decisions...) {
		for name := range d {
			names[name] = true
		}
	}
	// weight of a set of k inputs that are switched before one
	weight := make([]float64, n)
	for k := range weight {
		weight[k] = 1 / float64(n*combin.Binomial(n-1, k))
	}
	all := decisions[len(decisions)-1]
	a := &Attribution{From: from}
	for i, input := range inputs {
		part := AttributionPart{Input: input, By: map[string]float64{}}
		for _, name := range slices.Sorted(maps.Keys(names)) {
			x := 0.0
			for set := range decisions {
				if set&(1<<i) == 0 {
					x += weight[bits.OnesCount(uint(set))] * (decisions[set|1<<i][name] - decisions[set][name])
				}
			}
			if input == Holdings {
				x += decisions[0][name] - drifted[name]
			}
			part.By[name] = x
			if change := all[name] - drifted[name]; change > 0 {
				part.Trade += x / 2
			} else if change < 0 {
				part.Trade -= x / 2
			}
		}
		a.Parts = append(a.Parts, part)
	}
	return a
}

// largest lists the parts, the largest first.
func (a *Attribution) largest() []AttributionPart {
	parts := slices.Clone(a.Parts)
	slices.SortStableFunc(parts, func(x, y AttributionPart) int { return cmp.Compare(math.Abs(y.Trade), math.Abs(x.Trade)) })
	return parts
}

// cause is one line of the table of what changed a weight.
type cause struct {
	Name, Link string
	Change     float64
	Parts      []float64 // of each input, in the order of the largest
}

// causes are the changes of the weights with their parts, the largest first; most of them.
func (a *Attribution) causes(most int) []cause {
	parts := a.largest()
	changes, size := map[string]float64{}, map[string]float64{}
	for _, p := range parts {
		for name, x := range p.By {
			changes[name] += x
		}
	}
	for name, x := range changes {
		size[name] = math.Abs(x)
	}
	var list []cause
	for _, name := range byLargest(size) {
		if len(list) == most || size[name] < 5e-5 { // shown as 0.00 pp
			break
		}
		c := cause{Name: name, Change: changes[name]}
		for _, p := range parts {
			c.Parts = append(c.Parts, p.By[name])
		}
		list = append(list, c)
	}
	return list
}

// mostly names the input with the largest part in the change of a weight; "" where it has not changed.
func (a *Attribution) mostly(name string) string {
	if a == nil {
		return ""
	}
	change, largest, input := 0.0, 0.0, ""
	for _, p := range a.Parts {
		x := p.By[name]
		if change += x; math.Abs(x) > math.Abs(largest) {
			largest, input = x, p.Input
		}
	}
	if math.Abs(change) < 5e-5 { // shown as 0.00 pp
		return ""
	}
	return fmt.Sprintf("mostly %s (%+.2f pp)", input, 100*largest)
}

// Why says what the trades are due to; "" where it is not known.
func (s *Summary) Why() string {
	if s.Attribution == nil {
		return ""
	}
	return s.Attribution.sentence(s.Turnover)
}

// sentence says what the trades are due to.
func (a *Attribution) sentence(turnover float64) string {
	var parts []string
	for _, p := range a.largest() {
		parts = append(parts, fmt.Sprintf("%s %.2f pp", p.Input, 100*p.Trade+0))
	}
	return fmt.Sprintf("Of the turnover of %.2f%%: %s.", 100*turnover, strings.Join(parts, ", "))
}

// LimitCost is what a limit that binds costs: the best portfolio without it, beside the best within
// all limits, before costs and over the horizon.
type LimitCost struct {
	Name     string  `json:"name"`
	CVaR     float64 `json:"cvar"`            // of the best without it less that of the best within it
	Return   float64 `json:"expected_return"` // likewise
	Turnover float64 `json:"turnover"`        // between the two, half the sum of absolute changes
}

// NewLimitCost compares the best portfolio within all limits with that without one.
func NewLimitCost(name string, within, without *optimize.Solution) LimitCost {
	held := map[string]float64{}
	for j, name := range within.Names {
		held[name] = within.Weights[j]
	}
	return LimitCost{Name: name, CVaR: without.CVaR - within.CVaR, Return: without.Mean - within.Mean, Turnover: turnover(without, held)}
}
