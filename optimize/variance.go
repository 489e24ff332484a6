package optimize

import (
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"

	"allocate/optimize/qp"
)

// MinVariance minimizes the standard deviation of the horizon return over the scenarios,
// with the costs of trading and borrowing:
//
//	F(w) = sd(w) + cost(w),   sd(w)^2 = w'Cw,   C the covariance of the scenarios
//
// A covariance is estimated with less noise than a tail. Without costs the weights are those
// of least variance. With costs they are those of the quadratic program with w'Cw/(2s) in
// place of sd for s = sd(w), which a few programs find: the slope of the two is the same.
//
// The bound of the certificate is that of a linear program: with C = RR', sd(w) = |R'w| >= l'R'w
// for every l of length 1, and equal at l = R'w/sd(w).
const MinVariance Objective = "min_variance"

const (
	varianceSteps = 30    // quadratic programs, at most
	varianceTol   = 1e-13 // relative change of s at which they end
	rankTol       = 1e-14 // of the largest eigenvalue of C: smaller ones are rounding
	leastSpread   = 1e-9  // of the scale: the deviation is rounded below it
	zeroTol       = 1e-4  // of the scale: a smaller deviation is perhaps 0
)

// snapTols are distances of weights from a bound or a kink at which they are probably
// there; with the last ones only where the deviation is nearly 0, and its slope no guide.
var snapTols = []float64{1e-7, 1e-5, 1e-3}

// principal returns the principal directions of the scenarios, N x K: the columns are
// eigenvectors of their covariance C, times the roots of the eigenvalues, so that
// C = RR' and sd(w) = |R'w|.
func (v *Solver) principal() *mat.Dense {
	if v.root != nil {
		return v.root
	}
	n, m := len(v.set.Names), v.set.Len()
	centered := blas64.General{Rows: m, Cols: n, Stride: n, Data: make([]float64, m*n)}
	for j := range m {
		root := math.Sqrt(v.set.Probability(j))
		for i, r := range v.set.Row(j) {
			centered.Data[j*n+i] = root * (r - v.mean[i])
		}
	}
	c := mat.NewSymDense(n, nil)
	blas64.Syrk(blas.Trans, 1, centered, 0, c.RawSymmetric())
	var eigen mat.EigenSym
	eigen.Factorize(c, true)
	values := eigen.Values(nil)
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	var columns []float64
	k := 0
	for at, value := range values {
		if !(value > rankTol*values[n-1]) || value <= 0 {
			continue
		}
		for i := range n {
			columns = append(columns, math.Sqrt(value)*vectors.At(i, at))
		}
		k++
	}
	v.root = &mat.Dense{}
	if k > 0 {
		v.root.CloneFrom(mat.NewDense(k, n, columns).T())
	}
	return v.root
}

func (e *engine) deviation(loss []float64) float64 {
	mean, square := 0.0, 0.0
	for j, l := range loss {
		mean += e.Set.Probability(j) * l
	}
	for j, l := range loss {
		square += e.Set.Probability(j) * (l - mean) * (l - mean)
	}
	return math.Sqrt(square)
}

// along returns R'w.
func (e *engine) along(w []float64) []float64 {
	_, k := e.root.Dims()
	out := make([]float64, k)
	for i, x := range w {
		for a := range out {
			out[a] += x * e.root.At(i, a)
		}
	}
	return out
}

// steepness returns a slope g of sd, sd(w) >= g'w for all w: Rl for any l of length 1 or less.
func (e *engine) steepness(l []float64) []float64 {
	g := make([]float64, len(e.Set.Names))
	length := max(1, blas64.Nrm2(vector(l)))
	for a, x := range l {
		for i := range g {
			g[i] += e.root.At(i, a) * x / length
		}
	}
	return g
}

