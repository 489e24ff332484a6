package walkforward

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"allocate/bayes"
	"allocate/reports/metrics"
	"allocate/returns"
)

const (
	mostDraws = 300  // of the posterior, spread evenly over it, in a predictive distribution
	paths     = 2000 // of a horizon, about
)

// Scores are how one fit of a strategy predicted the days after it.
type Scores struct {
	Model    string    `json:"model"`            // family
	Failed   string    `json:"failed,omitempty"` // why the days have no forecast; blank: they have
	Density  bool      `json:"density"`          // the family has log scores
	Idle     bool      `json:"idle,omitempty"`   // a return of exactly 0 scores a probability, not a density
	Days     []Day     `json:"days,omitempty"`
	Horizons []Horizon `json:"horizons,omitempty"`
}

// Day is the forecast of a day and its score.
type Day struct {
	Date  returns.Date `json:"date"`
	Ratio bayes.Number `json:"volatility_ratio"` // before the day; see state
	// PIT is the randomized probability integral transform.
	PIT bayes.Number `json:"pit"`
	// LogScore is the log predictive density; not finite where the model excludes
	// the return.
	LogScore bayes.Number `json:"log_score"`
}

// Horizon is the forecast of the simple return over a horizon.
type Horizon struct {
	Date     returns.Date `json:"date"` // first day
	Ratio    bayes.Number `json:"volatility_ratio"`
	Realized bayes.Number `json:"realized_return"`
	PIT      bayes.Number `json:"pit"`
	CRPS     bayes.Number `json:"crps"` // in the unit of the return
}

// Evaluate tests a posterior of the days of history on those of after, which follow
// them. horizon is in periods. stream gives the random source of a named part: the
// same parts for every model, so that differences between models are not noise. A
// model that does not predict is a result, Failed; errors are those of ctx.
func Evaluate(ctx context.Context, history, after *returns.Series, p *bayes.Posterior, horizon int, stream func(part string) rand.Source) (*Scores, error) {
	if p.Verdict() == bayes.Unusable {
		return failed(p.Model, whyUnusable(p)), nil
	}
	all := *history
	all.Dates, all.Returns = slices.Concat(history.Dates, after.Dates), slices.Concat(history.Returns, after.Returns)
	f := forecaster{Posterior: p, series: &all, from: history.Len(), draws: min(mostDraws, p.Len())}
	s := &Scores{Model: p.Model}
	if err := f.days(ctx, s, rand.New(stream("ties"))); err != nil {
		return nil, err
	}
	for k := 0; k+horizon <= after.Len(); k += horizon {
		if err := f.horizon(ctx, s, k, horizon, stream); err != nil {
			return nil, err
		}
	}
	for _, d := range s.Days {
		if math.IsNaN(float64(d.PIT)) {
			return failed(p.Model, fmt.Sprintf("the predictive distribution of %v is not finite", d.Date)), nil
		}
	}
	for _, h := range s.Horizons {
		if math.IsNaN(float64(h.PIT)) || math.IsNaN(float64(h.CRPS)) {
			return failed(p.Model, fmt.Sprintf("simulated returns from %v on are not finite", h.Date)), nil
		}
	}
	return s, nil
}

func failed(model, why string) *Scores { return &Scores{Model: model, Failed: why} }

// whyUnusable is the sentence of the finding that makes a posterior unusable.
func whyUnusable(p *bayes.Posterior) string {
	worst := returns.Finding{Sentence: "There are no draws."}
	for _, f := range p.Findings {
		if f.Severity > worst.Severity {
			worst = f
		}
	}
	return worst.Sentence
}

// forecaster predicts the days of a series from day from on.
type forecaster struct {
	*bayes.Posterior
	series *returns.Series
	from   int
	draws  int
}

// theta returns draw i of f.draws.
func (f *forecaster) theta(i int) []float64 { return f.Theta((2*i + 1) * f.Len() / (2 * f.draws)) }

