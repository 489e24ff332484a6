package scenarios

import (
	"math"
	"math/rand/v2"
	"sort"

	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// The t copula is that of x = y/sqrt(w), where y is normal with correlation R
// and w, common to all strategies of a day, is chi-square with nu degrees of
// freedom over nu: on a day of small w everything is far out at once. Its
// marginals are made exact by z = Phi^-1(T_nu(x)), see tMap.
//
// R comes from the correlation of normal scores, by inverting attenuation; nu
// from the copula's likelihood of the days, profiled over R(nu), with draws
// by the weighted likelihood bootstrap.
type tCopula struct {
	nu    []float64 // grid
	share []float64 // of the draws of nu
	best  int       // the grid point of largest likelihood
}

// nuGrid is 2, 3, 4.5, ... 77: steps of a factor of 1.5; the last is close to
// normal.
func nuGrid() []float64 {
	grid := make([]float64, 10)
	for i := range grid {
		grid[i] = 2 * math.Pow(1.5, float64(i))
	}
	return grid
}

// nuAround is a finer grid from the point before nu to the one after it, in
// steps of a factor of 1.5^(1/6) = 1.07.
func nuAround(nu float64) []float64 {
	var grid []float64
	for i := -6; i <= 6; i++ {
		if v := nu * math.Pow(1.5, float64(i)/6); v > 1.999 && v < 80 {
			grid = append(grid, v)
		}
	}
	return grid
}

const (
	judged      = 24   // strategies whose likelihood estimates nu
	alike       = 0.98 // correlation from which two strategies are counted once
	blockDays   = 21   // days that are weighted together: their spread of w clusters
	bootstrap   = 400  // draws of nu
	mostMissing = 100  // patterns of missing strategies that are used
)

// newTCopula estimates nu from the history. r holds the correlations of normal
// scores of all strategies.
func newTCopula(h *history, r *mat.SymDense, src rand.Source, each func(n int, f func(i int)) error) (*tCopula, error) {
	chosen := representative(h, r)
	groups := byPattern(h, chosen)
	if len(groups) == 0 { // no two strategies share a day: nothing speaks for joint extremes
		grid := nuGrid()
		return &tCopula{nu: grid[len(grid)-1:], share: []float64{1}}, nil
	}
	own := subMatrix(r, chosen)
	return degreesGiven(h, src, each, func(nu float64, block []float64) {
		copulaLikelihood(h, chosen, groups, elliptical(own, nu), nu, block)
	})
}

// degreesGiven estimates nu from a likelihood by blocks of days.
func degreesGiven(h *history, src rand.Source, each func(n int, f func(i int)) error, likelihood func(nu float64, block []float64)) (*tCopula, error) {
	c := &tCopula{}
	blocks := (len(h.dates) + blockDays - 1) / blockDays
	var logLik [][]float64 // by nu and block of days
	for _, grid := range [][]float64{nuGrid(), nil} {
		if grid == nil {
			grid = nuAround(c.nu[c.best])
		}
		c.nu, logLik = grid, make([][]float64, len(grid))
		err := each(len(grid), func(i int) {
			logLik[i] = make([]float64, blocks)
			likelihood(grid[i], logLik[i])
		})
		if err != nil {
			return nil, err
		}
		best := math.Inf(-1)
		for i := range logLik {
			sum := 0.0
			for _, v := range logLik[i] {
				sum += v
			}
			if sum > best {
				c.best, best = i, sum
			}
		}
	}
	c.share = make([]float64, len(c.nu))
	// Weighted likelihood bootstrap (Newton and Raftery 1994): the maximizer
	// under exponential weights of blocks of days is a draw of nu. Blocks keep
	// days that are not independent from counting as if they were.
	rng := rand.New(src)
	weight := make([]float64, blocks)
	for range bootstrap {
		for b := range weight {
			weight[b] = rng.ExpFloat64()
		}
		at, most := 0, math.Inf(-1)
		for i := range logLik {
			sum := 0.0
			for b, v := range logLik[i] {
				sum += weight[b] * v
			}
			if sum > most {
				at, most = i, sum
			}
		}
		c.share[at] += 1.0 / bootstrap
	}
	return c, nil
}

// representative chooses the strategies with the longest histories that are
// always in the market and not all but the same as one already chosen.
func representative(h *history, r *mat.SymDense) []int {
	n := len(h.score)
	order, days := make([]int, 0, n), make([]int, n)
	for j, row := range h.score {
		for _, z := range row {
			if !math.IsNaN(z) {
				days[j]++
			}
		}
		if h.traded[j] == nil {
			order = append(order, j)
		}
	}
	if len(order) < 2 {
		order = order[:0]
		for j := range n {
			order = append(order, j)
		}
	}
	sort.SliceStable(order, func(a, b int) bool { return days[order[a]] > days[order[b]] })
	var chosen []int
	for _, j := range order {
		distinct := len(chosen) < judged
		for _, i := range chosen {
			distinct = distinct && math.Abs(r.At(i, j)) < alike
		}
		if distinct {
			chosen = append(chosen, j)
		}
	}
	sort.Ints(chosen)
	return chosen
}

// pattern is the days on which the same strategies are present.
type pattern struct {
	present []int // positions among the chosen
	days    []int
}

// byPattern groups the days with at least two of the chosen strategies.
func byPattern(h *history, chosen []int) []*pattern {
	at := map[string]*pattern{}
	var groups []*pattern
	mask := make([]byte, len(chosen))
	for t := range h.dates {
		var present []int
		for i, j := range chosen {
			mask[i] = 0
			if !math.IsNaN(h.score[j][t]) {
				mask[i] = 1
				present = append(present, i)
			}
		}
		if len(present) < 2 {
			continue
		}
		g := at[string(mask)]
		if g == nil {
			g = &pattern{present: present}
			at[string(mask)] = g
			groups = append(groups, g)
		}
		g.days = append(g.days, t)
	}
	sort.SliceStable(groups, func(a, b int) bool { return len(groups[a].days) > len(groups[b].days) })
	return groups[:min(len(groups), mostMissing)]
}

// copulaLikelihood adds to each block of days its log density under the t
// copula.
func copulaLikelihood(h *history, chosen []int, groups []*pattern, r *mat.SymDense, nu float64, block []float64) {
	m := mapFor(nu)
	x := make([]float64, len(chosen))
	for _, g := range groups {
		n := len(g.present)
		of := nearestCorrelation(subMatrix(r, g.present))
		lower := make([]float64, n*n)
		for i := range n {
			for j := range i + 1 {
				lower[i*n+j] = of.At(i, j)
			}
		}
		if !cholesky(lower, n) {
			panic("scenarios: a repaired correlation matrix is not positive definite")
		}
		logDet := 0.0
		for i := range n {
			logDet += 2 * math.Log(lower[i*n+i])
		}
		for _, t := range g.days {
			for i, p := range g.present {
				x[i] = m.student(h.score[chosen[p]][t])
			}
			block[t/blockDays] += copulaDensity(x[:n], lower, logDet, nu)
		}
	}
}

// copulaDensity returns the log density of a t copula at the Student-t scores x, which it
// overwrites (Demarta and McNeil 2005, equation 5). lower is the Cholesky factor of its
// correlation, row by row, logDet the log determinant of that.
func copulaDensity(x, lower []float64, logDet, nu float64) float64 {
	n := len(x)
	norm, product := 0.0, 1.0
	for i, v := range x {
		product *= 1 + v*v/nu
		row := lower[i*n : i*n+i+1]
		for k, e := range x[:i] {
			v -= row[k] * e
		}
		v /= row[i]
		x[i] = v
		norm += v * v
	}
	return copulaConstant(n, nu) - logDet/2 - (nu+float64(n))/2*math.Log1p(norm/nu) + (nu+1)/2*math.Log(product)
}

func copulaConstant(n int, nu float64) float64 {
	lg := func(x float64) float64 { v, _ := math.Lgamma(x); return v }
	return lg((nu+float64(n))/2) + float64(n-1)*lg(nu/2) - float64(n)*lg((nu+1)/2)
}

func subMatrix(a *mat.SymDense, of []int) *mat.SymDense {
	s := mat.NewSymDense(len(of), nil)
	for i, p := range of {
		for j := i; j < len(of); j++ {
			s.SetSym(i, j, a.At(p, of[j]))
		}
	}
	return s
}

// elliptical turns correlations of normal scores into those of the t copula.
//
// Given the day's g = 1/sqrt(w), a score is z = h(g y) with h = Phi^-1 T_nu, and
// with c_k(g) the coefficient of h(g y) on the normalized Hermite polynomial k,
// Mehler's formula makes the scores' correlation the odd power series
// sum_k E[c_k(g)^2] rho^k. Newton's method inverts it.
func elliptical(r *mat.SymDense, nu float64) *mat.SymDense {
	a := mapFor(nu).scores()
	n := r.SymmetricDim()
	out := mat.NewSymDense(n, nil)
	for i := range n {
		out.SetSym(i, i, 1)
		for j := i + 1; j < n; j++ {
			out.SetSym(i, j, invertOdd(a, r.At(i, j)))
		}
	}
	return out
}

// mehler returns E[c_k(g)^2] for k = 1, 3, 5, ...; they sum to one.
func mehler(m *tMap) []float64 {
	const terms, nodes, levels = 16, 60, 100
	nu := m.nu
	x, w := make([]float64, nodes), make([]float64, nodes)
	quad.Hermite{}.FixedLocations(x, w, math.Inf(-1), math.Inf(1))
	a := make([]float64, terms)
	chi := distuv.ChiSquared{K: nu}
	for level := range levels {
		g := 1 / math.Sqrt(chi.Quantile((float64(level)+0.5)/levels)/nu)
		var c [2 * terms]float64
		for i := range x {
			if x[i] <= 0 {
				continue // odd functions: twice the positive half
			}
			y := math.Sqrt2 * x[i]
			z := 2 * w[i] / math.Sqrt(math.Pi) * m.normal(g*y)
			before, he := 0.0, 1.0 // normalized Hermite polynomials
			for k := range c {
				if k%2 == 1 {
					c[k] += z * he
				}
				before, he = he, (y*he-math.Sqrt(float64(k))*before)/math.Sqrt(float64(k+1))
			}
		}
		for k := range a {
			a[k] += c[2*k+1] * c[2*k+1] / levels
		}
	}
	sum := 0.0
	for _, v := range a {
		sum += v
	}
	if sum > 1 {
		for k := range a {
			a[k] /= sum
		}
	} else {
		a[terms-1] += 1 - sum
	}
	return a
}

// invertOdd solves sum a_k x^(2k+1) = y for x; all a_k >= 0 and sum to one.
func invertOdd(a []float64, y float64) float64 {
	x := y
	for range 50 {
		v, slope := 0.0, 0.0
		for k := len(a) - 1; k >= 0; k-- {
			v = v*x*x + a[k]
			slope = slope*x*x + a[k]*float64(2*k+1)
		}
		step := (v*x - y) / slope
		x = max(-1, min(1, x-step))
		if math.Abs(step) < 1e-13 {
			break
		}
	}
	return x
}

func (c *tCopula) draw(rng *rand.Rand) float64 {
	u := rng.Float64()
	for i, p := range c.share {
		if u -= p; u < 0 {
			return c.nu[i]
		}
	}
	return c.nu[c.best]
}

func (c *tCopula) quantile(p float64) float64 {
	for i, s := range c.share {
		if p -= s; p <= 1e-12 {
			return c.nu[i]
		}
	}
	return c.nu[len(c.nu)-1]
}

func (c *tCopula) mean() float64 {
	m := 0.0
	for i, s := range c.share {
		m += s * c.nu[i]
	}
	return m
}
