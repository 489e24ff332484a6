package bayes

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"

	"allocate/returns"
)

// LogPrior and the log density it belongs to: what is left is the likelihood, the
// sum of the days' log densities by gonum, up to one constant.
func TestLogDensityLessPriorIsLikelihood(t *testing.T) {
	rng := rand.New(rand.NewPCG(51, 51))
	y := simulateT(rng, 120, 0.002, 0.01, 5)
	for i := range 60 {
		y[2*i] = 0
	}
	for _, family := range builtIn {
		for _, nu := range []Prior{"gamma(2, 0.1)", "fixed(5)"} {
			o := DefaultOptions()
			o.PriorNu = nu
			m, err := family.New(seriesOf(y), o)
			if err != nil {
				t.Fatal(err)
			}
			var constant float64
			for round := range 30 {
				q := []float64{2 * rng.NormFloat64(), math.Log(0.01) + 0.3*rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()}[:m.Dim()]
				theta, grad := make([]float64, len(m.Names())), make([]float64, m.Dim())
				lp, err := m.LogDensity(q, grad)
				if err != nil {
					t.Fatal(err)
				}
				m.Constrain(q, theta)
				prior, jacobian := m.(PriorDensity).LogPrior(theta)
				want := 0.0
				for _, v := range y {
					switch {
					case family.Name == "normal":
						want += distuv.Normal{Mu: theta[0], Sigma: theta[1]}.LogProb(v)
					case family.Name == hurdleT.Name && v == 0:
						want += math.Log(1 - theta[3])
					case family.Name == hurdleSkewT.Name && v == 0:
						want += math.Log(1 - theta[4])
					case family.Name == hurdleSkewT.Name:
						want += math.Log(theta[4]) + jfLogDensity(theta, v)
					case family.Name == skewStudentT.Name:
						want += jfLogDensity(theta, v)
					case family.Name == hurdleT.Name:
						want += math.Log(theta[3]) + distuv.StudentsT{Mu: theta[0], Sigma: theta[1], Nu: theta[2]}.LogProb(v)
					default:
						want += distuv.StudentsT{Mu: theta[0], Sigma: theta[1], Nu: theta[2]}.LogProb(v)
					}
				}
				if d := lp - prior - jacobian - want; round == 0 {
					constant = d
				} else if math.Abs(d-constant) > 1e-8*(1+math.Abs(want)) {
					t.Fatalf("%s, %s: likelihood differs by %v, elsewhere by %v", family.Name, nu, d, constant)
				}
			}
		}
	}
}

// jfLogDensity is the log density of Jones and Faddy as they print it, with mean mu
// and scale sigma, from mu, sigma, nu and skew.
func jfLogDensity(theta []float64, y float64) float64 {
	mu, sigma, nu, skew := theta[0], theta[1], theta[2], theta[3]
	a, b := 1+(nu-2)*(1+skew)/2, 1+(nu-2)*(1-skew)/2
	g := func(x float64) float64 { return math.Gamma(x-0.5) / math.Gamma(x) }
	t := (y-mu)/sigma + (a-b)*math.Sqrt(a+b)/2*g(a)*g(b)
	r := t / math.Sqrt(a+b+t*t)
	return (a+0.5)*math.Log(1+r) + (b+0.5)*math.Log(1-r) - (a+b-1)*math.Ln2 - mathext.Lbeta(a, b) - math.Log(a+b)/2 - math.Log(sigma)
}

// The distance against the definition, integrals of logarithms, for two normals
// on a grid; and its bounds.
func TestDistanceCJS(t *testing.T) {
	const n = 4000
	for _, shift := range []float64{0.001, 0.05, 1} {
		x, w, order := make([]float64, n), make([]float64, n), make([]int, n)
		total := 0.0
		for i := range x {
			x[i], order[i] = distuv.UnitNormal.Quantile((float64(i)+0.5)/n), i
			w[i] = math.Exp(shift * x[i])
			total += w[i]
		}
		for i := range w {
			w[i] /= total
		}
		var want [2]float64
		for k, sign := range []float64{1, -1} {
			var divergence, bound float64
			const h = 0.001
			for v := x[0]; v < x[n-1]; v += h {
				p, q := distuv.UnitNormal.CDF(sign*v), distuv.UnitNormal.CDF(sign*(v-shift))
				m := (p + q) / 2
				divergence += h * (p*math.Log2(p/m) + q*math.Log2(q/m))
				bound += h * (p + q)
			}
			want[k] = math.Sqrt(divergence / bound)
		}
		if got := distanceCJS(x, order, w); math.Abs(got/max(want[0], want[1])-1) > 0.02 {
			t.Errorf("shift %v: distance %v, by integration %v", shift, got, want)
		}
	}
	if got := jensenShannon(1, 0); math.Abs(got-1) > 1e-12 {
		t.Errorf("distance of 1 and 0 is %v", got)
	}
	near, far := jensenShannon(0.5, 0.5*0.8182), jensenShannon(0.5, 0.5*0.8181)
	if math.Abs(near/far-1) > 2e-3 { // the series and the logarithms meet at t = 0.1
		t.Errorf("%v and %v on the two sides of the change of form", near, far)
	}
}

// The normal model with known answers: a prior that the data agree with does not
// matter, one that they contradict is in conflict, and one that they cannot
// overrule dominates.
func TestSensitivity(t *testing.T) {
	fit := func(n int, sharpe float64, prior Prior) *Posterior {
		rng := rand.New(rand.NewPCG(52, uint64(n)))
		y := make([]float64, n)
		for i := range y {
			y[i] = 0.01 * (sharpe/rootYear + rng.NormFloat64())
		}
		o := DefaultOptions()
		o.PriorSharpe = prior
		p, err := Fit(context.Background(), seriesOf(y), o, testStream(1), nil)
		if err != nil {
			t.Fatal(err)
		}
		round(t, p)
		return p
	}
	severity := func(p *Posterior) returns.Severity {
		for _, f := range p.Findings {
			if f.Code == codePriorConflict {
				return f.Severity
			}
		}
		return -1
	}
	agreed := fit(2520, 0.3, "normal(0, 5)")
	if mu := agreed.Sensitivity[0]; mu.Parameter != "mu" || !(mu.Prior < sensitive) || !(mu.Likelihood > sensitive) || severity(agreed) != -1 {
		t.Errorf("wide prior: %v, %v", agreed.Sensitivity, agreed.Findings)
	}
	conflicting := fit(1000, 0, "normal(6, 0.5)")
	if mu := conflicting.Sensitivity[0]; !(mu.Prior > sensitive) || !(mu.Likelihood > sensitive) || severity(conflicting) != returns.Warn {
		t.Errorf("contradicted prior: %v, %v", conflicting.Sensitivity, conflicting.Findings)
	}
	dominated := fit(60, 0, "normal(0, 0.02)")
	if mu := dominated.Sensitivity[0]; !(mu.Prior > sensitive) || !(mu.Likelihood < sensitive) {
		t.Errorf("narrow prior: %v", dominated.Sensitivity)
	}
}

// The prior that once overruled a Treasury bill is no longer silent: with a
// Normal(0, 1) on the Sharpe ratio the predictive sd is many times the real one,
// and the run is held.
func TestDominantPriorHoldsRun(t *testing.T) {
	o := DefaultOptions()
	o.PriorSharpe = "normal(0, 1)"
	p, err := Fit(context.Background(), seriesOf(column(t, "../../shared/data/faults/03_tbill.csv", "tbill")), o, testStream(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	if p.Verdict() != Unusable {
		t.Errorf("verdict %s: %v", p.Verdict(), p.Findings)
	}
}
