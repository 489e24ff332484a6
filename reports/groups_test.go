package reports

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"allocate/optimize"
	"allocate/returns"
	"allocate/scenarios"
)

// TestGroups makes two factors: strategies of the same are a group, one of neither and one
// that is not held are in none, whatever the order.
func TestGroups(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	const count = 4000
	of := []int{0, 1, 0, 1, 0, -1, 1}
	weights := []float64{0.1, 0.2, 0.05, 0.3, 0.1, 0.25, 0}
	r := &Run{Set: &scenarios.Set{Horizon: 21}, Solution: &optimize.Solution{Weights: weights}}
	for j := range of {
		r.Set.Names = append(r.Set.Names, fmt.Sprintf("s%d", j))
	}
	for range count {
		f := []float64{rng.NormFloat64(), rng.NormFloat64()}
		for _, k := range of {
			x := rng.NormFloat64()
			if k >= 0 {
				x = 2*f[k] + x
			}
			r.Set.Returns = append(r.Set.Returns, 0.01*x)
		}
	}
	half, today, long := 33.4, 0.52, 0.31
	r.Findings = []returns.Finding{{Code: "scenarios.dependence", Numbers: map[string]float64{"mean_correlation": long, "mean_correlation_today": today, "dcc_half_life": half, "nu": 7}}}
	d := dependenceOf(r)
	if len(d.Groups) != 2 {
		t.Fatalf("%+v", d.Groups)
	}
	if g := d.Groups[0]; !slices.Equal(g.Strategies, []string{"s3", "s1"}) || math.Abs(g.Weight-0.5) > 1e-12 || math.Abs(g.Correlation-0.8) > 0.02 {
		t.Errorf("%+v", g)
	}
	if g := d.Groups[1]; !slices.Equal(g.Strategies, []string{"s0", "s4", "s2"}) || math.Abs(g.Correlation-0.8) > 0.02 {
		t.Errorf("%+v", g)
	}
	note := d.note("21 days", returns.Daily)
	for _, want := range []string{"from a mean correlation of normal scores of 0.52 and return to 0.31 with a half-life of 33 days.", "Most correlated over 21 days: s3, s1 (mean correlation 0.8", "50.00% of capital). s0, s4, s2 (mean"} {
		if !strings.Contains(note, want) {
			t.Errorf("%s\nwant %s", note, want)
		}
	}
	r.Findings, r.Solution.Weights = nil, []float64{0, 1, 0, 0, 0, 0, 0}
	if d := dependenceOf(r); d.Groups == nil || len(d.Groups) != 0 || d.note("21 days", returns.Daily) != "" {
		t.Errorf("%+v", d)
	}
}

// TestMeanCorrelationOfGroup has the mean over all pairs of four strategies, those within the two
// pairs being nearer: (2 x 0.9 + 4 x 0.7)/6.
func TestMeanCorrelationOfGroup(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	r := &Run{Set: &scenarios.Set{Horizon: 21, Names: []string{"a", "b", "c", "d"}}, Solution: &optimize.Solution{Weights: []float64{0.4, 0.3, 0.2, 0.1}}}
	for range 20_000 {
		common, pair := rng.NormFloat64(), []float64{rng.NormFloat64(), rng.NormFloat64()}
		for j := range 4 {
			r.Set.Returns = append(r.Set.Returns, 0.01*(math.Sqrt(0.7)*common+math.Sqrt(0.2)*pair[j%2]+math.Sqrt(0.1)*rng.NormFloat64()))
		}
	}
	groups := groupsOf(r)
	if len(groups) != 1 || len(groups[0].Strategies) != 4 || math.Abs(groups[0].Correlation-4.6/6) > 0.01 {
		t.Errorf("%+v", groups)
	}
}
