package metrics

import "math"

// Sample holds the inputs of the metrics.
type Sample struct {
	Returns        []float64 // T: returns per period, fractions
	PeriodsPerYear float64   // P, by which all is annualized: 252 for trading days; above 0
	RiskFree       float64   // per year, fraction; (1+RiskFree)^(1/P)-1 per period
	Benchmark      []float64 // T: returns of the same periods, or nil
	Alpha          float64   // confidence of VaR and CVaR, in [0, 1)
}

// Metric is one number of a tear sheet, with what a reader needs to know of it.
type Metric struct {
	Key     string // for machines, such as "max_drawdown"
	Name    string // for readers
	Formula string // r: returns, b: benchmark, f: risk-free rate per period, P: periods per year
	Unit    string // "fraction", "per year", "periods", "ratio" or "index"
	Source  string

	// Of computes the metric. It is NaN where the metric is not defined, and
	// for a metric with a benchmark if the sample has none.
	Of func(Sample) float64

	// of is the same from accumulated sums. A metric made elsewhere has none.
	of func(*ledger) float64
}

// Metrics returns every metric, those of the returns alone before those with a
// benchmark, always in the same order.
func Metrics() []Metric {
	var all []Metric
	for _, group := range [][]Metric{growth, dispersion, drawdown, tails, days, relative} {
		all = append(all, group...)
	}
	for i, m := range all {
		all[i].Of = func(s Sample) float64 { return newLedger(s).value(m) }
	}
	return all
}

// Lookup returns the metric of that key.
func Lookup(key string) (Metric, bool) {
	for _, m := range Metrics() {
		if m.Key == key {
			return m, true
		}
	}
	return Metric{}, false
}

// Evaluate returns the value of each metric. It reads the sample once for all
// of [Metrics]; calling Of on each gives the same numbers.
func Evaluate(metrics []Metric, s Sample) []float64 {
	values := make([]float64, len(metrics))
	newLedger(s).values(metrics, values)
	return values
}

var growth = []Metric{
	{
		Key: "total_return", Name: "Total return", Unit: "fraction", Source: "definition",
		Formula: "prod(1+r) - 1",
		of:      func(l *ledger) float64 { return l.total() },
	},
	{
		Key: "cagr", Name: "CAGR", Unit: "per year", Source: "definition",
		Formula: "prod(1+r)^(P/T) - 1",
		of:      func(l *ledger) float64 { return l.cagr() },
	},
	{
		Key: "annual_mean", Name: "Mean return", Unit: "per year", Source: "definition",
		Formula: "P mean(r)",
		of:      func(l *ledger) float64 { return l.sample.PeriodsPerYear * l.r.mean },
	},
	{
		Key: "stability", Name: "Stability", Unit: "fraction", Source: "pyfolio, stability_of_timeseries",
		Formula: "R^2 of the regression of sum(log(1+r)) on the day",
		of:      func(l *ledger) float64 { return l.stability() },
	},
}

