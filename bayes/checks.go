package bayes

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"allocate/bayes/mcmc"
	"allocate/returns"
)

// Check compares one statistic of the real history with the same statistic of
// histories simulated from the posterior: a posterior predictive check
// (Gelman, Meng & Stern, Statistica Sinica 1996).
type Check struct {
	Statistic string `json:"statistic"`
	Observed  Number `json:"observed"`
	Q5        Number `json:"q5"` // of the simulated histories
	Median    Number `json:"median"`
	Q95       Number `json:"q95"`
	P         Number `json:"p"` // P(simulated < observed) + P(equal)/2; near 0 or 1 the model does not make such histories

	// Factor says by how much the observed value lies beyond all simulated
	// ones, as a factor of at least 1 on what size measures for the statistic, and
	// Spread how far these lie apart, the largest over the least.
	Factor Number `json:"factor"`
	Spread Number `json:"spread"`
}

// statistic is one entry of history. Of a statistic outside 98% of the simulated
// histories a finding tells, code "bayes.check_" and its name; its severity follows
// the factor by which it lies beyond all of them (returns/catalog.go). A warning
// must also be far for their spread, half as far as they lie apart. size is what
// factors are of; center is the mean of the real history.
type statistic struct {
	name, about string
	size        func(value, center float64) float64
}

var statistics = [numStatistics]statistic{
	statSD:    {"sd", "The standard deviation", scaleOf},
	statQ01:   {"q01", "The 1% quantile", distance},
	statQ99:   {"q99", "The 99% quantile", distance},
	statMin:   {"min", "The worst return", distance},
	statMax:   {"max", "The best return", distance},
	statZeros: {"zeros", "The share of zero returns", activity},
	statAuto:  {"autocorrelation", "The lag-1 autocorrelation of returns", sumScale},
	statAbsAuto: {
		"abs_autocorrelation", "Volatility clustering: lag-1 autocorrelation of |r|", volatilityRange,
	},
	statScaleChange: {"scale_change", "Change of scale: the ratio of mean |r| in the second half to the first half", pooled},
	statAsymmetry:   {"asymmetry", "Asymmetry: the ratio of the distances of the 1% and the 99% quantile from the mean", scaleOf},
}

// The sizes that factors are of.

// scaleOf is the value itself.
func scaleOf(v, _ float64) float64 { return v }

// distance is that of a return from the mean.
func distance(v, center float64) float64 { return math.Abs(v - center) }

// activity is the share of days with a return.
func activity(v, _ float64) float64 { return 1 - v }

// sumScale is the standard deviation of long sums of an autoregressive series
// over that of independent days: sqrt((1+rho)/(1-rho)).
func sumScale(rho, _ float64) float64 { return math.Sqrt((1 + rho) / (1 - rho)) }

// volatilityRange is e^s where the logarithm of volatility has a standard
// deviation of s, by which the forecast for one day is off: persistent volatility
// gives |return| the correlation (e^(s^2) - 1)/(pi/2 e^(s^2) - 1) of neighbors.
// 0.39 is a factor of 2, 0.55 one of 3; from 2/pi on it is without bound.
func volatilityRange(c, _ float64) float64 {
	if c <= 0 {
		return 1
	}
	if c >= 2/math.Pi {
		return math.Inf(1)
	}
	return math.Exp(math.Sqrt(math.Log((1 - c) / (1 - c*math.Pi/2))))
}

// pooled is the factor by which a change of scale halfway puts the scale of
// either half off the scale of the whole.
func pooled(ratio, _ float64) float64 { return math.Sqrt(ratio) }

// codeModelSD is the finding of a model whose standard deviation, the posterior
// median, is not that of the real history by a factor of 2 or more. Simulated histories do not show it where nu is near 2: their
// own standard deviations are far below the model's, which a horizon of many days
// and the published volatility have. In 180 samples of nu from 2.1 to 3.1 the
// factor was at most 2.7 with 60 days, 1.6 with 250 and 1.3 with 1,500; pairs of
// stocks, whose volatility clusters, have 2 to 2.6 with 2,500.
const (
	codeModelSD  = "bayes.check_model_sd"
	largeModelSD = 2
)

func (p *Posterior) modelSD(m Predictor, observed float64) []returns.Finding {
	if !(observed > 0) {
		return nil
	}
	volatility := make([]float64, p.Len())
	for i := range volatility {
		volatility[i] = m.Volatility(p.Theta(i))
	}
	modeled := selectQuantile(volatility, 0.5) // as Summary has it
	if n := len(volatility); n%2 == 0 {
		modeled += 0.5 * (slices.Min(volatility[n/2:]) - modeled)
	}
	factor := max(modeled/observed, observed/modeled)
	if !(factor >= largeModelSD) || math.IsInf(factor, 0) {
		return nil
	}
	return []returns.Finding{returns.NewFinding(codeModelSD, "", factor,
		fmt.Sprintf("The model's standard deviation is %.4g, the sample's %.4g.", modeled, observed),
		map[string]float64{"observed": observed, "value": modeled})}
}

