package reports

import (
	"errors"
	"fmt"
	"html/template"
	"math"
	"slices"

	"allocate/bayes"
	"allocate/optimize"
	"allocate/reports/chart"
	"allocate/returns"
	"allocate/scenarios"
)

func (p *page) figures(r *Run, s *Summary) {
	draw := func(to *template.HTML, file string, of func() (*chart.Chart, error)) {
		*to = p.gallery.put(file, "", of)
	}
	draw(&p.Loss, "outcomes", func() (*chart.Chart, error) {
		return chart.Histogram(PortfolioReturns(r), r.Set.Prob, -s.VaR, []chart.Mark{{Name: "expected", At: s.ExpectedRet}, {Name: "VaR", At: -s.VaR}, {Name: "CVaR", At: -s.CVaR}},
			"portfolio return over "+s.Over(),
			fmt.Sprintf("Histogram of the portfolio's return over %s in %d scenarios. Expected return %+.2f%%; VaR %.2f%%; mean loss of the worst %.3g%% (CVaR) %.2f%%.",
				s.Over(), s.Scenarios, 100*s.ExpectedRet, 100*s.VaR, 100*(1-s.Alpha), 100*s.CVaR))
	})
	if r.Fan != nil {
		draw(&p.Fan, "fan", func() (*chart.Chart, error) { return fan(r) })
	}
	draw(&p.Contributions, "contributions", func() (*chart.Chart, error) { return contributions(r) })
	p.DependenceNote = s.Dependence.note(s.Over(), r.Set.Frequency)
	if c := correlationsOf(heldSeries(r)); c != nil {
		p.CorrelationNote = c.note(r.Set.Frequency)
		draw(&p.Correlation, "correlation", func() (*chart.Chart, error) { return c.chart(r.Set.Frequency) })
	}
	if f := s.Frontier; f != nil && len(f.Points) > 1 {
		draw(&p.Frontier, "frontier", func() (*chart.Chart, error) { return frontier(r, s) })
	}
	if b := s.Outperformance; b != nil && len(b.Names) > 1 {
		draw(&p.Outperformance, "outperformance", func() (*chart.Chart, error) {
			return chart.Matrix(b.Names, b.Probability, "Matrix of probabilities that the row's strategy outperforms the column's over the horizon.")
		})
	}
	p.details(r, s)
}

// fan is the last year of the weights and what the scenarios make of the days
// up to the horizon.
func fan(r *Run) (*chart.Chart, error) {
	days, past := backcast(r, r.Set.Frequency.Year())
	var b chart.Bands
	wealth := 0.0
	for i, g := range past {
		wealth = (1+wealth)*(1+g) - 1
		b.PastX, b.Past = append(b.PastX, float64(days[i])), append(b.Past, wealth)
	}
	if len(days) == 0 {
		b.PastX, b.Past = []float64{float64(r.AsOf)}, []float64{0}
	}
	f := r.Fan
	b.X = []float64{float64(r.AsOf)}
	for _, day := range f.Day {
		b.X = append(b.X, float64(r.AsOf)+365.25/r.Set.Frequency.PeriodsPerYear()*float64(day)) // calendar days
	}
	on := func(q []float64) []float64 { // top of what was
		y := []float64{wealth}
		for _, x := range q {
			y = append(y, (1+wealth)*(1+x)-1)
		}
		return y
	}
	b.Q5, b.Q25, b.Q50, b.Q75, b.Q95 = on(f.Q5), on(f.Q25), on(f.Q50), on(f.Q75), on(f.Q95)
	last := len(f.Day) - 1
	return chart.Fan(b, true, "", fmt.Sprintf("Return of the weights over the last year, %+.2f%%, and the simulated paths over %s: 90%% band %+.2f%% to %+.2f%%, 50%% band %+.2f%% to %+.2f%%.",
		100*wealth, r.Set.Frequency.Days(f.Day[last]), 100*f.Q5[last], 100*f.Q95[last], 100*f.Q25[last], 100*f.Q75[last]))
}

