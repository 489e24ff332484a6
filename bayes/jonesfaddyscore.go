package bayes

import (
	"math"
	"math/rand/v2"
	"sync"

	"gonum.org/v1/gonum/mathext"
)

// tails returns P(U < u) and P(U > u) at w = asinh u, the smaller one to full
// relative accuracy, and the density of 2w.
func (f *jonesFaddy) tails(w float64) (below, above, density float64) {
	low, high := softplus(-2*w), softplus(2*w) // -ln of the beta variate, and of 1 less it
	logB := lgamma(f.a) + lgamma(f.b) - lgamma(f.nu)
	density = math.Exp(-f.a*low - f.b*high - logB)
	if x := math.Exp(-low); x < (f.a+1)/(f.nu+2) {
		below = density * betaFraction(f.a, f.b, x, 1e-15) / f.a
		return below, 1 - below, density
	}
	above = density * betaFraction(f.b, f.a, math.Exp(-high), 1e-15) / f.b
	return 1 - above, above, density
}

// cdf returns P(U < u).
func (f *jonesFaddy) cdf(u float64) float64 {
	below, _, _ := f.tails(math.Asinh(u))
	return below
}

// quantile returns asinh of the quantile at the probability of a standard normal
// score, by Newton's method on the logarithm of the nearer tail, which is concave
// in asinh u.
func (f *jonesFaddy) quantile(z float64) float64 {
	if math.Abs(z) > 38 { // beyond, the probability underflows
		return math.Copysign(math.Inf(1), z)
	}
	side := math.Copysign(1, z)
	tail := 0.5 * math.Erfc(math.Abs(z)/math.Sqrt2)
	wide := math.Sqrt(1/f.a + 1/f.b)
	w := 0.5 * (math.Log(f.a/f.b) + max(-1, min(1, z))*wide)
	for range 100 {
		below, above, density := f.tails(w)
		p := below
		if z > 0 {
			p = above
		}
		step := side * math.Log(p/tail) * p / density / 2
		w += max(-2*wide, min(2*wide, step)) // the other tail may be of another size, and underflow
		if math.Abs(step) < 1e-13*(1+math.Abs(w)) {
			break
		}
	}
	return w
}

// jfScore maps standard normal scores to quantiles, as tScore does for a
// Student-t. What is tabulated is
//
//	h(z; r, s) = (asinh u(z) - ln(a/b)/2)/(r/2),   r^2 = 1/a + 1/b,   s = (1/a - 1/b)/r^2
//
// which is z for r = 0, the normal distribution, and of which s = +-1 is the log-gamma.
// By the Cornish-Fisher expansion it goes on smoothly to r < 0, and has two
// symmetries, h(z; r, -s) = h(z; -r, s) = -h(-z; r, s): of a tensor of Chebyshev
// polynomials in z, r and s three terms of four are 0.
type jfScore struct {
	of           jonesFaddy
	coef         [scoreZ]float64
	center, half float64 // asinh u = center + half h
	m, root      float64 // a return is m + root u
}

const (
	scoreZ = 36 // terms in z, as many odd as even
	scoreR = 36 // in r, of which half belong to either
	scoreS = 20 // in s

	scorePairs = scoreR * scoreS / 4
)

// scoreTable has, by order in z, the coefficients of the orders in r and s of the
// other parity.
var scoreTable = sync.OnceValue(func() *[scoreZ][scorePairs]float64 {
	var values [scoreZ][scoreR][scoreS]float64
	for j := range scoreR / 2 { // r > 0
		for l := range scoreS / 2 { // s > 0
			s := math.Cos(node(l, scoreS))
			r := math.Cos(node(j, scoreR)) / math.Sqrt((1+s*s)/2)
			f := jonesFaddy{a: 2 / (r * r * (1 + s)), b: 2 / (r * r * (1 - s))}
			f.nu = f.a + f.b
			for i := range scoreZ {
				h := (f.quantile(tableZMax*math.Cos(node(i, scoreZ))) - math.Log(f.a/f.b)/2) / (r / 2)
				values[i][j][l] = h
				values[scoreZ-1-i][scoreR-1-j][l] = -h
				values[scoreZ-1-i][j][scoreS-1-l] = -h
				values[i][scoreR-1-j][scoreS-1-l] = h
			}
		}
	}
	cz, cr, cs := cosines(scoreZ), cosines(scoreR), cosines(scoreS)
	var inR [scoreZ][scoreR][scoreS]float64
	for i := range scoreZ {
		for k := range scoreR {
			for j := range scoreR {
				for l := range scoreS {
					inR[i][k][l] += cr[k*scoreR+j] * values[i][j][l]
				}
			}
		}
	}
	var table [scoreZ][scorePairs]float64
	for k := range scoreZ {
		for p := range scorePairs {
			j, n := scorePair(k, p)
			for i := range scoreZ {
				inner := 0.0
				for l := range scoreS {
					inner += cs[n*scoreS+l] * inR[i][j][l]
				}
				table[k][p] += cz[k*scoreZ+i] * inner
			}
		}
	}
	return &table
})

