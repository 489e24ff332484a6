package pipeline

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"allocate/optimize"
	"allocate/pipeline/engine"
	"allocate/reports"
	"allocate/reports/metrics"
	"allocate/returns"
	"allocate/returns/columnar"
	"allocate/scenarios"
)

// tailLevels are the tail probabilities at which predictions are scored.
var tailLevels = []float64{0.05, 0.01}

// fewestScored is the least number of decisions that say anything.
const fewestScored = 20

// szekelyReplicates simulates the p-values of Acerbi and Szekely.
const szekelyReplicates = 10_000

type prediction struct {
	at       int // of replay.days
	from     int // day of the panel whose return the weights earn first
	outcomes []float64
	prob     []float64
	realized float64
	over     bool // the horizon is
}

// predictions looks up, for every decision, the scenario returns of its weights and
// their realized return.
func (p *replay) predictions(ctx context.Context, r *runner) ([]prediction, error) {
	var out []prediction
	o := portfolioOptions{Cash: p.c.Optimize.CashOver(p.c.Scenarios.Horizon, p.in.panel.Frequency())}
	step := p.begin("scores", len(p.days))
	defer step.end()
	for k, d := range p.days {
		step.one()
		if d.refused != nil || d.decision.Solution == nil {
			continue
		}
		res, err := d.decision.one(ctx, r, p.c, "portfolio", o, false, engine.Input{Name: "scenarios", Content: d.forecast.set}, engine.Input{Name: "solution", Content: d.solution})
		if err != nil {
			return nil, err
		}
		b, err := r.Bytes(ctx, res)
		if err != nil {
			return nil, err
		}
		t, err := columnar.DecodeIPC(b)
		if err != nil {
			return nil, err
		}
		set, _, err := scenarios.FromTable(t)
		if err != nil {
			return nil, err
		}
		from, _ := p.in.panel.Find(d.day + 1)
		from += p.c.Backtest.Delay
		q := prediction{at: k, from: from, outcomes: set.Returns, prob: set.Prob}
		weights := weightsOf(d.decision.Solution)
		q.realized, q.over = horizonReturn(p.in.panel, weights, from, p.c.Scenarios.Horizon)
		q.realized += weights[optimize.Cash] * o.Cash
		out = append(out, q)
	}
	return out, nil
}

// horizonReturn is the return of weights over h days from day t of a panel on, bought
// and held: the measure that scenarios have. It reports
// whether the panel has all the days.
func horizonReturn(panel *returns.Panel, weights map[string]float64, t, h int) (float64, bool) {
	if t+h > panel.Days() {
		return 0, false
	}
	total := 0.0
	for j, name := range panel.Names() {
		w := weights[name]
		if w == 0 {
			continue
		}
		wealth := 1.0
		for k := t; k < t+h; k++ {
			if r, ok := panel.At(k, j); ok {
				wealth *= 1 + r
			}
		}
		total += w * (wealth - 1)
	}
	return total, true
}

