package bayes

import (
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// memories is a model whose mean remembers the days with other weights than its
// scale and shape: half_life_mean and half_life. Volatility and tails of years ago say
// little about tomorrow's, but a mean needs all the days that there are: with a
// half-life of a year its standard error is a Sharpe ratio of 0.8.
//
// With weights v_t in scale and shape, w_t in the mean, and the log density
// f(y; mu, theta) of a day, the posterior is that of two weighted quasi-likelihoods
// of the same model, of which each has what the other is for as a nuisance:
//
//	ln p(mu, theta, mu', theta') = sum v_t f(y_t; mu', theta) + ln prior(mu', theta)
//	                             + sum w_t f(y_t; mu, theta') + ln prior(mu, theta')
//
// where theta is scale and shape. So mu has the distribution of a fit with the weights
// w_t, and theta that of one with v_t, whatever the other half-life is. In a symmetric
// model the two are nearly independent also with one memory, so that little changes
// as the weights come to be equal; where they are equal the model is used as it is.
//
// Other forms do not hold together. One likelihood with weights v_t in the score of theta
// and w_t in that of mu does not exist: the mixed derivatives of such scores differ, so
// that they are the gradient of no function. A mean plugged in, as the weighted
// average, has no uncertainty. One prior of the Sharpe ratio mu/sd of theta, in place
// of those of mu/sd' and mu'/sd, ties the mean to the volatility of the day: in a
// history whose volatility fell to a third it took half of the mean. The price is that
// a Sharpe ratio of today's volatility has a wider prior than prior_sharpe says, and
// that there is no sensitivity to the prior, of which the draws do not have all parameters.
type memories struct {
	scale, mean dayModel
	rootYear    float64
}

// twoMemories makes the model of days by build: of d, or where the mean has weights of
// its own of two.
func twoMemories[M dayModel](d days, o Options, build func(d days, o Options) (M, error)) (dayModel, error) {
	if !d.apart {
		m, err := build(d, o)
		if err != nil {
			return nil, err // a nil model, not an interface around a nil pointer
		}
		return m, nil
	}
	inScale, inMean := d.memories()
	scale, err := build(inScale, o)
	if err != nil {
		return nil, err
	}
	mean, err := build(inMean, o)
	if err != nil {
		return nil, err
	}
	return &memories{scale, mean, d.rootYear}, nil
}

func (m *memories) Dim() int        { return m.scale.Dim() + m.mean.Dim() }
func (m *memories) Names() []string { return m.scale.Names() }

func (m *memories) LogDensity(q, grad []float64) (float64, error) {
	n := m.scale.Dim()
	scale, err := m.scale.LogDensity(q[:n], grad[:n])
	if err != nil {
		return 0, err
	}
	mean, err := m.mean.LogDensity(q[n:], grad[n:])
	return scale + mean, err
}

// Constrain writes scale and shape of one model and the mean of the other.
func (m *memories) Constrain(q, theta []float64) {
	var other [maxInner]float64
	n, last := m.scale.Dim(), len(m.scale.Names())-1
	m.scale.Constrain(q[:n], theta)
	m.mean.Constrain(q[n:], other[:last+1])
	theta[0] = other[0]
	theta[last] = theta[0] / theta[last-1] * m.rootYear
}

func (m *memories) Initialize(q []float64) {
	n := m.scale.Dim()
	m.scale.Initialize(q[:n])
	m.mean.Initialize(q[n:])
}

func (m *memories) SamplePrior(rng *rand.Rand, q []float64) {
	n := m.scale.Dim()
	m.scale.SamplePrior(rng, q[:n])
	m.mean.SamplePrior(rng, q[n:])
}

// Reduce reduces both likelihoods.
func (m *memories) Reduce(at []float64, covariance mat.Symmetric) Model {
	return &memories{reducePart(m.scale, at, covariance, 0), reducePart(m.mean, at, covariance, m.scale.Dim()), m.rootYear}
}
