package optimize

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/blas/blas64"
)

// units writes x as a whole number of 10^-decimals, or fails when it is not
// one, or too large for every such number to be a float64.
func units(x float64, decimals int) (int64, error) {
	u := x * math.Pow10(decimals)
	if !(math.Abs(u) < 1<<53) {
		return 0, fmt.Errorf("%v is too large for %d decimals", x, decimals)
	}
	if r := math.Round(u); math.Abs(r-u) <= weightTol*max(1, math.Abs(u)) && r/math.Pow10(decimals) == x {
		return int64(r), nil
	}
	return 0, fmt.Errorf("%v has more than %d decimals; raise optimize.decimals", x, decimals)
}

// round returns w with Problem.Decimals decimals: whole units of 10^-d inside
// the bounds whose sum is the budget, exactly, as integers. Each weight goes
// to its nearest unit; the rest of the sum is distributed one unit at a time
// where the error so far is largest (the method of largest remainders), from
// strategies that are held before strategies that rounded to zero, so that
// dust stays out. Ties go to the lower index.
//
// Weights move by less than one unit unless bounds that are themselves finer
// than a unit leave no room.
func round(p *Problem, w []float64) ([]float64, error) {
	budget, err := units(p.Budget, p.Decimals)
	if err != nil {
		return nil, fmt.Errorf("optimize: budget: %w", err)
	}
	one := math.Pow10(p.Decimals)
	n := len(w)
	whole, lo, up := make([]int64, n), make([]int64, n), make([]int64, n)
	missing := budget
	for i, x := range w {
		// A bound of 0.3 is 3 units of 0.1 although 0.3*10 may be 3.0000000000000004.
		lo[i] = int64(math.Ceil(p.Lower[i]*one - decimalTol))
		up[i] = int64(math.Floor(p.Upper[i]*one + decimalTol))
		if lo[i] > up[i] {
			return nil, fmt.Errorf("optimize: bounds [%v, %v] of %q contain no number with %d decimals; raise optimize.decimals", p.Lower[i], p.Upper[i], p.Set.Names[i], p.Decimals)
		}
		whole[i] = min(max(int64(math.Round(x*one)), lo[i]), up[i])
		missing -= whole[i]
	}
	order := make([]int, n)
	for missing != 0 {
		step := int64(1)
		if missing < 0 {
			step = -1
		}
		for i := range order {
			order[i] = i
		}
		short := func(i int) float64 { return float64(step) * (w[i]*one - float64(whole[i])) }
		class := func(i int) int {
			switch {
			case short(i) <= 0: // would move away from its exact weight
				return 2
			case whole[i] == 0:
				return 1
			}
			return 0
		}
		sort.SliceStable(order, func(a, b int) bool {
			i, j := order[a], order[b]
			if ci, cj := class(i), class(j); ci != cj {
				return ci < cj
			}
			return short(i) > short(j)
		})
		before := missing
		for _, i := range order {
			if next := whole[i] + step; missing != 0 && next >= lo[i] && next <= up[i] {
				whole[i] = next
				missing -= step
			}
		}
		if missing == before {
			return nil, fmt.Errorf("optimize: no weights with %d decimals inside the bounds sum to %v", p.Decimals, p.Budget)
		}
	}
	rounded := make([]float64, n)
	for i, u := range whole {
		rounded[i] = float64(u)/one + 0
	}
	return rounded, nil
}

// unsigned returns a copy of w in which no zero has a sign.
func unsigned(w []float64) []float64 {
	out := make([]float64, len(w))
	for i, x := range w {
		out[i] = x + 0
	}
	return out
}

// roughest returns the row or limit that rounding violates the most in
// proportion to its tolerance, the largest change of it by a move of one unit in
// every weight.
func (p *Problem) roughest(w []float64, c Certificate) (by float64, name string, tol float64) {
	worst, one := 0.0, math.Pow10(-p.Decimals)
	note := func(violated float64, what string, coef []float64) {
		reach := 0.0
		for _, a := range coef {
			reach += math.Abs(a)
		}
		if reach *= one; violated > 0 && violated > worst*reach {
			worst, by, name, tol = violated/reach, violated, what, reach
		}
	}
	for _, row := range p.Constraints {
		v := blas64.Dot(vector(row.Coef), vector(w))
		note(max(row.Lower-v, v-row.Upper), row.Name, row.Coef)
	}
	for _, d := range p.Distances {
		reach := slices.Clone(d.Weight)
		for i := range reach {
			if d.Coef != nil {
				reach[i] += math.Abs(d.Coef[i])
			}
			if d.Short != nil {
				reach[i] += d.Short[i]
			}
		}
		note(d.of(w)-d.Limit, d.Name, reach)
	}
	if c.Violated == keyMaxCVaR && c.MaxViolation > float64(len(w))*one && c.MaxViolation > by {
		return c.MaxViolation, keyMaxCVaR, float64(len(w)) * one
	}
	return by, name, tol
}
