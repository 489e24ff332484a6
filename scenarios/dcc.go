package scenarios

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/mat"
)

// dcc is a t copula whose correlation moves: the dynamic conditional correlation of Engle
// (Journal of Business & Economic Statistics 20, 2002) of the normal scores z_t,
//
//	Q_{t+1} = (1-b) R - a S + a z_t z_t' + b Q_t,   R_t = diag(Q_t)^-1/2 Q_t diag(Q_t)^-1/2,
//
// where R_t is the correlation of the copula on day t and R that of the long run. S, the
// correlation of the normal scores, is slightly weaker than R (elliptical): written so,
// Q_t has the mean R if z_t z_t' has the mean S.
//
// R is that of all days with nonlinear shrinkage of its eigenvalues (correlation
// targeting, as Engle, Ledoit and Wolf, Journal of Business & Economic Statistics 37,
// 2019), which no day's estimate has to learn: with a + b < 1 every forecast returns to
// it. a and b maximize the likelihood of up to judged strategies (dccfit.go), nu the
// likelihood given the path of R_t.
//
// A score that is missing counts as its expectation given those of the day that are
// there, with its variance: Q_t stays positive definite however ragged the histories
// are.
type dcc struct {
	points     []dccPoint // draws of (a, b) by the weighted likelihood bootstrap
	best       dccPoint   // maximizes the likelihood
	long, news *mat.SymDense
}

// dccPoint is a pair of parameters, and the share of the draws that have it.
type dccPoint struct{ a, b, share float64 }

// persistence is a + b, with which the correlations of a day return to those of the long
// run.
func (p dccPoint) persistence() float64 { return p.a + p.b }

// halfLife is in days.
func (p dccPoint) halfLife() float64 { return math.Ln2 / -math.Log(p.persistence()) }

// newDCC estimates a and b, given the correlations of normal scores (news), and nu, given
// both, in place of that of t.
func newDCC(h *history, news *mat.SymDense, t *tCopula, src rand.Source, each func(n int, f func(i int)) error) (*dcc, error) {
	d := &dcc{news: news, long: nearestCorrelation(elliptical(news, t.nu[t.best]))}
	if err := d.fit(h, t.nu[t.best], rand.New(src), each); err != nil {
		return nil, err
	}
	return d, nil
}

type filter struct {
	n       int
	a, b    float64
	q       []float64 // n x n, lower triangle
	omega   []float64 // (1-b) R - a S, lower triangle
	missing *regressions
}

// filterOf starts at the long run, for the strategies that are chosen.
func (d *dcc) filterOf(p dccPoint, chosen []int) *filter {
	n := len(chosen)
	f := &filter{n: n, a: p.a, b: p.b, q: make([]float64, n*n), omega: make([]float64, n*n)}
	long, news := subMatrix(d.long, chosen), subMatrix(d.news, chosen)
	f.missing = newRegressions(news)
	fill := func(ofNews float64) {
		for i := range n {
			for j := range i + 1 {
				f.q[i*n+j] = long.At(i, j)
				f.omega[i*n+j] = (1-p.b-p.a+ofNews)*long.At(i, j) - ofNews*news.At(i, j)
			}
		}
	}
	fill(p.a)
	if l := append([]float64(nil), f.omega...); !cholesky(l, n) {
		fill(0) // of strategies that are nearly the same R may be weaker than S
	}
	return f
}

// step moves Q_t on by a day, whose missing scores are NaN.
func (f *filter) step(day []float64) {
	z := append([]float64(nil), day...)
	gone := f.missing.of(z)
	if gone != nil {
		gone.expect(z)
	}
	for i, zi := range z {
		q, omega := f.q[i*f.n:i*f.n+i+1], f.omega[i*f.n:i*f.n+i+1]
		zi *= f.a
		for j := range q {
			q[j] = omega[j] + zi*z[j] + f.b*q[j]
		}
	}
	if gone == nil {
		return
	}
	for x, i := range gone.gone {
		for y := range x + 1 {
			f.q[i*f.n+gone.gone[y]] += f.a * gone.rest.At(x, y)
		}
	}
}

