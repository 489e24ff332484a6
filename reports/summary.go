package reports

import (
	"fmt"
	"io"
	"math"

	"allocate/bayes"
	"allocate/optimize"
	"allocate/returns"
	"allocate/scenarios"
)

// Summary is summary.json: the decision and its grounds for a machine. Returns
// and losses are fractions; losses are positive; CVaR, VaR and expected
// returns are of the horizon, what is called annual is of periods_per_year
// periods of the panel.
type Summary struct {
	AsOf           returns.Date           `json:"as_of"`
	Effective      returns.Date           `json:"effective"`
	Verdict        string                 `json:"verdict"`   // the decision in a sentence
	Frequency      returns.Frequency      `json:"frequency"` // of the panel: the length of a period
	PerYear        float64                `json:"periods_per_year"`
	Horizon        int                    `json:"horizon"` // periods
	Scenarios      int                    `json:"scenarios"`
	Alpha          float64                `json:"alpha"`
	Budget         float64                `json:"budget"`
	Objective      optimize.Objective     `json:"objective"`
	Status         optimize.Status        `json:"status"`
	Method         string                 `json:"method"` // of the optimizer
	Attempts       []optimize.Attempt     `json:"attempts,omitempty"`
	ExpectedRet    float64                `json:"expected_return"`
	ExpectedSpan   Interval               `json:"expected_return_interval"` // 90%, for what is not known of the means; see PortfolioInterval
	VaR            float64                `json:"var"`
	CVaR           float64                `json:"cvar"`
	Risk           float64                `json:"risk"`                  // what optimize.max_cvar limits: the CVaR by optimize.spectrum, with costs and the Wasserstein ball
	CVaRError      float64                `json:"cvar_standard_error"`   // Monte Carlo, as if scenarios were independent; they are spread evenly and do better
	Cost           float64                `json:"cost"`                  // of trading to these weights, fraction of capital
	HeldFrom       *returns.Date          `json:"held_from"`             // day of the weights that are held; null: a cold start
	Turnover       float64                `json:"turnover"`              // against them, half the sum of absolute changes
	Attribution    *Attribution           `json:"attribution,omitempty"` // of the change of the weights; absent where nothing is traded
	Limits         []LimitCost            `json:"limits,omitempty"`      // what the limits that bind cost
	Realized       *Realized              `json:"realized,omitempty"`    // return of the previous weights since, against their forecast
	ProbLoss       float64                `json:"probability_of_loss"`
	Volatility     float64                `json:"volatility"`         // standard deviation of the return over the horizon
	Stresses       []StressLoss           `json:"stresses,omitempty"` // of scenarios.stress, on these weights
	Episodes       []Episode              `json:"episodes,omitempty"` // horizons of the past in which these weights would have lost most
	Certificate    optimize.Certificate   `json:"certificate"`
	Indifference   *optimize.Indifference `json:"indifference,omitempty"` // the decision against the best portfolio; absent on a cold start
	ShadowPrices   []optimize.ShadowPrice `json:"shadow_prices"`
	Fan            *scenarios.Fan         `json:"fan,omitempty"` // cumulative return of the portfolio up to the horizon
	Frontier       *optimize.Frontier     `json:"frontier,omitempty"`
	Outperformance *Outperformance        `json:"outperformance,omitempty"`
	Dependence     *Dependence            `json:"dependence"`
	Strategies     []StrategySummary      `json:"strategies"`
	Excluded       []string               `json:"left_out"`
	WorstFinding   returns.Severity       `json:"worst_finding"`
	Findings       []returns.Finding      `json:"findings"`
}

// Over names the horizon: "21 days", "4 weeks".
func (s *Summary) Over() string { return s.Frequency.Days(s.Horizon) }

