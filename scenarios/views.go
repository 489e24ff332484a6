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
// the set's mean, and holds that mean; this keeps the constraint linear. A
// correlation holds means and volatilities of both strategies likewise. A CVaR
// is pooled as in Meucci, Ardia and Keel (2011), see tailViews.
//
// Views of lower confidence are mixed in by linear opinion pooling (Meucci 2008, section
// 5): with confidences c1 < c2 < ... the probabilities are c1 times those that meet all views, c2 - c1
// times those that meet the views of confidence c2 or more, and so on; the rest are the
// set's own.
func (s *Set) Pool(views []View) (prob []float64, effective float64, err error) {
	var levels []float64
	for _, v := range views {
		levels = append(levels, v.confidence())
	}
	slices.Sort(levels)
	levels = slices.Compact(levels)
	if len(levels) == 0 || levels[0] == 1 {
		return s.pooled(views)
	}
	mixed := make([]float64, s.Len())
	below := 0.0
	for _, c := range levels {
		held := slices.DeleteFunc(slices.Clone(views), func(v View) bool { return v.confidence() < c })
		p, _, err := s.pooled(held)
		if err != nil {
			return nil, 0, err
		}
		for i := range mixed {
			mixed[i] += (c - below) * p[i]
		}
		below = c
	}
	entropy := 0.0
	for i := range mixed {
		if mixed[i] += (1 - below) * s.Probability(i); mixed[i] > 0 {
			entropy -= mixed[i] * math.Log(mixed[i])
		}
	}
	return mixed, math.Exp(entropy), nil
}

// pooled is Pool for views that hold exactly.
func (s *Set) pooled(views []View) (prob []float64, effective float64, err error) {
	conditions, err := s.conditions(views)
	if err != nil {
		return nil, 0, err
	}
	prior := make([]float64, s.Len())
	for i := range prior {
		prior[i] = s.Probability(i)
	}
	got := pool(prior, conditions)
	if got.unmet != nil {
		return nil, 0, explain(prior, views, conditions)
	}
	if slices.ContainsFunc(views, func(v View) bool { return v.Kind == TailLoss }) {
		return s.tailViews(views, prior, conditions, got)
	}
	return got.prob, got.effective, nil
}

// returnsOf are the S returns that a view is about: of its strategy, or of its strategy less
// another.
func (s *Set) returnsOf(v View) ([]float64, error) {
	r := make([]float64, s.Len())
	for sign, name := range map[float64]string{1: v.Strategy, -1: v.Versus} {
		if name == "" || sign < 0 && v.Kind == Correlation {
			continue
		}
		j := slices.Index(s.Names, name)
		if j < 0 {
			return nil, fmt.Errorf("scenarios: view %q: no strategy %q", v.Name, name)
		}
		for k := range r {
			r[k] += sign * s.Returns[k*len(s.Names)+j]
		}
	}
	return r, nil
}

// what names the return that a view is about.
func (v View) what() string {
	if v.Versus == "" {
		return fmt.Sprintf("%q", v.Strategy)
	}
	return fmt.Sprintf("%q less %q", v.Strategy, v.Versus)
}

// conditions turns views, but those of CVaR, into linear constraints, and refuses those that no
// scenario can meet.
func (s *Set) conditions(views []View) ([]condition, error) {
	var out []condition
	for i, v := range views {
		r, err := s.returnsOf(v)
		if err != nil {
			return nil, err
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
		// moments holds mean and standard deviation of returns as the views have them.
		moments := func(v View, r []float64) (mean, sd float64, square []float64) {
			mean, sd = s.momentsUnder(views, v, r)
			square = make([]float64, len(r))
			for k, x := range r {
				square[k] = (x - mean) * (x - mean)
			}
			return mean, sd, square
		}
		low, high := slices.Min(r), slices.Max(r)
		switch v.Kind {
		case Mean:
			if v.Relation != AtLeast && v.Value < low || v.Relation != AtMost && v.Value > high {
				return nil, &ViewsError{[]string{v.Name}, fmt.Sprintf("the scenario returns of %s are between %.2f%% and %.2f%%; the mean cannot be %.2f%%", v.what(), 100*low, 100*high, 100*v.Value)}
			}
			add(r, v.Value, v.Relation)
		case Volatility:
			mean, _, square := moments(v, r)
			add(square, v.Value*v.Value, v.Relation)
			add(r, mean, Equal)
		case Correlation:
			other := View{Name: v.Name, Strategy: v.Versus}
			b, err := s.returnsOf(other)
			if err != nil {
				return nil, err
			}
			one := View{Name: v.Name, Strategy: v.Strategy}
			meanA, sdA, squareA := moments(one, r)
			meanB, sdB, squareB := moments(other, b)
			if sdA == 0 || sdB == 0 {
				return nil, &ViewsError{[]string{v.Name}, "a return that does not vary has no correlation"}
			}
			product := make([]float64, len(r))
			for k := range r {
				product[k] = (r[k] - meanA) * (b[k] - meanB)
			}
			add(product, v.Value*sdA*sdB, v.Relation)
			add(squareA, sdA*sdA, Equal)
			add(squareB, sdB*sdB, Equal)
			add(r, meanA, Equal)
			add(b, meanB, Equal)
		case TailLoss:
			if v.Relation != AtMost && v.Value > -low || v.Relation != AtLeast && v.Value < -high {
				return nil, &ViewsError{[]string{v.Name}, fmt.Sprintf("the scenario returns of %s are between %.2f%% and %.2f%%; the CVaR cannot be %.2f%%", v.what(), 100*low, 100*high, 100*v.Value)}
			}
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
				return nil, &ViewsError{[]string{v.Name}, fmt.Sprintf("the return of %s is below %.2f%% in %d of %d scenarios; its probability cannot be %v", v.what(), 100*v.Below, hits, len(r), v.Value)}
			}
			add(below, v.Value, v.Relation)
		}
	}
	return out, nil
}

