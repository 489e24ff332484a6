package mcmc

import (
	"math"

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
		w.scores.fill(z, pooled, order)
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

// fill writes the normal score of every x, given their ascending order.
func (s *normalScores) fill(dst, x []float64, order []int32) {
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
		for j < n && x[order[j]] == x[order[i]] {
			j++
		}
		z := s.table[i+j-1] // average of ranks i+1..j, less 1, doubled
		for ; i < j; i++ {
			dst[order[i]] = z
		}
	}
}

// radixSort orders float64s by least significant digits, stably.
type radixSort struct {
	keys, keys2 []uint64
	at          []int32
	count       [digits][1 << digitBits]int32
}

const (
	digitBits = 11
	digits    = 6 // 6·11 ≥ 64
)

// argsort writes to order the indices of x in ascending order; equal values,
// of which -0 and 0 are two, keep their order.
func (s *radixSort) argsort(order []int32, x []float64) {
	n := len(x)
	if cap(s.keys) < n {
		s.keys, s.keys2, s.at = make([]uint64, n), make([]uint64, n), make([]int32, n)
	}
	from, to := s.keys[:n], s.keys2[:n]
	src, dst := order, s.at[:n]
	s.count = [digits][1 << digitBits]int32{}
	for i, v := range x {
		b := math.Float64bits(v + 0) // -0 becomes 0
		if b>>63 == 1 {
			b = ^b
		} else {
			b |= 1 << 63
		}
		from[i], src[i] = b, int32(i)
		for d := range digits {
			s.count[d][b>>(d*digitBits)&(1<<digitBits-1)]++
		}
	}
	for d := range digits {
		count := &s.count[d]
		var sum int32
		for i, c := range count {
			count[i] = sum
			sum += c
		}
		for i, b := range from {
			k := b >> (d * digitBits) & (1<<digitBits - 1)
			to[count[k]], dst[count[k]] = b, src[i]
			count[k]++
		}
		from, to, src, dst = to, from, dst, src
	}
	// digits is even: the order is back in the caller's slice.
}
