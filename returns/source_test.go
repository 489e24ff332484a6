package returns

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func options() Options {
	o := DefaultOptions()
	o.Path = "file.csv"
	return o
}

func readText(text string, o Options) (*Panel, []Finding, error) {
	return Read([]File{{Name: "f.csv", Data: []byte(text)}}, o)
}

func TestReadWide(t *testing.T) {
	p, findings, err := readText("Date,b,a,none\n2020-01-03,0.02,,\n20200102,0.01,-0.01,\n2020-01-06T00:00:00Z,NaN,0.03,\n", options())
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(p.Names(), " "); got != "a b" || p.Days() != 3 {
		t.Fatalf("strategies %s, %d days", got, p.Days())
	}
	want := [][]float64{{-0.01, math.NaN(), 0.03}, {0.01, 0.02, math.NaN()}}
	for j := range want {
		for i, w := range want[j] {
			if got, ok := p.At(i, j); ok == math.IsNaN(w) || ok && got != w {
				t.Errorf("day %d strategy %d: %v %v, want %v", i, j, got, ok, w)
			}
		}
	}
	if s := p.Strategy(1); s.Entry.String() != "2020-01-02" || s.Last.String() != "2020-01-03" {
		t.Errorf("b lives from %v to %v", s.Entry, s.Last)
	}
	if len(findings) != 1 || findings[0].Code != "data.empty_strategy" || findings[0].Strategy != "none" {
		t.Errorf("findings %v", findings)
	}
}

func TestReadUnits(t *testing.T) {
	for unit, cell := range map[string]string{"fraction": "0.0125", "percent": "1.25", "bp": "125"} {
		o := options()
		o.Unit = unit
		p, _, err := readText("date;a\n2020-01-02;"+cell+"\n", o)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := p.At(0, 0); math.Abs(got-0.0125) > 1e-17 {
			t.Errorf("%s %s: %v", cell, unit, got)
		}
	}
}

func TestRepeatedRowsCollapse(t *testing.T) {
	p, findings, err := readText("date,a\n2020-01-02,0.01\n2020-01-02,0.01\n2020-01-03,\n", options())
	if err != nil {
		t.Fatal(err)
	}
	if p.Days() != 2 || len(findings) != 1 || findings[0].Code != "data.repeated_rows" || findings[0].Severity != Info {
		t.Errorf("%d days, findings %v", p.Days(), findings)
	}
}

func TestReadRefuses(t *testing.T) {
	long := options()
	long.Layout = "long"
	only := options()
	only.Strategies = []string{"a", "zz"}
	named := options()
	named.DateColumn = "when"
	for _, c := range []struct {
		name, text, want string
		o                Options
	}{
		{"no date column", "a,b\n1,2\n", `f.csv: row 1: no date column among "a", "b"`, options()},
		{"named date column", "date,b\n2020-01-02,2\n", `row 1: no column "when"`, named},
		{"header only", "date,a\n", "a header but no rows", options()},
		{"text", "date,a\n2020-01-02,0.1\n2020-01-03,x\n", `row 3: column "a": "x": not a`, options()},
		{"date", "date,a\n2020-13-02,0.1\n", `row 2: column "date": "2020-13-02": not a date`, options()},
		{"not midnight", "date,a\n2020-01-02T09:30:00Z,0.1\n", `row 2: column "date"`, options()},
		{"conflict", "date,a\n2020-01-02,0.1\n2020-01-03,0.2\n2020-01-02,0.3\n", `row 4: column "a": "0.3": 2020-01-02 appears twice with different values; row 2 has 0.1`, options()},
		{"conflict with a blank", "date,a\n2020-01-02,0.1\n2020-01-02,\n", `row 3: column "a": "blank"`, options()},
		{"same name", "date,a,a\n2020-01-02,0.1,0.1\n", `row 1: column "a": two columns have this name`, options()},
		{"no name", "date,a,\n2020-01-02,0.1,0.1\n", "column 3 has no name", options()},
		{"ragged", "date,a\n2020-01-02,0.1,3\n", "row 2: more cells than the 2 columns of the header", options()},
		{"loss of more than all", "date,a\n2020-01-02,-1.01\n", `"-1.01": a return below -100%`, options()},
		{"prices", "date,a\n2020-01-02,101.5\n2020-01-03,102\n", `column "a": all values are positive and most are above 2, as prices are; set returns.kind to prices`, options()},
		{"infinite", "date,a\n2020-01-02,1e999\n", "not a finite number", options()},
		{"no return", "date,a\n2020-01-02,\n", "no strategy has a return", options()},
		{"missing strategy", "date,a\n2020-01-02,0.1\n", `returns.strategies names "zz"`, only},
		{"long without names", "date,name,return\n2020-01-02,a,0.1\n", `no column "strategy"; set returns.strategy_column`, long},
		{"long conflict", "date,strategy,return\n2020-01-02,a,0.1\n2020-01-02,b,0.1\n2020-01-02,a,0.2\n", `row 4: column "return": "0.2": 2020-01-02 appears twice with different values; row 2 has 0.1`, options()},
		{"long blank name", "date,strategy,return\n2020-01-02,,0.1\n", `row 2: column "strategy": the name is blank`, options()},
	} {
		_, _, err := readText(c.text, c.o)
		var input *InputError
		if !errors.As(err, &input) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
	var empty *NotReadyError
	if _, _, err := readText("", options()); !errors.As(err, &empty) {
		t.Errorf("an empty file: %v", err)
	}
}

// What WriteCSV writes, Read reads: every value, gap, date and name.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		days, n := rapid.IntRange(1, 40).Draw(r, "days"), rapid.IntRange(1, 6).Draw(r, "n")
		dates := make([]Date, days)
		for i := range dates {
			dates[i] = Date(rapid.IntRange(0, 3).Draw(r, "step")) + 1
			if i > 0 {
				dates[i] += dates[i-1]
			}
		}
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z<=@"',./é🙂]{0,12}[a-z]`), n, n, rapid.ID[string]).Draw(r, "names")
		strategies, values := make([]Strategy, n), make([][]float64, n)
		for j := range values {
			strategies[j].Name = names[j]
			values[j] = make([]float64, days)
			for i := range values[j] {
				values[j][i] = rapid.Float64Range(-0.9, 2).Draw(r, "return")
				if rapid.IntRange(0, 4).Draw(r, "gap") == 0 {
					values[j][i] = math.NaN()
				}
			}
			values[j][0] = 0.5
		}
		for _, name := range names {
			for _, h := range dateHeaders {
				if strings.EqualFold(name, h) || name == "strategy" || name == "return" || strings.TrimSpace(name) != name {
					r.Skip("the name means something in a header")
				}
			}
		}
		p, err := NewPanel(dates, strategies, values)
		if err != nil {
			r.Fatal(err)
		}
		var b bytes.Buffer
		if err := p.WriteCSV(&b); err != nil {
			r.Fatal(err)
		}
		q, _, err := readText(b.String(), options())
		if err != nil {
			r.Fatal(err)
		}
		equalPanels(r, p, q)
		table, err := p.Table()
		if err != nil {
			r.Fatal(err)
		}
		if q, err = PanelFromTable(table); err != nil {
			r.Fatal(err)
		}
		equalPanels(r, p, q)
	})
}

