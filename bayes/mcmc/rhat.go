package mcmc

import (
	"math"
	"sort"
)

// RHat is the rank-normalized split R̂: the larger of that of the draws and that
// of their distances from the median (Vehtari et al. 2021, §4). Values above
// 1.01 say that the chains disagree in location or scale.
func RHat(chains [][]float64) float64 { return new(Workspace).RHat(chains) }

// RHatBasic is the R̂ of Gelman & Rubin (1992) on the chains as given, neither
// split nor ranked: sqrt((B/W + n − 1)/n), with B the variance of the chain
// means times n and W the mean chain variance. It is +Inf when no chain moved
// but they differ.
func RHatBasic(chains [][]float64) float64 {
	if len(chains) == 0 || len(chains[0]) < 2 || !usable(chains) {
		return math.NaN()
	}
	return rHat(chains)
}

// RHat is the package function RHat.
func (w *Workspace) RHat(chains [][]float64) float64 {
	w.load(chains)
	return w.rHat()
}

func (w *Workspace) rHat() float64 {
	w.mad = math.NaN()
	if !w.valid || len(w.split[0]) < 2 {
		return math.NaN()
	}
	w.scores.fill(w.values, w.sorted, w.order)
	bulk := rHat(w.rows)
	w.fold(quantile(w.all, 0.5))
	w.scores.fill(w.values, w.apart, w.folded)
	if n := len(w.apart); n == len(w.all) {
		w.mad = normalMAD * (w.apart[(n-1)/2] + w.apart[n/2]) / 2
	}
	folded := rHat(w.rows)
	if math.IsNaN(folded) { // all distances equal: nothing to compare in scale
		return bulk
	}
	return max(bulk, folded)
}

// fold orders the draws by their distance from the median, which lies among
// them: a merge of those below, downwards, and those above, upwards.
func (w *Workspace) fold(median float64) {
	n := len(w.sorted)
	hi := sort.SearchFloat64s(w.sorted, median)
	lo := hi - 1
	for i := range n {
		at := hi
		if hi == n || lo >= 0 && median-w.sorted[lo] <= w.sorted[hi]-median {
			at = lo
			lo--
		} else {
			hi++
		}
		w.apart[i], w.folded[i] = math.Abs(w.sorted[at]-median), w.order[at]
	}
}

// normalMAD makes the median absolute deviation of normal draws their standard
// deviation, as rounded in R.
const normalMAD = 1.4826

func rHat(rows [][]float64) float64 {
	n, m := float64(len(rows[0])), float64(len(rows))
	var running, between, within float64
	for c, row := range rows {
		if len(row) != len(rows[0]) {
			panic("mcmc: chains differ in length")
		}
		mu := mean(row)
		d := mu - running
		running += d / float64(c+1)
		between += d * (mu - running)
		var ss float64
		for _, x := range row {
			ss += (x - mu) * (x - mu)
		}
		within += ss / (n - 1) / m
	}
	if m > 1 {
		between *= n / (m - 1)
	} else {
		return math.NaN()
	}
	return math.Sqrt((between/within + n - 1) / n)
}

// NestedRHat is the nested R̂ of Margossian et al. (2024) for many short chains:
// superchain[c] names the group, sharing one starting point, of chain c. The
// groups must be at least two; it is sqrt(1 + B/W) with B the variance of the
// groups' means and W the mean over groups of the variance between plus the
// mean variance within their chains.
func NestedRHat(chains [][]float64, superchain []int) float64 {
	if len(chains) != len(superchain) {
		panic("mcmc: superchain and chains differ in length")
	}
	if !usable(chains) {
		return math.NaN()
	}
	var groups []int
	members := map[int][][]float64{}
	for c, id := range superchain {
		if members[id] == nil {
			groups = append(groups, id)
		}
		members[id] = append(members[id], chains[c])
	}
	if len(groups) < 2 {
		return math.NaN()
	}
	var means []float64
	var within float64
	for _, id := range groups {
		var chainMeans []float64
		var spread float64
		for _, c := range members[id] {
			chainMeans = append(chainMeans, mean(c))
			spread += variance(c) / float64(len(members[id]))
		}
		means = append(means, mean(chainMeans))
		within += (variance(chainMeans) + spread) / float64(len(groups))
	}
	return math.Sqrt(1 + variance(means)/within)
}

// variance is the sample variance, 0 for a single value.
func variance(x []float64) float64 {
	if len(x) < 2 {
		return 0
	}
	m := mean(x)
	var ss float64
	for _, v := range x {
		ss += (v - m) * (v - m)
	}
	return ss / float64(len(x)-1)
}
