package scenarios

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"allocate/returns"
)

// dccTruth draws days of the model, by the definition of Q: normal scores (N x T), and
// the correlations of each day.
func dccTruth(seed uint64, n, days int, a, b, nu float64) (score [][]float64, path [][]float64) {
	rng := rand.New(rand.NewPCG(seed, uint64(n)))
	beta := make([]float64, n)
	for i := range beta {
		beta[i] = 0.3 + 0.5*rng.Float64()
	}
	long := make([]float64, n*n)
	for i := range n {
		for j := range n {
			long[i*n+j] = beta[i] * beta[j]
		}
		long[i*n+i] = 1
	}
	q := append([]float64(nil), long...)
	score = make([][]float64, n)
	z := make([]float64, n)
	e := make([]float64, n)
	l := make([]float64, n*n)
	m := mapFor(nu)
	for range days {
		for i := range n {
			for j := range i + 1 {
				l[i*n+j] = q[i*n+j] / math.Sqrt(q[i*n+i]*q[j*n+j])
			}
		}
		if len(path) > 0 && a == 0 && b == 0 {
			path = append(path, path[0])
		} else {
			path = append(path, slices.Clone(l))
		}
		if !cholesky(l, n) {
			panic("not positive definite")
		}
		scale := math.Sqrt(nu / chiSquare(rng, nu))
		for i := range n {
			e[i] = rng.NormFloat64()
			y := 0.0
			for j := range i + 1 {
				y += l[i*n+j] * e[j]
			}
			z[i] = m.normal(scale * y)
			score[i] = append(score[i], z[i])
		}
		for i := range n {
			for j := range n {
				q[i*n+j] = (1-a-b)*long[i*n+j] + a*z[i]*z[j] + b*q[i*n+j]
			}
		}
	}
	return score, path
}

// ofScores makes strategies of normal scores, NaN for a day without return, with margins
// that are all but known.
func ofScores(t testing.TB, score [][]float64) (all []Strategy) {
	for j, row := range score {
		days := make([]float64, len(row))
		days[0] = 0.01 // any that vary: the return model is fixed
		s := fixed(t, fmt.Sprintf("s%03d", j), days, [][3]float64{{0, 0.01, 5}, {0, 0.01, 5}})
		dates := s.Series.Dates
		s.Series.Dates, s.Series.Returns = nil, nil
		for k, z := range row {
			if !math.IsNaN(z) {
				s.Series.Dates, s.Series.Returns = append(s.Series.Dates, dates[k]), append(s.Series.Returns, 0.01*z)
			}
		}
		all = append(all, s)
	}
	return all
}

// within says whether x lies in the range of the draws with probability p on either side.
func within(points []dccPoint, of func(dccPoint) float64, x, slack float64) bool {
	low, high := math.Inf(1), math.Inf(-1)
	for _, p := range points {
		low, high = min(low, of(p)), max(high, of(p))
	}
	return x >= low/slack && x <= high*slack
}

// TestDCCIsRecovered fits simulated days: a and a + b are within the draws, the path of
// the correlations is near the true one, and days of constant correlations have a = 0.
func TestDCCIsRecovered(t *testing.T) {
	for _, c := range []struct {
		n, days  int
		a, b, nu float64
		ragged   bool
	}{
		{5, 2520, 0.03, 0.95, 8, false},
		{29, 2520, 0.02, 0.96, 6, false},
		{12, 2520, 0.05, 0.90, 10, true},
		{80, 1200, 0.02, 0.96, 8, false},
		{10, 2520, 0, 0, 6, false},
		{200, 2520, 0.015, 0.97, 8, true}, // with -long
	} {
		if testing.Short() && c.n > 10 || !*long && c.n > 100 {
			continue
		}
		score, truth := dccTruth(3, c.n, c.days, c.a, c.b, c.nu)
		if c.ragged {
			rng := rand.New(rand.NewPCG(8, 8))
			for j, row := range score {
				for k := range row {
					if j%3 == 1 && k < c.days/3 || rng.Float64() < 0.03 {
						row[k] = math.NaN()
					}
				}
			}
		}
		s := ofScores(t, score)
		d, findings, err := newDependence(s, DCC, stream(3), inLine)
		if err != nil {
			t.Fatal(err)
		}
		best := d.dcc.best
		t.Logf("%+v: a %.4f, b %.4f, nu %.1f, %d draws, %s", c, best.a, best.b, d.t.nu[d.t.best], len(d.dcc.points), findings[len(findings)-1].Sentence)
		if low, high := d.t.quantile(0.01), d.t.quantile(0.99); c.nu < low/1.15 || c.nu > high*1.15 {
			t.Errorf("%+v: nu within %.2f and %.2f", c, low, high)
		}
		if c.a == 0 {
			if best.a > 0.005 {
				t.Errorf("constant correlations: a is %.4f", best.a)
			}
			continue
		}
		if !within(d.dcc.points, func(p dccPoint) float64 { return p.a }, c.a, 1.1) || !within(d.dcc.points, func(p dccPoint) float64 { return 1 - p.persistence() }, 1-c.a-c.b, 1.2) {
			t.Errorf("%+v: draws %v", c, d.dcc.points)
		}
		// The filtered correlations against the true ones, and against those of all days.
		f := d.dcc.filterOf(best, indices(c.n))
		day := make([]float64, c.n)
		moving, constant, count := 0.0, 0.0, 0.0
		for k := range c.days {
			if k > 250 {
				for i := range c.n {
					for j := range i {
						r := f.q[i*c.n+j] / math.Sqrt(f.q[i*c.n+i]*f.q[j*c.n+j])
						want := truth[k][i*c.n+j]
						moving += (r - want) * (r - want)
						constant += (d.dcc.long.At(i, j) - want) * (d.dcc.long.At(i, j) - want)
						count++
					}
				}
			}
			for i := range day {
				day[i] = score[i][k]
			}
			f.step(day)
		}
		t.Logf("RMS distance from the true correlations: %.3f, of constant ones %.3f", math.Sqrt(moving/count), math.Sqrt(constant/count))
		if moving > 0.25*constant {
			t.Errorf("%+v: the path is %.3f from the true one, a constant %.3f", c, math.Sqrt(moving/count), math.Sqrt(constant/count))
		}
	}
}

