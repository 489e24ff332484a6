// skew_t of bayes/skewstudent.go in its natural parameters, with the density as Jones
// and Faddy (2003) print it: an independent check of density, gradient and sampler.
data {
  int<lower=1> N;
  vector[N] y;         // returns
  real<lower=0> sd0;   // robust standard deviation
  real root_year;
}
parameters {
  real sharpe;
  real log_ratio;      // ln(sd/sd0)
  real<lower=0> excess;
  real atanh_skew;
}
transformed parameters {
  real nu = 2 + excess;
  real skew = tanh(atanh_skew);
  real sd_ = sd0 * exp(log_ratio);
  real mu = sharpe * sd_ / root_year;
  real a = 1 + excess * (1 + skew) / 2;
  real b = 1 + excess * (1 - skew) / 2;
  // E T and E T^2 of their section 3
  real mt = (a - b) * sqrt(a + b) / 2 * exp(lgamma(a - 0.5) + lgamma(b - 0.5) - lgamma(a) - lgamma(b));
  real vt = (a + b) / 4 * (square(a - b) + a + b - 2) / ((a - 1) * (b - 1)) - square(mt);
  real sigma = sd_ / sqrt(vt);
}
model {
  vector[N] t = (y - mu) / sigma + mt;
  sharpe ~ student_t(3, 0, 0.7);
  log_ratio ~ normal(0, 1);
  excess ~ gamma(2, 0.1);
  atanh_skew ~ normal(0, 0.5);
  for (i in 1:N) {
    real r = t[i] / sqrt(a + b + square(t[i]));
    target += (a + 0.5) * log1p(r) + (b + 0.5) * log1m(r);
  }
  target += -N * ((a + b - 1) * log(2) + lbeta(a, b) + log(a + b) / 2 + log(sigma));
}
