package reports

import (
	"encoding/csv"
	"io"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"

	"allocate/optimize"
	"allocate/returns"
)

// Backtest is everything that reports may show of a backtest. Returns and
// weights are fractions, losses positive.
type Backtest struct {
	First      returns.Date      `json:"first"` // first day whose return a portfolio earned
	Last       returns.Date      `json:"last"`
	Frequency  returns.Frequency `json:"frequency"` // of the panel: the length of a period
	PerYear    float64           `json:"periods_per_year"`
	Horizon    int               `json:"horizon"` // periods
	Alpha      float64           `json:"alpha"`
	Level      float64           `json:"level"`     // of intervals
	Benchmark  string            `json:"benchmark"` // allocator that relative metrics are against; empty: none
	Portfolios []Portfolio       `json:"portfolios"`
	Rebalances []Rebalance       `json:"rebalances"` // of the first portfolio, which is ours
	Metrics    []MetricRow       `json:"metrics"`
	Forecast   *Forecast         `json:"forecast,omitempty"` // how true the predictions were; absent where too few could be scored
	Sweep      *Sweep            `json:"sweep,omitempty"`
	Findings   []returns.Finding `json:"findings"`

	Days        []returns.Date `json:"-"`
	Decimals    int            `json:"-"`
	LastWeights []byte         `json:"-"` // weights.csv as a nightly run of the last decision publishes it
}

// Over names the horizon: "21 days", "4 weeks".
func (b *Backtest) Over() string { return b.Frequency.Days(b.Horizon) }

// Portfolio is one allocator through time.
type Portfolio struct {
	Name     string    `json:"name"`
	Returns  []float64 `json:"-"` // per day of Days, after costs
	Gross    []float64 `json:"-"`
	Turnover float64   `json:"turnover"` // per year, half the sum of absolute changes
	Cost     float64   `json:"cost"`     // of trading, per year, fraction of capital
	Trades   int       `json:"trades"`   // rebalances that traded
	Held     int       `json:"held"`     // rebalances without a trade: no decision, one to hold, or within the no-trade band
	Missing  int       `json:"missing"`  // days of a held strategy without a return; its value was kept
}

// Rebalance is one decision, its prediction and the realized return.
type Rebalance struct {
	Day           returns.Date       `json:"day"`       // of decision
	AsOf          returns.Date       `json:"as_of"`     // last return the models saw
	Effective     returns.Date       `json:"effective"` // next session
	Traded        *returns.Date      `json:"traded"`    // first session whose return the weights earned; null: after the data
	Refused       string             `json:"refused,omitempty"`
	Approved      []string           `json:"approved,omitempty"`      // codes of findings for which a nightly run would have waited for approval
	Method        string             `json:"method,omitempty"`        // of the optimizer
	Weights       map[string]float64 `json:"weights"`                 // after the trade
	Contributions map[string]float64 `json:"contributions,omitempty"` // of the decided weights to the predicted CVaR at alpha, to which they sum
	Turnover      float64            `json:"turnover"`
	Cost          float64            `json:"cost"`
	Expected      *float64           `json:"expected_return"` // over the horizon, of the decided weights
	VaR           []float64          `json:"var,omitempty"`   // predicted, at Forecast.Levels
	CVaR          []float64          `json:"cvar,omitempty"`
	Realized      *float64           `json:"realized_return"` // buy and hold over the horizon; null: not over yet
	PIT           *float64           `json:"pit"`             // probability that was given to less than the realized return, and half of that given to exactly it
	CRPS          *float64           `json:"crps"`
	Warnings      int                `json:"warnings"` // findings of severity warn and above
}

// MetricRow is one metric of every portfolio, with intervals.
type MetricRow struct {
	Key     string     `json:"key"`
	Name    string     `json:"name"`
	Unit    string     `json:"unit"`
	Formula string     `json:"formula"`
	Source  string     `json:"source"`
	Values  []Estimate `json:"values"` // by portfolio
}