// TestAddedStrategyKeepsOthers adds one that is independent of the others, after them by name: the
// others' innovations are the same, and their scenarios change with the estimates and with
// the direction along which scenarios are spread evenly only; those of a t copula more,
// since chi-square variates of another nu are others.
func TestAddedStrategyKeepsOthers(t *testing.T) {
	score, _ := dccTruth(4, 4, 2520, 0.03, 0.95, 8)
	alone, _ := dccTruth(99, 1, 2520, 0, 0, 8)
	s := ofScores(t, score)
	more := append(slices.Clone(s), ofScores(t, [][]float64{alone[0]})...)
	more[4].Series.Strategy.Name = "s999"
	for kind, least := range map[string]float64{Gaussian: 0.96, TCopula: 0.85, DCC: 0.85} {
		if testing.Short() && kind != TCopula {
			continue
		}
		o := options(5, 4000)
		o.Dependence = kind
		a, b := generate(t, s, o, 2), generate(t, more, o, 2)
		for j := range s {
			x, y := column(a, j), column(b, j)
			if r := stat.Correlation(x, y, nil); r < least {
				t.Errorf("%s, %s: its returns correlate by %.4f with those without the other", kind, s[j].Series.Strategy.Name, r)
			}
		}
	}
}

// TestDCCFollowsARegime changes the correlation of eight strategies from 0.2 to 0.7 in the
// last year: today's rises with it, as far as one break in ten years lets it.
func TestDCCFollowsARegime(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	const n, days = 8, 2520
	score := make([][]float64, n)
	for k := range days {
		rho := 0.2
		if k >= days-252 {
			rho = 0.7
		}
		f := rng.NormFloat64()
		for i := range score {
			score[i] = append(score[i], math.Sqrt(rho)*f+math.Sqrt(1-rho)*rng.NormFloat64())
		}
	}
	d, _, err := newDependence(ofScores(t, score), DCC, stream(3), inLine)
	if err != nil {
		t.Fatal(err)
	}
	q := d.dcc.today(d.ranks, d.dcc.best, indices(n))
	today := meanCorrelation(q)
	if long := meanCorrelation(d.dcc.long); today < 0.45 || long > 0.35 {
		t.Errorf("mean correlation today %.2f, want 0.7; in the long run %.2f", today, long)
	}
}

// TestMissingScoresCountAsExpected has days without any score, which leave Q at the long
// run, and days with one of three, whose Q is that of the expectation by hand.
func TestMissingScoresCountAsExpected(t *testing.T) {
	r := mat.NewSymDense(3, []float64{1, 0.6, 0.3, 0.6, 1, 0.2, 0.3, 0.2, 1})
	d := &dcc{news: r, long: nearestCorrelation(elliptical(r, 6))}
	const a, b = 0.1, 0.85
	f := d.filterOf(dccPoint{a: a, b: b}, indices(3))
	nan := math.NaN()
	for range 50 {
		f.step([]float64{nan, nan, nan})
	}
	before := f.state()
	for i := range 3 {
		for j := range 3 {
			if math.Abs(before.At(i, j)-d.long.At(i, j)) > 1e-5 {
				t.Errorf("without a day Q(%d, %d) is %v, want %v", i, j, before.At(i, j), d.long.At(i, j))
			}
		}
	}
	const z = 2.5
	f.step([]float64{z, nan, nan})
	after := f.state()
	for i := range 3 {
		for j := range 3 {
			// E z_i z_j given z_0: r_0i r_0j z^2 + r_ij - r_0i r_0j.
			news := r.At(0, i)*r.At(0, j)*(z*z-1) + r.At(i, j)
			want := (1-b)*d.long.At(i, j) - a*r.At(i, j) + a*news + b*before.At(i, j)
			if math.Abs(after.At(i, j)-want) > 1e-5 {
				t.Errorf("Q(%d, %d) is %v, want %v", i, j, after.At(i, j), want)
			}
		}
	}
}

