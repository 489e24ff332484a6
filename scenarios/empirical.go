package scenarios

import (
	"math/rand/v2"
	"sort"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/mathext"
)

// empirical is dependence as history had it: a scenario's days are days of
// history, in blocks of consecutive ones (the stationary bootstrap of Politis
// and Romano 1994, JASA 89, eq. 2), and all strategies take their ranks of
// that day. What happened together happens together, in the tails as well,
// and a turbulent day is followed by turbulent days.
//
// Within the 1/T that one rank of T stands for, the probability is drawn
// uniformly, so that marginals are exact and not bounded by the worst day.
type empirical struct {
	rank [][]int32 // N x T, 0..T-1
}

// meanBlock is the expected number of consecutive days.
const meanBlock = 21

// newEmpirical ranks the history. Where a strategy has no day, its score is
// drawn, once, from the normal distribution given the scores of that day that
// there are, with correlation r.
func newEmpirical(h *history, r *mat.SymDense, src rand.Source) *empirical {
	n, t := len(h.score), len(h.dates)
	rng := rand.New(src)
	filled := make([][]float64, n)
	for j := range filled {
		filled[j] = append([]float64(nil), h.score[j]...)
	}
	fill(filled, r, rng)
	e := &empirical{rank: make([][]int32, n)}
	order := make([]int, t)
	for j, z := range filled {
		for i := range order {
			order[i] = i
		}
		// Equal scores are put in random order, not that of their days.
		tie := rng.Perm(t)
		sort.Slice(order, func(a, b int) bool {
			if z[order[a]] != z[order[b]] {
				return z[order[a]] < z[order[b]]
			}
			return tie[order[a]] < tie[order[b]]
		})
		e.rank[j] = make([]int32, t)
		for at, i := range order {
			e.rank[j][i] = int32(at)
		}
	}
	return e
}

// fill replaces the NaN of each day by a draw from the conditional normal
// distribution.
func fill(z [][]float64, r *mat.SymDense, rng *rand.Rand) {
	known := newRegressions(r)
	day := make([]float64, len(z))
	for t := range z[0] {
		for j := range z {
			day[j] = z[j][t]
		}
		g := known.of(day)
		if g == nil {
			continue
		}
		e := make([]float64, len(g.gone))
		for a := range e {
			e[a] = rng.NormFloat64()
		}
		g.expect(day)
		for a, j := range g.gone {
			v := day[j]
			for b := 0; b <= a; b++ {
				v += g.lower.At(a, b) * e[b]
			}
			z[j][t] = v
		}
	}
}

// window writes the days of one scenario: blocks of consecutive days, of
// geometric length, the first day following the last.
func (e *empirical) window(rng *rand.Rand, days []int32) {
	n := len(e.rank[0])
	at := rng.IntN(n)
	for d := range days {
		if d > 0 {
			at = (at + 1) % n
			if rng.Float64() < 1.0/meanBlock {
				at = rng.IntN(n)
			}
		}
		days[d] = int32(at)
	}
}

// innovation returns the normal score of strategy j on day t, with u uniform.
func (e *empirical) innovation(j int, t int32, u float64) float64 {
	row := e.rank[j]
	n := float64(len(row))
	// Count from the nearer end, so that the upper tail keeps its digits.
	if r := float64(row[t]); 2*r < n {
		return mathext.NormalQuantile(max((r+u)/n, 1e-300))
	} else {
		return -mathext.NormalQuantile(max((n-1-r+u)/n, 1e-300))
	}
}
