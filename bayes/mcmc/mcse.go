package mcmc

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// MCSEMean is the Monte Carlo standard error of the mean, sd/√ESSMean, in the
// draws' unit.
func MCSEMean(chains [][]float64) float64 { return new(Workspace).MCSEMean(chains) }

// MCSESD is the Monte Carlo standard error of the standard deviation, in the
// draws' unit: the delta method on the mean square deviation (Kenney & Keeping
// 1951, p. 141).
func MCSESD(chains [][]float64) float64 { return new(Workspace).MCSESD(chains) }

// MCSEQuantile is the Monte Carlo standard error of the p-quantile, in the
// draws' unit: half the width of the 68 % interval of order statistics given by
// the Beta distribution of the quantile's rank (Vehtari et al. 2021, §4.4).
func MCSEQuantile(chains [][]float64, p float64) float64 {
	return new(Workspace).MCSEQuantile(chains, p)
}

// MCSEMean is the package function MCSEMean.
func (w *Workspace) MCSEMean(chains [][]float64) float64 {
	w.load(chains)
	_, sd := w.moments()
	return sd / math.Sqrt(w.essMean())
}

// MCSESD is the package function MCSESD.
func (w *Workspace) MCSESD(chains [][]float64) float64 {
	w.load(chains)
	return w.mcseSD()
}

// MCSEQuantile is the package function MCSEQuantile.
func (w *Workspace) MCSEQuantile(chains [][]float64, p float64) float64 {
	w.load(chains)
	return w.mcseQuantile(p, w.essQuantile(p))
}

// moments returns the mean and sample standard deviation over all draws, those
// that splitting drops included.
func (w *Workspace) moments() (mu, sd float64) {
	if !w.usable {
		return math.NaN(), math.NaN()
	}
	var ss float64
	for _, x := range w.all {
		ss += (x - w.mean) * (x - w.mean)
	}
	return w.mean, math.Sqrt(ss / float64(len(w.all)-1))
}

// mcseSD takes the effective sample size of the squared deviations, as
// posterior does, not that of the absolute ones which ESSSD reports.
func (w *Workspace) mcseSD() float64 {
	ess := w.essSquares()
	if math.IsNaN(ess) {
		return ess
	}
	var m2, m4 float64
	for _, x := range w.all {
		d := (x - w.mean) * (x - w.mean)
		m2 += d
		m4 += d * d
	}
	n := float64(len(w.all))
	m2, m4 = m2/n, m4/n
	return math.Sqrt((m4 - m2*m2) / ess / m2 / 4)
}

// Φ(∓1), as rounded in the R package.
const (
	lowerSigma = 0.1586553
	upperSigma = 0.8413447
)

func (w *Workspace) mcseQuantile(p, ess float64) float64 {
	if math.IsNaN(ess) {
		return ess
	}
	n := len(w.all)
	a, b := ess*p+1, ess*(1-p)+1
	lo := int(math.Floor(mathext.InvRegIncBeta(a, b, lowerSigma) * float64(n)))
	hi := int(math.Ceil(mathext.InvRegIncBeta(a, b, upperSigma) * float64(n)))
	return (w.all[min(hi, n)-1] - w.all[max(lo, 1)-1]) / 2
}

// quantile interpolates sorted values linearly (Hyndman & Fan's type 7).
func quantile(sorted []float64, p float64) float64 {
	h := p * float64(len(sorted)-1)
	i := int(h)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	// Computed from below, so that equal neighbors give themselves.
	return sorted[i] + (h-float64(i))*(sorted[i+1]-sorted[i])
}
