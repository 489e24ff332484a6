package bayes

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strconv"

	"allocate/bayes/mcmc"
	"allocate/returns"
)

// Updated says how a posterior came from one given fewer days.
type Updated struct {
	From    returns.Date `json:"from"`     // last day that the draws were made from
	Days    int          `json:"days"`     // since
	ParetoK Number       `json:"pareto_k"` // largest of the importance weights
}

// updatedFewest is the least number of returns of a fit that is updated: given fewer, a
// month of new ones says much, and a fit is cheap.
const updatedFewest = 250

// updater is a Predictor of a model with memory whose parameters hold the state after the
// series that they were fitted to.
type updater interface {
	// advance writes the log scores of the days after that series, each given all before it,
	// and moves the state in theta past them.
	advance(theta, days, score []float64)
	// rms is the root mean square of a history, as the parameters have it.
	rms(theta, y []float64) float64
	// rescale makes the parameters that refer to the mean square of the history those of
	// a longer history.
	rescale(theta []float64, rms float64)
}

// CanUpdate reports whether a posterior given the returns of s can be updated with options o.
func CanUpdate(s *returns.Series, o Options) bool {
	return o.Refit == RefitMonthly && o.HalfLife == 0 && o.HalfLifeMean == 0 && s.Len() >= updatedFewest
}

// Update returns the posterior given all days of s, made of p, that given all of them but
// the last few: the state of each draw is moved past the new days, and the draws are weighed
// by the likelihood of these days, Pareto smoothed, and resampled at equal distances
// (Buerkner, Gabry and Vehtari, Journal of Statistical Computation and Simulation 90, 2020).
// The data-dependent centers of the priors stay those of the shorter history, and so do the
// findings of the fit: its checks, the sensitivity to the prior and LossTail.
//
// It is nil, with a finding that says why, where p has to be replaced by a fit: the days say
// too much, so that the Pareto shape of the weights is above its threshold, or the effective
// sample size becomes less than o.MinESS. Of a mixed posterior each family is weighed by itself
// and keeps its share; draws of a family of less than a quarter of the draws, whose weights
// are not reliable, only have their state moved.
func (p *Posterior) Update(s *returns.Series, o Options) (updated *Posterior, why returns.Finding, err error) {
	from := p.fittedTo(s)
	if p.Len() == 0 || p.Verdict() == Unusable || p.Method != NUTS && p.Method != Delayed || from == 0 || from == s.Len() {
		return nil, notUpdated(s, "there is no posterior of fewer days that could be updated"), nil
	}
	before, err := p.Predictor(s.Cut(0, from))
	if err != nil {
		return nil, why, err
	}
	moved := *p
	moved.Values = slices.Clone(p.Values)
	ratio, ok := moved.advance(before, s, from)
	if !ok {
		return nil, notUpdated(s, "the model gives the new days no probability"), nil
	}
	k, limit := math.NaN(), 0.0
	var kept []int
	if len(p.Components) == 0 {
		rows := make([]int, p.Len())
		for i := range rows {
			rows[i] = i
		}
		limit = mcmc.ParetoThreshold(len(rows))
		if kept, k = resample(slices.Clone(ratio), rows, len(rows)); !(k <= limit) {
			return nil, tooMuch(s, from, k, limit), nil
		}
	} else {
		kept = make([]int, p.Len())
		for of := range p.Components {
			rows := p.rowsOf(of)
			weight := make([]float64, len(rows))
			for i, row := range rows {
				weight[i] = ratio[row]
			}
			own, shape := resample(weight, rows, len(rows))
			most := mcmc.ParetoThreshold(len(rows))
			heavy := float64(len(rows)) >= lightWeight*float64(p.Len())
			switch {
			case !(shape <= most) && heavy:
				return nil, tooMuch(s, from, shape, most), nil
			case !(shape <= most):
				own = rows
			case heavy && (limit == 0 || shape-most > k-limit):
				k, limit = shape, most
			}
			for i, row := range rows { // in their places: each chain keeps the shares
				kept[row] = own[i]
			}
		}
	}
	out := moved.at(kept)
	for i, row := range kept {
		out.Sampler.LogDensity[i] += ratio[row]
	}
	out.Fitted, out.Updated = digest(s.Returns), &Updated{s.Dates[from-1], s.Len() - from, Number(k)}
	if len(p.Components) == 0 {
		out.summarize()
	} else {
		out.summarizeUpdated()
	}
	_, ess := p.worst()
	if _, less := out.worst(); !(less >= min(o.MinESS, ess)) {
		left := fmt.Sprintf("of %.0f", less)
		if math.IsNaN(less) { // as where the variance of nearly all draws is at its bound
			left = "that cannot be estimated"
		}
		return nil, notUpdated(s, fmt.Sprintf("weights of %s after %v would leave an effective sample size %s", returns.Count(s.Len()-from, "return"), s.Dates[from-1], left)), nil
	}
	return out, why, nil
}

