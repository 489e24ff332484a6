package walkforward

import (
	"math"
	"slices"
	"strings"
	"testing"

	"allocate/bayes"
	"allocate/returns"
)

func date(t *testing.T, s string) returns.Date {
	t.Helper()
	d, err := returns.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestSegments has a fit a year from the minimum history on, each on its window, the
// last with the days that are left.
func TestSegments(t *testing.T) {
	s := weekdays(make([]float64, 1000))
	o := Options{MinHistory: 300, Refit: 252}
	got, err := o.Segments(s, "1y")
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range []struct{ at, end int }{{300, 552}, {552, 804}, {804, 1000}} {
		x := got[k]
		if x.At != want.at || x.End != want.end {
			t.Errorf("fit %d: %+v, want %+v", k, x, want)
		}
		if first, last := s.Dates[x.From], s.Dates[x.At-1]; first <= last.AddYears(-1) || s.Dates[x.From-1] > last.AddYears(-1) {
			t.Errorf("fit %d of %v begins on %v", k, last, first)
		}
	}
	if len(got) != 3 {
		t.Errorf("%d fits", len(got))
	}
	if all, _ := o.Segments(s, "all"); all[2].From != 0 {
		t.Errorf("window all begins at %d", all[2].From)
	}
	o.Start = s.Dates[700]
	if got, _ := o.Segments(s, "1y"); len(got) != 2 || got[0].At != 700 || got[1].At != 952 {
		t.Errorf("from the start on: %+v", got)
	}
	o.Start = s.Dates[100]
	if got, _ := o.Segments(s, "1y"); got[0].At != 300 {
		t.Errorf("the start is before the minimum history: %+v", got)
	}
	if got, _ := o.Segments(weekdays(make([]float64, 300)), "1y"); len(got) != 0 {
		t.Errorf("a history without a day after its minimum: %+v", got)
	}
	if _, err := o.Segments(s, "1x"); err == nil {
		t.Error("a window that is none")
	}
	c := s.Cut(10, 20)
	if c.Len() != 10 || c.Strategy.Entry != s.Dates[10] || c.Strategy.Last != s.Dates[19] || s.Strategy.Last != s.Dates[999] {
		t.Errorf("%+v", c)
	}
}

func TestOptions(t *testing.T) {
	if o := (Options{}).For(returns.Daily); o.MinHistory != 1260 || o.Refit != 252 {
		t.Errorf("daily: %+v", o)
	}
	if o := (Options{}).For(returns.Quarterly); o.MinHistory != 60 || o.Refit != 4 {
		t.Errorf("quarterly: %+v", o)
	}
	if o := (Options{MinHistory: 100, Refit: 30}).For(returns.Daily); o.MinHistory != 100 || o.Refit != 30 {
		t.Errorf("given: %+v", o)
	}
	err := Options{Models: []string{"a", "b", "a"}, MinHistory: 59, Refit: 20}.Validate(21)
	for _, want := range []string{`duplicate model "a"`, "--min-history: is 59", "--refit: is 20"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if err := (Options{MinHistory: 60, Refit: 21}).Validate(21); err == nil || !strings.Contains(err.Error(), "--models: is blank") {
		t.Errorf("no model: %v", err)
	}
	if err := (Options{Models: []string{"a"}, MinHistory: 60, Refit: 21}).Validate(21); err != nil {
		t.Error(err)
	}
}

// scoresOf makes scores from (date, ratio, PIT, log score) of days.
func scoresOf(t *testing.T, idle bool, days ...any) *Scores {
	s := &Scores{Model: "f", Density: true, Idle: idle}
	for i := 0; i < len(days); i += 4 {
		s.Days = append(s.Days, Day{Date: date(t, days[i].(string)), Ratio: bayes.Number(days[i+1].(float64)), PIT: bayes.Number(days[i+2].(float64)), LogScore: bayes.Number(days[i+3].(float64))})
	}
	return s
}

// TestDifference has three quarters of one, two and three days. By hand: differences
// 1; 2, 2; 0, 1, 3; mean 1.5; block sums less the mean: -0.5, 1, -0.5; squares 1.5.
func TestDifference(t *testing.T) {
	ours := scoresOf(t, false, "2020-03-31", 1., .5, 3., "2020-04-01", 1., .5, 4., "2020-06-30", 1., .5, 4., "2020-07-01", 1., .5, 2., "2020-08-01", 1., .5, 3., "2020-09-30", 1., .5, 5.)
	theirs := scoresOf(t, false, "2020-03-31", 1., .5, 2., "2020-04-01", 1., .5, 2., "2020-06-30", 1., .5, 2., "2020-07-01", 1., .5, 2., "2020-08-01", 1., .5, 2., "2020-09-30", 1., .5, 2.)
	b := blocks{}
	b.compare(ours, theirs)
	d := b.difference()
	if want := math.Sqrt(1.5*3/2) / 6; d.Days != 6 || d.Mean != 1.5 || math.Abs(float64(d.SE)-want) > 1e-14 {
		t.Errorf("%+v, want a standard error of %v", d, want)
	}
	// Two strategies on the same days are one block a quarter, not two.
	all := blocks{}
	all.add(b)
	all.add(b)
	if two := all.difference(); two.Days != 12 || two.Mean != 1.5 || math.Abs(float64(two.SE-d.SE)) > 1e-14 {
		t.Errorf("twice the same strategy: %+v, once: %+v", two, d)
	}
	one := blocks{}
	one.compare(scoresOf(t, false, "2020-03-31", 1., .5, 3.), scoresOf(t, false, "2020-03-31", 1., .5, 1.))
	if d := one.difference(); d.Mean != 2 || !math.IsNaN(float64(d.SE)) {
		t.Errorf("one quarter: %+v", d)
	}
	if a, b := quarter(date(t, "2019-12-31")), quarter(date(t, "2020-01-01")); b != a+1 {
		t.Errorf("quarters %d and %d", a, b)
	}
	if d := (blocks{1: {0.1, 11}}).difference(); !math.IsNaN(float64(d.SE)) { // 0.1/11*11 is not 0.1
		t.Errorf("one quarter: %+v", d)
	}
	for name, pair := range map[string][2]*Scores{
		"failed": {ours, {Failed: "x"}}, "idle": {ours, scoresOf(t, true, "2020-03-31", 1., .5, 1.)}, "no density": {{Days: ours.Days}, theirs},
	} {
		for k := range 2 {
			none := blocks{}
			none.compare(pair[k], pair[1-k])
			if d := none.difference(); d.Days != 0 || !math.IsNaN(float64(d.Mean)) {
				t.Errorf("%s: compared: %+v", name, d)
			}
		}
	}
	out := blocks{}
	out.compare(scoresOf(t, false, "2020-03-31", 1., .5, math.NaN()), scoresOf(t, false, "2020-03-31", 1., .5, 1.)) // as stored
	if d := out.difference(); !math.IsInf(float64(d.Mean), -1) {
		t.Errorf("a return that the model excludes: %+v", d)
	}
}

// reportOf is two strategies under two models: of the second strategy the second and
// the third fit of model b failed.
func reportOf(t *testing.T) *Report {
	t.Helper()
	day, other := date(t, "2020-03-31"), date(t, "2020-06-30")
	horizons := func(s *Scores, crps ...float64) *Scores {
		for _, x := range crps {
			s.Horizons = append(s.Horizons, Horizon{Date: day, Ratio: 1.5, PIT: 0.04, CRPS: bayes.Number(x)})
		}
		return s
	}
	a1 := horizons(scoresOf(t, false, "2020-03-31", 0.5, 0.005, 1., "2020-04-01", 1., 0.03, 1.), 0.02, 0.02)
	b1 := horizons(scoresOf(t, false, "2020-03-31", 0.5, 0.05, 2., "2020-04-01", 1.5, 0.009, 1.), 0.01, 0.02)
	a2 := horizons(scoresOf(t, false, "2020-06-30", 2., 0.2, 1.), 0.01)
	b2 := horizons(scoresOf(t, false, "2020-06-30", 2., 0.04, 0.5), 0.02)
	b2.Model = "g"
	return NewReport(Options{Models: []string{"a", "b"}}, returns.Daily, 21, []Strategy{
		{"x", []Segment{{0, 0, 2}}, []returns.Date{day, day + 1}, [][]*Scores{{a1}, {b1}}},
		{"y", []Segment{{0, 0, 1}, {0, 1, 2}, {0, 2, 3}}, []returns.Date{other, other + 1, other + 2}, [][]*Scores{{a2, a2, a2}, {b2, {Failed: "R-hat 1.2"}, {Failed: "R-hat 1.3"}}}},
	}, []string{"z"})
}

func TestReport(t *testing.T) {
	r := reportOf(t)
	if r.First != date(t, "2020-03-31") || r.Last != date(t, "2020-06-30") || r.Reference != "a" || !slices.Equal(r.Short, []string{"z"}) {
		t.Errorf("%v to %v, %q, %v", r.First, r.Last, r.Reference, r.Short)
	}
	var order []string
	for _, s := range r.Strategies {
		order = append(order, s.Strategy+s.Model)
	}
	if !slices.Equal(order, []string{"xa", "xb", "ya", "yb"}) {
		t.Errorf("rows %v", order)
	}
	xb, yb, b := r.Strategies[1], r.Strategies[3], r.Models[1]
	if want := (Coverage{Calm: Exceedances{1, 0, 0}, High: Exceedances{1, 1, 1}, All: Exceedances{2, 1, 1}}); xb.Day != want {
		t.Errorf("x, b, 1 day: %+v", xb.Day)
	}
	if want := (Coverage{High: Exceedances{2, 2, 0}, All: Exceedances{2, 2, 0}}); xb.Horizon != want {
		t.Errorf("x, b, horizon: %+v", xb.Horizon)
	}
	if want := (Coverage{Calm: Exceedances{1, 0, 0}, High: Exceedances{2, 2, 1}, All: Exceedances{3, 2, 1}}); b.Day != want {
		t.Errorf("b, 1 day: %+v", b.Day)
	}
	if want := (Exceedances{3, 3, 0}); b.Horizon.High != want || b.Horizon.All != want {
		t.Errorf("b, horizon: %+v", b.Horizon)
	}
	if a := r.Models[0]; a.Better != (Count{}) || a.Compared != (Count{2, 2}) || a.CRPSRatio != 1 || a.LogScore.Mean != 0 {
		t.Errorf("the reference against itself: %+v", a)
	}
	if a := r.Models[0].Day; a.Calm != (Exceedances{1, 1, 1}) || a.Middle != (Exceedances{1, 1, 0}) || a.High.Forecasts != 3 {
		t.Errorf("a, 1 day: %+v", a)
	}
	if xb.LogScore.Mean != 0.5 || xb.CRPSRatio != 0.75 || xb.Better != (Count{1, 1}) {
		t.Errorf("x, b: %+v, CRPS %v, better %v", xb.LogScore, xb.CRPSRatio, xb.Better)
	}
	if yb.LogScore.Mean != -0.5 || yb.LogScore.Days != 1 || yb.CRPSRatio != 2 || yb.Better != (Count{}) || yb.Compared != (Count{1, 1}) {
		t.Errorf("y, b: %+v, CRPS %v, better %v", yb.LogScore, yb.CRPSRatio, yb.Better)
	}
	if math.Abs(float64(b.LogScore.Mean)-0.5/3) > 1e-15 || b.LogScore.Days != 3 || b.CRPSRatio != 1.375 || b.Better != (Count{1, 1}) || b.Compared != (Count{2, 2}) || !slices.Equal(b.Families, []string{"f", "g"}) {
		t.Errorf("b: %+v", b)
	}
	if want := (Failure{"y", "b", date(t, "2020-06-30") + 1, 2, "R-hat 1.2"}); len(r.Failures) != 1 || r.Failures[0] != want {
		t.Errorf("failures %+v", r.Failures)
	}
}

// TestReportOfFailedReference compares with a reference that lacks a fit, and orders
// days of several strategies.
func TestReportOfFailedReference(t *testing.T) {
	late, early := date(t, "2020-06-30"), date(t, "2019-03-29")
	fine := func(day string) *Scores {
		s := scoresOf(t, false, day, 1., 0.5, 1.)
		s.Horizons = []Horizon{{Date: s.Days[0].Date, Ratio: 1, PIT: 0.5, CRPS: 0.1}}
		return s
	}
	r := NewReport(Options{Models: []string{"a", "b"}}, returns.Daily, 21, []Strategy{
		{"x", []Segment{{0, 0, 1}}, []returns.Date{late}, [][]*Scores{{{Failed: "R-hat"}}, {fine("2020-06-30")}}},
		{"y", []Segment{{0, 0, 1}}, []returns.Date{early}, [][]*Scores{{fine("2019-03-29")}, {fine("2019-03-29")}}},
	}, nil)
	if r.First != early || r.Last != late {
		t.Errorf("%v to %v", r.First, r.Last)
	}
	if x := r.Strategies[1]; x.Compared != (Count{}) || !math.IsNaN(float64(x.CRPSRatio)) || x.Day.All.Forecasts != 1 {
		t.Errorf("compared with nothing: %+v", x)
	}
	if b := r.Models[1]; b.Compared != (Count{1, 1}) || b.CRPSRatio != 1 {
		t.Errorf("b: %+v", b)
	}
}

func TestWriteCSV(t *testing.T) {
	var text strings.Builder
	if err := reportOf(t).WriteCSV(&text); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(text.String(), "\n")
	if len(lines) != 6 || !strings.HasPrefix(lines[0], "strategy,model,families,forecasts,log_score_difference,") || !strings.Contains(lines[0], ",horizon_high_below_5,") {
		t.Errorf("%q", lines)
	}
	if want := "x,b,f,2,0.5,0.5,0.75,2,0.5,0.5,1,0,0,0,,,1,1,1,2,1,0,0,,,0,,,2,1,0"; lines[2] != want {
		t.Errorf("%s\nwant\n%s", lines[2], want)
	}
}
