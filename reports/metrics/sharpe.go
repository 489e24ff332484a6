package metrics

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// TrackRecord holds the inputs of the sampling distribution of a Sharpe ratio.
// Nothing here is annualized: multiply Sharpe by the square root of the periods
// per year.
type TrackRecord struct {
	Sharpe   float64 // mean(r-f) / sd(r), per period
	Skewness float64 // gamma_3
	Kurtosis float64 // gamma_4, 3 for a normal distribution
	Days     int
}

// NewTrackRecord measures returns per period over a risk-free rate per year. All is
// NaN for returns that do not vary or are not finite.
func NewTrackRecord(returns []float64, riskFree, periodsPerYear float64) TrackRecord {
	m := momentsOf(returns)
	if !m.finite() {
		nan := math.NaN()
		return TrackRecord{Sharpe: nan, Skewness: nan, Kurtosis: nan, Days: len(returns)}
	}
	return recordOf(m, math.Expm1(math.Log1p(riskFree)/periodsPerYear))
}

// recordOf takes the risk-free rate of a day.
func recordOf(m moments, free float64) TrackRecord {
	return TrackRecord{Sharpe: ratio(m.mean-free, m.sd()), Skewness: m.skewness(), Kurtosis: m.kurtosis(), Days: int(m.n)}
}

// variance is that of one day: the estimator's variance times Days-1 (Mertens
// 2002; Bailey & López de Prado 2012). It is positive for the moments of
// any distribution, since gamma_4 >= 1 + gamma_3^2.
func (r TrackRecord) variance() float64 {
	v := 1 - r.Skewness*r.Sharpe + (r.Kurtosis-1)/4*r.Sharpe*r.Sharpe
	if v < 0 {
		return math.NaN()
	}
	return v
}

// StandardError is that of the Sharpe ratio per day,
//
//	sqrt((1 - gamma_3 SR + (gamma_4-1)/4 SR^2) / (T-1)),
//
// for independent days of any distribution with four moments (Bailey & López
// de Prado, "The Sharpe ratio efficient frontier", Journal of Risk 2012).
func (r TrackRecord) StandardError() float64 {
	if r.Days < 2 {
		return math.NaN()
	}
	return math.Sqrt(r.variance() / float64(r.Days-1))
}

// Probabilistic is the probabilistic Sharpe ratio (Bailey & López de Prado
// 2012): the confidence that the true Sharpe ratio exceeds threshold,
// which is per day,
//
//	PSR(SR*) = Phi((SR - SR*) sqrt(T-1) / sqrt(1 - gamma_3 SR + (gamma_4-1)/4 SR^2)).
func (r TrackRecord) Probabilistic(threshold float64) float64 {
	return distuv.UnitNormal.CDF(ratio(r.Sharpe-threshold, r.StandardError()))
}

// MinimumLength is the minimum track record length (Bailey & López de Prado
// 2012): how many days it takes to be confident that the true Sharpe
// ratio exceeds threshold, per day, were the moments to stay as they are,
//
//	MinTRL = 1 + (1 - gamma_3 SR + (gamma_4-1)/4 SR^2) (z / (SR - SR*))^2,
//
// z the normal quantile of confidence, which is above 1/2 and below 1. It is
// not rounded, and +Inf if Sharpe does not exceed threshold: no length will do.
func (r TrackRecord) MinimumLength(threshold, confidence float64) float64 {
	if !(confidence > 0.5 && confidence < 1) {
		panic("metrics: confidence of a track record is not in (1/2, 1)")
	}
	if r.Sharpe <= threshold {
		return math.Inf(1)
	}
	z := distuv.UnitNormal.Quantile(confidence) / (r.Sharpe - threshold)
	return 1 + r.variance()*z*z
}

// Deflated is the deflated Sharpe ratio (Bailey & López de Prado, "The deflated
// Sharpe ratio", Journal of Portfolio Management 2014, eq. 2): the confidence
// that the true Sharpe ratio is above zero for the best of a number of
// independent trials, [TrackRecord.Probabilistic] of [ExpectedMaximumSharpe].
// variance is that of the trials' Sharpe ratios per day.
func (r TrackRecord) Deflated(trials int, variance float64) float64 {
	return r.Probabilistic(ExpectedMaximumSharpe(trials, variance))
}

// ExpectedMaximumSharpe is the Sharpe ratio to expect of the best of so many
// independent trials without skill (Bailey & López de Prado 2014, eq. 1),
//
//	sqrt(V) ((1-gamma) Phi^-1(1 - 1/N) + gamma Phi^-1(1 - 1/(N e))),
//
// gamma the Euler-Mascheroni constant. variance V is that of the trials' Sharpe
// ratios and gives the unit: per day if they are. 0 for one trial, which is no
// selection; the formula is an approximation for many.
func ExpectedMaximumSharpe(trials int, variance float64) float64 {
	if trials < 1 {
		panic("metrics: the best of no trial")
	}
	if variance < 0 {
		panic("metrics: a variance of Sharpe ratios is negative")
	}
	if trials == 1 {
		return 0 * variance
	}
	const euler = 0.577215664901532860606512090082402431
	n := float64(trials)
	z := distuv.UnitNormal.Quantile
	return math.Sqrt(variance) * ((1-euler)*z(1-1/n) + euler*z(1-1/(n*math.E)))
}
