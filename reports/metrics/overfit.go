package metrics

import (
	"math"
	"math/bits"
	"slices"
)

// Overfitting is how much the choice of the best of many strategies owes to
// luck, by combinatorially symmetric cross-validation: Bailey, Borwein, López
// de Prado & Zhu, "The probability of backtest overfitting", Journal of
// Computational Finance 2017. Each slice has an entry per split, the splits in
// lexicographic order of the blocks in sample.
type Overfitting struct {
	// Logits are log(w/(1-w)), w = rank/(N+1) the relative rank out of sample
	// of the strategy that is best in sample; 0 is the median.
	Logits []float64

	// InSample and OutOfSample are the Sharpe ratios per day of that strategy.
	InSample, OutOfSample []float64

	// Probability of backtest overfitting (PBO): the share of logits at or
	// below 0. About 1/2 if the choice is all luck.
	Probability float64

	// Degradation regresses OutOfSample on InSample. The slope is negative by
	// construction where strategies do not differ in truth: a high mean in one
	// half leaves a low one in the other.
	Degradation Regression

	// ProbabilityOfLoss is the share of splits with OutOfSample below 0.
	ProbabilityOfLoss float64
}

// Regression is a line by least squares. NaN if the regressor does not vary.
type Regression struct{ Slope, Intercept, RSquared float64 }

// CrossValidate measures overfitting from daily returns, T x N row-major for N
// strategies, T days. The days are cut into blocks of equal length, up to one
// day, of which every half is in sample once and the other half out of sample:
// blocks is even, from 2 to 20, with N >= 2 and T >= 2 blocks; 16 make 12,870
// splits. Performance is the Sharpe ratio over zero; that of a strategy that
// does not vary is 0. Of equals in sample the first is chosen, of equals out of
// sample ranks are averaged. All numbers are NaN if a return is not finite.
func CrossValidate(returns []float64, strategies, blocks int) Overfitting {
	if strategies < 2 || len(returns)%strategies != 0 {
		panic("metrics: returns are not a matrix of two strategies or more")
	}
	n, days := strategies, len(returns)/strategies
	if blocks < 2 || blocks > 20 || blocks%2 != 0 || days < 2*blocks {
		panic("metrics: blocks are odd, too few, or too many")
	}
	if !usable(returns, nil) {
		nan := math.NaN()
		return Overfitting{Probability: nan, Degradation: Regression{nan, nan, nan}, ProbabilityOfLoss: nan}
	}
	sums := newBlockSums(returns, n, blocks)
	var o Overfitting
	in, out := make([]float64, n), make([]float64, n)
	for _, chosen := range halves(blocks) {
		sums.sharpe(chosen, in)
		sums.sharpe((1<<blocks-1)&^chosen, out)
		best := 0
		for i, s := range in {
			if s > in[best] {
				best = i
			}
		}
		below, tied := 0.0, 0.0
		for _, s := range out {
			switch {
			case s < out[best]:
				below++
			case s == out[best]:
				tied++
			}
		}
		rank := below + (tied+1)/2
		logit := math.Log(rank / (float64(n+1) - rank))
		o.Logits = append(o.Logits, logit)
		o.InSample = append(o.InSample, in[best])
		o.OutOfSample = append(o.OutOfSample, out[best])
		if logit <= 0 {
			o.Probability++
		}
		if out[best] < 0 {
			o.ProbabilityOfLoss++
		}
	}
	splits := float64(len(o.Logits))
	o.Probability /= splits
	o.ProbabilityOfLoss /= splits
	o.Degradation = regress(o.InSample, o.OutOfSample)
	return o
}

// blockSums are the sums of each block and strategy, of which a Sharpe ratio of
// any union of blocks is made in a few operations. Returns are centered on the
// strategy's mean of all days, so that squares do not cancel.
type blockSums struct {
	days         []float64 // per block
	first, power []float64 // blocks x N: sums of d and d^2
	center       []float64 // N
	negligible   []float64 // N: sum of squares per day that is rounding
}

func newBlockSums(returns []float64, n, blocks int) *blockSums {
	days := len(returns) / n
	s := &blockSums{
		days:   make([]float64, blocks),
		first:  make([]float64, blocks*n),
		power:  make([]float64, blocks*n),
		center: make([]float64, n), negligible: make([]float64, n),
	}
	column := make([]float64, days)
	for i := range n {
		for t := range column {
			column[t] = returns[t*n+i]
		}
		m := momentsOf(column)
		s.center[i] = m.mean
		if m.low == m.high {
			s.center[i] = m.low
		}
		scale := tiny * max(m.high, -m.low)
		s.negligible[i] = scale * scale
		for b := range blocks {
			from, to := b*days/blocks, (b+1)*days/blocks
			s.days[b] = float64(to - from)
			for _, r := range column[from:to] {
				d := r - s.center[i]
				s.first[b*n+i] += d
				s.power[b*n+i] += d * d
			}
		}
	}
	return s
}

// sharpe fills out with the Sharpe ratio of each strategy over a set of blocks.
func (s *blockSums) sharpe(set uint, out []float64) {
	n := len(out)
	for i := range out {
		days, first, power := 0.0, 0.0, 0.0
		for rest := set; rest != 0; rest &= rest - 1 {
			b := bits.TrailingZeros(rest)
			days += s.days[b]
			first += s.first[b*n+i]
			power += s.power[b*n+i]
		}
		mean := first / days
		squares := power - first*mean
		out[i] = 0
		if squares > days*s.negligible[i] {
			out[i] = (s.center[i] + mean) / math.Sqrt(squares/(days-1))
		}
	}
}

// halves lists the sets of half the blocks, block b as bit b, in lexicographic
// order of their blocks.
func halves(blocks int) []uint {
	var out []uint
	for _, c := range combinations(blocks, blocks/2) {
		set := uint(0)
		for _, b := range c {
			set |= 1 << b
		}
		out = append(out, set)
	}
	return out
}

// combinations lists the k-subsets of 0..n-1 in lexicographic order.
func combinations(n, k int) [][]int {
	var out [][]int
	c := make([]int, k)
	for i := range c {
		c[i] = i
	}
	for {
		out = append(out, slices.Clone(c))
		i := k - 1
		for i >= 0 && c[i] == n-k+i {
			i--
		}
		if i < 0 {
			return out
		}
		c[i]++
		for j := i + 1; j < k; j++ {
			c[j] = c[j-1] + 1
		}
	}
}

func regress(x, y []float64) Regression {
	mx, my := momentsOf(x), momentsOf(y)
	cross := 0.0
	for i := range x {
		cross += (x[i] - mx.mean) * (y[i] - my.mean)
	}
	slope := ratio(cross, mx.m2)
	return Regression{
		Slope:     slope,
		Intercept: my.mean - slope*mx.mean,
		RSquared:  ratio(slope*cross, my.m2),
	}
}
