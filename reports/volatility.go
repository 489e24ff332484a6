package reports

import (
	"fmt"
	"math"
	"slices"

	"allocate/bayes"
	"allocate/reports/chart"
	"allocate/returns"
)

// ConditionalVolatility is the current volatility by a model with memory of the variance.
type ConditionalVolatility struct {
	Forecast Quantiles  `json:"forecast"`                  // annual volatility of the next period given the history
	LongRun  *Quantiles `json:"long_run,omitempty"`        // annual; absent where the model has no long run, and the forecast is that of every later period
	HalfLife *Quantiles `json:"shock_half_life,omitempty"` // periods in which half of a shock to the variance is gone
}

// Quantiles are a posterior median with its central 90% interval; null where there is
// no finite one.
type Quantiles struct {
	Median Number `json:"median"`
	Q5     Number `json:"q5"`
	Q95    Number `json:"q95"`
}

// conditionalVolatility summarizes the draws; nil for a model without memory of the
// variance.
func conditionalVolatility(q *quantities, perYear float64) *ConditionalVolatility {
	if q.conditional == nil {
		return nil
	}
	root := math.Sqrt(perYear)
	v := &ConditionalVolatility{Forecast: quantilesOf(q.ahead, root)}
	if slices.Max(q.persistence) < 1 {
		lives := make([]float64, len(q.persistence))
		for i, p := range q.persistence {
			lives[i] = bayes.HalfLife(p)
		}
		far, life := quantilesOf(q.volatility, root), quantilesOf(lives, 1)
		v.LongRun, v.HalfLife = &far, &life
	}
	return v
}

func quantilesOf(draws []float64, by float64) Quantiles {
	sorted := slices.Sorted(slices.Values(draws))
	at := func(p float64) Number { return Number(quantile(sorted, p) * by) }
	return Quantiles{at(0.5), at(0.05), at(0.95)}
}

// sentence compares today's forecast with the long run.
func (v *ConditionalVolatility) sentence(f returns.Frequency) string {
	percent := func(x Number) string {
		return dashed(x, func(v float64) string { return fmt.Sprintf("%.2f%%", 100*v) })
	}
	now := fmt.Sprintf("Forecast volatility %s (90%% CI %s to %s)", percent(v.Forecast.Median), percent(v.Forecast.Q5), percent(v.Forecast.Q95))
	if v.LongRun == nil {
		return now + ", also of every later period: the model has no long run."
	}
	periods := func(x Number) string {
		return dashed(x, func(v float64) string { return returns.Thousands(atLeastOne(v)) })
	}
	half := "–"
	if v.HalfLife.Median.finite() {
		half = f.Days(atLeastOne(float64(v.HalfLife.Median)))
	}
	ratio := dashed(v.Forecast.Median/v.LongRun.Median, func(v float64) string { return fmt.Sprintf("%.1f", v) })
	return fmt.Sprintf("%s, long run %s (%s to %s): %s times as high. A shock halves in %s (90%% CI %s to %s).",
		now, percent(v.LongRun.Median), percent(v.LongRun.Q5), percent(v.LongRun.Q95), ratio, half, periods(v.HalfLife.Q5), periods(v.HalfLife.Q95))
}

// atLeastOne rounds periods; a history of more than a billion has not been seen.
func atLeastOne(periods float64) int { return int(min(max(1, math.Round(periods)), 1e9)) }

// A chart of a strategy's volatility has a band from so many draws at most, and so many
// points: it is 300 points wide or a little more.
const (
	volatilityDraws  = 200
	volatilityPoints = 300
)

// volatilityChart draws the annual volatility of every day of a series given the days
// before, over draws, and the forecast after them.
func volatilityChart(s *returns.Series, p *bayes.Posterior, m bayes.Conditional, v *ConditionalVolatility) (*chart.Chart, error) {
	c, about, err := volatilityCourse(s, p, m, v)
	if err != nil {
		return nil, err
	}
	return chart.Through(c, "annual volatility", true, about)
}