var dispersion = []Metric{
	{
		Key: "annual_volatility", Name: "Volatility", Unit: "per year", Source: "definition",
		Formula: "sqrt(P) sd(r)",
		of:      func(l *ledger) float64 { return math.Sqrt(l.sample.PeriodsPerYear) * l.r.sd() },
	},
	{
		Key: "sharpe", Name: "Sharpe ratio", Unit: "ratio", Source: "Sharpe 1994, eq. 6",
		Formula: "sqrt(P) mean(r-f) / sd(r)",
		of:      func(l *ledger) float64 { return math.Sqrt(l.sample.PeriodsPerYear) * ratio(l.excess(), l.r.sd()) },
	},
	{
		Key: "probabilistic_sharpe", Name: "Probability that the Sharpe ratio is above 0", Unit: "fraction", Source: "Bailey & Lopez de Prado 2012, eq. 9",
		Formula: "Phi(SR sqrt(T-1) / sqrt(1 - g3 SR + (g4-1)/4 SR^2)), SR = mean(r-f) / sd(r)",
		of:      func(l *ledger) float64 { return l.record().Probabilistic(0) },
	},
	{
		Key: "downside_deviation", Name: "Downside deviation", Unit: "per year", Source: "Sortino & van der Meer 1991",
		Formula: "sqrt(P) sqrt(sum(min(r-f, 0)^2) / T)",
		of:      func(l *ledger) float64 { return math.Sqrt(l.sample.PeriodsPerYear) * l.downside() },
	},
	{
		Key: "sortino", Name: "Sortino ratio", Unit: "ratio", Source: "Sortino & Price 1994",
		Formula: "sqrt(P) mean(r-f) / sqrt(sum(min(r-f, 0)^2) / T)",
		of:      func(l *ledger) float64 { return math.Sqrt(l.sample.PeriodsPerYear) * ratio(l.excess(), l.downside()) },
	},
	{
		Key: "omega", Name: "Omega ratio", Unit: "ratio", Source: "Keating & Shadwick 2002",
		Formula: "sum(max(r-f, 0)) / sum(max(f-r, 0))",
		of:      func(l *ledger) float64 { return ratio(l.over, l.under) },
	},
	{
		Key: "skewness", Name: "Skewness", Unit: "ratio", Source: "sample moments, divisor T",
		Formula: "m3 / m2^(3/2)",
		of:      func(l *ledger) float64 { return l.r.skewness() },
	},
	{
		Key: "excess_kurtosis", Name: "Excess kurtosis", Unit: "ratio", Source: "sample moments, divisor T",
		Formula: "m4 / m2^2 - 3",
		of:      func(l *ledger) float64 { return l.r.kurtosis() - 3 },
	},
	{
		Key: "autocorrelation", Name: "Autocorrelation, lag 1", Unit: "ratio", Source: "Box & Jenkins 1970",
		Formula: "sum((r_t-m)(r_(t-1)-m)) / sum((r_t-m)^2)",
		of:      func(l *ledger) float64 { return ratio(l.lag1, l.r.m2) },
	},
}

var drawdown = []Metric{
	{
		Key: "max_drawdown", Name: "Maximum drawdown", Unit: "fraction", Source: "definition",
		Formula: "max(D), D_t = 1 - W_t / max(1, W_1..W_t), W = wealth",
		of:      func(l *ledger) float64 { return l.deepest },
	},
	{
		Key: "average_drawdown", Name: "Average drawdown", Unit: "fraction", Source: "PerformanceAnalytics, AverageDrawdown",
		Formula: "mean over drawdowns of their greatest D; 0 if there is none",
		of: func(l *ledger) float64 {
			if l.episodes == 0 {
				return 0
			}
			return l.depths / l.episodes
		},
	},
	{
		Key: "longest_drawdown", Name: "Longest drawdown", Unit: "periods", Source: "definition",
		Formula: "most consecutive days with D > 0",
		of:      func(l *ledger) float64 { return l.longest },
	},
	{
		Key: "average_drawdown_days", Name: "Average drawdown length", Unit: "periods", Source: "definition",
		Formula: "days with D > 0 per drawdown; 0 if there is none",
		of: func(l *ledger) float64 {
			if l.episodes == 0 {
				return 0
			}
			return l.submerged / l.episodes
		},
	},
	{
		Key: "pain_index", Name: "Pain index", Unit: "fraction", Source: "Becker 2006",
		Formula: "mean(D)",
		of:      func(l *ledger) float64 { return l.pain() },
	},
	{
		Key: "ulcer_index", Name: "Ulcer index", Unit: "fraction", Source: "Martin & McCann 1989",
		Formula: "sqrt(mean(D^2))",
		of:      func(l *ledger) float64 { return l.ulcer() },
	},
	{
		Key: "calmar", Name: "Calmar ratio", Unit: "ratio", Source: "Young 1991, over the whole sample",
		Formula: "CAGR / max(D)",
		of:      func(l *ledger) float64 { return ratio(l.cagr(), l.deepest) },
	},
	{
		Key: "martin", Name: "Martin ratio (UPI)", Unit: "ratio", Source: "Martin & McCann 1989",
		Formula: "(CAGR - annual risk-free rate) / Ulcer index",
		of:      func(l *ledger) float64 { return ratio(l.cagr()-l.sample.RiskFree, l.ulcer()) },
	},
	{
		Key: "pain_ratio", Name: "Pain ratio", Unit: "ratio", Source: "Becker 2006",
		Formula: "(CAGR - annual risk-free rate) / Pain index",
		of:      func(l *ledger) float64 { return ratio(l.cagr()-l.sample.RiskFree, l.pain()) },
	},
	{
		Key: "recovery_factor", Name: "Recovery factor", Unit: "ratio", Source: "QuantStats, with the compounded return",
		Formula: "total return / max(D)",
		of:      func(l *ledger) float64 { return ratio(l.total(), l.deepest) },
	},
}