// factor writes the Cholesky factor of R_t of those that are present, row by row, into l,
// and returns ln det R_t.
func (f *filter) factor(present []int, l []float64) (logDet float64, ok bool) {
	n := len(present)
	for x, i := range present {
		for y := range x + 1 {
			j := present[y]
			l[x*n+y] = f.q[i*f.n+j] / math.Sqrt(f.q[i*f.n+i]*f.q[j*f.n+j])
		}
	}
	if !cholesky(l, n) {
		return 0, false
	}
	for x := range n {
		logDet += 2 * math.Log(l[x*n+x])
	}
	return logDet, true
}

func (f *filter) state() *mat.SymDense {
	q := mat.NewSymDense(f.n, nil)
	for i := range f.n {
		for j := range i + 1 {
			q.SetSym(i, j, f.q[i*f.n+j])
		}
	}
	return q
}

// cholesky factors the lower triangle of an n x n matrix in place; false where it is not
// positive definite.
func cholesky(l []float64, n int) bool {
	_, ok := lapack64.Potrf(blas64.Symmetric{N: n, Stride: n, Data: l, Uplo: blas.Lower})
	return ok
}

func indices(n int) []int {
	all := make([]int, n)
	for j := range all {
		all[j] = j
	}
	return all
}

// today returns Q of the day after the history at p, of the strategies that are chosen.
func (d *dcc) today(h *history, p dccPoint, chosen []int) *mat.SymDense {
	f := d.filterOf(p, chosen)
	day := make([]float64, len(chosen))
	for t := max(0, len(h.dates)-memoryOf(p.b)); t < len(h.dates); t++ {
		for i, j := range chosen {
			day[i] = h.score[j][t]
		}
		f.step(day)
	}
	return f.state()
}

// about says how correlations move, and adds the numbers.
func (d *dcc) about(h *history, numbers map[string]float64) string {
	long := meanCorrelation(d.long)
	numbers["mean_correlation"] = long
	if d.best.a == 0 {
		return fmt.Sprintf("Mean correlation of normal scores: %.2f, constant.", long)
	}
	among := indices(len(h.score))
	if len(among) > mostFull {
		among = representative(h, d.long)
		long = meanCorrelation(subMatrix(d.long, among))
	}
	today, half := meanCorrelation(d.today(h, d.best, among)), d.best.halfLife()
	numbers["mean_correlation_today"], numbers["dcc_a"], numbers["dcc_b"], numbers["dcc_half_life"] = today, d.best.a, d.best.b, half
	return fmt.Sprintf("Mean correlation of normal scores: %.2f today, %.2f in the long run; shocks have a half-life of %s (DCC, a = %.3f, b = %.3f).", today, long, h.frequency.Days(int(math.Round(half))), d.best.a, d.best.b)
}

// memoryOf returns the number of days after which less than 1e-8 of a day's news is left.
func memoryOf(b float64) int {
	if b < 0.1 {
		return 8
	}
	return int(math.Ceil(math.Log(1e-8) / math.Log(b)))
}

// path holds the Cholesky factors of R_t of the chosen strategies on the days on which at
// least two are present, for a likelihood of nu.
type path struct {
	h      *history
	chosen []int
	days   []pathDay
}

type pathDay struct {
	t       int
	present []int     // positions among the chosen
	lower   []float64 // of R_t, rows of len(present)
	logDet  float64
}

func (d *dcc) pathOf(h *history, chosen []int, at dccPoint) *path {
	s := &path{h: h, chosen: chosen}
	f := d.filterOf(at, chosen)
	day := make([]float64, len(chosen))
	for t := range h.dates {
		var present []int
		for i, j := range chosen {
			if day[i] = h.score[j][t]; !math.IsNaN(day[i]) {
				present = append(present, i)
			}
		}
		if n := len(present); n >= 2 {
			l := make([]float64, n*n)
			if logDet, ok := f.factor(present, l); ok {
				s.days = append(s.days, pathDay{t, present, l, logDet})
			}
		}
		f.step(day)
	}
	return s
}

// logLik adds to each block of days its log density under the t copula with nu degrees of
// freedom.
func (s *path) logLik(nu float64, block []float64) {
	m := mapFor(nu)
	x := make([]float64, len(s.chosen))
	for _, d := range s.days {
		for i, p := range d.present {
			x[i] = m.student(s.h.score[s.chosen[p]][d.t])
		}
		block[d.t/blockDays] += copulaDensity(x[:len(d.present)], d.lower, d.logDet, nu)
	}
}
