package bayes

import (
	"math"
	"sync"

	"allocate/bayes/mcmc"
	"allocate/bayes/nuts"
)

// collect moves draws to the constrained scale and describes them. Of more
// than o.Draws draws a chain it keeps every few; there are fewer where the
// gradient budget ended the run.
func collect(m Model, o Options, r *nuts.Result) *Posterior {
	names := m.Names()
	k, dim := len(names), m.Dim()
	every := (len(r.Stats[0].LogDensity) + o.Draws - 1) / o.Draws
	draws := len(r.Stats[0].LogDensity) / every
	p := &Posterior{Method: NUTS, Names: names, Chains: o.Chains, Draws: draws, Values: make([]float64, o.Chains*draws*k)}
	s := &p.Sampler
	s.Relocated = r.Relocated
	if r.FirstNonFinite != nil {
		p.firstNonFinite = describe(m, r.FirstNonFinite)
	}
	s.Warmup, s.Gradients, s.Metric, s.Step = r.WarmupIterations, r.Gradients, r.Variances, r.StepSize
	n := p.Len()
	floats, ints := make([]float64, 4*n), make([]int64, 3*n)
	s.LogDensity, s.Accept, s.StepSize, s.Energy = floats[:n:n], floats[n:2*n:2*n], floats[2*n:3*n:3*n], floats[3*n:]
	s.Depth, s.Leapfrogs, s.Divergent = ints[:n:n], ints[n:2*n:2*n], ints[2*n:]
	for c := range o.Chains {
		stats := &r.Stats[c]
		for t := range draws {
			from, to := t*every+every-1, c*draws+t
			m.Constrain(r.Draws[c][from*dim:(from+1)*dim], p.Values[to*k:(to+1)*k])
			s.LogDensity[to], s.Accept[to] = stats.LogDensity[from], stats.AcceptStat[from]
			s.StepSize[to], s.Energy[to] = stats.StepSize[from], stats.Energy[from]
			s.Depth[to], s.Leapfrogs[to] = int64(stats.TreeDepth[from]), int64(stats.Leapfrogs[from])
			for i := t * every; i <= from; i++ { // a divergence on the way counts
				if stats.Divergent[i] {
					s.Divergent[to] = 1
				}
				if stats.NonFinite[i] {
					s.NonFinite++
				}
			}
		}
		s.EBFMI = append(s.EBFMI, mcmc.EBFMI(stats.Energy))
	}
	p.summarize()
	return p
}

// diagnostics are buffers: judging many posteriors of one size allocates once.
type diagnostics struct {
	work   mcmc.Workspace
	chains [][]float64
	values []float64
}

var diagnosticsPool = sync.Pool{New: func() any { return new(diagnostics) }}

func (p *Posterior) summarize() {
	d := diagnosticsPool.Get().(*diagnostics)
	defer diagnosticsPool.Put(d)
	n, k := p.Len(), len(p.Names)
	if cap(d.values) < n {
		d.values = make([]float64, n)
	}
	d.values, d.chains = d.values[:n], d.chains[:0]
	for c := range p.Chains {
		d.chains = append(d.chains, d.values[c*p.Draws:(c+1)*p.Draws])
	}
	groups := superchains(p.Chains)
	p.Summary = make([]Summary, k)
	for i, name := range p.Names {
		for j := range d.values {
			d.values[j] = p.Values[j*k+i]
		}
		if same(d.values) {
			nan, v := Number(math.NaN()), Number(d.values[0])
			p.Summary[i] = Summary{Name: name, Mean: v, Median: v, Q5: v, Q95: v, RHat: nan, ESSBulk: nan, ESSTail: nan, MCSEMean: nan, MCSESD: nan, MCSEQ5: nan, MCSEQ95: nan}
			continue
		}
		s := d.work.Summarize(d.chains)
		p.Summary[i] = Summary{
			Name: name, Mean: Number(s.Mean), Median: Number(s.Median), SD: Number(s.SD), MAD: Number(s.MAD),
			Q5: Number(s.Q05), Q95: Number(s.Q95), RHat: Number(s.RHat), ESSBulk: Number(s.ESSBulk), ESSTail: Number(s.ESSTail),
			MCSEMean: Number(s.MCSEMean), MCSESD: Number(s.MCSESD), MCSEQ5: Number(s.MCSEQ05), MCSEQ95: Number(s.MCSEQ95),
		}
		if groups[len(groups)-1] != len(groups)-1 {
			nested := Number(mcmc.NestedRHat(d.chains, groups))
			p.Summary[i].NestedRHat = &nested
		}
	}
}

// same reports that all values are one finite number.
func same(values []float64) bool {
	for _, v := range values {
		if v != values[0] || math.IsInf(v, 0) {
			return false
		}
	}
	return len(values) > 0
}
