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

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/stat/distuv"

	"allocate/bayes"
	"allocate/returns"
)

// inMemory is the number of innovations that are in memory at once: about
// 100 MB, whatever the number of scenarios.
const inMemory = 12 << 20

// blockOf returns the number of scenarios made at a time.
func blockOf(n, horizon int) int { return max(16, min(500, inMemory/(n*(horizon+1)))) }

// Generate draws joint scenarios of the strategies' returns over the horizon.
//
// Scenario s takes one posterior draw per strategy and holds it over its whole
// path, because not knowing a mean does not average out over days. Across
// strategies the days' innovations follow the copula that o names, and the
// choice of draws a Gaussian one of the same correlation, as far as histories
// overlap: strategies that were seen on the same days have estimation errors
// as correlated as their returns, and draws paired at random would let
// parameter risk look diversifiable. Daily simple returns compound to the
// horizon return (buy and hold). Views and a stress then give the scenarios
// their probabilities.
//
// stream gives the random source of a named part; each strategy has its own,
// so that one strategy more or less changes no other's innovations before the
// copula mixes them. workers changes the speed and nothing else: the result is
// the same to the last bit. progress may be nil.
func Generate(ctx context.Context, asOf returns.Date, strategies []Strategy, o Options, stream func(part string) rand.Source, workers int, progress func(done, total int)) (*Set, []returns.Finding, error) {
	return generateWith(ctx, asOf, strategies, o, stream, workers, progress, design{lattice: true})
}

// design holds the variance-reduction choices that tests vary.
type design struct {
	lattice, antithetic bool
	randomPairs         bool // posterior draws paired at random
}

func generateWith(ctx context.Context, asOf returns.Date, strategies []Strategy, o Options, stream func(part string) rand.Source, workers int, progress func(done, total int), g design) (*Set, []returns.Finding, error) {
	if err := o.Validate(); err != nil {
		return nil, nil, err
	}
	n := len(strategies)
	if n == 0 {
		return nil, nil, errors.New("scenarios: no strategies")
	}
	frequency := strategies[0].Series.Frequency
	o = o.For(frequency)
	o.Count = o.CountFor(n)
	set := &Set{AsOf: asOf, Horizon: o.Horizon, Frequency: frequency, Names: make([]string, n), Returns: make([]float64, o.Count*n)}
	for j, s := range strategies {
		set.Names[j] = s.Series.Strategy.Name
	}
	if err := o.known(set.Names); err != nil {
		return nil, nil, err
	}
	parallel := func(n int, f func(i int)) error { return each(ctx, n, workers, f) }
	findings, err := draw(strategies, o, stream, g, parallel, progress, func(b *block, first, count int) error {
		return b.compound(count, set.Returns[first*n:(first+count)*n])
	})
	if err != nil {
		return nil, nil, err
	}
	findings = append(findings, o.recenter(set, strategies)...)
	if err := set.Validate(); err != nil {
		return nil, nil, err
	}
	checks, err := check(strategies, set, parallel)
	if err != nil {
		return nil, nil, err
	}
	findings = append(findings, checks...)
	weighted, err := o.weigh(set)
	if err != nil {
		return nil, nil, err
	}
	findings = append(findings, weighted...)
	returns.SortFindings(findings)
	return set, findings, nil
}

// draw makes the innovations of all scenarios, a block at a time, and hands
// each to take.
func draw(strategies []Strategy, o Options, stream func(part string) rand.Source, g design, parallel func(int, func(int)) error, progress func(done, total int), take func(b *block, first, count int) error) ([]returns.Finding, error) {
	d, findings, err := newDependence(strategies, o.Dependence, stream, parallel)
	if err != nil {
		return nil, err
	}
	for j, s := range strategies {
		var a autocorrelation
		if d.ranks != nil {
			a = d.ranks.serial[j]
		}
		findings = append(findings, s.checkVarianceRatio(a, o.Horizon)...)
	}
	if g.randomPairs {
		d.draws = nil
	}
	b, err := newBlock(strategies, d, o, stream, g, parallel)
	if err != nil {
		return nil, err
	}
	for first := 0; first < o.Count; first += b.size {
		count := min(b.size, o.Count-first)
		if err := b.make(first, count); err != nil {
			return nil, err
		}
		if err := take(b, first, count); err != nil {
			return nil, err
		}
		if progress != nil {
			progress(first+count, o.Count)
		}
	}
	return findings, nil
}

