package bayes

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"allocate/returns"
)

// Component is one family of a mixed posterior.
type Component struct {
	FamilyEvidence
	Draws   int       `json:"draws"` // of the mixed posterior
	Method  Method    `json:"method"`
	Verdict Verdict   `json:"verdict"`
	Summary []Summary `json:"posterior"` // of all its draws, more than Draws
}

// MixedFamily is the name of a posterior whose draws come from several families by their
// weights. It is no registered family.
const MixedFamily = automatic

// familyOf is the parameter of a mixed posterior that tells the family of a draw, its place
// among Components.
const familyOf = "family"

// Light reports a family that needs a quarter of the draws only, of which little depends.
func (f FamilyEvidence) Light() bool { return f.Weight < lightWeight }

const lightWeight = 0.25

// FitMixed fits the families of auto to s and mixes their draws by the weights of e, which
// may be nil: then, and where no family has weight, it is the fit of student_t. Parameters
// of one name are one column, NaN in the draws of a family that has none of the name.
//
// The diagnostics of each family are those of its own fit. A family whose fit is not usable
// gives its weight to the others; the findings are those of the family of the most weight.
func FitMixed(ctx context.Context, s *returns.Series, o Options, e *Evidence, last *Posterior, stream func(part string) rand.Source, progress func(done, total int)) (*Posterior, error) {
	if e == nil || e.Best() == "" {
		why := "the history is too short"
		if e != nil {
			why = "no fit to the first years of the history was usable"
		}
		return fitUnweighed(ctx, s, o, why, last, stream, progress)
	}
	var parts []*Posterior
	var list []FamilyEvidence
	var lost []returns.Finding
	for _, f := range e.Families {
		if f.Weight == 0 {
			lost = append(lost, returns.Finding{Code: "bayes.family", Severity: returns.Info, Sentence: fmt.Sprintf("%s has no weight: %s.", f.Family, f.Failed)})
			continue
		}
		own := o.with(f.Family)
		if f.Light() {
			own.Draws, own.MinESS, own.MaxRHat = max(100, o.Draws/4), o.MinESS/4, max(o.MaxRHat, evidenceRHat)
			own.MaxGradients = min(o.MaxGradients, evidenceMost)
		}
		p, err := Refit(ctx, s, own, nil, func(part string) rand.Source { return stream(f.Family + " " + part) }, progress)
		if err != nil {
			return nil, err
		}
		if p.Len() == 0 || p.Verdict() == Unusable {
			severity := returns.Info
			if !f.Light() {
				severity = returns.Warn
			}
			lost = append(lost, returns.Finding{
				Code: "bayes.family", Severity: severity, Numbers: map[string]float64{"weight": f.Weight},
				Sentence: fmt.Sprintf("The fit of %s is not usable; the other families take its weight of %.0f%%.", f.Family, 100*f.Weight),
			})
			continue
		}
		f.Family = p.Model // a hurdle, if tonight's series asks for one
		parts, list = append(parts, p), append(list, f)
	}
	if len(parts) == 0 {
		return fitUnweighed(ctx, s, o, "no family could be fitted", last, stream, progress)
	}
	p := mix(parts, list, o, rand.New(stream("mixture")))
	p.Strategy, p.Fitted = s.Strategy.Name, parts[0].Fitted
	predictor, err := p.Predictor(s)
	if err != nil {
		return nil, err
	}
	rng := rand.New(stream("predict"))
	p.judgeTail(predictor, o.Horizon, rng)
	p.Findings = append(p.Findings, lost...)
	for i := range p.Findings {
		p.Findings[i].Strategy = p.Strategy
	}
	returns.SortFindings(p.Findings)
	return p, nil
}

// fitUnweighed is the fit of student_t where there are no weights.
func fitUnweighed(ctx context.Context, s *returns.Series, o Options, why string, last *Posterior, stream func(part string) rand.Source, progress func(done, total int)) (*Posterior, error) {
	o.Model = studentT.Name
	p, err := Refit(ctx, s, o, last, stream, progress)
	if err != nil {
		return nil, err
	}
	if p.Verdict() == Unusable && last != nil && last.Strategy == s.Strategy.Name && last.Model == MixedFamily && last.Verdict() != Unusable {
		return stale(last, slices.DeleteFunc(p.Findings, func(f returns.Finding) bool { return f.Severity >= returns.Warn }), why), nil
	}
	if p.Verdict() != Unusable {
		p.Findings = append(p.Findings, returns.Finding{
			Code: "bayes.family", Severity: returns.Info, Strategy: p.Strategy,
			Sentence: fmt.Sprintf("There is no evidence to weigh models by: %s; modeled with %s.", why, p.Model),
		})
		returns.SortFindings(p.Findings)
	}
	return p, nil
}

