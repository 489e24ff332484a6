package mcmc

import (
	"errors"
	"math"
)

// Envelope bounds the empirical distribution function of n independent values
// that are uniform on k equally likely cells, all of it at once: with the
// probability Coverage, at every i of 1..k the number of values in the first i
// cells lies from Lower[i-1] to Upper[i-1] (Säilynoja, Bürkner & Vehtari,
// "Graphical test for discrete uniformity", Statistics and Computing 2022).
type Envelope struct {
	N, K         int
	Lower, Upper []int
	Coverage     float64 // exact, at least what was asked for
	Pointwise    float64 // coverage of the binomial interval at each i
}

// NewEnvelope finds the narrowest pointwise binomial intervals that hold
// simultaneously with at least the given coverage.
func NewEnvelope(n, k int, coverage float64) (*Envelope, error) {
	if n < 1 || k < 2 || !(coverage > 0 && coverage < 1) {
		return nil, errors.New("mcmc: an envelope needs values, two cells or more and a coverage between 0 and 1")
	}
	f := logFactorials(n)
	low, high := (1-coverage)/float64(2*k), 1-coverage // of 1 - pointwise coverage
	best := newEnvelope(n, k, low, f)
	for range 30 {
		gamma := math.Sqrt(low * high)
		e := newEnvelope(n, k, gamma, f)
		if e.Coverage >= coverage {
			low, best = gamma, e
		} else {
			high = gamma
		}
		if high/low < 1.001 {
			break
		}
	}
	return best, nil
}

// Contains reports whether ranks, each from 0 to K-1, keep to the envelope.
func (e *Envelope) Contains(ranks []int) bool {
	if len(ranks) != e.N {
		panic("mcmc: the envelope is of another number of ranks")
	}
	counts := make([]int, e.K)
	for _, r := range ranks {
		counts[r]++
	}
	sum := 0
	for i, c := range counts {
		if sum += c; sum < e.Lower[i] || sum > e.Upper[i] {
			return false
		}
	}
	return true
}

func newEnvelope(n, k int, gamma float64, f []float64) *Envelope {
	e := &Envelope{N: n, K: k, Lower: make([]int, k), Upper: make([]int, k), Pointwise: 1 - gamma}
	for i := range k - 1 {
		e.Lower[i], e.Upper[i] = binomialInterval(n, float64(i+1)/float64(k), gamma, f)
	}
	e.Lower[k-1], e.Upper[k-1] = n, n
	// The counts are a Markov chain: of the n-x values beyond cell i, each is
	// in cell i+1 with probability 1/(k-i).
	now, from := []float64{1}, 0 // P(count = from+j, inside so far)
	for i := range k {
		lo, hi := e.Lower[i], e.Upper[i]
		p := 1 / float64(k-i)
		next := make([]float64, hi-lo+1)
		for j, mass := range now {
			x := from + j
			if mass == 0 {
				continue
			}
			for y := max(lo, x); y <= hi; y++ {
				next[y-lo] += mass * binomial(n-x, y-x, p, f)
			}
		}
		now, from = next, lo
	}
	for _, mass := range now {
		e.Coverage += mass
	}
	return e
}

func logFactorials(n int) []float64 {
	f := make([]float64, n+1)
	for i := 2; i <= n; i++ {
		f[i] = f[i-1] + math.Log(float64(i))
	}
	return f
}

func binomial(n, x int, p float64, f []float64) float64 {
	if p >= 1 {
		if x == n {
			return 1
		}
		return 0
	}
	return math.Exp(f[n] - f[x] - f[n-x] + float64(x)*math.Log(p) + float64(n-x)*math.Log1p(-p))
}

// binomialInterval returns the quantiles of the binomial at gamma/2 and
// 1-gamma/2.
func binomialInterval(n int, p, gamma float64, f []float64) (lo, hi int) {
	lo, hi = -1, n
	sum := 0.0
	for x := range n + 1 {
		sum += binomial(n, x, p, f)
		if lo < 0 && sum >= gamma/2 {
			lo = x
		}
		if sum >= 1-gamma/2 {
			hi = x
			break
		}
	}
	return max(lo, 0), hi
}
