package returns

// Of predictive checks: the factor by which the observed statistic lies beyond
// those of all simulated histories.
const (
	factorOf   = "factor beyond all replicated histories, of the "
	checkWhy   = "An error of a quarter moves weights; at a factor of three the model does not describe the strategy."
	extremeWhy = "Extremes are single returns and vary by half; at a factor of three the model does not describe the strategy."
)

var (
	checkSteps   = []Step{{From: 1, Severity: Info}, {From: 1.25, Severity: Warn}, {From: 3, Severity: Hold}}
	extremeSteps = []Step{{From: 1, Severity: Info}, {From: 2, Severity: Warn}, {From: 3, Severity: Hold}}
)

// codes is the one list of all findings. A severity of warn is published; hold
// needs --approve; fail is refused.
var codes = []Code{
	{"data.after_exit", "returns after the exit in the metadata (ignored)", "", fixed(Warn), ""},
	{"data.all_positive", "all returns of a strategy are positive", "annualized mean return", []Step{{From: 0, Severity: Warn}, {From: 0.2, Severity: Hold}}, "Interest is positive and below 20% p.a.; higher values are probably levels or a wrong unit."},
	{"data.before_first", "returns before the first date in the metadata (ignored)", "", fixed(Warn), ""},
	{"data.constant", "constant returns", "", fixed(Fail), "A model cannot be fitted."},
	{"data.duplicate", "two strategies with nearly equal, opposite or shifted returns", "absolute correlation", []Step{{From: 0.98, Severity: Info}, {From: 0.995, Severity: Warn}}, "From 0.995 the two differ by less than a tenth of their volatility, and noise determines the split of their weight."},
	{"data.empty_strategy", "a column without returns (excluded)", "", fixed(Warn), ""},
	{"data.filled", "missing returns set to 0 (returns.missing: zero)", "share of the history", []Step{{From: 0, Severity: Warn}, {From: 0.1, Severity: Hold}}, "A tenth of zeros lowers the estimated volatility by 5%."},
	{"data.flat_days", "many zero returns", "", fixed(Info), ""},
	{"data.flat_stretch", "a long run of zero returns in a strategy with few zeros", "", fixed(Warn), ""},
	{"data.frequency", "a strategy, or the last rows, with a different frequency than the panel", "", []Step{{Severity: Fail}, {Severity: Warn, When: "where only the last rows are"}}, "Its returns span other periods than the model assumes: mean and volatility are wrong by a factor."},
	{"data.gap", "missing returns inside a history", "longest run, in months", []Step{{From: 0, Severity: Info}, {From: 0.5, Severity: Warn}, {From: 3, Severity: Hold}}, "One or two days are holidays; half a month is a feed error; a quarter may hide a crisis."},
	{"data.identical", "two strategies with the same returns", "", fixed(Warn), ""},
	{"data.index_column", "a column without returns, such as a row index or a second date (excluded)", "", fixed(Warn), ""},
	{"data.late", "no return yet on the as-of date", "", fixed(Hold), ""},
	{"data.metadata_only", "a strategy of the metadata without returns", "", fixed(Info), ""},
	{"data.missing_session", "sessions of the calendar, or weeks or months, without a row", "longest run, in months", []Step{{From: 0, Severity: Info}, {From: 0.25, Severity: Warn}, {From: 3, Severity: Hold}}, "With a calendar of weekdays, up to five days in a row are holidays; with an exchange calendar, and for weekly or longer periods, one is a warning. A quarter may hide a crisis."},
	{"data.never_positive", "no positive return: drawdowns or costs", "", fixed(Hold), "The column is probably not a strategy."},
	{"data.no_longer", "an ended strategy (weight 0)", "", fixed(Info), ""},
	{"data.no_session", "rows on days that are not sessions of the calendar", "share of the rows beyond five", []Step{{From: 0, Severity: Warn}, {From: 0.05, Severity: Hold}}, "A few are special sessions; 5% indicate another calendar."},
	{"data.no_strategy", "no strategy in the universe", "", fixed(Fail), ""},
	{"data.outlier", "an outlier by robust z-score", "multiple of returns.max_robust_z", []Step{{From: 0, Severity: Warn}, {From: 5, Severity: Hold}}, "A return of 300 robust standard deviations is probably an error, and determines the tail by itself."},
	{"data.persistent", "highly autocorrelated returns, as of cumulative returns or levels", "lag-1 autocorrelation", []Step{{From: 0.9, Severity: Hold}}, "Smoothed returns reach 0.6; levels and cumulative returns exceed 0.9."},
	{"data.repeated_rows", "duplicate rows (read once)", "", fixed(Info), ""},
	{"data.repeated_value", "a repeated nonzero return", "length of the run", []Step{{From: 4, Severity: Warn}, {From: 21, Severity: Hold}}, "A month of one value indicates a stopped feed."},
	{"data.restated", "restated history: returns differ from those of the last run", "", fixed(Hold), ""},
	{"data.scale", "a volatility far below the other strategies', as in another unit", "median standard deviation of the others over its own", []Step{{From: 25, Severity: Warn}, {From: 50, Severity: Hold}}, "Percent among fractions is a factor of 100, and the strategy would receive nearly all capital. For interest (no negative returns) it is a warning up to a factor of 2,000."},
	{"data.short_history", "fewer returns than returns.min_history", "", []Step{{Severity: Fail}, {Severity: Info, When: "where returns.short_history is exclude"}}, ""},
	{"data.shrunk", "rows or strategies of the last run missing from the data", "", fixed(Hold), ""},
	{"data.sparse", "missing returns inside a history, or missing rows", "share", []Step{{From: 0.1, Severity: Warn}, {From: 0.25, Severity: Hold}}, "Holidays are up to 7% of weekdays; a quarter missing indicates a wrong frequency."},
	{"data.stale", "the data end before the last session", "", fixed(Fail), ""},
	{"data.stopped", "the longest run of zero returns, up to the as-of date", "", fixed(Hold), ""},
	{"data.total_loss", "a return of -100%", "", fixed(Fail), ""},
	{"data.unit", "implausible size of returns, as of a wrong unit", "multiple of returns.max_median_abs; above 2.5 for a file in percent or basis points with hardly any movement", []Step{{From: 1, Severity: Warn}, {From: clearlyWrong, Severity: Fail}}, "The median absolute daily return of stocks and cryptocurrencies is 2% to 4%. A factor of 100 in the returns is a factor of 100 in the risk."},

	{"bayes.attempt", "an attempt of the sampler's fallback sequence", "", fixed(Info), ""},
	{"bayes.budget", "bayes.max_gradients exhausted", "", fixed(Warn), ""},
	{"bayes.check_abs_autocorrelation", "posterior predictive check: volatility clustering", factorOf + "volatility that it implies", []Step{{From: 1, Severity: Info}, {From: 2.5, Severity: Warn}, {From: 3, Severity: Hold}}, "Models of independent returns omit volatility clustering, which nearly every strategy has; the warning is for more than is usual."},
	{"bayes.check_asymmetry", "posterior predictive check: asymmetry of the 1% tails", factorOf + "ratio of the tails", []Step{{From: 1, Severity: Info}, {From: 1.5, Severity: Warn}}, "The checks of the 1% quantile and the worst return measure its effect."},
	{"bayes.check_autocorrelation", "posterior predictive check: autocorrelation of the returns", factorOf + "volatility of long sums", checkSteps, checkWhy},
	{"bayes.check_max", "posterior predictive check: the best return", factorOf + "distance from the mean", extremeSteps, extremeWhy},
	{"bayes.check_mean", "the model's mean return differs from the sample mean, as of a symmetric model of asymmetric returns", "difference in standard errors of the sample mean, where it is significant at 0.1%", []Step{{From: 0, Severity: Info}, {From: 1, Severity: Warn}, {From: 5, Severity: Hold}}, "From one standard error on, the forecast is off by as much as the data leave open; at five, the sign of the mean may be wrong."},
	{"bayes.check_min", "posterior predictive check: the worst return", factorOf + "distance from the mean", extremeSteps, extremeWhy},
	{"bayes.check_model_sd", "the model's standard deviation differs from the sample's", "factor", []Step{{From: 2, Severity: Info}, {From: 3, Severity: Hold}}, "Near nu = 2 the sample standard deviation is biased downwards, by up to 2.7 times in 60 returns."},
	{"bayes.check_q01", "posterior predictive check: the 1% quantile", factorOf + "distance from the mean", checkSteps, checkWhy},
	{"bayes.check_q99", "posterior predictive check: the 99% quantile", factorOf + "distance from the mean", checkSteps, checkWhy},
	{"bayes.check_scale_change", "posterior predictive check: change of volatility between the halves", factorOf + "volatility of either half", []Step{{From: 1, Severity: Info}, {From: 1.5, Severity: Warn}, {From: 3, Severity: Hold}}, "Volatility between decades differs by a third; a factor of three indicates two different strategies."},
	{"bayes.check_sd", "posterior predictive check: the standard deviation", factorOf + "standard deviation", checkSteps, checkWhy},
	{"bayes.check_zeros", "posterior predictive check: the share of zeros", factorOf + "share of other returns", []Step{{From: 1, Severity: Info}, {From: 1.1, Severity: Warn}, {From: 3, Severity: Hold}}, "From 9% zeros a Student-t degenerates to a spike at 0."},
	{"bayes.divergent", "divergent transitions", "", []Step{{Severity: Warn}, {Severity: Fail, When: "above 5% of the draws"}}, ""},
	{"bayes.ebfmi", "E-BFMI below 0.3", "", []Step{{Severity: Warn}, {Severity: Fail, When: "below 0.1"}}, ""},
	{"bayes.ess_bulk", "bulk effective sample size below bayes.min_ess", "", []Step{{Severity: Warn}, {Severity: Fail, When: "below a quarter of it"}}, ""},
	{"bayes.ess_tail", "tail effective sample size below bayes.min_ess", "", []Step{{Severity: Warn}, {Severity: Fail, When: "below a quarter of it"}}, ""},
	{"bayes.failed", "an attempt failed with an error", "", fixed(Info), ""},
	{"bayes.flat_days", "hurdle model", "", fixed(Info), ""},
	{"bayes.laplace", "draws of a Laplace approximation", "", fixed(Warn), ""},
	{"bayes.modes", "multimodal posterior", "", []Step{{Severity: Info}, {Severity: Warn, When: "where chains rarely visit 1% of the mass"}, {Severity: Fail, When: "5% of it"}}, "R-hat does not detect a mode that all chains have left."},
	{"bayes.non_finite", "non-finite log density or gradient", "", []Step{{Severity: Info}, {Severity: Warn, When: "above bayes.max_divergent"}, {Severity: Fail, When: "above 5% of the draws"}}, ""},
	{"bayes.pareto_k", "heavy tail of the predicted loss over the horizon", "", []Step{{Severity: Warn}, {Severity: Fail, When: "from Pareto k 1"}}, ""},
	{"bayes.prior_conflict", "prior-data conflict (power-scaling sensitivity)", "", []Step{{Severity: Info}, {Severity: Warn, When: "from a sensitivity of 0.5, ten times the threshold"}}, ""},
	{"bayes.rescued", "chains restarted at the best point during warm-up", "", []Step{{Severity: Info}, {Severity: Warn, When: "from half of the chains"}}, ""},
	{"bayes.rhat", "R-hat above bayes.max_rhat", "", []Step{{Severity: Warn}, {Severity: Fail, When: "above 1.05"}}, ""},
	{"bayes.stale", "posterior of an earlier fit", "", fixed(Warn), ""},
	{"bayes.stuck", "no chain moved", "", fixed(Fail), ""},
	{"bayes.tree_depth", "trajectories at bayes.max_tree_depth", "", []Step{{Severity: Warn}, {Severity: Fail, When: "above half of them"}}, ""},
	{"bayes.unusable", "no usable posterior", "", fixed(Fail), ""},

	{"scenarios.calendar", "strategies active on some days only", "", fixed(Info), ""},
	{"scenarios.cvar", "Monte Carlo standard error of the equal-weighted portfolio's CVaR", "standard error / (CVaR - mean loss)", []Step{{From: 0, Severity: Info}, {From: 0.1, Severity: Warn}, {From: 0.5, Severity: Hold}}, "A tenth is a plausible nightly change of the forecast; beyond a half the CVaR is noise."},
	{"scenarios.dependence", "estimated dependence", "", fixed(Info), ""},
	{"scenarios.factors", "factor structure of the correlation", "", fixed(Info), ""},
	{"scenarios.holdout", "out-of-sample coverage, all strategies", "", fixed(Info), ""},
	{"scenarios.holdout_pit", "non-uniform PIT of the held-out returns", "Kolmogorov-Smirnov distance beyond sampling error", []Step{{From: 0, Severity: Info}, {From: 0.15, Severity: Warn}, {From: 0.25, Severity: Hold}}, "A year with half as much volatility again moves quantiles by up to 12 pp; three times the volatility, by 25 pp."},
	{"scenarios.holdout_tail", "excess held-out losses beyond the 1% quantile", "share of the returns beyond sampling error", []Step{{From: 0, Severity: Warn}, {From: 0.2, Severity: Hold}}, "A year of twice the average volatility has 12% of its returns there; of three times, 22%."},
	{"scenarios.overlap", "strategies with few common days", "", fixed(Warn), ""},
	{"scenarios.pareto_k", "heavy loss tail of the equal-weighted portfolio", "", []Step{{Severity: Warn}, {Severity: Hold, When: "from Pareto k 1"}}, ""},
	{"scenarios.pit", "non-uniform PIT of the history", "Kolmogorov-Smirnov distance beyond sampling error", []Step{{From: 0, Severity: Info}, {From: 0.1, Severity: Warn}, {From: 0.25, Severity: Hold}}, "In-sample: 10 pp are visible on the page; at 25 pp the distribution is wrong."},
	{"scenarios.stress", "effect of a stress scenario", "", []Step{{Severity: Info}, {Severity: Warn, When: "where the effective sample size is below 200"}}, ""},
	{"scenarios.tail", "excess losses of the history beyond the 1% quantile", "share of the returns beyond sampling error", []Step{{From: 0, Severity: Warn}, {From: 0.05, Severity: Hold}}, "In-sample: five times the predicted share of losses means that CVaR is understated."},
	{"scenarios.views", "views imposed on the scenario probabilities", "", []Step{{Severity: Info}, {Severity: Warn, When: "where the effective sample size is below 200"}}, ""},

	{"optimize.empty", "all weights are 0 (budget 0)", "", fixed(Warn), ""},
	{"optimize.fallback", "uncertified optimum; fallback weights", "", fixed(Warn), ""},
	{"optimize.gap", "the certified gap is above optimize.max_gap", "", fixed(Fail), ""},
	{"optimize.limit", "an implausible limit or rate, as of a percentage read as a fraction", "", fixed(Warn), ""},
	{"optimize.rounding", "a limit violated by rounding", "", fixed(Warn), ""},
	{"optimize.tail_thin", "few tail scenarios per strategy", "", fixed(Warn), ""},

	{"run.change", "the change of one weight is above gates.max_change", "", fixed(Hold), ""},
	{"run.cold_start", "no previous weights", "", fixed(Info), ""},
	{"run.damaged", "damaged published files that could not be restored", "", fixed(Warn), "A run does not use them: files that it needs are restored, or the run is refused."},
	{"run.history", "history that cannot be compared with the last run", "", fixed(Hold), ""},
	{"run.override", "--set changed keys of the configuration file", "", fixed(Info), ""},
	{"run.previous", "previous weights that miss the budget, are old, or include strategies without data", "fraction of capital", []Step{{From: 0, Severity: Info}, {From: 0.02, Severity: Warn}, {From: 0.5, Severity: Hold}}, "2% exceeds rounding; half of the capital indicates another portfolio."},
	{"run.restored", "damaged published files, restored from the cache", "", fixed(Warn), "The files are correct again; the disk may be faulty."},
	{"run.retracted", "result equal to a retracted revision", "", fixed(Hold), ""},
	{"run.turnover", "turnover against the previous weights", "", []Step{{Severity: Info}, {Severity: Hold, When: "above gates.max_turnover"}}, ""},

	{"backtest.approved", "decisions that need approval in a nightly run", "", fixed(Warn), ""},
	{"backtest.compared", "failed benchmark allocators", "", fixed(Warn), ""},
	{"backtest.cvar", "rejected CVaR forecasts", "", fixed(Warn), ""},
	{"backtest.few", "too few horizons to test the forecasts", "", fixed(Info), ""},
	{"backtest.missing", "missing returns of held strategies", "", fixed(Info), ""},
	{"backtest.portfolio", "weights of a file that do not sum to 1, or begin after the backtest", "", fixed(Warn), ""},
	{"backtest.refused", "refused decisions", "", fixed(Warn), ""},
	{"backtest.ruin", "total loss of a benchmark portfolio", "", fixed(Warn), ""},
}
