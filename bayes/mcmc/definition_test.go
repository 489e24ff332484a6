package mcmc

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// The definitions of R/convergence.R in the R package posterior 1.7,
// transcribed function by function, without regard to speed. Matrices are
// chains x iterations, as here and not as there.

func rSplit(x [][]float64) (out [][]float64) {
	for _, c := range x {
		half := float64(len(c)) / 2
		out = append(out, c[:int(math.Floor(half))], c[int(math.Ceil(half+1))-1:])
	}
	return out
}

func rPool(x [][]float64) []float64 { return slices.Concat(x...) }

// rQuantile is R's quantile(x, p), type 7.
func rQuantile(x []float64, p float64) float64 {
	s := slices.Clone(x)
	slices.Sort(s)
	index := 1 + float64(len(s)-1)*p
	lo, hi := math.Floor(index), math.Ceil(index)
	h := index - lo
	return (1-h)*s[int(lo)-1] + h*s[int(hi)-1]
}

func rVar(x []float64) float64 {
	m, ss := mean(x), 0.0
	for _, v := range x {
		ss += (v - m) * (v - m)
	}
	return ss / float64(len(x)-1)
}

func rESS(x [][]float64) float64 {
	n, m := len(x[0]), float64(len(x))
	if n < 3 || rConstant(x) {
		return math.NaN()
	}
	acov := make([]float64, n)
	var means []float64
	for _, c := range x {
		mu := mean(c)
		means = append(means, mu)
		for lag := range n {
			for i := range n - lag {
				acov[lag] += (c[i] - mu) * (c[i+lag] - mu) / float64(n) / m
			}
		}
	}
	meanVar := acov[0] * float64(n) / float64(n-1)
	plus := meanVar*float64(n-1)/float64(n) + rVar(means)
	rho := make([]float64, n+1) // rho[1..n] as in R
	t, even := 0, 1.0
	rho[1] = even
	odd := 1 - (meanVar-acov[1])/plus
	rho[2] = odd
	for t < n-5 && even+odd > 0 {
		t += 2
		even, odd = 1-(meanVar-acov[t])/plus, 1-(meanVar-acov[t+1])/plus
		if even+odd >= 0 {
			rho[t+1], rho[t+2] = even, odd
		}
	}
	maxT := t
	if even > 0 {
		rho[maxT+1] = even
	}
	for t := 0; t <= maxT-4; {
		t += 2
		if rho[t+1]+rho[t+2] > rho[t-1]+rho[t] {
			rho[t+1] = (rho[t-1] + rho[t]) / 2
			rho[t+2] = rho[t+1]
		}
	}
	// sum(rho_hat_t[1:max_t]), where 1:0 is c(1, 0).
	sum := rho[1]
	for i := 2; i <= maxT; i++ {
		sum += rho[i]
	}
	ess := float64(n) * m
	return ess / max(-1+2*sum+rho[maxT+1], 1/math.Log10(ess))
}

func rConstant(x [][]float64) bool {
	p := rPool(x)
	return slices.Max(p)-slices.Min(p) < 2.220446e-16
}

func rRHatBasic(x [][]float64) float64 {
	n := float64(len(x[0]))
	var means []float64
	within := 0.0
	for _, c := range x {
		means = append(means, mean(c))
		within += rVar(c) / float64(len(x))
	}
	return math.Sqrt((n*rVar(means)/within + n - 1) / n)
}

func rIndicator(x [][]float64, p float64) [][]float64 {
	q := rQuantile(rPool(x), p)
	return apply(x, func(v float64) float64 {
		if v <= q {
			return 1
		}
		return 0
	})
}

