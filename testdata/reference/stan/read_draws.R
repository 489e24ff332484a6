# Reads the draws that `go test ./bayes -run CmdStan -draws DIR` writes, by the
# reader of rstan, and compares every column of our summary with that of the
# package posterior.
#
#   Rscript read_draws.R DIR
suppressMessages({
  library(rstan)
  library(posterior)
})
folder <- commandArgs(TRUE)[1]
files <- file.path(folder, sprintf("draws-%d.csv", 1:4))
fit <- read_stan_csv(files)
draws <- as_draws_array(fit)
stopifnot(nchains(draws) == 4, niterations(draws) == 1000, get_num_divergent(fit) == 0)

table <- read.csv(file.path(folder, "table.csv"), check.names = FALSE)
df <- as_draws_df(draws)
for (name in c("mu", "sigma", "nu", "sd", "sharpe"))
  stopifnot(all(df[[name]] == table[[name]]), all(df$.chain == table$.chain))
ours_df <- as_draws_df(table) # .chain, .iteration and .draw are native columns
stopifnot(nchains(ours_df) == 4, niterations(ours_df) == 1000)

ours <- read.csv(file.path(folder, "summary.csv"))
theirs <- as.data.frame(summarise_draws(subset_draws(draws, ours$variable), "mean", "median", "sd", "mad",
                                        "quantile2", "rhat", "ess_bulk", "ess_tail", "mcse_mean", "mcse_sd"))
for (column in names(ours)[-1]) {
  error <- max(abs(ours[[column]] / theirs[[column]] - 1))
  cat(sprintf("%-9s largest relative difference %.1e\n", column, error))
}
