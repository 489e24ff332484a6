package scenarios

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func normalSet(n int) *Set {
	rng := rand.New(rand.NewPCG(6, 6))
	s := &Set{Names: []string{"a", "b"}, Horizon: 21}
	for range n {
		x := rng.NormFloat64()
		s.Returns = append(s.Returns, max(-1, 0.01+0.05*x), max(-1, 0.02*(0.6*x+0.8*rng.NormFloat64())))
	}
	return s
}

func under(s *Set, p []float64, j int, f func(r float64) float64) float64 {
	sum := 0.0
	for i := range s.Len() {
		sum += p[i] * f(s.Row(i)[j])
	}
	return sum
}

// On normal scenarios a view of a mean shifts the others by their regression
// on it and leaves variances (Meucci 2008, section 3): an independent answer.
func TestPoolAgreesWithRegression(t *testing.T) {
	s := normalSet(50000)
	p, effective, err := s.Pool([]View{{Name: "v", Strategy: "a", Kind: Mean, Relation: Equal, Value: -0.02}})
	if err != nil {
		t.Fatal(err)
	}
	same := func(r float64) float64 { return r }
	if m := under(s, p, 0, same); math.Abs(m+0.02) > 1e-8 {
		t.Errorf("mean of a is %v", m)
	}
	// b = 0.6 x/50 with x moved by -0.6 standard deviations; sampling error 1e-4.
	if m := under(s, p, 1, same); math.Abs(m-0.02*0.6*-0.6) > 5e-4 {
		t.Errorf("mean of b is %v, want %v", m, 0.02*0.6*-0.6)
	}
	if sd := math.Sqrt(under(s, p, 0, func(r float64) float64 { return (r + 0.02) * (r + 0.02) })); math.Abs(sd-0.05) > 0.002 {
		t.Errorf("standard deviation of a is %v, want 0.05", sd)
	}
	// The relative entropy of a shift by d standard deviations is d^2/2.
	if want := 50000 * math.Exp(-0.18); math.Abs(effective/want-1) > 0.03 {
		t.Errorf("%v scenarios, want %v", effective, want)
	}
}

// The closed form for one probability: scenarios below share it evenly.
func TestPoolOneProbability(t *testing.T) {
	s := normalSet(1000)
	p, _, err := s.Pool([]View{{Name: "v", Strategy: "a", Kind: Probability, Relation: AtLeast, Value: 0.3, Below: -0.05}})
	if err != nil {
		t.Fatal(err)
	}
	hits := 0
	for i := range s.Len() {
		if s.Row(i)[0] < -0.05 {
			hits++
		}
	}
	for i := range p {
		want := 0.7 / float64(s.Len()-hits)
		if s.Row(i)[0] < -0.05 {
			want = 0.3 / float64(hits)
		}
		if math.Abs(p[i]/want-1) > 1e-6 {
			t.Fatalf("scenario %d has probability %v, want %v", i, p[i], want)
		}
	}
}

func TestPoolInequalities(t *testing.T) {
	s := normalSet(5000)
	mean := s.Mean()
	p, effective, err := s.Pool([]View{ // hold already
		{Name: "1", Strategy: "a", Kind: Mean, Relation: AtLeast, Value: mean[0] - 0.01},
		{Name: "2", Strategy: "b", Kind: Mean, Relation: AtMost, Value: mean[1] + 0.01},
	})
	if err != nil || math.Abs(effective-5000) > 1e-3 || math.Abs(p[0]-1.0/5000) > 1e-9 {
		t.Errorf("views that hold changed the probabilities: %v scenarios, %v", effective, err)
	}
	p, _, err = s.Pool([]View{
		{Name: "1", Strategy: "a", Kind: Volatility, Relation: AtMost, Value: 0.03},
		{Name: "2", Strategy: "b", Kind: Mean, Relation: AtLeast, Value: 0.004},
		{Name: "3", Strategy: "b", Kind: Mean, Relation: AtLeast, Value: 0.003},
	})
	if err != nil {
		t.Fatal(err)
	}
	if v := under(s, p, 0, func(r float64) float64 { return (r - mean[0]) * (r - mean[0]) }); math.Abs(math.Sqrt(v)-0.03) > 1e-6 {
		t.Errorf("volatility %v, want 0.03", math.Sqrt(v))
	}
	if m := under(s, p, 1, func(r float64) float64 { return r }); math.Abs(m-0.004) > 1e-7 {
		t.Errorf("mean %v, want 0.004", m)
	}
}

