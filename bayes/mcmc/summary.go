package mcmc

import (
	"math"
	"sort"
)

// Summary is the standard description of one quantity's draws. Location, scale
// and standard errors are in the draws' unit.
type Summary struct {
	Mean, SD          float64
	Q05, Median, Q95  float64 // quantiles of all draws, type 7 of Hyndman and Fan
	MAD               float64 // 1.4826 median |x - median|, of all draws
	RHat              float64 // rank-normalized, split and folded
	ESSBulk, ESSTail  float64
	MCSEMean, MCSESD  float64
	MCSEQ05, MCSEQ95  float64
	ESSMean, ESSSD    float64
	Draws, ChainCount int
}

// Summarize describes one quantity from its chains × iterations.
func Summarize(chains [][]float64) Summary { return new(Workspace).Summarize(chains) }

// Summarize is the package function Summarize.
func (w *Workspace) Summarize(chains [][]float64) Summary {
	w.load(chains)
	s := Summary{ChainCount: len(chains)}
	for _, c := range chains {
		s.Draws += len(c)
	}
	s.Mean, s.SD = w.moments()
	s.Q05, s.Median, s.Q95 = math.NaN(), math.NaN(), math.NaN()
	if w.usable {
		s.Q05, s.Median, s.Q95 = quantile(w.all, 0.05), quantile(w.all, 0.5), quantile(w.all, 0.95)
	}
	s.RHat = w.rHat()
	s.MAD = w.medianDeviation(s.Median)
	s.ESSBulk = w.essBulk()
	ess05, ess95 := w.essQuantile(0.05), w.essQuantile(0.95)
	s.ESSTail = min(ess05, ess95)
	s.ESSMean, s.ESSSD = w.essMean(), w.essSD()
	s.MCSEMean = s.SD / math.Sqrt(s.ESSMean)
	s.MCSESD = w.mcseSD()
	s.MCSEQ05, s.MCSEQ95 = w.mcseQuantile(0.05, ess05), w.mcseQuantile(0.95, ess95)
	return s
}

// medianDeviation is 1.4826 median |x - median| over all draws: that which rHat
// found on the way, or from the sorted draws where splitting drops some.
func (w *Workspace) medianDeviation(median float64) float64 {
	if !w.usable || !math.IsNaN(w.mad) {
		return w.mad
	}
	// The i smallest distances are those of draws around the median: a merge.
	n := len(w.all)
	hi := sort.SearchFloat64s(w.all, median)
	lo, below, at := hi-1, 0.0, 0.0
	for range n/2 + 1 {
		below = at
		if hi >= n || lo >= 0 && median-w.all[lo] <= w.all[hi]-median {
			at = median - w.all[lo]
			lo--
		} else {
			at = w.all[hi] - median
			hi++
		}
	}
	if n%2 == 1 {
		below = at
	}
	return normalMAD * (below + at) / 2
}
