// The Student-t model of daily returns as an expert writes it for Stan:
// standardised data, weak priors, nu > 2 with the prior of this project.
data {
  int<lower=1> N;
  vector[N] y;                  // (return - mean) / standard deviation
}
parameters {
  real mu;
  real<lower=0> sigma;          // scale, not the standard deviation
  real<lower=0> excess;         // nu - 2
}
transformed parameters {
  real nu = 2 + excess;
}
model {
  mu ~ normal(0, 1);
  sigma ~ normal(0, 5);
  excess ~ gamma(2, 0.1);
  y ~ student_t(nu, mu, sigma);
}
