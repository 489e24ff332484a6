// Package reports writes what people and other programs read of a run: the
// weights, a summary for machines, and a tear sheet for the morning.
package reports

import (
	"io"

	"allocate/bayes"
	"allocate/optimize"
	"allocate/returns"
	"allocate/scenarios"
)

// Run is everything that reports may show of one run.
type Run struct {
	AsOf        returns.Date // last day the models saw
	Effective   returns.Date // first session on which the weights hold
	Seed        uint64
	Bayes       bayes.Options
	Scenarios   scenarios.Options
	Optimize    optimize.Options
	Series      []*returns.Series  // N, in the order of Set.Names
	Posteriors  []*bayes.Posterior // N
	Set         *scenarios.Set
	Solution    *optimize.Solution
	Fan         *scenarios.Fan                 // nil of runs by versions that had none
	Coverages   map[string]*scenarios.Coverage // of days held out of the posterior, by strategy; nil where there are too few
	Held        *Held                          // nil on a cold start
	Attribution *Attribution                   // of the change of the weights; nil where nothing is traded, or it is not known
	Limits      []LimitCost                    // of the limits that bind
	Excluded    []string                       // strategies of the file without a model; their weight is 0
	Findings    []returns.Finding

	summary *Summary // once made; its findings are those of then
}

// Held is the previous portfolio: its weights, and the forecasts of the run
// that chose them.
type Held struct {
	AsOf    returns.Date            `json:"as_of"`
	Weights map[string]float64      `json:"weights"` // drifted to the as-of date, fractions of capital
	Beliefs map[string]HeldStrategy `json:"beliefs,omitempty"`
	Since   *Realized               `json:"since,omitempty"` // nil: no period has passed
}

// HeldStrategy is the previous run's forecast of a strategy.
type HeldStrategy struct {
	AnnualReturn     Number `json:"annual_return"`
	AnnualVolatility Number `json:"annual_volatility"`

	ForecastVolatility Number `json:"forecast_volatility,omitempty"` // annual, of the next period; 0: of a model without memory
}

// File is one published file.
type File struct {
	Name  string
	Write func(w io.Writer, r *Run) error
}

// Files lists the files of a run, in the order they are written.
func Files() []File {
	return []File{
		{"weights.csv", WriteWeights},
		{"weights_wide.csv", writeWeights(WideWeights)},
		{"weights.parquet", writeWeights(ParquetWeights)},
		{"summary.json", WriteSummary},
		{"tearsheet.html", WriteTearsheet},
	}
}