// predictor of the series up to day t-1.
func (f *forecaster) predictor(t int) (bayes.Predictor, error) {
	return f.Predictor(f.series.Cut(0, t))
}

func (f *forecaster) days(ctx context.Context, s *Scores, ties *rand.Rand) error {
	m, err := f.predictor(f.from)
	if err != nil {
		return err
	}
	y, days, n := f.series.Returns, f.series.Len()-f.from, float64(f.draws)
	if _, alike := m.(bayes.Exchangeable); alike {
		y = y[f.from:] // no day depends on those before
	}
	scorer, scores := m.(bayes.Scorer)
	u, pit, idle := make([]float64, len(y)), make([]float64, days), 0.0
	mixture := newLogMean(days)
	for i := range f.draws {
		if err := ctx.Err(); err != nil {
			return err
		}
		theta := f.theta(i)
		idle += m.Idle(theta) / n
		m.PIT(theta, y, u)
		for t, v := range u[len(y)-days:] {
			pit[t] += v / n
		}
		if scores {
			scorer.LogScores(theta, y, u)
			mixture.add(u[len(y)-days:])
		}
	}
	s.Density, s.Idle = scores, idle > 0
	ratio := returns.VolatilityRatios(f.series, f.from)
	for t := range days {
		d := Day{Date: f.series.Dates[f.from+t], Ratio: bayes.Number(ratio[t]), PIT: bayes.Number(pit[t]), LogScore: bayes.Number(math.NaN())}
		if v := ties.Float64(); f.series.Returns[f.from+t] == 0 {
			d.PIT += bayes.Number(idle * (v - 0.5))
		}
		if scores {
			d.LogScore = bayes.Number(mixture.at(t))
		}
		s.Days = append(s.Days, d)
	}
	return nil
}

// horizon scores the forecast of the h days from test day k on.
func (f *forecaster) horizon(ctx context.Context, s *Scores, k, h int, stream func(part string) rand.Source) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	at := f.from + k
	m, err := f.predictor(at)
	if err != nil {
		return err
	}
	rng := rand.New(stream("paths " + f.series.Dates[at].String()))
	outcomes, z := make([]float64, 0, paths), make([]float64, h)
	for i := range f.draws {
		for range max(1, paths/f.draws) {
			for d := range z {
				z[d] = rng.NormFloat64()
			}
			m.Path(f.theta(i), z, z)
			outcomes = append(outcomes, compound(z))
		}
	}
	realized := compound(f.series.Returns[at : at+h])
	s.Horizons = append(s.Horizons, Horizon{
		Date: f.series.Dates[at], Ratio: s.Days[k].Ratio, Realized: bayes.Number(realized),
		PIT:  bayes.Number(metrics.RandomizedPIT(realized, outcomes, nil, rng.Float64())),
		CRPS: bayes.Number(metrics.CRPS(realized, outcomes, nil)),
	})
	return nil
}

func compound(r []float64) float64 {
	wealth := 1.0
	for _, v := range r {
		wealth *= 1 + v
	}
	return wealth - 1
}

// logMean is the logarithm of the mean of densities, day by day, from their
// logarithms.
type logMean struct {
	largest, sum []float64
	n            int
}

func newLogMean(days int) *logMean {
	m := &logMean{largest: make([]float64, days), sum: make([]float64, days)}
	for t := range m.largest {
		m.largest[t] = math.Inf(-1)
	}
	return m
}

func (m *logMean) add(log []float64) {
	m.n++
	for t, v := range log {
		switch {
		case v > m.largest[t]:
			m.sum[t] = m.sum[t]*math.Exp(m.largest[t]-v) + 1
			m.largest[t] = v
		case !math.IsInf(v, -1):
			m.sum[t] += math.Exp(v - m.largest[t])
		}
	}
}

func (m *logMean) at(t int) float64 { return m.largest[t] + math.Log(m.sum[t]/float64(m.n)) }