// compare fills a check from the statistic of the real history and those of the
// simulated ones, which it reorders.
func (s *statistic) compare(observed, center float64, simulated []float64) Check {
	c := Check{Statistic: s.name, Observed: Number(observed), Factor: 1}
	share, below, above := 0.0, math.Inf(1), 0.0
	for _, v := range simulated {
		switch {
		case v < observed:
			share++
		case v == observed:
			share += 0.5
		}
		if size := s.size(v, center); !math.IsNaN(size) {
			below, above = min(below, size), max(above, size)
		}
	}
	c.Spread = Number(above / below)
	c.P = Number(share / float64(len(simulated)))
	c.Q5, c.Median, c.Q95 = Number(selectQuantile(simulated, 0.05)), Number(selectQuantile(simulated, 0.5)), Number(selectQuantile(simulated, 0.95))
	switch size := s.size(observed, center); {
	case size > above:
		c.Factor = Number(size / above)
	case size < below:
		c.Factor = Number(below / size)
	}
	return c
}

func (s *statistic) finding(c Check) []returns.Finding {
	if c.P >= surprise && c.P <= 1-surprise || math.IsNaN(float64(c.Observed)) {
		return nil
	}
	f := returns.NewFinding("bayes.check_"+s.name, "", float64(c.Factor),
		fmt.Sprintf("%s is %.4g; the model's 90%% predictive range is %.4g to %.4g.", s.about, c.Observed, c.Q5, c.Q95),
		map[string]float64{"observed": float64(c.Observed), "q5": float64(c.Q5), "q95": float64(c.Q95), "factor": float64(c.Factor)})
	for name, v := range f.Numbers {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			delete(f.Numbers, name)
		}
	}
	if f.Severity == returns.Warn && float64(c.Factor*c.Factor) < float64(c.Spread) {
		f.Severity = returns.Info
	}
	return []returns.Finding{f}
}

// surprise is the tail probability from which a check is reported.
const surprise = 0.01

// predict fills LossTail and Checks, and adds their findings.
func (p *Posterior) predict(m Predictor, y []float64, o Options, stream func(part string) rand.Source) {
	rng := rand.New(stream("predict"))
	p.judgeTail(m, o.Horizon, rng)
	replicate := replicator(m)
	if o.Replicates == 0 || len(y) < 3 || replicate == nil {
		return
	}
	rng = rand.New(stream("checks"))
	replica, of := make([]float64, len(y)), newSummarizer(len(y))
	var simulated [numStatistics][]float64
	for j := range simulated {
		simulated[j] = make([]float64, o.Replicates)
	}
	for i := range o.Replicates {
		replicate(p.Theta(i*p.Len()/o.Replicates), rng, replica)
		for j, v := range of.of(replica) {
			simulated[j][i] = v
		}
	}
	center := 0.0
	for _, x := range y {
		center += x / float64(len(y))
	}
	p.Checks = nil
	real := of.of(y)
	p.Findings = append(p.Findings, p.modelSD(m, real[statSD])...)
	for j, observed := range real {
		c := statistics[j].compare(observed, center, simulated[j])
		p.Checks = append(p.Checks, c)
		p.Findings = append(p.Findings, statistics[j].finding(c)...)
	}
}

// judgeTail fills LossTail, and adds its finding.
func (p *Posterior) judgeTail(m Predictor, horizon int, rng *rand.Rand) {
	// One day for each draw; where that looks heavy, several, since the
	// estimate from one scatters by about 0.12.
	k, losses := p.lossTail(m, horizon, rng, 1), p.Len()
	if !(k <= 0.5) { // or nothing could be said, where most days are not traded
		k, losses = p.lossTail(m, horizon, rng, 8), 8*p.Len()
	}
	p.LossTail = Number(k)
	what := "predicted losses"
	if _, alike := m.(Exchangeable); !alike && horizon > 1 {
		what += fmt.Sprintf(" over %d periods", horizon)
	}
	if limit := mcmc.ParetoThreshold(losses); k > limit {
		f := returns.Finding{
			Code: "bayes.pareto_k", Severity: returns.Warn, Numbers: map[string]float64{"value": k, "limit": limit},
			Sentence: fmt.Sprintf("The tail of %s has Pareto k %.2f, above %.2f: a few draws dominate its CVaR.", what, k, limit),
		}
		if k >= 1 {
			f.Severity = returns.Fail
			f.Sentence = fmt.Sprintf("The tail of %s has Pareto k %.2f, at least 1: its mean and CVaR do not exist.", what, k)
		}
		p.Findings = append(p.Findings, f)
	}
}

// lossTail is the Pareto k of losses over the horizon, the given number of them
// for each draw. Of days that are independent and alike given the parameters one
// is enough: if P(loss > x) varies regularly, the sum over n days has the tail
// n P(loss > x), of the same index (Feller 1971, volume II, VIII.8). With memory
// the volatility of later days is itself random, and the tail is heavier.
func (p *Posterior) lossTail(m Predictor, horizon int, rng *rand.Rand, each int) float64 {
	loss := make([]float64, p.Len()*each)
	_, alike := m.(Exchangeable)
	replicate, path := replicator(m), make([]float64, max(1, horizon))
	for i := range p.Len() {
		if alike {
			replicate(p.Theta(i), rng, loss[i*each:(i+1)*each])
			continue
		}
		for k := range each {
			for t := range path {
				path[t] = rng.NormFloat64()
			}
			m.Path(p.Theta(i), path, path)
			for _, r := range path {
				loss[i*each+k] += r
			}
		}
	}
	for i := range loss {
		loss[i] = -loss[i]
	}
	return mcmc.ParetoK(loss, mcmc.Right, 1)
}

// TailShape estimates the Pareto shape k of the right tail of independent
// losses: moments of order 1/k and more do not exist. NaN for fewer than 25
// losses and for a tail that does not vary.
func TailShape(losses []float64) float64 { return mcmc.ParetoK(losses, mcmc.Right, 1) }
