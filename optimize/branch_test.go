package optimize

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"strings"
	"testing"
)

// enumerate solves a problem with rules on positions for every choice of
// positions and their signs, and returns the best value and the best ratio.
func enumerate(t *testing.T, p *Problem) (best, ratio float64) {
	best, ratio = math.Inf(1), math.Inf(-1)
	n := len(p.Lower)
	for held := range uint(1 << n) {
		if p.MaxPositions > 0 && bits.OnesCount(held) > p.MaxPositions {
			continue
		}
		for below := range uint(1 << n) {
			if below&^held != 0 || below != 0 && p.Lower[0] >= 0 {
				continue
			}
			q := *p
			q.MaxPositions, q.MinPosition = 0, 0
			q.Lower, q.Upper = append([]float64{}, p.Lower...), append([]float64{}, p.Upper...)
			for i := range n {
				switch {
				case held>>i&1 == 0:
					q.Lower[i], q.Upper[i] = 0, 0
				case below>>i&1 == 1:
					q.Upper[i] = -p.MinPosition
				default:
					q.Lower[i] = p.MinPosition
				}
			}
			if s, err := Solve(t.Context(), &q); err == nil {
				best = min(best, s.Certificate.ExactPrimal)
				o := (&engine{Problem: &q, mean: q.means(), tails: []tail{newTail(q.Set, q.Alpha)}, guess: []float64{math.Inf(-1)}}).outcome(s.Exact)
				ratio = max(ratio, o.ret/o.risk)
			}
		}
	}
	return best, ratio
}

// TestBranchAgreesWithEnumeration compares the search with solving every case.
func TestBranchAgreesWithEnumeration(t *testing.T) {
	infeasible := 0
	for k := range uint64(cases(40, 4)) {
		rng := rand.New(rand.NewPCG(k, 7))
		n := 3 + rng.IntN(4)
		p := problem(t, factorSet(k, n, 300), func(o *Options) {
			o.MaxWeight = []float64{0.3, 0.6, 1}[rng.IntN(3)]
			o.MaxPositions = rng.IntN(4)
			o.MinPosition = []float64{0, 0.1, 0.2}[rng.IntN(3)]
			if rng.IntN(3) == 0 {
				o.MinWeight = -0.3
			}
		})
		switch rng.IntN(4) {
		case 0:
			p.Objective, p.Aversion = Utility, 0.3
		case 1:
			p.Objective = MaxRatio
		case 2:
			p.Objective, p.MaxCVaR = MaxReturn, 0.15
		}
		s, err := Solve(t.Context(), p)
		best, ratio := enumerate(t, p)
		if none := new(InfeasibleError); errors.As(err, &none) {
			infeasible++
			if !math.IsInf(best, 1) {
				t.Errorf("%d: called infeasible, but %v is there", k, best)
			}
			continue
		}
		if undefined := new(UndefinedError); errors.As(err, &undefined) && ratio <= 0 {
			continue
		}
		if err != nil {
			t.Errorf("%d: %v", k, err)
			continue
		}
		if s.Status != Optimal {
			t.Errorf("%d: %v with gap %g", k, s.Status, s.Certificate.ExactGap)
		}
		if p.Objective == MaxRatio {
			e := &engine{Problem: p, mean: p.means(), tails: []tail{newTail(p.Set, p.Alpha)}, guess: []float64{math.Inf(-1)}}
			o := e.outcome(s.Exact)
			near(t, fmt.Sprint(k, ": ratio"), o.ret/o.risk, ratio, 1e-10)
			continue
		}
		near(t, fmt.Sprint(k, ": best"), s.Certificate.ExactPrimal, best, 1e-10)
		if !(s.Certificate.DualBound <= best+1e-14) {
			t.Errorf("%d: bound %v is above the best %v", k, s.Certificate.DualBound, best)
		}
		positions := 0
		for _, x := range s.Weights {
			if x == 0 {
				continue
			}
			positions++
			if math.Abs(x) < p.MinPosition {
				t.Errorf("%d: a position of %v is below %v", k, x, p.MinPosition)
			}
		}
		if p.MaxPositions > 0 && positions > p.MaxPositions {
			t.Errorf("%d: %d positions, more than %d", k, positions, p.MaxPositions)
		}
	}
	if infeasible == 0 || infeasible > 25 {
		t.Errorf("%d of 40 infeasible: the suite has lost its mixture", infeasible)
	}
}

// TestBranchStops reports the gap that is left when it may not go on.
func TestBranchStops(t *testing.T) {
	p := problem(t, factorSet(3, 20, 2000), func(o *Options) { o.MaxWeight, o.MaxPositions, o.MinPosition = 0.4, 5, 0.05 })
	p.Nodes = 4
	s := solve(t, p)
	if c := s.Certificate; s.Status != Inaccurate || !(c.ExactGap > 1e-4) {
		t.Fatalf("%v with gap %g after 4 steps", s.Status, c.ExactGap)
	}
	p.Nodes = 0
	all := solve(t, p)
	if all.Status != Optimal || all.Method != "branch" {
		t.Errorf("%v by %s with gap %g", all.Status, all.Method, all.Certificate.ExactGap)
	}
	if all.Certificate.ExactPrimal < s.Certificate.DualBound {
		t.Errorf("optimum %v below the bound %v of the stopped search", all.Certificate.ExactPrimal, s.Certificate.DualBound)
	}
}

func TestTooFewPositions(t *testing.T) {
	p := problem(t, factorSet(1, 6, 400), func(o *Options) { o.MaxWeight, o.MaxPositions = 0.3, 2 })
	_, err := Solve(t.Context(), p)
	if none := new(InfeasibleError); !errors.As(err, &none) || !strings.Contains(err.Error(), "optimize.max_positions 2 is too small for the bounds and limits; raise it to 4") {
		t.Errorf("got %v", err)
	}
}

// BenchmarkBranch keeps to a few positions.
func BenchmarkBranch(b *testing.B) {
	for _, c := range []struct{ n, m, most int }{{29, 10_000, 8}, {29, 10_000, 5}, {60, 10_000, 10}, {100, 10_000, 10}} {
		b.Run(fmt.Sprintf("%dx%d/%d", c.n, c.m, c.most), func(b *testing.B) {
			p := problem(b, factorSet(1, c.n, c.m), func(o *Options) { o.MaxWeight, o.MaxPositions, o.MinPosition = 0.4, c.most, 0.03 })
			var s *Solution
			for b.Loop() {
				s = solve(b, p)
			}
			report(b, s)
		})
	}
}
