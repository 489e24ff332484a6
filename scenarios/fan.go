package scenarios

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// Fan is the distribution of a portfolio on the days up to the horizon:
// quantiles of its return since the start, as fractions, weights bought and
// held.
type Fan struct {
	Day []int     `json:"day"` // periods from now, rising; the last is the horizon
	Q5  []float64 `json:"q5"`
	Q25 []float64 `json:"q25"`
	Q50 []float64 `json:"q50"`
	Q75 []float64 `json:"q75"`
	Q95 []float64 `json:"q95"`
	// Drawdown is the largest fall from a peak, the start included, on these days.
	Drawdown *Drawdown `json:"drawdown,omitempty"`
}

// Drawdown has quantiles of the maximum drawdown over the horizon, positive fractions.
type Drawdown struct {
	Q50 float64 `json:"q50"`
	Q75 float64 `json:"q75"`
	Q95 float64 `json:"q95"`
}

// fanLevels are the probabilities of the fan's quantiles.
var fanLevels = []float64{0.05, 0.25, 0.5, 0.75, 0.95}

// fanPaths is the most scenarios of equal probability that a fan follows day by day.
const fanPaths = 10_000

// NewFan makes the first scenarios of a set once more, from the strategies, options
// and streams that Generate made it from, and follows a portfolio (weights, N) along
// their paths. certain is the return of cash, added on each day. On the last day the
// fan is the distribution of the portfolio over the whole set.
func NewFan(ctx context.Context, strategies []Strategy, weights []float64, set *Set, certain func(day int) float64, o Options, stream func(part string) rand.Source, workers int) (*Fan, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o.Count = o.CountFor(len(strategies))
	if len(strategies) == 0 || len(weights) != len(strategies) || len(set.Names) != len(strategies) || set.Len() != o.Count {
		return nil, errors.New("scenarios: a fan needs a weight per strategy, and the set of the same strategies and options")
	}
	if set.Prob == nil { // else few of them may matter
		o.Count = min(o.Count, fanPaths)
	}
	o = o.For(strategies[0].Series.Frequency)
	f := &Fan{}
	for k := range min(conePoints, o.Horizon) {
		f.Day = append(f.Day, (k+1)*o.Horizon/min(conePoints, o.Horizon))
	}
	parallel := func(n int, f func(i int)) error { return each(ctx, n, workers, f) }
	values := make([][]float64, len(f.Day)) // by day, of every scenario
	for k := range values {
		values[k] = make([]float64, o.Count)
	}
	_, err := draw(strategies, o, stream, design{lattice: true}, parallel, nil, func(b *block, first, count int) error {
		err := parallel(len(strategies), func(j int) {
			if weights[j] == 0 && !b.drawsOnPath(j) {
				return
			}
			for s := range count {
				b.path(j, s)
			}
		})
		if err != nil {
			return err
		}
		return parallel(count, func(s int) {
			for j, w := range weights {
				if w == 0 {
					continue
				}
				wealth, next := 1.0, 0
				for d, r := range b.days.Data[j*b.days.Stride+s*o.Horizon : j*b.days.Stride+(s+1)*o.Horizon] {
					if wealth *= 1 + r; d+1 == f.Day[next] {
						values[next][first+s] += w * (wealth - 1)
						next++
					}
				}
			}
		})
	})
	if err != nil {
		return nil, fmt.Errorf("scenarios: fan: %w", err)
	}
	last := len(f.Day) - 1
	drift := 0.0 // per period, of means other than the models'
	if o.Mean != "" && o.Mean != PosteriorMean {
		for j, m := range set.Mean() {
			drift += weights[j] * m
		}
		drift = (drift - stat.Mean(values[last], set.Prob)) / float64(o.Horizon)
	}
	f.Drawdown = drawdown(values, f.Day, set.Prob, func(day int) float64 { return certain(day) + drift*float64(day) })
	values[last] = make([]float64, set.Len())
	for i := range values[last] {
		for j, r := range set.Row(i) {
			values[last][i] += weights[j] * r
		}
	}
	for k, day := range f.Day {
		q, sure := Quantiles(values[k], set.Prob, fanLevels), certain(day)
		if k < last {
			sure += drift * float64(day)
		}
		for i, list := range []*[]float64{&f.Q5, &f.Q25, &f.Q50, &f.Q75, &f.Q95} {
			*list = append(*list, q[i]+sure)
		}
	}
	return f, nil
}

// drawdown follows every scenario through its days. values are returns by day and scenario.
func drawdown(values [][]float64, days []int, prob []float64, sure func(day int) float64) *Drawdown {
	falls := make([]float64, len(values[0]))
	for s := range falls {
		peak := 1.0
		for k, day := range days {
			wealth := 1 + values[k][s] + sure(day)
			peak = max(peak, wealth)
			falls[s] = max(falls[s], 1-wealth/peak)
		}
	}
	q := Quantiles(falls, prob, []float64{0.5, 0.75, 0.95})
	return &Drawdown{q[0], q[1], q[2]}
}

// Quantiles returns the quantiles of x at rising levels: of each, the least
// value that x does not exceed with at least that probability. prob are the
// probabilities of x; nil: equal.
func Quantiles(x, prob, levels []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(x[a], x[b]), a-b) })
	out := make([]float64, len(levels))
	total, next := 0.0, 0
	for _, i := range order {
		p := 1 / float64(len(x))
		if prob != nil {
			p = prob[i]
		}
		for total += p; next < len(levels) && total >= levels[next]-1e-12; next++ {
			out[next] = x[i]
		}
	}
	for ; next < len(levels); next++ {
		out[next] = x[order[len(order)-1]]
	}
	return out
}