// volatilityCourse returns the data and the caption of volatilityChart.
func volatilityCourse(s *returns.Series, p *bayes.Posterior, m bayes.Conditional, v *ConditionalVolatility) (c chart.Course, about string, err error) {
	n := s.Len()
	if n < 2 || len(s.Dates) != n {
		return c, "", fmt.Errorf("reports: %d days of %d returns", len(s.Dates), n)
	}
	perYear := s.Frequency.PeriodsPerYear()
	root := math.Sqrt(perYear)
	var draws [][]float64
	mean, days := make([]float64, n), make([]float64, n)
	step := max(1, (p.Len()+volatilityDraws-1)/volatilityDraws)
	for i := 0; i < p.Len(); i += step {
		sd := make([]float64, n)
		m.Volatilities(p.Theta(i), s.Returns, sd)
		for t, x := range sd {
			mean[t] += x
		}
		draws = append(draws, sd)
	}
	for t, d := range s.Dates {
		days[t] = float64(d)
		mean[t] *= root / float64(len(draws))
	}
	c = chart.Course{Name: "median and 90% band", Panel: true}
	add := func(day float64, q Quantiles) {
		c.Days, c.Y, c.Q5, c.Q95 = append(c.Days, day), append(c.Y, float64(q.Median)), append(c.Q5, float64(q.Q5)), append(c.Q95, float64(q.Q95))
	}
	of := make([]float64, len(draws))
	for _, t := range chart.Thin(days, mean, volatilityPoints) {
		for k, sd := range draws {
			of[k] = sd[t]
		}
		add(days[t], quantilesOf(of, root))
	}
	calm, wild := slices.Index(c.Y, slices.Min(c.Y)), slices.Index(c.Y, slices.Max(c.Y))
	about = fmt.Sprintf("Annual volatility of %s given the days before, %v to %v: lowest posterior median %.2f%% on %v, highest %.2f%% on %v. %s", s.Strategy.Name,
		s.Dates[0], s.Dates[n-1], 100*c.Y[calm], returns.Date(c.Days[calm]), 100*c.Y[wild], returns.Date(c.Days[wild]), v.sentence(s.Frequency))
	c.Now, c.Until = float64(v.Forecast.Median), days[n-1]+365.25/perYear
	add(c.Until, v.Forecast)
	c.NowName = fmt.Sprintf("forecast %.2f%%", 100*c.Now)
	if v.LongRun != nil {
		far := float64(v.LongRun.Median)
		c.Level, c.LevelName = &far, fmt.Sprintf("long run %.2f%%", 100*far)
	}
	return c, about, nil
}

// modelNote names the model of a strategy whose forecast depends on today's volatility,
// and how its draws were made.
func modelNote(p *bayes.Posterior) string {
	about := ""
	if f, err := bayes.Lookup(p.Model); err == nil && f.About != "" {
		about = " (" + f.About + ")"
	}
	sampled := ""
	if p.Method != "" {
		sampled = " Draws: " + p.Method.About() + "."
	}
	if u := p.Updated; u != nil {
		sampled += fmt.Sprintf(" Fitted up to %v; %s since by importance weights (Pareto k %.2f).", u.From, returns.Count(u.Days, "return"), float64(u.ParetoK))
	}
	if len(p.Components) > 0 {
		return fmt.Sprintf("Models: %s. The forecast is conditional on today's volatility.%s", p.WeighedBy(), sampled)
	}
	return fmt.Sprintf("Model %s%s. The forecast is conditional on today's volatility.%s", p.Model, about, sampled)
}

// methods counts the posteriors whose draws are not those of NUTS alone, by method, and the
// updated ones.
func methods(all []*bayes.Posterior) []string {
	var list []string
	for _, m := range []bayes.Method{bayes.Delayed, bayes.Laplace, bayes.Stale} {
		n := 0
		for _, p := range all {
			if p.Method == m {
				n++
			}
		}
		if n > 0 {
			list = append(list, fmt.Sprintf("Draws of %s: %s.", returns.Count(n, "posterior"), m.About()))
		}
	}
	updated, worst := 0, math.Inf(-1)
	var from returns.Date
	for _, p := range all {
		if u := p.Updated; u != nil {
			updated, worst, from = updated+1, max(worst, float64(u.ParetoK)), max(from, u.From)
		}
	}
	if updated > 0 {
		list = append(list, fmt.Sprintf("Fitted up to %v and updated by importance weights: %s; largest Pareto k %.2f.", from, returns.Count(updated, "posterior"), worst))
	}
	return list
}
