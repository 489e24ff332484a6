package scenarios

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// regression is the normal distribution of the scores that are missing on a day, given
// those that are not.
type regression struct {
	here, gone []int
	beta       *mat.Dense    // gone x here
	rest       *mat.SymDense // covariance of gone given here
	lower      *mat.TriDense // its Cholesky factor
}

// regressions are made once per set of strategies that are present.
type regressions struct {
	r     *mat.SymDense
	known map[string]*regression
	mask  []byte
}

func newRegressions(r *mat.SymDense) *regressions {
	return &regressions{r: r, known: map[string]*regression{}, mask: make([]byte, r.SymmetricDim())}
}

// of returns the regression for a day, in which missing scores are NaN; nil: none is.
func (all *regressions) of(day []float64) *regression {
	whole := true
	for j, z := range day {
		all.mask[j] = 1
		if math.IsNaN(z) {
			all.mask[j], whole = 0, false
		}
	}
	if whole {
		return nil
	}
	g := all.known[string(all.mask)]
	if g == nil {
		g = newRegression(all.r, all.mask)
		all.known[string(all.mask)] = g
	}
	return g
}

func newRegression(r *mat.SymDense, mask []byte) *regression {
	g := &regression{}
	for j, m := range mask {
		if m == 1 {
			g.here = append(g.here, j)
		} else {
			g.gone = append(g.gone, j)
		}
	}
	g.rest = subMatrix(r, g.gone)
	if len(g.here) > 0 {
		cross := mat.NewDense(len(g.here), len(g.gone), nil)
		for a, i := range g.here {
			for b, j := range g.gone {
				cross.Set(a, b, r.At(i, j))
			}
		}
		var chol mat.Cholesky
		chol.Factorize(nearestCorrelation(subMatrix(r, g.here)))
		var solved, explained mat.Dense
		if err := chol.SolveTo(&solved, cross); err != nil {
			solved.Scale(0, cross) // too ill conditioned to say anything
		}
		g.beta = mat.DenseCopyOf(solved.T())
		explained.Mul(g.beta, cross)
		for a := range g.gone {
			for b := a; b < len(g.gone); b++ {
				v := g.rest.At(a, b) - explained.At(a, b)
				if a == b {
					v += eigenFloor
				}
				g.rest.SetSym(a, b, v)
			}
		}
	}
	var chol mat.Cholesky
	g.lower = mat.NewTriDense(len(g.gone), mat.Lower, nil)
	if chol.Factorize(g.rest) {
		chol.LTo(g.lower)
		return g
	}
	n := len(g.gone)
	for a := range n {
		v := max(g.rest.At(a, a), eigenFloor)
		g.lower.SetTri(a, a, math.Sqrt(v))
		for b := a; b < n; b++ {
			g.rest.SetSym(a, b, 0)
		}
		g.rest.SetSym(a, a, v)
	}
	return g
}

func (g *regression) expect(day []float64) {
	for a, j := range g.gone {
		v := 0.0
		for b, i := range g.here {
			v += g.beta.At(a, b) * day[i]
		}
		day[j] = v
	}
}
