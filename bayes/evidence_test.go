package bayes

import (
	"flag"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"

	"allocate/returns"
)

// go test ./bayes -run EvidenceFindsTrueModel -evidence 34 -timeout 2h
//
// simulates so many histories of each family.
var evidenceSeries = flag.Int("evidence", 1, "histories of each family of TestEvidenceFindsTrueModel")

// weekdaySeries gives returns the weekdays from 2014-01-01 on.
func weekdaySeries(y []float64) *returns.Series {
	s := seriesOf(y)
	d, _ := returns.ParseDate("2014-01-01")
	for i := range y {
		s.Dates[i] = d
		d = d.NextWeekday()
	}
	return s
}

// truths simulate ten years of each family, of parameters as daily returns have them.
var truths = []struct {
	family string
	draw   func(seed uint64) []float64
}{
	{"student_t", func(seed uint64) []float64 {
		rng := rand.New(rand.NewPCG(seed, 1))
		return simulateT(rng, 2610, 0.0004, 0.01, 3+5*rng.Float64())
	}},
	{"gjr_t", func(seed uint64) []float64 {
		rng := rand.New(rand.NewPCG(seed, 2))
		u := func(a, b float64) float64 { return a + (b-a)*rng.Float64() }
		news, tilt := u(0.04, 0.12), u(-0.8, 0.8)
		return gjrSeries(seed, 2610, gjrTruth(u(-0.15, 0.15), news*(1+tilt), news*(1-tilt), u(0.94, 0.99), u(-0.1, 0.1), u(4, 9))).Returns
	}},
	{"ewma_t", func(seed uint64) []float64 {
		rng := rand.New(rand.NewPCG(seed, 3))
		u := func(a, b float64) float64 { return a + (b-a)*rng.Float64() }
		return ewmaSeries(seed, 2610, ewmaTruth(u(-0.15, 0.15), u(0.92, 0.975), u(-0.1, 0.1), u(4, 9))).Returns
	}},
}

// TestEvidenceFindsTrueModel: the family that made a history has the largest weight, in 90% of
// histories of ten years at least, and where that is student_t, what the other families add
// costs less than 0.003 nats a day.
func TestEvidenceFindsTrueModel(t *testing.T) {
	if testing.Short() {
		t.Skip("fits eight years of three models each")
	}
	found, all := 0, 0
	for _, truth := range truths {
		right, cost := 0, 0.0
		for seed := range *evidenceSeries {
			y := truth.draw(uint64(seed) + 100)
			if *evidenceSeries == 1 {
				y = y[:1570] // six years, for which one history of each is enough of a test
			}
			s := EvidenceSpan(weekdaySeries(y))
			e, err := Weigh(t.Context(), s, DefaultOptions(), testStream(uint64(seed)), nil)
			if err != nil {
				t.Fatal(err)
			}
			at := slices.IndexFunc(e.Families, func(f FamilyEvidence) bool { return f.Family == truth.family })
			if all++; e.Best() == truth.family {
				right++
			} else {
				t.Logf("%s %d: %+v", truth.family, seed, e.Families)
			}
			// By concavity the mean log score of the mixture is at least the weighted mean.
			for _, f := range e.Families {
				if f.Weight > 0 {
					cost -= f.Weight * float64(f.ELPD-e.Families[at].ELPD) / float64(e.Days) / float64(*evidenceSeries)
				}
			}
		}
		found += right
		t.Logf("%s: the largest weight in %d of %d; mixture costs at most %.5f nats a day", truth.family, right, *evidenceSeries, cost)
		if truth.family == "student_t" && cost > 0.003 {
			t.Errorf("on independent days the mixture costs %.5f nats a day", cost)
		}
	}
	if 10*found < 9*all {
		t.Errorf("the true family has the largest weight in %d of %d", found, all)
	}
}

