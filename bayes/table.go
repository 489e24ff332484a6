package bayes

import (
	"encoding/json"
	"fmt"

	"allocate/returns"
	"allocate/returns/columnar"
)

// header holds the fields of a stored posterior other than its draws.
type header struct {
	Strategy  string   `json:"strategy"`
	Model     string   `json:"model"`
	Fitted    string   `json:"fitted,omitempty"`
	Names     []string `json:"names"`
	Chains    int      `json:"chains"`
	Draws     int      `json:"draws"`
	Warmup    int      `json:"warmup"`
	Gradients int      `json:"gradients"`
	Method    Method   `json:"method"`
	Attempts  int      `json:"attempts"`
	NonFinite int      `json:"non_finite,omitempty"`
	Relocated int      `json:"rescued,omitempty"`
	Step      Number   `json:"step"`
	Metric    []Number `json:"metric"`
	LossTail  Number   `json:"loss_tail"`
	Checks    []Check  `json:"checks"`
	EBFMI     []Number `json:"ebfmi"`

	Sensitivity []Sensitivity `json:"sensitivity,omitempty"`

	Components []Component `json:"components,omitempty"`
	Updated    *Updated    `json:"updated,omitempty"`

	Summary  []Summary         `json:"summary"`
	Findings []returns.Finding `json:"findings"`
}

// Table converts the posterior to the columns of the R package posterior's
// draws_df: .chain, .iteration, .draw, the parameters, and Stan's sampler
// statistics.
func (p *Posterior) Table() (*columnar.Table, error) {
	h := header{Strategy: p.Strategy, Model: p.Model, Fitted: p.Fitted, Names: p.Names, Chains: p.Chains, Draws: p.Draws, Warmup: p.Sampler.Warmup, Gradients: p.Sampler.Gradients, Summary: p.Summary, Findings: p.Findings}
	h.Method, h.Attempts, h.Step, h.LossTail, h.Checks = p.Method, p.Sampler.Attempts, Number(p.Sampler.Step), p.LossTail, p.Checks
	h.Sensitivity, h.Components, h.Updated = p.Sensitivity, p.Components, p.Updated
	h.NonFinite, h.Relocated = p.Sampler.NonFinite, p.Sampler.Relocated
	for _, e := range p.Sampler.EBFMI {
		h.EBFMI = append(h.EBFMI, Number(e))
	}
	for _, v := range p.Sampler.Metric {
		h.Metric = append(h.Metric, Number(v))
	}
	about, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("bayes: %w", err)
	}
	n := p.Len()
	chain, iteration, draw := make([]int64, n), make([]int64, n), make([]int64, n)
	for i := range n {
		chain[i], iteration[i], draw[i] = int64(i/p.Draws+1), int64(i%p.Draws+1), int64(i+1)
	}
	t := &columnar.Table{
		Columns: []columnar.Column{columnar.Ints64(".chain", chain), columnar.Ints64(".iteration", iteration), columnar.Ints64(".draw", draw)},
		Meta:    map[string]string{"type": "bayes.Posterior", "posterior": string(about)},
	}
	for k, name := range p.Names {
		v := make([]float64, n)
		for i := range v {
			v[i] = p.Values[i*len(p.Names)+k]
		}
		t.Columns = append(t.Columns, columnar.Floats64(name, v))
	}
	s := &p.Sampler
	t.Columns = append(t.Columns,
		columnar.Floats64("lp__", s.LogDensity), columnar.Floats64("accept_stat__", s.Accept),
		columnar.Floats64("stepsize__", s.StepSize), columnar.Ints64("treedepth__", s.Depth),
		columnar.Ints64("n_leapfrog__", s.Leapfrogs), columnar.Ints64("divergent__", s.Divergent),
		columnar.Floats64("energy__", s.Energy))
	return t, nil
}

// FromTable is the inverse of Posterior.Table.
func FromTable(t *columnar.Table) (*Posterior, error) {
	var h header
	if err := json.Unmarshal([]byte(t.Meta["posterior"]), &h); err != nil {
		return nil, fmt.Errorf("bayes: posterior metadata: %w", err)
	}
	p := &Posterior{Strategy: h.Strategy, Model: h.Model, Fitted: h.Fitted, Names: h.Names, Chains: h.Chains, Draws: h.Draws, Summary: h.Summary, Findings: h.Findings}
	p.Sampler.Warmup, p.Sampler.Gradients = h.Warmup, h.Gradients
	p.Method, p.Sampler.Attempts, p.Sampler.Step, p.LossTail, p.Checks = h.Method, h.Attempts, float64(h.Step), h.LossTail, h.Checks
	p.Sensitivity, p.Components, p.Updated = h.Sensitivity, h.Components, h.Updated
	p.Sampler.NonFinite, p.Sampler.Relocated = h.NonFinite, h.Relocated
	for _, e := range h.EBFMI {
		p.Sampler.EBFMI = append(p.Sampler.EBFMI, float64(e))
	}
	for _, v := range h.Metric {
		p.Sampler.Metric = append(p.Sampler.Metric, float64(v))
	}
	if t.Rows() != p.Len() {
		return nil, fmt.Errorf("bayes: %d rows for %d chains of %d draws", t.Rows(), p.Chains, p.Draws)
	}
	p.Values = make([]float64, p.Len()*len(p.Names))
	for k, name := range p.Names {
		v, err := t.FloatsOf(name)
		if err != nil {
			return nil, err
		}
		for i, x := range v {
			p.Values[i*len(p.Names)+k] = x
		}
	}
	s := &p.Sampler
	for name, to := range map[string]*[]float64{"lp__": &s.LogDensity, "accept_stat__": &s.Accept, "stepsize__": &s.StepSize, "energy__": &s.Energy} {
		v, err := t.FloatsOf(name)
		if err != nil {
			return nil, err
		}
		*to = v
	}
	for name, to := range map[string]*[]int64{"treedepth__": &s.Depth, "n_leapfrog__": &s.Leapfrogs, "divergent__": &s.Divergent} {
		v, err := t.IntsOf(name)
		if err != nil {
			return nil, err
		}
		*to = v
	}
	return p, nil
}
