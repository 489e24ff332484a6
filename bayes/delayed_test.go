package bayes

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"allocate/bayes/nuts"
	"allocate/returns"
)

var surrogates = flag.Int("surrogates", 1, "number of series on which TestDelayedAgreesWithNUTS compares: 30 simulated ones, and those of ../shared")

// plainModel hides what makes a model a Valuer.
type plainModel struct{ Model }

func (m plainModel) Initialize(q []float64) { m.Model.(Initializer).Initialize(q) }

// TestGJRValues are those of LogDensity, and -Inf outside the support.
func TestGJRValues(t *testing.T) {
	s := gjrSeries(3, 500, gjrTruth(-0.2, 0.05, 0.15, 0.9, -0.1, 5))
	s.Returns[200] *= 300 // the variance after it is bounded
	o := DefaultOptions()
	m, err := newGJR(daysOf(s, o), o)
	if err != nil {
		t.Fatal(err)
	}
	points, lp, grad := make([][]float64, 4), make([]float64, 4), make([]float64, gjrDim)
	for k := range points {
		points[k] = make([]float64, gjrDim)
		m.Initialize(points[k])
		points[k][k] += 0.2
	}
	points[3][qNews], points[3][qSplit], points[3][qSkew] = 3, 3, -3 // beta < 0
	if err := m.Values(points, lp); err != nil {
		t.Fatal(err)
	}
	for k, q := range points {
		want, err := m.LogDensity(q, grad)
		if err != nil && !errors.Is(err, nuts.ErrRecoverable) {
			t.Fatal(err)
		}
		if err == nil && lp[k] != want || err != nil && !math.IsInf(lp[k], -1) {
			t.Errorf("point %d: %v, want %v (%v)", k, lp[k], want, err)
		}
		theta, fresh := make([]float64, gjrParameters), make([]float64, gjrParameters)
		other, _ := newGJR(daysOf(s, o), o)
		m.Constrain(q, theta)
		other.Constrain(q, fresh)
		if d := theta[gjrNext]/fresh[gjrNext] - 1; !(math.Abs(d) < 1e-12) {
			t.Errorf("point %d: sd_next %v, %v by the recursion written out", k, theta[gjrNext], fresh[gjrNext])
		}
	}
	if !math.IsInf(lp[3], -1) {
		t.Errorf("log density %v where beta is negative", lp[3])
	}
}

// hardSeries are 30 simulated histories: ordinary ones of several lengths; tails of nu
// near 2; persistence near 1; 60 days; and cryptocurrencies.
func hardSeries() (names []string, all []*returns.Series) {
	add := func(about string, n int, theta []float64) {
		names = append(names, fmt.Sprintf("%s, %d days", about, n))
		all = append(all, gjrSeries(uint64(100+len(all)), n, theta))
	}
	crypto := gjrTruth(0.05, 0.15, 0.1, 0.96, 0.05, 2.9)
	crypto[gjrSD] = 0.09
	for _, n := range []int{250, 750, 60, 1500, 2520} {
		add("losses raise the variance", n, gjrTruth(-0.25, 0.03, 0.17, 0.96, -0.05, 6))
		add("nu near 2", n, gjrTruth(0.1, 0.1, 0.1, 0.95, 0, 2.3))
		add("persistence near 1", n, gjrTruth(-0.1, 0.03, 0.09, 0.998, 0.03, 8))
		add("cryptocurrency", n, crypto)
		add("gains raise the variance", n, gjrTruth(0.3, 0.3, 0.02, 0.97, 0.1, 12))
		add("no clustering", n, gjrTruth(0, 0.003, 0.003, 0.9, 0, 5))
	}
	return names, all
}

// realSeries are those of ../shared that have few flat days: ten years of 27 strategies
// and 6 factors, and 8 cryptocurrencies; none where the folder is not there.
func realSeries(t *testing.T) (names []string, all []*returns.Series) {
	for _, file := range []string{"strategies/returns.csv", "factors/ff_factors.csv.gz", "crypto/crypto8.csv.gz"} {
		for _, s := range sharedSeries(t, file, 2520) {
			if s.ZeroShare() < hurdleShare {
				names, all = append(names, s.Strategy.Name), append(all, s)
			}
		}
	}
	return names, all
}

