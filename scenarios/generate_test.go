package scenarios

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"allocate/bayes"
	"allocate/returns"
)

func stream(seed uint64) func(string) rand.Source {
	return func(part string) rand.Source {
		h := uint64(99)
		for _, c := range []byte(part) {
			h = h*1099511628211 + uint64(c)
		}
		return rand.NewPCG(seed, h)
	}
}

// fixed is a strategy whose posterior is the given rows of (mu, sigma, nu,
// sd, sharpe) and whose history is y.
func fixed(t testing.TB, name string, y []float64, theta [][3]float64) Strategy {
	t.Helper()
	s := &returns.Series{Strategy: returns.Strategy{Name: name}, Returns: y}
	for i := range y {
		s.Dates = append(s.Dates, returns.Date(i))
	}
	family, err := bayes.Lookup("student_t")
	if err != nil {
		t.Fatal(err)
	}
	m, err := family.New(s, bayes.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	p := &bayes.Posterior{Strategy: name, Model: family.Name, Names: m.Names(), Chains: 1, Draws: len(theta)}
	for _, x := range theta {
		row := make([]float64, len(p.Names))
		copy(row, x[:])
		p.Values = append(p.Values, row...)
	}
	return Strategy{Series: s, Posterior: p, Predictor: family.Predictor(s)}
}

// correlated returns n rows of two normal series with correlation rho.
func correlated(n int, rho float64) (a, b []float64) {
	rng := rand.New(rand.NewPCG(11, 12))
	for range n {
		x, y := rng.NormFloat64(), rng.NormFloat64()
		a = append(a, 0.01*x)
		b = append(b, 0.01*(rho*x+math.Sqrt(1-rho*rho)*y))
	}
	return a, b
}

func options(horizon, count int) Options {
	return Options{Horizon: horizon, Count: count, Dependence: "gaussian"}
}

func generate(t *testing.T, s []Strategy, o Options, workers int) *Set {
	t.Helper()
	set, _, err := Generate(context.Background(), 0, s, o, stream(5), workers, nil)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func chiSquare(rng *rand.Rand, nu float64) float64 {
	return distuv.ChiSquared{K: nu, Src: rng}.Rand()
}

func column(s *Set, j int) []float64 {
	v := make([]float64, s.Len())
	for i := range v {
		v[i] = s.Row(i)[j]
	}
	return v
}

// With one posterior draw and a horizon of one day the marginals are exact
// Student-t distributions: Kolmogorov's distance must be what n draws allow.
func TestMarginalsAreExact(t *testing.T) {
	a, b := correlated(400, 0.5)
	const n = 20000
	set := generate(t, []Strategy{
		fixed(t, "a", a, [][3]float64{{0.001, 0.01, 4}}),
		fixed(t, "b", b, [][3]float64{{-0.002, 0.02, 2.5}}),
	}, options(1, n), 2)
	for j, d := range []distuv.StudentsT{{Mu: 0.001, Sigma: 0.01, Nu: 4}, {Mu: -0.002, Sigma: 0.02, Nu: 2.5}} {
		v := column(set, j)
		sort.Float64s(v)
		distance := 0.0
		for i, x := range v {
			if x <= -1 {
				continue // total losses are held at -1
			}
			f := d.CDF(x)
			distance = max(distance, math.Abs(f-float64(i)/n), math.Abs(f-float64(i+1)/n))
		}
		if limit := 1.95 / math.Sqrt(n); distance > limit { // 0.1% point of Kolmogorov's distribution
			t.Errorf("strategy %d: Kolmogorov distance %.4f, limit %.4f", j, distance, limit)
		}
	}
}

func TestDependenceIsKept(t *testing.T) {
	for _, rho := range []float64{-0.6, 0, 0.8} {
		a, b := correlated(4000, rho)
		set := generate(t, []Strategy{fixed(t, "a", a, [][3]float64{{0, 0.01, 5}}), fixed(t, "b", b, [][3]float64{{0, 0.01, 5}})}, options(1, 20000), 2)
		// Kendall's tau of a Gaussian copula is (2/pi) asin rho, whatever the margins.
		tau := stat.Kendall(column(set, 0)[:4000], column(set, 1)[:4000], nil)
		if want := 2 / math.Pi * math.Asin(rho); math.Abs(tau-want) > 0.05 {
			t.Errorf("rho %v: Kendall's tau %.3f, want %.3f", rho, tau, want)
		}
	}
}

// Holding a draw over the path keeps the variance of H days at
// H sigma^2 + H^2 var(mu); drawing anew each day would give H(sigma^2 + var(mu)).
func TestParameterUncertaintyDoesNotAverageOut(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	const tau, sigma, h = 0.004, 0.01, 21
	theta := make([][3]float64, 4000)
	for i := range theta {
		theta[i] = [3]float64{tau * rng.NormFloat64(), sigma, 1e9}
	}
	a, _ := correlated(300, 0)
	set := generate(t, []Strategy{fixed(t, "a", a, theta)}, options(h, 40000), 2)
	logs := column(set, 0)
	for i, r := range logs {
		logs[i] = math.Log1p(r)
	}
	got := stat.Variance(logs, nil)
	want := h*sigma*sigma + h*h*tau*tau
	if math.Abs(got/want-1) > 0.05 {
		t.Errorf("variance over %d days is %.6f, want %.6f (drawn anew each day it would be %.6f)", h, got, want, h*(sigma*sigma+tau*tau))
	}
}

// Estimation errors of strategies seen together are paired with their returns'
// correlation, so that parameter risk does not diversify.
func TestDrawsArePairedByDependence(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	draws := func() [][3]float64 {
		theta := make([][3]float64, 4000)
		for i := range theta {
			theta[i] = [3]float64{0.003 * rng.NormFloat64(), 0.01, 1e9}
		}
		return theta
	}
	a, b := correlated(4000, 0.7)
	// Over 100 days the uncertain means are nine tenths of the variance.
	set := generate(t, []Strategy{fixed(t, "a", a, draws()), fixed(t, "b", b, draws())}, options(100, 20000), 2)
	x, y := column(set, 0), column(set, 1)
	for i := range x {
		x[i], y[i] = math.Log1p(x[i]), math.Log1p(y[i])
	}
	if rho := stat.Correlation(x, y, nil); math.Abs(rho-0.7) > 0.03 {
		t.Errorf("correlation over the horizon is %.3f, want 0.7 (0.07 if draws were paired at random)", rho)
	}
}

// Every dependence, with flat days, a ragged start, factors and a count that
// does not fill its last block.
func TestScenariosIndependentOfWorkers(t *testing.T) {
	few := simulated(t, 4, 600, 5, 0.4)
	few[1].Series.Dates, few[1].Series.Returns = few[1].Series.Dates[200:], few[1].Series.Returns[200:]
	y := append([]float64(nil), few[2].Series.Returns...)
	for i := range y {
		if i%3 != 0 {
			y[i] = 0
		}
	}
	few = append(few, hurdle(t, "flat", y, 0.33))
	type example struct {
		strategies []Strategy
		kind       string
	}
	examples := []example{{few, DCC}, {few, TCopula}, {few, Gaussian}, {few, Empirical}, {few, Independent}, {few[4:], TCopula}, {few[:1], Empirical}}
	if !testing.Short() { // there, TestManyStrategiesUseFactors has factors
		many := simulated(t, mostFull+5, 300, 5, 0.4)
		examples = append(examples, example{many, TCopula}, example{many, DCC})
	}
	for _, c := range examples {
		o := options(5, 1234)
		o.Dependence = c.kind
		one, eight := generate(t, c.strategies, o, 1), generate(t, c.strategies, o, 8)
		for i := range one.Returns {
			if math.Float64bits(one.Returns[i]) != math.Float64bits(eight.Returns[i]) {
				t.Fatalf("%s of %d: return %d differs: %v, %v", c.kind, len(c.strategies), i, one.Returns[i], eight.Returns[i])
			}
		}
	}
}

func TestShortOverlapIsReported(t *testing.T) {
	a, b := correlated(100, 0.9)
	x, y := fixed(t, "x", a, [][3]float64{{0, 0.01, 5}}), fixed(t, "y", b, [][3]float64{{0, 0.01, 5}})
	for i := range y.Series.Dates {
		y.Series.Dates[i] += 70 // 30 days in common
	}
	_, findings, err := Generate(context.Background(), 0, []Strategy{x, y}, options(1, 200), stream(1), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(findings) == 0 || findings[0].Code != "scenarios.overlap" || findings[0].Numbers["days"] != 30 {
		t.Errorf("findings %v", findings)
	}
}

func TestNearestCorrelation(t *testing.T) {
	// Not positive definite: x~y and y~z strongly, x~z strongly the other way.
	r := nearestCorrelation(mat.NewSymDense(3, []float64{1, 0.9, -0.9, 0.9, 1, 0.9, -0.9, 0.9, 1}))
	var chol mat.Cholesky
	if !chol.Factorize(r) {
		t.Error("the repaired matrix is not positive definite")
	}
	for i := range 3 {
		if math.Abs(r.At(i, i)-1) > 1e-12 {
			t.Errorf("diagonal %v", r.At(i, i))
		}
	}
	good := mat.NewSymDense(2, []float64{1, 0.3, 0.3, 1})
	if nearestCorrelation(good) != good {
		t.Error("a correlation matrix was changed")
	}
}

func TestTableRoundTrip(t *testing.T) {
	s := &Set{AsOf: 19000, Horizon: 21, Names: []string{"a", "probability"}, Returns: []float64{0.1, -0.2, math.SmallestNonzeroFloat64, 3, -1, 0.5}, Prob: []float64{0.25, 0.25, 0.5}}
	table, err := s.Table([]returns.Finding{{Code: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	back, findings, err := FromTable(table)
	if err != nil || fmt.Sprint(back) != fmt.Sprint(s) || len(findings) != 1 {
		t.Errorf("%v became %v (%v, %v)", s, back, findings, err)
	}
}

func TestSetRefuses(t *testing.T) {
	for want, s := range map[string]*Set{
		"do not fill":      {Names: []string{"a", "b"}, Returns: []float64{1}},
		"in scenario 1":    {Names: []string{"a"}, Returns: []float64{1, math.NaN()}},
		"sum to 0.9":       {Names: []string{"a"}, Returns: []float64{1, 2}, Prob: []float64{0.4, 0.5}},
		"2 probabilities":  {Names: []string{"a"}, Returns: []float64{1}, Prob: []float64{0.5, 0.5}},
		"of scenario 0 is": {Names: []string{"a"}, Returns: []float64{1, 2}, Prob: []float64{-0.5, 1.5}},
	} {
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
