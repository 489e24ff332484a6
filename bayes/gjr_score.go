package bayes

import "math"

// LogScores is the density of the innovation, scaled by the volatility of the day.
func (m garchPredictor) LogScores(theta, y, score []float64) {
	g := m.of(theta)
	days := last(y, score)
	h := g.after(backcast(y), y[:len(y)-len(days)])
	for t, r := range days {
		score[t], h = g.score(r, h)
	}
}

// score returns the log density of a return on a day of variance h, and the variance of
// the day after.
func (g *garch) score(r, h float64) (score, next float64) {
	y, next := g.step(r, h)
	return g.skew.logDensity(y/math.Sqrt(h)) - 0.5*math.Log(h), next
}

// LogScores is that of a traded day given the traded days before, in the mixture of
// every hurdle.
func (m hurdleGJRPredictor) LogScores(theta, y, score []float64) {
	days := last(y, score)
	g := activeOf(theta)
	m.scores(theta, g.after(m.start(theta, y), activeDays(theta, y[:len(y)-len(days)])), days, score)
}

// scores writes the log scores of days for the variance h of the first traded one, and
// returns that of the next.
func (m hurdleGJRPredictor) scores(theta []float64, h float64, days, score []float64) float64 {
	g := activeOf(theta)
	active := make([]float64, len(days))
	for t, r := range days {
		s, next := g.score(r, h)
		if active[t] = s; trades(theta, r) {
			h = next
		}
	}
	mixScores(theta[activeShape:], m.Idle(theta), days, active, score)
	return h
}

func (s *skewT) logDensity(e float64) float64 {
	u := s.a + s.b*e
	side := s.g[0]
	if u >= 0 {
		side = s.g[1]
	}
	return s.logBC - (s.nu+1)/2*math.Log1p(u*u*side*s.k)
}
