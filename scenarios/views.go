package scenarios

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"allocate/returns"
)

// ViewsError says that no probabilities of the scenarios meet the views.
type ViewsError struct {
	Conflict []string // views of which each is needed for the conflict
	Reason   string
}

func (e *ViewsError) Error() string {
	if len(e.Conflict) == 1 {
		return fmt.Sprintf("scenarios: view %q is infeasible: %s", e.Conflict[0], e.Reason)
	}
	return fmt.Sprintf("scenarios: views %s are jointly infeasible: %s", strings.Join(quoted(e.Conflict), ", "), e.Reason)
}

func quoted(names []string) []string {
	q := make([]string, len(names))
	for i, n := range names {
		q[i] = fmt.Sprintf("%q", n)
	}
	return q
}

// Pool returns the S probabilities closest to the set's own in relative
// entropy that meet the views, and the effective number of scenarios left, the
// exponential of their entropy. The error is a *ViewsError where the views
// cannot be met with these scenarios.
//
// A volatility is about the mean that a view of the same strategy gives, or
// the set's mean, and holds that mean; this keeps the constraint linear.
func (s *Set) Pool(views []View) (prob []float64, effective float64, err error) {
	conditions, err := s.conditions(views)
	if err != nil {
		return nil, 0, err
	}
	prior := make([]float64, s.Len())
	for i := range prior {
		prior[i] = s.Probability(i)
	}
	got := pool(prior, conditions)
	if got.unmet == nil {
		return got.prob, got.effective, nil
	}
	return nil, 0, explain(prior, views, conditions)
}

// conditions turns views into linear constraints, and refuses those that no
// scenario can meet.
func (s *Set) conditions(views []View) ([]condition, error) {
	var out []condition
	for i, v := range views {
		j := slices.Index(s.Names, v.Strategy)
		if j < 0 {
			return nil, fmt.Errorf("scenarios: view %q: no strategy %q", v.Name, v.Strategy)
		}
		r := make([]float64, s.Len())
		for k := range r {
			r[k] = s.Returns[k*len(s.Names)+j]
		}
		add := func(f []float64, value float64, relation string) {
			if relation == AtMost {
				for k := range f {
					f[k] = -f[k]
				}
				value = -value
			}
			out = append(out, condition{f: f, value: value, equal: relation == Equal, view: i})
		}
		low, high := slices.Min(r), slices.Max(r)
		switch v.Kind {
		case Mean:
			if v.Relation != AtLeast && v.Value < low || v.Relation != AtMost && v.Value > high {
				return nil, &ViewsError{[]string{v.Name}, fmt.Sprintf("the scenario returns of %q are between %.2f%% and %.2f%%; the mean cannot be %.2f%%", v.Strategy, 100*low, 100*high, 100*v.Value)}
			}
			add(r, v.Value, v.Relation)
		case Volatility:
			mean := s.meanUnder(views, v.Strategy, j)
			square := make([]float64, len(r))
			for k, x := range r {
				square[k] = (x - mean) * (x - mean)
			}
			add(square, v.Value*v.Value, v.Relation)
			add(r, mean, Equal)
		case Probability:
			below, hits := make([]float64, len(r)), 0
			for k, x := range r {
				if x < v.Below {
					below[k] = 1
					hits++
				}
			}
			never, always := hits == 0, hits == len(r)
			if never && v.Relation != AtMost && v.Value > 0 || always && v.Relation != AtLeast && v.Value < 1 {
				return nil, &ViewsError{[]string{v.Name}, fmt.Sprintf("the return of %q is below %.2f%% in %d of %d scenarios; its probability cannot be %v", v.Strategy, 100*v.Below, hits, len(r), v.Value)}
			}
			add(below, v.Value, v.Relation)
		}
	}
	return out, nil
}

// meanUnder returns the mean that the views give strategy j, or the set's own.
func (s *Set) meanUnder(views []View, strategy string, j int) float64 {
	mean := s.Mean()[j]
	for _, v := range views {
		if v.Strategy == strategy && v.Kind == Mean {
			switch {
			case v.Relation == Equal, v.Relation == AtLeast && mean < v.Value, v.Relation == AtMost && mean > v.Value:
				mean = v.Value
			}
		}
	}
	return mean
}

// explain finds views that conflict, of which none can be spared: each is left
// out in turn, and for good if the rest still cannot be met.
func explain(prior []float64, views []View, conditions []condition) error {
	kept := make([]bool, len(views))
	for i := range kept {
		kept[i] = true
	}
	infeasible := func() bool {
		var of []condition
		for _, c := range conditions {
			if kept[c.view] {
				of = append(of, c)
			}
		}
		return pool(prior, of).unmet != nil
	}
	for i := range views {
		kept[i] = false
		if !infeasible() {
			kept[i] = true
		}
	}
	e := &ViewsError{Reason: fmt.Sprintf("no probabilities of the %d scenarios satisfy them; relax or drop one", len(prior))}
	for i, v := range views {
		if kept[i] {
			e.Conflict = append(e.Conflict, v.Name)
		}
	}
	return e
}