// StrategySummary is one strategy of summary.json.
type StrategySummary struct {
	Name             string          `json:"name"`
	Weight           float64         `json:"weight"`
	WeightRange      *optimize.Range `json:"weight_range,omitempty"` // of the portfolios within one standard error of the best
	Held             float64         `json:"held"`                   // weight before the decision, drifted
	Group            string          `json:"group,omitempty"`
	LiveFrom         *returns.Date   `json:"live_from,omitempty"`
	Consistency      *float64        `json:"consistency,omitempty"` // score of the days held out, 0 to 100
	RiskContribution float64         `json:"risk_contribution"`     // of the portfolio's CVaR, to which they sum
	Model            string          `json:"model"`
	Families         []Family        `json:"families,omitempty"` // of model auto
	Updated          *bayes.Updated  `json:"updated,omitempty"`  // absent where the fit has seen all days
	Verdict          bayes.Verdict   `json:"verdict"`
	Days             int             `json:"days"`              // with a return: periods of the panel
	AnnualReturn     Interval        `json:"annual_return"`     // mean return x periods per year
	AnnualVolatility Interval        `json:"annual_volatility"` // volatility per period x sqrt(periods per year)
	ProbNoVolatility float64         `json:"probability_infinite_volatility,omitempty"`
	Sharpe           Interval        `json:"sharpe"`                   // annual
	ProbMeanPositive float64         `json:"probability_mean_above_0"` // of the annual return
	ExpectedHorizon  float64         `json:"expected_horizon_return"`  // mean over the scenarios
	MaxRHat          bayes.Number    `json:"max_rhat"`
	MinESSBulk       bayes.Number    `json:"min_ess_bulk"`
	MinESSTail       bayes.Number    `json:"min_ess_tail"`
	Divergent        int             `json:"divergent"`
	Posterior        []bayes.Summary `json:"posterior"`

	// Conditional is today's volatility against that of the long run; absent for a model
	// without memory of the variance, of which the two are the same.
	Conditional *ConditionalVolatility `json:"conditional_volatility,omitempty"`

	// Sensitivity is how much prior and likelihood move the posterior of mu, sd
	// and nu (power-scaling); from 0.05 on it is sensitive.
	Sensitivity []bayes.Sensitivity `json:"sensitivity,omitempty"`
}

// Family is one of the return models of a strategy with bayes.model auto: its weight, and
// what the weight comes from.
type Family struct {
	bayes.FamilyEvidence
	Verdict   bayes.Verdict   `json:"verdict"`
	Posterior []bayes.Summary `json:"posterior,omitempty"` // of a family with a quarter of the weight or more
}

// Interval is a posterior mean with its central 90% interval; null where there is
// no finite one.
type Interval struct {
	Mean Number `json:"mean"`
	Q5   Number `json:"q5"`
	Q95  Number `json:"q95"`
}

// WriteSummary writes summary.json.
func WriteSummary(w io.Writer, r *Run) error {
	s, err := Summarize(r)
	if err != nil {
		return err
	}
	return WriteJSON(w, "  ", s)
}

// Summarize computes summary.json, once of a run.
func Summarize(r *Run) (*Summary, error) {
	if r.summary == nil {
		s, err := summarize(r)
		if err != nil {
			return nil, err
		}
		r.summary = s
	}
	s := *r.summary
	s.Findings, s.WorstFinding = r.Findings, returns.Worst(r.Findings)
	s.Verdict = sentence(r, &s)
	return &s, nil
}

