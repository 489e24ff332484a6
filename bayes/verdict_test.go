package bayes

import (
	"context"
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"allocate/returns"
)

// The severity of each finding about the sampler, on both sides of its limits.
func TestJudge(t *testing.T) {
	const quiet = returns.Severity(-1)
	made := func(change func(p *Posterior)) *Posterior {
		p := &Posterior{Method: NUTS, Names: []string{"x"}, Chains: 4, Draws: 100, Summary: []Summary{{Name: "x", SD: 1, RHat: 1, ESSBulk: 400, ESSTail: 400}}}
		p.Sampler.Depth, p.Sampler.Divergent, p.Sampler.EBFMI = make([]int64, 400), make([]int64, 400), []float64{1, 1, 1, 1}
		change(p)
		return p
	}
	deep := func(n int) func(p *Posterior) {
		return func(p *Posterior) {
			for i := range n {
				p.Sampler.Depth[i] = 10
			}
		}
	}
	for _, c := range []struct {
		code   string
		change func(p *Posterior)
		want   returns.Severity
	}{
		{"bayes.tree_depth", deep(4), quiet},
		{"bayes.tree_depth", deep(5), returns.Warn},
		{"bayes.tree_depth", deep(200), returns.Warn},
		{"bayes.tree_depth", deep(201), returns.Fail},
		{"bayes.ebfmi", func(p *Posterior) { p.Sampler.EBFMI[2] = 0.31 }, quiet},
		{"bayes.ebfmi", func(p *Posterior) { p.Sampler.EBFMI[2] = 0.29 }, returns.Warn},
		{"bayes.ebfmi", func(p *Posterior) { p.Sampler.EBFMI[2] = 0.09 }, returns.Fail},
		{codeNonFinite, func(p *Posterior) {}, quiet},
		{codeNonFinite, func(p *Posterior) { p.Sampler.NonFinite = 1 }, returns.Warn}, // of 400 draws more than 0.1%
		{codeNonFinite, func(p *Posterior) { p.Sampler.NonFinite = 21 }, returns.Fail},
		{codeRelocated, func(p *Posterior) { p.Sampler.Relocated = 1 }, returns.Info},
		{codeRelocated, func(p *Posterior) { p.Sampler.Relocated = 2 }, returns.Warn},
		{"bayes.rhat", func(p *Posterior) { p.Summary[0].RHat = 1.02 }, returns.Warn},
		{"bayes.rhat", func(p *Posterior) { p.Summary[0].RHat = 1.06 }, returns.Fail},
	} {
		got := quiet
		for _, f := range judge(made(c.change), DefaultOptions()) {
			if f.Code == c.code {
				got = f.Severity
			}
		}
		if got != c.want {
			t.Errorf("%s is %v, want %v", c.code, got, c.want)
		}
	}
}

// The point between two equal normals has no gradient and is no mode: the climb
// goes on to one of them. Chains start at both.
func TestSaddleIsNoMode(t *testing.T) {
	a := bimodal("", mustFlag, 0.5, -4, 1, 4, 1)
	l := newLaplace(a, []float64{0}, newtonSteps)
	if l == nil || math.Abs(math.Abs(l.at[0])-4) > 1e-3 {
		t.Fatalf("from the saddle to %+v", l)
	}
	start := searchModes(a, DefaultOptions(), testStream(1)).start(a, 4, "", testStream(1))
	left, right := 0, 0
	for _, q := range start.Points {
		if math.Abs(q[0]+4) < math.Abs(q[0]-4) {
			left++
		} else {
			right++
		}
	}
	if left == 0 || right == 0 {
		t.Errorf("the chains start at %v", start.Points)
	}
}

// Every gradient is counted, those of the search, of the check and of all
// attempts; the budget ends the attempts with a finding and the best of them.
func TestGradientsAreCounted(t *testing.T) {
	m := &counted{Model: &adversary{dim: 2, f: func(q, grad []float64) (float64, error) { // a ridge: N(0, 1), N(0, e^(2x))
		s := math.Exp(-2 * q[0])
		grad[0], grad[1] = -q[0]+q[1]*q[1]*s-1, -q[1]*s
		return -q[0]*q[0]/2 - q[1]*q[1]*s/2 - q[0], nil
	}}}
	o := DefaultOptions()
	o.MinESS = 1e5 // never reached, so that all attempts are made
	p, err := SampleWith(context.Background(), m, o, testStream(3), nil)
	if err != nil {
		t.Fatal(err)
	}
	if p.Sampler.Gradients != m.n {
		t.Errorf("%d gradients counted, %d evaluated", p.Sampler.Gradients, m.n)
	}
	all := m.n
	m.n, o.MaxGradients = 0, all/2
	if p, err = SampleWith(context.Background(), m, o, testStream(3), nil); err != nil {
		t.Fatal(err)
	}
	if !has(p, codeBudget) || m.n > o.MaxGradients || p.Len() == 0 {
		t.Errorf("budget %d, %d evaluated, %d draws: %v", o.MaxGradients, m.n, p.Len(), p.Findings)
	}
}

// More care does not help where the density is not finite: one attempt is made.
func TestNonFiniteIsNotEscalated(t *testing.T) {
	for _, a := range adversaries() {
		if a.name != "NaN above 1" {
			continue
		}
		p, err := SampleWith(context.Background(), a, DefaultOptions(), testStream(1), nil)
		if err != nil {
			t.Fatal(err)
		}
		if p.Sampler.Gradients > 200_000 || !has(p, codeNonFinite) || has(p, "bayes.divergent") {
			t.Errorf("%d gradients: %v", p.Sampler.Gradients, p.Findings)
		}
	}
}

// The prior that LogPrior states, against gonum's densities.
func TestLogPriorAgainstGonum(t *testing.T) {
	m, err := newStudentT(newDays(benchmarkReturns(100), nil), DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	var constant float64
	for i, q := range [][]float64{{0, -4.6, 1}, {2, -4, 0.3}, {-1, -5.5, 2.5}} {
		var theta [5]float64
		m.Constrain(q, theta[:])
		want := distuv.StudentsT{Mu: 0, Sigma: 0.7, Nu: 3}.LogProb(theta[4]) +
			distuv.Normal{Mu: m.robust, Sigma: 1}.LogProb(math.Log(theta[3])) +
			distuv.Gamma{Alpha: 2, Beta: 0.1}.LogProb(theta[2]-2)
		got, _ := m.LogPrior(theta[:])
		if i == 0 {
			constant = got - want
		} else if math.Abs(got-want-constant) > 1e-9 {
			t.Errorf("at %v: log prior %v, by gonum %v", theta, got, want+constant)
		}
	}
}
