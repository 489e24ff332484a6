// Package walkforward evaluates return models out of sample, strategy by strategy.
//
// # Timing
//
// A strategy has its own schedule, in days that it has a return: the first fit is
// after the minimum history, the next ones follow at equal distances (segment.go). A
// fit sees the estimation window up to its day, and is tested on the days up to the
// next fit. The parameters are those of the fit on all these days; the state of a
// model with memory is carried on day by day. So no forecast sees its own day.
//
// # Forecasts
//
// The forecast of a day is the posterior predictive distribution given all days
// before it: a mixture over draws, of which the probability integral transform (PIT)
// and the log score are exact (score.go). The forecast of a horizon is made of
// simulated paths from the state on its first day; horizons do not overlap.
//
// # Volatility states
//
// Calibration on average hides errors that cancel, so that forecasts are also counted
// by state: the standard deviation of the last days over that of the whole history
// that the forecast sees, below 0.67 (calm), between (middle), above 1.33 (high). The
// state is known before the day.
package walkforward
