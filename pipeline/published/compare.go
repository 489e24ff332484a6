package published

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"allocate/config"
	"allocate/pipeline/engine"
	"allocate/reports"
	"allocate/returns"
	"allocate/scenarios"
)

// Comparison is one strategy of a run, or two side by side.
type Comparison struct {
	Run        string          `json:"run"` // DATE/rN
	Revision   int             `json:"-"`
	Strategies []ShownStrategy `json:"strategies"`

	// Of two strategies, over the scenarios of the horizon.
	Outperformance *float64 `json:"probability_of_outperformance,omitempty"` // of the first against the second; ties count half
	Correlation    *float64 `json:"correlation,omitempty"`
	JointTail      *float64 `json:"probability_both_in_worst_5_percent,omitempty"`

	Uncached string `json:"uncached,omitempty"` // why draws or scenarios are missing
}

// ShownStrategy is a strategy of a run with what the cache still has of it.
type ShownStrategy struct {
	Summary        reports.StrategySummary `json:"summary"`
	Draws          map[string][]float64    `json:"-"` // by parameter
	HorizonReturns []float64               `json:"-"` // by scenario
}

// Compare collects strategies of a run: their summaries, and draws and scenarios as far as the
// cache has them.
func Compare(dir string, s *reports.Summary, store engine.Store, names []string) (*Comparison, error) {
	m, err := ReadManifest(dir)
	if err != nil {
		return nil, err
	}
	c := &Comparison{Run: fmt.Sprintf("%v/r%d", m.AsOf, m.Revision), Revision: m.Revision}
	var known []string
	for _, x := range s.Strategies {
		known = append(known, x.Name)
	}
	for _, name := range names {
		at := slices.Index(known, name)
		if at < 0 {
			return nil, &config.Error{Err: fmt.Errorf("the run %s has no strategy %q%s", c.Run, name, returns.Suggest(name, known))}
		}
		x := ShownStrategy{Summary: s.Strategies[at]}
		p, err := Posterior(dir, store, name)
		if err != nil {
			c.Uncached = err.Error()
		} else {
			x.Draws = map[string][]float64{}
			for k, parameter := range p.Names {
				x.Draws[parameter] = slices.Concat(p.Parameter(k)...)
			}
		}
		c.Strategies = append(c.Strategies, x)
	}
	table, err := Scenarios(dir, store)
	if err != nil {
		c.Uncached = err.Error()
		return c, nil
	}
	set, _, err := scenarios.FromTable(table)
	if err != nil {
		return nil, err
	}
	for i := range c.Strategies {
		at := slices.Index(set.Names, c.Strategies[i].Summary.Name)
		if at < 0 {
			return c, nil
		}
		for k := range set.Len() {
			c.Strategies[i].HorizonReturns = append(c.Strategies[i].HorizonReturns, set.Row(k)[at])
		}
	}
	if len(c.Strategies) == 2 {
		c.pair(set.Prob)
	}
	return c, nil
}

// pair compares two strategies over the scenarios; prob is nil where all are equally likely.
func (c *Comparison) pair(prob []float64) {
	a, b := c.Strategies[0].HorizonReturns, c.Strategies[1].HorizonReturns
	lowA, lowB := scenarios.Quantiles(a, prob, []float64{0.05})[0], scenarios.Quantiles(b, prob, []float64{0.05})[0]
	var better, both float64
	for i := range a {
		p := 1 / float64(len(a))
		if prob != nil {
			p = prob[i]
		}
		switch {
		case a[i] > b[i]:
			better += p
		case a[i] == b[i]:
			better += p / 2
		}
		if a[i] <= lowA && b[i] <= lowB {
			both += p
		}
	}
	correlation := stat.Correlation(a, b, prob)
	if math.IsNaN(correlation) { // one does not vary
		correlation = 0
	}
	c.Outperformance, c.Correlation, c.JointTail = &better, &correlation, &both
}