// mix makes one posterior of several. Every chain has draws of every family in a random
// order, so that any part of the chain has the shares of the whole.
func mix(parts []*Posterior, list []FamilyEvidence, o Options, rng *rand.Rand) *Posterior {
	total, heaviest := 0.0, 0
	for k, f := range list {
		if total += f.Weight; f.Weight > list[heaviest].Weight {
			heaviest = k
		}
	}
	main := parts[heaviest]
	p := &Posterior{Model: MixedFamily, Chains: main.Chains, Draws: o.Draws, Names: []string{familyOf}, Method: main.Method, Checks: main.Checks, Sensitivity: main.Sensitivity}
	for k, part := range parts {
		for _, name := range part.Names {
			if !slices.Contains(p.Names, name) {
				p.Names = append(p.Names, name)
			}
		}
		list[k].Weight /= total
		p.Components = append(p.Components, Component{FamilyEvidence: list[k], Method: part.Method, Verdict: part.Verdict(), Summary: part.Summary})
		if part.Method == Laplace {
			p.Method = Laplace
		}
		p.Sampler.Gradients += part.Sampler.Gradients
		p.Sampler.NonFinite += part.Sampler.NonFinite
		p.Sampler.Relocated += part.Sampler.Relocated
	}
	p.Sampler.Warmup, p.Sampler.EBFMI, p.Sampler.Attempts = main.Sampler.Warmup, main.Sampler.EBFMI, main.Sampler.Attempts
	p.Sampler.Step, p.Sampler.Metric = main.Sampler.Step, main.Sampler.Metric
	for c := range p.Chains {
		order := sharesOf(list, p.Draws)
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		of, taken := make([]int, len(parts)), make([]int, len(parts))
		for _, k := range order {
			of[k]++
		}
		for _, k := range order {
			part := parts[k]
			i := part.Draws * taken[k] / of[k] // evenly, and the same draw again where there are fewer
			taken[k]++
			p.take(part, k, min(c, part.Chains-1)*part.Draws+i)
		}
		for _, k := range order {
			p.Components[k].Draws++
		}
	}
	p.summarizeMixed()
	for _, f := range main.Findings {
		if f.Code != "bayes.pareto_k" { // of the mixture itself
			p.Findings = append(p.Findings, f)
		}
	}
	return p
}

// sharesOf returns n places of families by their weights, the largest remainders first.
func sharesOf(list []FamilyEvidence, n int) (order []int) {
	given := make([]int, len(list))
	for len(order) < n {
		next, short := 0, math.Inf(-1)
		for k, f := range list {
			if d := f.Weight*float64(n) - float64(given[k]); d > short {
				next, short = k, d
			}
		}
		given[next]++
		order = append(order, next)
	}
	return order
}

// take appends draw i of a family's posterior, the kth.
func (p *Posterior) take(from *Posterior, k, i int) {
	theta := from.Theta(i)
	for _, name := range p.Names {
		v := math.NaN()
		if at := from.Index(name); name == familyOf {
			v = float64(k)
		} else if at >= 0 {
			v = theta[at]
		}
		p.Values = append(p.Values, v)
	}
	a, b := &p.Sampler, &from.Sampler
	a.LogDensity, a.Accept, a.StepSize, a.Energy = append(a.LogDensity, b.LogDensity[i]), append(a.Accept, b.Accept[i]), append(a.StepSize, b.StepSize[i]), append(a.Energy, b.Energy[i])
	a.Depth, a.Leapfrogs, a.Divergent = append(a.Depth, b.Depth[i]), append(a.Leapfrogs, b.Leapfrogs[i]), append(a.Divergent, b.Divergent[i])
}

// rowsOf returns the draws of a family of a mixed posterior.
func (p *Posterior) rowsOf(family int) (rows []int) {
	for i := range p.Len() {
		if int(p.Theta(i)[0]) == family {
			rows = append(rows, i)
		}
	}
	return rows
}

// summarizeUpdated describes the families anew, by their draws in the mixture, of which
// every chain has as many, and then the mixture.
func (p *Posterior) summarizeUpdated() {
	components := slices.Clone(p.Components)
	for k := range components {
		c := &components[k]
		one := Posterior{Chains: p.Chains, Draws: c.Draws / p.Chains}
		var places []int
		for _, x := range c.Summary {
			one.Names, places = append(one.Names, x.Name), append(places, p.Index(x.Name))
		}
		for _, i := range p.rowsOf(k) {
			for _, at := range places {
				one.Values = append(one.Values, p.Theta(i)[at])
			}
		}
		one.summarize()
		c.Summary = one.Summary
	}
	p.Components, p.Summary = components, nil
	p.summarizeMixed()
}

