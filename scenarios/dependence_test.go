package scenarios

import (
	"context"
	"math"
	"math/rand/v2"
	"sort"
	"testing"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

func inLine(n int, f func(i int)) error {
	for i := range n {
		f(i)
	}
	return nil
}

// lowerTail returns the share of a's worst q that are b's worst q, too.
func lowerTail(a, b []float64, q float64) float64 {
	cut := func(v []float64) float64 {
		s := append([]float64(nil), v...)
		sort.Float64s(s)
		return s[int(q*float64(len(s)))]
	}
	x, y, both := cut(a), cut(b), 0
	for i := range a {
		if a[i] < x && b[i] < y {
			both++
		}
	}
	return float64(both) / (q * float64(len(a)))
}

// The truth has rho 0.5 and nu 3. Scenarios of the t copula and of history's
// ranks must have its rank correlation and its joint extremes; a Gaussian
// copula has the first only.
func TestTailDependenceIsRecovered(t *testing.T) {
	if testing.Short() {
		t.Skip("joint extremes need hundreds of thousands of days; TestDegreesOfFreedomAreRecovered fits nu")
	}
	const rho, nu, q = 0.5, 3, 0.01
	truth := simulated(t, 2, 400000, nu, rho)
	want := lowerTail(truth[0].Series.Returns, truth[1].Series.Returns, q) // standard error 0.008
	for _, s := range truth {
		s.Series.Returns, s.Series.Dates = s.Series.Returns[:8000], s.Series.Dates[:8000]
	}
	tau := 2 / math.Pi * math.Asin(rho) // of any elliptical copula
	for _, c := range []struct {
		kind      string
		low, high float64
	}{{TCopula, want - 0.07, want + 0.07}, {Empirical, want - 0.1, want + 0.1}, {Gaussian, 0, want - 0.1}} {
		o := options(1, 40000)
		o.Dependence = c.kind
		set := generate(t, truth, o, 2)
		a, b := column(set, 0), column(set, 1)
		// Standard errors: 0.008 from 8,000 days, 0.01 from 5,000 scenarios.
		if got := stat.Kendall(a[:5000], b[:5000], nil); math.Abs(got-tau) > 0.04 {
			t.Errorf("%s: Kendall's tau %.3f, want %.3f", c.kind, got, tau)
		}
		// Standard errors: 0.02 from 400 extreme scenarios, 0.05 from 80 extreme days.
		if got := lowerTail(a, b, q); got < c.low || got > c.high {
			t.Errorf("%s: %.3f of joint extremes, want %.3f to %.3f (truth %.3f)", c.kind, got, c.low, c.high, want)
		}
	}
}

// nu is recovered within its draws' own spread, and what is Gaussian is seen
// to be.
func TestDegreesOfFreedomAreRecovered(t *testing.T) {
	for _, nu := range []float64{3, 8} {
		s := simulated(t, 8, 3000, nu, 0.4)
		d, _, err := newDependence(s, TCopula, stream(3), inLine)
		if err != nil {
			t.Fatal(err)
		}
		if low, high := d.t.quantile(0.01), d.t.quantile(0.99); nu < low/1.1 || nu > high*1.1 || high == low || high/low > 2.5 {
			t.Errorf("nu %v: draws within %.2f and %.2f", nu, low, high)
		}
	}
	a, b := correlated(4000, 0.5)
	one := [][3]float64{{0, 0.01, 5}}
	d, _, err := newDependence([]Strategy{fixed(t, "a", a, one), fixed(t, "b", b, one)}, TCopula, stream(3), inLine)
	if err != nil {
		t.Fatal(err)
	}
	if m := d.t.mean(); m < 15 {
		t.Errorf("of Gaussian days nu is %.1f", m)
	}
}

// Strategies that share no day give no reason for joint extremes, and what is
// reported of them is finite.
func TestNoCommonDays(t *testing.T) {
	a, b := correlated(300, 0.5)
	one := [][3]float64{{0, 0.01, 5}}
	s := []Strategy{fixed(t, "a", a, one), fixed(t, "b", b, one)}
	for i := range s[1].Series.Dates {
		s[1].Series.Dates[i] += 300
	}
	for _, kind := range dependences {
		if testing.Short() && kind != TCopula && kind != DCC {
			continue
		}
		o := options(1, 20000)
		o.Dependence = kind
		set, findings, err := Generate(t.Context(), 0, s, o, stream(5), 2, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := set.Table(findings); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if r := stat.Kendall(column(set, 0)[:5000], column(set, 1)[:5000], nil); math.Abs(r) > 0.03 {
			t.Errorf("%s: Kendall's tau %.3f", kind, r)
		}
		if got := lowerTail(column(set, 0), column(set, 1), 0.01); got > 0.06 {
			t.Errorf("%s: %.3f of joint extremes", kind, got)
		}
	}
}

// Normal scores of a t copula are less correlated than its rho says; the
// reference is simulated, with a standard error of 0.0016.
func TestAttenuationIsInverted(t *testing.T) {
	const nu, n = 2.5, 400000
	for _, rho := range []float64{-0.3, 0.6, 0.95} {
		rng := rand.New(rand.NewPCG(7, 7))
		m := mapFor(nu)
		a, b := make([]float64, n), make([]float64, n)
		for i := range a {
			x, y, g := rng.NormFloat64(), rng.NormFloat64(), math.Sqrt(nu/chiSquare(rng, nu))
			a[i], b[i] = m.normal(g*x), m.normal(g*(rho*x+math.Sqrt(1-rho*rho)*y))
		}
		r := stat.Correlation(a, b, nil)
		if got := invertOdd(mapFor(nu).scores(), r); math.Abs(got-rho) > 0.006 {
			t.Errorf("rho %v: scores correlate by %.4f, which becomes %.4f", rho, r, got)
		}
	}
}

// The newPairs products against a plain loop over the common days.
func TestPairsSkipMissingDays(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	score := make([][]float64, 4)
	for i := range score {
		score[i] = make([]float64, 300)
		for k := range score[i] {
			score[i][k] = rng.NormFloat64()
			if i > 0 {
				score[i][k] += 0.5 * score[0][k]
			}
		}
	}
	for i := range score {
		for k := range score[i] {
			if k < 40*i || rng.Float64() < 0.05 {
				score[i][k] = math.NaN()
			}
		}
	}
	p := newPairs(score)
	for i := range score {
		for j := range i {
			var a, b []float64
			for k := range score[i] {
				if !math.IsNaN(score[i][k] + score[j][k]) {
					a, b = append(a, score[i][k]), append(b, score[j][k])
				}
			}
			if want := stat.Correlation(a, b, nil); math.Abs(p.rho.At(i, j)-want) > 1e-12 || int(p.days.At(i, j)) != len(a) {
				t.Errorf("%d, %d: %v over %v days, want %v over %d", i, j, p.rho.At(i, j), p.days.At(i, j), want, len(a))
			}
		}
	}
}

func TestShrinkageOfUncertainCorrelations(t *testing.T) {
	n := 6
	p := pairs{mat.NewSymDense(n, nil), mat.NewSymDense(n, nil)}
	rng := rand.New(rand.NewPCG(3, 3))
	for i := range n {
		for j := i; j < n; j++ {
			p.rho.SetSym(i, j, 0.3+0.2*rng.Float64())
			p.days.SetSym(i, j, 2000)
		}
	}
	p.rho.SetSym(0, 1, 0.9) // well known
	p.rho.SetSym(2, 3, 0.9)
	p.days.SetSym(2, 3, 61) // hardly known
	p.days.SetSym(4, 5, 10) // too few days
	p.rho.SetSym(4, 5, -0.8)
	r, _, _ := p.complete(true)
	if r.At(0, 1) < 0.899 || r.At(2, 3) > r.At(0, 1) || r.At(4, 5) < 0 || r.At(4, 5) > 0.6 {
		t.Errorf("0.9 over 2000 days became %.4f, over 61 days %.4f; -0.8 over 10 days %.4f", r.At(0, 1), r.At(2, 3), r.At(4, 5))
	}
}

// Of a chain 0 - 1 - 2 the ends, which share no day, are correlated by the
// product of the links; without links, by the mean of all.
func TestUnknownCorrelationIsImplied(t *testing.T) {
	p := pairs{mat.NewSymDense(3, []float64{1, 0.9, 0, 0.9, 1, 0.5, 0, 0.5, 1}), mat.NewSymDense(3, []float64{4e6, 4e6, 0, 4e6, 8e6, 4e6, 0, 4e6, 4e6})}
	r, _, _ := p.complete(true)
	if math.Abs(r.At(0, 2)-0.45) > 1e-4 {
		t.Errorf("0 and 2 are given %.4f, want 0.45", r.At(0, 2))
	}
	p.days.SetSym(1, 2, 3)
	if r, _, mean := p.complete(true); r.At(0, 2) != mean || math.Abs(mean-0.9) > 1e-12 {
		t.Errorf("0 and 2 are given %.4f, mean %.4f, want 0.9", r.At(0, 2), mean)
	}
}

// One factor with given loadings is found again, and mixing by it has the
// loadings' correlation.
func TestFactorsAreFound(t *testing.T) {
	const n = mostFull + 1
	r := mat.NewSymDense(n, nil)
	b := make([]float64, n)
	for i := range b {
		b[i] = 0.3 + 0.6*float64(i)/n
	}
	for i := range b {
		r.SetSym(i, i, 1)
		for j := i + 1; j < n; j++ {
			r.SetSym(i, j, b[i]*b[j])
		}
	}
	m, err := newMixer(r, 2500)
	if err != nil || m.factors() != 1 {
		t.Fatalf("%d factors, %v", m.factors(), err)
	}
	for i := range b {
		if got := math.Abs(m.loadings.Data[i]); math.Abs(got-b[i]) > 0.01 {
			t.Errorf("loading %d is %.3f, want %.3f", i, got, b[i])
		}
	}
	const days = 20000
	rng := rand.New(rand.NewPCG(1, 9))
	y, f := general(n, days), general(1, days)
	for _, g := range []blas64.General{y, f} {
		for i := range g.Data {
			g.Data[i] = rng.NormFloat64()
		}
	}
	m.mix(y, f, 0, days)
	last := y.Data[(n-1)*days : n*days]
	if got, want := stat.Correlation(y.Data[:days], last, nil), b[0]*b[n-1]; math.Abs(got-want) > 0.03 {
		t.Errorf("mixed rows correlate by %.3f, want %.3f", got, want)
	}
	if v := stat.Variance(last, nil); math.Abs(v-1) > 0.04 {
		t.Errorf("mixed rows have variance %.3f", v)
	}
}

// More strategies than mostFull: the report says so, and dependence is kept.
func TestManyStrategiesUseFactors(t *testing.T) {
	days, count := 1000, 4000
	if testing.Short() {
		days, count = 500, 2000
	}
	s := simulated(t, mostFull+10, days, 5, 0.4)
	o := options(1, count)
	o.Dependence = TCopula
	set, findings, err := Generate(context.Background(), 0, s, o, stream(1), 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	said := false
	for _, f := range findings {
		said = said || f.Code == "scenarios.factors"
	}
	if !said {
		t.Error("no finding says that factors are used")
	}
	if got, want := stat.Kendall(column(set, 0), column(set, mostFull+9), nil), 2/math.Pi*math.Asin(0.4); math.Abs(got-want) > 0.06 {
		t.Errorf("Kendall's tau %.3f, want %.3f", got, want)
	}
}

// Errors of estimates from one year within twenty are hardly correlated.
func TestEstimationErrorsOfOverlappingHistories(t *testing.T) {
	p := pairs{mat.NewSymDense(2, []float64{1, 0.8, 0.8, 1}), mat.NewSymDense(2, []float64{5000, 200, 200, 200})}
	if got, want := p.ofErrors(p.rho).At(0, 1), 0.8*math.Sqrt(200.0/5000); math.Abs(got-want) > 1e-12 {
		t.Errorf("%v, want %v", got, want)
	}
}

// Turbulent days follow turbulent days, for both strategies together.
func TestEmpiricalKeepsClustering(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 4))
	var a, b []float64
	v := 0.0
	for range 6000 {
		v = 0.97*v + 0.25*rng.NormFloat64()
		a, b = append(a, 0.01*math.Exp(v/2)*rng.NormFloat64()), append(b, 0.01*math.Exp(v/2)*rng.NormFloat64())
	}
	one := [][3]float64{{0, 0.01, 4}}
	s := []Strategy{fixed(t, "a", a, one), fixed(t, "b", b[3000:], one)}
	for i := range s[1].Series.Dates {
		s[1].Series.Dates[i] += 3000 // begins in the middle
	}
	d, _, err := newDependence(s, Empirical, stream(2), inLine)
	if err != nil {
		t.Fatal(err)
	}
	days := make([]int32, 200000)
	d.history.window(rng, days)
	x, z, u := make([]float64, len(days)), make([]float64, len(days)), make([]float64, len(days))
	for i, day := range days {
		z[i] = d.history.innovation(0, day, rng.Float64())
		x[i] = math.Abs(z[i])
		u[i] = normalCDF(d.history.innovation(1, day, rng.Float64()))
	}
	n := len(x)
	if r := stat.Correlation(x[1:], x[:n-1], nil); r < 0.1 {
		t.Errorf("sizes of days that follow one another correlate by %.3f", r)
	}
	// The days of 1,000 blocks repeat one another; the 0.1% point of as many.
	if k := kolmogorov(u); k > 1.95/math.Sqrt(float64(n)/meanBlock) {
		t.Errorf("the marginal of the strategy that begins later is off by %.4f", k)
	}
}

// Blocks of history are a month long on average, as Politis and Romano draw them:
// a day follows its day of history but for one day in 21.
func TestEmpiricalBlocksAreMonths(t *testing.T) {
	const history, n = 5000, 200_000
	e := &empirical{rank: [][]int32{make([]int32, history)}}
	days := make([]int32, n)
	e.window(rand.New(rand.NewPCG(5, 1)), days)
	blocks := 0.0
	for i, day := range days[1:] {
		if day != (days[i]+1)%history {
			blocks++
		}
	}
	const p = 1.0 / 21
	if got := blocks / n; math.Abs(got-p) > 4*math.Sqrt(p*(1-p)/n) {
		t.Errorf("a block begins on one day in %.2f, want 21", 1/got)
	}
}

// As many factors as there are, and no more than one where there are none:
// eigenvalues of independent returns are noise up to (1 + sqrt(N/T))^2.
func TestNumberOfFactors(t *testing.T) {
	const n, days = 90, 360
	for _, c := range []struct {
		groups, want int
	}{{0, 1}, {1, 1}, {3, 3}, {5, 5}} {
		rng := rand.New(rand.NewPCG(8, uint64(c.groups)))
		x := mat.NewDense(days, n, nil)
		for d := range days {
			common := make([]float64, max(1, c.groups))
			for g := range common {
				common[g] = rng.NormFloat64()
			}
			for j := range n {
				v := rng.NormFloat64()
				if c.groups > 0 {
					v = math.Sqrt(0.6)*v + math.Sqrt(0.4)*common[j%c.groups]
				}
				x.Set(d, j, v)
			}
		}
		r := mat.NewSymDense(n, nil)
		stat.CorrelationMatrix(r, x, nil)
		if m := newFactors(r, days); m.factors() != c.want {
			t.Errorf("%d groups of strategies: %d factors", c.groups, m.factors())
		}
	}
}
