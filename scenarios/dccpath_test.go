package scenarios

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// explicit draws normal scores of days ahead by the definition: Q of every day, its
// Cholesky factor, z and Q of the next day.
func explicit(rng *rand.Rand, q, omega []float64, n, days int, a, b, nu float64, z []float64) {
	l, e := make([]float64, n*n), make([]float64, n)
	m := mapFor(nu)
	for d := range days {
		for i := range n {
			for j := range i + 1 {
				l[i*n+j] = q[i*n+j] / math.Sqrt(q[i*n+i]*q[j*n+j])
			}
		}
		cholesky(l, n)
		scale := math.Sqrt(nu / chiSquare(rng, nu))
		day := z[d*n : (d+1)*n]
		for i := range n {
			e[i] = rng.NormFloat64()
			y := 0.0
			for j := range i + 1 {
				y += l[i*n+j] * e[j]
			}
			day[i] = m.normal(scale * y)
		}
		for i := range n {
			for j := range i + 1 {
				q[i*n+j] = omega[i*n+j] + a*day[i]*day[j] + b*q[i*n+j]
			}
		}
	}
}

// covariance is that of factors and what is each strategy's own.
func covariance(loadings blas64.General, own []float64) *mat.SymDense {
	c := mat.NewSymDense(len(own), nil)
	for i := range own {
		for j := range i + 1 {
			v := 0.0
			for k := range loadings.Cols {
				v += loadings.Data[i*loadings.Stride+k] * loadings.Data[j*loadings.Stride+k]
			}
			if i == j {
				v += own[i] * own[i]
			}
			c.SetSym(i, j, v)
		}
	}
	return c
}

// momentsOf are statistics of paths of n strategies: the correlation of the scores of each
// day, and how that of a day depends on the days before.
func momentsOf(z []float64, n, days int) (m []float64) {
	for d := range days {
		at := z[d*n : (d+1)*n]
		m = append(m, at[0]*at[1], at[n-2]*at[n-1], at[0]*at[0])
		if d > 0 {
			before := z[(d-1)*n : d*n]
			m = append(m, at[0]*at[1]*before[0]*before[1], at[0]*at[1]*z[0]*z[1], at[0]*before[0], at[0]*at[0]*before[1]*before[1])
		}
	}
	return m
}

// TestDCCPathsAreExact compares paths with those made by the definition, strategy by
// strategy in full and with common factors, where news is large and small, from a state
// far from the long run.
func TestDCCPathsAreExact(t *testing.T) {
	const n, days = 5, 6
	count := 50_000
	switch {
	case *long:
		count = 500_000
	case testing.Short():
		count = 10_000
	}
	for _, a := range []float64{0.25, 0.03} {
		if testing.Short() && a < 0.1 {
			continue
		}
		const b, nu = 0.7, 6.0
		score, _ := dccTruth(7, n, 400, a, b, nu)
		for k := 380; k < 400; k++ { // together lately
			for j := range n {
				score[j][k] = score[0][k]*0.9 + 0.3*score[j][k]
			}
		}
		for _, many := range []bool{false, true} {
			s := ofScores(t, score)
			d, _, err := newDependence(s, DCC, stream(3), inLine)
			if err != nil {
				t.Fatal(err)
			}
			p := dccPoint{a, b, 1}
			d.dcc.points, d.dcc.best = []dccPoint{p}, p
			d.t = &tCopula{nu: []float64{nu}, share: []float64{1}}
			q, omega := d.dcc.today(d.ranks, p, indices(n)), d.dcc.filterOf(p, indices(n)).omega
			if many {
				d.days = newFactors(d.dcc.long, 400)
				if d.days.factors() == 0 {
					t.Fatal("no factors")
				}
				h := d.dcc.aheadWithFactors(d.ranks, 1, d.days, p)
				long, news := covariance(d.days.loadings, d.days.own), covariance(h.news.loadings, h.news.own)
				for i := range n {
					for j := range i + 1 {
						v := h.parts[0][0]*h.parts[0][0]*long.At(i, j) + h.parts[0][1]*h.parts[0][1]*news.At(i, j)
						if want := q.At(i, j); math.Abs(v-want) > 0.08 {
							t.Errorf("factors: today's covariance of %d and %d is %.3f, in full %.3f", i, j, v, want)
						}
						q.SetSym(i, j, v)
						omega[i*n+j] = (1 - a - b) * long.At(i, j)
					}
				}
			}
			o := options(days, count)
			blk, err := newBlock(s, d, o, stream(9), design{}, inLine)
			if err != nil {
				t.Fatal(err)
			}
			var ours, theirs [][]float64
			z := make([]float64, days*n)
			for first := 0; first < count; first += blk.size {
				if err := blk.make(first, min(blk.size, count-first)); err != nil {
					t.Fatal(err)
				}
				for k := range min(blk.size, count-first) {
					for i := range n {
						for d := range days {
							z[d*n+i] = blk.days.Data[i*blk.days.Stride+k*days+d]
						}
					}
					ours = append(ours, momentsOf(z, n, days))
				}
			}
			rng := rand.New(rand.NewPCG(4, 4))
			start := make([]float64, n*n)
			for range count {
				for i := range n {
					for j := range i + 1 {
						start[i*n+j] = q.At(i, j)
					}
				}
				explicit(rng, start, omega, n, days, a, b, nu, z)
				theirs = append(theirs, momentsOf(z, n, days))
			}
			for k := range ours[0] {
				x, y := make([]float64, count), make([]float64, count)
				for i := range x {
					x[i], y[i] = ours[i][k], theirs[i][k]
				}
				mx, sx := stat.MeanStdDev(x, nil)
				my, sy := stat.MeanStdDev(y, nil)
				if se := math.Hypot(sx, sy) / math.Sqrt(float64(count)); math.Abs(mx-my) > 4.5*se {
					t.Errorf("a %v, factors %v: statistic %d is %.4f, by the definition %.4f (s.e. %.4f)", a, many, k, mx, my, se)
				}
			}
		}
	}
}

