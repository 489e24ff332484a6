package bayes

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"

	"allocate/bayes/mcmc"
	"allocate/returns"
)

// Evidence is how well the families of auto predicted days that they had not seen, and the
// weights that follow: pseudo-Bayesian model averaging with the Bayesian bootstrap (Yao,
// Vehtari, Simpson and Gelman, Bayesian Analysis 13, 2018, section 3.4).
type Evidence struct {
	Days     int              `json:"days"`
	Families []FamilyEvidence `json:"families"` // the memoryless one first
}

// FamilyEvidence is that of one family.
type FamilyEvidence struct {
	Family     string  `json:"family"`
	Weight     float64 `json:"weight"`          // 0 where a fit failed
	ELPD       Number  `json:"elpd"`            // sum of the log scores one day ahead
	Difference Number  `json:"elpd_difference"` // to the best
	SE         Number  `json:"se_difference"`   // by blocks of futureBlock days
	Days       int     `json:"days"`            // that were predicted
	Fits       int     `json:"fits"`            // to predict them
	Failed     string  `json:"failed,omitempty"`
}

const (
	evidenceTraining = 2      // whole calendar years before the first that is predicted, at least,
	evidencePeriods  = 250    // with so many periods
	evidenceFloor    = 0.05   // least weight of a family that can be fitted
	evidenceMemory   = 0.5    // prior weight of memory: no family has it until days show it
	evidenceReplica  = 1000   // replicates of the Bayesian bootstrap
	evidenceDraws    = 250    // per chain, of a fit that is only scored
	evidenceRHat     = 1.05   // limit of R-hat, which scatters by a hundredth with so few draws
	evidenceMost     = 50_000 // gradients of such a fit
)

// EvidenceSpan returns the whole calendar years of s, at the end of which the families are
// weighed anew; nil where they are too few. Nothing in it changes during a year, so that
// neither do the weights.
func EvidenceSpan(s *returns.Series) *returns.Series {
	years := yearsOf(s)
	if len(predictedYears(years)) == 0 {
		return nil
	}
	return s.Cut(years[0], years[len(years)-1])
}

// yearsOf returns where the whole calendar years of a series begin, and where the last ends:
// neither the year of the first day is whole nor that of the last, unless that is in the
// first week of a year or the last session of one.
func yearsOf(s *returns.Series) (starts []int) {
	starts = turnsOf(s)
	if s.Len() > 0 && s.Dates[0].Time().YearDay() <= 7 {
		starts = slices.Insert(starts, 0, 0)
	}
	if n := s.Len(); n > 0 && s.Dates[n-1].NextWeekday().Time().Year() != s.Dates[n-1].Time().Year() {
		starts = append(starts, n)
	}
	return starts
}

// turnsOf returns the first days of the years of a series but the first year.
func turnsOf(s *returns.Series) (starts []int) {
	for t := 1; t < s.Len(); t++ {
		if s.Dates[t].Time().Year() != s.Dates[t-1].Time().Year() {
			starts = append(starts, t)
		}
	}
	return starts
}

// predictedYears returns where the years begin that are predicted, and where the last ends.
func predictedYears(years []int) []int {
	for i := evidenceTraining; i+1 < len(years); i++ {
		if years[i]-years[0] >= evidencePeriods {
			return years[i:]
		}
	}
	return nil
}

func automaticFamilies(s *returns.Series) []Family {
	if outOfMarket(s) {
		return []Family{hurdleT, hurdleGJRT}
	}
	return []Family{studentT, gjrT, ewmaT}
}

// Weigh compares the families of auto on the years of s, an EvidenceSpan, but the first:
// each year is predicted day by day by a fit to the years before, the draws of which are
// weighed by the days since (leave-future-out cross-validation: Buerkner, Gabry and Vehtari
// 2020), and by a new fit where the Pareto shape of these weights is too large. A family
// that cannot be fitted somewhere has no weight.
func Weigh(ctx context.Context, s *returns.Series, o Options, stream func(part string) rand.Source, progress func(done, total int)) (*Evidence, error) {
	years := predictedYears(append(append([]int{0}, turnsOf(s)...), s.Len())) // a span has whole years only
	if len(years) == 0 {
		return nil, fmt.Errorf("bayes: the %d returns of %q are too few for weights of models", s.Len(), s.Strategy.Name)
	}
	families := automaticFamilies(s)
	e := &Evidence{Days: s.Len() - years[0]}
	o = o.ForEvidence()
	var scores [][]float64
	for k, f := range families {
		o := o.with(f.Name)
		one := FamilyEvidence{Family: f.Name, Days: e.Days}
		var all []float64
		for i := range years[1:] {
			year, fits, failed, err := predictYear(ctx, s, years[i], years[i+1], o, stream)
			if err != nil {
				return nil, err
			}
			one.Fits += fits
			if all = append(all, year...); failed != "" {
				one.Failed, all = failed, nil
				break
			}
			if progress != nil {
				progress(k*(len(years)-1)+i+1, len(families)*(len(years)-1))
			}
		}
		scores, e.Families = append(scores, all), append(e.Families, one)
	}
	e.weigh(scores, rand.New(stream("weights")))
	return e, nil
}

// Mixed reports options that ask for several families by their weights.
func (o Options) Mixed() bool { return o.Model == automatic }

// ForEvidence are the options of a fit that is only scored.
func (o Options) ForEvidence() Options {
	o.Replicates, o.Draws, o.MinESS, o.MaxRHat, o.MaxGradients = 0, evidenceDraws, min(o.MinESS, 100), max(o.MaxRHat, evidenceRHat), min(o.MaxGradients, evidenceMost)
	return o
}