// scorePair are the orders in r and s of a pair, for an order in z.
func scorePair(k, p int) (j, l int) {
	other := 1 - k%2
	return 2*(p/(scoreS/2)) + other, 2*(p%(scoreS/2)) + other
}

// set prepares the score for returns of a distribution.
func (q *jfScore) set(f *jonesFaddy, m, root float64) { q.setTerms(f, m, root, scoreZ) }

// setTerms is set with the first terms in z, an even number.
func (q *jfScore) setTerms(f *jonesFaddy, m, root float64, terms int) {
	q.of, q.m, q.root = *f, m, root
	up, down := 1/f.a, 1/f.b
	r := math.Sqrt(up + down)
	q.center, q.half = math.Log(f.a/f.b)/2, r/2
	var inR [scoreR]float64
	var inS [scoreS]float64
	s := (up - down) / (up + down)
	polynomials(inR[:], r*math.Sqrt((1+s*s)/2))
	polynomials(inS[:], s)
	var pairs [2][scorePairs]float64
	for k := range pairs {
		for p := range scorePairs {
			j, l := scorePair(k, p)
			pairs[k][p] = inR[j] * inS[l]
		}
	}
	table := scoreTable()
	for k := 0; k < terms; k += 2 { // two rows at a time: one sum alone waits for each of its additions
		even, odd := &table[k], &table[k+1]
		a, b := 0.0, 0.0
		for p, v := range &pairs[0] {
			a += even[p] * v
			b += odd[p] * pairs[1][p]
		}
		q.coef[k], q.coef[k+1] = a, b
	}
}

// polynomials writes the Chebyshev polynomials T_0(x), T_1(x), ...
func polynomials(t []float64, x float64) {
	t[0], t[1] = 1, x
	for k := 2; k < len(t); k++ {
		t[k] = 2*x*t[k-1] - t[k-2]
	}
}

// at returns the return at a standard normal score.
func (q *jfScore) at(z float64) float64 {
	if !(math.Abs(z) <= tableZMax) {
		return q.m + q.root*math.Sinh(q.of.quantile(z))
	}
	x := 2 * z / tableZMax
	b1, b2 := 0.0, 0.0
	for k := scoreZ - 1; k > 0; k-- {
		b1, b2 = x*b1-b2+q.coef[k], b1
	}
	return q.returnOf(x/2*b1 - b2 + q.coef[0])
}

// returnOf takes h to the return.
func (q *jfScore) returnOf(h float64) float64 {
	e := math.Exp(q.center + q.half*h)
	return q.m + q.root*(e-1/e)/2
}

// each writes the returns at scores z; r may be z. Four recurrences run side by
// side, because one alone waits for each of its additions.
func (q *jfScore) each(z, r []float64) {
	i := 0
	for ; i+4 <= len(z); i += 4 {
		z0, z1, z2, z3 := z[i], z[i+1], z[i+2], z[i+3]
		if !(max(math.Abs(z0), math.Abs(z1), math.Abs(z2), math.Abs(z3)) <= tableZMax) {
			for j := i; j < i+4; j++ {
				r[j] = q.at(z[j])
			}
			continue
		}
		const scale = 2 / tableZMax
		z0, z1, z2, z3 = scale*z0, scale*z1, scale*z2, scale*z3
		var a0, a1, a2, a3, b0, b1, b2, b3 float64
		for k := scoreZ - 1; k > 0; k-- {
			c := q.coef[k]
			a0, b0 = z0*a0-b0+c, a0
			a1, b1 = z1*a1-b1+c, a1
			a2, b2 = z2*a2-b2+c, a2
			a3, b3 = z3*a3-b3+c, a3
		}
		c := q.coef[0]
		r[i], r[i+1] = q.returnOf(z0/2*a0-b0+c), q.returnOf(z1/2*a1-b1+c)
		r[i+2], r[i+3] = q.returnOf(z2/2*a2-b2+c), q.returnOf(z3/2*a3-b3+c)
	}
	for ; i < len(z); i++ {
		r[i] = q.at(z[i])
	}
}