// advance moves the states of all draws past the days of s since from, and returns the
// log likelihoods of these days; false where a draw has none.
func (p *Posterior) advance(m Predictor, s *returns.Series, from int) (ratio []float64, ok bool) {
	days := s.Returns[from:]
	score := make([]float64, len(days))
	ratio = make([]float64, p.Len())
	scales := make([]float64, 1+len(p.Components)) // of the families
	for i := range ratio {
		theta, f, family := p.Theta(i), m, 0
		mixed, is := m.(mixedPredictor)
		if is {
			family = int(theta[0])
			f, theta = mixed.of(theta)
		}
		switch f := f.(type) {
		case updater:
			if scales[family] == 0 {
				scales[family] = f.rms(theta, s.Returns)
			}
			f.rescale(theta, scales[family]) // first: the bound of the variance is that of the longer history
			f.advance(theta, days, score)
		case Exchangeable:
			scorer, scores := f.(Scorer)
			if !scores {
				return nil, false
			}
			scorer.LogScores(theta, days, score)
		default:
			return nil, false
		}
		if is {
			mixed.put(p.Theta(i), theta)
		}
		for _, v := range score {
			ratio[i] += v
		}
		if math.IsNaN(ratio[i]) || math.IsInf(ratio[i], 1) {
			return nil, false
		}
	}
	return ratio, true
}

// resample returns keep of rows, each as often as its weight says, in their order. It
// makes the log ratios into Pareto smoothed log weights, of shape k; nil where they have none.
func resample(ratio []float64, rows []int, keep int) (kept []int, k float64) {
	if k = mcmc.PSIS(ratio, ratio, 1); math.IsNaN(k) {
		return nil, k
	}
	i, below := 0, math.Exp(ratio[0]) // weights of the draws up to i
	for d := range keep {
		for u := (float64(d) + 0.5) / float64(keep); below < u && i+1 < len(rows); {
			i++
			below += math.Exp(ratio[i])
		}
		kept = append(kept, rows[i])
	}
	return kept, k
}

// at returns the posterior of the draws at rows, as many as p has.
func (p *Posterior) at(rows []int) *Posterior {
	out := *p
	k, n := len(p.Names), len(rows)
	out.Values = make([]float64, 0, n*k)
	a, b := &out.Sampler, &p.Sampler
	floats, ints := make([]float64, 4*n), make([]int64, 3*n)
	a.LogDensity, a.Accept, a.StepSize, a.Energy = floats[:n:n], floats[n:2*n:2*n], floats[2*n:3*n:3*n], floats[3*n:]
	a.Depth, a.Leapfrogs, a.Divergent = ints[:n:n], ints[n:2*n:2*n], ints[2*n:]
	for i, row := range rows {
		out.Values = append(out.Values, p.Theta(row)...)
		a.LogDensity[i], a.Accept[i], a.StepSize[i], a.Energy[i] = b.LogDensity[row], b.Accept[row], b.StepSize[row], b.Energy[row]
		a.Depth[i], a.Leapfrogs[i], a.Divergent[i] = b.Depth[row], b.Leapfrogs[row], b.Divergent[row]
	}
	return &out
}

// notUpdated is the finding of a posterior that has to be fitted.
func notUpdated(s *returns.Series, why string) returns.Finding {
	return returns.Finding{Code: "bayes.refitted", Severity: returns.Info, Strategy: s.Strategy.Name, Sentence: "Fitted to all days: " + why + "."}
}

func tooMuch(s *returns.Series, from int, k, limit float64) returns.Finding {
	f := notUpdated(s, fmt.Sprintf("%s after %v say too much for weights (Pareto k %.2f, above %.2f)", returns.Count(s.Len()-from, "return"), s.Dates[from-1], k, limit))
	if math.IsNaN(k) {
		return notUpdated(s, fmt.Sprintf("the weights by %s after %v have no Pareto tail", returns.Count(s.Len()-from, "return"), s.Dates[from-1]))
	}
	f.Numbers = map[string]float64{"value": k, "limit": limit}
	return f
}

// fittedTo returns how many of the first days of s p was fitted to, 0 if it was not to such.
func (p *Posterior) fittedTo(s *returns.Series) int {
	h := fnv.New64a()
	var b [8]byte
	for n, r := range s.Returns {
		binary.LittleEndian.PutUint64(b[:], math.Float64bits(r))
		h.Write(b[:])
		if strconv.FormatUint(h.Sum64(), 16) == p.Fitted {
			return n + 1
		}
	}
	return 0
}
