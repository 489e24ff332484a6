package scenarios

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// jointNormal are scenarios of two correlated normal returns.
func jointNormal(n int, rho float64) *Set {
	random := rand.New(rand.NewPCG(5, 6))
	s := &Set{Horizon: 21, Names: []string{"a", "b", "c"}, Returns: make([]float64, 3*n)}
	for i := range n {
		x, y := random.NormFloat64(), random.NormFloat64()
		s.Returns[3*i] = 0.01 + 0.04*x
		s.Returns[3*i+1] = 0.02 + 0.06*(rho*x+math.Sqrt(1-rho*rho)*y)
		s.Returns[3*i+2] = 0.03 * random.NormFloat64()
	}
	return s
}

func moment(s *Set, prob []float64, f func(a, b float64) float64) (sum float64) {
	for i, p := range prob {
		sum += p * f(s.Returns[3*i], s.Returns[3*i+1])
	}
	return sum
}

// Of a normal distribution the one closest with a given mean of a-b has the same covariance, and means
// moved along it: mu + Sigma v (x - v'mu) / v'Sigma v.
func TestRelativeViewMovesBothMeans(t *testing.T) {
	s := jointNormal(200_000, 0.5)
	prob, _, err := s.Pool([]View{{Name: "a beats b", Strategy: "a", Versus: "b", Kind: Mean, Relation: Equal, Value: 0.01}})
	if err != nil {
		t.Fatal(err)
	}
	a, b := moment(s, prob, func(a, _ float64) float64 { return a }), moment(s, prob, func(_, b float64) float64 { return b })
	if math.Abs(a-b-0.01) > 1e-9 {
		t.Errorf("a beats b by %v", a-b)
	}
	covAA, covAB, covBB := 0.0016, 0.0012, 0.0036
	step := 0.02 / (covAA - 2*covAB + covBB)
	wantA, wantB := 0.01+(covAA-covAB)*step, 0.02+(covAB-covBB)*step
	if math.Abs(a-wantA) > 4e-4 || math.Abs(b-wantB) > 4e-4 {
		t.Errorf("means %v and %v, want %v and %v", a, b, wantA, wantB)
	}
}

