package scenarios

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"allocate/returns"
)

// The forms of dependence between strategies.
const (
	DCC         = "dcc_t_copula" // Student-t copula whose correlations move
	TCopula     = "t_copula"     // Student-t copula: joint extremes on the same days
	Gaussian    = "gaussian"     // Gaussian copula: extremes come alone
	Empirical   = "empirical"    // ranks of history's days, in blocks
	Independent = "independent"  // none; understates the risk of any portfolio
)

// dependence is how innovations of different strategies hang together.
type dependence struct {
	days     *mixer        // of the days' innovations; nil: independent, or empirical; with dcc, of the long run
	dcc      *dcc          // nil: correlations do not move
	ranks    *history      // that was estimated from
	long     *mat.SymDense // correlation, in the long run
	draws    *mixer        // of the choices of posterior draws
	t        *tCopula      // nil: no common chi-square
	history  *empirical    // nil: not empirical
	calendar *calendar     // nil: all strategies are always in the market, or independent
}

func newDependence(strategies []Strategy, kind string, stream func(string) rand.Source, each func(n int, f func(i int)) error) (*dependence, []returns.Finding, error) {
	d := &dependence{}
	if kind == Independent {
		return d, nil, nil
	}
	h, err := newHistory(strategies, each)
	if err != nil {
		return nil, nil, err
	}
	d.ranks = h
	p := newPairs(h.score)
	findings := p.short(strategies)
	r, intensity, mean := p.complete(kind != DCC)
	if kind == DCC {
		r = nonlinear(r, p.overlap())
	}
	if kind == TCopula || kind == DCC {
		if d.t, err = newTCopula(h, r, stream("copula"), each); err != nil {
			return nil, nil, err
		}
		if kind == DCC {
			if err := d.moves(h, r, stream, each); err != nil {
				return nil, nil, err
			}
			r = d.dcc.long
		} else {
			r = elliptical(r, d.t.nu[d.t.best])
		}
	}
	d.long = r
	if kind == Empirical {
		d.history = newEmpirical(h, nearestCorrelation(r), stream("history"))
		d.calendar = newCalendar(h)
		if d.calendar != nil {
			d.calendar.first, d.calendar.days = 0, len(h.dates)
			d.calendar.share = sharesOf(h, 0)
		}
	} else {
		if d.days, err = newMixer(r, len(h.dates)); err != nil {
			return nil, nil, err
		}
		d.calendar = newCalendar(h)
	}
	if d.draws, err = newMixer(p.ofErrors(r), len(h.dates)); err != nil {
		return nil, nil, err
	}
	return d, append(findings, d.about(len(strategies), intensity, mean, r)...), nil
}

// moves estimates how correlations move, and nu once more given that.
func (d *dependence) moves(h *history, news *mat.SymDense, stream func(string) rand.Source, each func(n int, f func(i int)) error) (err error) {
	if d.dcc, err = newDCC(h, news, d.t, stream("dcc draws"), each); err != nil {
		return err
	}
	if chosen := representative(h, news); d.dcc.best.a > 0 && len(chosen) > 1 {
		d.t, err = degreesGiven(h, stream("copula"), each, d.dcc.pathOf(h, chosen, d.dcc.best).logLik)
	}
	return err
}

func meanCorrelation(q *mat.SymDense) (mean float64) {
	n := q.SymmetricDim()
	for i := range n {
		for j := range i {
			mean += q.At(i, j) / math.Sqrt(q.At(i, i)*q.At(j, j)) / float64(n*(n-1)/2)
		}
	}
	return mean
}

func (d *dependence) about(n int, intensity, mean float64, r *mat.SymDense) []returns.Finding {
	numbers := map[string]float64{"strategies": float64(n), "mean_correlation": mean}
	var sentence string
	if d.dcc == nil {
		numbers["shrinkage"] = intensity
		sentence = fmt.Sprintf("Mean correlation of normal scores: %.2f, shrinkage %.1f%%.", mean, 100*intensity)
	} else {
		sentence = d.dcc.about(d.ranks, numbers)
	}
	if d.t != nil {
		low, high := d.t.quantile(0.05), d.t.quantile(0.95)
		nu := min(max(d.t.mean(), low), high) // a few draws far below the interval move the mean out of it
		numbers["nu"], numbers["nu_q05"], numbers["nu_q95"] = nu, low, high
		numbers["tail_dependence"] = tailDependence(mean, d.t.nu[d.t.best])
		sentence += " t copula: " + degreesOfFreedom(nu, low, high) + "."
	}
	var found []returns.Finding
	if n > 1 {
		found = append(found, returns.Finding{Code: "scenarios.dependence", Severity: returns.Info, Numbers: numbers, Sentence: sentence})
	}
	if d.calendar != nil {
		some := 0
		for _, traded := range d.calendar.h.traded {
			if traded != nil {
				some++
			}
		}
		found = append(found, returns.Finding{
			Code: "scenarios.calendar", Severity: returns.Info,
			Numbers:  map[string]float64{"strategies": float64(some), "days": float64(d.calendar.days)},
			Sentence: fmt.Sprintf("Strategies active on some days only: %d of %d; their joint activity is resampled from %s of history.", some, n, returns.Count(d.calendar.days, "day")),
		})
	}
	if d.days != nil && d.days.own != nil {
		k := d.days.factors()
		least, explained := math.Inf(1), 0.0
		for _, o := range d.days.own {
			least = min(least, 1-o*o)
			explained += (1 - o*o) / float64(n)
		}
		found = append(found, returns.Finding{
			Code: "scenarios.factors", Severity: returns.Info,
			Numbers:  map[string]float64{"strategies": float64(n), "limit": mostFull, "factors": float64(k), "explained": explained},
			Sentence: fmt.Sprintf("The correlation matrix of more than %d strategies has factor structure: %s explain %.0f%% of the variance of normal scores.", mostFull, returns.Count(k, "common factor"), 100*explained),
		})
	}
	return found
}

// degreesOfFreedom is the estimate of nu with its interval. The likelihood is
// flat beyond the last point of the grid, of which nothing more is known.
func degreesOfFreedom(nu, low, high float64) string {
	grid := nuGrid()
	end := grid[len(grid)-1] * (1 - 1e-9)
	switch {
	case low >= end:
		return "77 or more degrees of freedom, nearly Gaussian"
	case high >= end:
		return fmt.Sprintf("%.1f degrees of freedom (90%% CI %.1f to 77 or more)", nu, low)
	case low == high:
		return fmt.Sprintf("%.1f degrees of freedom", nu)
	}
	return fmt.Sprintf("%.1f degrees of freedom (90%% CI %.1f to %.1f)", nu, low, high)
}

// tailDependence returns the lower tail dependence of a t copula, the limit of
// P(U2 < q | U1 < q) as q falls: 2 T_{nu+1}(-sqrt((nu+1)(1-rho)/(1+rho)))
// (Demarta and McNeil 2005, equation 11).
func tailDependence(rho, nu float64) float64 {
	if rho >= 1 {
		return 1
	}
	x := -math.Sqrt((nu + 1) * (1 - rho) / (1 + rho))
	return 2 * normalCDF(mapFor(nu+1).normal(x))
}
