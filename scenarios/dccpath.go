package scenarios

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// Correlations move along a path, by its own innovations. Of the day h+1 after the history
//
//	Q_{h+1} = M_h + a sum_{j=1..h} b^(h-j) z_j z_j',
//	M_h     = b^h Q_1 + (1 + b + ... + b^(h-1)) ((1-b) R - a S),
//
// where M_h is the same for all paths. A normal vector with covariance Q_{h+1} is one with
// M_h plus each z_j times a normal number of its own, of variance a b^(h-j): no path needs
// a matrix, and a day costs hardly more than under a constant copula.

// ahead is M_h of the days up to the horizon, for one pair of parameters.
type ahead struct {
	dccPoint
	own    [][]float64  // by day, standard deviations of M_h (N)
	mixers []*mixer     // by day, of the correlation of M_h; nil where there are factors
	news   *factors     // Q_1 beside the long run, where there are factors
	parts  [][2]float64 // by day, weights of the long run's factors and of news in M_h
}

// aheadOf makes M_h for every draw of the parameters.
func (d *dcc) aheadOf(h *history, horizon int, long *mixer, each func(n int, f func(i int)) error) ([]*ahead, error) {
	out := make([]*ahead, len(d.points))
	errs := make([]error, len(d.points))
	err := each(len(d.points), func(i int) {
		if long.own != nil {
			out[i] = d.aheadWithFactors(h, horizon, long, d.points[i])
			return
		}
		out[i], errs[i] = d.aheadInFull(h, horizon, d.points[i])
	})
	for _, e := range errs {
		if err == nil {
			err = e
		}
	}
	return out, err
}

func (d *dcc) aheadInFull(h *history, horizon int, p dccPoint) (*ahead, error) {
	a := &ahead{dccPoint: p}
	all := indices(len(h.score))
	m, n := d.today(h, p, all), len(all)
	omega := d.filterOf(p, all).omega
	for range horizon {
		own, r := make([]float64, n), mat.NewSymDense(n, nil)
		for i := range n {
			own[i] = math.Sqrt(m.At(i, i))
			for j := range i + 1 {
				r.SetSym(i, j, m.At(i, j)/(own[i]*own[j]))
			}
		}
		mixer, err := newMixer(r, 0)
		if err != nil {
			return nil, err
		}
		a.own, a.mixers = append(a.own, own), append(a.mixers, mixer)
		if p.a == 0 && p.b == 0 { // no day differs from the one before
			for len(a.own) < horizon {
				a.own, a.mixers = append(a.own, own), append(a.mixers, mixer)
			}
			break
		}
		for i := range n {
			for j := range i + 1 {
				m.SetSym(i, j, omega[i*n+j]+p.b*m.At(i, j))
			}
		}
	}
	return a, nil
}

// factors is a covariance of common factors and own variances.
type factors struct {
	loadings blas64.General // N x K
	own      []float64      // standard deviations
}

// newsFactors is the most factors that stand for the news of recent days: as many as days
// of a memory that carry weight, in what a principal component analysis leaves of them.
const newsFactors = 40

// aheadWithFactors takes R as factors of many strategies, S as R, and of the news of the
// days of the history, a sum of one z z' a day, the leading principal components, the rest
// of the variance being each strategy's own.
func (d *dcc) aheadWithFactors(h *history, horizon int, long *mixer, p dccPoint) *ahead {
	n := len(h.score)
	a := &ahead{dccPoint: p, news: d.newsOf(h, long, p)}
	days := min(len(h.dates), memoryOf(p.b))
	ofLong := 1.0 // weight of R in Q_1
	if p.a > 0 {
		left := math.Pow(p.b, float64(days))
		ofLong = (1-p.a-p.b)*(1-left)/(1-p.b) + left
	}
	ofNews := 1.0
	for range horizon {
		own := make([]float64, n)
		for i := range n {
			news := a.news.own[i] * a.news.own[i]
			for _, v := range a.news.loadings.Data[i*a.news.loadings.Stride : i*a.news.loadings.Stride+a.news.loadings.Cols] {
				news += v * v
			}
			own[i] = math.Sqrt(ofLong + ofNews*news)
		}
		a.own = append(a.own, own)
		a.parts = append(a.parts, [2]float64{math.Sqrt(ofLong), math.Sqrt(ofNews)})
		ofLong, ofNews = 1-p.a-p.b+p.b*ofLong, p.b*ofNews
	}
	return a
}