// backcast returns the hypothetical returns of the weights on the last days of the
// histories, rebalanced daily; a strategy without a return on a day counts as 0.
func backcast(r *Run, most int) (days []returns.Date, daily []float64) {
	sum := map[returns.Date]float64{}
	for j, s := range r.Series {
		for i := max(0, s.Len()-most); i < s.Len() && i < len(s.Dates); i++ {
			sum[s.Dates[i]] += r.Solution.Weights[j] * s.Returns[i]
		}
	}
	for d := range sum {
		days = append(days, d)
	}
	slices.Sort(days)
	days = days[max(0, len(days)-most):]
	for _, d := range days {
		daily = append(daily, sum[d])
	}
	return days, daily
}

// mostBars is how many contributions are drawn; the rest are one bar.
const mostBars = 16

func contributions(r *Run) (*chart.Chart, error) {
	var bars []chart.Bar
	for j, name := range r.Solution.Names {
		if c := r.Solution.Contributions[j]; c != 0 {
			bars = append(bars, chart.Bar{Name: name, Value: c})
		}
	}
	slices.SortStableFunc(bars, func(a, b chart.Bar) int {
		switch {
		case a.Value > b.Value:
			return -1
		case a.Value < b.Value:
			return 1
		}
		return 0
	})
	if len(bars) > mostBars {
		rest := chart.Bar{Name: fmt.Sprintf("%d others", len(bars)-mostBars+1)}
		for _, b := range bars[mostBars-1:] {
			rest.Value += b.Value
		}
		bars = append(bars[:mostBars-1], rest)
	}
	if len(bars) == 0 {
		bars = append(bars, chart.Bar{Name: optimize.Cash})
	}
	return chart.Bars(bars, "contribution to CVaR", fmt.Sprintf("Contributions of %s to the CVaR of %.2f%%.", returns.Count(len(bars), "position"), 100*r.Solution.CVaR))
}

func frontier(r *Run, s *Summary) (*chart.Chart, error) {
	var risk, ret []float64
	for _, x := range s.Frontier.Points {
		risk, ret = append(risk, x.Risk), append(ret, x.Return)
	}
	mean := r.Set.Mean()
	var others [][2]float64
	for j := range r.Set.Names {
		w := make([]float64, len(r.Set.Names))
		w[j] = 1
		v, err := optimize.Evaluate(r.Set, w, s.Alpha)
		if err != nil {
			return nil, err
		}
		others = append(others, [2]float64{v.CVaR, mean[j]})
	}
	return chart.Frontier(risk, ret, [2]float64{s.CVaR + s.Cost, s.ExpectedRet - s.Cost}, others,
		"CVaR over "+s.Over(), "expected return",
		fmt.Sprintf("Efficient frontier from CVaR %.2f%%, expected return %.2f%%, to CVaR %.2f%%, expected return %.2f%%; chosen weights: CVaR %.2f%%, expected return %.2f%%.",
			100*risk[0], 100*ret[0], 100*risk[len(risk)-1], 100*ret[len(ret)-1], 100*s.CVaR, 100*s.ExpectedRet))
}

// details draws the strategies, those with the largest weights first, as far as
// a page bears it.
func (p *page) details(r *Run, s *Summary) {
	order := make([]int, len(s.Strategies))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch x, y := math.Abs(s.Strategies[a].Weight), math.Abs(s.Strategies[b].Weight); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	p.NoDetails = max(0, len(order)-mostDetails)
	for _, j := range order[:min(len(order), mostDetails)] {
		p.Details = append(p.Details, p.detail(r, j, s.Strategies[j].Conditional))
	}
}

