# Values of the metrics by R, from their formulas and by R's own functions.
#
#   Rscript reference.R series                 writes series.csv
#   Rscript reference.R values [returns.csv]   writes values.csv; with the file
#                                              also the rows of its two columns
#
# Written for this project from the formulas of the papers. Base R, and from
# packages: fBasics (skewness, kurtosis), tseries (maxdrawdown), stats::ks.test.

suppressMessages(library(fBasics))
suppressMessages(library(tseries))
options(digits = 17)
args <- commandArgs(trailingOnly = TRUE)

if (args[1] == "series") {
  # A volatility that clusters, fat tails, a benchmark in common, 3 % of days
  # out of the market. 1510 days: the tail at 95 % holds 75.5 of them.
  set.seed(20260101, kind = "Mersenne-Twister", normal.kind = "Inversion")
  n <- 1510
  scale <- 0.006
  r <- b <- numeric(n)
  for (t in 1:n) {
    z <- rt(1, 5)
    b[t] <- 0.0004 + scale * z
    scale <- 0.0005 + 0.88 * scale + 0.07 * scale * min(3, abs(z))
    r[t] <- 0.0002 + 0.6 * b[t] + 0.004 * rt(1, 4)
    if (runif(1) < 0.03) r[t] <- 0
  }
  writeLines(c("returns,benchmark", sprintf("%.17g,%.17g", r, b)), "series.csv")
  quit()
}

rows <- character(0)
put <- function(series, key, value) {
  stopifnot(length(value) == 1)
  rows <<- c(rows, sprintf("%s,%s,%.17g", series, key, value))
}

metrics <- function(name, r, b, riskfree, confidence) {
  p <- function(key, value) put(name, key, value)
  n <- length(r)
  f <- (1 + riskfree)^(1 / 252) - 1
  w <- cumprod(1 + r)
  cagr <- w[n]^(252 / n) - 1
  p("total_return", w[n] - 1)
  p("cagr", cagr)
  p("annual_mean", 252 * mean(r))
  p("stability", summary(lm(cumsum(log(1 + r)) ~ seq_len(n)))$r.squared)
  p("annual_volatility", sqrt(252) * sd(r))
  p("sharpe", sqrt(252) * mean(r - f) / sd(r))
  down <- sqrt(mean(pmin(r - f, 0)^2))
  p("downside_deviation", sqrt(252) * down)
  p("sortino", sqrt(252) * mean(r - f) / down)
  p("omega", sum(pmax(r - f, 0)) / sum(pmax(f - r, 0)))
  p("skewness", as.numeric(skewness(r, method = "moment")) * (n / (n - 1))^1.5) # fBasics divides by sd()
  p("excess_kurtosis", (as.numeric(kurtosis(r, method = "moment")) * (n / (n - 1))^2) - 3)
  p("autocorrelation", acf(r, lag.max = 1, plot = FALSE)$acf[2])

  peak <- cummax(c(1, w))[-1]
  d <- 1 - w / peak
  p("max_drawdown", 1 - exp(-maxdrawdown(c(0, cumsum(log(1 + r))))$maxdrawdown))
  spells <- rle(d > 0)
  to <- cumsum(spells$lengths)
  from <- to - spells$lengths + 1
  under <- which(spells$values)
  p("average_drawdown", mean(sapply(under, function(i) max(d[from[i]:to[i]]))))
  p("longest_drawdown", max(spells$lengths[under]))
  p("average_drawdown_days", mean(spells$lengths[under]))
  p("pain_index", mean(d))
  p("ulcer_index", sqrt(mean(d^2)))
  p("calmar", cagr / max(d))
  p("martin", (cagr - riskfree) / sqrt(mean(d^2)))
  p("pain_ratio", (cagr - riskfree) / mean(d))
  p("recovery_factor", (w[n] - 1) / max(d))

  # The lower quantile, and CVaR as the least of Rockafellar and Uryasev's
  # function, which is at a sample point.
  loss <- sort(-r)
  var <- loss[ceiling(round(confidence * n, 9))]
  p("var", var)
  p("cvar", var + sum(pmax(loss - var, 0)) / (n * (1 - confidence)))
  q <- quantile(r, c(0.05, 0.95), names = FALSE, type = 7)
  p("tail_ratio", abs(q[2]) / abs(q[1]))

  p("best_day", max(r))
  p("worst_day", min(r))
  win <- r[r > 0]
  lose <- r[r < 0]
  p("hit_rate", length(win) / sum(r != 0))
  p("average_win", mean(win))
  p("average_loss", -mean(lose))
  p("payoff_ratio", -mean(win) / mean(lose))
  p("profit_factor", -sum(win) / sum(lose))
  p("gain_to_pain", -sum(r) / sum(lose))
  runs <- rle(sign(r))
  p("max_consecutive_wins", max(runs$lengths[runs$values == 1]))
  p("max_consecutive_losses", max(runs$lengths[runs$values == -1]))
  p("time_in_market", mean(r != 0))

  line <- lm(I(r - f) ~ I(b - f))
  beta <- coef(line)[[2]]
  p("beta", beta)
  p("alpha", 252 * coef(line)[[1]])
  p("correlation", cor(r, b))
  p("r_squared", summary(line)$r.squared)
  p("tracking_error", sqrt(252) * sd(r - b))
  p("information_ratio", sqrt(252) * mean(r - b) / sd(r - b))
  p("treynor", 252 * mean(r - f) / beta)
  p("up_capture", sum(r[b > 0]) / sum(b[b > 0]))
  p("down_capture", sum(r[b < 0]) / sum(b[b < 0]))

  # Sharpe ratios per day.
  sr <- mean(r - f) / sd(r)
  m <- function(k) mean((r - mean(r))^k)
  v <- 1 - m(3) / m(2)^1.5 * sr + (m(4) / m(2)^2 - 1) / 4 * sr^2
  psr <- function(threshold) pnorm((sr - threshold) * sqrt(n - 1) / sqrt(v))
  p("sharpe_standard_error", sqrt(v / (n - 1)))
  p("psr_0.02", psr(0.02))
  p("minimum_length_0_0.95", 1 + v * (qnorm(0.95) / sr)^2)
  g <- -digamma(1)
  best <- sqrt(0.0004) * ((1 - g) * qnorm(1 - 1 / 20) + g * qnorm(1 - exp(-1) / 20))
  p("expected_maximum_20_0.0004", best)
  p("dsr_20_0.0004", psr(best))

  p("block_length", block(r))
  p("block_length_squares", block((r - mean(r))^2))
  p("block_length_benchmark", block(b))
  p("block_length_smooth", block(as.numeric(na.omit(filter(r, rep(0.1, 10))))))
}

