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
	Names    []string  // K parameters, constrained scale
	Chains   int       // C
	Draws    int       // per chain
	Values   []float64 // C x Draws x K, row-major
	Sampler  Sampler
	Summary  []Summary // one per parameter
	Findings []returns.Finding
}

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
	Gradients int       // gradient evaluations, warm-up included
	EBFMI     []float64 // per chain
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
}

// Number is a float64 whose JSON form of what is not finite is null.
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

// Verdict is the worst of the findings.
func (p *Posterior) Verdict() Verdict {
	switch returns.Worst(p.Findings) {
	case returns.Fail, returns.Hold:
		return Unusable
	case returns.Warn:
		return Doubtful
	}
	return OK
}
