package backtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"allocate/optimize"
	"allocate/returns"
	"allocate/scenarios"
)

// The allocators that ours is compared with. All see the same returns. All are
// long-only and fully invested but HistoricalCVaR, which has the limits of our
// own decision: it may be short or hold CASH if that may.
const (
	EqualWeight       = "equal_weight"
	InverseVolatility = "inverse_volatility"
	MinVariance       = "min_variance"
	HistoricalCVaR    = "historical_cvar"
	HRP               = "hrp"
)

var allocatorNames = []string{EqualWeight, InverseVolatility, MinVariance, HistoricalCVaR, HRP}

// Allocate returns the weights of an allocator for the histories of a window,
// in their order. horizon and o are those of our own decision, which
// HistoricalCVaR has, too: the same objective and limits over what has been
// instead of what may be.
func Allocate(ctx context.Context, name string, series []*returns.Series, horizon int, o optimize.Options) (map[string]float64, error) {
	if len(series) == 0 {
		return nil, fmt.Errorf("backtest: %s: no strategies", name)
	}
	var w []float64
	var err error
	switch name {
	case EqualWeight:
		w = make([]float64, len(series))
		for i := range w {
			w[i] = 1 / float64(len(w))
		}
	case InverseVolatility:
		w, err = inverseVolatility(series)
	case MinVariance:
		w, err = minVariance(shrunkCovariance(aligned(series)))
	case HRP:
		w = hierarchical(covariance(aligned(series)))
	case HistoricalCVaR:
		return historicalCVaR(ctx, series, horizon, o)
	default:
		return nil, fmt.Errorf("backtest: unknown allocator %q", name)
	}
	if err != nil {
		return nil, fmt.Errorf("backtest: %s: %w", name, err)
	}
	out := map[string]float64{}
	for i, s := range series {
		if w[i] != 0 {
			out[s.Strategy.Name] = w[i]
		}
	}
	return out, nil
}

// inverseVolatility weights by 1/sd of each strategy's own days. A strategy
// that never moved has no say; it is an error if none did.
func inverseVolatility(series []*returns.Series) ([]float64, error) {
	w := make([]float64, len(series))
	sum := 0.0
	for i, s := range series {
		if _, sd := s.Moments(); sd > 0 {
			w[i] = 1 / sd
		}
		sum += w[i]
	}
	if sum == 0 {
		return nil, errors.New("no strategy has volatility")
	}
	for i := range w {
		w[i] /= sum
	}
	return w, nil
}

// aligned returns the T x N returns of the days that all strategies have.
func aligned(series []*returns.Series) *mat.Dense {
	count := map[returns.Date]int{}
	for _, s := range series {
		for _, d := range s.Dates {
			count[d]++
		}
	}
	var days []returns.Date
	for _, d := range series[0].Dates {
		if count[d] == len(series) {
			days = append(days, d)
		}
	}
	x := mat.NewDense(max(1, len(days)), len(series), nil)
	for j, s := range series {
		at := 0
		for t, d := range days {
			for s.Dates[at] < d {
				at++
			}
			x.Set(t, j, s.Returns[at])
		}
	}
	return x
}

// covariance is the sample covariance with divisor T, per day.
func covariance(x *mat.Dense) *mat.SymDense {
	t, n := x.Dims()
	mean := make([]float64, n)
	for i := range t {
		for j, v := range x.RawRowView(i) {
			mean[j] += v / float64(t)
		}
	}
	s := mat.NewSymDense(n, nil)
	centered := make([]float64, n)
	for i := range t {
		for j, v := range x.RawRowView(i) {
			centered[j] = v - mean[j]
		}
		s.SymRankOne(s, 1/float64(t), mat.NewVecDense(n, centered))
	}
	return s
}

// shrunkCovariance moves the sample covariance S towards the identity times
// its mean variance m, by the share b^2/d^2 that minimizes the expected squared
// error: d^2 = |S - mI|^2, b^2 = min(d^2, 1/T^2 sum_t |x_t x_t' - S|^2) (Ledoit
// and Wolf 2004, "A well-conditioned estimator for large-dimensional covariance
// matrices", lemma 3.2 to 3.5; norms are Frobenius's, divided by N).
func shrunkCovariance(x *mat.Dense) *mat.SymDense {
	t, n := x.Dims()
	s := covariance(x)
	m := mat.Trace(s) / float64(n)
	d2 := 0.0
	for i := range n {
		for j := range n {
			v := s.At(i, j)
			if i == j {
				v -= m
			}
			d2 += v * v
		}
	}
	mean := make([]float64, n)
	for i := range t {
		for j, v := range x.RawRowView(i) {
			mean[j] += v / float64(t)
		}
	}
	frobenius := mat.Norm(s, 2)
	b2 := 0.0
	c := make([]float64, n)
	for i := range t {
		size := 0.0
		for j, v := range x.RawRowView(i) {
			c[j] = v - mean[j]
			size += c[j] * c[j]
		}
		// |cc' - S|^2 = |c|^4 - 2 c'Sc + |S|^2
		v := mat.NewVecDense(n, c)
		b2 += size*size - 2*mat.Inner(v, s, v) + frobenius*frobenius
	}
	b2 = min(d2, b2/float64(t)/float64(t))
	share := 1.0
	if d2 > 0 {
		share = b2 / d2
	}
	for i := range n {
		for j := i; j < n; j++ {
			v := (1 - share) * s.At(i, j)
			if i == j {
				v += share * m
			}
			s.SetSym(i, j, v)
		}
	}
	return s
}

