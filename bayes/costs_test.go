package bayes

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/diff/fd"
)

// fridays is a strategy that is in the market on Fridays and pays five basis
// points, give or take, to get out on Mondays.
func fridays(rng *rand.Rand, weeks int) []float64 {
	var y []float64
	for range weeks {
		y = append(y, -0.0005*(1+0.01*rng.NormFloat64()), 0, 0, 0)
		y = append(y, simulateT(rng, 1, 0.0007, 0.009, 4)...)
	}
	return y
}

// Days of costs would pull a Student-t of all days with a return into their
// spike; taken out, the model knows the mean of the strategy and its risk.
func TestCostsAreNotTrading(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	y := fridays(rng, 500)
	mean, square := 0.0, 0.0
	for _, r := range y {
		mean += r / float64(len(y))
		square += r * r / float64(len(y))
	}
	p, err := Fit(context.Background(), seriesOf(y), DefaultOptions(), testStream(3), nil)
	if err != nil {
		t.Fatal(err)
	}
	if p.Verdict() != OK || p.Index("cost") < 0 {
		t.Fatalf("verdict %s, parameters %v, %v", p.Verdict(), p.Names, p.Findings)
	}
	value := func(name string) Summary { return p.Summary[p.Index(name)] }
	if c := value("cost"); math.Abs(float64(c.Mean)+0.0005) > 1e-5 {
		t.Errorf("cost %v", c.Mean)
	}
	if c, q := value("p_cost"), value("p_trade"); math.Abs(float64(c.Mean)-0.25) > 0.03 || math.Abs(float64(q.Mean)-0.2) > 0.03 {
		t.Errorf("p_cost %v, p_trade %v; want a quarter and a fifth", c.Mean, q.Mean)
	}
	// The posterior of the annual mean is about the sample's, as wide as that of
	// a mean of that number of days.
	sharpe := value("sharpe")
	if want := mean / math.Sqrt(square-mean*mean) * math.Sqrt(252); math.Abs(float64(sharpe.Mean)-want) > 2*float64(sharpe.SD) || float64(sharpe.SD) < 0.2 || float64(sharpe.SD) > 0.45 {
		t.Errorf("Sharpe %v +- %v; the sample's is %.3f +- %.3f", sharpe.Mean, sharpe.SD, want, math.Sqrt(252/float64(len(y))))
	}
	if nu := value("nu"); nu.Q5 < 2.5 {
		t.Errorf("nu %v to %v: the Student-t collapsed onto the costs", nu.Q5, nu.Q95)
	}
}

func TestNoCostsWithoutASpike(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 24))
	for _, nu := range []float64{2.1, 3, 8, 100} {
		for range 20 {
			if s := findCosts(simulateT(rng, 1500, -0.0005, 0.01, nu)); s.low <= s.high {
				t.Errorf("nu %v: a spike from %v to %v was found where there is none", nu, s.low, s.high)
			}
		}
	}
}

func TestHurdleWithCosts(t *testing.T) {
	rng := rand.New(rand.NewPCG(25, 26))
	m, err := hurdleT.New(seriesOf(fridays(rng, 300)), DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	// Gradient by differences.
	for range 10 {
		q := []float64{rng.NormFloat64(), math.Log(0.01) + 0.3*rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()}
		grad, scratch := make([]float64, len(q)), make([]float64, len(q))
		if _, err := m.LogDensity(q, grad); err != nil {
			t.Fatal(err)
		}
		want := fd.Gradient(nil, func(x []float64) float64 {
			lp, err := m.LogDensity(x, scratch)
			if err != nil {
				t.Fatal(err)
			}
			return lp
		}, q, &fd.Settings{Formula: fd.Central})
		for i := range grad {
			if math.Abs(grad[i]-want[i]) > 1e-5*(1+math.Abs(want[i])) {
				t.Errorf("at %v: gradient %d is %v, by differences %v", q, i, grad[i], want[i])
			}
		}
	}
	// A path of many days has the distribution that the parameters say, and
	// rises with its innovations.
	theta := []float64{0.001, 0.01, 5, 0.2, 0, 0, 0.25, -0.0005}
	const n = 200000
	z := make([]float64, n)
	for i := range z {
		z[i] = -6 + 12*float64(i)/(n-1)
	}
	r := make([]float64, n)
	hurdleT.Predictor(nil).Path(theta, z, r)
	mass := map[float64]float64{}
	mean := 0.0
	for i, v := range r {
		weight := math.Exp(-z[i]*z[i]/2) / math.Sqrt(2*math.Pi) * 12 / (n - 1)
		mass[v] += weight
		mean += v * weight
		if i > 0 && v < r[i-1] {
			t.Fatalf("the path falls from %v to %v as z rises to %v", r[i-1], v, z[i])
		}
		if u, want := hurdleT.Predictor(nil).(Exchangeable).CDF(theta, v), 0.5*math.Erfc(-z[i]/math.Sqrt2); v != 0 && math.Abs(v+0.0005) > 0.0001 && math.Abs(u-want) > 1e-9 {
			t.Fatalf("CDF(%v) = %v, want %v", v, u, want)
		}
	}
	if math.Abs(mass[0]-0.6) > 1e-3 || math.Abs(mass[-0.0005]-0.2) > 1e-3 || math.Abs(mean-hurdleT.Predictor(nil).Mean(theta)) > 1e-6 {
		t.Errorf("P(0) = %v, P(cost) = %v, mean %v; want 0.6, 0.2, %v", mass[0], mass[-0.0005], mean, hurdleT.Predictor(nil).Mean(theta))
	}
}
