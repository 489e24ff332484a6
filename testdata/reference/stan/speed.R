# Speed of Stan on the Student-t model, in expert hands: standardised returns,
# dense metric, 4 chains x (1000 + 1000), one core, compilation left out.
#
#   Rscript speed.R returns-60.txt returns-252.txt ...
#
# Prints, for each file and each of three seeds, seconds of warm-up and sampling, the least bulk
# effective sample size over mu, sigma and nu, and their ratio.
source("header.R")
suppressMessages({
  library(rstan)
  library(posterior)
})
options(mc.cores = 1)
model <- stan_model("student_t.stan", boost_lib = "/usr/include", eigen_lib = "/usr/include/eigen3")
for (file in commandArgs(TRUE)) for (seed in 1:3) {
  y <- scan(file, quiet = TRUE)
  y <- (y - mean(y)) / sd(y)
  fit <- sampling(model, data = list(N = length(y), y = y), chains = 4, iter = 2000, warmup = 1000,
                  seed = seed, refresh = 0, control = list(metric = "dense_e"))
  s <- summarise_draws(subset_draws(as_draws(fit), c("mu", "sigma", "nu")), "rhat", "ess_bulk")
  seconds <- sum(get_elapsed_time(fit))
  gradients <- sum(sapply(get_sampler_params(fit), function(x) sum(x[, "n_leapfrog__"])))
  cat(sprintf("N=%d seed=%d seconds=%.3f min_ess_bulk=%.0f ess_per_second=%.0f us_per_gradient=%.1f max_rhat=%.4f\n",
              length(y), seed, seconds, min(s$ess_bulk), min(s$ess_bulk) / seconds, 1e6 * seconds / gradients, max(s$rhat)))
}
