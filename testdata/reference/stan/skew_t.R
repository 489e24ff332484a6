# Posterior of skew_t by Stan, for TestSkewAgreesWithStan:
#   go test ./bayes -run SkewAgrees -update-skew && Rscript skew_t.R   (writes skew_t.json)
# The first command writes skew_t.csv: simulated returns, and their robust standard
# deviation in its first line.
source("header.R")
suppressMessages(library(rstan))
model <- stan_model("skew_t.stan", boost_lib = "/usr/include", eigen_lib = "/usr/include/eigen3")
lines <- readLines("skew_t.csv")
y <- as.numeric(lines[-1])
fit <- sampling(model, data = list(N = length(y), y = y, sd0 = as.numeric(sub("# ", "", lines[1])), root_year = sqrt(252)),
  chains = 4, cores = 1, iter = 3000, warmup = 1000, seed = 1, refresh = 0,
  init = function() list(sharpe = 0, log_ratio = 0, excess = 4, atanh_skew = 0))
d <- as.data.frame(fit, pars = c("mu", "sigma", "nu", "skew", "sd_", "sharpe"))
names(d)[5] <- "sd"
ess <- sapply(names(d), function(n) rstan::ess_bulk(matrix(d[[n]], ncol = 4)))
rows <- sapply(names(d), function(n) sprintf('  {"name": "%s", "mean": %.9g, "sd": %.9g, "ess": %.0f}', n, mean(d[[n]]), sd(d[[n]]), ess[[n]]))
writeLines(c("[", paste(rows, collapse = ",\n"), "]"), "skew_t.json")
cat(sprintf("rstan %s, divergences %d, seconds per chain %.0f\n", packageVersion("rstan"), get_num_divergent(fit), mean(rowSums(get_elapsed_time(fit)))))