// TestDelayedAgreesWithNUTS compares delayed acceptance with plain NUTS on the same
// posteriors, in every mean and standard deviation, by their standard errors of Monte
// Carlo. The chain is exact whatever the surrogate, only slow where this is not
// accurate: of the hardest series it has four or sixteen times the draws.
func TestDelayedAgreesWithNUTS(t *testing.T) {
	names, all := hardSeries()
	if *surrogates > len(all) {
		more, real := realSeries(t)
		names, all = append(names, more...), append(all, real...)
	}
	n := min(*surrogates, len(all))
	o := DefaultOptions()
	if o.Draws = 2000; testing.Short() {
		o.Draws = 1000
	}
	squares, count, first, slow := 0.0, 0, 0, 0
	for k, s := range all[:n] {
		m, err := newGJR(daysOf(s, o), o)
		if err != nil {
			t.Fatal(err)
		}
		view := searchModes(m, o, testStream(1))
		var a *Posterior
		for draws := o.Draws; draws <= 16*o.Draws; draws *= 4 {
			more := o
			more.Draws = draws
			// A surrogate may lead out of the support: NUTS has its turn then.
			if a, err = delayed(t.Context(), m, view, more, 1, math.MaxInt, testStream(2), nil); err != nil && !errors.Is(err, nuts.ErrRecoverable) {
				t.Fatal(err)
			}
			if a == nil {
				break
			}
			if rhat, ess := a.worst(); rhat < 1.01 && ess > o.MinESS {
				break
			}
		}
		if a == nil {
			t.Logf("%s: no surrogate", names[k])
			continue
		}
		if rhat, ess := a.worst(); !(rhat < 1.02 && ess > o.MinESS/2) {
			t.Logf("%s: the chains have not mixed, R-hat %.4f, ESS %.0f", names[k], rhat, ess)
			slow++
			continue
		}
		if a.Draws == o.Draws && flawless(a) {
			first++
		}
		b, err := SampleWith(t.Context(), plainModel{m}, o, testStream(3), nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, x := range a.Summary[:gjrRMS] { // which is the same in every draw
			y := b.Summary[i]
			mean := float64(x.Mean-y.Mean) / math.Hypot(float64(x.MCSEMean), float64(y.MCSEMean))
			sd := float64(x.SD-y.SD) / math.Hypot(float64(x.MCSESD), float64(y.MCSESD))
			squares += mean*mean + sd*sd
			count += 2
			if math.Abs(mean) > 4.5 || math.Abs(sd) > 4.5 {
				t.Errorf("%s: %s %v +- %v, NUTS has %v +- %v: %.1f and %.1f standard errors", names[k], x.Name, x.Mean, x.SD, y.Mean, y.SD, mean, sd)
			}
		}
		// Of the log density, too, which does not come with the parameters: its standard
		// deviation is that of half a chi-square with 8 degrees of freedom, 2.
		logA, logB := meanOf(a.Sampler.LogDensity), meanOf(b.Sampler.LogDensity)
		if math.Abs(logA-logB) > 0.5 {
			t.Errorf("%s: mean log density %v, NUTS has %v", names[k], logA, logB)
		}
		_, essA := a.worst()
		_, essB := b.worst()
		t.Logf("%s: %d draws, minimum ESS %.0f (%d evaluations); NUTS %.0f (%d gradients, %d divergences)", names[k], a.Len(), essA, a.Sampler.Gradients, essB, b.Sampler.Gradients, b.Divergences())
	}
	rms := math.Sqrt(squares / float64(count))
	t.Logf("%d series, %d of them flawless at once, %d did not mix; root mean square of %d differences: %.2f standard errors", n, first, slow, count, rms)
	if rms > 1.3 || 3*first < n {
		t.Errorf("differences of %.2f standard errors; of %d series %d are flawless", rms, n, first)
	}
}

// sharedSeries reads the last days of every column of a wide file of ../shared/data;
// none where it is not there.
func sharedSeries(t *testing.T, file string, days int) (all []*returns.Series) {
	t.Helper()
	f, err := os.Open("../../shared/data/" + file)
	if err != nil {
		t.Log(err)
		return nil
	}
	defer f.Close()
	var from io.Reader = f
	if strings.HasSuffix(file, ".gz") {
		if from, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := csv.NewReader(from).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for j, name := range rows[0][1:] {
		var y []float64
		var dates []returns.Date
		for _, row := range rows[1:] {
			v, err := strconv.ParseFloat(row[j+1], 64)
			if err != nil {
				continue
			}
			d, err := returns.ParseDate(row[0])
			if err != nil {
				t.Fatal(err)
			}
			y, dates = append(y, v), append(dates, d)
		}
		first := max(0, len(y)-days)
		s := seriesOf(y[first:])
		s.Dates = dates[first:]
		s.Strategy.Name = name
		all = append(all, s)
	}
	return all
}

func meanOf(x []float64) (mean float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	return mean
}

// valued makes a Valuer of a log density in two variables.
type valued struct {
	logp  func(q, grad []float64) float64
	calls int
}

func (m *valued) Dim() int                                      { return 2 }
func (m *valued) Names() []string                               { return []string{"a", "b"} }
func (m *valued) Constrain(q, theta []float64)                  { copy(theta, q) }
func (m *valued) LogDensity(q, grad []float64) (float64, error) { return m.logp(q, grad), nil }

func (m *valued) Values(points [][]float64, lp []float64) error {
	for k, q := range points {
		lp[k] = m.logp(q, make([]float64, 2))
		m.calls++
	}
	return nil
}

// heavy has the tails of a Student-t with 1.5 degrees of freedom, of which no surrogate
// that is nearly normal has anything.
func heavy(q, grad []float64) float64 {
	lp := 0.0
	for i, x := range q {
		lp -= 1.25 * math.Log1p(x*x/1.5)
		grad[i] = -2.5 * x / (1.5 + x*x)
	}
	return lp
}

// walled is flat for ten times as little as its curvature says.
func walled(q, grad []float64) float64 {
	lp := 0.0
	for i, x := range q {
		wall := math.Pow(x/3, 9)
		lp -= x*x/200 + wall*x/3
		grad[i] = -x/100 - 10.0/3*wall
	}
	return lp
}

// twoModes are normal, ten standard deviations apart, the second of the given mass
// relative to the first.
func twoModes(mass float64) func(q, grad []float64) float64 {
	return func(q, grad []float64) float64 {
		near, far := -(q[0]+5)*(q[0]+5)/2, -(q[0]-5)*(q[0]-5)/2+math.Log(mass)
		top := max(near, far)
		sum := math.Exp(near-top) + math.Exp(far-top)
		grad[0] = -(q[0]+5)*math.Exp(near-top)/sum - (q[0]-5)*math.Exp(far-top)/sum
		grad[1] = -q[1]
		return top + math.Log(sum) - q[1]*q[1]/2
	}
}

func standard(q, grad []float64) float64 {
	grad[0], grad[1] = -q[0], -q[1]
	return -(q[0]*q[0] + q[1]*q[1]) / 2
}

// TestSurrogateIsGated: an accurate surrogate is all that is needed; a chain that is slow
// has four times the draws; one that is not accurate is said so, and NUTS goes on; where there are two modes, or the
// budget is too small, there is none.
func TestSurrogateIsGated(t *testing.T) {
	for _, c := range []struct {
		name   string
		logp   func(q, grad []float64) float64
		draws  int
		budget int
		method Method
		tried  bool
	}{
		{"standard normal", standard, 1000, 2_000_000, Delayed, true},
		{"heavy tails", heavy, 1000, 2_000_000, Delayed, true}, // of four times as many draws
		{"walls", walled, 1000, 2_000_000, NUTS, true},
		{"two modes", twoModes(1), 1000, 2_000_000, NUTS, false},
		{"a second mode of 0.3% of the mass", twoModes(0.003), 1000, 2_000_000, Delayed, true},
		{"small budget", standard, 4000, 10_000, NUTS, false},
	} {
		o := DefaultOptions()
		o.Draws, o.MaxGradients = c.draws, c.budget
		m := &valued{logp: c.logp}
		p, err := SampleWith(t.Context(), m, o, testStream(4), nil)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if p.Method != c.method || (m.calls > 0) != c.tried {
			t.Errorf("%s: method %s, %d values of the surrogate's draws: %v", c.name, p.Method, m.calls, p.Findings)
		}
		if c.name == "walls" && p.Sampler.Gradients < m.calls+p.Len() || p.Sampler.Gradients < m.calls {
			t.Errorf("%s: %d gradients in all, with %d values", c.name, p.Sampler.Gradients, m.calls)
		}
		told := false
		for _, f := range p.Findings {
			told = told || f.Code == "bayes.attempt" && strings.Contains(f.Sentence, "polynomial surrogate")
		}
		modes := -1
		for _, f := range p.Findings {
			if f.Code == codeModes {
				modes = int(f.Severity)
			}
		}
		switch {
		case c.name == "two modes" && modes != int(returns.Fail), strings.HasPrefix(c.name, "a second mode") && modes != int(returns.Info):
			t.Errorf("%s: findings %v", c.name, p.Findings)
		}
		if told != (c.name == "heavy tails" || c.name == "walls") || (p.Sampler.Attempts > 1) != told && c.tried {
			t.Errorf("%s: after %d attempts the findings are %v", c.name, p.Sampler.Attempts, p.Findings)
		}
	}
	m := &valued{logp: walled}
	o := DefaultOptions()
	p, err := delayed(t.Context(), m, searchModes(m, o, testStream(4)), o, 1, math.MaxInt, testStream(4), nil)
	if err != nil || p == nil {
		t.Fatalf("%v, %v", p, err)
	}
	for _, f := range p.Findings {
		if f.Code == "bayes.surrogate" && f.Severity == returns.Warn {
			return
		}
	}
	t.Errorf("findings of a surrogate without walls: %v", p.Findings)
}