func rSummary(x [][]float64) Summary {
	all := rPool(x)
	mu := mean(all)
	s := Summary{Mean: mu, SD: math.Sqrt(rVar(all)), Q05: rQuantile(all, 0.05), Median: rQuantile(all, 0.5), Q95: rQuantile(all, 0.95)}
	var deviations []float64
	for _, v := range all {
		deviations = append(deviations, math.Abs(v-s.Median))
	}
	s.MAD = 1.4826 * rQuantile(deviations, 0.5)
	fold := apply(x, func(v float64) float64 { return math.Abs(v - s.Median) })
	s.RHat = max(rRHatBasic(RankNormalize(rSplit(x))), rRHatBasic(RankNormalize(rSplit(fold))))
	s.ESSBulk = rESS(RankNormalize(rSplit(x)))
	essQuantile := func(p float64) float64 { return rESS(rSplit(rIndicator(x, p))) }
	s.ESSTail = min(essQuantile(0.05), essQuantile(0.95))
	s.ESSMean = rESS(rSplit(x))
	s.ESSSD = rESS(rSplit(apply(x, func(v float64) float64 { return math.Abs(v - mu) })))
	s.MCSEMean = s.SD / math.Sqrt(s.ESSMean)
	squares := apply(x, func(v float64) float64 { return (v - mu) * (v - mu) })
	var m2, m4 float64
	for _, v := range rPool(squares) {
		m2 += v / float64(len(all))
		m4 += v * v / float64(len(all))
	}
	s.MCSESD = math.Sqrt((m4 - m2*m2) / rESS(rSplit(squares)) / m2 / 4)
	mcse := func(p float64) float64 {
		ess := essQuantile(p)
		if math.IsNaN(ess) {
			return ess
		}
		b := distuv.Beta{Alpha: ess*p + 1, Beta: ess*(1-p) + 1}
		sorted := slices.Clone(all)
		slices.Sort(sorted)
		n := float64(len(all))
		return (sorted[int(min(math.Ceil(b.Quantile(0.8413447)*n), n))-1] - sorted[int(max(math.Floor(b.Quantile(0.1586553)*n), 1))-1]) / 2
	}
	s.MCSEQ05, s.MCSEQ95 = mcse(0.05), mcse(0.95)
	return s
}

// Every number of a summary by posterior's definitions, for odd and even
// numbers of draws, for chains too short for Geyer's sequence, for antithetic
// chains and for draws with ties.
func TestPosteriorDefinitions(t *testing.T) {
	for _, n := range []int{4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 25, 101, 102, 501, 1001} {
		for i, phi := range []float64{-0.95, 0, 0.8} {
			for _, ties := range []bool{false, true} {
				chains := ar1(newRand(uint64(100*n+i)), 4, n, phi)
				if ties {
					chains = apply(chains, func(v float64) float64 { return math.Round(2 * v) })
				}
				got, want := Summarize(chains), rSummary(chains)
				for what, v := range map[string][2]float64{
					"mean": {got.Mean, want.Mean}, "sd": {got.SD, want.SD}, "MAD": {got.MAD, want.MAD},
					"q5": {got.Q05, want.Q05}, "median": {got.Median, want.Median}, "q95": {got.Q95, want.Q95},
					"R-hat": {got.RHat, want.RHat}, "bulk ESS": {got.ESSBulk, want.ESSBulk}, "tail ESS": {got.ESSTail, want.ESSTail},
					"ESS of the mean": {got.ESSMean, want.ESSMean}, "ESS of the sd": {got.ESSSD, want.ESSSD},
					"MCSE of the mean": {got.MCSEMean, want.MCSEMean}, "MCSE of the sd": {got.MCSESD, want.MCSESD},
					"MCSE of q5": {got.MCSEQ05, want.MCSEQ05}, "MCSE of q95": {got.MCSEQ95, want.MCSEQ95},
				} {
					if math.IsNaN(v[0]) && math.IsNaN(v[1]) {
						continue
					}
					near(t, fmt.Sprintf("%s of 4 x %d draws, φ=%v, ties %v,", what, n, phi, ties), v[0], v[1], 1e-9*(1+math.Abs(v[1])))
				}
			}
		}
	}
}