func summarize(r *Run) (*Summary, error) {
	sol := r.Solution
	s := &Summary{
		AsOf: r.AsOf, Effective: r.Effective, Frequency: r.Set.Frequency, PerYear: r.Set.Frequency.PeriodsPerYear(), Horizon: r.Set.Horizon, Scenarios: r.Set.Len(),
		Alpha: r.Optimize.Alpha, Budget: r.Optimize.Budget, ExpectedRet: sol.Mean, VaR: sol.VaR, CVaR: sol.CVaR, Risk: sol.Risk,
		Objective: r.Optimize.Objective, Status: sol.Status, Method: sol.Method, Attempts: sol.Attempts, Cost: sol.Cost,
		ShadowPrices: sol.ShadowPrices, Frontier: sol.Frontier, Fan: r.Fan, Outperformance: outperformance(r), Dependence: dependenceOf(r),
		Certificate: sol.Certificate, Indifference: sol.Indifference, Limits: r.Limits, Excluded: r.Excluded,
	}
	outcomes := PortfolioReturns(r)
	for i, l := range outcomes {
		if l < 0 {
			s.ProbLoss += r.Set.Probability(i)
		}
	}
	var err error
	if s.Stresses, err = stresses(r, outcomes); err != nil {
		return nil, err
	}
	s.Volatility, s.Episodes = volatility(r, outcomes), episodes(r)
	s.CVaRError = scenarios.StandardError(outcomes, r.Set.Prob, r.Optimize.Alpha)
	if h := r.Held; h != nil {
		s.HeldFrom, s.Turnover, s.Realized = &h.AsOf, turnover(sol, h.Weights), h.Since.scored()
		s.Attribution = r.Attribution
	}
	mean := r.Set.Mean()
	for j, p := range r.Posteriors {
		if p.Strategy != r.Set.Names[j] || sol.Names[j] != p.Strategy {
			return nil, fmt.Errorf("reports: posterior %d is of %q, scenarios of %q", j, p.Strategy, r.Set.Names[j])
		}
		st := StrategySummary{
			Name: p.Strategy, ExpectedHorizon: mean[j], Group: r.Series[j].Strategy.Group, LiveFrom: r.Series[j].Strategy.LiveFrom, Weight: sol.Weights[j], RiskContribution: sol.Contributions[j],
			Model: p.Model, Updated: p.Updated, Verdict: p.Verdict(), Days: r.Series[j].Len(), Posterior: p.Summary, Sensitivity: p.Sensitivity,
			MinESSBulk: bayes.Number(math.Inf(1)), MinESSTail: bayes.Number(math.Inf(1)),
		}
		if sol.Ranges != nil {
			st.WeightRange = &sol.Ranges[j]
		}
		for _, c := range p.Components {
			own := Family{FamilyEvidence: c.FamilyEvidence, Verdict: c.Verdict}
			if !c.Light() {
				own.Posterior = c.Summary
			}
			st.Families = append(st.Families, own)
		}
		if r.Held != nil {
			st.Held = r.Held.Weights[p.Strategy]
		}
		if c := r.Coverages[p.Strategy]; c != nil && c.Cone != nil {
			st.Consistency = &c.Cone.Score
		}
		for _, d := range p.Sampler.Divergent {
			st.Divergent += int(d)
		}
		for _, q := range p.Summary {
			st.MaxRHat, st.MinESSBulk, st.MinESSTail = max(st.MaxRHat, q.RHat), min(st.MinESSBulk, q.ESSBulk), min(st.MinESSTail, q.ESSTail)
		}
		q, err := quantitiesOf(r.Series[j], p, s.PerYear)
		if err != nil {
			return nil, fmt.Errorf("reports: %w", err)
		}
		st.AnnualReturn, st.Sharpe = interval(q.mean), summarized(q.sharpe, 1)
		st.AnnualVolatility, st.ProbNoVolatility = summarized(q.volatility, math.Sqrt(s.PerYear)), q.infinite
		st.ProbMeanPositive, st.Conditional = q.positive, conditionalVolatility(q, s.PerYear)
		s.Strategies = append(s.Strategies, st)
	}
	s.ExpectedSpan = portfolioInterval(r, s.Strategies)
	shift := 0.0 // what posteriors do not say: the return of CASH, and means that the scenarios have instead
	for j, name := range sol.Names {
		switch {
		case j < len(mean) && r.Scenarios.Mean != "" && r.Scenarios.Mean != scenarios.PosteriorMean:
			shift += sol.Weights[j] * (mean[j]*s.PerYear/float64(s.Horizon) - float64(s.Strategies[j].AnnualReturn.Mean))
		case j >= len(mean) && name == optimize.Cash:
			shift += sol.Weights[j] * r.Optimize.CashReturn
		}
	}
	for _, x := range []*Number{&s.ExpectedSpan.Mean, &s.ExpectedSpan.Q5, &s.ExpectedSpan.Q95} {
		*x += Number(shift)
	}
	return s, nil
}

// PortfolioReturns returns the S horizon returns of the exported weights.
func PortfolioReturns(r *Run) []float64 {
	out, certain := make([]float64, r.Set.Len()), 0.0
	if n := len(r.Set.Names); len(r.Solution.Weights) > n { // CASH is the last
		certain = r.Solution.Weights[n] * r.Optimize.CashOver(r.Set.Horizon, r.Set.Frequency)
	}
	for i := range out {
		out[i] = certain
		for j, x := range r.Set.Row(i) {
			out[i] += r.Solution.Weights[j] * x
		}
	}
	return out
}