// newsOf returns a sum_k b^k z_k z_k' of the days of the history, the last first.
func (d *dcc) newsOf(h *history, long *mixer, p dccPoint) *factors {
	n := len(h.score)
	days := min(len(h.dates), memoryOf(p.b))
	if p.a == 0 {
		days = 0
	}
	z := general(n, max(1, days))
	f := &factors{own: make([]float64, n)}
	day := make([]float64, n)
	for k := range days {
		t := len(h.dates) - 1 - k
		for j, row := range h.score {
			day[j] = row[t]
		}
		weight := p.a * math.Pow(p.b, float64(k))
		long.expect(day, func(j int, variance float64) { f.own[j] += weight * variance })
		for j, v := range day {
			z.Data[j*z.Stride+k] = math.Sqrt(weight) * v
		}
	}
	// Principal components by the Gram matrix of the days.
	m := z.Cols
	gram := mat.NewSymDense(m, nil)
	blas64.Syrk(blas.Trans, 1, z, 0, blas64.Symmetric(gram.RawSymmetric()))
	var eigen mat.EigenSym
	if !eigen.Factorize(gram, true) {
		panic("scenarios: the eigendecomposition of the days' Gram matrix failed")
	}
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	k := min(newsFactors, m)
	f.loadings = general(n, k)
	leading := general(m, k)
	for c := range k {
		for i := range m {
			leading.Data[i*k+c] = vectors.At(i, m-1-c)
		}
	}
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, z, leading, 0, f.loadings)
	for i := range n {
		for c := range m {
			f.own[i] += z.Data[i*m+c] * z.Data[i*m+c]
		}
		for c := range k {
			f.own[i] -= f.loadings.Data[i*k+c] * f.loadings.Data[i*k+c]
		}
		f.own[i] = math.Sqrt(max(0, f.own[i]))
	}
	return f
}

// expect replaces the missing scores of a day by their expectations under the factors
// given those that are there, and tells the variances that are left.
func (m *mixer) expect(day []float64, left func(j int, variance float64)) {
	k := m.loadings.Cols
	whole := true
	precision := mat.NewSymDense(k, nil) // of the factors given the day
	for f := range k {
		precision.SetSym(f, f, 1)
	}
	right := mat.NewVecDense(k, nil)
	for _, z := range day {
		whole = whole && !math.IsNaN(z)
	}
	if whole {
		return
	}
	for j, z := range day {
		if math.IsNaN(z) {
			continue
		}
		row := m.loadings.Data[j*m.loadings.Stride : j*m.loadings.Stride+k]
		inverse := 1 / (m.own[j] * m.own[j])
		right.AddScaledVec(right, z*inverse, mat.NewVecDense(k, row))
		precision.SymRankOne(precision, inverse, mat.NewVecDense(k, row))
	}
	var chol mat.Cholesky
	chol.Factorize(precision)
	var mean mat.VecDense
	if err := chol.SolveVecTo(&mean, right); err != nil {
		mean.CloneFromVec(right) // cannot be: the precision is at least 1
	}
	var solved mat.VecDense
	for j, z := range day {
		if !math.IsNaN(z) {
			continue
		}
		row := mat.NewVecDense(k, m.loadings.Data[j*m.loadings.Stride:j*m.loadings.Stride+k])
		day[j] = mat.Dot(row, &mean)
		variance := m.own[j] * m.own[j]
		if err := chol.SolveVecTo(&solved, row); err == nil {
			variance += mat.Dot(row, &solved)
		}
		left(j, variance)
	}
}

type walker struct {
	ahead  []*ahead
	long   *mixer // factors, where M_h has none of its own
	shift  float64
	stream func(part string) rand.Source
}

func newWalker(d *dcc, h *history, horizon int, long *mixer, stream func(string) rand.Source, each func(n int, f func(i int)) error) (*walker, error) {
	all, err := d.aheadOf(h, horizon, long, each)
	return &walker{ahead: all, long: long, shift: rand.New(stream("dcc")).Float64(), stream: stream}, err
}

