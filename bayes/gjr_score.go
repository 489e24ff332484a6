package bayes

import "math"

// LogScores is the density of the innovation, scaled by the volatility of the day.
func (gjrPredictor) LogScores(theta, y, score []float64) {
	g := garchOf(theta)
	h := backcast(y)
	for t, r := range y {
		e, next := g.step(r, h)
		score[t] = g.skew.logDensity(e/math.Sqrt(h)) - 0.5*math.Log(h)
		h = next
	}
}

// logDensity returns the log density of s.
func (s *skewT) logDensity(e float64) float64 {
	u := s.a + s.b*e
	side := s.g[0]
	if u >= 0 {
		side = s.g[1]
	}
	return math.Log(s.b) + s.logC - (s.nu+1)/2*math.Log1p(u*u*side*s.k)
}