func (v *Solver) leastVariance(ctx context.Context, e *engine) (*Solution, error) {
	if err := e.begin(ctx); err != nil {
		return nil, err
	}
	w, d, err := e.quadratic(ctx)
	if err != nil {
		return nil, err
	}
	out, err := e.rough(w)
	if err != nil {
		return nil, err
	}
	b := blend{risk: 1}
	bound, each := e.bound(b, d)
	if least, also := e.bound(b, e.noDual()); least > bound || bound != bound { // a deviation is at least 0
		bound, each = least, also
	}
	out.Method, out.Certificate.DualBound = "quadratic", bound
	out.Certificate.certify(out, e.maxGap())
	out.ShadowPrices = (&answer{search: &search{engine: e, blend: b, y: d.Rows, price: d.Distances}, base: b}).prices(out.Exact, each)
	out.Findings = append(out.Findings, e.findings(out)...)
	return out, nil
}

func (e *engine) quadratic(ctx context.Context) ([]float64, Dual, error) {
	n := len(e.Lower)
	shape := newShape(e.Problem)
	unit := e.absolute
	if unit == 0 {
		unit = 1
	}
	program, at := shape.base(false)
	cost := shape.affine()
	shape.cost(&cost, 1/unit)
	first := len(program.C)
	copy(program.C, cost.coef)
	_, directions := e.root.Dims()
	for k := range directions { // y = R'w
		at := len(program.C)
		row := make([]float64, at+1)
		for i := range n {
			row[i] = e.root.At(i, k) / unit
		}
		row[at] = -1
		program.A, program.B = append(program.A, qp.NewRow(row)), append(program.B, 0)
		program.C, program.Q = append(program.C, 0), append(program.Q, 0)
		program.Lo, program.Up = append(program.Lo, math.Inf(-1)), append(program.Up, math.Inf(1))
	}
	priced := slices.ContainsFunc(cost.coef, func(c float64) bool { return c != 0 })
	s := 1.0
	var x qp.Point
	for range varianceSteps {
		if err := ctx.Err(); err != nil {
			return nil, Dual{}, err
		}
		for k := first; k < len(program.Q); k++ {
			program.Q[k] = 1 / s
		}
		x = program.Minimize(tightTol)
		square := 0.0
		for _, y := range x.X[first:] {
			square += y * y
		}
		next := math.Sqrt(square)
		if !priced {
			s = next
			break
		}
		if next = max(next, leastSpread); math.Abs(next-s) <= varianceTol*s {
			break
		}
		s = next
	}
	w := e.snap(x.X[:n], snapTols[0])
	if s < zeroTol {
		value := e.outcome(w).risk
		for _, tol := range snapTols[1:] {
			if other := e.snap(x.X[:n], tol); e.outcome(other).risk < value {
				w, value = other, e.outcome(other).risk
			}
		}
	}
	b := &bundleMethod{p: e.Problem, mean: e.mean}
	y := at.read(b, x, unit)
	if !priced && s > 0 { // the multipliers are those of half the variance
		for _, list := range [][]float64{y.rows, y.distances} {
			for k := range list {
				list[k] /= s
			}
		}
	}
	spread := e.along(w)
	if length := blas64.Nrm2(vector(spread)); length > zeroTol*unit {
		blas64.Scal(1/length, vector(spread))
	} else { // where the deviation is 0 every slope of at most its size is one: that of the program
		copy(spread, x.X[first:])
		blas64.Scal(1/s, vector(spread))
	}
	return w, Dual{Rows: y.rows, Distances: y.distances, Spread: spread}, nil
}

// snap moves weights to the bound or kink that an interior method stops short of, and the
// rest to the budget, where that keeps every limit.
func (e *engine) snap(x []float64, tol float64) []float64 {
	w, rest, free := slices.Clone(x), e.Budget, []int{}
	for i := range w {
		w[i] = min(max(w[i], e.Lower[i]), e.Upper[i])
		near := []float64{e.Lower[i], e.Upper[i], 0}
		if e.Previous != nil {
			near = append(near, e.Previous[i])
		}
		fixed := false
		for _, c := range near {
			if math.Abs(w[i]-c) < tol && c >= e.Lower[i] && c <= e.Upper[i] {
				w[i], fixed = c, true
				break
			}
		}
		if rest -= w[i]; !fixed {
			free = append(free, i)
		}
	}
	for _, i := range free {
		w[i] += rest / float64(len(free))
	}
	if by, _ := e.violation(w); by > boundTol {
		return slices.Clone(x)
	}
	return w
}
