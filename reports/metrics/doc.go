// Package metrics measures returns of a strategy or a portfolio: slices in,
// numbers out. A backtest and its tear sheet consume it; it knows neither
// dates nor files.
//
// Conventions of the whole package:
//
//   - Returns are simple returns per period as fractions of capital, 0.01 = 1 %;
//     a period is a trading day, a week or whatever the caller has.
//   - A year has [Sample.PeriodsPerYear] periods P. What is called annual is
//     scaled by P, or by sqrt(P) if it is a standard deviation.
//   - Losses, VaR, CVaR and drawdowns are positive; alpha is a confidence
//     (0.95), not the tail probability.
//   - Wealth starts at 1 and stays at 0 after a day that loses everything, a
//     return of -1 or below.
//   - Days are counted by their index in the slice, from 0.
//   - Standard deviations have the divisor n-1; skewness, kurtosis and
//     autocorrelation are those of the sample moments with divisor n.
//   - A number that is not defined is NaN: a ratio over zero, a standard
//     deviation of one day, anything of an empty sample, anything of a sample
//     that holds a NaN or an infinity. Data thus never panic. Arguments of
//     different lengths, or outside the domain that a function documents, are
//     the caller's bugs and do.
//
// Where the literature or other programs define a name in several ways, the
// definition here is in the Formula and Source of a [Metric].
package metrics