var tails = []Metric{
	{
		Key: "var", Name: "VaR per period", Unit: "fraction", Source: "Rockafellar & Uryasev 2002",
		Formula: "lower alpha-quantile of -r",
		of:      func(l *ledger) float64 { return l.tail().valueAtRisk },
	},
	{
		Key: "cvar", Name: "CVaR per period", Unit: "fraction", Source: "Rockafellar & Uryasev 2002, prop. 8",
		Formula: "mean of the worst 1-alpha of -r, the day at VaR by its fraction",
		of:      func(l *ledger) float64 { return l.tail().cvar },
	},
	{
		Key: "tail_ratio", Name: "Tail ratio", Unit: "ratio", Source: "pyfolio, tail_ratio",
		Formula: "|q95(r)| / |q5(r)|, quantiles of Hyndman & Fan 1996, type 7",
		of:      func(l *ledger) float64 { return ratio(math.Abs(l.tail().q95), math.Abs(l.tail().q5)) },
	},
}

var days = []Metric{
	{
		Key: "best_day", Name: "Best day", Unit: "fraction", Source: "definition",
		Formula: "max(r)",
		of:      func(l *ledger) float64 { return l.r.high },
	},
	{
		Key: "worst_day", Name: "Worst day", Unit: "fraction", Source: "definition; a return, negative if a loss",
		Formula: "min(r)",
		of:      func(l *ledger) float64 { return l.r.low },
	},
	{
		Key: "hit_rate", Name: "Hit rate", Unit: "fraction", Source: "QuantStats, win_rate",
		Formula: "#(r > 0) / #(r != 0)",
		of:      func(l *ledger) float64 { return ratio(l.wins, l.wins+l.losses) },
	},
	{
		Key: "average_win", Name: "Average win", Unit: "fraction", Source: "definition",
		Formula: "mean(r | r > 0)",
		of:      func(l *ledger) float64 { return ratio(l.won, l.wins) },
	},
	{
		Key: "average_loss", Name: "Average loss", Unit: "fraction", Source: "definition; positive",
		Formula: "mean(-r | r < 0)",
		of:      func(l *ledger) float64 { return ratio(l.lost, l.losses) },
	},
	{
		Key: "payoff_ratio", Name: "Payoff (win/loss) ratio", Unit: "ratio", Source: "definition",
		Formula: "average win / average loss",
		of:      func(l *ledger) float64 { return ratio(ratio(l.won, l.wins), ratio(l.lost, l.losses)) },
	},
	{
		Key: "profit_factor", Name: "Profit factor", Unit: "ratio", Source: "definition",
		Formula: "sum(r | r > 0) / sum(-r | r < 0)",
		of:      func(l *ledger) float64 { return ratio(l.won, l.lost) },
	},
	{
		Key: "gain_to_pain", Name: "Gain to pain", Unit: "ratio", Source: "Schwager 2012, with returns per period",
		Formula: "sum(r) / sum(-r | r < 0)",
		of:      func(l *ledger) float64 { return ratio(l.won-l.lost, l.lost) },
	},
	{
		Key: "max_consecutive_wins", Name: "Most consecutive wins", Unit: "periods", Source: "definition; a day of 0 ends a run",
		Formula: "longest run of r > 0",
		of:      func(l *ledger) float64 { return l.winning },
	},
	{
		Key: "max_consecutive_losses", Name: "Most consecutive losses", Unit: "periods", Source: "definition; a day of 0 ends a run",
		Formula: "longest run of r < 0",
		of:      func(l *ledger) float64 { return l.losing },
	},
	{
		Key: "time_in_market", Name: "Time in market", Unit: "fraction", Source: "QuantStats, exposure, unrounded",
		Formula: "#(r != 0) / T",
		of:      func(l *ledger) float64 { return (l.wins + l.losses) / l.r.n },
	},
}

