package optimize

import (
	"errors"
	"flag"
	"math"
	"slices"
	"testing"
)

var suite = flag.Int("suite", 500, "number of random problems of all kinds to certify and to solve by the bundle method, too; a sixteenth with -short")

// cases is how many of n cases a test takes: a part of them with -short.
func cases(n, part int) int {
	if testing.Short() {
		return max(1, n/part)
	}
	return n
}

// TestCertifiedSuite solves random problems of all kinds. Each is certified to
// a relative gap of 1e-9, keeps every limit, and has the same least value by the
// level bundle method, which shares nothing with the walk but the definitions.
func TestCertifiedSuite(t *testing.T) {
	certified, crossed, infeasible, worst := 0, 0, 0, 0.0
	problems := cases(*suite, 16)
	for seed := range uint64(problems) {
		p, kind := randomProblem(seed + 100_000)
		s, err := Solve(t.Context(), p)
		none := new(InfeasibleError)
		if err != nil && !errors.As(err, &none) {
			t.Errorf("seed %d, %s: %v", seed, kind, err)
			continue
		}
		if err == nil {
			certified++
			worst = max(worst, math.Abs(s.Certificate.ExactGap))
			if s.Status != Optimal || math.Abs(s.Certificate.ExactGap) > 1e-9 {
				t.Errorf("seed %d, %s: %v with gap %g", seed, kind, s.Status, s.Certificate.ExactGap)
			}
			if v, excess := value(p, s.Exact); excess > 1e-9 || math.Abs(v-s.Certificate.ExactPrimal) > 1e-12*max(math.Abs(v), s.Certificate.Scale) {
				t.Errorf("seed %d, %s: value %v, claimed %v; a limit is broken by %g", seed, kind, v, s.Certificate.ExactPrimal, excess)
			}
		} else {
			infeasible++
		}
		if p.discrete() {
			// The search over positions is compared with enumeration and with HiGHS;
			// here, the weights among the positions that it chose.
			if err != nil || slices.Max(s.Exact) == 0 && slices.Min(s.Exact) == 0 {
				continue
			}
			p = chosen(p, s.Exact)
		}
		b, failed := p.bundle(t.Context(), 1e-8, 3000)
		if failed != nil {
			t.Errorf("seed %d, %s: the bundle method gives up: %v", seed, kind, failed)
			continue
		}
		crossed++
		switch {
		case b.Infeasible != (err != nil):
			t.Errorf("seed %d, %s: %v here, infeasible there: %v", seed, kind, err, b.Infeasible)
		case err == nil:
			scale := max(math.Abs(b.Value), s.Certificate.Scale)
			if x := s.Certificate.ExactPrimal; x > b.Value+2e-9*scale || x < b.Bound-2e-9*scale {
				t.Errorf("seed %d, %s: %v is not within [%v, %v] of the bundle method", seed, kind, x, b.Bound, b.Value)
			}
			if gap := (b.Value - b.Bound) / scale; gap > 1e-4 {
				t.Errorf("seed %d, %s: the bundle method has a gap of %g; it compares nothing", seed, kind, gap)
			}
		}
	}
	t.Logf("%d certified to %.2g at worst, %d infeasible; %d of them also by the bundle method", certified, worst, infeasible, crossed)
	if certified < problems/2 || crossed < problems*9/10 {
		t.Error("the suite has lost its mixture")
	}
}

// chosen is the problem among the positions of w: those that it has stay on
// their side and large enough, the others stay closed.
func chosen(p *Problem, w []float64) *Problem {
	q := copyOf(p)
	q.MinPosition, q.MaxPositions = 0, 0
	for i, x := range w {
		switch {
		case math.Abs(x) < 1e-12:
			q.Lower[i], q.Upper[i] = 0, 0
		case x > 0:
			q.Lower[i] = max(q.Lower[i], p.MinPosition)
		default:
			q.Upper[i] = min(q.Upper[i], -p.MinPosition)
		}
	}
	return q
}
