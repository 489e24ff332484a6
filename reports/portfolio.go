package reports

import (
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/stat"

	"allocate/optimize"
)

// z95 is the 95% quantile of the normal distribution.
const z95 = 1.6448536269514722

// turnover is half the sum of absolute changes from the current weights.
func turnover(s *optimize.Solution, held map[string]float64) float64 {
	change := map[string]float64{}
	for name, w := range held {
		change[name] -= w
	}
	for i, name := range s.Names {
		change[name] += s.Weights[i]
	}
	names := make([]string, 0, len(change))
	for name := range change {
		names = append(names, name)
	}
	sort.Strings(names)
	sum := 0.0
	for _, name := range names {
		sum += math.Abs(change[name]) / 2
	}
	return sum
}

// portfolioInterval is the mean and central 90% interval of the portfolio's
// annual expected return, for what is not known of the strategies' means. The
// errors of their estimates are as correlated as their returns, since they were
// made on the same days (see scenarios.Generate):
//
//	sd^2 = sum_ij w_i w_j sd_i sd_j rho_ij
//
// with the posterior standard deviations of the annual means and the
// correlations of the scenarios; the interval is that of a normal distribution.
func portfolioInterval(r *Run, strategies []StrategySummary) Interval {
	const z = z95
	n := len(r.Set.Names)
	columns := make([][]float64, 0, n)
	weights, sds := []float64{}, []float64{}
	mean := 0.0
	for j, s := range strategies {
		mean += s.Weight * float64(s.AnnualReturn.Mean)
		if s.Weight == 0 {
			continue
		}
		column := make([]float64, r.Set.Len())
		for i := range column {
			column[i] = r.Set.Returns[i*n+j]
		}
		columns, weights = append(columns, column), append(weights, s.Weight)
		sds = append(sds, float64(s.AnnualReturn.Q95-s.AnnualReturn.Q5)/(2*z))
	}
	variance := 0.0
	for a := range columns {
		for b := range columns {
			rho := 1.0
			if a != b {
				if rho = stat.Correlation(columns[a], columns[b], r.Set.Prob); rho != rho {
					rho = 0 // one of them never moves
				}
			}
			variance += weights[a] * weights[b] * sds[a] * sds[b] * rho
		}
	}
	sd := math.Sqrt(max(0, variance))
	return Interval{Number(mean), Number(mean - z*sd), Number(mean + z*sd)}
}

// Outperformance says how likely one strategy returns more than another over the
// horizon, from the joint scenarios; ties count half.
type Outperformance struct {
	Names       []string    `json:"names"`       // the strategies with the largest weights
	Probability [][]float64 `json:"probability"` // [i][j]: that i returns more than j; 1/2 on the diagonal
}

// mostCompared is the number of strategies that are compared with each other.
const mostCompared = 12

// outperformance compares the strategies with the largest absolute weights.
func outperformance(r *Run) *Outperformance {
	n := len(r.Set.Names)
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := math.Abs(r.Solution.Weights[a]), math.Abs(r.Solution.Weights[b])
		switch {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	order = order[:min(n, mostCompared)]
	out := &Outperformance{}
	for _, i := range order {
		out.Names = append(out.Names, r.Set.Names[i])
		out.Probability = append(out.Probability, make([]float64, len(order)))
	}
	for s := range r.Set.Len() {
		row, p := r.Set.Row(s), r.Set.Probability(s)
		for a, i := range order {
			for b, j := range order {
				switch {
				case row[i] > row[j]:
					out.Probability[a][b] += p
				case row[i] == row[j]:
					out.Probability[a][b] += p / 2
				}
			}
		}
	}
	return out
}

// interval is the mean and central 90% of values.
func interval(v []float64) Interval {
	s := append([]float64(nil), v...)
	sort.Float64s(s)
	sum := 0.0
	for _, x := range s {
		sum += x
	}
	at := func(p float64) float64 {
		h := p * float64(len(s)-1)
		i := min(int(h), len(s)-2)
		return s[i] + (h-float64(i))*(s[i+1]-s[i])
	}
	return Interval{Number(sum / float64(len(s))), Number(at(0.05)), Number(at(0.95))}
}
