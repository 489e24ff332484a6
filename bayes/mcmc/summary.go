package mcmc

import "math"

// Summary is the standard description of one quantity's draws. Location, scale
// and standard errors are in the draws' unit.
type Summary struct {
	Mean, SD          float64
	Q05, Median, Q95  float64 // quantiles of the split draws
	MAD               float64 // 1.4826 median |x - median|, of the split draws
	RHat              float64 // rank-normalised, split and folded
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
	if w.valid {
		s.Q05, s.Median, s.Q95 = quantile(w.sorted, 0.05), quantile(w.sorted, 0.5), quantile(w.sorted, 0.95)
	}
	s.RHat = w.rHat()
	s.MAD = w.mad
	s.ESSBulk = w.essBulk()
	ess05, ess95 := w.essQuantile(0.05), w.essQuantile(0.95)
	s.ESSTail = min(ess05, ess95)
	s.ESSMean, s.ESSSD = w.essMean(), w.essSD()
	s.MCSEMean = s.SD / math.Sqrt(s.ESSMean)
	s.MCSESD = w.mcseSD(s.ESSSD)
	s.MCSEQ05, s.MCSEQ95 = w.mcseQuantile(0.05, ess05), w.mcseQuantile(0.95, ess95)
	return s
}