// TestPredictYearAgreesWithRefits compares the log scores of a year under a posterior that the
// days since reweigh with those of a fit before every month.
func TestPredictYearAgreesWithRefits(t *testing.T) {
	if testing.Short() {
		t.Skip("fits every month")
	}
	for _, truth := range truths[:2] {
		s := weekdaySeries(truth.draw(7)[:1500])
		o := DefaultOptions()
		o.Model = truth.family
		o = o.ForEvidence()
		got, fits, failed, err := predictYear(t.Context(), s, 1248, 1500, o, testStream(1))
		if err != nil || failed != "" || len(got) != 252 {
			t.Fatal(len(got), failed, err)
		}
		var want []float64
		for at := 1248; at < 1500; at += futureBlock {
			one, n, _, err := predictYear(t.Context(), s, at, at+futureBlock, o, testStream(uint64(at)))
			if err != nil || n != 1 {
				t.Fatal(n, err)
			}
			want = append(want, one...)
		}
		a, b := floats.Sum(got), floats.Sum(want)
		t.Logf("%s: %.3f with %d fits; %.3f with a fit a month", truth.family, a, fits, b)
		for i := range got {
			if math.Abs(got[i]-want[i]) > 0.1 {
				t.Errorf("%s: day %d has %v, after a new fit %v", truth.family, i, got[i], want[i])
			}
		}
		if fits > 3 {
			t.Errorf("%s: %d fits of a year without a break", truth.family, fits)
		}
		if math.Abs(a-b) > 0.5 {
			t.Errorf("%s: log score %v, with a fit a month %v", truth.family, a, b)
		}
	}
}

// TestPredictYearRefits where the days say more than weights can: at a volatility four times
// as high.
func TestPredictYearRefits(t *testing.T) {
	y := truths[0].draw(3)[:1500]
	for i := range y[1350:] {
		y[1350+i] *= 4
	}
	o := DefaultOptions()
	o.Model = "student_t"
	scores, fits, failed, err := predictYear(t.Context(), weekdaySeries(y), 1248, 1500, o.ForEvidence(), testStream(1))
	if err != nil || failed != "" || len(scores) != 252 || fits < 2 || fits > 6 {
		t.Errorf("%d scores by %d fits, %q, %v", len(scores), fits, failed, err)
	}
}

// evidenceOf is that of log scores that a function of family and day gives.
func evidenceOf(families, days int, score func(k, t int) float64) *Evidence {
	e := &Evidence{Days: days}
	var scores [][]float64
	for k := range families {
		e.Families = append(e.Families, FamilyEvidence{Family: string(rune('a' + k))})
		var all []float64
		for t := range days {
			if v := score(k, t); !math.IsNaN(v) {
				all = append(all, v)
			}
		}
		scores = append(scores, all)
	}
	e.weigh(scores, rand.New(rand.NewPCG(1, 2)))
	return e
}

