package returns

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// panelOf makes a panel of weekdays from 2020-01-01 with strategies a, b, ...
func panelOf(t *testing.T, values ...[]float64) *Panel {
	t.Helper()
	var dates []Date
	d := NewDate(2019, 12, 31)
	for range values[0] {
		d = d.NextWeekday()
		dates = append(dates, d)
	}
	strategies := make([]Strategy, len(values))
	for j := range strategies {
		strategies[j].Name = string(rune('a' + j))
	}
	p, err := NewPanel(dates, strategies, values)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// noise is n returns of one percent, the same for the same seed.
func noise(seed uint64, n int) []float64 {
	rng := rand.New(rand.NewPCG(seed, 1))
	v := make([]float64, n)
	for i := range v {
		v[i] = 0.01 * rng.NormFloat64()
	}
	return v
}

func with(v []float64, change func(v []float64)) []float64 {
	change(v)
	return v
}

// Every code of a check appears for data that has the fault, and for none of
// the others' data does it appear.
func TestEveryCheck(t *testing.T) {
	nan := math.NaN()
	clean := func() [][]float64 { return [][]float64{noise(1, 300), noise(2, 300)} }
	cases := map[string][][]float64{
		"data.constant":       {noise(1, 300), make([]float64, 300)},
		"data.unit":           {with(noise(2, 300), func(v []float64) { scale(v, 100) })},
		"data.scale":          {noise(1, 300), with(noise(2, 300), func(v []float64) { scale(v, 0.01) })},
		"data.outlier":        {noise(1, 300), with(noise(2, 300), func(v []float64) { v[77] = -0.9 })},
		"data.repeated_value": {noise(1, 300), with(noise(2, 300), func(v []float64) { copy(v[50:54], []float64{0.003, 0.003, 0.003, 0.003}) })},
		"data.stopped":        {noise(1, 300), with(noise(2, 300), func(v []float64) { clear(v[294:]) })},
		"data.flat_stretch":   {noise(1, 300), with(noise(2, 300), func(v []float64) { clear(v[100:125]) })},
		"data.flat_days": {noise(1, 300), with(noise(2, 300), func(v []float64) {
			for i := range v {
				if i%5 != 0 {
					v[i] = 0
				}
			}
		})},
		"data.identical": {noise(1, 300), noise(1, 300)},
		"data.gap":       {noise(1, 300), with(noise(2, 300), func(v []float64) { v[100], v[101] = nan, nan })},
		"data.late":      {noise(1, 300), with(noise(2, 300), func(v []float64) { v[298], v[299] = nan, nan })},
		"data.no_longer": {noise(1, 300), with(noise(2, 300), func(v []float64) {
			for i := 290; i < 300; i++ {
				v[i] = nan
			}
		})},
		"data.short_history": {noise(1, 300), with(noise(2, 300), func(v []float64) {
			for i := range 250 {
				v[i] = nan
			}
		})},
		"": clean(),
	}
	o := options()
	for code, values := range cases {
		p := panelOf(t, values...)
		fs := Check(p, o, Weekdays())
		q, filled := Clean(p, o)
		u, left := Universe(q, o, Weekdays())
		fs = append(append(fs, filled...), left...)
		var got []string
		for _, f := range fs {
			got = append(got, f.Code)
			if !slices.Contains(CodeNames(), f.Code) || f.Sentence == "" {
				t.Errorf("%q: odd finding %v", code, f)
			}
		}
		want := []string{code}
		if code == "" {
			want = nil
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: found %v", code, fs)
		}
		if used := map[string]int{"data.unit": 1, "data.late": 1, "data.no_longer": 1, "data.short_history": 1}[code]; used == 1 != (u.Len() == 1) {
			t.Errorf("%q: %d strategies are used", code, u.Len())
		}
	}
}

func scale(v []float64, by float64) {
	for i := range v {
		v[i] *= by
	}
}

func TestSessions(t *testing.T) {
	p := panelOf(t, noise(1, 300)) // 2020-01-01 is a holiday of XNYS and a row here
	fs := checkSessions(p, exchange("XNYS"))
	if len(fs) != 1 || fs[0].Code != "data.no_session" || fs[0].Severity != Warn || fs[0].From.String() != "2020-01-01" {
		t.Errorf("rows on holidays: %v", fs)
	}
	q := &Panel{dates: slices.Delete(slices.Clone(p.dates), 10, 12)}
	fs = checkSessions(q, Weekdays())
	if len(fs) != 1 || fs[0].Code != "data.missing_session" || fs[0].Severity != Info || fs[0].Numbers["days"] != 2 {
		t.Errorf("missing sessions: %v", fs)
	}
}

func TestMissingPolicies(t *testing.T) {
	nan := math.NaN()
	make3 := func() *Panel {
		return panelOf(t, []float64{nan, 0.1, 0.2, nan, 0.3, nan}, []float64{1, 2, nan, 4, 5, 6}, []float64{1, 2, 3, 4, 5, 6})
	}
	for policy, want := range map[string]string{
		"model":    "a: 0.1 0.2 0.3 | b: 1 2 4 5 6 | c: 1 2 3 4 5 6",
		"zero":     "a: 0.1 0.2 0 0.3 | b: 1 2 0 4 5 6 | c: 1 2 3 4 5 6",
		"drop_day": "a: 0.1 0.3 | b: 1 2 5 6 | c: 1 2 5 6",
		"error":    "a: 0.1 0.2 0.3 | b: 1 2 4 5 6 | c: 1 2 3 4 5 6",
	} {
		o := options()
		o.Missing = policy
		p := make3()
		q, fs := Clean(p, o)
		var parts []string
		for j := range q.Len() {
			parts = append(parts, q.Strategy(j).Name+": "+strings.Trim(fmt.Sprint(q.Series(j).Returns), "[]"))
		}
		if got := strings.Join(parts, " | "); got != want {
			t.Errorf("%s: %s, want %s", policy, got, want)
		}
		if len(fs) != 2 || (policy == "error") != (Worst(fs) == Fail) || (policy == "zero") != (Worst(fs) == Hold) { // a quarter of a history
			t.Errorf("%s: findings %v", policy, fs)
		}
		equalPanels(t, p, make3())
	}
	o := options()
	o.MissingOf = []NamedMissing{{"b", "zero"}}
	q, _ := Clean(make3(), o)
	if q.Series(0).Len() != 3 || q.Series(1).Len() != 6 {
		t.Error("the policy of one strategy was taken for another's")
	}
}

func TestCompare(t *testing.T) {
	then := panelOf(t, noise(1, 100), noise(2, 100))
	if fs := Compare(then, panelOf(t, noise(1, 110), noise(2, 110))); len(fs) != 0 {
		t.Errorf("ten days more: %v", fs)
	}
	fs := Compare(then, panelOf(t, noise(1, 110), with(noise(2, 110), func(v []float64) { v[20] += 0.004; v[30] = math.NaN() })))
	if len(fs) != 1 || fs[0].Code != "data.restated" || fs[0].Severity != Hold || fs[0].Numbers["days"] != 2 || math.Abs(fs[0].Numbers["largest"]-0.004) > 1e-12 || *fs[0].From != then.Date(20) || *fs[0].To != then.Date(30) {
		t.Errorf("restated: %v", fs)
	}
	if fs := Compare(then, panelOf(t, noise(1, 110))); len(fs) != 1 || fs[0].Code != "data.shrunk" || fs[0].Strategy != "b" {
		t.Errorf("a strategy is gone: %v", fs)
	}
	now := panelOf(t, noise(1, 110), noise(2, 110))
	cut := &Panel{dates: slices.Delete(slices.Clone(now.dates), 5, 7), strategies: now.strategies}
	for _, v := range now.values {
		cut.values = append(cut.values, slices.Delete(slices.Clone(v), 5, 7))
	}
	if fs := Compare(then, cut); len(fs) != 1 || fs[0].Code != "data.shrunk" || fs[0].Numbers["days"] != 2 {
		t.Errorf("days are gone: %v", fs)
	}
}

func TestRate(t *testing.T) {
	fs := []Finding{finding("data.late", "x", "s", nil), finding("data.gap", "y", "s", nil)}
	rated := Rate(fs, []NamedSeverity{{"data.gap", "fail"}})
	if rated[0].Code != "data.gap" || rated[0].Severity != Fail || rated[1].Severity != Hold || fs[1].Severity != Info {
		t.Errorf("rated %v from %v", rated, fs)
	}
}

func TestFlatPatterns(t *testing.T) {
	fridays := with(noise(1, 400), func(v []float64) {
		for i := range v {
			if i%5 != 2 { // 2020-01-01 is a Wednesday
				v[i] = 0
			}
		}
	})
	if f := panelOf(t, fridays).Series(0).ZeroReturns(); math.Abs(f.Share-0.8) > 0.01 || f.LongestRun != 4 || f.Pattern != "the strategy trades on Fridays" {
		t.Errorf("Fridays: %+v", f)
	}
	p := panelOf(t, noise(1, 400))
	for i := range p.values[0] {
		if d := p.dates[i].Time().Day(); d > 3 && d < 27 {
			p.values[0][i] = 0
		}
	}
	if f := p.Series(0).ZeroReturns(); !strings.Contains(f.Pattern, "within four sessions of a month's end") {
		t.Errorf("turn of the month: %+v", f)
	}
}

// A delisted strategy is in every universe up to its exit and in none after.
func TestDelistedStaysUntilItsExit(t *testing.T) {
	exit := NewDate(2020, 8, 3)
	p := panelOf(t, noise(1, 300), noise(2, 300))
	q, _, err := p.Annotate(Metadata{"b": {Exit: &exit}})
	if err != nil {
		t.Fatal(err)
	}
	for d, want := range map[Date]int{exit.AddDays(-3): 2, exit: 1, exit.AddDays(1): 1, p.Last(): 1} {
		known, err := Known(q, d, d, options())
		if err != nil {
			t.Fatal(err)
		}
		if u, fs := Universe(known, options(), Weekdays()); u.Len() != want || Worst(fs) > Info {
			t.Errorf("on %v: %d strategies (%v), want %d", d, u.Len(), fs, want)
		}
	}
}

// TestUniverseBoundaries: min_history is enough, one fewer is not; a strategy is
// late for late_sessions, and ended one session later.
func TestUniverseBoundaries(t *testing.T) {
	const n = 80
	o := options()
	o.MinHistory, o.LateSessions = 60, 5
	codeOf := func(first, last int) string {
		v := missing(n)
		for i := first; i < last; i++ {
			v[i] = 0.01
		}
		full := make([]float64, n)
		p := panelOf(t, full, v)
		_, fs := Universe(p, o, Weekdays())
		for _, f := range fs {
			if f.Strategy == "b" {
				return f.Code
			}
		}
		return ""
	}
	for _, c := range []struct {
		first, last int
		want        string
	}{
		{20, n, ""}, {21, n, "data.short_history"}, // 60 and 59 returns
		{0, n - 5, "data.late"}, {0, n - 6, "data.no_longer"},
	} {
		if got := codeOf(c.first, c.last); got != c.want {
			t.Errorf("returns %d to %d: %q, want %q", c.first, c.last, got, c.want)
		}
	}
}
