package scenarios

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"

	"gonum.org/v1/gonum/mathext"

	"allocate/returns"
)

// JointDay is the score that a dependence has of the joint returns of a day.
type JointDay struct {
	Date       returns.Date `json:"date"`
	Strategies int          `json:"strategies"` // present: at least two
	LogScore   float64      `json:"log_score"`  // ln of the copula's density, given the days before
}

// ScoreDependence returns the log scores of the days after the strategies' series, after[j]
// being those of strategy j: ln c_t(u_t), where u are the probability integral transforms
// given the past and c_t the density of the copula that kind names, estimated from
// the series; its parameters stay and its state goes on from day to day. Under
// independence it is 0. A strategy that is not in the market on a day takes no part in
// that day's score. The empirical dependence has no density.
func ScoreDependence(ctx context.Context, strategies []Strategy, after []*returns.Series, kind string, stream func(part string) rand.Source, workers int) ([]JointDay, error) {
	if kind == Empirical {
		return nil, errors.New("scenarios: empirical dependence has no density; expected dcc_t_copula, t_copula, gaussian or independent")
	}
	if len(after) != len(strategies) {
		return nil, fmt.Errorf("scenarios: %d series follow those of %d strategies", len(after), len(strategies))
	}
	dates, score, err := scoresAfter(strategies, after)
	if err != nil || len(dates) == 0 {
		return nil, err
	}
	d, _, err := newDependence(strategies, kind, stream, func(n int, f func(i int)) error { return each(ctx, n, workers, f) })
	if err != nil {
		return nil, err
	}
	if d.ranks != nil {
		for j, a := range d.ranks.serial {
			a.innovations(score[j], a.last)
		}
	}
	nu := math.Inf(1)
	if d.t != nil {
		nu = d.t.nu[d.t.best]
	}
	c := d.dcc
	if c == nil {
		c = &dcc{long: d.long, news: d.long}
	}
	var f *filter
	if kind != Independent {
		f = c.filterOf(c.best, indices(len(strategies)))
	}
	day := make([]float64, len(strategies))
	if d.dcc != nil {
		for t := max(0, len(d.ranks.dates)-memoryOf(c.best.b)); t < len(d.ranks.dates); t++ {
			for j, row := range d.ranks.score {
				day[j] = row[t]
			}
			f.step(day)
		}
	}
	var out []JointDay
	l := make([]float64, len(strategies)*len(strategies))
	x := make([]float64, len(strategies))
	for t, date := range dates {
		var present []int
		for j := range strategies {
			if day[j] = score[j][t]; !math.IsNaN(day[j]) {
				present = append(present, j)
			}
		}
		if n := len(present); n >= 2 {
			v := 0.0
			if f != nil {
				logDet, ok := f.factor(present, l)
				if !ok {
					return nil, fmt.Errorf("scenarios: the correlation of %v is not positive definite", date)
				}
				for i, j := range present {
					x[i] = day[j]
				}
				v = density(x[:n], l, logDet, nu)
			}
			out = append(out, JointDay{date, n, v})
		}
		if d.dcc != nil {
			f.step(day)
		}
	}
	return out, nil
}

// density returns the log density of a copula at normal scores z, which it overwrites.
func density(z, lower []float64, logDet, nu float64) float64 {
	if !math.IsInf(nu, 1) {
		m := mapFor(nu)
		for i, v := range z {
			z[i] = m.student(v)
		}
		return copulaDensity(z, lower, logDet, nu)
	}
	n, out := len(z), -logDet/2
	for i, v := range z {
		out += v * v / 2
		row := lower[i*n : i*n+i+1]
		for k, e := range z[:i] {
			v -= row[k] * e
		}
		z[i] = v / row[i]
		out -= z[i] * z[i] / 2
	}
	return out
}

// scoresAfter returns the days on which any strategy has a return, in order, and the N
// rows of normal scores, NaN where one has none or is not in the market.
func scoresAfter(strategies []Strategy, after []*returns.Series) (dates []returns.Date, score [][]float64, err error) {
	at := map[returns.Date]int{}
	for _, s := range after {
		for _, d := range s.Dates {
			if _, known := at[d]; !known {
				at[d] = 0
				dates = append(dates, d)
			}
		}
	}
	sort.Slice(dates, func(a, b int) bool { return dates[a] < dates[b] })
	for t, d := range dates {
		at[d] = t
	}
	for j, s := range strategies {
		row := make([]float64, len(dates))
		for t := range row {
			row[t] = math.NaN()
		}
		u, err := s.PIT(s.Series.Returns, after[j].Returns)
		if err != nil {
			return nil, nil, err
		}
		idle := 0.0
		if s.trades() {
			idle = s.idle()
		}
		for i, v := range u {
			r := after[j].Returns[i]
			if idle > 0 {
				switch {
				case r == 0:
					continue
				case r > 0:
					v -= idle
				}
				v /= 1 - idle
			}
			row[at[after[j].Dates[i]]] = max(-backLimit, min(backLimit, mathext.NormalQuantile(max(1e-12, min(1-1e-12, v)))))
		}
		score = append(score, row)
	}
	return dates, score, nil
}
