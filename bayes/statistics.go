package bayes

import "math"

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
	scratch     []float64
	under, over []float64 // values below low, and above high
	low, high   float64   // values beyond which the 1% tails of the histories before lay
}

func newSummarizer(days int) *summarizer {
	return &summarizer{scratch: make([]float64, 0, days), low: math.Inf(-1), high: math.Inf(1)}
}

// of returns the statistics of y, at least 3 days. Days are per day, in
// fractions; quantiles and extremes are signed returns. Where nothing varies,
// correlations and ratios are NaN.
func (s *summarizer) of(y []float64) (h history) {
	n := float64(len(y))
	shift := y[0] // against cancellation
	least, most, zeros := y[0], y[0], 0
	var sum, cross, square float64 // of y - shift
	var sumAbs, crossAbs, squareAbs float64
	before, beforeAbs := 0.0, 0.0
	s.under, s.over = s.under[:0], s.over[:0]
	for _, x := range y {
		switch { // not min and max, each of which waits for the one before
		case x < least:
			least = x
		case x > most:
			most = x
		}
		switch {
		case x < s.low:
			s.under = append(s.under, x)
		case x > s.high:
			s.over = append(s.over, x)
		}
		if x == 0 {
			zeros++
		}
		d, a := x-shift, math.Abs(x)
		sum += d
		square += d * d
		sumAbs += a
		squareAbs += a * a
		cross += d * before
		crossAbs += a * beforeAbs
		before, beforeAbs = d, a
	}
	mean := sum / n
	scatter := square - n*mean*mean
	h[statSD] = math.Sqrt(scatter / (n - 1))
	h[statMin], h[statMax], h[statZeros] = least, most, float64(zeros)/n
	h[statAuto] = lagOne(cross, sum, mean, 0, before, n) / varying(scatter, square)
	m := sumAbs / n
	h[statAbsAuto] = lagOne(crossAbs, sumAbs, m, math.Abs(y[0]), beforeAbs, n) / varying(squareAbs-n*m*m, squareAbs)
	mean += shift
	h[statQ01], h[statQ99] = s.tails(y)
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

// varying returns a scatter, or NaN where it is rounding of the sum of squares.
func varying(scatter, square float64) float64 {
	if scatter < 1e-14*square {
		return math.NaN()
	}
	return scatter
}

// lagOne is the sum of (x_t - mean)(x_(t-1) - mean) over n values, from the sum
// of the products of neighbors, the sum of all, the first and the last.
func lagOne(cross, sum, mean, first, last, n float64) float64 {
	return cross - mean*(2*sum-first-last) + (n-1)*mean*mean
}

// tails returns the ceil(n/100)-th smallest and the ceil(99n/100)-th smallest
// value of y, which are among those that of has put aside unless there are too
// few or too many of them.
func (s *summarizer) tails(y []float64) (q01, q99 float64) {
	n := len(y)
	below := (n + 99) / 100        // rank from below
	above := n - (99*n+99)/100 + 1 // rank from above
	if found := len(s.under); found < below || found > 12*below+20 {
		s.scratch = append(s.scratch[:0], y...)
		q01 = selectKth(s.scratch, below)
		s.low = selectKth(s.scratch, min(n, 3*below))
	} else {
		q01 = selectKth(s.under, below)
	}
	if found := len(s.over); found < above || found > 12*above+20 {
		s.scratch = append(s.scratch[:0], y...)
		q99 = selectKth(s.scratch, n+1-above)
		s.high = selectKth(s.scratch, max(1, n+1-3*above))
	} else {
		q99 = selectKth(s.over, found+1-above)
	}
	return q01, q99
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
