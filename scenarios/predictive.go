package scenarios

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"sync"
	"sync/atomic"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"

	"allocate/returns"
)

// block is the number of scenarios whose daily paths are in memory at once.
const block = 500

// Generate draws joint scenarios of the strategies' returns over the horizon.
//
// Scenario s takes one posterior draw per strategy and holds it over its whole
// path, because not knowing a mean does not average out over days. Across
// strategies both the days' innovations and the choice of draws follow one
// Gaussian copula: strategies that were seen on the same days have estimation
// errors as correlated as their returns, and draws paired at random would let
// parameter risk look diversifiable. Daily simple returns compound to the
// horizon return.
//
// stream gives the random source of a named part; each strategy has its own,
// so that one strategy more or less changes no other's innovations before the
// copula mixes them. workers changes the speed and nothing else. progress may
// be nil.
func Generate(ctx context.Context, asOf returns.Date, strategies []Strategy, o Options, stream func(part string) rand.Source, workers int, progress func(done, total int)) (*Set, []returns.Finding, error) {
	if err := o.Validate(); err != nil {
		return nil, nil, err
	}
	n := len(strategies)
	if n == 0 {
		return nil, nil, errors.New("scenarios: no strategies")
	}
	lower, findings, err := mixing(ctx, strategies, o, workers)
	if err != nil {
		return nil, nil, err
	}
	set := &Set{AsOf: asOf, Horizon: o.Horizon, Names: make([]string, n), Returns: make([]float64, o.Count*n)}
	sources := make([]*rand.Rand, n)
	orders := make([][]int, n)
	for j, s := range strategies {
		set.Names[j] = s.Series.Strategy.Name
		sources[j] = rand.New(stream(set.Names[j]))
		orders[j] = drawsByMean(s)
	}

	width := block * (o.Horizon + 1) // per scenario: one innovation picks the draw, the rest are days
	own, mixed := mat.NewDense(n, width, nil), mat.NewDense(n, width, nil)
	for first := 0; first < o.Count; first += block {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		count := min(block, o.Count-first)
		err := each(ctx, n, workers, func(j int) {
			for k := range own.RawRowView(j)[:count*(o.Horizon+1)] {
				own.RawRowView(j)[k] = sources[j].NormFloat64()
			}
		})
		if err != nil {
			return nil, nil, err
		}
		blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, lower.RawMatrix(), own.RawMatrix(), 0, mixed.RawMatrix())
		err = each(ctx, n, workers, func(j int) {
			z := mixed.RawRowView(j)
			for s := range count {
				path := z[s*(o.Horizon+1) : (s+1)*(o.Horizon+1)]
				set.Returns[(first+s)*n+j] = horizonReturn(strategies[j], orders[j], path)
			}
		})
		if err != nil {
			return nil, nil, err
		}
		if progress != nil {
			progress(first+count, o.Count)
		}
	}
	if err := set.Validate(); err != nil {
		return nil, nil, err
	}
	return set, findings, nil
}

// mixing returns the lower Cholesky factor of the copula's correlation.
func mixing(ctx context.Context, strategies []Strategy, o Options, workers int) (*mat.Dense, []returns.Finding, error) {
	n := len(strategies)
	lower := mat.NewDense(n, n, nil)
	if o.Dependence == "independent" {
		for i := range n {
			lower.Set(i, i, 1)
		}
		return lower, nil, nil
	}
	scores := make([][]float64, n)
	if err := each(ctx, n, workers, func(j int) { scores[j] = normalScores(strategies[j]) }); err != nil {
		return nil, nil, err
	}
	r, findings := correlation(strategies, scores)
	var chol mat.Cholesky
	if !chol.Factorize(r) {
		return nil, nil, fmt.Errorf("scenarios: the correlation of %d strategies is not positive definite", n)
	}
	var l mat.TriDense
	chol.LTo(&l)
	lower.Copy(&l)
	return lower, findings, nil
}

// drawsByMean orders the posterior draws by the mean return they stand for.
func drawsByMean(s Strategy) []int {
	order := make([]int, s.Posterior.Len())
	mean := make([]float64, len(order))
	for i := range order {
		order[i] = i
		mean[i] = s.Model.Mean(s.Posterior.Theta(i))
	}
	sort.SliceStable(order, func(a, b int) bool { return mean[order[a]] < mean[order[b]] })
	return order
}

// horizonReturn turns innovations into one compounded return: z[0] picks the
// posterior draw by its rank, z[1:] are the days. It overwrites z.
func horizonReturn(s Strategy, order []int, z []float64) float64 {
	u := 0.5 * math.Erfc(-z[0]/math.Sqrt2)
	draw := order[min(len(order)-1, int(u*float64(len(order))))]
	days := z[1:]
	s.Model.Path(s.Posterior.Theta(draw), days, days)
	wealth := 1.0
	for _, r := range days {
		wealth *= 1 + r
	}
	return wealth - 1
}

// each calls f for 0..n-1 on up to workers goroutines.
func each(ctx context.Context, n, workers int, f func(i int)) error {
	var next atomic.Int64
	var group sync.WaitGroup
	for range max(1, min(n, workers)) {
		group.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				f(i)
			}
		})
	}
	group.Wait()
	return ctx.Err()
}
