package bayes

import (
	"fmt"
	"math"

	"allocate/returns"
)

// codeMean is the finding of a model whose mean is not that of the history. The
// location of a symmetric model with heavy tails weighs days down by their distance,
// which is efficient if the distribution is symmetric and wrong if it is not: where
// losses are the longer tail it is far above the mean of the same days.
//
// The two estimates of one mean are compared as Hausman (Econometrica 46, 1978) does:
// if the model is right the efficient one is the sample mean plus noise independent
// of it, so that the variance of their difference is the difference of their
// variances. Beyond 3.29 of its standard deviations (0.1%) there is a finding. Its size
// is the difference in standard errors of the sample mean: by one of them the forecast
// is off by as much as the data leave open.
//
// The shift of the posterior mean by the prior of the Sharpe ratio is not counted: draws
// have weights of one over its density. (Of a hurdle the prior is that of the active
// days, whose Sharpe ratio is larger; it is counted as that of all days.)
const (
	codeMean  = "bayes.check_mean"
	hausman   = 3.29
	leastSure = 0.05 // least variance of the difference, of that of the sample mean: less is rounding
)

// checkMean compares the mean of a symmetric model with the weighted mean of the
// series.
func (p *Posterior) checkMean(m Predictor, s *returns.Series, o Options) []returns.Finding {
	skewed, symmetric := skewedOf[p.Model]
	all, err := o.priors()
	if !symmetric || err != nil {
		return nil
	}
	d := newDays(s.Returns, forgetting(s.Len(), o.HalfLifeMean))
	var sample, squares float64
	for i, y := range d.y {
		sample += d.weight(i) * y / d.n
	}
	for i, y := range d.y {
		squares += d.weight(i) * (y - sample) * (y - sample)
	}
	variance := squares / d.n / d.n // of the sample mean
	year := s.Frequency.PeriodsPerYear()
	perSharpe := math.Sqrt(squares / d.n / year) // return of a period at an annual Sharpe ratio of 1
	n := p.Len()
	means, weights := make([]float64, n), make([]float64, n)
	mean, total := 0.0, 0.0
	for i := range n {
		means[i] = m.Mean(p.Theta(i))
		mean += means[i] / float64(n)
	}
	center, _ := all.sharpe.logDensity(mean / perSharpe)
	for i, v := range means {
		lp, _ := all.sharpe.logDensity(v / perSharpe)
		weights[i] = math.Exp(center - lp)
		total += weights[i]
	}
	free, spread := 0.0, 0.0 // mean and variance without the prior
	for i, v := range means {
		free += weights[i] * v / total
	}
	for i, v := range means {
		spread += weights[i] * (v - free) * (v - free) / total
	}
	apart := free - sample
	if !(variance > 0) || !(math.Abs(apart) > hausman*math.Sqrt(max(variance-spread, leastSure*variance))) {
		return nil
	}
	size := math.Abs(apart) / math.Sqrt(variance)
	return []returns.Finding{returns.NewFinding(codeMean, "", size,
		fmt.Sprintf("The model's mean return is %.1f%% p.a., the sample's %.1f%%: %.1f standard errors apart beside the effect of the prior. The returns are not symmetric; use bayes.model: %s.", 100*mean*year, 100*sample*year, size, skewed),
		map[string]float64{"value": mean * year, "observed": sample * year, "standard_errors": size})}
}

// skewedOf are the families to use instead of each symmetric one.
var skewedOf = map[string]string{
	"student_t":        "skew_t or gjr_t",
	"normal":           "skew_t or gjr_t",
	"hurdle_student_t": "hurdle_skew_t",
}
