package bayes

import (
	"encoding/json"
	"math"

	"allocate/returns"
)

// Posterior is draws of a model's parameters with the sampler's own account.
type Posterior struct {
	Strategy string    // empty for a model that is not of a strategy
	Model    string    // name of the family
	Fitted   string    // digest of the returns that it was fitted to; empty for a model that is not of returns
	Method   Method    // how the draws were made
	Names    []string  // K parameters, constrained scale
	Chains   int       // C
	Draws    int       // per chain
	Values   []float64 // C x Draws x K, row-major
	Sampler  Sampler
	Summary  []Summary // one per parameter
	Findings []returns.Finding

	// LossTail is the Pareto shape k of the upper tail of predictive losses over
	// the horizon: their k-th and higher moments do not exist beyond 1/k, so that
	// from 1 on there is no CVaR. NaN where not computed.
	LossTail       Number
	firstNonFinite string // parameters there

	Sensitivity []Sensitivity // to prior and likelihood; none for a model that does not know its prior

	Checks []Check // posterior predictive checks; none for a model that is not of returns

	Components []Component // the families that a mixed posterior has draws of; else none

	Updated *Updated // the last days came by weights; nil where the fit has seen all days
}

// Method is the way that draws were made.
type Method string

// The methods, the most reliable first.
const (
	NUTS    Method = "nuts"
	Delayed Method = "delayed_acceptance" // NUTS over a polynomial surrogate, corrected by the density itself
	Laplace Method = "laplace"            // importance resampling of a normal approximation at the mode
	Stale   Method = "stale"              // the draws of an earlier fit
	None    Method = "none"               // there are no draws
)

// Sampler is the sampler's account of each draw, chain after chain, in Stan's
// terms, and of the run as a whole.
type Sampler struct {
	LogDensity []float64 // lp__: log density on the unconstrained scale
	Accept     []float64 // accept_stat__
	StepSize   []float64 // stepsize__
	Energy     []float64 // energy__
	Depth      []int64   // treedepth__
	Leapfrogs  []int64   // n_leapfrog__
	Divergent  []int64   // divergent__, 0 or 1

	Warmup    int       // iterations of warm-up per chain
	Gradients int       // gradient evaluations: all attempts, warm-up, search for modes, check of the gradient
	NonFinite int       // draws whose trajectory ended where the density is not finite
	Relocated int       // chains moved to another's point during warm-up
	EBFMI     []float64 // per chain
	Attempts  int       // attempts of the fallback sequence
	Step      float64   // adapted step size, before jitter
	Metric    []float64 // diagonal of the inverse mass matrix, one per coordinate
}

// Summary describes one parameter as the R package posterior prints it.
type Summary struct {
	Name    string `json:"name"`
	Mean    Number `json:"mean"`
	Median  Number `json:"median"`
	SD      Number `json:"sd"`
	MAD     Number `json:"mad"` // 1.4826 median |x - median x|
	Q5      Number `json:"q5"`
	Q95     Number `json:"q95"`
	RHat    Number `json:"rhat"`
	ESSBulk Number `json:"ess_bulk"`
	ESSTail Number `json:"ess_tail"`

	// Monte Carlo standard errors, in the parameter's unit.
	MCSEMean Number `json:"mcse_mean"`
	MCSESD   Number `json:"mcse_sd"`
	MCSEQ5   Number `json:"mcse_q5"`
	MCSEQ95  Number `json:"mcse_q95"`

	// NestedRHat compares the groups of four chains that start together; nil
	// for fewer than eight chains.
	NestedRHat *Number `json:"nested_rhat,omitempty"`
}

// Number is a float64 that is null in JSON if it is not finite.
type Number float64

// MarshalJSON writes null for NaN and the infinities.
func (n Number) MarshalJSON() ([]byte, error) {
	if f := float64(n); math.IsNaN(f) || math.IsInf(f, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// UnmarshalJSON reads null as NaN.
func (n *Number) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*n = Number(math.NaN())
		return nil
	}
	return json.Unmarshal(b, (*float64)(n))
}

// Len returns the number of draws over all chains.
func (p *Posterior) Len() int { return p.Chains * p.Draws }

// Divergences returns the number of divergent draws.
func (p *Posterior) Divergences() int {
	n := 0
	for _, d := range p.Sampler.Divergent {
		n += int(d)
	}
	return n
}

// worst returns the largest R-hat and the least bulk or tail effective sample
// size over the parameters that vary.
func (p *Posterior) worst() (rhat, ess float64) {
	rhat, ess = math.NaN(), math.NaN()
	for _, s := range p.Summary {
		if s.constant() {
			continue
		}
		if r := float64(s.RHat); !(r <= rhat) {
			rhat = r
		}
		if e := min(float64(s.ESSBulk), float64(s.ESSTail)); !(e >= ess) {
			ess = e
		}
	}
	return rhat, ess
}

// constant reports a parameter whose draws are all the same, as one that its
// prior fixes. R-hat and effective sample sizes do not exist for it.
func (s *Summary) constant() bool { return s.SD == 0 }

// Theta returns the parameters of draw i of all, a slice that aliases p.
func (p *Posterior) Theta(i int) []float64 {
	k := len(p.Names)
	return p.Values[i*k : (i+1)*k : (i+1)*k]
}

// Index returns the position of a parameter, -1 if there is none of the name.
func (p *Posterior) Index(name string) int {
	for k, n := range p.Names {
		if n == name {
			return k
		}
	}
	return -1
}

// Parameter returns the draws of parameter k, one slice per chain.
func (p *Posterior) Parameter(k int) [][]float64 {
	chains := make([][]float64, p.Chains)
	for c := range chains {
		chains[c] = make([]float64, p.Draws)
		for i := range chains[c] {
			chains[c][i] = p.Values[(c*p.Draws+i)*len(p.Names)+k]
		}
	}
	return chains
}

// Verdict says whether a posterior may be used.
type Verdict string

// The verdicts.
const (
	OK       Verdict = "ok"
	Doubtful Verdict = "warn"
	Unusable Verdict = "unusable"
)

// Verdict is the worst of the findings; Unusable where there are no draws.
func (p *Posterior) Verdict() Verdict {
	if p.Len() == 0 {
		return Unusable
	}
	switch returns.Worst(p.Findings) {
	case returns.Fail, returns.Hold:
		return Unusable
	case returns.Warn:
		return Doubtful
	}
	return OK
}
