package scenarios

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"allocate/bayes"
	"allocate/returns"
)

// scoreDraws is the number of posterior draws that a day's predictive
// probability is averaged over.
const scoreDraws = 32

// normalScores returns Phi^-1 of the posterior predictive probability of each
// day of a strategy's history, averaged over draws spread evenly over the
// posterior. Under the model they are standard normal; what they keep of the
// data is its dependence on other strategies.
func normalScores(s Strategy) []float64 {
	n := s.Posterior.Len()
	z := make([]float64, s.Series.Len())
	seen := map[float64]float64{} // flat days share one value
	for t, r := range s.Series.Returns {
		if v, ok := seen[r]; ok {
			z[t] = v
			continue
		}
		u := 0.0
		for k := range scoreDraws {
			u += s.Model.Score(s.Posterior.Theta((2*k+1)*n/(2*scoreDraws)), r)
		}
		u = max(1e-12, min(1-1e-12, u/scoreDraws))
		z[t] = math.Sqrt2 * math.Erfinv(2*u-1)
		seen[r] = z[t]
	}
	return z
}

// leastOverlap is the fewest common days from which a correlation is taken;
// two strategies with fewer are treated as independent, and reported.
const leastOverlap = 60

// correlation estimates the N x N correlation of the normal scores from the
// days that each pair has in common, and repairs what pairwise estimation may
// break: eigenvalues are raised to a floor and the diagonal is scaled back to
// one (Rebonato and Jaeckel 1999, spectral decomposition).
func correlation(strategies []Strategy, scores [][]float64) (*mat.SymDense, []returns.Finding) {
	n := len(strategies)
	r := mat.NewSymDense(n, nil)
	var findings []returns.Finding
	for i := range n {
		r.SetSym(i, i, 1)
		for j := i + 1; j < n; j++ {
			rho, days := commonCorrelation(strategies[i].Series.Dates, scores[i], strategies[j].Series.Dates, scores[j])
			if days < leastOverlap {
				findings = append(findings, returns.Finding{
					Code: "scenarios.overlap", Severity: returns.Warn, Strategy: strategies[i].Series.Strategy.Name,
					Numbers:  map[string]float64{"days": float64(days), "limit": leastOverlap},
					Sentence: fmt.Sprintf("It shares %d days with %q, fewer than %d; the two are taken as independent.", days, strategies[j].Series.Strategy.Name, leastOverlap),
				})
				rho = 0
			}
			r.SetSym(i, j, rho)
		}
	}
	return nearestCorrelation(r), findings
}

// commonCorrelation returns Pearson's correlation over the days in both, and
// their number.
func commonCorrelation(da []returns.Date, a []float64, db []returns.Date, b []float64) (float64, int) {
	var n, sa, sb, saa, sbb, sab float64
	for i, j := 0, 0; i < len(da) && j < len(db); {
		switch {
		case da[i] < db[j]:
			i++
		case da[i] > db[j]:
			j++
		default:
			x, y := a[i], b[j]
			n, sa, sb = n+1, sa+x, sb+y
			saa, sbb, sab = saa+x*x, sbb+y*y, sab+x*y
			i, j = i+1, j+1
		}
	}
	va, vb := saa-sa*sa/n, sbb-sb*sb/n
	if n < 2 || va <= 0 || vb <= 0 {
		return 0, int(n)
	}
	return max(-1, min(1, (sab-sa*sb/n)/math.Sqrt(va*vb))), int(n)
}

// eigenFloor keeps the repaired matrix safely positive definite: identical
// strategies are allowed, and move together to one part in a million.
const eigenFloor = 1e-6

func nearestCorrelation(r *mat.SymDense) *mat.SymDense {
	n := r.SymmetricDim()
	var eigen mat.EigenSym
	if !eigen.Factorize(r, true) {
		panic("scenarios: the correlation matrix has no eigenvalues") // only for NaN, which correlation never makes
	}
	values := eigen.Values(nil)
	if values[0] >= eigenFloor {
		return r
	}
	var v, scaled, full mat.Dense
	eigen.VectorsTo(&v)
	scaled.Apply(func(_, j int, x float64) float64 { return x * max(values[j], eigenFloor) }, &v)
	full.Mul(&scaled, v.T())
	fixed := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			fixed.SetSym(i, j, full.At(i, j)/math.Sqrt(full.At(i, i)*full.At(j, j)))
		}
	}
	return fixed
}

// Strategy is what scenarios need of one strategy.
type Strategy struct {
	Series    *returns.Series
	Posterior *bayes.Posterior
	Model     bayes.ReturnModel
}