// momentsUnder returns the mean and standard deviation that the views give returns that v is about, or
// else the set's own.
func (s *Set) momentsUnder(views []View, v View, r []float64) (mean, sd float64) {
	for i, x := range r {
		mean += s.Probability(i) * x
	}
	own := mean
	settle := func(kind string, now float64) float64 {
		for _, x := range views {
			if x.Strategy == v.Strategy && x.Versus == v.Versus && x.Kind == kind {
				switch {
				case x.Relation == Equal, x.Relation == AtLeast && now < x.Value, x.Relation == AtMost && now > x.Value:
					now = x.Value
				}
			}
		}
		return now
	}
	for i, x := range r {
		sd += s.Probability(i) * (x - own) * (x - own)
	}
	return settle(Mean, mean), settle(Volatility, math.Sqrt(sd))
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
// its own in relative entropy that give its strategies the means and spreads asked
// for. Where no spread is asked for, it is a tenth of the strategy's own
// standard deviation, doubled until it can be met.
func (s *Set) Under(stress Stress) (*Set, float64, error) {
	moves := stress.moves()
	sds := make([]float64, len(moves))
	free := false
	for i, m := range moves {
		v := View{Name: stress.Name, Strategy: m.Strategy}
		r, err := s.returnsOf(v)
		if err != nil {
			return nil, 0, fmt.Errorf("scenarios: stress %q: no strategy %q", stress.Name, m.Strategy)
		}
		_, sds[i] = s.momentsUnder(nil, v, r)
		free = free || m.Spread == 0
	}
	for scale := 1.0; ; scale *= 2 {
		var views []View
		for i, m := range moves {
			spread := m.Spread
			if spread == 0 {
				spread = sds[i] / 10 * scale
			}
			name := stress.Name
			if len(moves) > 1 {
				name += ", " + m.Strategy
			}
			views = append(views,
				View{Name: name, Strategy: m.Strategy, Kind: Mean, Relation: Equal, Value: m.Return},
				View{Name: name + ", spread", Strategy: m.Strategy, Kind: Volatility, Relation: AtMost, Value: spread})
		}
		prob, effective, err := s.Pool(views)
		if err == nil && (!free || effective >= leastEffective || scale > 10) {
			under := *s
			under.Prob = prob
			return &under, effective, nil
		}
		if err != nil && (!free || scale > 100) {
			return nil, 0, fmt.Errorf("scenarios: stress %q: %w", stress.Name, err)
		}
	}
}

// leastEffective is the number of scenarios below which CVaR under views says
// little: at 95 % its tail would hold fewer than ten.
const leastEffective = 200

// Viewed returns the set with the probabilities of the views alone, whatever it has.
func (o Options) Viewed(s *Set) (*Set, error) {
	base := *s
	base.Prob = nil
	if len(o.Views) > 0 {
		prob, _, err := base.Pool(o.Views)
		if err != nil {
			return nil, err
		}
		base.Prob = prob
	}
	return &base, nil
}

// Stressed returns the set under each stress of the options, as weigh reports them: with the
// probabilities of the views and of that stress alone, whichever stress conditions s; nil for a loss of the
// portfolio.
func (o Options) Stressed(s *Set) ([]*Set, error) {
	base, err := o.Viewed(s)
	if err != nil {
		return nil, err
	}
	var list []*Set
	for _, stress := range o.Stress {
		if stress.Reverse() {
			list = append(list, nil)
			continue
		}
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
		if stress.Reverse() {
			continue // the weights decide it
		}
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
		numbers := map[string]float64{"return": stress.moves()[0].Return, "mean": -mean, "cvar": cvar}
		var parts []string
		for _, m := range stress.moves() {
			parts = append(parts, fmt.Sprintf("%q returns %.2f%%", m.Strategy, 100*m.Return))
		}
		what := fmt.Sprintf("Stress %q: %s, the equal-weighted portfolio %.2f%%, with CVaR 95%% %.2f%%", stress.Name, strings.Join(parts, ", "), -100*mean, 100*cvar)
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
