package walkforward

import (
	"cmp"
	"math"
	"slices"

	"allocate/bayes"
	"allocate/returns"
)

// Report is an evaluation of return models out of sample.
type Report struct {
	First     returns.Date      `json:"first"` // day with a forecast
	Last      returns.Date      `json:"last"`
	Frequency returns.Frequency `json:"frequency"`
	Horizon   int               `json:"horizon"`   // periods
	Reference string            `json:"reference"` // model that the others are compared with

	Models     []Row `json:"models"`     // all strategies together, one row per model
	Strategies []Row `json:"strategies"` // one row per strategy and model
	// Joint has a row per model and dependence, if dependences were evaluated.
	Joint    []JointRow `json:"joint,omitempty"`
	Short    []string   `json:"short"` // strategies without a day of evaluation
	Failures []Failure  `json:"failures"`
}

// Row is how a model predicted a strategy, or all of them.
type Row struct {
	Strategy string   `json:"strategy,omitempty"`
	Model    string   `json:"model"`
	Families []string `json:"families"` // fitted; several where a model chooses by the series
	Day      Coverage `json:"day"`      // one period ahead
	Horizon  Coverage `json:"over_horizon"`

	// LogScore is the mean difference of log scores per period from the reference, on
	// the days that both have; above 0 the model is better.
	LogScore Difference `json:"log_score"`
	// CRPSRatio is the sum of the CRPS over horizons over that of the reference; below
	// 1 the model is better. Of all strategies the mean of their ratios. NaN without a
	// common horizon.
	CRPSRatio bayes.Number `json:"crps_ratio"`

	// Compared counts the strategies of the two comparisons, and Better those on which
	// the model is better than the reference.
	Compared Count `json:"compared"`
	Better   Count `json:"better"`
}

// Count is a number of strategies.
type Count struct {
	LogScore int `json:"log_score"`
	CRPS     int `json:"crps"`
}

// Coverage counts forecasts, and how many returns were below the 5 % and the 1 %
// quantile: losses beyond the value at risk.
type Coverage struct {
	Calm   Exceedances `json:"calm"`
	Middle Exceedances `json:"middle"`
	High   Exceedances `json:"high"`
	All    Exceedances `json:"all"`
}

// Exceedances of one state.
type Exceedances struct {
	Forecasts int `json:"forecasts"`
	Below5    int `json:"below_5"`
	Below1    int `json:"below_1"`
}

// In returns the exceedances of a state.
func (c *Coverage) In(s returns.State) *Exceedances {
	return [...]*Exceedances{&c.Calm, &c.Middle, &c.High}[s]
}

func (e *Exceedances) count(pit float64) {
	e.Forecasts++
	if pit < 0.05 {
		e.Below5++
	}
	if pit < 0.01 {
		e.Below1++
	}
}

func (c *Coverage) count(ratio, pit bayes.Number) {
	c.All.count(float64(pit))
	c.In(returns.StateOf(float64(ratio))).count(float64(pit))
}

// Failure are the fits of a strategy without a forecast, with the reason of the first.
type Failure struct {
	Strategy string       `json:"strategy"`
	Model    string       `json:"model"`
	From     returns.Date `json:"from"` // first day without forecast
	Fits     int          `json:"fits"`
	Why      string       `json:"why"`
}

// Strategy are the scores of a strategy.
type Strategy struct {
	Name     string
	Segments []Segment
	Days     []returns.Date // of the series
	Scores   [][]*Scores    // by model in the order of Options.Models, by segment
}

