package bayes

import "math"

// The sum over days of w f(y), f(y) = ln(1+(y-mu)^2/c), is an integral of a
// function that is analytic within sqrt(c) of the real line. On an interval of
// half-width sqrt(c) its Chebyshev series falls by 1+sqrt(2) an order, so that
// days crowded in such an interval may be replaced by compressNodes weighted
// points that have the same Chebyshev moments: f is integrated alike for every
// mu and every larger c, to about 1e-12 a day.
const (
	compressNodes = 28
	compressBins  = 33   // intervals, around the center; days beyond them stay
	compressFrom  = 6000 // unweighted days from which it pays for tLog
)

// compressed returns weighted days of which tLog and asinh, for any mu and any c
// from least on, are those of d. They are a few hundred however many d has. Fewer
// unweighted days than from are returned as they are.
func (d *days) compressed(center, least float64, from int) days {
	if d.w == nil && len(d.y) < from {
		return *d
	}
	half := math.Sqrt(least)
	low := center - compressBins*half
	var counts [compressBins]int
	bin := func(y float64) int {
		at := (y - low) / (2 * half)
		if !(at >= 0 && at < compressBins) {
			return -1
		}
		return int(at)
	}
	for _, y := range d.y {
		if b := bin(y); b >= 0 {
			counts[b]++
		}
	}
	out := days{n: d.n}
	moments := make([][compressNodes]float64, compressBins)
	for i, y := range d.y {
		w := 1.0
		if d.w != nil {
			w = d.w[i]
		}
		b := bin(y)
		if b < 0 || counts[b] <= compressNodes {
			out.y, out.w = append(out.y, y), append(out.w, w)
			continue
		}
		u := (y-low)/half - float64(2*b) - 1
		m := &moments[b]
		t, before, twice := w, w*u, 2*u // w T_k(u)
		for k := range m {
			m[k] += t
			t, before = twice*t-before, t
		}
	}
	cosine := cosines(compressNodes)
	for b, count := range counts {
		if count <= compressNodes {
			continue
		}
		for i := range compressNodes {
			weight := 0.0
			for k := range compressNodes {
				weight += moments[b][k] * cosine[k*compressNodes+i]
			}
			out.y = append(out.y, low+half*(float64(2*b)+1+math.Cos(node(i, compressNodes))))
			out.w = append(out.w, weight)
		}
	}
	return out
}