// TestDCCIsPositiveDefinite filters random ragged panels: every day's correlation has a
// Cholesky factor.
func TestDCCIsPositiveDefinite(t *testing.T) {
	panels := 1000
	switch {
	case *long:
		panels = 10_000
	case testing.Short():
		panels = 100
	}
	for seed := range panels {
		rng := rand.New(rand.NewPCG(uint64(seed), 77))
		n, days := 2+rng.IntN(8), 70+rng.IntN(80)
		score := make([][]float64, n)
		for j := range score {
			score[j] = make([]float64, days)
		}
		load, gaps := rng.Float64(), 0.5*rng.Float64()
		starts := make([]int, n)
		for j := range starts {
			starts[j] = rng.IntN(days - 60)
		}
		for k := range days {
			f := rng.NormFloat64()
			for j := range n {
				if score[j][k] = load*f + math.Sqrt(1-load*load)*rng.NormFloat64(); k < starts[j] || rng.Float64() < gaps {
					score[j][k] = math.NaN()
				}
			}
			if n > 2 && seed%3 == 0 {
				score[1][k] = score[0][k] // the same strategy twice
			}
		}
		p := newPairs(score)
		r, _, _ := p.complete(false)
		r = nonlinear(r, p.overlap())
		nu := 2 + 20*rng.Float64()
		d := &dcc{news: r, long: nearestCorrelation(elliptical(r, nu))}
		at := dccPoint{a: 0.2 * rng.Float64(), share: 1}
		at.b = (0.999 - at.a) * rng.Float64()
		f := d.filterOf(at, indices(n))
		day, l := make([]float64, n), make([]float64, n*n)
		for k := range days {
			if _, ok := f.factor(indices(n), l); !ok {
				t.Fatalf("panel %d, day %d of %d: not positive definite, a %.3f, b %.3f", seed, k, days, at.a, at.b)
			}
			for j := range n {
				day[j] = score[j][k]
			}
			f.step(day)
		}
	}
}

// TestNearlyIdenticalStrategies has two strategies whose R is stronger than S by so much that the
// constant of the recursion would not be positive definite.
func TestNearlyIdenticalStrategies(t *testing.T) {
	d := &dcc{news: mat.NewSymDense(2, []float64{1, 0.99, 0.99, 1}), long: mat.NewSymDense(2, []float64{1, 0.9999, 0.9999, 1})}
	f := d.filterOf(dccPoint{a: 0.1, b: 0.85}, indices(2))
	for k := range 300 {
		if _, ok := f.factor(indices(2), make([]float64, 4)); !ok {
			t.Fatalf("not positive definite after %d days", k)
		}
		f.step([]float64{0, 0})
	}
}

// TestGridFindsDistantMaximum finds a maximum far from the start, to the smallest step, by blocks that
// have parts of it.
func TestGridFindsDistantMaximum(t *testing.T) {
	const a, rest = 0.011, 0.07
	for _, start := range [][2]int{{0, 0}, {6 * gridStep, 8 * gridStep}, noNews} {
		g := &dccGrid{blocks: 2, at: map[[2]int]int{}}
		err := g.climb(start, inLine, func(p dccPoint, block []float64) {
			if p.a == 0 {
				block[0] = -1e6
				return
			}
			x, y := math.Log(p.a/a), math.Log((1-p.persistence())/rest)
			block[0], block[1] = -x*x, -y*y
		})
		best := g.points[g.best(nil)]
		if step := math.Exp2(1.0 / gridStep); err != nil || best.a > a*step || best.a < a/step || 1-best.persistence() > rest*step || 1-best.persistence() < rest/step {
			t.Errorf("from %v: %+v, %v", start, best, err)
		}
	}
}

// TestHalfLifeIsInPeriods names those of the panel.
func TestHalfLifeIsInPeriods(t *testing.T) {
	score, _ := dccTruth(4, 3, 1500, 0.05, 0.9, 8)
	s := ofScores(t, score)
	for _, x := range s {
		x.Series.Frequency = returns.Weekly
	}
	_, findings, err := newDependence(s, DCC, stream(3), inLine)
	if last := findings[len(findings)-1].Sentence; err != nil || !strings.Contains(last, " weeks (DCC") {
		t.Errorf("%s, %v", last, err)
	}
}

// TestOverlapIsHarmonicMean leaves out pairs with too few days.
func TestOverlapIsHarmonicMean(t *testing.T) {
	p := pairs{days: mat.NewSymDense(3, []float64{500, 100, 300, 100, 500, 20, 300, 20, 500})}
	if got := p.overlap(); math.Abs(got-150) > 1e-9 {
		t.Errorf("%v, want 150", got)
	}
}