// NewReport sums up the scores of strategies.
func NewReport(o Options, f returns.Frequency, horizon int, strategies []Strategy, short []string) *Report {
	r := &Report{Frequency: f, Horizon: horizon, Reference: o.Models[0], Short: short}
	for k, model := range o.Models {
		set, all := Row{Model: model, CRPSRatio: bayes.Number(math.NaN())}, blocks{}
		ratio := 0.0
		for _, s := range strategies {
			row := Row{Strategy: s.Name, Model: model}
			for i, scores := range s.Scores[k] {
				if scores.Failed != "" {
					r.fail(s, i, model, scores.Failed)
					continue
				}
				row.add(scores)
			}
			own := blocks{}
			var ours, theirs float64
			for i, scores := range s.Scores[k] {
				own.compare(scores, s.Scores[0][i])
				a, b := compareCRPS(scores, s.Scores[0][i])
				ours, theirs = ours+a, theirs+b
			}
			row.LogScore, row.CRPSRatio = own.difference(), bayes.Number(ours/theirs)
			row.judge()
			if row.Compared.CRPS > 0 {
				ratio += ours / theirs
			}
			set.pool(&row)
			all.add(own)
			r.Strategies = append(r.Strategies, row)
		}
		set.LogScore = all.difference()
		if set.Compared.CRPS > 0 {
			set.CRPSRatio = bayes.Number(ratio / float64(set.Compared.CRPS))
		}
		r.Models = append(r.Models, set)
	}
	slices.SortStableFunc(r.Strategies, func(a, b Row) int { return cmp.Compare(a.Strategy, b.Strategy) })
	r.span(strategies)
	return r
}

// fail notes a fit without forecast, together with the others of the strategy.
func (r *Report) fail(s Strategy, i int, model, why string) {
	for k := range r.Failures {
		if f := &r.Failures[k]; f.Strategy == s.Name && f.Model == model {
			f.Fits++
			return
		}
	}
	r.Failures = append(r.Failures, Failure{s.Name, model, s.Days[s.Segments[i].At], 1, why})
}

func (row *Row) add(s *Scores) {
	if !slices.Contains(row.Families, s.Model) {
		row.Families = append(row.Families, s.Model)
	}
	for _, d := range s.Days {
		row.Day.count(d.Ratio, d.PIT)
	}
	for _, h := range s.Horizons {
		row.Horizon.count(h.Ratio, h.PIT)
	}
}

// judge says whether the strategy was compared, and which model was better.
func (row *Row) judge() {
	if mean := float64(row.LogScore.Mean); !math.IsNaN(mean) {
		row.Compared.LogScore = 1
		if mean > 0 {
			row.Better.LogScore = 1
		}
	}
	if ratio := float64(row.CRPSRatio); !math.IsNaN(ratio) && !math.IsInf(ratio, 0) {
		row.Compared.CRPS = 1
		if ratio < 1 {
			row.Better.CRPS = 1
		}
	}
}

// pool adds the row of a strategy to that of all.
func (row *Row) pool(s *Row) {
	for _, family := range s.Families {
		if !slices.Contains(row.Families, family) {
			row.Families = append(row.Families, family)
		}
	}
	slices.Sort(row.Families)
	for _, x := range []struct{ to, from *Coverage }{{&row.Day, &s.Day}, {&row.Horizon, &s.Horizon}} {
		x.to.All.pool(x.from.All)
		for state := range returns.States {
			x.to.In(state).pool(*x.from.In(state))
		}
	}
	row.Compared.LogScore += s.Compared.LogScore
	row.Compared.CRPS += s.Compared.CRPS
	row.Better.LogScore += s.Better.LogScore
	row.Better.CRPS += s.Better.CRPS
}

func (e *Exceedances) pool(more Exceedances) {
	e.Forecasts += more.Forecasts
	e.Below5 += more.Below5
	e.Below1 += more.Below1
}

// span finds the first and the last day with a forecast.
func (r *Report) span(strategies []Strategy) {
	for _, s := range strategies {
		for _, model := range s.Scores {
			for _, scores := range model {
				for _, d := range scores.Days {
					if r.First == 0 || d.Date < r.First {
						r.First = d.Date
					}
					r.Last = max(r.Last, d.Date)
				}
			}
		}
	}
}
