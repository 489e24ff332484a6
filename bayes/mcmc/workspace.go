// Package mcmc judges Markov chain Monte Carlo draws: convergence (R̂),
// effective sample sizes, Monte Carlo standard errors, energy diagnostics and
// Pareto tails, as defined by Vehtari, Gelman, Simpson, Carpenter & Bürkner,
// "Rank-normalization, folding, and localization" (Bayesian Analysis 2021) and
// Vehtari, Simpson, Gelman, Yao & Gabry, "Pareto smoothed importance sampling"
// (JMLR 2024), in the form of the R package posterior 1.7.
//
// Slices in, numbers out. Draws of one quantity come as chains × iterations,
// all chains of the same length, warm-up excluded. Every function returns NaN
// when a draw is not finite, when all draws are equal, or when there are too
// few of them, and panics when chains differ in length. posterior differs in
// one point: draws that lie within 2.2e-16 of each other are constant there,
// whatever their scale; here only equal ones are, since the variance of a calm
// day may be smaller than that.
package mcmc

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/dsp/fourier"
)

// Workspace holds buffers and transform plans, so that many quantities of the
// same shape are judged without allocation. The zero value is ready to use; a
// Workspace is not safe for concurrent use. Every method gives the same number
// as the package function of its name.
type Workspace struct {
	raw, split [][]float64 // the loaded chains, and their halves (views)
	order      []int32     // pooled draws of the halves in ascending order
	sorted     []float64   // their values in that order
	folded     []int32     // order of their distances from the median
	apart      []float64   // these distances, ascending
	all        []float64   // every draw in ascending order; sorted where no draw is dropped by splitting
	whole      []float64   // buffer of all
	mean       float64     // over every draw
	usable     bool        // draws finite and not all equal
	valid      bool        // usable, and long enough to split
	mad        float64     // set by rHat

	pooled, values []float64   // draws of the halves, chain after chain; transformed
	rows           [][]float64 // values, by half
	radix          radixSort
	scores         normalScores
	acov           autocovariance
}

func (w *Workspace) load(chains [][]float64) {
	w.raw = chains
	w.split = splitChains(w.split[:0], chains)
	w.usable = usable(chains)
	w.valid = w.usable && len(w.split) > 0
	if !w.usable {
		return
	}
	odd := len(chains[0])%2 == 1 // splitting drops the middle draw of each chain, which counts in quantiles and moments
	if odd {
		w.whole = w.whole[:0]
		for _, c := range chains {
			w.whole = append(w.whole, c...)
		}
		w.mean, w.all = mean(w.whole), w.whole
		slices.Sort(w.all)
	}
	if !w.valid {
		return
	}
	n := len(w.split[0])
	size := n * len(w.split)
	if cap(w.pooled) < size {
		w.pooled, w.values = make([]float64, size), make([]float64, size)
		w.order, w.sorted = make([]int32, size), make([]float64, size)
		w.folded, w.apart = make([]int32, size), make([]float64, size)
	}
	w.pooled, w.values = w.pooled[:size], w.values[:size]
	w.order, w.sorted, w.folded, w.apart = w.order[:size], w.sorted[:size], w.folded[:size], w.apart[:size]
	w.rows = w.rows[:0]
	for c, chain := range w.split {
		copy(w.pooled[c*n:], chain)
		w.rows = append(w.rows, w.values[c*n:(c+1)*n])
	}
	if !odd {
		w.mean, w.all = mean(w.pooled), w.sorted
	}
	w.radix.argsort(w.order, w.pooled)
	for i, at := range w.order {
		w.sorted[i] = w.pooled[at]
	}
}

// splitChains appends to dst the two halves of every chain, without the middle
// draw when their number is odd.
func splitChains(dst, chains [][]float64) [][]float64 {
	for _, c := range chains {
		if len(c) != len(chains[0]) {
			panic("mcmc: chains differ in length")
		}
		half := len(c) / 2
		if half == 0 {
			return dst[:0]
		}
		dst = append(dst, c[:half], c[len(c)-half:])
	}
	return dst
}

