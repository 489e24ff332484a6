package scenarios

import (
	"fmt"
	"math"

	"allocate/returns"
)

// Set holds joint scenarios of horizon returns of all strategies, drawn from the
// posterior predictive distribution.
type Set struct {
	AsOf    returns.Date // last day whose return the models saw
	Horizon int          // periods each scenario spans
	Names   []string     // N strategies, in panel order
	Returns []float64    // S x N, row-major: simple return over the horizon, as a fraction, >= -1
	Prob    []float64    // S probabilities that sum to 1; nil means 1/S each

	Frequency returns.Frequency // of the panel: the length of a period of the horizon
}

// Len returns the number of scenarios S.
func (s *Set) Len() int {
	if len(s.Names) == 0 {
		return 0
	}
	return len(s.Returns) / len(s.Names)
}

// Row returns scenario i, a slice of N horizon returns that aliases the set.
func (s *Set) Row(i int) []float64 {
	n := len(s.Names)
	return s.Returns[i*n : (i+1)*n : (i+1)*n]
}

// Probability returns the probability of scenario i.
func (s *Set) Probability(i int) float64 {
	if s.Prob == nil {
		return 1 / float64(s.Len())
	}
	return s.Prob[i]
}

// Mean returns the N probability-weighted mean horizon returns.
func (s *Set) Mean() []float64 {
	mean := make([]float64, len(s.Names))
	for i := range s.Len() {
		p := s.Probability(i)
		for j, r := range s.Row(i) {
			mean[j] += p * r
		}
	}
	return mean
}

// Validate reports the first inconsistency of the set: a
// ragged shape, a return that is not finite, or probabilities that are
// negative or do not sum to one.
func (s *Set) Validate() error {
	n := len(s.Names)
	if n == 0 || len(s.Returns) == 0 || len(s.Returns)%n != 0 {
		return fmt.Errorf("scenarios: %d returns do not fill rows of %d strategies", len(s.Returns), n)
	}
	for k, r := range s.Returns {
		if math.IsNaN(r) || math.IsInf(r, 0) {
			return fmt.Errorf("scenarios: return of %q in scenario %d is %v; expected a finite number", s.Names[k%n], k/n, r)
		}
	}
	if s.Prob == nil {
		return nil
	}
	if len(s.Prob) != s.Len() {
		return fmt.Errorf("scenarios: %d probabilities for %d scenarios", len(s.Prob), s.Len())
	}
	sum := 0.0
	for i, p := range s.Prob {
		if !(p >= 0) {
			return fmt.Errorf("scenarios: probability of scenario %d is %v; expected a number >= 0", i, p)
		}
		sum += p
	}
	if math.Abs(sum-1) > 1e-9 {
		return fmt.Errorf("scenarios: probabilities sum to %.12g; expected 1", sum)
	}
	return nil
}
