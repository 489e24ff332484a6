package optimize

import (
	"flag"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"allocate/scenarios"
)

var rangeCases = flag.Int("ranges", 12, "samples of TestRangesCoverTheTruth")

// oneTruth draws m scenarios of n strategies, always of the same distribution.
func oneTruth(seed uint64, n, m int) *scenarios.Set {
	set := &scenarios.Set{Horizon: 21, Names: factorSet(1, n, 1).Names, Returns: make([]float64, 0, n*m)}
	rng := rand.New(rand.NewPCG(seed, 5))
	for range m {
		common, chi := rng.NormFloat64(), 0.0
		for range 5 {
			z := rng.NormFloat64()
			chi += z * z
		}
		tail := math.Sqrt(5 / chi)
		for i := range n {
			set.Returns = append(set.Returns, max(-0.99, 0.002*float64(i%3)+tail*(0.01*float64(i%4)*common+(0.02+0.004*float64(i))*rng.NormFloat64())))
		}
	}
	return set
}

// TestRangeEndsAgreeWithBisection compares the ends with bisections.
func TestRangeEndsAgreeWithBisection(t *testing.T) {
	for _, objective := range []Objective{MinCVaR, MinVariance, Utility, MaxRatio} {
		if testing.Short() && objective != Utility {
			continue
		}
		p := problem(t, oneTruth(1, 6, 5000), func(o *Options) { o.Objective, o.RiskAversion, o.MaxWeight = objective, 0.3, 0.5 })
		v, best := solved(t, p)
		ranges, err := v.Ranges(t.Context(), p, best)
		if err != nil {
			t.Fatal(err)
		}
		g := v.gauge(p, best)
		for i, r := range ranges {
			for _, sign := range []float64{-1, 1} {
				low, high := 0.0, p.Upper[i]-best.Exact[i]
				if sign < 0 {
					high = best.Exact[i]
				}
				for range 40 {
					mid := (low + high) / 2
					q := *p
					q.Lower, q.Upper = slices.Clone(p.Lower), slices.Clone(p.Upper)
					if sign > 0 {
						q.Lower[i] = best.Exact[i] + mid
					} else {
						q.Upper[i] = best.Exact[i] - mid
					}
					e := v.prepare(&q)
					a, err := v.within(t.Context(), e, g)
					if err != nil {
						t.Fatal(err)
					}
					if d, se := g.distance(e, a.weights); d > rangeErrors*se {
						high = mid
					} else {
						low = mid
					}
				}
				var got float64
				if sign > 0 {
					got = r.High - best.Exact[i]
				} else {
					got = best.Exact[i] - r.Low
				}
				if math.Abs(got-low) > 0.002+0.2*low {
					t.Errorf("%s: weight %d ends %v from the best, %v by bisection", objective, i, got, low)
				}
			}
		}
	}
}

// TestRangesCoverTheTruth: the weights over a hundred times the scenarios are within the
// ranges of most samples.
func TestRangesCoverTheTruth(t *testing.T) {
	const n = 8
	many := 400_000
	if testing.Short() {
		many = 100_000
	}
	truth := solve(t, problem(t, oneTruth(99, n, many), func(o *Options) { o.MaxWeight = 1 }))
	covered, all, width := 0, 0, 0.0
	for k := range *rangeCases {
		p := problem(t, oneTruth(uint64(k), n, 4000), func(o *Options) { o.MaxWeight = 1 })
		s, err := Decide(t.Context(), p, Options{Ranges: true})
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range s.Ranges {
			if r.Low > s.Weights[i]+1e-6 || r.High < s.Weights[i]-1e-6 || r.Low < p.Lower[i] || r.High > p.Upper[i] {
				t.Errorf("sample %d: the weight %v is outside of %v", k, s.Weights[i], r)
			}
			all++
			if width += r.High - r.Low; truth.Weights[i] >= r.Low-0.001 && truth.Weights[i] <= r.High+0.001 {
				covered++
			}
		}
	}
	t.Logf("of %d weights %d are covered, by ranges of %.1f%% on average", all, covered, 100*width/float64(all))
	if 10*covered < 9*all {
		t.Errorf("of %d weights %d are covered", all, covered)
	}
}

// TestRangesNotApplicable has rules on positions, or risk shares.
func TestRangesNotApplicable(t *testing.T) {
	set := oneTruth(1, 5, 1000)
	for _, change := range []func(o *Options){
		func(o *Options) { o.MaxPositions = 2; o.MaxWeight = 1 },
		func(o *Options) { o.Objective = RiskBudget },
	} {
		o := DefaultOptions()
		o.Ranges, o.Frontier = true, 0
		change(&o)
		p, err := NewProblem(set, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Decide(t.Context(), p, o)
		if err != nil || s.Ranges != nil {
			t.Errorf("%v, %v", s.Ranges, err)
		}
	}
}

// TestRangesKeepLimits: every end is the weight of a portfolio that keeps the limits, and
// about one standard error from the best unless a limit or a bound is nearer.
func TestRangesKeepLimits(t *testing.T) {
	set := oneTruth(6, 7, 4000)
	held := Held{}
	for i, name := range set.Names {
		held[name] = []float64{0.2, 0.2, 0.2, 0.1, 0.1, 0.1, 0.1}[i]
	}
	limit, loose := 0.1, 0.45
	few := oneTruth(6, 7, 300)
	near := 0.012 + decided(t, few, held, func(o *Options) { o.MaxWeight = 0.6 }).Exact[0] // less than a first step away
	for name, change := range map[string]func(o *Options){
		"turnover":       func(o *Options) { o.MaxTurnover = &limit },
		"loose turnover": func(o *Options) { o.MaxTurnover = &loose },
		"cap": func(o *Options) {
			o.Groups = []Group{{Name: "g", Strategies: set.Names[:1], Max: &near}}
		},
		"costs": func(o *Options) { o.CostBP = 20 },
		"group": func(o *Options) {
			o.Groups = []Group{{Name: "g", Strategies: set.Names[:3], Max: &[]float64{0.45}[0]}}
		},
	} {
		o := DefaultOptions()
		o.Frontier, o.Indifference, o.MaxWeight = 0, 0, 0.6
		change(&o)
		of := set
		if name == "loose turnover" || name == "cap" { // of which standard errors are wide, so that the limit ends ranges
			of = few
		}
		p, err := NewProblem(of, o, held)
		if err != nil {
			t.Fatal(err)
		}
		v, best := solved(t, p)
		ranges, err := v.Ranges(t.Context(), p, best)
		if err != nil {
			t.Fatal(err)
		}
		g := v.gauge(p, best)
		for i, r := range ranges {
			for _, end := range []struct{ x, sign float64 }{{r.Low, -1}, {r.High, 1}} {
				ratio, err := v.ratioAt(t.Context(), p, g, end.x, i, end.sign)
				if err != nil {
					t.Fatal(err)
				}
				beyond, err := v.ratioAt(t.Context(), p, g, min(max(end.x+0.003*end.sign, p.Lower[i]), p.Upper[i]), i, end.sign)
				if err != nil {
					t.Fatal(err)
				}
				atBound := end.x == p.Lower[i] || end.x == p.Upper[i]
				if ratio > 1+2*rangeNear || ratio < 1-2*rangeNear && beyond < 1-2*rangeNear && !atBound {
					t.Errorf("%s: weight %d ends at %v, %v standard errors from the best, %v a little beyond", name, i, end.x, ratio, beyond)
				}
			}
		}
	}
}