// block is the state of generation: buffers for the innovations of the
// scenarios that are made at a time, and the random sources.
type block struct {
	strategies []Strategy
	order      [][]int  // of each strategy's posterior draws, by the mean they stand for
	trades     [][]bool // H trading days from the calendar; nil for a strategy that has none
	d          *dependence
	design     design
	horizon    int
	size       int // scenarios

	own, ownFactors []*rand.Rand // per strategy; per factor
	common          *rand.Rand   // degrees of freedom, chi-squares, days of history

	days, draws                 blas64.General // N x size*H, N x size
	dayFactors, drawFactors     blas64.General // K x ...
	dayDirection, drawDirection []float64
	lattice                     *lattice
	walker                      *walker   // nil: correlations do not move
	maps                        []*tMap   // per scenario
	scale                       []float64 // size x H: 1/sqrt(w)
	window                      []int32   // size x H: days of history

	parallel func(n int, f func(i int)) error
}

func newBlock(strategies []Strategy, d *dependence, o Options, stream func(string) rand.Source, g design, parallel func(int, func(int)) error) (*block, error) {
	n := len(strategies)
	b := &block{strategies: strategies, d: d, design: g, horizon: o.Horizon, size: min(blockOf(n, o.Horizon), o.Count), parallel: parallel}
	b.order, b.trades, b.own = make([][]int, n), make([][]bool, n), make([]*rand.Rand, n)
	err := parallel(n, func(j int) {
		b.order[j] = drawsByMean(strategies[j])
		if _, can := strategies[j].Predictor.(bayes.TradingPredictor); can && d.calendar != nil && d.calendar.h.traded[j] != nil {
			b.trades[j] = make([]bool, o.Horizon)
		}
		b.own[j] = rand.New(stream("strategy " + strategies[j].Series.Strategy.Name))
	})
	if err != nil {
		return nil, err
	}
	b.common = rand.New(stream("days"))
	b.days, b.draws = general(n, b.size*b.horizon), general(n, b.size)
	factors := 0
	if d.days != nil {
		factors = max(factors, d.days.factors())
		if d.dcc != nil {
			if b.walker, err = newWalker(d.dcc, d.ranks, o.Horizon, d.days, stream, parallel); err != nil {
				return nil, err
			}
			factors += b.walker.factors()
		}
		b.dayDirection = d.days.direction(n)
	}
	if d.draws != nil {
		factors = max(factors, d.draws.factors())
		b.drawDirection = d.draws.direction(n)
	}
	for k := range factors {
		b.ownFactors = append(b.ownFactors, rand.New(stream(fmt.Sprintf("factor %d", k))))
	}
	if k := d.days; k != nil {
		b.dayFactors = general(max(1, factors), b.size*b.horizon)
	}
	if k := d.draws; k != nil {
		b.drawFactors = general(max(1, k.factors()), b.size)
	}
	if g.lattice {
		b.lattice = newLattice(stream("lattice"))
	}
	b.maps, b.scale, b.window = make([]*tMap, b.size), make([]float64, b.size*b.horizon), make([]int32, b.size*b.horizon)
	return b, nil
}

// tile is the number of scenarios whose innovations are mixed at a time, so
// that they stay in a core's cache.
const tile = 16

// make draws the innovations of scenarios first..first+count.
func (b *block) make(first, count int) error {
	n, h := len(b.strategies), b.horizon
	b.drawCommon(count)
	err := b.parallel(n+len(b.ownFactors), func(i int) {
		if i < n {
			b.fill(b.own[i], b.days, b.draws, i, count)
			return
		}
		k := i - n
		days, draws := b.dayFactors, b.drawFactors
		if b.d.days == nil || k >= b.dayFactors.Rows {
			days = blas64.General{}
		}
		if b.d.draws == nil || k >= b.d.draws.factors() {
			draws = blas64.General{}
		}
		b.fill(b.ownFactors[k], days, draws, k, count)
	})
	if err != nil {
		return err
	}
	return b.parallel((count+tile-1)/tile, func(i int) {
		lo, hi := i*tile, min((i+1)*tile, count)
		if b.lattice != nil {
			b.lattice.spread(b.base(b.d.days, b.days, b.dayFactors), b.dayDirection, h, lo, hi, first, 0)
			b.lattice.spread(b.base(b.d.draws, b.draws, b.drawFactors), b.drawDirection, 1, lo, hi, first, 1)
		}
		if b.walker != nil {
			b.walker.walk(b, lo, hi, first)
		} else {
			b.d.days.mix(b.days, b.dayFactors, lo*h, hi*h)
		}
		b.d.draws.mix(b.draws, b.drawFactors, lo, hi)
	})
}

