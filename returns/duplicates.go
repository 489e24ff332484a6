package returns

import (
	"fmt"
	"math"
	"slices"
)

// A pair is correlated from nearDuplicate on as one strategy in two columns is.
const nearDuplicate = 0.98

// mostCompared bounds the pairs whose correlation is computed, since there are
// as many as the square of the strategies.
const mostCompared = 400 // strategies

// checkDuplicates finds pairs of strategies with the same returns on nearly all
// days that either of them moves, and pairs that move together.
func checkDuplicates(p *Panel) []Finding {
	var fs []Finding
	same := map[[2]int]bool{}
	for _, pair := range alike(p) {
		i, j := pair[0], pair[1]
		equal, both := 0, 0
		for t, a := range p.values[i] {
			b := p.values[j][t]
			if a != a || b != b || a == 0 && b == 0 {
				continue
			}
			both++
			if a == b {
				equal++
			}
		}
		if both >= fewestJudged && float64(equal) >= 0.99*float64(both) {
			same[pair] = true
			fs = append(fs, finding("data.identical", p.strategies[i].Name, fmt.Sprintf("The returns equal those of %q on %d of %d days; keep one of the two.", clip(p.strategies[j].Name), equal, both), map[string]float64{"days": float64(equal)}))
		}
	}
	if p.Len() > mostCompared {
		return fs
	}
	for i := range p.Len() {
		for j := i + 1; j < p.Len(); j++ {
			rho, n := p.correlation(i, j)
			if f := p.shifted(i, j); f != nil {
				fs = append(fs, *f)
			}
			if n < fewestJudged || !(math.Abs(rho) >= nearDuplicate) || same[[2]int{i, j}] {
				continue
			}
			f := NewFinding("data.duplicate", p.strategies[i].Name, math.Abs(rho), "", map[string]float64{"correlation": rho, "days": float64(n)})
			f.Sentence = fmt.Sprintf("Correlation with %q: %.4f on %d common days. The split of weight between the two is poorly determined.", clip(p.strategies[j].Name), rho, n)
			switch {
			case rho < 0:
				f.Sentence = fmt.Sprintf("Correlation with %q: %.4f on %d common days. The two offset each other; exclude one with returns.strategies.", clip(p.strategies[j].Name), rho, n)
			case f.Severity >= Warn:
				f.Sentence = fmt.Sprintf("Correlation with %q: %.4f on %d common days. The split of weight between the two is arbitrary; exclude one with returns.strategies.", clip(p.strategies[j].Name), rho, n)
			}
			fs = append(fs, f)
		}
	}
	return fs
}

// shifted reports two strategies of which one has the returns of the other a
// row later, as a feed does whose dates are off by one.
func (p *Panel) shifted(i, j int) *Finding {
	const probe = 64 // rows that rule nearly every pair out
	for _, lag := range []int{1, -1} {
		a, b := p.values[i], p.values[j]
		if lag > 0 {
			a, b = a[:len(a)-1], b[1:]
		} else {
			a, b = a[1:], b[:len(b)-1]
		}
		if len(a) < probe {
			continue
		}
		if rho, n := correlationOf(a[len(a)-probe:], b[len(b)-probe:]); n < fewestJudged || !(rho >= nearDuplicate) {
			continue
		}
		rho, n := correlationOf(a, b)
		if !(rho >= nearDuplicate) {
			continue
		}
		first, second := p.strategies[i].Name, p.strategies[j].Name
		if lag < 0 {
			first, second = second, first
		}
		f := NewFinding("data.duplicate", second, max(rho, 0.995), fmt.Sprintf("The returns equal those of %q shifted by one row (correlation %.4f on %d rows); check its dates, and keep one of the two: they do not diversify.", clip(first), rho, n), map[string]float64{"lagged_correlation": rho, "days": float64(n)})
		return &f
	}
	return nil
}

// correlation returns that of two strategies on the days that both have and
// either moves, and their number.
func (p *Panel) correlation(i, j int) (rho float64, n int) {
	return correlationOf(p.values[i], p.values[j])
}

func correlationOf(a, b []float64) (rho float64, n int) {
	// One pass about the first common returns, which is stable enough for a
	// threshold, and cheap: there are many pairs.
	var x0, y0, sx, sy, sxx, syy, sxy float64
	for t, x := range a {
		y := b[t]
		if x != x || y != y || x == 0 && y == 0 {
			continue
		}
		if n == 0 {
			x0, y0 = x, y
		}
		x, y = x-x0, y-y0
		sx, sy, sxx, syy, sxy = sx+x, sy+y, sxx+x*x, syy+y*y, sxy+x*y
		n++
	}
	k := float64(n)
	return (sxy - sx*sy/k) / math.Sqrt((sxx-sx*sx/k)*(syy-sy*sy/k)), n
}

// alike returns the pairs i < j that have the same returns in some month of
// days: candidates, found without comparing every pair.
func alike(p *Panel) [][2]int {
	const month = 20
	var pairs [][2]int
	seen := map[[2]int]bool{}
	for first := 0; first+month <= p.Days(); first += month {
		byHash := map[uint64][]int{}
		for j, v := range p.values {
			hash, moves := uint64(14695981039346656037), 0 // FNV-1a over whole numbers
			for _, r := range v[first : first+month] {
				if r == r && r != 0 {
					moves++
				}
				hash = (hash ^ math.Float64bits(r)) * 1099511628211
			}
			if moves >= month/2 {
				byHash[hash] = append(byHash[hash], j)
			}
		}
		for _, group := range byHash {
			for a, i := range group {
				for _, j := range group[a+1:] {
					if k := [2]int{i, j}; !seen[k] {
						seen[k] = true
						pairs = append(pairs, k)
					}
				}
			}
		}
	}
	slices.SortFunc(pairs, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) })
	return pairs
}
