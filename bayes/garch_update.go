package bayes

import "math"

func (m garchPredictor) advance(theta, days, score []float64) {
	g, h := m.of(theta), theta[m.places.next]*theta[m.places.next]
	for t, r := range days {
		score[t], h = g.score(r, h)
	}
	theta[m.places.next] = math.Sqrt(h)
}

func (garchPredictor) rms(_, y []float64) float64 { return rootMeanSquare(y) }

func (m garchPredictor) rescale(theta []float64, rms float64) {
	m.places.rescale(theta, rms)
	theta[m.places.sharpe] = theta[m.places.mu] / rms * math.Sqrt(m.series.Frequency.PeriodsPerYear())
}

// rescale refers the mean of a day, mu + kappa (h - s^2)/s, to the mean square s^2 of a longer
// history: the function of h stays the same.
func (at garchPlaces) rescale(theta []float64, rms float64) {
	s := theta[at.rms]
	theta[at.mu] += theta[at.kappa] / s * (rms*rms - s*s)
	theta[at.kappa] *= rms / s
	theta[at.rms] = rms
}

func rootMeanSquare(y []float64) float64 {
	sum := 0.0
	for _, r := range y {
		sum += r * r
	}
	return math.Sqrt(sum / float64(len(y)))
}

// advance does not move the probabilities of a day in the market, whose posterior follows
// from the weights.
func (m hurdleGJRPredictor) advance(theta, days, score []float64) {
	h := theta[activeNext] * theta[activeNext]
	theta[activeNext] = math.Sqrt(m.scores(theta, h, days, score))
}

// rms is that of the traded days.
func (hurdleGJRPredictor) rms(theta, y []float64) float64 {
	return rootMeanSquare(activeDays(theta, y))
}

func (m hurdleGJRPredictor) rescale(theta []float64, rms float64) {
	garchPlaces{mu: activeMu, rms: activeRMS, kappa: activeKappa}.rescale(theta, rms)
	hurdleMoments(theta, activeShape, theta[activeSD], math.Sqrt(m.series.Frequency.PeriodsPerYear()))
}
