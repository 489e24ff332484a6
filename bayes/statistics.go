package bayes

import (
	"math"
	"slices"
)

// history are the statistics of a history of daily returns that predictive
// checks compare, in the order of statistics.
type history [numStatistics]float64

const (
	statSD = iota
	statQ01
	statQ99
	statMin
	statMax
	statZeros
	statAuto
	statAbsAuto
	statScaleChange
	statAsymmetry
	numStatistics
)

// summarizer takes the statistics of histories of one length. It is made for
// many that are alike: the tails of one bound the search in the next.
type summarizer struct {
	aside, scratch []float64
	low, high      float64 // values beyond which the 1% tails of the histories before lay
}

func newSummarizer(days int) *summarizer {
	return &summarizer{
		aside: make([]float64, days), scratch: make([]float64, days),
		low: math.Inf(-1), high: math.Inf(1),
	}
}

// powers are sums over values: of each, its square, and its product with the
// value before.
type powers struct{ sum, square, cross float64 }

// of returns the statistics of y, at least 3 days. Days are per day, in
// fractions; quantiles and extremes are signed returns. Where nothing varies,
// correlations and ratios are NaN. Several passes, each without a branch that
// is hard to predict, take less time than one.
func (s *summarizer) of(y []float64) (h history) {
	n := float64(len(y))
	p, abs := powersOf(y)
	last := y[len(y)-1]
	h[statZeros] = float64(zeros(y)) / n
	h[statAbsAuto] = autocorrelation(abs, math.Abs(y[0]), math.Abs(last), n)
	shift := 0.0
	if p.sum*p.sum > 0.9*n*p.square { // against cancellation
		shift = p.sum / n
		for i, x := range y {
			s.scratch[i] = x - shift
		}
		p, _ = powersOf(s.scratch)
	}
	mean := p.sum / n
	h[statSD] = math.Sqrt(max(0, p.square-n*mean*mean) / (n - 1))
	h[statAuto] = autocorrelation(p, y[0]-shift, last-shift, n)
	mean += shift
	s.tails(y, &h)
	var half [2]float64
	middle := (len(y) + 1) / 2
	for k, part := range [2][]float64{y[:middle], y[middle:]} {
		half[k] = absoluteDeviation(part, mean)
	}
	first := float64(middle)
	h[statScaleChange] = half[1] / (n - first) / (half[0] / first)
	h[statAsymmetry] = (mean - h[statQ01]) / (h[statQ99] - mean)
	return h
}

// powersOf are the powers of y and of |y|.
func powersOf(y []float64) (p, abs powers) {
	before, beforeAbs := 0.0, 0.0
	var sum, square, cross, sumAbs, crossAbs float64
	for _, x := range y {
		a := math.Abs(x)
		sum += x
		square += x * x
		cross += x * before
		sumAbs += a
		crossAbs += a * beforeAbs
		before, beforeAbs = x, a
	}
	return powers{sum, square, cross}, powers{sumAbs, square, crossAbs}
}

func zeros(y []float64) (n int) {
	count := func(y []float64) {
		for _, x := range y {
			if x == 0 {
				n++
			}
		}
	}
	for ; len(y) >= 4; y = y[4:] {
		if y[0]*y[1]*(y[2]*y[3]) == 0 {
			count(y[:4])
		}
	}
	count(y)
	return n
}

// absoluteDeviation is the sum of |x - mean|, in four sums, so that no addition
// waits for the one before.
func absoluteDeviation(y []float64, mean float64) float64 {
	var a, b, c, d float64
	for ; len(y) >= 4; y = y[4:] {
		a += math.Abs(y[0] - mean)
		b += math.Abs(y[1] - mean)
		c += math.Abs(y[2] - mean)
		d += math.Abs(y[3] - mean)
	}
	for _, x := range y {
		a += math.Abs(x - mean)
	}
	return a + b + (c + d)
}

// autocorrelation is that at lag 1 of n values, from the sums of their powers,
// the first and the last; NaN where their scatter is rounding of the sum of
// squares.
func autocorrelation(p powers, first, last, n float64) float64 {
	mean := p.sum / n
	scatter := p.square - n*mean*mean
	if scatter < 1e-14*p.square {
		return math.NaN()
	}
	return (p.cross - mean*(2*p.sum-first-last) + (n-1)*mean*mean) / scatter
}

// tails fills in the extremes, the ceil(n/100)-th smallest and the ceil(99n/100)-th
// smallest value of y, which are among those that lie beyond low and high unless
// there are too few or too many of them.
func (s *summarizer) tails(y []float64, h *history) {
	n := len(y)
	below := (n + 99) / 100        // rank from below
	above := n - (99*n+99)/100 + 1 // rank from above
	under, over := s.beyond(y)
	if found := len(under); found < below || found > 12*below+20 {
		copy(s.scratch, y)
		found = min(n, 2*below+5)
		s.low = selectKth(s.scratch, found)
		under = s.scratch[:found]
	}
	h[statQ01] = selectKth(under, below)
	h[statMin] = slices.Min(under[:below])
	if found := len(over); found < above || found > 12*above+20 {
		copy(s.scratch, y)
		found = min(n, 2*above+5)
		s.high = selectKth(s.scratch, n+1-found)
		over = s.scratch[n-found:]
	}
	h[statQ99] = selectKth(over, len(over)+1-above)
	h[statMax] = slices.Max(over[len(over)-above:])
}

// beyond returns the values below low and those above high.
func (s *summarizer) beyond(y []float64) (under, over []float64) {
	// Every value is put aside, and there overwritten by the next one unless it
	// is far from the middle.
	middle, far := s.low/2+s.high/2, s.high/2-s.low/2
	far *= far
	aside, n := s.aside[:len(y)], 0
	for _, x := range y {
		aside[n] = x
		if d := x - middle; d*d > far {
			n++
		}
	}
	// The low ones to the front.
	k := 0
	for i, x := range aside[:n] {
		if x < middle {
			aside[i], aside[k] = aside[k], x
			k++
		}
	}
	return aside[:k], aside[k:n]
}

// deviation returns the standard deviation of y, with divisor n-1.
func deviation(y []float64) float64 {
	mean, ss := 0.0, 0.0
	for _, x := range y {
		mean += x
	}
	mean /= float64(len(y))
	for _, x := range y {
		ss += (x - mean) * (x - mean)
	}
	return math.Sqrt(ss / float64(len(y)-1))
}

// selectQuantile returns the ceil(p n)-th smallest of x, reordering x.
func selectQuantile(x []float64, p float64) float64 {
	return selectKth(x, max(1, int(math.Ceil(p*float64(len(x))))))
}

// selectKth returns the k-th smallest of x, from 1, reordering x (Hoare's
// selection).
func selectKth(x []float64, k int) float64 {
	k--
	lo, hi := 0, len(x)-1
	for lo < hi {
		pivot := x[lo+(hi-lo)/2]
		i, j := lo, hi
		for i <= j {
			for x[i] < pivot {
				i++
			}
			for pivot < x[j] {
				j--
			}
			if i <= j {
				x[i], x[j] = x[j], x[i]
				i++
				j--
			}
		}
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return x[k]
		}
	}
	return x[k]
}
