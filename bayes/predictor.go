package bayes

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strconv"

	"allocate/returns"
)

// Predictor says what parameters theta, as a Model's Constrain writes them,
// mean for the returns of a strategy. It is made for a series: Path goes on from
// the series' last day, whatever theta is. A period is one of the series, a day
// of daily returns; returns are simple, as fractions.
//
// The methods may be called by several goroutines at once. What they return is
// finite unless they say otherwise. Path is called several times with one draw;
// a predictor for which going through the history is dear may remember the states
// that it ends in.
//
// A Predictor of a model without memory, whose days are independent and
// identically distributed given theta, implements Exchangeable. One with memory
// should implement Replicator: without it there are no posterior predictive
// checks. Conditional, TradingPredictor, SharpeRatio and Commenter are for the
// models that their documentation names.
type Predictor interface {
	// Mean returns the expected return per period in the long run.
	Mean(theta []float64) float64
	// Volatility returns the standard deviation of the return per period in the
	// long run; +Inf where the variance is infinite.
	Volatility(theta []float64) float64
	// Idle returns the probability of a return of exactly 0 in the long run.
	Idle(theta []float64) float64
	// PIT writes the probability integral transform P(R < y_t) + P(R = y_t)/2
	// of every day of a history, given the days of y before it. The history
	// begins where the series begins: y is the series, the series and days after
	// it, or another history of the same model. u may be y.
	PIT(theta, y, u []float64)
	// Path writes the len(z) returns after the series' last day for standard
	// normal innovations z; each return rises in its own innovation, so that
	// dependent innovations make dependent returns. r may be z. A return is at
	// least -1.
	Path(theta, z, r []float64)
}

// Exchangeable is a Predictor without memory: the distribution of a day depends
// on no other day. Its PIT is CDF, day by day. A Predictor with memory must not
// have the method, not even by embedding.
type Exchangeable interface {
	Predictor
	// CDF returns the mid-distribution function P(R < r) + P(R = r)/2 of a day.
	CDF(theta []float64, r float64) float64
}

// Replicator is a Predictor that can draw whole histories.
type Replicator interface {
	// Replicate writes a history of len(y) periods drawn from the model, from
	// its beginning: nothing in it depends on the returns of the series. A
	// return may be below -1, since the checks compare distributions.
	Replicate(theta []float64, rng *rand.Rand, y []float64)
}

// TradingPredictor is a Predictor of a strategy that is out of the market on
// some days, with a return of exactly 0, and that can be told on which: of
// several strategies with a common calendar the scenarios take those days from
// history. Without it, a path has its idle days where its innovations say.
type TradingPredictor interface {
	// PathTrading is Path with the trading days given: r[t] is 0 where trades[t]
	// is false, and else rises in z[t], which is standard normal among the
	// trading days.
	PathTrading(theta []float64, trades []bool, z, r []float64)
}

// SharpeRatio is a Predictor that has the annual Sharpe ratio among its
// parameters: with memory of the variance that of the history, mu/s in gjr_t. Of others it is Mean/Volatility times the square root of the
// periods of a year.
type SharpeRatio interface {
	Sharpe(theta []float64) float64
}

// Commenter is a Predictor with findings of its own about its series.
type Commenter interface {
	Findings() []returns.Finding
}

// Predictor returns the predictor of the posterior's family for a series.
func (p *Posterior) Predictor(s *returns.Series) (Predictor, error) {
	if len(p.Components) > 0 {
		return p.mixedPredictor(s)
	}
	family, err := Lookup(p.Model)
	if err != nil {
		return nil, err
	}
	m := family.Predictor(s)
	if a, is := m.(anchored); is && p.Fitted != "" && p.Fitted == digest(s.Returns) {
		m = a.anchor()
	}
	return m, nil
}

// anchored is a Predictor whose parameters hold the state after the last day of the
// series that they were fitted to.
type anchored interface {
	// anchor returns the predictor for draws fitted to its own series, which need
	// not go through that again.
	anchor() Predictor
}

// digest names returns by their bits.
func digest(y []float64) string {
	h := fnv.New64a()
	var b [8]byte
	for _, r := range y {
		binary.LittleEndian.PutUint64(b[:], math.Float64bits(r))
		h.Write(b[:])
	}
	return strconv.FormatUint(h.Sum64(), 16)
}

// Annual returns the expected annual return, the annual volatility and the
// annual Sharpe ratio of a predictor at theta, for so many periods a year.
func Annual(m Predictor, theta []float64, periods float64) (mean, volatility, sharpe float64) {
	root, sd := math.Sqrt(periods), m.Volatility(theta)
	mean = m.Mean(theta)
	sharpe = mean / sd * root
	if s, is := m.(SharpeRatio); is {
		sharpe = s.Sharpe(theta)
	}
	return mean * periods, sd * root, sharpe
}

// eachCDF is the PIT of a model without memory.
func eachCDF(m Exchangeable, theta, y, u []float64) {
	for i, r := range y {
		u[i] = m.CDF(theta, r)
	}
}

// replicator returns what draws histories of a model from their beginning; nil
// for a model with memory that cannot.
func replicator(m Predictor) func(theta []float64, rng *rand.Rand, y []float64) {
	if r, is := m.(Replicator); is {
		return r.Replicate
	}
	if _, is := m.(Exchangeable); !is {
		return nil
	}
	return func(theta []float64, rng *rand.Rand, y []float64) {
		for i := range y {
			y[i] = rng.NormFloat64()
		}
		m.Path(theta, y, y)
	}
}