// detail draws strategy j, with its volatility where the model has memory of it.
func (p *page) detail(r *Run, j int, v *ConditionalVolatility) detail {
	series, posterior := r.Series[j], r.Posteriors[j]
	d := detail{Name: series.Strategy.Name, Link: fmt.Sprintf("strategy-%d", j+1)}
	draw := func(to *template.HTML, kind string, of func() (*chart.Chart, error)) {
		*to = p.gallery.put(fmt.Sprintf("strategy-%03d-%s", j+1, kind), d.Name, of)
	}
	if c := r.Coverages[d.Name]; c != nil && c.Cone != nil {
		what := "The last " + series.Frequency.Days(c.Days)
		if from := series.Strategy.LiveFrom; from != nil && wentLive(series, c.Days, *from) {
			what = fmt.Sprintf("The %s since the strategy went live", series.Frequency.Days(c.Days))
		}
		d.HistoryNote = fmt.Sprintf("%s, held out from the model, and its forecast cone; out-of-sample percentile %.0f of 100.", what, c.Cone.Score)
		draw(&d.History, "history", func() (*chart.Chart, error) { return cone(series, c) })
	}
	q, err := quantitiesOf(series, posterior, series.Frequency.PeriodsPerYear())
	if err != nil {
		return d // Summarize has said so
	}
	if v != nil {
		d.ModelNote, d.VolatilityNote = modelNote(posterior), v.sentence(series.Frequency)
		draw(&d.Volatility, "conditional-volatility", func() (*chart.Chart, error) { return volatilityChart(series, posterior, q.conditional, v) })
	}
	volatility := make([]float64, posterior.Len())
	for i, sd := range q.volatility {
		volatility[i] = sd * math.Sqrt(series.Frequency.PeriodsPerYear())
	}
	for _, x := range []struct {
		kind, what string
		draws      []float64
		percent    bool
	}{
		{"sharpe", "annual Sharpe ratio", q.sharpe, false},
		{"return", "annual return", q.mean, true},
		{"volatility", "annual volatility", volatility, true},
	} {
		draws, of := withoutInfinite(x.draws), ""
		if infinite := len(x.draws) - len(draws); infinite > 0 {
			of = fmt.Sprintf("; infinite in %s of the draws", chance(float64(infinite)/float64(len(x.draws))))
		}
		var density template.HTML
		draw(&density, x.kind, func() (*chart.Chart, error) {
			if len(draws) == 0 {
				return nil, errors.New("no finite draw")
			}
			return chart.Density(draws, x.what, x.percent, fmt.Sprintf("Posterior density of the %s of %s%s.", x.what, d.Name, of))
		})
		d.Densities = append(d.Densities, density)
	}
	if posterior.Chains > 1 && posterior.Method != bayes.None {
		draw(&d.Ranks, "ranks", func() (*chart.Chart, error) {
			return chart.Ranks(byChain(q.sharpe, posterior.Chains), "Rank histograms of the chains of "+d.Name+".")
		})
	}
	return d
}

// wentLive reports that the last days of a history are those since it went live.
func wentLive(s *returns.Series, days int, from returns.Date) bool {
	split := s.Len() - days
	return split > 0 && s.Dates[split] >= from && s.Dates[split-1] < from
}

// cone draws the history of up to three years before the held-out days, those
// days, and what was expected of them.
func cone(s *returns.Series, c *scenarios.Coverage) (*chart.Chart, error) {
	n := s.Len()
	split := n - c.Days
	first := max(0, split-3*s.Frequency.Year())
	var b chart.Bands
	wealth := 0.0
	var at float64
	for i := first; i < n; i++ {
		if i == split {
			at = wealth
		}
		wealth = (1+wealth)*(1+s.Returns[i]) - 1
		b.PastX, b.Past = append(b.PastX, float64(s.Dates[i])), append(b.Past, wealth)
	}
	grow := func(x float64) float64 { return (1+at)*(1+x) - 1 }
	start := float64(s.Dates[max(0, split-1)])
	b.X, b.Q5, b.Q25, b.Q50, b.Q75, b.Q95 = []float64{start}, []float64{at}, []float64{at}, []float64{at}, []float64{at}, []float64{at}
	for k, d := range c.Cone.Day {
		b.X = append(b.X, float64(s.Dates[split+d-1]))
		b.Q5, b.Q25, b.Q50 = append(b.Q5, grow(c.Cone.Q5[k])), append(b.Q25, grow(c.Cone.Q25[k])), append(b.Q50, grow(c.Cone.Q50[k]))
		b.Q75, b.Q95 = append(b.Q75, grow(c.Cone.Q75[k])), append(b.Q95, grow(c.Cone.Q95[k]))
	}
	last := len(c.Cone.Realized) - 1
	return chart.Fan(b, true, "", fmt.Sprintf("History of %s and the forecast cone of a fit without the last %s: 90%% band %+.2f%% to %+.2f%% at the end; realized %+.2f%%.",
		s.Strategy.Name, s.Frequency.Days(c.Days), 100*c.Cone.Q5[last], 100*c.Cone.Q95[last], 100*c.Cone.Realized[last]))
}
