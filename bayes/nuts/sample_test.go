package nuts_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"allocate/bayes/mcmc"
	"allocate/bayes/nuts"
	"gonum.org/v1/gonum/mat"
)

func free(logp func(q, grad []float64) float64, names ...string) *model {
	return &model{params: names, logp: logp}
}

// gaussian has the given mean and covariance.
func gaussian(t *testing.T, mean []float64, sigma *mat.SymDense) *model {
	var chol mat.Cholesky
	if !chol.Factorize(sigma) {
		t.Fatal("not positive definite")
	}
	var precision mat.SymDense
	if err := chol.InverseTo(&precision); err != nil {
		t.Fatal(err)
	}
	names := []string{"a", "b", "c", "d", "e", "f"}[:len(mean)]
	return free(func(q, grad []float64) float64 {
		var lp float64
		for i := range q {
			grad[i] = 0
			for j, x := range q {
				grad[i] -= precision.At(i, j) * (x - mean[j])
			}
			lp += grad[i] * (q[i] - mean[i]) / 2
		}
		return lp
	}, names...)
}

func TestGaussian(t *testing.T) {
	mean := []float64{10, -3, 0}
	sigma := mat.NewSymDense(3, []float64{1e-4, 0.0045, 0, 0.0045, 0.25, -2, 0, -2, 100})
	m := gaussian(t, mean, sigma)
	for _, kind := range []nuts.MetricKind{nuts.MetricDense, nuts.MetricDiagonal} {
		o := nuts.DefaultOptions()
		o.Metric = kind
		r := sample(t, m, 11, o, nil)
		for i := range mean {
			s := mcmc.Summarize(r.Chains(i))
			if z := math.Abs(s.Mean-mean[i]) / s.MCSEMean; z > 4 {
				t.Errorf("%s: mean %d is %g, want %g (%.1f standard errors)", kind, i, s.Mean, mean[i], z)
			}
			if sd := math.Sqrt(sigma.At(i, i)); math.Abs(s.SD-sd) > 4*s.MCSESD {
				t.Errorf("%s: sd %d is %g ± %g, want %g", kind, i, s.SD, s.MCSESD, sd)
			}
			if s.RHat > 1.01 {
				t.Errorf("%s: R̂ %g", kind, s.RHat)
			}
		}
		if kind == nuts.MetricDiagonal {
			continue
		}
		for i := range mean {
			for j := range mean {
				scale := math.Sqrt(sigma.At(i, i) * sigma.At(j, j))
				if math.Abs(r.Covariance.At(i, j)-sigma.At(i, j)) > 1e-6*scale {
					t.Errorf("metric (%d, %d) is %g, want %g", i, j, r.Covariance.At(i, j), sigma.At(i, j))
				}
			}
		}
		if r.WarmupIterations != 100 {
			t.Errorf("a Gaussian took %d warm-up iterations", r.WarmupIterations)
		}
	}
}

// TestQuadrature compares a skewed, short-tailed density with its integrals.
func TestQuadrature(t *testing.T) {
	logp := func(x float64) float64 { return -x*x*x*x/4 + x*x*x/3 + x }
	m := free(func(q, grad []float64) float64 {
		x := q[0]
		grad[0] = -x*x*x + x*x + 1
		return logp(x)
	}, "x")
	var z, m1, m2 float64
	for x := -8.0; x <= 8; x += 1e-3 {
		w := math.Exp(logp(x))
		z, m1, m2 = z+w, m1+w*x, m2+w*x*x
	}
	mean := m1 / z
	sd := math.Sqrt(m2/z - mean*mean)
	o := nuts.DefaultOptions()
	o.Draws = 10000
	s := mcmc.Summarize(sample(t, m, 3, o, nil).Chains(0))
	if math.Abs(s.Mean-mean) > 4*s.MCSEMean || math.Abs(s.SD-sd) > 4*s.MCSESD {
		t.Errorf("mean %g ± %g, want %g; sd %g ± %g, want %g", s.Mean, s.MCSEMean, mean, s.SD, s.MCSESD, sd)
	}
}