# Politis & White 2004, Patton, Politis & White 2009, by R's acf.
block <- function(x) {
  n <- length(x)
  row <- max(5, ceiling(log10(n)))
  lags <- ceiling(sqrt(n)) + row
  rho <- acf(x, lag.max = lags, plot = FALSE)$acf[-1]
  small <- abs(rho) < 2 * sqrt(log10(n) / n)
  m <- NA
  for (k in 0:(lags - row)) if (all(small[k + 1:row])) { m <- max(1, k); break }
  if (is.na(m)) m <- max(1, which(!small))
  M <- min(2 * m, lags)
  k <- -M:M
  s <- abs(k / M)
  lambda <- ifelse(s <= 0.5, 1, 2 * (1 - s))
  R <- acf(x, lag.max = M, type = "covariance", plot = FALSE)$acf[abs(k) + 1]
  G <- sum(lambda * abs(k) * R)
  D <- 2 * sum(lambda * R)^2
  min(max((2 * G^2 / D)^(1 / 3) * n^(1 / 3), 1), ceiling(min(3 * sqrt(n), n / 3)))
}

# Forecasts of day t: the 120 days before it, of weight 0.97^age.
forecasts <- function(name, r, confidence) {
  p <- function(key, value) put(name, key, value)
  size <- 120
  first <- size + 1
  n <- length(r)
  pit <- crps <- plain <- pinball <- z <- numeric(0)
  hit <- logical(0)
  for (t in first:n) {
    x <- r[(t - size):(t - 1)]
    weight <- 0.97^((size - 1):0)
    weight <- weight / sum(weight)
    pit <- c(pit, sum(weight[x < r[t]]) + sum(weight[x == r[t]]) / 2)
    # by expectations over all pairs
    score <- function(v) sum(v * abs(x - r[t])) - 0.5 * sum(outer(v, v) * abs(outer(x, x, "-")))
    crps <- c(crps, score(weight))
    plain <- c(plain, score(rep(1 / size, size)))
    # lower quantile of the loss, and the least of Rockafellar and Uryasev's
    # function over all scenarios
    o <- order(-x)
    var <- -x[o][which(cumsum(weight[o]) >= confidence - 1e-12)[1]]
    cvar <- min(sapply(-x, function(c) c + sum(weight * pmax(-x - c, 0)) / (1 - confidence)))
    pinball <- c(pinball, ((r[t] < -var) - (1 - confidence)) * (-var - r[t]))
    hit <- c(hit, r[t] < -var)
    z <- c(z, if (r[t] < -var) r[t] / cvar else 0)
  }
  p("pit_mean", mean(pit))
  p("crps_mean", mean(crps))
  p("crps_skill", 1 - sum(crps) / sum(plain))
  p("pinball_mean", mean(pinball))
  test <- suppressWarnings(ks.test(pit[1:90], "punif", exact = TRUE))
  p("ks_90", test$statistic[[1]])
  p("ks_90_p", test$p.value)
  test <- suppressWarnings(ks.test(pit[1:600], "punif", exact = TRUE))
  p("ks_600", test$statistic[[1]])
  p("ks_600_p", test$p.value)
  days <- length(hit)
  p("exceedances", sum(hit))
  q <- 1 - confidence
  bernoulli <- function(h, prob) sum(dbinom(h, 1, prob, log = TRUE))
  uc <- -2 * (bernoulli(hit, q) - bernoulli(hit, mean(hit)))
  p("kupiec", uc)
  p("kupiec_p", pchisq(uc, 1, lower.tail = FALSE))
  before <- hit[-days]
  after <- hit[-1]
  full <- bernoulli(after[before], mean(after[before])) + bernoulli(after[!before], mean(after[!before]))
  ind <- -2 * (bernoulli(after, mean(after)) - full)
  p("independence", ind)
  p("independence_p", pchisq(ind, 1, lower.tail = FALSE))
  p("conditional", uc + ind)
  p("conditional_p", pchisq(uc + ind, 2, lower.tail = FALSE))
  p("z1", sum(z) / sum(hit) + 1)
  p("z2", sum(z) / (days * q) + 1)
}