// factors returns the number of rows that the news of recent days take beside those of the
// long run.
func (w *walker) factors() (most int) {
	for _, a := range w.ahead {
		if a.news != nil {
			most = max(most, a.news.loadings.Cols)
		}
	}
	return most
}

// parameters returns those of the scenarios from s on: draws are spread evenly.
func (w *walker) parameters(s int) *ahead {
	_, u := math.Modf(w.shift + float64(s)*generator1)
	for _, a := range w.ahead {
		if u -= a.share; u < 0 {
			return a
		}
	}
	return w.ahead[0]
}

// walk turns the innovations of the scenarios lo..hi of a block, independent normal
// numbers, into normal scores that depend on each other, day by day. Scenario 0 of the
// block is scenario first of the set.
func (w *walker) walk(b *block, lo, hi, first int) {
	n, h, count := len(b.strategies), b.horizon, hi-lo
	at := w.parameters(first + lo)
	rng := rand.New(w.stream(fmt.Sprintf("news %d", first+lo)))
	y := general(n, count)
	var common blas64.General
	if at.mixers == nil {
		common = general(w.long.loadings.Cols+at.news.loadings.Cols, count)
	}
	weight := make([]float64, count*h) // of the path's days, by scenario
	news := make([]float64, n*count)   // a sum_j b^(h-j) z_j^2
	for d := range h {
		if at.a > 0 {
			root := math.Sqrt(at.a)
			for j := d - 1; j >= 0; j-- {
				for s := range count {
					weight[s*h+j] = root * rng.NormFloat64()
				}
				root *= math.Sqrt(at.b)
			}
		}
		gather(y, b.days, lo, h, d)
		if at.mixers != nil {
			at.mixers[d].mix(y, blas64.General{}, 0, count)
		} else {
			gather(common, b.dayFactors, lo, h, d)
			w.mix(at, d, y, common)
		}
		for i := range n {
			row := b.days.Data[i*b.days.Stride+lo*h : i*b.days.Stride+hi*h]
			own := at.own[d][i]
			if at.mixers == nil {
				own = 1 // mix has the variance in it
			}
			ground := at.own[d][i] * at.own[d][i]
			for s := range count {
				past := row[s*h : s*h+d]
				v := own * y.Data[i*y.Stride+s]
				for j, e := range weight[s*h : s*h+d] {
					v += e * past[j]
				}
				in := &news[i*count+s]
				z := v / math.Sqrt(ground+*in)
				if b.d.t != nil {
					z = b.maps[lo+s].normal(z * b.scale[(lo+s)*h+d])
				}
				row[s*h+d] = z
				*in = at.b**in + at.a*z*z
			}
		}
	}
}

// mix makes rows with the covariance M_h out of independent ones, y, and of factors.
func (w *walker) mix(at *ahead, d int, y, common blas64.General) {
	ofLong, ofNews := at.parts[d][0], at.parts[d][1]
	for i := range y.Rows {
		own := math.Hypot(ofLong*w.long.own[i], ofNews*at.news.own[i])
		row := y.Data[i*y.Stride : i*y.Stride+y.Cols]
		for s := range row {
			row[s] *= own
		}
	}
	k := w.long.loadings.Cols
	part := func(from, to int) blas64.General {
		return blas64.General{Rows: to - from, Cols: common.Cols, Stride: common.Stride, Data: common.Data[from*common.Stride : to*common.Stride]}
	}
	blas64.Gemm(blas.NoTrans, blas.NoTrans, ofLong, w.long.loadings, part(0, k), 1, y)
	blas64.Gemm(blas.NoTrans, blas.NoTrans, ofNews, at.news.loadings, part(k, common.Rows), 1, y)
}

// gather copies day d of scenarios from lo on, of h days each.
func gather(to, from blas64.General, lo, h, d int) {
	for i := range to.Rows {
		row := to.Data[i*to.Stride : i*to.Stride+to.Cols]
		at := i*from.Stride + lo*h + d
		for s := range row {
			row[s] = from.Data[at]
			at += h
		}
	}
}