// TestInvariance starts many chains from exact draws of a density that is
// neither Gaussian nor symmetric, makes a few transitions without adaptation,
// and compares with that density by the Kolmogorov-Smirnov statistic.
func TestInvariance(t *testing.T) {
	// a: logistic; b: Gumbel, shifted by a/2.
	m := free(func(q, grad []float64) float64 {
		a, b := q[0], q[1]-q[0]/2
		e := math.Exp(-b)
		da, db := -math.Tanh(a/2), e-1
		grad[0], grad[1] = da-db/2, db
		return -a - 2*math.Log1p(math.Exp(-a)) - b - e
	}, "a", "b")
	const n = 20000
	rng := rand.New(rand.NewPCG(8, 15))
	points := make([][]float64, n)
	for i := range points {
		u := rng.Float64()
		a := math.Log(u / (1 - u))
		points[i] = []float64{a, a/2 - math.Log(-math.Log(rng.Float64()))}
	}
	sigma := mat.NewSymDense(2, []float64{2, 0.8, 0.8, 1.5})
	for _, depth := range []int{1, 3, 10} {
		if testing.Short() && depth == 3 {
			continue
		}
		for _, step := range []float64{0.3, 1.2} {
			o := nuts.DefaultOptions()
			o.Chains, o.Warmup, o.MinWarmup, o.Draws, o.MaxDepth = n, 0, 0, 3, depth
			r := sample(t, m, uint64(depth), o, &nuts.Start{Points: points, Covariance: sigma, Step: step})
			var as, bs []float64
			for _, d := range r.Draws {
				a := d[len(d)-2]
				b := d[len(d)-1] - a/2
				as = append(as, 1/(1+math.Exp(-a)))
				bs = append(bs, math.Exp(-math.Exp(-b)))
			}
			for name, u := range map[string][]float64{"logistic": as, "gumbel": bs} {
				// P(√n D > 2.2) < 1.3e-4.
				if d := ks(u) * math.Sqrt(n); d > 2.2 {
					t.Errorf("depth %d, step %g, %s: √n·KS = %.2f", depth, step, name, d)
				}
			}
		}
	}
}

// ks is the Kolmogorov-Smirnov distance from Uniform(0, 1).
func ks(u []float64) (d float64) {
	slices.Sort(u)
	n := float64(len(u))
	for i, v := range u {
		d = max(d, v-float64(i)/n, float64(i+1)/n-v)
	}
	return d
}