# Eight strategies: both series, shifted in a circle by multiples of 37 days.
overfitting <- function(name, r, b) {
  p <- function(key, value) put(name, key, value)
  n <- length(r)
  shift <- function(x, k) x[(seq_len(n) - 1 + k) %% n + 1]
  M <- cbind(r, shift(r, 37), shift(r, 74), shift(r, 111), b, shift(b, 37), shift(b, 74), shift(b, 111))
  days <- n %/% 8 * 8
  part <- rep(1:8, each = days / 8)
  M <- M[seq_len(days), ]
  sharpe <- function(x) apply(x, 2, mean) / apply(x, 2, sd)
  splits <- combn(8, 4)
  logit <- inside <- outside <- numeric(0)
  for (s in seq_len(ncol(splits))) {
    chosen <- part %in% splits[, s]
    R <- sharpe(M[chosen, ])
    S <- sharpe(M[!chosen, ])
    i <- which.max(R)
    omega <- rank(S)[i] / 9
    logit <- c(logit, log(omega / (1 - omega)))
    inside <- c(inside, R[i])
    outside <- c(outside, S[i])
  }
  p("pbo", mean(logit <= 0))
  p("logit_mean", mean(logit))
  p("logit_first", logit[1])
  line <- lm(outside ~ inside)
  p("degradation_slope", coef(line)[[2]])
  p("degradation_intercept", coef(line)[[1]])
  p("degradation_r2", summary(line)$r.squared)
  p("probability_of_loss", mean(outside < 0))
}

series <- read.csv("series.csv")
metrics("series", series$returns, series$benchmark, 0.02, 0.95)
forecasts("series", series$returns, 0.95)
overfitting("series", series$returns, series$benchmark)
if (length(args) > 1) {
  real <- read.csv(args[2])
  metrics("real", real$ew_20, real$sector_tech, 0.03, 0.975)
}
writeLines(c("series,key,value", rows), "values.csv")