func TestConflictIsNamed(t *testing.T) {
	s := normalSet(2000)
	_, _, err := s.Pool([]View{
		{Name: "up", Strategy: "a", Kind: Mean, Relation: AtLeast, Value: 0.05},
		{Name: "harmless", Strategy: "b", Kind: Mean, Relation: AtMost, Value: 0.01},
		{Name: "down", Strategy: "a", Kind: Mean, Relation: AtMost, Value: 0.02},
	})
	var e *ViewsError
	if !errors.As(err, &e) || strings.Join(e.Conflict, " ") != "up down" {
		t.Errorf("got %v", err)
	}
	_, _, err = s.Pool([]View{{Name: "moon", Strategy: "a", Kind: Mean, Relation: Equal, Value: 3}})
	if !errors.As(err, &e) || len(e.Conflict) != 1 || !strings.Contains(err.Error(), "cannot be 300.00%") {
		t.Errorf("got %v", err)
	}
}

// The stress makes the strategy lose what it says, and takes the other along.
func TestStress(t *testing.T) {
	a, b := correlated(2000, 0.8)
	one := [][3]float64{{0, 0.01, 5}}
	s := []Strategy{fixed(t, "a", a, one), fixed(t, "b", b, one)}
	o := options(21, 10000)
	o.Dependence = TCopula
	o.Stress = []Stress{{Name: "crash", Strategy: "a", Return: -0.1}, {Name: "calm", Strategy: "b", Return: 0, Spread: 0.01}}
	plain := generate(t, s, o, 2)
	if plain.Prob != nil {
		t.Error("a stress that is only reported changed the probabilities")
	}
	o.Condition = "crash"
	set, findings, err := Generate(t.Context(), 0, s, o, stream(5), 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := set.Mean()
	if math.Abs(m[0]+0.1) > 1e-6 || m[1] > -0.05 || m[1] < -0.11 {
		t.Errorf("means %v", m)
	}
	stresses := 0
	for _, f := range findings {
		if f.Code == "scenarios.stress" {
			stresses++
		}
	}
	if stresses != 2 {
		t.Errorf("%d findings of stresses", stresses)
	}
	o.Views = []View{{Name: "v", Strategy: "nobody", Kind: Mean, Relation: Equal}}
	if _, _, err := Generate(t.Context(), 0, s, o, stream(5), 2, nil); err == nil || !strings.Contains(err.Error(), `views[0].strategy: no strategy "nobody"`) {
		t.Errorf("got %v", err)
	}
}

func TestOptionsJoinAllProblems(t *testing.T) {
	o := Options{
		Horizon: -1, Count: 1, Dependence: "vine", Condition: "x",
		Views:  []View{{Kind: "median", Relation: "near", Value: math.NaN()}, {Name: "p", Strategy: "a", Kind: Probability, Relation: Equal, Value: 2}},
		Stress: []Stress{{Return: -2, Spread: -1}},
	}
	err := o.Validate()
	for _, key := range []string{"horizon", "count", "dependence", "views[0].name", "views[0].strategy", "views[0].kind", "views[0].relation", "views[1].value", "stress[0].name", "stress[0].strategy", "stress[0].return", "stress[0].spread", "condition"} {
		if err == nil || !strings.Contains(err.Error(), "scenarios."+key+":") {
			t.Errorf("%s is not named in %v", key, err)
		}
	}
	if err := DefaultOptions().Validate(); err != nil {
		t.Error(err)
	}
}