func TestFunnelDiverges(t *testing.T) {
	m := free(func(q, grad []float64) float64 { // Neal's funnel, centered
		v := q[0]
		e := math.Exp(-v)
		lp := -v * v / 18
		grad[0] = -v / 9
		for i, x := range q[1:] {
			lp -= x*x*e/2 + v/2
			grad[0] += x*x*e/2 - 0.5
			grad[i+1] = -x * e
		}
		return lp
	}, "v", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9")
	if n := sample(t, m, 2, nuts.DefaultOptions(), nil).Divergences(); n == 0 {
		t.Error("a centered funnel without a divergence")
	}
}

func TestSameBytesInParallel(t *testing.T) {
	m := free(func(q, grad []float64) float64 {
		grad[0], grad[1] = -math.Tanh(q[0]), -q[1]
		return -math.Log(math.Cosh(q[0])) - q[1]*q[1]/2
	}, "a", "b")
	o := nuts.DefaultOptions()
	want := sample(t, m, 5, o, nil)
	o.Parallel = true
	if got := sample(t, m, 5, o, nil); !reflect.DeepEqual(got, want) {
		t.Error("parallel chains differ from sequential ones")
	}
	if other := sample(t, m, 6, o, nil); reflect.DeepEqual(other.Draws, want.Draws) {
		t.Error("another seed gave the same draws")
	}
	if reflect.DeepEqual(want.Draws[0], want.Draws[1]) {
		t.Error("two chains are the same")
	}
	total := want.WarmupLeapfrogs
	for _, s := range want.Stats {
		for _, n := range s.Leapfrogs {
			total += n
		}
	}
	if total != want.Gradients {
		t.Errorf("%d gradients, the parts sum to %d", want.Gradients, total)
	}
}

// failing is a standard normal that calls fail first.
type failing struct {
	fail func(q []float64) (float64, error)
}

func (failing) Dim() int { return 2 }

func (f failing) LogDensity(q, grad []float64) (float64, error) {
	grad[0], grad[1] = -q[0], -q[1]
	if v, err := f.fail(q); v != 0 || err != nil {
		return v, err
	}
	return -(q[0]*q[0] + q[1]*q[1]) / 2, nil
}

func TestErrors(t *testing.T) {
	boom := errors.New("boom")
	run := func(ctx context.Context, f func(q []float64) (float64, error), start *nuts.Start) (*nuts.Result, error) {
		return nuts.Sample(ctx, func(int) (nuts.Density, error) { return failing{f}, nil },
			[]string{"mu", "log_sd"}, source(1), start, nuts.DefaultOptions(), nil)
	}
	wantText := func(err error, parts ...string) {
		t.Helper()
		if err == nil {
			t.Fatal("no error")
		}
		for _, p := range parts {
			if !strings.Contains(err.Error(), p) {
				t.Errorf("error %q does not mention %q", err, p)
			}
		}
	}
	ctx := context.Background()

	_, err := run(ctx, func(q []float64) (float64, error) {
		if q[0] > 2.5 {
			return 0, boom
		}
		return 0, nil
	}, nil)
	wantText(err, "chain", "mu=", "log_sd=", "boom")
	var at *nuts.PointError
	if !errors.Is(err, boom) || !errors.As(err, &at) || !(at.Point[0] > 2.5) {
		t.Errorf("error %#v does not carry its point and cause", err)
	}

	_, err = run(ctx, func([]float64) (float64, error) { return math.NaN(), nil }, nil)
	wantText(err, "no usable starting point in 100 tries", "mu=", "log_sd=", "NaN")
	_, err = run(ctx, func([]float64) (float64, error) { return 0, fmt.Errorf("outside: %w", nuts.ErrRecoverable) }, nil)
	wantText(err, "outside")
	_, err = run(ctx, func([]float64) (float64, error) { return math.Inf(-1), nil },
		&nuts.Start{Points: [][]float64{{1, 2}, {1, 2}, {1, 2}, {1, 2}}})
	wantText(err, "given starting point mu=1, log_sd=2", "-Inf")
	_, err = run(ctx, nil, &nuts.Start{Points: [][]float64{{1}}, Covariance: mat.NewSymDense(1, nil)})
	wantText(err, "1 points for 4 chains", "point 0 has 1", "covariance has order 1")

	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err = run(cancelled, func([]float64) (float64, error) { return 0, nil }, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled run: %v", err)
	}

	// A flat density is improper.
	flat := free(func(q, grad []float64) float64 { grad[0] = 0; return 0 }, "x")
	_, err = nuts.Sample(ctx, func(int) (nuts.Density, error) { return flat, nil }, flat.params, source(1), nil, nuts.DefaultOptions(), nil)
	wantText(err, "improper")

	o := nuts.Options{Chains: 0, Warmup: 10, TargetAccept: 2, Metric: "round"}
	wantText(o.Validate(), "chains", "warmup", "target_accept", "metric", "max_depth", "max_step")
	if err := nuts.DefaultOptions().Validate(); err != nil {
		t.Error(err)
	}
}

// TestRejectedRegion truncates a normal by errors, by NaN and by -Inf; all are
// rejections, and the draws follow the half normal.
func TestRejectedRegion(t *testing.T) {
	for name, f := range map[string]func() (float64, error){
		"error": func() (float64, error) { return 0, nuts.ErrRecoverable },
		"NaN":   func() (float64, error) { return math.NaN(), nil },
		"-Inf":  func() (float64, error) { return math.Inf(-1), nil },
	} {
		d := failing{func(q []float64) (float64, error) {
			if q[0] < 0 {
				return f()
			}
			return 0, nil
		}}
		r, err := nuts.Sample(context.Background(), func(int) (nuts.Density, error) { return d, nil },
			[]string{"a", "b"}, source(4), nil, nuts.DefaultOptions(), nil)
		if err != nil {
			t.Fatal(err)
		}
		s := mcmc.Summarize(r.Chains(0))
		if want := math.Sqrt(2 / math.Pi); math.Abs(s.Mean-want) > 5*s.MCSEMean {
			t.Errorf("%s: mean %g ± %g, want %g", name, s.Mean, s.MCSEMean, want)
		}
	}
}

func TestObserver(t *testing.T) {
	m := free(func(q, grad []float64) float64 { grad[0] = -q[0]; return -q[0] * q[0] / 2 }, "x")
	var seen []nuts.Progress
	r, err := nuts.Sample(context.Background(), func(int) (nuts.Density, error) { return m, nil }, m.params, source(1),
		nil, nuts.DefaultOptions(), func(p nuts.Progress) { seen = append(seen, p) })
	if err != nil {
		t.Fatal(err)
	}
	total := r.WarmupIterations + 1000
	if want := 4 * (total / 50); len(seen) != want {
		t.Errorf("%d reports, want %d", len(seen), want)
	}
	last := seen[len(seen)-1]
	if last.Chain != 3 || last.Iteration != total || last.Total != total || last.Warmup || last.Step != r.StepSize {
		t.Errorf("last report %+v", last)
	}
}

func ExampleSample() {
	// A standard normal in one dimension.
	m := free(func(q, grad []float64) float64 { grad[0] = -q[0]; return -q[0] * q[0] / 2 }, "x")
	r, err := nuts.Sample(context.Background(),
		func(int) (nuts.Density, error) { return m, nil }, []string{"x"},
		func(chain int) rand.Source { return rand.NewPCG(1, uint64(chain)) },
		nil, nuts.DefaultOptions(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(r.Draws), "chains of", len(r.Draws[0]), "draws,", r.Divergences(), "divergent")
	// Output: 4 chains of 1000 draws, 0 divergent
}

// The warm-up meets its target: over 20 runs of a target that is not Gaussian
// the mean acceptance statistic is the target to 0.03. (Steps that swing while
// they are averaged would leave it 0.05 above.)
func TestTargetIsMet(t *testing.T) {
	m := free(func(q, grad []float64) float64 {
		var lp float64
		for i, x := range q {
			lp -= x * x * x * x / 4
			grad[i] = -x * x * x
			if i > 0 {
				u := x - q[i-1]
				lp -= u * u / 2
				grad[i] -= u
				grad[i-1] += u
			}
		}
		return lp
	}, "a", "b", "c", "d")
	for _, target := range []float64{0.7, 0.8, 0.9} {
		o := nuts.DefaultOptions()
		o.TargetAccept, o.Draws = target, 200
		mean := 0.0
		const runs = 20
		for seed := range uint64(runs) {
			r := sample(t, m, seed, o, nil)
			for _, s := range r.Stats {
				for _, a := range s.AcceptStat {
					mean += a / float64(runs*o.Chains*o.Draws)
				}
			}
		}
		if math.Abs(mean-target) > 0.03 {
			t.Errorf("target %v: mean acceptance %.3f", target, mean)
		}
	}
}

// Points without a finite density end trajectories and are counted, the first
// of them kept; they are no divergences.
func TestNonFiniteIsNoDivergence(t *testing.T) {
	for name, outside := range map[string]float64{"NaN": math.NaN(), "-Inf": math.Inf(-1), "+Inf": math.Inf(1)} {
		r := sample(t, &model{[]string{"x"}, func(q, grad []float64) float64 {
			grad[0] = -q[0]
			if q[0] > 1 {
				return outside
			}
			return -q[0] * q[0] / 2
		}}, 4, nuts.DefaultOptions(), nil)
		count := 0
		for _, s := range r.Stats {
			for _, bad := range s.NonFinite {
				if bad {
					count++
				}
			}
		}
		if r.Divergences() > 0 || count < 100 || r.FirstNonFinite == nil || !(r.FirstNonFinite[0] > 1) {
			t.Errorf("%s: %d divergences, %d draws at a density that is not finite, the first at %v", name, r.Divergences(), count, r.FirstNonFinite)
		}
	}
}

// A budget ends a run with the same draws as without it, only fewer, and is not
// exceeded; a smaller one ends it without.
func TestBudget(t *testing.T) {
	normal := &model{[]string{"x", "y"}, func(q, grad []float64) float64 {
		grad[0], grad[1] = -q[0], -q[1]/100
		return -q[0]*q[0]/2 - q[1]*q[1]/200
	}}
	o := nuts.DefaultOptions()
	whole := sample(t, normal, 3, o, nil)
	o.MaxDepth, o.MaxGradients = 6, whole.Gradients*2/3
	part := sample(t, normal, 3, o, nil)
	if n := len(part.Draws[0]) / 2; n < nuts.MinDraws || n >= o.Draws || part.Gradients > o.MaxGradients || part.Gradients < o.MaxGradients*9/10 {
		t.Errorf("%d draws, %d gradients of %d", n, part.Gradients, o.MaxGradients)
	}
	for c := range part.Draws {
		if len(part.Draws[c]) != len(part.Draws[0]) || len(part.Stats[c].Energy) != len(part.Draws[0])/2 {
			t.Errorf("chain %d has %d numbers", c, len(part.Draws[c]))
		}
		for i, v := range part.Draws[c] {
			if v != whole.Draws[c][i] {
				t.Fatalf("draw %d of chain %d differs", i/2, c)
			}
		}
	}
	for _, budget := range []int{1000, whole.WarmupLeapfrogs + 600} {
		o.MaxGradients = budget
		_, err := nuts.Sample(context.Background(), func(int) (nuts.Density, error) { return normal, nil }, normal.params, source(3), nil, o, nil)
		if !errors.Is(err, nuts.ErrBudget) {
			t.Errorf("budget of %d: error %v", budget, err)
		}
	}
}