// compound turns the innovations of count scenarios into paths, and writes
// their horizon returns, count x N row-major.
func (b *block) compound(count int, out []float64) error {
	n := len(b.strategies)
	return b.parallel(n, func(j int) {
		for s := range count {
			wealth := 1.0
			for _, r := range b.path(j, s) {
				wealth *= 1 + r
			}
			out[s*n+j] = wealth - 1
		}
	})
}

// base returns the independent rows that carry a mixer's direction.
func (b *block) base(m *mixer, own, factors blas64.General) blas64.General {
	if m != nil && m.own != nil {
		return factors
	}
	return own
}

// fill draws row i of the days' and the draws' innovations.
func (b *block) fill(rng *rand.Rand, days, draws blas64.General, i, count int) {
	for s := range count {
		mirror := b.design.antithetic && s%2 == 1
		if days.Data != nil {
			row := days.Data[i*days.Stride : i*days.Stride+count*b.horizon]
			at := row[s*b.horizon : (s+1)*b.horizon]
			for d := range at {
				if mirror {
					at[d] = -row[(s-1)*b.horizon+d]
				} else {
					at[d] = rng.NormFloat64()
				}
			}
		}
		if draws.Data != nil {
			row := draws.Data[i*draws.Stride : i*draws.Stride+count]
			if mirror {
				row[s] = -row[s-1]
			} else {
				row[s] = rng.NormFloat64()
			}
		}
	}
}

// drawCommon draws what all strategies of a scenario share.
func (b *block) drawCommon(count int) {
	h := b.horizon
	for s := range count {
		if t := b.d.t; t != nil {
			nu := t.draw(b.common)
			b.maps[s] = mapFor(nu)
			chi := distuv.ChiSquared{K: nu, Src: b.common}
			for d := range h {
				b.scale[s*h+d] = math.Sqrt(nu / chi.Rand())
			}
		}
		switch days := b.window[s*h : (s+1)*h]; {
		case b.d.history != nil:
			b.d.history.window(b.common, days)
		case b.d.calendar != nil:
			b.d.calendar.window(b.common, days)
		}
	}
}

// path makes the daily returns of strategy j in scenario s of the block, in
// place of its innovations.
func (b *block) path(j, s int) []float64 {
	st, order, h := b.strategies[j], b.order[j], b.horizon
	u := normalCDF(b.draws.Data[j*b.draws.Stride+s])
	theta := st.Posterior.Theta(order[min(len(order)-1, int(u*float64(len(order))))])
	z := b.days.Data[j*b.days.Stride+s*h : j*b.days.Stride+(s+1)*h]
	window := b.window[s*h : (s+1)*h]
	switch {
	case b.d.history != nil:
		for d, t := range window {
			z[d] = b.d.history.innovation(j, t, b.own[j].Float64())
		}
	case b.d.t != nil && b.walker == nil:
		m, scale := b.maps[s], b.scale[s*h:(s+1)*h]
		for d, g := range scale {
			z[d] = m.normal(z[d] * g)
		}
	}
	if b.d.ranks != nil {
		b.d.ranks.serial[j].follow(z)
	}
	if b.trades[j] != nil {
		p := 1 - st.Predictor.Idle(theta)
		for d, t := range window {
			b.trades[j][d] = b.d.calendar.trading(j, int(t), b.own[j].Float64()) < p
		}
		st.Predictor.(bayes.TradingPredictor).PathTrading(theta, b.trades[j], z, z)
		return z
	}
	st.Predictor.Path(theta, z, z)
	return z
}

// drawsOnPath reports a strategy whose stream path moves on, so that no path may be left out.
func (b *block) drawsOnPath(j int) bool { return b.d.history != nil || b.trades[j] != nil }

// drawsByMean orders the posterior draws by the mean return they stand for.
func drawsByMean(s Strategy) []int {
	order := make([]int, s.Posterior.Len())
	mean := make([]float64, len(order))
	for i := range order {
		order[i] = i
		mean[i] = s.Predictor.Mean(s.Posterior.Theta(i))
	}
	sort.SliceStable(order, func(a, b int) bool { return mean[order[a]] < mean[order[b]] })
	return order
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