// jfDraws makes draws of one distribution as tDraws does of a Student-t, from
// cells of the tail probability, of its own for either side and half as many: the
// distribution function is off by less than 4e-4, and less than 0.4% of either tail.
type jfDraws struct {
	score jfScore
	cells [2][jfDrawCells]struct{ offset, slope float64 }
}

const (
	jfCellBits  = cellBits - 1
	jfDrawCells = cellOctaves << jfCellBits
	jfCellShift = 52 - jfCellBits
	jfDrawFrom  = (1023 + 32 - cellOctaves) << jfCellBits
)

// pair returns the quantiles at z and at -z, to the accuracy of the cells: terms of
// even order are the same at both.
func (q *jfScore) pair(z float64) (at, opposite float64) {
	x := z / tableZMax
	y := 2 * (2*x*x - 1)
	var even, evenNext, odd, oddNext float64
	for k := pairTerms - 2; k >= 0; k -= 2 { // T_(k+2) = 2 (2x^2-1) T_k - T_(k-2)
		even, evenNext = y*even-evenNext+q.coef[k], even
		odd, oddNext = y*odd-oddNext+q.coef[k+1], odd
	}
	even -= y / 2 * evenNext
	odd = x * (odd - oddNext)
	return q.returnOf(even + odd), q.returnOf(even - odd)
}

// pairTerms are the terms in z, even, that the accuracy of the cells needs.
const pairTerms = 20

// cellScores are the standard normal scores of the nodes, from the tail to the
// median, of negative sign; of every other node of a tDraws.
var cellScores = sync.OnceValue(func() *[jfDrawCells + 1]float64 {
	var z [jfDrawCells + 1]float64
	for i := range z {
		z[i] = mathext.NormalQuantile(cellNode(2*i) / (1 << 33))
	}
	return &z
})

func (d *jfDraws) set(f *jonesFaddy, m, root float64) {
	d.score.setTerms(f, m, root, pairTerms)
	var quantiles [2][jfDrawCells + 1]float64
	for i, z := range cellScores() {
		quantiles[0][i], quantiles[1][i] = d.score.pair(z)
	}
	for side := range d.cells {
		q := &quantiles[side]
		x, width := cellNode(0), cellNode(2)-cellNode(0)
		for octave := range cellOctaves {
			perWidth := 1 / width
			from := octave << jfCellBits
			outer, inner := q[from:][:1<<jfCellBits], q[from+1:][:1<<jfCellBits]
			cells := d.cells[side][from:][:1<<jfCellBits]
			for i := range cells {
				slope := (inner[i] - outer[i]) * perWidth
				cells[i].offset, cells[i].slope = outer[i]-slope*x, slope
				x += width
			}
			width *= 2
		}
	}
}

// fill writes independent draws, two of each number of the generator. The first of
// 32 bits is the side.
func (d *jfDraws) fill(rng *rand.Rand, r []float64) {
	var bits uint64
	for i := range r {
		if bits >>= 32; i&1 == 0 {
			bits = rng.Uint64()
		}
		x := float64(uint32(bits)<<1 | 1)
		side := bits >> 31 & 1
		v := math.Float64bits(x)>>jfCellShift - jfDrawFrom
		if v >= jfDrawCells {
			z := mathext.NormalQuantile(x / (1 << 33))
			if side == 1 {
				z = -z
			}
			r[i] = d.score.at(z)
			continue
		}
		c := &d.cells[side][v]
		r[i] = c.offset + c.slope*x
	}
}
