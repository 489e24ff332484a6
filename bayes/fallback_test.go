package bayes

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"allocate/bayes/nuts"
	"allocate/returns"
)

// density is a Model of one function.
type density struct {
	dim int
	f   func(q, grad []float64) (float64, error)
}

func (d *density) Dim() int { return d.dim }
func (d *density) Names() []string {
	return []string{"alpha", "beta", "gamma"}[:d.dim]
}
func (d *density) LogDensity(q, grad []float64) (float64, error) { return d.f(q, grad) }
func (d *density) Constrain(q, theta []float64)                  { copy(theta, q) }

func TestBadModelIsNamed(t *testing.T) {
	bad := errors.New("row 17 of the data is NaN")
	m := &density{2, func(q, grad []float64) (float64, error) {
		copy(grad, []float64{-q[0], -q[1]})
		if q[0] > 1.5 {
			return 0, bad
		}
		return -(q[0]*q[0] + q[1]*q[1]) / 2, nil
	}}
	_, err := Sample(context.Background(), m)
	if !errors.Is(err, bad) {
		t.Fatalf("error %v", err)
	}
	for _, want := range []string{"alpha = ", "beta = ", "row 17"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	var at *nuts.PointError
	if !errors.As(err, &at) || !(at.Point[0] > 1.5) {
		t.Errorf("no point: %v", err)
	}
}

// A density without a finite value anywhere, or improper, is an error that
// says so, not a hang.
func TestImproperDensities(t *testing.T) {
	for name, f := range map[string]func(q, grad []float64) (float64, error){
		"NaN":  func(q, grad []float64) (float64, error) { grad[0] = 1; return math.NaN(), nil },
		"flat": func(q, grad []float64) (float64, error) { grad[0] = 0; return 0, nil },
	} {
		if _, err := Sample(context.Background(), &density{1, f}); err == nil {
			t.Errorf("%s: no error", name)
		} else if name == "NaN" && !strings.Contains(err.Error(), "alpha = ") {
			t.Errorf("%s: %v does not name the parameter", name, err)
		}
	}
}

func TestNotANumberNamesTheRow(t *testing.T) {
	y := simulateT(rand.New(rand.NewPCG(1, 1)), 100, 0, 0.01, 5)
	y[41] = math.NaN()
	s := seriesOf(y)
	p, err := Fit(context.Background(), s, DefaultOptions(), testStream(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	if p.Verdict() != Unusable || p.Method != None {
		t.Errorf("verdict %s, method %s", p.Verdict(), p.Method)
	}
	if text := fmt.Sprint(p.Findings); !strings.Contains(text, "row 42 (1970-02-11)") {
		t.Errorf("findings %s", text)
	}
}

// A strategy that cannot be fitted is a verdict, never an error; with a good
// posterior of an earlier day, that one stands in.
func TestFailedFitDoesNotStopOthers(t *testing.T) {
	constant := seriesOf(make([]float64, 300))
	for i := range constant.Returns {
		constant.Returns[i] = 0.001
	}
	o := DefaultOptions()
	p, err := Fit(context.Background(), constant, o, testStream(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	if p.Verdict() != Unusable || p.Len() != 0 || returns.Worst(p.Findings) != returns.Fail {
		t.Errorf("verdict %s, %d draws, %v", p.Verdict(), p.Len(), p.Findings)
	}
	round(t, p)

	good, err := Fit(context.Background(), seriesOf(benchmarkReturns(300)), o, testStream(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	stale, err := Refit(context.Background(), constant, o, good, testStream(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	if stale.Method != Stale || stale.Verdict() != Doubtful || stale.Len() != good.Len() {
		t.Errorf("method %s, verdict %s: %v", stale.Method, stale.Verdict(), stale.Findings)
	}
	other := *good
	other.Strategy = "another"
	if p, err := Refit(context.Background(), constant, o, &other, testStream(1), nil); err != nil || p.Method != None {
		t.Errorf("the posterior of another strategy stands in: %v", err)
	}

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Fit(ctx, seriesOf(benchmarkReturns(300)), o, testStream(1), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	o.Model = "nonsense"
	if _, err := Fit(context.Background(), constant, o, testStream(1), nil); err == nil {
		t.Error("options that are not valid pass")
	}
}

// The Laplace approximation's resampled draws have the posterior's means and
// standard deviations to 10% of the latter, some 5 standard errors of the
// distinct draws among 4,000, and stand in where NUTS's are not usable. Limits
// that no draws can meet leave a verdict with every attempt told.
func TestLaplaceFallback(t *testing.T) {
	y := benchmarkReturns(1000)
	m, err := newStudentT(newDays(y, nil), DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	mean, sd := oracle(m, 10, 0.6)
	p, k := sampleLaplace(m, DefaultOptions(), testStream(5))
	if p == nil {
		t.Fatalf("Pareto k %v", k)
	}
	for i, s := range p.Summary {
		if math.Abs(float64(s.Mean)-mean[i]) > 0.1*sd[i] || math.Abs(float64(s.SD)/sd[i]-1) > 0.1 {
			t.Errorf("%s is %v +- %v, by quadrature %v +- %v", s.Name, s.Mean, s.SD, mean[i], sd[i])
		}
	}
	failed := &Posterior{Method: NUTS, Findings: []returns.Finding{{Code: "bayes.rhat", Severity: returns.Fail, Sentence: "R-hat is 2."}}}
	stands := fallBack(seriesOf(y), studentT, m, DefaultOptions(), failed, nil, nil, testStream(5))
	if text := fmt.Sprint(stands.Findings); stands.Method != Laplace || stands.Verdict() != Doubtful || !strings.Contains(text, "R-hat is 2.") {
		t.Errorf("method %s, verdict %s: %s", stands.Method, stands.Verdict(), text)
	}
	o := DefaultOptions()
	o.MinESS = 5e5 // NUTS's draws are now far below the limit
	o.Chains, o.Draws = 2, 200
	q, err := Fit(context.Background(), seriesOf(y), o, testStream(5), nil)
	if err != nil {
		t.Fatal(err)
	}
	attempts := 0
	for _, f := range q.Findings {
		if f.Code == "bayes.attempt" {
			attempts++
		}
	}
	if q.Verdict() != Unusable || attempts < 4 {
		t.Errorf("verdict %s with %d attempts told: %v", q.Verdict(), attempts, q.Findings)
	}
}

// The ladder ends at the first rung without divergence.
func TestFallbackSequence(t *testing.T) {
	// A narrow ridge: p(x) is N(0, 1), y | x is N(0, e^(2x)).
	m := &density{2, func(q, grad []float64) (float64, error) {
		s := math.Exp(-2 * q[0])
		grad[0] = -q[0]/1 + q[1]*q[1]*s - 1
		grad[1] = -q[1] * s
		return -q[0]*q[0]/2 - q[1]*q[1]*s/2 - q[0], nil
	}}
	o := DefaultOptions()
	p, err := SampleWith(context.Background(), m, o, testStream(3), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("attempts %d, divergences %d, verdict %s", p.Sampler.Attempts, p.Divergences(), p.Verdict())
	all := attemptSpecs
	defer func() { attemptSpecs = all }()
	attemptSpecs = attemptSpecs[:1]
	plain, err := SampleWith(context.Background(), m, o, testStream(3), nil)
	if err != nil {
		t.Fatal(err)
	}
	if flawless(plain) {
		t.Fatal("the first attempt is flawless: nothing to climb for")
	}
	if plain.Sampler.Attempts != 1 || !better(p, plain) {
		t.Errorf("attempt %d with %d divergences, without the ladder %d", p.Sampler.Attempts, p.Divergences(), plain.Divergences())
	}
}
