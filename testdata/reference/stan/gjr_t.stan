// gjr_t of bayes/gjr.go in its natural parameters, written from the formulas of its
// documentation: an independent check of density, gradient and sampler.
functions {
  // E[e |e|] of Hansen's skewed t, for lambda >= 0, by Simpson's rule where there is
  // no closed form.
  real signed_half(real nu, real l, real c, real a, real b2) {
    real m = 2 * c * (nu - 2) / (nu - 1);
    real total = pow(1 - l, 3) / 2 + a * square(1 - l) * m + square(a) * (1 - l) / 2;
    real part = 0;
    int n = 40;
    for (i in 0:n) {
      real u = a * i / n;
      real w = (i == 0 || i == n) ? 1 : (i % 2 == 1 ? 4 : 2);
      part += w * square(a - u) * c * pow(1 + square(u / (1 + l)) / (nu - 2), -(nu + 1) / 2);
    }
    return 1 - 2 * (total + part * a / (3 * n)) / b2;
  }
}
data {
  int<lower=1> N;
  vector[N] r;         // returns in units of their root mean square
  real<lower=0> sd0;   // robust standard deviation, in that unit
  real<lower=0> h1;    // variance of the first day
  real root_year;
}
parameters {
  real mu;
  real log_sd;
  real<lower=0, upper=1> p;
  real<lower=0, upper=1> news;
  real<lower=0, upper=1> split;
  real<lower=0> excess;
  real atanh_lambda;
  real kappa;
}
transformed parameters {
  real v = exp(2 * log_sd);
  real nu = 2 + excess;
  real lambda = tanh(atanh_lambda);
  real c = exp(lgamma((nu + 1) / 2) - lgamma(nu / 2)) / sqrt(pi() * (nu - 2));
  real a = 4 * lambda * c * (nu - 2) / (nu - 1);
  real b2 = 1 + 3 * square(lambda) - square(a);
  real alpha = 0.5 * p * news;
  real delta = alpha * (1 - 2 * split);
  real beta = p - alpha - delta * (lambda < 0 ? -1 : 1) * signed_half(nu, fabs(lambda), c, fabs(a), b2);
  real sharpe = root_year * mu;
  real sd_next;
  real h = h1;
  real ll = N * (log(b2) / 2 + log(c));
  for (t in 1:N) {
    real y = r[t] - mu - kappa * (h - 1);
    real u = a + sqrt(b2) * y / sqrt(h);
    ll += -log(h) / 2 - (nu + 1) / 2 * log1p(square(u / (1 + (u < 0 ? -lambda : lambda))) / (nu - 2));
    h = fmin(v * (1 - p) + (alpha * y + delta * fabs(y)) * y + beta * h, 50);
  }
  sd_next = sqrt(h);
}
model {
  root_year * mu ~ student_t(3, 0, 0.7);
  log_sd ~ normal(log(sd0), 1);
  p ~ beta(40, 2);
  news ~ beta(2, 8);
  split ~ beta(2, 2);
  excess ~ gamma(2, 0.1);
  atanh_lambda ~ normal(0, 0.25);
  kappa ~ normal(0, 0.2);
  if (beta < 0) reject("beta");
  target += ll;
}
