package mcmc

import "math"

// ESSBulk is the effective sample size of the rank-normalized split draws: the
// efficiency of location summaries (Vehtari et al. 2021, §4.2). It may exceed
// the number of draws when they are antithetic.
func ESSBulk(chains [][]float64) float64 { return new(Workspace).ESSBulk(chains) }

// ESSTail is the smaller effective sample size of the 5 % and 95 % quantiles.
func ESSTail(chains [][]float64) float64 { return new(Workspace).ESSTail(chains) }

// ESSMean is the effective sample size for the mean: of the split draws.
func ESSMean(chains [][]float64) float64 { return new(Workspace).ESSMean(chains) }

// ESSSD is the effective sample size for the standard deviation: of the split
// absolute deviations from the mean of all draws.
func ESSSD(chains [][]float64) float64 { return new(Workspace).ESSSD(chains) }

// ESSQuantile is the effective sample size for the p-quantile, 0 < p < 1: of
// the split indicators of draws not above it, which is the quantile of all
// draws. NaN when these are all equal.
func ESSQuantile(chains [][]float64, p float64) float64 {
	return new(Workspace).ESSQuantile(chains, p)
}

// ESSBulk is the package function ESSBulk.
func (w *Workspace) ESSBulk(chains [][]float64) float64 {
	w.load(chains)
	return w.essBulk()
}

// ESSTail is the package function ESSTail.
func (w *Workspace) ESSTail(chains [][]float64) float64 {
	w.load(chains)
	return w.essTail()
}

// ESSMean is the package function ESSMean.
func (w *Workspace) ESSMean(chains [][]float64) float64 {
	w.load(chains)
	return w.essMean()
}

// ESSSD is the package function ESSSD.
func (w *Workspace) ESSSD(chains [][]float64) float64 {
	w.load(chains)
	return w.essSD()
}

// ESSQuantile is the package function ESSQuantile.
func (w *Workspace) ESSQuantile(chains [][]float64, p float64) float64 {
	w.load(chains)
	return w.essQuantile(p)
}

func (w *Workspace) essBulk() float64 {
	if !w.valid {
		return math.NaN()
	}
	w.scores.fill(w.values, w.sorted, w.order)
	return w.ess()
}

func (w *Workspace) essTail() float64 {
	return min(w.essQuantile(0.05), w.essQuantile(0.95))
}

func (w *Workspace) essMean() float64 {
	if !w.valid {
		return math.NaN()
	}
	copy(w.values, w.pooled)
	return w.ess()
}

func (w *Workspace) essSD() float64 {
	if !w.valid {
		return math.NaN()
	}
	for i, x := range w.pooled {
		w.values[i] = math.Abs(x - w.mean)
	}
	return w.ess()
}

// essSquares is the effective sample size of the split squared deviations.
func (w *Workspace) essSquares() float64 {
	if !w.valid {
		return math.NaN()
	}
	for i, x := range w.pooled {
		w.values[i] = (x - w.mean) * (x - w.mean)
	}
	return w.ess()
}

func (w *Workspace) essQuantile(p float64) float64 {
	if !w.valid {
		return math.NaN()
	}
	q := quantile(w.all, p)
	if w.sorted[len(w.sorted)-1] <= q || w.sorted[0] > q {
		return math.NaN()
	}
	for i, x := range w.pooled {
		w.values[i] = 0
		if x <= q {
			w.values[i] = 1
		}
	}
	return w.ess()
}

// minHalf is the least number of draws in half a chain. Below 6 Geyer's sequence
// has no second pair to look at, and the autocorrelation time is 2.
const minHalf = 3

// ess is the effective sample size of w.values: Geyer's (1992) initial monotone
// sequence on the autocorrelations pooled over chains (Vehtari et al. 2021,
// eq. 10-13).
func (w *Workspace) ess() float64 {
	n, size := len(w.rows[0]), float64(len(w.values))
	if n < minHalf {
		return math.NaN()
	}
	between := w.acov.load(w.rows)
	a0 := w.acov.at(0)
	within := a0 * float64(n) / float64(n-1)
	total := within*float64(n-1)/float64(n) + between
	if total == 0 {
		return math.NaN()
	}
	rho := func(t int) float64 { return 1 - (within-w.acov.at(t))/total }

	even, odd := 1.0, rho(1)
	last := even + odd // the newest pair of the monotone sequence
	pairs := 0.0       // sum of the pairs before the one at t
	t := 0
	for t < n-5 && even+odd > 0 {
		pairs += last
		t += 2
		even, odd = rho(t), rho(t+1)
		last = min(last, even+odd)
	}
	tau := -1 + 2*pairs
	if even > 0 || even+odd >= 0 {
		tau += even
	}
	if t == 0 { // the first pair alone, as posterior counts it: -1 + 2*1 + 1
		tau = 2
	}
	tau = max(tau, 1/math.Log10(size))
	return size / tau
}
