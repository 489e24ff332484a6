package optimize

import (
	"context"
	"errors"
	"math"
	"reflect"
	"testing"

	"allocate/returns"
)

// failing is a method that does not find anything.
func failing(name string) method {
	return method{name, func(context.Context, *Solver, *Problem) (*Solution, error) { return nil, errors.New("no luck") }}
}

// TestFallbackChain goes down the chain as far as it has to, and keeps account.
func TestFallbackChain(t *testing.T) {
	set := factorSet(1, 4, 500)
	p := problem(t, set, func(o *Options) { o.MaxWeight = 0.5 })
	p.Previous = []float64{0.25, 0.5, 0.125, 0.125}
	v, err := NewSolver(set)
	if err != nil {
		t.Fatal(err)
	}
	rough := &Solution{Status: Inaccurate, Method: "vertex", Certificate: Certificate{ExactGap: 1e-3}}

	s, err := fallBack(t.Context(), v, p, rough, nil, []method{failing("bundle"), {"held", heldWeights}})
	if err != nil {
		t.Fatal(err)
	}
	if s.Status != Fallback || s.Method != "held" || !reflect.DeepEqual(s.Weights, p.Previous) {
		t.Errorf("%v by %s: %v", s.Status, s.Method, s.Weights)
	}
	want := []Attempt{{"vertex", "the certified relative gap is 0.001"}, {"bundle", "no luck"}}
	if !reflect.DeepEqual(s.Attempts, want) {
		t.Errorf("attempts %v, want %v", s.Attempts, want)
	}
	if len(s.Findings) != 1 || s.Findings[0].Code != "optimize.fallback" || s.Findings[0].Severity != returns.Warn {
		t.Errorf("findings %v", s.Findings)
	}
	if r, _ := Evaluate(set, p.Previous, p.Alpha); s.CVaR != r.CVaR || s.Certificate.Primal != r.CVaR || !(s.Certificate.DualBound < r.CVaR) {
		t.Errorf("CVaR %v, certificate %+v", s.CVaR, s.Certificate)
	}

	// Nothing held: refused, with the account.
	cold := *p
	cold.Previous = nil
	s, err = fallBack(t.Context(), v, &cold, rough, nil, []method{failing("bundle"), {"held", heldWeights}})
	if err != nil || s.Status != Inaccurate || len(s.Attempts) != 3 {
		t.Errorf("%v, %+v", err, s)
	}
	broken := errors.New("arithmetic")
	if _, err := fallBack(t.Context(), v, &cold, nil, broken, nil); err != broken {
		t.Errorf("got %v, want the error of the solver", err)
	}
	none := &InfeasibleError{}
	if _, err := fallBack(t.Context(), v, p, nil, none, fallbacks); err != none {
		t.Errorf("got %v; a conflict is an answer", err)
	}
}

// TestDecide adds the frontier; it keeps a better optimum than the bundle
// method's where the gap asked for is beyond any arithmetic.
func TestDecide(t *testing.T) {
	p := problem(t, factorSet(1, 10, 1000), nil)
	o := DefaultOptions()
	s, err := Decide(t.Context(), p, o)
	if err != nil {
		t.Fatal(err)
	}
	if s.Status != Optimal || s.Attempts != nil || len(s.Frontier.Points) < 10 || len(s.Frontier.Points) > o.Frontier {
		t.Errorf("%v, attempts %v, frontier %v", s.Status, s.Attempts, s.Frontier)
	}
	near(t, "least risk of the frontier", s.Frontier.Points[0].Risk, s.Certificate.ExactPrimal, 1e-14)

	p.MaxGap = 1e-300
	exact := s.Certificate
	s, err = Decide(t.Context(), p, o)
	if err != nil {
		t.Fatal(err)
	}
	if exact.ExactGap > 1e-300 && (s.Status != Fallback || s.Method != "vertex" || len(s.Attempts) != 2) {
		t.Errorf("%v by %s, %v", s.Status, s.Method, s.Attempts)
	}
	if s.Certificate.ExactPrimal != exact.ExactPrimal {
		t.Errorf("%v was kept, the vertex has %v", s.Certificate.ExactPrimal, exact.ExactPrimal)
	}
	v, err := NewSolver(p.Set)
	if err != nil {
		t.Fatal(err)
	}
	if s, err = fallBack(t.Context(), v, p, nil, errors.New("arithmetic"), fallbacks); err != nil || s.Status != Fallback || s.Method != "bundle" {
		t.Errorf("%v, %+v", err, s)
	}
	o.Fallback = false
	if s, err = Decide(t.Context(), p, o); err != nil || exact.ExactGap > 1e-300 && s.Status != Inaccurate {
		t.Errorf("%v, %v", s.Status, err)
	}
	if math.IsNaN(s.CVaR) {
		t.Error("CVaR is NaN")
	}
}