// minVariance minimizes w'Sw over w >= 0, sum 1, by an active set: strategies
// with a weight leave when the optimum among them makes theirs negative, and
// the one with the lowest marginal variance enters while it is below the
// portfolio's. S is positive definite, so the sets do not repeat.
func minVariance(s *mat.SymDense) ([]float64, error) {
	n := s.SymmetricDim()
	w := make([]float64, n)
	calmest := 0
	for i := range n {
		if s.At(i, i) < s.At(calmest, calmest) {
			calmest = i
		}
	}
	active := []int{calmest}
	w[calmest] = 1
	for range 20 * (n + 5) {
		target, err := unconstrained(s, active)
		if err != nil {
			return nil, err
		}
		// Go from w towards target until a weight is gone.
		step, gone := 1.0, -1
		for k, i := range active {
			if target[k] < 0 {
				if at := w[i] / (w[i] - target[k]); at < step {
					step, gone = at, k
				}
			}
		}
		for k, i := range active {
			w[i] += step * (target[k] - w[i])
		}
		if gone >= 0 {
			w[active[gone]] = 0
			active = slices.Delete(active, gone, gone+1)
			continue
		}
		variance, best, enter := 0.0, 0.0, -1
		v := mat.NewVecDense(n, w)
		var marginal mat.VecDense
		marginal.MulVec(s, v)
		variance = mat.Dot(v, &marginal)
		for i := range n {
			if m := marginal.AtVec(i) - variance; m < best-1e-12*variance && !slices.Contains(active, i) {
				best, enter = m, i
			}
		}
		if enter < 0 {
			return w, nil
		}
		active = append(active, enter)
	}
	return nil, fmt.Errorf("the minimum variance of %d strategies was not found", n)
}

// unconstrained is the least variance among some strategies, weights of any
// sign: S^-1 1 / 1'S^-1 1.
func unconstrained(s *mat.SymDense, among []int) ([]float64, error) {
	k := len(among)
	sub, ones := mat.NewSymDense(k, nil), mat.NewVecDense(k, nil)
	for a, i := range among {
		ones.SetVec(a, 1)
		for b := a; b < k; b++ {
			sub.SetSym(a, b, s.At(i, among[b]))
		}
	}
	var chol mat.Cholesky
	if !chol.Factorize(sub) {
		return nil, fmt.Errorf("the covariance of %d strategies is not positive definite", k)
	}
	var x mat.VecDense
	if err := chol.SolveVecTo(&x, ones); err != nil && math.IsInf(chol.Cond(), 1) {
		return nil, err
	}
	x.ScaleVec(1/mat.Dot(&x, ones), &x)
	return x.RawVector().Data, nil
}

// historicalCVaR optimizes over the overlapping horizon returns of the days
// that all strategies have: historical simulation.
func historicalCVaR(ctx context.Context, series []*returns.Series, horizon int, o optimize.Options) (map[string]float64, error) {
	x := aligned(series)
	t, n := x.Dims()
	set := &scenarios.Set{Horizon: horizon, Frequency: series[0].Frequency, AsOf: series[0].Dates[series[0].Len()-1]}
	for _, s := range series {
		set.Names = append(set.Names, s.Strategy.Name)
	}
	for first := 0; first+horizon <= t; first++ {
		for j := range n {
			wealth := 1.0
			for k := range horizon {
				wealth *= 1 + x.At(first+k, j)
			}
			set.Returns = append(set.Returns, wealth-1)
		}
	}
	if len(set.Returns) == 0 {
		return nil, fmt.Errorf("backtest: %s: %d common days, fewer than the horizon of %d", HistoricalCVaR, t, horizon)
	}
	o.Frontier = 0
	p, err := optimize.NewProblem(set, o, nil)
	if err != nil {
		return nil, err
	}
	s, err := optimize.Solve(ctx, p)
	if err != nil {
		return nil, err
	}
	out := map[string]float64{}
	for i, name := range s.Names {
		if s.Weights[i] != 0 {
			out[name] = s.Weights[i]
		}
	}
	return out, nil
}