// usable reports whether all draws are finite and not all are equal.
func usable(chains [][]float64) bool {
	varies := false
	for _, c := range chains {
		for _, x := range c {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return false
			}
			varies = varies || x != chains[0][0]
		}
	}
	return varies
}

// autocovariance computes, lag by lag, the mean over chains of the
// autocovariance with divisor n: the first lags directly, since good chains
// need no more, the rest by one inverse transform of the mean power spectrum.
type autocovariance struct {
	n, chains int
	centered  []float64 // chain after chain
	plan      *fourier.FFT
	padded    []float64
	spectrum  []complex128
	power     []complex128
	byFFT     []float64 // all lags, valid when done
	done      bool
}

// directLags is the number of lags computed without a transform.
const directLags = 32

// load centers the chains, each by its own mean, and returns the variance of
// these means (0 for one chain).
func (a *autocovariance) load(rows [][]float64) float64 {
	a.n, a.chains, a.done = len(rows[0]), len(rows), false
	size := a.n * a.chains
	if cap(a.centered) < size {
		a.centered = make([]float64, size)
	}
	a.centered = a.centered[:size]
	var running, scatter float64
	for c, row := range rows {
		m := mean(row)
		out := a.centered[c*a.n : (c+1)*a.n]
		for i, x := range row {
			out[i] = x - m
		}
		d := m - running
		running += d / float64(c+1)
		scatter += d * (m - running)
	}
	if a.chains == 1 {
		return 0
	}
	return scatter / float64(a.chains-1)
}

// at returns the autocovariance at lag t < n.
func (a *autocovariance) at(t int) float64 {
	if t >= directLags {
		if !a.done {
			a.transform()
		}
		return a.byFFT[t]
	}
	var sum float64
	for c := range a.chains {
		x := a.centered[c*a.n : (c+1)*a.n]
		sum += dot(x[:a.n-t], x[t:])
	}
	return sum / float64(a.n*a.chains)
}

// transform fills byFFT, padding with zeros to twice the length so that the
// circular correlation is the linear one.
func (a *autocovariance) transform() {
	size := 1
	for size < 2*a.n {
		size *= 2
	}
	if a.plan == nil || a.plan.Len() != size {
		a.plan = fourier.NewFFT(size)
		a.padded, a.byFFT = make([]float64, size), make([]float64, size)
		a.spectrum, a.power = make([]complex128, size/2+1), make([]complex128, size/2+1)
	}
	clear(a.power)
	for c := range a.chains {
		clear(a.padded)
		copy(a.padded, a.centered[c*a.n:(c+1)*a.n])
		for i, z := range a.plan.Coefficients(a.spectrum, a.padded) {
			re, im := real(z), imag(z)
			a.power[i] += complex(re*re+im*im, 0)
		}
	}
	a.plan.Sequence(a.byFFT, a.power)
	scale := 1 / (float64(size) * float64(a.n*a.chains))
	for i := range a.byFFT {
		a.byFFT[i] *= scale
	}
	a.done = true
}

// dot sums in four interleaved partial sums: a fixed order, four times faster.
func dot(x, y []float64) float64 {
	y = y[:len(x)]
	var s0, s1, s2, s3 float64
	i := 0
	for ; i+4 <= len(x); i += 4 {
		s0 += x[i] * y[i]
		s1 += x[i+1] * y[i+1]
		s2 += x[i+2] * y[i+2]
		s3 += x[i+3] * y[i+3]
	}
	for ; i < len(x); i++ {
		s0 += x[i] * y[i]
	}
	return (s0 + s1) + (s2 + s3)
}

// mean adds what rounding cost its first pass.
func mean(x []float64) float64 {
	m := total(x, 0) / float64(len(x))
	return m + total(x, m)/float64(len(x))
}

// total is the sum of x - from, summed as dot sums.
func total(x []float64, from float64) float64 {
	var s0, s1, s2, s3 float64
	i := 0
	for ; i+4 <= len(x); i += 4 {
		s0 += x[i] - from
		s1 += x[i+1] - from
		s2 += x[i+2] - from
		s3 += x[i+3] - from
	}
	for ; i < len(x); i++ {
		s0 += x[i] - from
	}
	return (s0 + s1) + (s2 + s3)
}
