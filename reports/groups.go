package reports

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"

	"allocate/returns"
)

// Dependence is how the scenarios' strategies depend on each other.
type Dependence struct {
	// Of the normal scores, the mean over all pairs, in the long run, and of the first day of
	// the scenarios where correlations move.
	MeanCorrelation      *float64 `json:"mean_correlation,omitempty"`
	MeanCorrelationToday *float64 `json:"mean_correlation_today,omitempty"`
	HalfLife             *float64 `json:"half_life,omitempty"` // of their return to the long run, in periods
	Degrees              *float64 `json:"degrees_of_freedom,omitempty"`

	Groups []Group `json:"groups"` // of held strategies, by falling weight
}

// Group are strategies with highly correlated horizon returns in the scenarios.
type Group struct {
	Strategies  []string `json:"strategies"`
	Correlation float64  `json:"correlation"` // mean over the pairs
	Weight      float64  `json:"weight"`
}

const (
	groupFrom  = 0.6 // mean correlation between two parts of a group
	mostMerged = 150 // strategies that are grouped, those of the largest weights
)

// dependenceOf reads what the scenarios stage found, and groups the strategies held.
func dependenceOf(r *Run) *Dependence {
	d := &Dependence{Groups: groupsOf(r)}
	for _, f := range r.Findings {
		if f.Code != "scenarios.dependence" {
			continue
		}
		for name, to := range map[string]**float64{"mean_correlation": &d.MeanCorrelation, "mean_correlation_today": &d.MeanCorrelationToday, "dcc_half_life": &d.HalfLife, "nu": &d.Degrees} {
			if v, ok := f.Numbers[name]; ok {
				*to = &v
			}
		}
	}
	return d
}

// groupsOf merges the two sets of strategies whose mean correlation is highest (average
// linkage, Sokal and Michener 1958) until none is above groupFrom.
func groupsOf(r *Run) []Group {
	groups := []Group{} // [] in JSON, not null
	var held []int
	for j := range r.Set.Names {
		if r.Solution.Weights[j] != 0 {
			held = append(held, j)
		}
	}
	slices.SortStableFunc(held, func(a, b int) int {
		return cmp.Compare(math.Abs(r.Solution.Weights[b]), math.Abs(r.Solution.Weights[a]))
	})
	held = held[:min(len(held), mostMerged)]
	n := len(held)
	columns := make([][]float64, n)
	for i, j := range held {
		columns[i] = make([]float64, r.Set.Len())
		for s := range columns[i] {
			columns[i][s] = r.Set.Returns[s*len(r.Set.Names)+j]
		}
	}
	sum := make([][]float64, n) // of the correlations between two sets
	sets := make([][]int, n)
	for a := range n {
		sum[a], sets[a] = make([]float64, n), []int{a}
		for b := range a {
			if v := stat.Correlation(columns[a], columns[b], r.Set.Prob); !math.IsNaN(v) {
				sum[a][b], sum[b][a] = v, v
			}
		}
	}
	within := make([]float64, n) // sum over the pairs of a set
	for {
		x, y, most := 0, 0, groupFrom
		for a := range n {
			for b := range a {
				if len(sets[a]) == 0 || len(sets[b]) == 0 {
					continue
				}
				if v := sum[a][b] / float64(len(sets[a])*len(sets[b])); v > most {
					x, y, most = b, a, v
				}
			}
		}
		if x == y {
			break
		}
		within[x] += within[y] + sum[x][y]
		sets[x], sets[y] = append(sets[x], sets[y]...), nil
		for c := range n {
			sum[x][c] += sum[y][c]
			sum[c][x] = sum[x][c]
		}
	}
	for a, set := range sets {
		if len(set) < 2 {
			continue
		}
		g := Group{Correlation: within[a] / float64(len(set)*(len(set)-1)/2)}
		slices.Sort(set) // by falling weight
		for _, i := range set {
			g.Strategies = append(g.Strategies, r.Set.Names[held[i]])
			g.Weight += r.Solution.Weights[held[i]]
		}
		groups = append(groups, g)
	}
	slices.SortStableFunc(groups, func(a, b Group) int { return cmp.Compare(b.Weight, a.Weight) })
	return groups
}

// note says what the scenarios have, for the page.
func (d *Dependence) note(over string, f returns.Frequency) string {
	var parts []string
	if d.MeanCorrelationToday != nil && d.MeanCorrelation != nil && d.HalfLife != nil {
		parts = append(parts, fmt.Sprintf("The scenarios start from a mean correlation of normal scores of %.2f and return to %.2f with a half-life of %s.",
			*d.MeanCorrelationToday, *d.MeanCorrelation, f.Days(int(math.Round(*d.HalfLife)))))
	}
	const mostGroups, mostNames = 3, 6
	for i, g := range d.Groups[:min(len(d.Groups), mostGroups)] {
		names := strings.Join(g.Strategies[:min(len(g.Strategies), mostNames)], ", ")
		if more := len(g.Strategies) - mostNames; more > 0 {
			names += fmt.Sprintf(" and %d more", more)
		}
		lead := ""
		if i == 0 {
			lead = "Most correlated over " + over + ": "
		}
		parts = append(parts, fmt.Sprintf("%s%s (mean correlation %.2f, %.2f%% of capital).", lead, names, g.Correlation, 100*g.Weight))
	}
	return strings.Join(parts, " ")
}