// TestEvidenceWeights: equal scores leave the prior, in which memory has a half; a constant
// advantage has the closed form of Bayes' rule; no weight is below 5%; a family that
// failed has none; and the standard error is that of block sums.
func TestEvidenceWeights(t *testing.T) {
	near := func(name string, got, want, tolerance float64) {
		t.Helper()
		if !(math.Abs(got-want) <= tolerance) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	floor := func(w float64, n int) float64 { return 0.05 + (1-0.05*float64(n))*w }
	e := evidenceOf(3, 500, func(int, int) float64 { return 2 })
	for k, want := range []float64{0.5, 0.25, 0.25} {
		near("prior", e.Families[k].Weight, floor(want, 3), 1e-12)
		near("difference", float64(e.Families[k].Difference), 0, 1e-9)
	}
	// A constant advantage of 0.002 a day over 420 days, 20 whole blocks: the Dirichlet
	// weights sum to one, so that every replicate has the same sum.
	e = evidenceOf(2, 420, func(k, _ int) float64 { return 0.002 * float64(k) })
	odds := math.Exp(0.84)
	near("advantage", e.Families[1].Weight, floor(odds/(1+odds), 2), 1e-9)
	near("difference", float64(e.Families[0].Difference), -0.84, 1e-9)
	near("its error", float64(e.Families[0].SE), 0, 1e-9)
	e = evidenceOf(3, 420, func(k, _ int) float64 { return []float64{0, 5, math.NaN()}[k] })
	near("floor", e.Families[0].Weight, 0.05, 1e-9)
	near("the rest", e.Families[1].Weight, 0.95, 1e-9)
	if f := e.Families[2]; f.Weight != 0 || !math.IsNaN(float64(f.ELPD)) {
		t.Errorf("a family without scores: %+v", f)
	}
	if e.Best() != "b" {
		t.Errorf("best is %q", e.Best())
	}
	// Of one day in 42 with a score of 21, every other block sums to 21.
	e = evidenceOf(2, 420, func(k, t int) float64 {
		if k == 1 && t%42 == 0 {
			return 21
		}
		return 0
	})
	near("error of blocks", float64(e.Families[0].SE), math.Sqrt(20*20/19.*10.5*10.5), 1e-9)
	if e := evidenceOf(2, 100, func(k, _ int) float64 { return []float64{math.NaN(), 1}[k] }); math.Abs(e.Families[1].Weight-1) > 1e-12 {
		t.Errorf("one family of two: %+v", e)
	}
	if e := evidenceOf(2, 100, func(int, int) float64 { return math.NaN() }); e.Best() != "" {
		t.Errorf("no scores: %+v", e)
	}
}

// TestEvidenceSpan cuts a series to whole years, so that what depends on it is the same
// all year; too few years have none.
func TestEvidenceSpan(t *testing.T) {
	s := weekdaySeries(benchmarkReturns(2610)) // 2014-01-01 to 2024-01-02
	cut := func(from, to int) *returns.Series {
		c := *s
		c.Dates, c.Returns = s.Dates[from:to], s.Returns[from:to]
		return EvidenceSpan(&c)
	}
	year := func(y int) int { // its first day
		return slices.IndexFunc(s.Dates, func(d returns.Date) bool { return d.Time().Year() == y })
	}
	for _, x := range []struct {
		name        string
		from, to    int
		first, last string
	}{
		{"whole years", 0, 2610, "2014-01-01", "2023-12-29"},
		{"from the first week on", 3, 2610, "2014-01-06", "2023-12-29"},
		{"a year has begun", 30, year(2022) + 100, "2015-01-01", "2021-12-31"},
		{"the last session of a year", 30, year(2022), "2015-01-01", "2021-12-31"},
		{"the session before", 30, year(2022) - 1, "2015-01-01", "2020-12-31"},
		{"three whole years", 30, year(2018), "2015-01-01", "2017-12-29"},
		{"two whole years", 30, year(2017) + 200, "", ""},
		{"none", 30, 200, "", ""},
	} {
		got := cut(x.from, x.to)
		switch {
		case x.first == "" && got != nil:
			t.Errorf("%s: from %v", x.name, got.Dates[0])
		case x.first == "":
		case got == nil || got.Dates[0].String() != x.first || got.Dates[got.Len()-1].String() != x.last || got.Strategy.Last != got.Dates[got.Len()-1]:
			t.Errorf("%s: %v, want %s to %s", x.name, got, x.first, x.last)
		}
	}
	for every, want := range map[int]int{1: 9, 5: 5, 21: 0} { // days, weeks, months: years that are predicted, and an end
		sparse := *s
		sparse.Dates, sparse.Returns = nil, nil
		for i := 0; i < s.Len(); i += every {
			sparse.Dates, sparse.Returns = append(sparse.Dates, s.Dates[i]), append(sparse.Returns, s.Returns[i])
		}
		got := EvidenceSpan(&sparse)
		if (got == nil) != (want == 0) || got != nil && len(predictedYears(append(append([]int{0}, turnsOf(got)...), got.Len()))) != want {
			t.Errorf("every %d days: not %d years", every, want-1)
		}
	}
}