// summarizeMixed describes the parameters that every family has. Draws are stratified by
// family: standard errors are those of a weighted sum of the families' means, and so is the
// effective sample size; R-hat is the largest of any family's.
func (p *Posterior) summarizeMixed() {
	n := p.Len()
	for j, name := range p.Names {
		if name == familyOf {
			continue
		}
		draws := make([]float64, n)
		all := true
		for i := range draws {
			draws[i] = p.Theta(i)[j]
			all = all && !math.IsNaN(draws[i])
		}
		if !all {
			continue
		}
		one := Posterior{Names: []string{name}, Chains: p.Chains, Draws: p.Draws, Values: draws}
		one.summarize()
		s := one.Summary[0]
		var rhat, bulk, tail, mean, sd, q5, q95 float64
		for _, c := range p.Components {
			at := slices.IndexFunc(c.Summary, func(x Summary) bool { return x.Name == name })
			x, w := c.Summary[at], c.Weight
			if x.constant() {
				continue
			}
			rhat = max(rhat, float64(x.RHat))
			bulk += w * w / float64(x.ESSBulk)
			tail += w * w / float64(x.ESSTail)
			mean, sd = math.Hypot(mean, w*float64(x.MCSEMean)), math.Hypot(sd, w*float64(x.MCSESD))
			q5, q95 = math.Hypot(q5, w*float64(x.MCSEQ5)), math.Hypot(q95, w*float64(x.MCSEQ95))
		}
		s.RHat, s.ESSBulk, s.ESSTail, s.NestedRHat = Number(rhat), Number(1/bulk), Number(1/tail), nil
		s.MCSEMean, s.MCSESD, s.MCSEQ5, s.MCSEQ95 = Number(mean), Number(sd), Number(q5), Number(q95)
		p.Summary = append(p.Summary, s)
	}
}

type mixedPredictor struct {
	series *returns.Series
	parts  []mixedPart
	sharpe int
}

type mixedPart struct {
	Predictor
	places []int // of the family's parameters among those of the mixture
}

func (p *Posterior) mixedPredictor(s *returns.Series) (Predictor, error) {
	m := mixedPredictor{series: s, sharpe: p.Index("sharpe")}
	for _, c := range p.Components {
		one := Posterior{Model: c.Family, Fitted: p.Fitted}
		predictor, err := one.Predictor(s)
		if err != nil {
			return nil, err
		}
		part := mixedPart{Predictor: predictor}
		for _, x := range c.Summary {
			part.places = append(part.places, p.Index(x.Name))
		}
		m.parts = append(m.parts, part)
	}
	return m, nil
}

// of returns the family of a draw and its parameters.
func (m mixedPredictor) of(theta []float64) (Predictor, []float64) {
	part := &m.parts[int(theta[0])]
	own := make([]float64, len(part.places))
	for i, at := range part.places {
		own[i] = theta[at]
	}
	return part.Predictor, own
}

// put writes back the parameters of a draw's family, as of gave them.
func (m mixedPredictor) put(theta, own []float64) {
	for i, at := range m.parts[int(theta[0])].places {
		theta[at] = own[i]
	}
}

func (m mixedPredictor) Mean(theta []float64) float64 {
	f, own := m.of(theta)
	return f.Mean(own)
}

func (m mixedPredictor) Volatility(theta []float64) float64 {
	f, own := m.of(theta)
	return f.Volatility(own)
}

func (m mixedPredictor) Idle(theta []float64) float64 {
	f, own := m.of(theta)
	return f.Idle(own)
}

func (m mixedPredictor) Sharpe(theta []float64) float64 { return theta[m.sharpe] }

func (m mixedPredictor) PIT(theta, y, u []float64) {
	f, own := m.of(theta)
	f.PIT(own, y, u)
}

func (m mixedPredictor) Path(theta, z, r []float64) {
	f, own := m.of(theta)
	f.Path(own, z, r)
}

// PathTrading is asked only of strategies that are not always in the market, the families of
// which all have it.
func (m mixedPredictor) PathTrading(theta []float64, trades []bool, z, r []float64) {
	f, own := m.of(theta)
	f.(TradingPredictor).PathTrading(own, trades, z, r)
}

func (m mixedPredictor) LogScores(theta, y, score []float64) {
	f, own := m.of(theta)
	f.(Scorer).LogScores(own, y, score)
}

// Volatilities are those of the long run in a family without memory.
func (m mixedPredictor) Volatilities(theta, y, sd []float64) float64 {
	f, own := m.of(theta)
	if c, is := f.(Conditional); is {
		return c.Volatilities(own, y, sd)
	}
	v := f.Volatility(own)
	for i := range sd {
		sd[i] = v
	}
	return v
}

func (m mixedPredictor) VolatilityAhead(theta []float64) float64 {
	f, own := m.of(theta)
	if c, is := f.(Conditional); is {
		return c.VolatilityAhead(own)
	}
	return f.Volatility(own)
}

// Persistence is 0 in a family without memory.
func (m mixedPredictor) Persistence(theta []float64) float64 {
	f, own := m.of(theta)
	if c, is := f.(Conditional); is {
		return c.Persistence(own)
	}
	return 0
}

// WeighedBy describes the weights and their source, the family of the most weight first.
func (p *Posterior) WeighedBy() string {
	order := slices.Clone(p.Components)
	slices.SortStableFunc(order, func(a, b Component) int { return cmp.Compare(b.Weight, a.Weight) })
	var parts []string
	for _, c := range order {
		part := fmt.Sprintf("%s %.0f%%", c.Family, 100*c.Weight)
		if c.Difference < 0 {
			part += fmt.Sprintf(" (%+.1f ± %.1f)", float64(c.Difference), float64(c.SE))
		}
		parts = append(parts, part)
	}
	return fmt.Sprintf("%s, by log scores out of sample of %s; in parentheses, log score less that of the best, with its standard error",
		strings.Join(parts, ", "), returns.Count(order[0].Days, "return"))
}