// score fills what the decisions predicted into the rebalances, and tests the
// predictions against realized returns. Horizons that overlap share days, which no test
// allows for: the tests see decisions a horizon apart, from the first on.
func (p *replay) score(all []prediction, rebalances []reports.Rebalance) *reports.Forecast {
	var apart []prediction
	scored, next, riskless := 0, 0, 0
	crps := 0.0
	var outcomes []float64
	for _, q := range all {
		b := &rebalances[q.at]
		mean := weightedMean(q.outcomes, q.prob)
		b.Expected = &mean
		for _, level := range tailLevels {
			v, c := metrics.Tail(q.outcomes, q.prob, 1-level)
			b.VaR, b.CVaR = append(b.VaR, v), append(b.CVaR, c)
		}
		if !q.over {
			continue
		}
		scored++
		realized, pit, c := q.realized, metrics.PIT(q.realized, q.outcomes, q.prob), metrics.CRPS(q.realized, q.outcomes, q.prob)
		b.Realized, b.PIT, b.CRPS = &realized, &pit, &c
		crps += c
		outcomes = append(outcomes, realized)
		if slices.Min(b.CVaR) <= 0 {
			riskless++ // nothing was predicted that could come true
			continue
		}
		if q.from >= next {
			apart = append(apart, q)
			next = q.from + p.c.Scenarios.Horizon
		}
	}
	if len(apart) < fewestScored {
		return nil
	}
	f := &reports.Forecast{Scored: scored, Riskless: riskless, Apart: len(apart), Levels: tailLevels, CRPS: crps / float64(scored)}
	for _, x := range outcomes {
		f.CRPSNaive += metrics.CRPS(x, outcomes, nil) / float64(scored)
	}
	realized, pits := make([]float64, len(apart)), make([]float64, len(apart))
	sets, probs := make([][]float64, len(apart)), make([][]float64, len(apart))
	ties := rand.New(engine.Streams(p.c.Seed, "score")("ties"))
	for k, q := range apart {
		realized[k], pits[k] = q.realized, metrics.RandomizedPIT(q.realized, q.outcomes, q.prob, ties.Float64())
		sets[k], probs[k] = q.outcomes, q.prob
	}
	f.PIT = test(metrics.Uniformity(pits))
	for i, level := range tailLevels {
		values := make([]float64, len(apart))
		mean, beyond, count := 0.0, 0.0, 0
		for k, q := range apart {
			b := rebalances[q.at]
			values[k] = b.VaR[i]
			mean += b.CVaR[i] / float64(len(apart))
			if -q.realized > b.VaR[i] {
				beyond -= q.realized
				count++
			}
		}
		exceeded := metrics.Exceedances(realized, values)
		coverage := metrics.BacktestVaR(exceeded, 1-level)
		shortfall := metrics.BacktestCVaR(realized, sets, probs, 1-level, szekelyReplicates, engine.Streams(p.c.Seed, "score")("shortfall"))
		t := reports.TailScore{
			Level: level, Exceedances: coverage.Exceedances, Expected: coverage.Expected,
			Kupiec: test(coverage.Unconditional), Independence: test(coverage.Independence), Conditional: test(coverage.Conditional),
			AcerbiSzekely: test(shortfall.Unconditional), MeanCVaR: mean, MeanLoss: reports.Number(math.NaN()),
		}
		if count > 0 {
			t.MeanLoss = reports.Number(beyond / float64(count))
		}
		f.Tail = append(f.Tail, t)
	}
	return f
}

func test(t metrics.Test) reports.Test {
	return reports.Test{Statistic: reports.Number(t.Statistic), P: reports.Number(t.PValue)}
}

func weightedMean(x, prob []float64) float64 {
	sum := 0.0
	for i, v := range x {
		p := 1 / float64(len(x))
		if prob != nil {
			p = prob[i]
		}
		sum += p * v
	}
	return sum
}

// portfolioOptions are the options of a portfolio that the scenarios do not contain.
type portfolioOptions struct {
	Cash float64 `json:"cash"` // return of CASH over the horizon
}

// runPortfolio is the return of a decision's weights in every scenario, before
// costs, as the summary of a nightly run has it: inputs scenarios and solution.
func runPortfolio(_ context.Context, c *engine.Call) ([]byte, error) {
	var o portfolioOptions
	if err := c.Options(&o); err != nil {
		return nil, err
	}
	set, weights, err := inputDecision(c)
	if err != nil {
		return nil, err
	}
	return portfolioTable(set, weights, o.Cash)
}

// portfolioTable writes the scenarios' returns of a portfolio, and their
// probabilities if they differ.
func portfolioTable(set *scenarios.Set, weights map[string]float64, cash float64) ([]byte, error) {
	one := &scenarios.Set{AsOf: set.AsOf, Horizon: set.Horizon, Frequency: set.Frequency, Names: []string{"portfolio"}, Prob: set.Prob, Returns: make([]float64, set.Len())}
	certain := weights[optimize.Cash] * cash
	for i := range one.Returns {
		one.Returns[i] = certain
	}
	for j, name := range set.Names {
		w := weights[name]
		for i := range one.Returns {
			one.Returns[i] += w * set.Returns[i*len(set.Names)+j]
		}
	}
	t, err := one.Table(nil)
	if err != nil {
		return nil, err
	}
	return encodeTable(t, nil)
}