// with are the options for one of several families: weights of returns are those of the
// families that have any.
func (o Options) with(family string) Options {
	o.Model = family
	f, err := Lookup(family)
	if err == nil && !slices.Contains(f.Options, "half_life") {
		o.HalfLife, o.HalfLifeMean = 0, 0
	}
	return o
}

// predictYear returns the log scores of the days from a to b, each given those before it.
func predictYear(ctx context.Context, s *returns.Series, a, b int, o Options, stream func(part string) rand.Source) (scores []float64, fits int, failed string, err error) {
	for at := a; at < b; {
		part := fmt.Sprintf("%s %v ", o.Model, s.Dates[at])
		p, err := Fit(ctx, s.Cut(0, at), o, func(name string) rand.Source { return stream(part + name) }, nil)
		if err != nil {
			return nil, fits, "", err
		}
		fits++
		if p.Len() == 0 || p.Verdict() == Unusable {
			return nil, fits, fmt.Sprintf("the fit to the days before %v failed", s.Dates[at]), nil
		}
		done, err := p.logScores(s.Cut(0, b), b-at, o.HalfLife == 0 && o.HalfLifeMean == 0)
		if err != nil {
			return nil, fits, "", err
		}
		if slices.ContainsFunc(done, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }) {
			return nil, fits, fmt.Sprintf("a day from %v on has no probability", s.Dates[at]), nil
		}
		scores = append(scores, done...)
		at += len(done)
	}
	return scores, fits, "", nil
}

// logScores returns the log scores of the last n days of s, or of as many of them as weights
// of the draws of p, fitted to the days before, can be relied on: the first block at least.
func (p *Posterior) logScores(s *returns.Series, n int, weighted bool) ([]float64, error) {
	predictor, err := p.Predictor(s)
	scorer, is := predictor.(Scorer)
	if err != nil || !is {
		return nil, fmt.Errorf("bayes: %s has no predictive density: %w", p.Model, err)
	}
	draws := p.Len()
	score := make([]float64, draws*n)
	for i := range draws {
		scorer.LogScores(p.Theta(i), s.Returns, score[i*n:(i+1)*n])
	}
	ratio, weight := make([]float64, draws), make([]float64, draws)
	for i := range weight {
		weight[i] = -math.Log(float64(draws))
	}
	out := make([]float64, 0, n)
	mix := make([]float64, draws)
	for len(out) < n {
		from, to := len(out), min(n, len(out)+futureBlock)
		for t := from; t < to; t++ {
			for i, w := range weight {
				mix[i] = w + score[i*n+t]
			}
			out = append(out, floats.LogSumExp(mix))
		}
		if !weighted || to == n {
			continue
		}
		for i := range ratio {
			ratio[i] += floats.Sum(score[i*n+from : i*n+to])
		}
		if k := mcmc.PSIS(weight, ratio, 1); !(k <= mcmc.ParetoThreshold(draws)) {
			break
		}
	}
	return out, nil
}

// weigh fills in what follows from the log scores of the families; nil: a fit failed.
func (e *Evidence) weigh(scores [][]float64, rng *rand.Rand) {
	var in []int
	blocks := make([][]float64, len(scores))
	best := -1
	for k, all := range scores {
		f := &e.Families[k]
		f.ELPD, f.Difference, f.SE = Number(math.NaN()), Number(math.NaN()), Number(math.NaN())
		if all == nil {
			continue
		}
		in = append(in, k)
		for block := range slices.Chunk(all, futureBlock) {
			blocks[k] = append(blocks[k], floats.Sum(block))
		}
		if f.ELPD = Number(floats.Sum(all)); best < 0 || f.ELPD > e.Families[best].ELPD {
			best = k
		}
	}
	if best < 0 {
		return
	}
	n := len(blocks[best])
	for _, k := range in {
		f := &e.Families[k]
		f.Difference = f.ELPD - e.Families[best].ELPD
		mean, squares := float64(f.Difference)/float64(n), 0.0
		for i, v := range blocks[k] {
			d := v - blocks[best][i] - mean
			squares += d * d
		}
		f.SE = Number(math.Sqrt(squares * float64(n) / float64(max(1, n-1))))
	}
	prior := func(k int) float64 {
		switch {
		case k == 0 || in[0] != 0:
			return 0
		default:
			return math.Log(evidenceMemory / (1 - evidenceMemory) / float64(len(in)-1))
		}
	}
	weight, elpd, share := make([]float64, len(in)), make([]float64, len(in)), make([]float64, n)
	for range evidenceReplica {
		total := 0.0
		for i := range share {
			share[i] = rng.ExpFloat64()
			total += share[i]
		}
		for j, k := range in {
			elpd[j] = prior(k) + floats.Dot(share, blocks[k])*float64(n)/total
		}
		sum := floats.LogSumExp(elpd)
		for j, v := range elpd {
			weight[j] += math.Exp(v-sum) / evidenceReplica
		}
	}
	for j, k := range in {
		e.Families[k].Weight = evidenceFloor + (1-evidenceFloor*float64(len(in)))*weight[j]
	}
}

// Best returns the family of the largest weight, "" where none has any.
func (e *Evidence) Best() string {
	best := FamilyEvidence{}
	for _, f := range e.Families {
		if f.Weight > best.Weight {
			best = f
		}
	}
	return best.Family
}