// TestExpectedCorrelationsWithoutNews compares M_h with the filter on days whose scores are 0.
func TestExpectedCorrelationsWithoutNews(t *testing.T) {
	const n, horizon = 4, 8
	score, _ := dccTruth(12, n, 600, 0.1, 0.85, 7)
	d, _, err := newDependence(ofScores(t, score), DCC, stream(3), inLine)
	if err != nil {
		t.Fatal(err)
	}
	p := dccPoint{a: 0.1, b: 0.8, share: 1}
	a, err := d.dcc.aheadInFull(d.ranks, horizon, p)
	if err != nil {
		t.Fatal(err)
	}
	f := d.dcc.filterOf(p, indices(n))
	day := make([]float64, n)
	for k := range 600 {
		for j := range n {
			day[j] = d.ranks.score[j][k]
		}
		f.step(day)
	}
	for h := range horizon {
		want := f.state()
		l := a.mixers[h].lower
		for i := range n {
			for j := range i + 1 {
				r := 0.0
				for k := range j + 1 {
					r += l.Data[i*l.Stride+k] * l.Data[j*l.Stride+k]
				}
				if got := r * a.own[h][i] * a.own[h][j]; math.Abs(got-want.At(i, j)) > 1e-6 {
					t.Errorf("day %d: M(%d, %d) is %v, want %v", h+1, i, j, got, want.At(i, j))
				}
			}
		}
		f.step(make([]float64, n))
	}
}

// TestScenariosPerParameterDraw gives each draw of the parameters its share of the scenarios.
func TestScenariosPerParameterDraw(t *testing.T) {
	w := &walker{shift: 0.3}
	for _, share := range []float64{0.5, 0.3, 0.2} {
		w.ahead = append(w.ahead, &ahead{dccPoint: dccPoint{share: share}})
	}
	count := map[*ahead]float64{}
	for s := 0; s < 10_000; s += tile {
		count[w.parameters(s)] += float64(tile) / 10_000
	}
	for _, a := range w.ahead {
		if math.Abs(count[a]-a.share) > 0.01 {
			t.Errorf("%.3f of the scenarios, want %.3f", count[a], a.share)
		}
	}
}

// TestFactorsExpectMissingScores compares expectation and variance under factors with those
// of the full regression on the same correlation.
func TestFactorsExpectMissingScores(t *testing.T) {
	const n = 5
	b := []float64{0.8, 0.7, 0.6, 0.5, 0.4}
	r := mat.NewSymDense(n, nil)
	m := &mixer{loadings: general(n, 1), own: make([]float64, n)}
	for i := range n {
		m.loadings.Data[i], m.own[i] = b[i], math.Sqrt(1-b[i]*b[i])
		for j := range i + 1 {
			r.SetSym(i, j, b[i]*b[j])
		}
		r.SetSym(i, i, 1)
	}
	nan := math.NaN()
	day := []float64{1.5, nan, -0.3, nan, 0.2}
	want := slices.Clone(day)
	g := newRegressions(r).of(want)
	g.expect(want)
	left := map[int]float64{}
	m.expect(day, func(j int, variance float64) { left[j] = variance })
	for k, j := range g.gone {
		if math.Abs(day[j]-want[j]) > 1e-5 || math.Abs(left[j]-g.rest.At(k, k)) > 1e-5 {
			t.Errorf("%d: %v with variance %v, want %v with %v", j, day[j], left[j], want[j], g.rest.At(k, k))
		}
	}
	if len(left) != 2 {
		t.Errorf("%v", left)
	}
}

func BenchmarkGenerate29DCC(b *testing.B)   { benchmarkGenerate(b, 29, 10000, DCC) }
func BenchmarkGenerate100DCC(b *testing.B)  { benchmarkGenerate(b, 100, 10000, DCC) }
func BenchmarkGenerate200DCC(b *testing.B)  { benchmarkGenerate(b, 200, 10000, DCC) }
func BenchmarkGenerate1000DCC(b *testing.B) { benchmarkGenerate(b, 1000, 10000, DCC) }