var relative = []Metric{
	{
		Key: "beta", Name: "Beta", Unit: "ratio", Source: "Sharpe 1964",
		Formula: "cov(r, b) / var(b)",
		of:      func(l *ledger) float64 { return l.beta() },
	},
	{
		Key: "alpha", Name: "Alpha", Unit: "per year", Source: "Jensen 1968, arithmetic",
		Formula: "P (mean(r-f) - beta mean(b-f))",
		of:      func(l *ledger) float64 { return l.sample.PeriodsPerYear * (l.excess() - l.beta()*(l.b.mean-l.free)) },
	},
	{
		Key: "correlation", Name: "Correlation", Unit: "ratio", Source: "Pearson",
		Formula: "cov(r, b) / (sd(r) sd(b))",
		of:      func(l *ledger) float64 { return l.correlation() },
	},
	{
		Key: "r_squared", Name: "R squared", Unit: "fraction", Source: "definition",
		Formula: "correlation^2",
		of:      func(l *ledger) float64 { c := l.correlation(); return c * c },
	},
	{
		Key: "tracking_error", Name: "Tracking error", Unit: "per year", Source: "definition",
		Formula: "sqrt(P) sd(r-b)",
		of:      func(l *ledger) float64 { return math.Sqrt(l.sample.PeriodsPerYear) * l.active.sd() },
	},
	{
		Key: "information_ratio", Name: "Information ratio", Unit: "ratio", Source: "Sharpe 1994, eq. 6, arithmetic",
		Formula: "sqrt(P) mean(r-b) / sd(r-b)",
		of: func(l *ledger) float64 {
			return math.Sqrt(l.sample.PeriodsPerYear) * ratio(l.active.mean, l.active.sd())
		},
	},
	{
		Key: "treynor", Name: "Treynor ratio", Unit: "per year", Source: "Treynor 1965, arithmetic",
		Formula: "P mean(r-f) / beta",
		of:      func(l *ledger) float64 { return l.sample.PeriodsPerYear * ratio(l.excess(), l.beta()) },
	},
	{
		Key: "up_capture", Name: "Up capture", Unit: "ratio", Source: "PerformanceAnalytics, UpDownRatios, arithmetic",
		Formula: "sum(r | b > 0) / sum(b | b > 0)",
		of:      func(l *ledger) float64 { return ratio(l.upR, l.upB) },
	},
	{
		Key: "down_capture", Name: "Down capture", Unit: "ratio", Source: "PerformanceAnalytics, UpDownRatios, arithmetic",
		Formula: "sum(r | b < 0) / sum(b | b < 0)",
		of:      func(l *ledger) float64 { return ratio(l.downR, l.downB) },
	},
}

// ratio is NaN over zero: an infinite ratio would top every ranking with what
// is only a sample without a loss.
func ratio(a, b float64) float64 {
	if b == 0 {
		return math.NaN()
	}
	return a / b
}
