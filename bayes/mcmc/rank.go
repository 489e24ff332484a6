package mcmc

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

// RankNormalize returns the draws' normal scores Φ⁻¹((r−3/8)/(S+1/4)), with r the
// average rank among all S draws of all chains (Blom's formula; Vehtari et al.
// 2021, eq. 14). It is newly allocated, chains × iterations; NaN everywhere
// when the draws are unusable.
func RankNormalize(chains [][]float64) [][]float64 {
	var pooled []float64
	for _, c := range chains {
		pooled = append(pooled, c...)
	}
	z := make([]float64, len(pooled))
	if usable(chains) {
		var w Workspace
		order := make([]int32, len(pooled))
		w.radix.argsort(order, pooled)
		sorted := make([]float64, len(pooled))
		for i, at := range order {
			sorted[i] = pooled[at]
		}
		w.scores.fill(z, sorted, order)
	} else {
		for i := range z {
			z[i] = math.NaN()
		}
	}
	out := make([][]float64, len(chains))
	for i, c := range chains {
		out[i], z = z[:len(c):len(c)], z[len(c):]
	}
	return out
}

// normalScores remembers the scores of every rank and half rank of one size.
type normalScores struct {
	size  int
	table []float64 // at 2(r−1)
}

// fill writes to dst the normal score of every value, given the values in
// ascending order and where each belongs.
func (s *normalScores) fill(dst, sorted []float64, order []int32) {
	n := len(order)
	if s.size != n {
		s.size, s.table = n, make([]float64, 2*n-1)
		for i := range s.table {
			r := 1 + float64(i)/2
			s.table[i] = mathext.NormalQuantile((r - 0.375) / (float64(n) + 0.25))
		}
	}
	for i := 0; i < n; {
		j := i + 1
		for j < n && sorted[j] == sorted[i] {
			j++
		}
		z := s.table[i+j-1] // average of ranks i+1..j, less 1, doubled
		for ; i < j; i++ {
			dst[order[i]] = z
		}
	}
}

// radixSort orders float64s by their place between the least and the largest, in
// 2^22 cells of equal width, by least significant digits and stably; and the few
// that share a cell by comparison.
type radixSort struct {
	keys, keys2 []uint64 // cell, and below it the index
	count       [digits][1 << digitBits]int32
}

const (
	digitBits = 11
	digits    = 2
	indexBits = 32
)

// argsort writes to order the indices of x, none NaN, in ascending order; equal
// values, of which -0 and 0 are two, keep their order.
func (s *radixSort) argsort(order []int32, x []float64) {
	n := len(x)
	for i := range order {
		order[i] = int32(i)
	}
	low, high := slices.Min(x), slices.Max(x)
	scale := (1<<(digits*digitBits) - 1) / (high - low)
	if !(scale > 0 && scale <= math.MaxFloat64) { // all equal, or too far or too near for cells
		byValue(order, x)
		return
	}
	if cap(s.keys) < n {
		s.keys, s.keys2 = make([]uint64, n), make([]uint64, n)
	}
	from, to := s.keys[:n], s.keys2[:n]
	s.count = [digits][1 << digitBits]int32{}
	for i, v := range x {
		cell := uint64((v - low) * scale)
		from[i] = cell<<indexBits | uint64(i)
		for d := range digits {
			s.count[d][cell>>(d*digitBits)&(1<<digitBits-1)]++
		}
	}
	for d := range digits {
		count := &s.count[d]
		var sum int32
		for i, c := range count {
			count[i] = sum
			sum += c
		}
		for _, key := range from {
			k := key >> (indexBits + d*digitBits) & (1<<digitBits - 1)
			to[count[k]] = key
			count[k]++
		}
		from, to = to, from
	}
	for i, key := range from {
		order[i] = int32(key & (1<<indexBits - 1))
	}
	for i := 0; i < n; {
		j := i + 1
		for j < n && from[j]>>indexBits == from[i]>>indexBits {
			j++
		}
		if j > i+1 {
			byValue(order[i:j], x)
		}
		i = j
	}
}

// byValue sorts indices of x, equal values by index.
func byValue(order []int32, x []float64) {
	slices.SortFunc(order, func(a, b int32) int {
		switch {
		case x[a] < x[b]:
			return -1
		case x[a] > x[b]:
			return 1
		}
		return int(a - b)
	})
}