func equalPanels(t interface{ Fatalf(string, ...any) }, p, q *Panel) {
	if p.Days() != q.Days() || p.Len() != q.Len() {
		t.Fatalf("%d x %d became %d x %d", p.Days(), p.Len(), q.Days(), q.Len())
	}
	for j := range p.Len() {
		if p.Strategy(j) != q.Strategy(j) {
			t.Fatalf("%+v became %+v", p.Strategy(j), q.Strategy(j))
		}
		for i := range p.Days() {
			a, okA := p.At(i, j)
			b, okB := q.At(i, j)
			if p.Date(i) != q.Date(i) || okA != okB || okA && math.Float64bits(a) != math.Float64bits(b) {
				t.Fatalf("%v %v of day %v became %v %v of %v", a, okA, p.Date(i), b, okB, q.Date(i))
			}
		}
	}
}

func testStream(part string) rand.Source {
	h := uint64(7)
	for _, c := range []byte(part) {
		h = h*31 + uint64(c)
	}
	return rand.NewPCG(1, h)
}

func TestUniverseNeverLooksAhead(t *testing.T) {
	p, _, err := Simulate(Simulation{Strategies: 6, Days: 400, Start: NewDate(2020, 1, 1), Ragged: 0.5, Gaps: 0.02}, testStream)
	if err != nil {
		t.Fatal(err)
	}
	o := options()
	o.ShortHistory = "exclude"
	for _, at := range []int{100, 250, 399} {
		asOf := p.Date(at)
		known, err := Known(p, asOf, asOf, o)
		if err != nil {
			t.Fatal(err)
		}
		u, fs := Universe(known, o, Weekdays())
		// The same panel with every later return replaced by nonsense.
		strategies, values := make([]Strategy, p.Len()), make([][]float64, p.Len())
		for j := range values {
			strategies[j].Name = p.Strategy(j).Name
			values[j] = append([]float64(nil), p.values[j]...)
			for i := at + 1; i < p.Days(); i++ {
				values[j][i] = 9
			}
		}
		bad, err := NewPanel(p.dates, strategies, values)
		if err != nil {
			t.Fatal(err)
		}
		knownBad, err := Known(bad, asOf, asOf, o)
		if err != nil {
			t.Fatal(err)
		}
		v, gs := Universe(knownBad, o, Weekdays())
		equalPanels(t, u, v)
		if len(fs) != len(gs) {
			t.Errorf("findings %v became %v", fs, gs)
		}
		if u.Len() == 0 || u.Last() != asOf {
			t.Errorf("universe of %d up to %v", u.Len(), u.Last())
		}
	}
}

func TestPeriodDates(t *testing.T) {
	end, first := NewDate(2022, 12, 28), NewDate(1990, 1, 3)
	for p, want := range map[Period]string{"10y": "2012-12-29", "18m": "2021-06-29", "30d": "2022-11-29", "all": "1990-01-03"} {
		if got, err := p.Start(end, first); err != nil || got.String() != want {
			t.Errorf("%s before %v starts on %v (%v), want %s", p, end, got, err, want)
		}
	}
	for _, p := range []Period{"", "y", "0y", "-1y", "10", "10w", "9999999999y"} {
		if _, err := p.Start(end, first); err == nil {
			t.Errorf("period %q was accepted", p)
		}
	}
}

func TestDates(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		d := Date(rapid.IntRange(-100000, 200000).Draw(r, "day"))
		if got, err := ParseDate(d.String()); err != nil || got != d {
			r.Fatalf("%d is %s, read as %d (%v)", d, d, got, err)
		}
	})
	if d := NewDate(2024, 2, 29); d.AddYears(1) != NewDate(2025, 3, 1) || NewDate(2022, 12, 23).NextWeekday() != NewDate(2022, 12, 26) {
		t.Error("calendar arithmetic")
	}
	for _, s := range []string{"", "2020-1-2", "02/01/2020", "2020-02-30", "20200230", "2020-01-02 10:00:00", "2020-01-02x"} {
		if _, err := ParseDate(s); err == nil {
			t.Errorf("%q was read as a date", s)
		}
	}
}
