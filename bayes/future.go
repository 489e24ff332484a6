package bayes

import (
	"math"

	"allocate/bayes/mcmc"
	"allocate/returns"
)

// futureDraws is the most draws that LeaveFuture weighs.
const futureDraws = 1000

// LeaveFuture returns draws of the posterior given the days of s but the last n, made of
// those given all by importance weights, the inverse likelihoods of these days, Pareto
// smoothed (leave-future-out cross-validation: Buerkner, Gabry and Vehtari, Journal of
// Statistical Computation and Simulation 90, 2020, run backwards), and resampled at equal
// distances. s are the returns that p was fitted to, with equal weights.
//
// k is the Pareto shape of the weights, to be compared with limit: above it, NaN or nil,
// the days say too much for their weight to be taken from the posterior, or the family has
// no density, and a fit to the days before is needed.
func (p *Posterior) LeaveFuture(s *returns.Series, n int) (before *Posterior, k, limit float64) {
	predictor, err := p.Predictor(s)
	scorer, scores := predictor.(Scorer)
	if err != nil || !scores || p.Len() == 0 || p.Method != NUTS && p.Method != Delayed || n <= 0 || n >= s.Len() {
		return nil, math.NaN(), 0
	}
	every := (p.Len() + futureDraws - 1) / futureDraws
	draws := p.Len() / every
	days := s.Returns
	from := len(days) - n
	if _, alike := predictor.(Exchangeable); alike {
		days, from = days[from:], 0
	}
	score, ratio := make([]float64, len(days)), make([]float64, draws)
	for i := range ratio {
		scorer.LogScores(p.Theta(i*every), days, score)
		for _, v := range score[from:] {
			ratio[i] -= v
		}
	}
	if k = mcmc.PSIS(ratio, ratio, 1); math.IsNaN(k) {
		return nil, k, 0
	}
	out := *p
	out.Chains, out.Draws, out.Values, out.Sampler = 1, draws, make([]float64, 0, draws*len(p.Names)), Sampler{}
	out.Summary, out.Findings, out.Checks, out.Sensitivity, out.Fitted = nil, nil, nil, nil, ""
	i, below := 0, math.Exp(ratio[0]) // weights of the draws up to i
	for d := range draws {
		for u := (float64(d) + 0.5) / float64(draws); below < u && i+1 < draws; {
			i++
			below += math.Exp(ratio[i])
		}
		out.Values = append(out.Values, p.Theta(i*every)...)
	}
	return &out, k, mcmc.ParetoThreshold(draws)
}