// Estimate is a number with its interval; null where it is not defined.
type Estimate struct {
	Value Number `json:"value"`
	Low   Number `json:"low"`
	High  Number `json:"high"`
}

// Forecast says how well the decisions' predictions did.
type Forecast struct {
	Scored    int         `json:"scored"`     // decisions whose horizon is over
	Riskless  int         `json:"riskless"`   // decisions without a predicted loss, such as all in cash, which the tests leave out
	Apart     int         `json:"apart"`      // of which do not overlap; the tests are about these
	Levels    []float64   `json:"levels"`     // tail probabilities: 0.05, 0.01
	Tail      []TailScore `json:"tail"`       // by level
	PIT       Test        `json:"pit"`        // Kolmogorov-Smirnov: are the transforms uniform? ties broken at random
	CRPS      float64     `json:"crps"`       // mean, horizon return
	CRPSNaive float64     `json:"crps_naive"` // of the same windows under the unconditional distribution of all of them
}

// TailScore is how true the predicted tail was, at one probability.
type TailScore struct {
	Level         float64 `json:"level"`
	Exceedances   int     `json:"exceedances"` // realized losses above the predicted VaR
	Expected      float64 `json:"expected"`
	Kupiec        Test    `json:"kupiec"`         // is their number right?
	Independence  Test    `json:"independence"`   // Christoffersen: do they come alone?
	Conditional   Test    `json:"conditional"`    // both together
	AcerbiSzekely Test    `json:"acerbi_szekely"` // Z2: is the predicted CVaR right? negative: too low
	MeanCVaR      float64 `json:"mean_cvar"`      // predicted, over the decisions
	MeanLoss      Number  `json:"mean_loss"`      // realized beyond VaR; null without any
}

// Test is a statistic and its p-value.
type Test struct {
	Statistic Number `json:"statistic"`
	P         Number `json:"p"`
}

// Sweep compares configurations.
type Sweep struct {
	Keys    []string     `json:"keys"`
	Trials  []SweepTrial `json:"trials"`
	Overfit *Overfit     `json:"overfit,omitempty"`
}

// SweepTrial is one configuration of a sweep.
type SweepTrial struct {
	Values  []string  `json:"values"`
	Return  Number    `json:"annual_return"`
	Sharpe  Number    `json:"sharpe"`
	CVaR    Number    `json:"cvar"`              // daily, historical
	Refused string    `json:"refused,omitempty"` // why some day, the first, was not decided
	Returns []float64 `json:"-"`
}

// Overfit is the test of backtest overfitting of a sweep.
type Overfit struct {
	PBO            Number `json:"pbo"` // probability of backtest overfitting
	DeflatedSharpe Number `json:"deflated_sharpe"`
	Best           int    `json:"best"`          // trial with the highest Sharpe ratio
	OutOfSample    Number `json:"out_of_sample"` // its mean Sharpe ratio in the test groups of combinatorial purged cross-validation, chosen anew in each
	Blocks         int    `json:"blocks"`
}

// BacktestFile is one published file of a backtest.
type BacktestFile struct {
	Name  string
	Write func(w io.Writer, b *Backtest) error
}

// BacktestFiles lists the files of a backtest, in the order they are written.
func BacktestFiles() []BacktestFile {
	return []BacktestFile{
		{"weights.csv", writeBacktestWeights},
		{"last_weights.csv", func(w io.Writer, b *Backtest) error { _, err := w.Write(b.LastWeights); return err }},
		{"returns.csv", writeBacktestReturns},
		{"rebalances.csv", writeRebalances},
		{"metrics.csv", writeMetrics},
		{"tearsheet.html", writeBacktestSheet},
		{"backtest.json", func(w io.Writer, b *Backtest) error {
			return WriteJSON(w, " ", b)
		}},
	}
}

