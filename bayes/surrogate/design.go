package surrogate

import (
	"math"
	"sync"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/mathext"
)

// design are the points, in whitened coordinates, at which a density of dim variables
// is evaluated: 0 and pairs z, -z of a quasi-random normal sample, the same for every
// density of as many variables, so that the least squares are factorized once. Of the
// pairs, the half sums of the values and half differences of the slopes determine the
// monomials of even degree, the others those of odd degree.
type design struct {
	dim       int
	points    [][]float64 // z of each pair
	even, odd equations
	evens     []int // places of the monomials of even degree
	odds      []int
}

// equations are those of least squares: their matrix and, factorized, its square, whose
// condition the normal points keep at some millions.
type equations struct {
	matrix *mat.Dense
	normal mat.Cholesky
}

func newEquations(a *mat.Dense) (e equations) {
	_, n := a.Dims()
	square := mat.NewSymDense(n, nil)
	square.SymOuterK(1, a.T())
	if !e.normal.Factorize(square) {
		panic("surrogate: the design does not determine the polynomial")
	}
	e.matrix = a
	return e
}

func (e *equations) solve(b *mat.VecDense) *mat.VecDense {
	var x mat.VecDense
	x.MulVec(e.matrix.T(), b)
	if err := e.normal.SolveVecTo(&x, &x); err != nil {
		panic(err) // the condition was looked at when the design was made
	}
	return &x
}

// surplus is the number of equations for each unknown of even degree.
const surplus = 2.5

var designs sync.Map // *design by dim

func designOf(dim int) *design {
	if d, ok := designs.Load(dim); ok {
		return d.(*design)
	}
	d := &design{dim: dim}
	for at, degree := range degrees(dim) {
		if degree%2 == 0 {
			d.evens = append(d.evens, at)
		} else {
			d.odds = append(d.odds, at)
		}
	}
	pairs := int(math.Ceil(surplus * float64(len(d.evens)) / float64(dim+1)))
	d.points = quasiNormal(pairs, dim)
	all := terms(dim)
	values, slopes := make([]float64, all), make([][]float64, dim)
	for s := range slopes {
		slopes[s] = make([]float64, all)
	}
	even, odd := mat.NewDense(1+pairs*(dim+1), len(d.evens), nil), mat.NewDense(pairs*(dim+1), len(d.odds), nil)
	even.Set(0, 0, 1) // the value at 0
	for n, z := range d.points {
		monomials(z, values, slopes)
		for row := range dim + 1 {
			from := values
			if row > 0 {
				from = slopes[row-1]
			}
			for k, at := range d.evens {
				even.Set(1+n*(dim+1)+row, k, from[at])
			}
			for k, at := range d.odds {
				odd.Set(n*(dim+1)+row, k, from[at])
			}
		}
	}
	d.even, d.odd = newEquations(even), newEquations(odd)
	kept, _ := designs.LoadOrStore(dim, d)
	return kept.(*design)
}

// quasiNormal returns n points of a Kronecker sequence (Roberts 2018: the powers of
// the root of x^(dim+1) = x + 1), mapped to the normal distribution.
func quasiNormal(n, dim int) [][]float64 {
	root := 2.0
	for range 100 {
		root = math.Pow(1+root, 1/float64(dim+1))
	}
	points := make([][]float64, n)
	for k := range points {
		points[k] = make([]float64, dim)
		for i := range points[k] {
			_, u := math.Modf(0.5 + float64(k+1)*math.Pow(root, -float64(i+1)))
			points[k][i] = mathext.NormalQuantile(u)
		}
	}
	return points
}

// fit returns the polynomial of least squares through the values and gradients of f
// at the points of the design, and at 0 its value. It fails where f is not finite.
func (d *design) fit(f func(z, grad []float64) (float64, bool)) (polynomial, bool) {
	dim := d.dim
	even, odd := mat.NewVecDense(1+len(d.points)*(dim+1), nil), mat.NewVecDense(len(d.points)*(dim+1), nil)
	up, down, minus := make([]float64, dim), make([]float64, dim), make([]float64, dim)
	center, ok := f(minus, up)
	if !ok {
		return polynomial{}, false
	}
	even.SetVec(0, center)
	for n, z := range d.points {
		for i, v := range z {
			minus[i] = -v
		}
		a, ok1 := f(z, up)
		b, ok2 := f(minus, down)
		if !ok1 || !ok2 {
			return polynomial{}, false
		}
		row := n * (dim + 1)
		even.SetVec(1+row, (a+b)/2)
		odd.SetVec(row, (a-b)/2)
		for i := range dim {
			even.SetVec(2+row+i, (up[i]-down[i])/2)
			odd.SetVec(1+row+i, (up[i]+down[i])/2)
		}
	}
	p := polynomial{dim: dim, coef: make([]float64, terms(dim))}
	x, y := d.even.solve(even), d.odd.solve(odd)
	for k, at := range d.evens {
		p.coef[at] = x.AtVec(k)
	}
	for k, at := range d.odds {
		p.coef[at] = y.AtVec(k)
	}
	return p, true
}
