package bayes

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mathext"
)

// link maps a coordinate q to a share in (0, 1) by the normal distribution
// function of q + cubic q^3, with a Beta(alpha, beta) prior of the share. The
// cubic term thins the tails of the posterior, which under a logit reach far out
// where a persistence nears 1.
type link struct{ cubic, alpha, beta float64 }

// at returns the share and 1 less the share, to full accuracy, the slope of the
// share in q, the log density of q under the prior, up to a constant, and its slope.
func (l link) at(q float64) (share, rest, slope, lp, dlp float64) {
	y, dy := q+l.cubic*q*q*q, 1+3*l.cubic*q*q
	share = 0.5 * math.Erfc(-y/math.Sqrt2)
	rest = 0.5 * math.Erfc(y/math.Sqrt2)
	density := math.Exp(-y*y/2) / math.Sqrt(2*math.Pi)
	slope = density * dy
	lp = (l.alpha-1)*math.Log(share) + (l.beta-1)*math.Log(rest) - y*y/2 + math.Log(dy)
	dlp = ((l.alpha-1)/share-(l.beta-1)/rest)*slope - y*dy + 6*l.cubic*q/dy
	return share, rest, slope, lp, dlp
}

func (l link) inverse(share float64) float64 {
	y := mathext.NormalQuantile(share)
	q := y
	for range 50 { // q + cubic q^3 is increasing and convex away from 0: Newton converges from above
		step := (q + l.cubic*q*q*q - y) / (1 + 3*l.cubic*q*q)
		if q -= step; math.Abs(step) < 1e-14*(1+math.Abs(q)) {
			break
		}
	}
	return q
}

// logPrior returns the log density of the coordinate of a share, up to a constant.
func (l link) logPrior(share float64) float64 {
	_, _, _, lp, _ := l.at(l.inverse(share))
	return lp
}

func (l link) draw(rng *rand.Rand) float64 {
	a, b := drawGamma(rng, l.alpha), drawGamma(rng, l.beta)
	return a / (a + b)
}
