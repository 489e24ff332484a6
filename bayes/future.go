package bayes

import (
	"math"

	"allocate/bayes/mcmc"
	"allocate/returns"
)

// futureDraws is the most draws that LeaveFuture weighs.
const futureDraws = 1000

// futureBlock is the number of periods that one set of weights predicts: a posterior up to
// a month of days old.
const futureBlock = 21

// LeaveFuture returns draws of the posterior given the days of s but the last n, made of
// those given all by importance weights, the inverse likelihoods of these days, Pareto
// smoothed (leave-future-out cross-validation: Buerkner, Gabry and Vehtari, Journal of
// Statistical Computation and Simulation 90, 2020, run backwards), and resampled at equal
// distances. s are the returns that p was fitted to, with equal weights.
//
// k is the Pareto shape of the weights, to be compared with limit: above it, NaN or nil,
// the days say too much for their weight to be taken from the posterior, or the family has
// no density, and a fit to the days before is needed. Of a mixed posterior each family is
// weighed by itself and keeps its share; k is then the largest of the families that have
// a quarter of the draws or more.
func (p *Posterior) LeaveFuture(s *returns.Series, n int) (before *Posterior, k, limit float64) {
	predictor, err := p.Predictor(s)
	scorer, scores := predictor.(Scorer)
	if err != nil || !scores || p.Len() == 0 || p.Method != NUTS && p.Method != Delayed || n <= 0 || n >= s.Len() {
		return nil, math.NaN(), 0
	}
	every := (p.Len() + futureDraws - 1) / futureDraws
	var kept []int
	if len(p.Components) == 0 {
		rows := make([]int, p.Len()/every)
		for i := range rows {
			rows[i] = i * every
		}
		kept, k = p.leave(scorer, s, n, rows, len(rows))
		limit = mcmc.ParetoThreshold(len(rows))
	}
	for of := range p.Components {
		rows := p.rowsOf(of)
		heavy, keep := float64(len(rows)) >= lightWeight*float64(p.Len()), (len(rows)+every-1)/every
		if heavy { // enough of them for good weights
			thin := rows[:0]
			for i := 0; i < len(rows); i += every {
				thin = append(thin, rows[i])
			}
			rows = thin
		}
		own, shape := p.leave(scorer, s, n, rows, keep)
		if own == nil && heavy {
			return nil, math.NaN(), 0
		}
		if own == nil {
			own = rows[:keep]
		}
		kept = append(kept, own...)
		if most := mcmc.ParetoThreshold(len(rows)); heavy && (limit == 0 || shape-most > k-limit) {
			k, limit = shape, most
		}
	}
	if kept == nil || math.IsNaN(k) {
		return nil, math.NaN(), 0
	}
	out := *p
	out.Chains, out.Draws, out.Values, out.Sampler = 1, len(kept), make([]float64, 0, len(kept)*len(p.Names)), Sampler{}
	out.Summary, out.Findings, out.Checks, out.Sensitivity, out.Fitted = nil, nil, nil, nil, ""
	for _, i := range kept {
		out.Values = append(out.Values, p.Theta(i)...)
	}
	return &out, k, limit
}

// leave weighs rows of the draws by the inverse likelihood of the last n days, and returns
// keep of them, each as often as its weight says; nil where the weights have no shape.
func (p *Posterior) leave(scorer Scorer, s *returns.Series, n int, rows []int, keep int) (kept []int, k float64) {
	days := s.Returns
	if _, alike := scorer.(Exchangeable); alike {
		days = days[len(days)-n:]
	}
	score, ratio := make([]float64, n), make([]float64, len(rows))
	for i, row := range rows {
		scorer.LogScores(p.Theta(row), days, score)
		for _, v := range score {
			ratio[i] -= v
		}
	}
	return resample(ratio, rows, keep)
}
