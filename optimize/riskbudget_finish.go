package optimize

import (
	"context"
	"math"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// finish solves the optimality conditions to rounding, from a point that knows
// most of them: which scenarios are beyond each VaR, tied with it or within.
// With the sides given, the conditions are smooth,
//
//	w_i (sum_k weight_k L'q_k)_i = b_i,   loss_j = t_k of ties,   sum_j q_kj = 1
//
// and a Newton step solves for w, t and the q of the ties. A tie whose q
// leaves [0, cap] is none, and a scenario that is on the wrong side of t is
// one: the semismooth method of Qi and Sun (1993). Should whole sets go back
// and forth, one scenario at a time changes sides, as in Murty's (1974)
// principal pivoting, which cannot cycle.
func (s *budgeting) finish(ctx context.Context) error {
	const limit, patience = 200, 20
	for _, l := range s.layers {
		for _, j := range s.possible {
			switch l.side[j] {
			case 1:
				l.q[j] = l.cap(j)
			case -1:
				l.q[j] = 0
			}
		}
	}
	quiet := 0
	for k := range limit {
		if err := ctx.Err(); err != nil {
			return err
		}
		lossesOf(s.Set, s.w, s.loss)
		ties := s.ties()
		moved, ok := s.newton(ties)
		if !ok {
			return nil
		}
		s.iterations++
		lossesOf(s.Set, s.w, s.loss)
		if s.reclassify(k >= patience) {
			quiet = 0
			continue
		}
		// Convergence is quadratic: a step below the root of rounding is the
		// last but one.
		if quiet++; moved < 1e-9 && quiet > 1 {
			return nil
		}
	}
	return nil
}

// tie is one scenario that is tied with the VaR of one layer.
type tie struct {
	layer    *layer
	position int // of the layer among those with ties
	scenario int
}

// ties lists them layer by layer. A layer whose tail is full without any has
// its t between the scenarios next to it; one that is not full has at least
// the scenario nearest to t as tie.
func (s *budgeting) ties() []tie {
	var ties []tie
	position := 0
	for _, l := range s.layers {
		if l.whole {
			continue
		}
		before, mass := len(ties), 0.0
		low, high, nearest := math.Inf(-1), math.Inf(1), -1
		for _, j := range s.possible {
			switch l.side[j] {
			case 0:
				ties = append(ties, tie{l, position, j})
			case 1:
				mass += l.mass[j]
				high = min(high, s.loss[j])
			default:
				low = max(low, s.loss[j])
			}
			if nearest < 0 || math.Abs(s.loss[j]-l.t) < math.Abs(s.loss[nearest]-l.t) {
				nearest = j
			}
		}
		switch {
		case len(ties) > before:
			position++
		case math.Abs(mass-l.size) > 1e-11*l.size:
			l.side[nearest] = 0
			ties = append(ties, tie{l, position, nearest})
			position++
		case !math.IsInf(low, 0) && !math.IsInf(high, 0):
			l.t = (low + high) / 2
		}
	}
	return ties
}

// newton goes one step and returns the largest relative change of a weight.
// The weights are eliminated; the remaining system is symmetric, with one row per
// tie and one per VaR.
func (s *budgeting) newton(ties []tie) (moved float64, ok bool) {
	n, e := len(s.w), len(ties)
	levels, total := 0, make([]float64, len(s.layers))
	g, part := make([]float64, n), make([]float64, n)
	for _, l := range s.layers {
		gradientOf(s.Set, l.q, part)
		blas64.Axpy(l.Weight, vector(part), vector(g))
	}
	for _, t := range ties {
		levels = max(levels, t.position+1)
	}
	// g_i dw_i + w_i dg_i = b_i - w_i g_i
	for i, x := range g {
		if !(x > 0) {
			return 0, false
		}
		part[i] = (s.shares[i] - s.w[i]*x) / x
	}
	step := part
	if e > 0 {
		rows := mat.NewDense(e, n, nil) // tied losses, times the root of w/g
		right := mat.NewVecDense(e+levels, nil)
		for a, t := range ties {
			rest := s.loss[t.scenario] - t.layer.t
			for i, r := range s.Set.Row(t.scenario) {
				rows.Set(a, i, -r*math.Sqrt(s.w[i]/g[i]))
				rest -= r * step[i]
			}
			right.SetVec(a, rest)
		}
		var normal mat.Dense
		normal.Mul(rows, rows.T())
		system := mat.NewDense(e+levels, e+levels, nil)
		trace := 0.0
		for a := range e {
			trace += normal.At(a, a)
		}
		for a, t := range ties {
			for b := range e {
				system.Set(a, b, normal.At(a, b))
			}
			// Scenarios that are copies of each other leave the split open.
			system.Set(a, a, normal.At(a, a)+1e-13*trace/float64(e))
			system.Set(a, e+t.position, 1)
			system.Set(e+t.position, a, 1)
		}
		for _, t := range ties {
			if total[t.position] == 0 {
				for _, q := range t.layer.q {
					total[t.position] += q
				}
				right.SetVec(e+t.position, t.layer.Weight*(1-total[t.position]))
			}
		}
		var lu mat.LU
		lu.Factorize(system)
		var x mat.VecDense
		if err := lu.SolveVecTo(&x, false, right); err != nil {
			if condition, is := err.(mat.Condition); !is || math.IsInf(float64(condition), 1) {
				return 0, false
			}
		}
		for a, t := range ties {
			change := x.AtVec(a)
			t.layer.q[t.scenario] += change / t.layer.Weight
			for i, r := range s.Set.Row(t.scenario) {
				step[i] += r * s.w[i] / g[i] * change
			}
		}
		seen := -1
		for _, t := range ties {
			if t.position != seen {
				seen = t.position
				t.layer.t += x.AtVec(e + t.position)
			}
		}
	}
	for i, d := range step {
		d = max(d, -0.9*s.w[i])
		moved = max(moved, math.Abs(d)/s.w[i])
		s.w[i] += d
		if math.IsNaN(s.w[i]) {
			return 0, false
		}
	}
	return moved, true
}

// reclassify moves scenarios to the side where they belong, only the last of
// them if single, and reports whether there was any.
func (s *budgeting) reclassify(single bool) (changed bool) {
	size := 1e-13 * s.size()
	for at := len(s.layers) - 1; at >= 0; at-- {
		l := s.layers[at]
		if l.whole {
			continue
		}
		for k := len(s.possible) - 1; k >= 0; k-- {
			j := s.possible[k]
			side, excess := l.side[j], s.loss[j]-l.t
			switch full := l.cap(j); {
			case side == 0 && l.q[j] < -1e-13*full:
				l.side[j], l.q[j] = -1, 0
			case side == 0 && l.q[j] > full*(1+1e-13):
				l.side[j], l.q[j] = 1, full
			case side > 0 && excess < -size, side < 0 && excess > size:
				l.side[j] = 0
			default:
				continue
			}
			changed = true
			if single {
				return true
			}
		}
	}
	return changed
}
