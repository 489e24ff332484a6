package scenarios

import (
	"errors"
	"math"
	"sort"

	"gonum.org/v1/gonum/mathext"

	"allocate/bayes"
	"allocate/returns"
)

// Strategy holds the inputs of the scenarios for one strategy.
type Strategy struct {
	Series    *returns.Series
	Posterior *bayes.Posterior
	Predictor bayes.Predictor // of Series
}

// trades returns whether the model gives a return of exactly 0 a probability:
// the strategy is then in the market on some days only.
func (s Strategy) trades() bool {
	theta := s.Posterior.Theta(s.Posterior.Len() / 2)
	return s.Predictor.Idle(theta) > 1e-9
}

// history is the ranks of all strategies' days, side by side.
type history struct {
	dates     []returns.Date // T days that any strategy has, in order
	frequency returns.Frequency
	// score is N rows of T normal scores Phi^-1((rank - 1/2)/n) of the days that
	// a strategy has, ties at their middle rank; NaN on other days. A strategy
	// that is not always in the market is ranked among the days on which it is
	// (its return is not 0), and its other days are NaN: whether it trades is
	// the matter of traded.
	score [][]float64
	// traded says of each day of a strategy that is not always in the market
	// whether it was: 1, 0, or NaN before and between its days; nil rows are
	// always in the market.
	traded [][]float64
	// of the scores of each strategy that is always in the market, in which score has
	// what the day before does not explain
	serial []autocorrelation
}

// newHistory ranks the days. The dependence is estimated from ranks (Genest,
// Ghoudi and Rivest, Biometrika 1995). Of a model without memory they are those of
// the returns, which owe nothing to how well it fits and are those of the
// probability integral transforms, too. Of a model with memory they are those of
// the transforms given the past: the dependence on earlier days is in its paths
// already, and would count twice.
func newHistory(strategies []Strategy, each func(n int, f func(j int)) error) (*history, error) {
	n := len(strategies)
	h := &history{dates: unionOf(strategies), frequency: strategies[0].Series.Frequency, score: make([][]float64, n), traded: make([][]float64, n), serial: make([]autocorrelation, n)}
	at := make(map[returns.Date]int, len(h.dates))
	for t, d := range h.dates {
		at[d] = t
	}
	errs := make([]error, n)
	err := each(n, func(j int) {
		s := strategies[j].Series
		values := s.Returns
		if _, alike := strategies[j].Predictor.(bayes.Exchangeable); !alike {
			if values, errs[j] = strategies[j].conditional(s.Returns); errs[j] != nil {
				return
			}
		}
		score := make([]float64, len(h.dates))
		for t := range score {
			score[t] = math.NaN()
		}
		var traded []float64
		if strategies[j].trades() {
			traded = append(traded, score...)
		}
		order := make([]int, 0, s.Len())
		for i, r := range s.Returns {
			if traded != nil {
				traded[at[s.Dates[i]]] = 0
				if r == 0 {
					continue
				}
				traded[at[s.Dates[i]]] = 1
			}
			order = append(order, i)
		}
		sort.Slice(order, func(a, b int) bool { return values[order[a]] < values[order[b]] })
		for a := 0; a < len(order); {
			b := a + 1
			for b < len(order) && values[order[b]] == values[order[a]] {
				b++
			}
			z := mathext.NormalQuantile(float64(a+b) / 2 / float64(len(order)))
			for ; a < b; a++ {
				score[at[s.Dates[order[a]]]] = z
			}
		}
		if traded == nil {
			h.serial[j] = whiten(score)
		}
		h.score[j], h.traded[j] = score, traded
	})
	if err == nil {
		err = errors.Join(errs...)
	}
	return h, err
}

func unionOf(strategies []Strategy) []returns.Date {
	seen := map[returns.Date]bool{}
	var dates []returns.Date
	for _, s := range strategies {
		for _, d := range s.Series.Dates {
			if !seen[d] {
				seen[d] = true
				dates = append(dates, d)
			}
		}
	}
	sort.Slice(dates, func(a, b int) bool { return dates[a] < dates[b] })
	return dates
}