// writeBacktestWeights writes the weights after every trade, long, in the form
// of a nightly weights.csv: as_of (here the day of decision, whatever the purge),
// effective, strategy, weight. Strategies that are never held are left out.
func writeBacktestWeights(w io.Writer, b *Backtest) error {
	ever := map[string]bool{}
	for _, r := range b.Rebalances {
		for name, x := range r.Weights {
			ever[name] = ever[name] || x != 0
		}
	}
	var names []string
	for name := range ever {
		if name != optimize.Cash && ever[name] {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	if ever[optimize.Cash] {
		names = append(names, optimize.Cash)
	}
	out := csv.NewWriter(w)
	_ = out.Write([]string{"as_of", "effective", "strategy", "weight"}) // Flush reports
	for _, r := range b.Rebalances {
		for _, name := range names {
			_ = out.Write([]string{r.Day.String(), r.Effective.String(), CSVText(name), strconv.FormatFloat(r.Weights[name], 'f', b.Decimals, 64)})
		}
	}
	out.Flush()
	return out.Error()
}

// writeBacktestReturns writes a row a day and a column a portfolio: returns
// after costs.
func writeBacktestReturns(w io.Writer, b *Backtest) error {
	out := csv.NewWriter(w)
	header := []string{"date"}
	for _, p := range b.Portfolios {
		header = append(header, CSVText(p.Name))
	}
	_ = out.Write(header)
	for t, d := range b.Days {
		row := []string{d.String()}
		for _, p := range b.Portfolios {
			row = append(row, number(p.Returns[t]))
		}
		_ = out.Write(row)
	}
	out.Flush()
	return out.Error()
}

// writeRebalances writes a row per decision: its prediction and the realized return.
func writeRebalances(w io.Writer, b *Backtest) error {
	out := csv.NewWriter(w)
	header := []string{"day", "as_of", "effective", "traded", "turnover", "cost", "expected_return"}
	var levels []float64
	if b.Forecast != nil {
		levels = b.Forecast.Levels
	}
	for _, l := range levels {
		header = append(header, "var_"+number(l), "cvar_"+number(l))
	}
	header = append(header, "realized_return", "pit", "crps", "method", "warnings", "approved", "refused")
	_ = out.Write(header)
	optional := func(x *float64) string {
		if x == nil {
			return ""
		}
		return number(*x)
	}
	for _, r := range b.Rebalances {
		traded := ""
		if r.Traded != nil {
			traded = r.Traded.String()
		}
		row := []string{r.Day.String(), r.AsOf.String(), r.Effective.String(), traded, number(r.Turnover), number(r.Cost), optional(r.Expected)}
		for k := range levels {
			if k < len(r.VaR) {
				row = append(row, number(r.VaR[k]), number(r.CVaR[k]))
			} else {
				row = append(row, "", "")
			}
		}
		row = append(row, optional(r.Realized), optional(r.PIT), optional(r.CRPS), r.Method, strconv.Itoa(r.Warnings), strings.Join(r.Approved, " "), CSVText(r.Refused))
		_ = out.Write(row)
	}
	out.Flush()
	return out.Error()
}

// writeMetrics writes a row a metric and portfolio.
func writeMetrics(w io.Writer, b *Backtest) error {
	out := csv.NewWriter(w)
	_ = out.Write([]string{"metric", "unit", "portfolio", "value", "low", "high"})
	for _, m := range b.Metrics {
		for k, v := range m.Values {
			_ = out.Write([]string{m.Key, m.Unit, CSVText(b.Portfolios[k].Name), v.Value.text(), v.Low.text(), v.High.text()})
		}
	}
	out.Flush()
	return out.Error()
}

// number prints a number for a machine; blank where it is not finite.
func number(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return ""
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

// Metric returns the row of a key, nil if there is none.
func (b *Backtest) Metric(key string) *MetricRow {
	i := slices.IndexFunc(b.Metrics, func(m MetricRow) bool { return m.Key == key })
	if i < 0 {
		return nil
	}
	return &b.Metrics[i]
}
