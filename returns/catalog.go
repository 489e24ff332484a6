package returns

// Of predictive checks: the factor by which the observed statistic lies beyond
// those of all simulated histories.
const (
	factorOf   = "factor beyond all simulated histories, of the "
	checkWhy   = "An error of a quarter moves weights; a factor of three is not a prediction of this strategy."
	extremeWhy = "The best and the worst of many returns are one return each: half is their scatter, a factor of three another strategy."
)

var (
	checkSteps   = []Step{{From: 1, Severity: Info}, {From: 1.25, Severity: Warn}, {From: 3, Severity: Hold}}
	extremeSteps = []Step{{From: 1, Severity: Info}, {From: 2, Severity: Warn}, {From: 3, Severity: Hold}}
)

// codes is the one list of all findings. A severity of warn is published; hold
// needs --approve; fail is refused.
var codes = []Code{
	{"data.after_exit", "returns after the exit in the metadata; they are ignored", "", fixed(Warn), ""},
	{"data.all_positive", "every return of a strategy is above 0", "annualized mean return", []Step{{From: 0, Severity: Warn}, {From: 0.2, Severity: Hold}}, "Interest is always positive and below 20% a year; above that the numbers are more likely levels or a wrong unit."},
	{"data.before_first", "returns before the first date in the metadata; they are ignored", "", fixed(Warn), ""},
	{"data.constant", "a strategy whose returns do not vary", "", fixed(Fail), "No model has a spread to estimate."},
	{"data.duplicate", "two strategies that move together, against each other, or one a row after the other", "absolute correlation", []Step{{From: 0.98, Severity: Info}, {From: 0.995, Severity: Warn}}, "From 0.995 on the two differ by less than a tenth of their volatility, and small noise moves weight from one to the other."},
	{"data.empty_strategy", "a column without any return; it is left out", "", fixed(Warn), ""},
	{"data.filled", "missing returns that were set to 0, as returns.missing says", "share of the history", []Step{{From: 0, Severity: Warn}, {From: 0.1, Severity: Hold}}, "A tenth of zeros lowers the estimated volatility by 5%."},
	{"data.flat_days", "returns of exactly 0 on many days: described to the model", "", fixed(Info), ""},
	{"data.flat_stretch", "many returns of exactly 0 in a row, in a strategy that is seldom flat", "", fixed(Warn), ""},
	{"data.frequency", "a strategy, or the last rows, at another frequency than the panel's", "", []Step{{Severity: Fail}, {Severity: Warn, When: "where only the last rows are"}}, "Its returns span longer periods than the model takes them for, so that its volatility and mean are wrong by a factor."},
	{"data.gap", "missing returns inside a history", "longest run, in months", []Step{{From: 0, Severity: Info}, {From: 0.5, Severity: Warn}, {From: 3, Severity: Hold}}, "A day or two is a holiday; half a month is a fault of the feed; a quarter may hide the worst of a crisis."},
	{"data.identical", "two strategies with the same returns", "", fixed(Warn), ""},
	{"data.index_column", "a column that holds no returns: a row index, a second date; it is left out", "", fixed(Warn), ""},
	{"data.late", "no return yet on the as-of day", "", fixed(Hold), ""},
	{"data.metadata_only", "a strategy of the metadata that the data does not have", "", fixed(Info), ""},
	{"data.missing_session", "sessions of the calendar, or weeks or months, without a row", "longest run, in months", []Step{{From: 0, Severity: Info}, {From: 0.25, Severity: Warn}, {From: 3, Severity: Hold}}, "Up to five trading days in a row are holidays where the calendar has only weekdays; with the calendar of an exchange, and in data of weeks or longer, a single one is a warning. A quarter may hide the worst of a crisis."},
	{"data.never_positive", "no return of a strategy is above 0: drawdowns or costs, not returns", "", fixed(Hold), "A strategy that never gains needs no model."},
	{"data.no_longer", "a strategy that has ended; its weight is 0", "", fixed(Info), ""},
	{"data.no_session", "rows on days that are no session of the calendar", "share of the rows, without the first five", []Step{{From: 0, Severity: Warn}, {From: 0.05, Severity: Hold}}, "A few are special sessions; one in twenty is another market's calendar."},
	{"data.no_strategy", "no strategy is left to model", "", fixed(Fail), ""},
	{"data.outlier", "a return far beyond the strategy's own spread", "multiple of returns.max_robust_z", []Step{{From: 0, Severity: Warn}, {From: 5, Severity: Hold}}, "At 300 robust standard deviations a return is hardly ever true, and it alone decides the tail."},
	{"data.persistent", "returns that are nearly those of the period before, as cumulative returns are", "lag-1 autocorrelation", []Step{{From: 0.9, Severity: Hold}}, "Smoothed returns reach 0.6; only levels and sums are above 0.9."},
	{"data.repeated_rows", "the same row twice; it is read once", "", fixed(Info), ""},
	{"data.repeated_value", "the same return other than 0 several times in a row", "length of the run", []Step{{From: 4, Severity: Warn}, {From: 21, Severity: Hold}}, "A month of one value is a feed that has stopped."},
	{"data.restated", "history that differs from what the last run saw", "", fixed(Hold), ""},
	{"data.scale", "a strategy that moves far less than the others, as one in another unit does", "median standard deviation of the others over its own", []Step{{From: 25, Severity: Warn}, {From: 50, Severity: Hold}}, "Percent among fractions is a factor of 100. The strategy receives nearly all of the capital. Interest, which is never negative, warns up to a factor of 2,000."},
	{"data.short_history", "fewer returns than returns.min_history", "", []Step{{Severity: Fail}, {Severity: Info, When: "where returns.short_history is exclude"}}, ""},
	{"data.shrunk", "rows or strategies of the last run that are gone", "", fixed(Hold), ""},
	{"data.sparse", "missing returns inside a history, or missing rows", "share", []Step{{From: 0.1, Severity: Warn}, {From: 0.25, Severity: Hold}}, "Public holidays are up to 7% of weekdays; where a quarter is missing the rows are not of the frequency they are taken for."},
	{"data.stale", "the data ends before the last session", "", fixed(Fail), ""},
	{"data.stopped", "returns of exactly 0 up to the as-of day, for longer than ever before", "", fixed(Hold), ""},
	{"data.total_loss", "a return of -100%", "", fixed(Fail), ""},
	{"data.unit", "returns of a size that a wrong unit explains", "multiple of returns.max_median_abs; file in percent or basis points that hardly moves: above 2.5", []Step{{From: 1, Severity: Warn}, {From: clearlyWrong, Severity: Fail}}, "Single stocks and crypto currencies move 2 to 4% on a median day; at 5% even percentages of a strategy with 1% volatility are read as fractions. A factor of 100 in the returns is a factor of 100 in the risk."},

	{"bayes.attempt", "one attempt of the fallback sequence of the sampler", "", fixed(Info), ""},
	{"bayes.budget", "the budget of gradients (bayes.max_gradients) ended the fallback sequence", "", fixed(Warn), ""},
	{"bayes.check_abs_autocorrelation", "posterior predictive check: volatility clustering", factorOf + "volatility that it implies", []Step{{From: 1, Severity: Info}, {From: 2.5, Severity: Warn}, {From: 3, Severity: Hold}}, "Volatility clusters in nearly every strategy, which a model of independent returns leaves out; the warning is for more than markets show."},
	{"bayes.check_asymmetry", "posterior predictive check: asymmetry of the 1% tails", factorOf + "ratio of the tails", []Step{{From: 1, Severity: Info}, {From: 1.5, Severity: Warn}}, "What asymmetry costs is in the 1% quantile and the worst return, which hold."},
	{"bayes.check_autocorrelation", "posterior predictive check: autocorrelation of the returns", factorOf + "volatility of long sums", checkSteps, checkWhy},
	{"bayes.check_max", "posterior predictive check: the best return", factorOf + "distance from the mean", extremeSteps, extremeWhy},
	{"bayes.check_min", "posterior predictive check: the worst return", factorOf + "distance from the mean", extremeSteps, extremeWhy},
	{"bayes.check_model_sd", "the standard deviation of the model is not that of the returns", "factor", []Step{{From: 2, Severity: Info}, {From: 3, Severity: Hold}}, "Near nu = 2 a sample's own standard deviation is far below the model's: up to 2.7 times in 60 returns."},
	{"bayes.check_q01", "posterior predictive check: the 1% quantile", factorOf + "distance from the mean", checkSteps, checkWhy},
	{"bayes.check_q99", "posterior predictive check: the 99% quantile", factorOf + "distance from the mean", checkSteps, checkWhy},
	{"bayes.check_scale_change", "posterior predictive check: change of volatility between the halves", factorOf + "volatility of either half", []Step{{From: 1, Severity: Info}, {From: 1.5, Severity: Warn}, {From: 3, Severity: Hold}}, "Volatility of decades differs by a third; by a factor of three the history is of two strategies."},
	{"bayes.check_sd", "posterior predictive check: the standard deviation", factorOf + "standard deviation", checkSteps, checkWhy},
	{"bayes.check_zeros", "posterior predictive check: the share of zeros", factorOf + "share of other returns", []Step{{From: 1, Severity: Info}, {From: 1.1, Severity: Warn}, {From: 3, Severity: Hold}}, "From 9% of zeros on the density of a Student-t collapses onto them."},
	{"bayes.divergent", "divergent transitions", "", []Step{{Severity: Warn}, {Severity: Fail, When: "above 5% of the draws"}}, ""},
	{"bayes.ebfmi", "E-BFMI below 0.3", "", []Step{{Severity: Warn}, {Severity: Fail, When: "below 0.1"}}, ""},
	{"bayes.ess_bulk", "bulk effective sample size below bayes.min_ess", "", []Step{{Severity: Warn}, {Severity: Fail, When: "below a quarter of it"}}, ""},
	{"bayes.ess_tail", "tail effective sample size below bayes.min_ess", "", []Step{{Severity: Warn}, {Severity: Fail, When: "below a quarter of it"}}, ""},
	{"bayes.failed", "sampling failed; the fallback sequence goes on", "", fixed(Info), ""},
	{"bayes.flat_days", "the strategy is modeled with a hurdle", "", fixed(Info), ""},
	{"bayes.laplace", "the draws are of a Laplace approximation", "", fixed(Warn), ""},
	{"bayes.modes", "the posterior has several modes", "", []Step{{Severity: Info}, {Severity: Warn, When: "where chains hardly visit 1% of the mass"}, {Severity: Fail, When: "5% of it"}}, "Chains that have all left a mode agree with each other, whatever R-hat says."},
	{"bayes.non_finite", "the log density is not finite at points that were visited", "", []Step{{Severity: Info}, {Severity: Warn, When: "above bayes.max_divergent"}, {Severity: Fail, When: "above 5% of the draws"}}, ""},
	{"bayes.pareto_k", "the tail of predicted losses over the horizon is too heavy for its mean", "", []Step{{Severity: Warn}, {Severity: Fail, When: "from Pareto k 1"}}, ""},
	{"bayes.prior_conflict", "prior and data conflict (power-scaling sensitivity)", "", []Step{{Severity: Info}, {Severity: Warn, When: "from a sensitivity of 0.5, ten times the threshold"}}, ""},
	{"bayes.rescued", "chains that were moved to the best point in the warm-up", "", []Step{{Severity: Info}, {Severity: Warn, When: "from half of the chains"}}, ""},
	{"bayes.rhat", "R-hat above bayes.max_rhat", "", []Step{{Severity: Warn}, {Severity: Fail, When: "above 1.05"}}, ""},
	{"bayes.stale", "the posterior is that of an earlier fit", "", fixed(Warn), ""},
	{"bayes.stuck", "no chain moved", "", fixed(Fail), ""},
	{"bayes.tree_depth", "trajectories that stopped at bayes.max_tree_depth", "", []Step{{Severity: Warn}, {Severity: Fail, When: "above half of them"}}, ""},
	{"bayes.unusable", "there is no usable posterior", "", fixed(Fail), ""},

	{"scenarios.calendar", "strategies that are in the market on some days only", "", fixed(Info), ""},
	{"scenarios.cvar", "CVaR of the equal-weighted portfolio, with its Monte Carlo standard error", "standard error as a share of the CVaR less the mean loss", []Step{{From: 0, Severity: Info}, {From: 0.1, Severity: Warn}, {From: 0.5, Severity: Hold}}, "A tenth is what a change of the forecast from one night to the next may be; beyond a half the CVaR is noise."},
	{"scenarios.dependence", "the estimated dependence", "", fixed(Info), ""},
	{"scenarios.factors", "the correlation is carried by common factors", "", fixed(Info), ""},
	{"scenarios.holdout", "coverage of the held-out returns, over all strategies", "", fixed(Info), ""},
	{"scenarios.holdout_pit", "probability integral transforms of the held-out returns are not uniform", "Kolmogorov distance beyond chance", []Step{{From: 0, Severity: Info}, {From: 0.15, Severity: Warn}, {From: 0.25, Severity: Hold}}, "A year whose volatility differs by a half from the history's moves quantiles by up to 12 points; by a factor of three, by 25; more is another strategy."},
	{"scenarios.holdout_tail", "more held-out losses beyond the 1% quantile than predicted", "share of the returns beyond chance", []Step{{From: 0, Severity: Warn}, {From: 0.2, Severity: Hold}}, "A year of twice the average volatility has 12% of its returns there, one of three times 22%; more is another strategy."},
	{"scenarios.overlap", "strategies with few common days", "", fixed(Warn), ""},
	{"scenarios.pareto_k", "the tail of the loss of the equal-weighted portfolio is too heavy for its CVaR", "", []Step{{Severity: Warn}, {Severity: Hold, When: "from Pareto k 1"}}, ""},
	{"scenarios.pit", "probability integral transforms of the history are not uniform", "Kolmogorov distance beyond chance", []Step{{From: 0, Severity: Info}, {From: 0.1, Severity: Warn}, {From: 0.25, Severity: Hold}}, "The model has seen these returns: 10 points are visible on the page, 25 are another distribution."},
	{"scenarios.stress", "a stress scenario and what it costs", "", []Step{{Severity: Info}, {Severity: Warn, When: "where few scenarios carry it"}}, ""},
	{"scenarios.tail", "more losses of the history beyond the 1% quantile than predicted", "share of the returns beyond chance", []Step{{From: 0, Severity: Warn}, {From: 0.05, Severity: Hold}}, "The model has seen these returns: five times the predicted losses understate the CVaR that is minimized."},
	{"scenarios.views", "views that were imposed", "", []Step{{Severity: Info}, {Severity: Warn, When: "where few scenarios carry them"}}, ""},

	{"optimize.empty", "a budget of 0 is answered by no positions", "", fixed(Warn), ""},
	{"optimize.fallback", "no optimum could be certified; the weights are of a fallback", "", fixed(Warn), ""},
	{"optimize.gap", "the certified gap is above optimize.max_gap", "", fixed(Fail), ""},
	{"optimize.limit", "a limit or rate that is as large as a percentage read as a fraction", "", fixed(Warn), ""},
	{"optimize.rounding", "rounding leaves a limit violated", "", fixed(Warn), ""},
	{"optimize.tail_thin", "few scenarios in the tail for the number of strategies", "", fixed(Warn), ""},

	{"run.change", "the change of one weight is above gates.max_change", "", fixed(Hold), ""},
	{"run.cold_start", "no previous weights", "", fixed(Info), ""},
	{"run.damaged", "published files that are not what was published, and could not be restored", "", fixed(Warn), "Nothing that a run relies on: what it needs is restored or refused."},
	{"run.history", "history that cannot be compared with what the last run saw", "", fixed(Hold), ""},
	{"run.override", "--set changed keys of the configuration file", "", fixed(Info), ""},
	{"run.previous", "previous weights that do not sum to the budget, are old, or are of strategies that the data does not have", "fraction of capital", []Step{{From: 0, Severity: Info}, {From: 0.02, Severity: Warn}, {From: 0.5, Severity: Hold}}, "Two percent is no rounding; half the capital is another book."},
	{"run.restored", "published files that were damaged, and restored from the cache", "", fixed(Warn), "The file is right again; the disk may not be."},
	{"run.retracted", "the result is that of a retracted revision", "", fixed(Hold), ""},
	{"run.turnover", "turnover against the previous weights", "", []Step{{Severity: Info}, {Severity: Hold, When: "above gates.max_turnover"}}, ""},

	{"backtest.approved", "decisions for which a nightly run would have waited", "", fixed(Warn), ""},
	{"backtest.compared", "benchmark allocators that failed", "", fixed(Warn), ""},
	{"backtest.cvar", "the predicted CVaR is rejected", "", fixed(Warn), ""},
	{"backtest.few", "too few horizons to score the forecasts", "", fixed(Info), ""},
	{"backtest.missing", "days on which a held strategy had no return", "", fixed(Info), ""},
	{"backtest.portfolio", "weights of a file that do not sum to 1, or that begin after the backtest", "", fixed(Warn), ""},
	{"backtest.refused", "decisions that a nightly run would have refused", "", fixed(Warn), ""},
	{"backtest.ruin", "a benchmark portfolio that lost all capital", "", fixed(Warn), ""},
}
