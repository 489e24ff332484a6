package bayes

import (
	"math"
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
// of the same form, of which each has what the other is for as a nuisance:
//
//	ln p(mu, theta, mu', theta') = sum v_t f(y_t; mu', theta) + sum w_t f(y_t; mu, theta')
//	                             + ln prior(mu, theta) + ln prior(mu'|theta) + ln prior(theta')
//
// where theta is scale and shape. The priors are those of the model for mu with theta,
// to which the Sharpe ratio reported, of mu and the sd of theta, belongs; for mu' given
// theta the same one; and for theta'.
//
// One likelihood with weights v_t in the score of theta and w_t in that of mu would be
// the obvious form, but there is none: the mixed derivatives of such scores differ, so
// that they are the gradient of no function. A mean plugged in, as the weighted
// average, would have no uncertainty, and an outlier in full. Here mu has the
// distribution that the model with the weights w_t gives it, theta that of the model
// with the weights v_t, and they depend on each other through the prior only. In a
// symmetric model they are nearly independent anyway, so that little changes as the
// weights come to be equal; where they are equal the model is used as it is.
type memories struct {
	scale, mean locationModel // mean has no prior of its Sharpe ratio
	sharpe      prior
	rootYear    float64
}

// locationModel is a dayModel of which memories can be made.
type locationModel interface {
	dayModel
	// moments returns the mean and ln sd of a day at q, with their derivatives. The
	// mean is linear in the first coordinate.
	moments(q []float64) moments
	// withoutSharpe returns the model without a prior of the Sharpe ratio.
	withoutSharpe() locationModel
}

type moments struct {
	mean, logSD     float64
	inMean, inLogSD [4]float64 // by the coordinates, as many as there are
}

// noPrior is the prior that is none.
var noPrior = prior{family: "normal"}

// twoMemories makes the model of days by make: of d, or where the mean has weights of
// its own of two.
func twoMemories[M locationModel](d days, o Options, make func(d days, o Options) (M, error)) (dayModel, error) {
	if !d.apart {
		m, err := make(d, o)
		if err != nil {
			return nil, err // a nil model, not an interface around a nil pointer
		}
		return m, nil
	}
	p, err := o.priors()
	if err != nil {
		return nil, err
	}
	inScale, inMean := d.memories()
	scale, err := make(inScale, o)
	if err != nil {
		return nil, err
	}
	mean, err := make(inMean, o)
	if err != nil {
		return nil, err
	}
	return &memories{scale: scale, mean: mean.withoutSharpe(), sharpe: p.sharpe, rootYear: d.rootYear}, nil
}

func (m *memories) Dim() int        { return m.scale.Dim() + m.mean.Dim() }
func (m *memories) Names() []string { return m.scale.Names() }

// LogDensity has the prior of s = sqrt(P) mu/sd on the coordinates of the mean, whose
// model has the Jacobian of sqrt(P) mu/sd' in it.
func (m *memories) LogDensity(q, grad []float64) (float64, error) {
	n := m.scale.Dim()
	lp, err := m.scale.LogDensity(q[:n], grad[:n])
	if err != nil {
		return 0, err
	}
	more, err := m.mean.LogDensity(q[n:], grad[n:])
	if err != nil {
		return 0, err
	}
	scale, mean := m.scale.moments(q[:n]), m.mean.moments(q[n:])
	perSD := m.rootYear / math.Exp(scale.logSD)
	s := mean.mean * perSD
	sharpe, slope := m.sharpe.logDensity(s)
	for i := range grad[:n] {
		grad[i] -= scale.inLogSD[i] * (slope*s + 1)
	}
	for i := range grad[n:] {
		grad[n+i] += slope*perSD*mean.inMean[i] + mean.inLogSD[i]
	}
	return lp + more + sharpe + mean.logSD - scale.logSD, nil
}

// Constrain writes scale and shape of one model and the mean of the other.
func (m *memories) Constrain(q, theta []float64) {
	n := m.scale.Dim()
	m.scale.Constrain(q[:n], theta)
	theta[0] = m.mean.moments(q[n:]).mean
	last := len(theta) - 1
	theta[last] = theta[0] / theta[last-1] * m.rootYear
}

func (m *memories) Initialize(q []float64) {
	n := m.scale.Dim()
	m.scale.Initialize(q[:n])
	m.mean.Initialize(q[n:])
}

// SamplePrior draws the mean with the sd of the scale's model.
func (m *memories) SamplePrior(rng *rand.Rand, q []float64) {
	n := m.scale.Dim()
	m.scale.SamplePrior(rng, q[:n])
	m.mean.SamplePrior(rng, q[n:])
	want := m.sharpe.draw(rng) * math.Exp(m.scale.moments(q[:n]).logSD) / m.rootYear
	v := m.mean.moments(q[n:])
	q[n] += (want - v.mean) / v.inMean[0]
}

// LogPrior is that of the parameters reported. Those of the nuisances count as
// likelihood.
func (m *memories) LogPrior(theta []float64) (logPrior, logJacobian float64) {
	return m.scale.LogPrior(theta)
}

// Reduce reduces both likelihoods.
func (m *memories) Reduce(at []float64, covariance mat.Symmetric) Model {
	fast := *m
	fast.scale = reducePart(m.scale, at, covariance, 0).(locationModel)
	fast.mean = reducePart(m.mean, at, covariance, m.scale.Dim()).(locationModel)
	return &fast
}