// Of a normal distribution the one closest with another correlation is normal: the probability that
// both are below their means is 1/4 + asin(rho)/2pi.
func TestCorrelationView(t *testing.T) {
	s := jointNormal(200_000, 0.2)
	prob, _, err := s.Pool([]View{{Name: "crisis", Strategy: "a", Versus: "b", Kind: Correlation, Relation: AtLeast, Value: 0.6}})
	if err != nil {
		t.Fatal(err)
	}
	own := make([]float64, s.Len())
	for i := range own {
		own[i] = s.Probability(i)
	}
	correlation := func(p []float64) (meanA, meanB, sdA, sdB, rho float64) {
		meanA, meanB = moment(s, p, func(a, _ float64) float64 { return a }), moment(s, p, func(_, b float64) float64 { return b })
		sdA = math.Sqrt(moment(s, p, func(a, _ float64) float64 { return (a - meanA) * (a - meanA) }))
		sdB = math.Sqrt(moment(s, p, func(_, b float64) float64 { return (b - meanB) * (b - meanB) }))
		return meanA, meanB, sdA, sdB, moment(s, p, func(a, b float64) float64 { return (a - meanA) * (b - meanB) }) / sdA / sdB
	}
	meanA, meanB, sdA, sdB, rho := correlation(prob)
	mA, mB, sA, sB, _ := correlation(own)
	if math.Abs(rho-0.6) > 1e-6 || math.Abs(meanA-mA)+math.Abs(meanB-mB) > 1e-8 || math.Abs(sdA-sA)+math.Abs(sdB-sB) > 1e-8 {
		t.Errorf("correlation %v, means %v and %v, sds %v and %v", rho, meanA-mA, meanB-mB, sdA-sA, sdB-sB)
	}
	both := moment(s, prob, func(a, b float64) float64 {
		if a < mA && b < mB {
			return 1
		}
		return 0
	})
	if want := 0.25 + math.Asin(0.6)/(2*math.Pi); math.Abs(both-want) > 0.005 {
		t.Errorf("both are below their means with probability %v, want %v", both, want)
	}
	// What holds already changes nothing.
	prob, _, err = s.Pool([]View{{Name: "calm", Strategy: "a", Versus: "b", Kind: Correlation, Relation: AtMost, Value: 0.6}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, _, rho := correlation(prob); math.Abs(rho-0.2) > 0.01 {
		t.Errorf("correlation %v of a view that held", rho)
	}
}

// A CVaR view is met, with the least relative entropy over all tails: compared with every one of them.
func TestTailView(t *testing.T) {
	s := jointNormal(400, 0.3)
	r := make([]float64, s.Len())
	for i := range r {
		r[i] = s.Returns[3*i]
	}
	was := CVaR(r, nil, 0.9)
	for _, value := range []float64{1.5 * was, 0.7 * was} {
		v := View{Name: "tail", Strategy: "a", Kind: TailLoss, Relation: Equal, Value: value, Alpha: 0.9}
		prob, _, err := s.Pool([]View{v})
		if err != nil {
			t.Fatal(err)
		}
		if got := CVaR(r, prob, 0.9); math.Abs(got-value) > 1e-6 {
			t.Errorf("CVaR %v, want %v", got, value)
		}
		entropy := func(p []float64) (sum float64) {
			for _, x := range p {
				if x > 0 {
					sum += x * math.Log(x*float64(len(p)))
				}
			}
			return sum
		}
		least := math.Inf(1)
		view := &tailView{view: v, r: r}
		for i := range r {
			view.order = append(view.order, i)
		}
		for i := range view.order { // by return, the lowest first
			for k := i + 1; k < len(r); k++ {
				if r[view.order[k]] < r[view.order[i]] {
					view.order[i], view.order[k] = view.order[k], view.order[i]
				}
			}
		}
		prior := make([]float64, len(r))
		for i := range prior {
			prior[i] = 1 / float64(len(r))
		}
		for k := 2; k < len(r); k++ {
			if got := pool(prior, view.tail(k)); got.unmet == nil {
				least = min(least, entropy(got.prob))
			}
		}
		if got := entropy(prob); got > least+1e-9 {
			t.Errorf("CVaR %v: relative entropy %v, the least is %v", value, got, least)
		}
	}
	held, effective, err := s.Pool([]View{{Name: "tail", Strategy: "a", Kind: TailLoss, Relation: AtMost, Value: 2 * was, Alpha: 0.9}})
	if err != nil || math.Abs(effective-400) > 1e-6 || math.Abs(held[3]-1.0/400) > 1e-12 {
		t.Errorf("a view that holds: %v, %v scenarios", err, effective)
	}
	// Two of them, and with a view on a mean.
	prob, _, err := s.Pool([]View{
		{Name: "tail of a", Strategy: "a", Kind: TailLoss, Relation: AtLeast, Value: 1.3 * was, Alpha: 0.9},
		{Name: "tail of c", Strategy: "c", Kind: TailLoss, Relation: AtMost, Value: 0.04},
		{Name: "mean of b", Strategy: "b", Kind: Mean, Relation: Equal, Value: 0.015},
	})
	if err != nil {
		t.Fatal(err)
	}
	other := make([]float64, s.Len())
	for i := range other {
		other[i] = s.Returns[3*i+2]
	}
	if a, c, b := CVaR(r, prob, 0.9), CVaR(other, prob, 0.95), moment(s, prob, func(_, b float64) float64 { return b }); a < 1.3*was-1e-6 || c > 0.04+1e-6 || math.Abs(b-0.015) > 1e-8 {
		t.Errorf("CVaR %v and %v, mean %v", a, c, b)
	}
	_, _, err = s.Pool([]View{{Name: "impossible", Strategy: "a", Kind: TailLoss, Relation: Equal, Value: 0.9}})
	if err == nil || !strings.Contains(err.Error(), `view "impossible" is infeasible`) {
		t.Errorf("got %v", err)
	}
}

// Confidence is linear opinion pooling, nested by level.
func TestConfidence(t *testing.T) {
	s := jointNormal(20_000, 0.4)
	mean := func(p []float64) (a, b float64) {
		return moment(s, p, func(a, _ float64) float64 { return a }), moment(s, p, func(_, b float64) float64 { return b })
	}
	one := View{Name: "a", Strategy: "a", Kind: Mean, Relation: Equal, Value: 0.03}
	two := View{Name: "b", Strategy: "b", Kind: Mean, Relation: Equal, Value: -0.01}
	own := make([]float64, s.Len())
	for i := range own {
		own[i] = s.Probability(i)
	}
	both, _, _ := s.Pool([]View{one, two})
	sure, _, _ := s.Pool([]View{one})
	one.Confidence, two.Confidence = 0.75, 0.25
	mixed, effective, err := s.Pool([]View{one, two})
	if err != nil {
		t.Fatal(err)
	}
	a, b := mean(mixed)
	a0, b0 := mean(own)
	a1, b1 := mean(sure)
	a2, b2 := mean(both)
	if want := 0.25*a2 + 0.5*a1 + 0.25*a0; math.Abs(a-want) > 1e-9 {
		t.Errorf("mean of a %v, want %v", a, want)
	}
	if want := 0.25*b2 + 0.5*b1 + 0.25*b0; math.Abs(b-want) > 1e-9 {
		t.Errorf("mean of b %v, want %v", b, want)
	}
	if effective < 1000 || effective > 20_000 {
		t.Errorf("%v scenarios", effective)
	}
}

// A stress of several strategies gives each its return, and takes the others along.
func TestStressOfSeveral(t *testing.T) {
	s := jointNormal(50_000, 0.5)
	under, _, err := s.Under(Stress{Name: "both", Moves: []Move{{Strategy: "a", Return: -0.03}, {Strategy: "c", Return: 0.02, Spread: 0.01}}})
	if err != nil {
		t.Fatal(err)
	}
	m := under.Mean()
	// b given a: 0.02 + 0.75 (a - 0.01), since b's slope on a is 0.5 * 0.06 / 0.04.
	if math.Abs(m[0]+0.03) > 1e-8 || math.Abs(m[2]-0.02) > 1e-8 || math.Abs(m[1]-(0.02-0.75*0.04)) > 0.005 {
		t.Errorf("means %v", m)
	}
}

// Where few scenarios are near a stress, its spread is doubled until some hundreds carry it.
func TestStressHasScenarios(t *testing.T) {
	s := jointNormal(2000, 0.5)
	under, effective, err := s.Under(Stress{Name: "crash", Strategy: "a", Return: -0.06})
	if err != nil {
		t.Fatal(err)
	}
	if effective < leastEffective || math.Abs(under.Mean()[0]+0.06) > 1e-8 {
		t.Errorf("%v scenarios, mean %v", effective, under.Mean()[0])
	}
	if _, few, err := s.Under(Stress{Name: "crash", Strategy: "a", Return: -0.06, Spread: 0.004}); err != nil || few >= leastEffective {
		t.Errorf("with a spread of its own %v scenarios, %v", few, err)
	}
}

func TestViewsAndStressesAreValidated(t *testing.T) {
	for key, o := range map[string]Options{
		"views[0].versus: is required":                  {Views: []View{{Name: "v", Strategy: "a", Kind: Correlation, Relation: Equal}}},
		"views[0].versus: is the strategy itself":       {Views: []View{{Name: "v", Strategy: "a", Versus: "a", Kind: Mean, Relation: Equal}}},
		"views[0].value: is 1;":                         {Views: []View{{Name: "v", Strategy: "a", Versus: "b", Kind: Correlation, Relation: Equal, Value: 1}}},
		"views[0].alpha: is 0.9;":                       {Views: []View{{Name: "v", Strategy: "a", Kind: Mean, Relation: Equal, Alpha: 0.9}}},
		"views[0].confidence: is 2;":                    {Views: []View{{Name: "v", Strategy: "a", Kind: Mean, Relation: Equal, Confidence: 2}}},
		"stress[0]: has more than one of":               {Stress: []Stress{{Name: "s", Strategy: "a", Moves: []Move{{Strategy: "b"}}}}},
		"stress[0].moves[1].strategy: is required":      {Stress: []Stress{{Name: "s", Moves: []Move{{Strategy: "b"}, {Return: 0.1}}}}},
		`stress[0].moves[1].strategy: "b" has a return`: {Stress: []Stress{{Name: "s", Moves: []Move{{Strategy: "b"}, {Strategy: "b"}}}}},
		"stress[0].loss: is -0.1;":                      {Stress: []Stress{{Name: "s", Loss: -0.1}}},
		`condition: "s" is a loss of the portfolio`:     {Condition: "s", Stress: []Stress{{Name: "s", Loss: 0.1}}},
	} {
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), "scenarios."+key) {
			t.Errorf("want %q, got %v", key, err)
		}
	}
	o := Options{Views: []View{{Name: "v", Strategy: "a", Versus: "x"}}, Stress: []Stress{{Name: "s", Moves: []Move{{Strategy: "a"}, {Strategy: "y"}}}, {Name: "r", Loss: 0.1}}}
	err := o.known([]string{"a"})
	for _, want := range []string{`scenarios.views[0].versus: no strategy "x"`, `scenarios.stress[0].moves[1].strategy: no strategy "y"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
