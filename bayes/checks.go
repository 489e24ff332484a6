package bayes

import (
	"fmt"
	"math"
	"math/rand/v2"

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
}

// statistics are what is compared; all take daily returns and may reorder
// scratch, of the same length.
var statistics = []struct {
	name, about string
	of          func(y, scratch []float64) float64
}{
	{"sd", "standard deviation, per day", func(y, _ []float64) float64 { return deviation(y) }},
	{"q01", "1% quantile", func(y, s []float64) float64 { copy(s, y); return selectQuantile(s, 0.01) }},
	{"q99", "99% quantile", func(y, s []float64) float64 { copy(s, y); return selectQuantile(s, 0.99) }},
	{"min", "worst day", func(y, _ []float64) float64 {
		v := y[0]
		for _, x := range y {
			v = min(v, x)
		}
		return v
	}},
	{"zeros", "share of days with a return of exactly 0", func(y, _ []float64) float64 {
		n := 0
		for _, x := range y {
			if x == 0 {
				n++
			}
		}
		return float64(n) / float64(len(y))
	}},
	{"abs_autocorrelation", "correlation of |return| with that of the day before", func(y, s []float64) float64 {
		for i, x := range y {
			s[i] = math.Abs(x)
		}
		return lagOne(s)
	}},
}

func deviation(y []float64) float64 {
	mean, ss := 0.0, 0.0
	for _, x := range y {
		mean += x
	}
	mean /= float64(len(y))
	for _, x := range y {
		ss += (x - mean) * (x - mean)
	}
	return math.Sqrt(ss / float64(len(y)-1))
}

func lagOne(x []float64) float64 {
	mean := 0.0
	for _, v := range x {
		mean += v
	}
	mean /= float64(len(x))
	var cross, ss float64
	before := 0.0
	for i, v := range x {
		d := v - mean
		if i > 0 {
			cross += d * before
		}
		ss += d * d
		before = d
	}
	return cross / ss
}

// selectQuantile returns the ceil(p n)-th smallest of x, reordering x (Hoare's
// selection).
func selectQuantile(x []float64, p float64) float64 {
	k := max(0, int(math.Ceil(p*float64(len(x))))-1)
	lo, hi := 0, len(x)-1
	for lo < hi {
		pivot := x[lo+(hi-lo)/2]
		i, j := lo, hi
		for i <= j {
			for x[i] < pivot {
				i++
			}
			for pivot < x[j] {
				j--
			}
			if i <= j {
				x[i], x[j] = x[j], x[i]
				i++
				j--
			}
		}
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return x[k]
		}
	}
	return x[k]
}

// simulator is a return model that can draw independent days faster than by
// Path, and without its floor of a total loss.
type simulator interface {
	simulate(theta []float64, rng *rand.Rand, r []float64)
}

func simulate(m ReturnModel, theta []float64, rng *rand.Rand, r []float64) {
	if s, is := m.(simulator); is {
		s.simulate(theta, rng, r)
		return
	}
	for i := range r {
		r[i] = rng.NormFloat64()
	}
	m.Path(theta, r, r)
}

// surprise is the tail probability from which a check is reported.
const surprise = 0.01

// predict fills LossTail and Checks, and reports what they say. Checks are
// information: that returns cluster, say, is known to be left out of a model of
// independent days, and no reason to refuse it.
func (p *Posterior) predict(m ReturnModel, y []float64, o Options, stream func(part string) rand.Source) {
	rng := rand.New(stream("predict"))
	// One day for each draw; where that looks heavy, several, since the
	// estimate from one scatters by about 0.12.
	k, losses := p.lossTail(m, rng, 1), p.Len()
	if !(k <= 0.5) { // or nothing could be said, where most days are not traded
		k, losses = p.lossTail(m, rng, 8), 8*p.Len()
	}
	p.LossTail = Number(k)
	if limit := mcmc.ParetoThreshold(losses); k > limit {
		f := returns.Finding{
			Code: "bayes.pareto_k", Severity: returns.Warn, Numbers: map[string]float64{"value": k, "limit": limit},
			Sentence: fmt.Sprintf("The tail of predicted losses has Pareto k %.2f, above %.2f: their mean beyond a quantile, and so CVaR, is dominated by a few draws.", k, limit),
		}
		if k >= 1 {
			f.Severity = returns.Fail
			f.Sentence = fmt.Sprintf("The tail of predicted losses has Pareto k %.2f, at least 1: it has no mean, and so no CVaR.", k)
		}
		p.Findings = append(p.Findings, f)
	}
	if o.Replicates == 0 || len(y) < 3 {
		return
	}
	rng = rand.New(stream("checks"))
	replica, scratch := make([]float64, len(y)), make([]float64, len(y))
	values := make([][]float64, len(statistics))
	for i := range o.Replicates {
		simulate(m, p.Theta(i*p.Len()/o.Replicates), rng, replica)
		for j := range statistics {
			values[j] = append(values[j], statistics[j].of(replica, scratch))
		}
	}
	p.Checks = nil
	for j, s := range statistics {
		c := Check{Statistic: s.name, Observed: Number(s.of(y, scratch))}
		below := 0.0
		for _, v := range values[j] {
			switch {
			case v < float64(c.Observed):
				below++
			case v == float64(c.Observed):
				below += 0.5
			}
		}
		c.P = Number(below / float64(o.Replicates))
		c.Q5, c.Median, c.Q95 = Number(selectQuantile(values[j], 0.05)), Number(selectQuantile(values[j], 0.5)), Number(selectQuantile(values[j], 0.95))
		p.Checks = append(p.Checks, c)
		if c.P < surprise || c.P > 1-surprise {
			p.Findings = append(p.Findings, returns.Finding{
				Code: "bayes.check_" + s.name, Severity: returns.Info,
				Numbers:  map[string]float64{"observed": float64(c.Observed), "q5": float64(c.Q5), "q95": float64(c.Q95)},
				Sentence: fmt.Sprintf("The %s is %.4g; in histories that the model makes it is %.4g to %.4g (90%%).", s.about, c.Observed, c.Q5, c.Q95),
			})
		}
	}
}

// lossTail is the Pareto k of losses on the given number of days for each draw.
func (p *Posterior) lossTail(m ReturnModel, rng *rand.Rand, each int) float64 {
	loss := make([]float64, p.Len()*each)
	for i := range p.Len() {
		simulate(m, p.Theta(i), rng, loss[i*each:(i+1)*each])
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
