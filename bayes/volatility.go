package bayes

import "math"

// Conditional is a Predictor with memory whose variance depends on the days before:
// a forecast of it depends on today's volatility, and the long run's is another
// number. Its volatilities are standard deviations of the return of a day, out of the
// market or not, given the days before, per period and as fractions.
type Conditional interface {
	Predictor
	// Volatilities writes the volatility of every day of a history, given the days
	// of y before it, and returns that of the day after the history. y is as in
	// PIT, and not written to unless sd is y; len(sd) is len(y).
	Volatilities(theta, y, sd []float64) (next float64)
	// VolatilityAhead returns the volatility of the day after the series: what
	// Volatilities returns for it, to rounding, and without going through the
	// series where theta holds the state after it.
	VolatilityAhead(theta []float64) float64
	// Persistence returns the share of the distance of the expected variance from
	// that of the long run that is left a period later, in [0, 1]. It is 1 where
	// there is no long run: the volatility of the next day is then the forecast of
	// every later day.
	Persistence(theta []float64) float64
}

// HalfLife returns the periods in which half of a shock to the expected variance is
// gone, for a persistence in (0, 1); +Inf for 1, and 0 for 0.
func HalfLife(persistence float64) float64 {
	switch {
	case persistence >= 1:
		return math.Inf(1)
	case persistence <= 0:
		return 0
	}
	return -math.Ln2 / math.Log(persistence)
}

func (m garchPredictor) Volatilities(theta, y, sd []float64) float64 {
	g := m.of(theta)
	h := backcast(y)
	for t, r := range y {
		sd[t] = math.Sqrt(h)
		_, h = g.step(r, h)
	}
	return math.Sqrt(h)
}

func (m garchPredictor) VolatilityAhead(theta []float64) float64 {
	return math.Sqrt(m.end(theta).next)
}

// Persistence is that of the variance.
func (gjrPredictor) Persistence(theta []float64) float64 { return theta[gjrP] }

// Persistence is 1: a variance that has risen stays.
func (ewmaPredictor) Persistence([]float64) float64 { return 1 }

// Volatilities are those of all days, as Volatility is: of the mixture of traded days
// and others.
func (m hurdleGJRPredictor) Volatilities(theta, y, sd []float64) float64 {
	g, h := activeOf(theta), m.start(theta, y)
	for t, r := range y {
		sd[t] = g.mixed(theta, h)
		if trades(theta, r) {
			_, h = g.step(r, h)
		}
	}
	return g.mixed(theta, h)
}

func (m hurdleGJRPredictor) VolatilityAhead(theta []float64) float64 {
	e := m.end(theta)
	return e.mixed(theta, e.next)
}

// Persistence is that of traded days, of which there is one with the probability of
// trading: of the distance that n traded days leave, p^n, the mean over a period.
func (hurdleGJRPredictor) Persistence(theta []float64) float64 {
	return 1 - theta[activeShape]*(1-theta[activeP])
}

// mixed returns the standard deviation of the return of a day of which h would be the
// variance if it is traded.
func (g *garch) mixed(theta []float64, h float64) float64 {
	traded := theta[activeShape]
	m := g.mean(h)
	mean, square := traded*m, traded*(h+m*m)
	list, n := atoms(theta[activeShape:])
	for _, a := range list[:n] {
		mean += a.mass * a.at
		square += a.mass * a.at * a.at
	}
	return math.Sqrt(square - mean*mean)
}
