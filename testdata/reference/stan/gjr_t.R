# Posteriors of gjr_t by Stan, for TestGJRAgreesWithStan:
#   go test ./bayes -run GJRAgrees -update-stan; Rscript gjr_t.R   (writes gjr_t_1.json to gjr_t_5.json)
# The first command writes gjr_t_1.csv to gjr_t_5.csv: simulated returns, and what the
# model derives from them in the first line.
source("header.R")
suppressMessages(library(rstan))
model <- stan_model("gjr_t.stan", boost_lib = "/usr/include", eigen_lib = "/usr/include/eigen3")
for (k in 1:5) {
  lines <- readLines(paste0("gjr_t_", k, ".csv"))
  head <- as.numeric(strsplit(sub("# ", "", lines[1]), ",")[[1]])
  r <- as.numeric(lines[-1])
  unit <- head[1]
  fit <- sampling(model, data = list(N = length(r), r = r / unit, sd0 = head[2] / unit, h1 = head[3] / unit^2, root_year = sqrt(252)),
    chains = 4, cores = 2, iter = 3000, warmup = 1000, seed = 1, control = list(adapt_delta = 0.95), refresh = 0,
    init = function() list(mu = 0, log_sd = 0, p = 0.95, news = 0.15, split = 0.5, excess = 5, atanh_lambda = 0, kappa = 0))
  d <- as.data.frame(fit, pars = c("mu", "log_sd", "nu", "lambda", "alpha", "delta", "p", "kappa", "sharpe", "sd_next"))
  q <- data.frame(mu = d$mu * unit, log_sd = d$log_sd + log(unit), nu = d$nu, lambda = d$lambda, news_gains = d$alpha + d$delta,
    news_losses = d$alpha - d$delta, persistence = d$p, kappa = d$kappa, sharpe = d$sharpe, sd_next = d$sd_next * unit)
  ess <- sapply(names(q), function(n) rstan::ess_bulk(matrix(q[[n]], ncol = 4)))
  rows <- sapply(names(q), function(n) sprintf('  {"name": "%s", "mean": %.9g, "sd": %.9g, "ess": %.0f}', n, mean(q[[n]]), sd(q[[n]]), ess[[n]]))
  writeLines(c("[", paste(rows, collapse = ",\n"), "]"), paste0("gjr_t_", k, ".json"))
  cat(sprintf("%d: rstan %s, divergences %d, seconds per chain %.0f\n", k, packageVersion("rstan"), get_num_divergent(fit), mean(rowSums(get_elapsed_time(fit)))))
}