// Under returns the set with the probabilities of a stress: those closest to
// its own in relative entropy that give the strategy the mean and spread asked
// for. A stress that asks for no spread gets a tenth of the strategy's own
// standard deviation, doubled until it can be met.
func (s *Set) Under(stress Stress) (*Set, float64, error) {
	j := slices.Index(s.Names, stress.Strategy)
	if j < 0 {
		return nil, 0, fmt.Errorf("scenarios: stress %q: no strategy %q", stress.Name, stress.Strategy)
	}
	mean, sd := s.Mean()[j], 0.0
	for i := range s.Len() {
		d := s.Row(i)[j] - mean
		sd += s.Probability(i) * d * d
	}
	sd = math.Sqrt(sd)
	spread := stress.Spread
	if spread == 0 {
		spread = sd / 10
	}
	for {
		prob, effective, err := s.Pool([]View{
			{Name: stress.Name, Strategy: stress.Strategy, Kind: Mean, Relation: Equal, Value: stress.Return},
			{Name: stress.Name + ", spread", Strategy: stress.Strategy, Kind: Volatility, Relation: AtMost, Value: spread},
		})
		if err == nil && (stress.Spread > 0 || effective >= leastEffective || spread > sd) {
			under := *s
			under.Prob = prob
			return &under, effective, nil
		}
		if err != nil && (stress.Spread > 0 || spread > 10*sd) {
			return nil, 0, fmt.Errorf("scenarios: stress %q: %w", stress.Name, err)
		}
		spread *= 2
	}
}

// leastEffective is the number of scenarios below which CVaR under views says
// little: at 95 % its tail would hold fewer than ten.
const leastEffective = 200

// Stressed returns the set under each stress of the options, as weigh reports them: with the
// probabilities of the views and of that stress alone, whichever stress conditions s.
func (o Options) Stressed(s *Set) ([]*Set, error) {
	base := *s
	base.Prob = nil
	if len(o.Views) > 0 {
		prob, _, err := base.Pool(o.Views)
		if err != nil {
			return nil, err
		}
		base.Prob = prob
	}
	var list []*Set
	for _, stress := range o.Stress {
		under, _, err := base.Under(stress)
		if err != nil {
			return nil, err
		}
		list = append(list, under)
	}
	return list, nil
}

// weigh gives the set the probabilities of the views and of the stress that
// conditions it, and reports every stress.
func (o Options) weigh(s *Set) ([]returns.Finding, error) {
	var findings []returns.Finding
	report := func(code, what string, effective float64, numbers map[string]float64) {
		severity := returns.Info
		if effective < leastEffective {
			severity = returns.Warn
		}
		numbers["effective"], numbers["limit"] = effective, leastEffective
		findings = append(findings, returns.Finding{
			Code: code, Severity: severity, Numbers: numbers,
			Sentence: fmt.Sprintf("%s; effective sample size %s of %s.", what, returns.Thousands(int(math.Round(effective))), returns.Count(s.Len(), "scenario")),
		})
	}
	if len(o.Views) > 0 {
		prob, effective, err := s.Pool(o.Views)
		if err != nil {
			return nil, err
		}
		s.Prob = prob
		report("scenarios.views", fmt.Sprintf("Scenario probabilities reweighted by %s (entropy pooling)", returns.Count(len(o.Views), "view")), effective, map[string]float64{"views": float64(len(o.Views))})
	}
	var chosen []float64
	for _, stress := range o.Stress {
		under, effective, err := s.Under(stress)
		if err != nil {
			return nil, err
		}
		loss := equalWeightLoss(under)
		mean := 0.0
		for i, l := range loss {
			mean += under.Probability(i) * l
		}
		cvar, _ := tailMean(loss, under.Prob, checkAlpha)
		numbers := map[string]float64{"return": stress.Return, "mean": -mean, "cvar": cvar}
		what := fmt.Sprintf("Stress %q: %q returns %.2f%%, the equal-weighted portfolio %.2f%%, with CVaR 95%% %.2f%%", stress.Name, stress.Strategy, 100*stress.Return, -100*mean, 100*cvar)
		if stress.Name == o.Condition {
			chosen = under.Prob
			what += "; the weights are optimized under it"
		}
		report("scenarios.stress", what, effective, numbers)
	}
	if chosen != nil {
		s.Prob = chosen
	}
	return findings, nil
}
