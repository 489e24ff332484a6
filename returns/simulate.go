package returns

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"
)

// Simulation holds the options of a panel simulated from a known truth.
type Simulation struct {
	Strategies  int
	Days        int     // weekdays, from Start
	Start       Date    // first day, or the weekday after it
	Correlation float64 // of the normal scores of any two strategies, through one common factor; in [0, 1)
	Ragged      float64 // share of strategies that start later, within the first half
	Gaps        float64 // share of a strategy's later days without a return
	Flat        int     // strategies that trade on some weekdays only and return exactly 0 on the others
	Regime      int     // strategies whose mean falls and scale doubles in the middle
}

// Truth holds the parameters of a simulated panel.
type Truth struct {
	Correlation float64         `json:"correlation"` // of normal scores
	Strategies  []StrategyTruth `json:"strategies"`
}

// StrategyTruth is the truth of one strategy. Its regimes follow one another.
type StrategyTruth struct {
	Name       string   `json:"name"`
	Entry      Date     `json:"entry"`
	TradeShare float64  `json:"trade_share"` // share of days with a return other than exactly 0
	Gaps       int      `json:"gaps"`        // days without a return after Entry
	Regimes    []Regime `json:"regimes"`
}

// Regime is a Student-t distribution of the daily returns of trading days.
type Regime struct {
	From  Date    `json:"from"`
	Mu    float64 `json:"mu"`    // location per day
	Sigma float64 `json:"sigma"` // scale per day; the standard deviation is sigma sqrt(nu/(nu-2))
	Nu    float64 `json:"nu"`    // degrees of freedom
}

// Validate reports every problem at once.
func (s Simulation) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(s.Strategies >= 1 && s.Strategies <= 10000, "strategies: %d is not between 1 and 10000", s.Strategies)
	check(s.Days >= 2 && s.Days <= 100000, "days: %d is not between 2 and 100000", s.Days)
	check(s.Correlation >= 0 && s.Correlation < 1, "correlation: %v is not in [0, 1)", s.Correlation)
	check(s.Ragged >= 0 && s.Ragged <= 1, "ragged: %v is not in [0, 1]", s.Ragged)
	check(s.Gaps >= 0 && s.Gaps < 1, "gaps: %v is not in [0, 1)", s.Gaps)
	check(s.Flat >= 0 && s.Flat <= s.Strategies, "flat: %d is not between 0 and the number of strategies", s.Flat)
	check(s.Regime >= 0 && s.Regime <= s.Strategies, "regime: %d is not between 0 and the number of strategies", s.Regime)
	return errors.Join(errs...)
}

// Simulate makes a panel and the truth behind it: annual Sharpe ratios around
// 0.5, volatilities from 4% to 25%, 3 to 15 degrees of freedom, and a Gaussian
// copula with one factor. Returns are rounded to eight decimals, as files have
// them. src gives the random source of a named part, one per strategy.
func Simulate(s Simulation, src func(part string) rand.Source) (*Panel, *Truth, error) {
	if err := s.Validate(); err != nil {
		return nil, nil, err
	}
	dates := make([]Date, s.Days)
	for t, d := 0, s.Start.AddDays(-1); t < s.Days; t++ {
		d = d.NextWeekday()
		dates[t] = d
	}
	factor := make([]float64, s.Days)
	common := rand.New(src("factor"))
	for t := range factor {
		factor[t] = common.NormFloat64()
	}
	truth := &Truth{Correlation: s.Correlation}
	values := make([][]float64, s.Strategies)
	strategies := make([]Strategy, s.Strategies)
	width := len(fmt.Sprint(s.Strategies))
	for j := range values {
		name := fmt.Sprintf("strategy_%0*d", width, j+1)
		var st StrategyTruth
		values[j], st = s.strategy(j, name, dates, factor, rand.New(src(name)))
		strategies[j] = Strategy{Name: name}
		truth.Strategies = append(truth.Strategies, st)
	}
	p, err := NewPanel(dates, strategies, values)
	return p, truth, err
}

func (s Simulation) strategy(j int, name string, dates []Date, factor []float64, rng *rand.Rand) ([]float64, StrategyTruth) {
	nu := 3 + 12*rng.Float64()
	sd := 0.04 * math.Pow(0.25/0.04, rng.Float64()) / math.Sqrt(Daily.PeriodsPerYear())
	sharpe := 0.5 + 0.5*rng.NormFloat64()
	regime := Regime{From: dates[0], Mu: sharpe * sd / math.Sqrt(Daily.PeriodsPerYear()), Sigma: sd * math.Sqrt((nu-2)/nu), Nu: nu}
	entry := 0
	if rng.Float64() < s.Ragged {
		entry = 1 + rng.IntN(max(1, len(dates)/2))
	}
	regime.From = dates[entry]
	truth := StrategyTruth{Name: name, Entry: dates[entry], TradeShare: 1, Regimes: []Regime{regime}}
	flat := j < s.Flat
	trades := 1 + j%4 // weekdays a flat strategy trades on: Monday, Monday and Tuesday, ...
	if flat {
		truth.TradeShare = float64(trades) / 5
	}
	change := len(dates)
	if j >= s.Strategies-s.Regime {
		change = (entry + len(dates)) / 2
	}
	distribution := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: nu}
	v := make([]float64, len(dates))
	for t := range v {
		own, gap := rng.NormFloat64(), rng.Float64() < s.Gaps
		if t == change {
			regime = Regime{From: dates[t], Mu: -regime.Mu, Sigma: 2 * regime.Sigma, Nu: nu}
			truth.Regimes = append(truth.Regimes, regime)
		}
		switch {
		case t < entry:
			v[t] = math.NaN()
			continue
		case gap && t > entry && t < len(v)-1:
			v[t] = math.NaN()
			truth.Gaps++
			continue
		case flat && int(dates[t].Weekday()) > trades:
			continue // exactly 0
		}
		z := math.Sqrt(s.Correlation)*factor[t] + math.Sqrt(1-s.Correlation)*own
		// The lower tail keeps its digits where 1 - p would lose them.
		innovation := math.Copysign(distribution.Quantile(0.5*math.Erfc(math.Abs(z)/math.Sqrt2)), z)
		v[t] = max(-0.99, math.Round((regime.Mu+regime.Sigma*innovation)*1e8)/1e8)
	}
	return v, truth
}
