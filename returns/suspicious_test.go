package returns

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// table writes columns of numbers over weekdays as CSV text.
type table struct {
	names   []string
	columns [][]float64
}

func (x table) text(first string, of func(row int, d Date) string) string {
	var b strings.Builder
	b.WriteString(first + strings.Join(x.names, ",") + "\n")
	for i, d := range datesOf(NewDate(2020, 1, 2), len(x.columns[0]), Date.NextWeekday) {
		b.WriteString(of(i, d))
		for k, c := range x.columns {
			if k > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "%.8g", c[i])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// walk is n prices, or n returns, of a strategy.
func walk(seed uint64, n int, prices bool) []float64 {
	rng := rand.New(rand.NewPCG(seed, 1))
	out := make([]float64, n)
	level := 100.0
	for i := range out {
		r := 0.0003 + 0.01*rng.NormFloat64()
		level *= 1 + r
		if out[i] = r; prices {
			out[i] = level
		}
	}
	return out
}

// TestIndexColumns reads prices beside columns that hold none: the panel is
// that of the prices alone, with a finding for each column that was left out.
func TestIndexColumns(t *testing.T) {
	const n = 60
	prices := table{[]string{"a", "b"}, [][]float64{walk(1, n, true), walk(2, n, true)}}
	count := func(from, step int) func(int, Date) string {
		return func(i int, d Date) string { return fmt.Sprintf("%d,%v,", from+step*i, d) }
	}
	o := options()
	o.Kind = "prices"
	plain, _, err := readText(prices.text("date,", func(_ int, d Date) string { return d.String() + "," }), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		header string
		row    func(int, Date) string
	}{
		{"Unnamed: 0,date,", count(0, 1)},
		{"Unnamed: 3,date,", count(7, 1)},
		{",date,", count(1, 1)}, // R's write.csv
		{"index,date,", count(0, 1)},
		{"__index_level_0__,date,", count(0, 1)},
		{"level_0,date,", count(0, 1)},
		{"rownames,date,", count(1, 1)},
		{"n,date,", count(1, 1)},         // by its content
		{"obs no,date,", count(500, -1)}, // falling
		{"id,date,", func(i int, d Date) string { return fmt.Sprintf("%d,%v,", i+i/20, d) }},           // some rows were removed
		{"serial,date,", func(_ int, d Date) string { return fmt.Sprintf("%d,%v,", int(d)+25569, d) }}, // a spreadsheet's days
		{"unix,date,", func(_ int, d Date) string { return fmt.Sprintf("%d,%v,", int64(d)*86400, d) }},
		{"excel,date,", func(_ int, d Date) string { return fmt.Sprintf("%.4f,%v,", float64(d)+25569.6667, d) }},
		{"millis,date,", func(_ int, d Date) string { return fmt.Sprintf("%d,%v,", int64(d)*86400000+18000000, d) }},
		{"decimal,date,", func(_ int, d Date) string {
			return fmt.Sprintf("%.4f,%v,", float64(d.Time().Year())+float64(d.Time().YearDay()-1)/366, d)
		}},
		{"period,date,", func(_ int, d Date) string { return d.String()[:4] + d.String()[5:7] + "," + d.String() + "," }},
		{"order id,date,", func(i int, d Date) string { return fmt.Sprintf("%d,%v,", 1000+7*i+i*i%5, d) }},
		{"yyyymmdd,date,", func(_ int, d Date) string { return strings.ReplaceAll(d.String(), "-", "") + "," + d.String() + "," }},
		{"year,date,", func(_ int, d Date) string { return fmt.Sprintf("%d,%v,", d.Time().Year(), d) }},
		{"date,settle_date,", func(_ int, d Date) string { return fmt.Sprintf("%v,%v,", d, d+2) }},
		{"date,timestamp,", func(_ int, d Date) string { return fmt.Sprintf("%v,%vT00:00:00Z,", d, d) }},
	} {
		p, fs, err := readText(prices.text(c.header, c.row), o)
		if err != nil {
			t.Errorf("%s: %v", c.header, err)
			continue
		}
		equalPanels(t, p, plain)
		if len(fs) != 1 || fs[0].Code != "data.index_column" || fs[0].Severity != Warn {
			t.Errorf("%s: %v", c.header, fs)
		}
	}
	// Named as a strategy, a column is one.
	o.Strategies = []string{"n", "a"}
	p, fs, err := readText(prices.text("n,date,", count(1, 1)), o)
	if err != nil || p.Len() != 2 || len(fs) != 0 {
		t.Errorf("named: %v, %v", fs, err)
	}
}

// TestDateLikeStrategyNames keeps strategies whose names or numbers only
// resemble those of an index.
func TestDateLikeStrategyNames(t *testing.T) {
	const n = 60
	for _, name := range []string{"ex_date_effect", "time series momentum", "dt", "index_tracker", "level", "row_hedge", "year_end_rally", "opening", "low", "high"} {
		x := table{[]string{name, "b"}, [][]float64{walk(1, n, false), walk(2, n, false)}}
		p, fs, err := readText(x.text("date,", func(_ int, d Date) string { return d.String() + "," }), options())
		if err != nil || p.Len() != 2 || len(fs) != 0 {
			t.Errorf("%s: %v, %v", name, fs, err)
		}
	}
}

// TestUnsuspiciousSeries keeps what only resembles an index, or levels: prices in
// whole numbers that rise, positive returns that vary, and the steady interest
// of a money market in any unit.
func TestUnsuspiciousSeries(t *testing.T) {
	const n = 60
	rng := rand.New(rand.NewPCG(4, 4))
	rising, varied, interest := make([]float64, n), make([]float64, n), make([]float64, n)
	level := 100.0
	for i := range n {
		level += float64(rng.IntN(9) - 2) // whole prices that fall now and then
		rising[i], varied[i], interest[i] = level, 0.01+0.2*rng.Float64(), 0.00015*(1+0.02*rng.NormFloat64())
	}
	for _, c := range []struct {
		name       string
		values     []float64
		kind, unit string
		scale      float64
	}{
		{"whole prices", rising, "prices", "fraction", 1},
		{"positive returns", varied, "returns", "fraction", 1},
		{"interest", interest, "returns", "fraction", 1},
		{"interest in percent", interest, "returns", "percent", 100},
		{"interest in basis points", interest, "returns", "bp", 1e4},
	} {
		o := options()
		o.Kind, o.Unit = c.kind, c.unit
		v := make([]float64, n)
		for i := range v {
			v[i] = c.scale * c.values[i]
		}
		x := table{[]string{"a", "b"}, [][]float64{v, v}}
		p, fs, err := readText(x.text("date,", func(_ int, d Date) string { return d.String() + "," }), o)
		if err != nil || p.Len() != 2 || len(fs) != 0 {
			t.Errorf("%s: %v, %v", c.name, fs, err)
		}
	}
}

// TestSeparatorLine: rows are counted with the line that names the delimiter.
func TestSeparatorLine(t *testing.T) {
	if _, _, err := readText("sep=;\ndate;a\n2020-01-02;0.01\n2020-13-02;0.02\n", options()); err == nil || !strings.Contains(err.Error(), "row 4") {
		t.Errorf("%v", err)
	}
	p, _, err := readText("\ufeff\"sep=\t\"\r\ndate\ta\r\n2020-01-02\t0.01\r\n2020-01-03\t0.02\r\n", options())
	if err != nil || p.Days() != 2 {
		t.Errorf("%v", err)
	}
}

// TestBars refuses the bars of one instrument, and reads the one column that
// is named.
func TestBars(t *testing.T) {
	const n = 40
	c := walk(1, n, true)
	for _, names := range [][]string{{"Open", "High", "Low", "Close", "Volume"}, {"open", "high", "low", "close", "adj close"}, {"AAPL.Open", "AAPL.High", "AAPL.Low", "AAPL.Close", "AAPL.Volume"}, {"close", "volume"}} {
		x := table{names, slices.Repeat([][]float64{c}, len(names))}
		text := x.text("date,", func(_ int, d Date) string { return d.String() + "," })
		o := options()
		o.Kind = "prices"
		if _, _, err := readText(text, o); err == nil || !strings.Contains(err.Error(), "are price bars of one instrument, not strategies; name one in returns.strategies") {
			t.Errorf("%v: %v", names, err)
		}
		o.Strategies = []string{names[0]}
		if p, _, err := readText(text, o); err != nil || p.Len() != 1 {
			t.Errorf("%v, one named: %v", names, err)
		}
	}
}

// TestLevels refuses prices and equity curves that are declared to be returns,
// in every unit and layout, and names the key to change.
func TestLevels(t *testing.T) {
	const n = 80
	curve := func(start, scale float64) []float64 {
		v := walk(3, n, true)
		for i := range v {
			v[i] = start * (1 + scale*(v[i]/v[0]-1))
		}
		return v
	}
	for _, c := range []struct {
		name   string
		values []float64
		unit   string
	}{
		{"growth of 1", curve(1, 1), "fraction"},
		{"growth of 1 as percent", curve(1, 1), "percent"},
		{"growth of 100", curve(100, 1), "fraction"},
		{"growth of 100 as percent", curve(100, 1), "percent"},
		{"growth of 100 as basis points", curve(100, 1), "bp"},
		{"an index at 3,000 as percent", curve(3000, 1), "percent"},
		{"a currency at 0.2", curve(0.2, 0.5), "fraction"},
	} {
		o := options()
		o.Unit = c.unit
		wide := table{[]string{"a", "b"}, [][]float64{walk(1, n, false), c.values}}.text("date,", func(_ int, d Date) string { return d.String() + "," })
		var long strings.Builder
		long.WriteString("date,strategy,return\n")
		for i, d := range datesOf(NewDate(2020, 1, 2), n, Date.NextWeekday) {
			fmt.Fprintf(&long, "%v,a,%.8g\n%v,b,%.8g\n", d, walk(1, n, false)[i], d, c.values[i])
		}
		for layout, text := range map[string]string{"wide": wide, "long": long.String()} {
			_, _, err := readText(text, o)
			if err == nil || !strings.Contains(err.Error(), "set returns.kind to prices") || strings.Contains(err.Error(), "percent") {
				t.Errorf("%s, %s: %v", c.name, layout, err)
			}
		}
	}
}

// TestSuspiciousSeries gives Check series of every kind that is no honest
// history of returns.
func TestSuspiciousSeries(t *testing.T) {
	const n = 400
	good := walk(5, n, false)
	rng := rand.New(rand.NewPCG(9, 9))
	of := func(f func(i int) float64) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = f(i)
		}
		return v
	}
	sum := 0.0
	for _, c := range []struct {
		name   string
		values []float64
		unit   string
		want   string
	}{
		{"good", good, "fraction", ""},
		{"cumulative returns", of(func(i int) float64 { sum += good[i]; return sum }), "fraction", "fail data.unit, hold data.persistent"},
		{"a yield", of(func(i int) float64 { return 0.0002 + 0.0001*math.Sin(float64(i)/60) }), "fraction", "hold data.persistent, warn data.all_positive"},
		{"bills", of(func(int) float64 { return 0.0002 + 0.00003*rng.NormFloat64() }), "fraction", "warn data.all_positive"},
		{"a drawdown", of(func(i int) float64 { return -0.02 * math.Abs(math.Sin(float64(i*i))) }), "fraction", "hold data.never_positive"},
		{"absolute returns", of(func(i int) float64 { return 1e-5 + math.Abs(good[i]) }), "fraction", "hold data.all_positive"},
		{"constant", of(func(int) float64 { return 0.0001 }), "fraction", "fail data.constant"},
		{"zero", of(func(int) float64 { return 0 }), "fraction", "fail data.constant"},
		{"constant up to the rounding of prices", of(func(i int) float64 { return 0.0001 + 1e-9*float64(i%7) }), "fraction", "fail data.constant"},
		{"one value or nothing", of(func(i int) float64 { return 0.001 * float64(i%2) }), "fraction", "fail data.constant"},
		{"negative and constant", of(func(int) float64 { return -0.0002 }), "fraction", "fail data.constant"},
		{"percent read as fractions", of(func(i int) float64 { return 100 * good[i] }), "fraction", "fail data.unit"},
		{"fractions read as percent", of(func(i int) float64 { return good[i] / 100 }), "percent", "fail data.unit"},
		{"fractions read as basis points", of(func(i int) float64 { return good[i] / 1e4 }), "bp", "fail data.unit"},
		{"percent read as basis points", of(func(i int) float64 { return good[i] / 100 }), "bp", "fail data.unit"},
		{"one return of 400 spreads", of(func(i int) float64 {
			if i == 99 {
				return 4
			}
			return good[i]
		}), "fraction", "hold data.outlier"},
		{"a month of one value", of(func(i int) float64 {
			if i >= 50 && i < 75 {
				return 0.0123
			}
			return good[i]
		}), "fraction", "hold data.repeated_value"},
	} {
		p, err := NewPanel(datesOf(NewDate(2020, 1, 2), n, Date.NextWeekday), []Strategy{{Name: "x"}}, [][]float64{c.values})
		if err != nil {
			t.Fatal(err)
		}
		o := options()
		o.Unit = c.unit
		fs := Check(p, o, Weekdays())
		SortFindings(fs)
		var got []string
		for _, f := range fs {
			got = append(got, f.Severity.String()+" "+f.Code)
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %s, want %s", c.name, strings.Join(got, ", "), c.want)
		}
	}
}

// TestUnitByFrequency scales the limit on the median return with the length of
// a period: a month of 3% is none of a wrong unit, a day is.
func TestUnitByFrequency(t *testing.T) {
	v := walk(5, 120, false)
	for i := range v {
		v[i] *= 4.5 // 3% at the median
	}
	for f, want := range map[Frequency]bool{Daily: true, SevenDay: true, Weekly: false, Monthly: false} {
		s := &Series{Strategy: Strategy{Name: "x"}, Returns: v, Dates: make([]Date, len(v)), Frequency: f}
		found := slices.ContainsFunc(checkSeries(s, options()), func(f Finding) bool { return f.Code == "data.unit" })
		if found != want {
			t.Errorf("%v: data.unit %v", f, found)
		}
	}
}

// TestDuplicates grades pairs by their correlation, whatever their scale.
func TestDuplicates(t *testing.T) {
	const n = 300
	a, e := walk(1, n, false), walk(2, n, false)
	mix := func(share, scale float64) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = scale * (a[i] + share*e[i])
		}
		return v
	}
	for _, c := range []struct {
		b    []float64
		want string
	}{
		{mix(1e-9, 1), "warn data.duplicate"},
		{mix(0.02, 1), "warn data.duplicate"},
		{mix(0.02, 3), "warn data.duplicate"}, // the same strategy with leverage
		{mix(0.15, 1), "info data.duplicate"},
		{mix(0.5, 1), ""},
		{mix(0, 1), "warn data.identical"},
		{mix(0.02, -1), "warn data.duplicate"},                        // the opposite position
		{append([]float64{0.001}, a[:n-1]...), "warn data.duplicate"}, // a day late
	} {
		p, err := NewPanel(datesOf(NewDate(2020, 1, 2), n, Date.NextWeekday), []Strategy{{Name: "a"}, {Name: "b"}}, [][]float64{a, c.b})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, f := range checkDuplicates(p) {
			got += f.Severity.String() + " " + f.Code
		}
		if got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

// TestGapSizes grades missing returns by their longest run and their share.
func TestGapSizes(t *testing.T) {
	const n = 500
	for _, c := range []struct {
		name string
		gone func(i int) bool
		want string
	}{
		{"one", func(i int) bool { return i == 100 }, "info data.gap"},
		{"a month", func(i int) bool { return i >= 100 && i < 121 }, "warn data.gap"},
		{"a quarter", func(i int) bool { return i >= 100 && i < 163 }, "hold data.gap, warn data.sparse"},
		{"every fifth", func(i int) bool { return i%5 == 2 && i > 0 }, "warn data.sparse, info data.gap"},
		{"every third", func(i int) bool { return i%3 == 1 && i < n-1 }, "hold data.sparse, info data.gap"},
	} {
		a, b := walk(1, n, false), walk(2, n, false)
		for i := range b {
			if c.gone(i) {
				b[i] = math.NaN()
			}
		}
		p, err := NewPanel(datesOf(NewDate(2020, 1, 2), n, Date.NextWeekday), []Strategy{{Name: "a"}, {Name: "b"}}, [][]float64{a, b})
		if err != nil {
			t.Fatal(err)
		}
		_, fs := Clean(p, options())
		SortFindings(fs)
		var got []string
		for _, f := range fs {
			got = append(got, f.Severity.String()+" "+f.Code)
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %v, want %s", c.name, got, c.want)
		}
	}
}

// TestTimezone reads midnights of one zone that are stored in another, through
// a change to daylight-saving time, and refuses what is not at midnight.
func TestTimezone(t *testing.T) {
	text := "date,a\n2022-03-11T05:00:00Z,0.01\n2022-03-14T04:00:00Z,0.02\n2022-03-15 04:00:00,0.03\n"
	o := options()
	if _, _, err := readText(text, o); err == nil || !strings.Contains(err.Error(), `row 2: column "date": "2022-03-11T05:00:00Z": the timestamp is not midnight in its own time zone`) || !strings.Contains(err.Error(), "set returns.timezone") {
		t.Errorf("without the key: %v", err)
	}
	o.Timezone = "America/New_York"
	p, _, err := readText(text, o)
	if err != nil {
		t.Fatal(err)
	}
	if p.Date(0) != NewDate(2022, 3, 11) || p.Date(1) != NewDate(2022, 3, 14) || p.Date(2) != NewDate(2022, 3, 15) {
		t.Errorf("%v %v %v", p.Date(0), p.Date(1), p.Date(2))
	}
	o.Timezone = "Europe/Paris"
	if _, _, err := readText(text, o); err == nil || !strings.Contains(err.Error(), "not midnight in returns.timezone, Europe/Paris") {
		t.Errorf("another zone: %v", err)
	}
	o.Timezone = "Mars"
	if err := o.Validate(); err == nil || !strings.Contains(err.Error(), `returns.timezone: "Mars" is not a time zone`) {
		t.Errorf("no zone: %v", err)
	}
}

// TestSeveritySteps checks every list of steps: sizes rise, severities do not fall, and
// each step is taken at its size.
func TestSeveritySteps(t *testing.T) {
	for _, c := range Codes() {
		last := Step{From: math.Inf(-1)}
		for i, s := range c.Steps {
			if s.When != "" {
				continue
			}
			if s.From <= last.From || i > 0 && s.Severity <= last.Severity {
				t.Errorf("%s: steps %v", c.Name, c.Steps)
			}
			if got := c.Grade(s.From); got != s.Severity {
				t.Errorf("%s at %v: %v, want %v", c.Name, s.From, got, s.Severity)
			}
			if i > 0 {
				if got := c.Grade(math.Nextafter(s.From, 0)); got != last.Severity {
					t.Errorf("%s below %v: %v, want %v", c.Name, s.From, got, last.Severity)
				}
			}
			last = s
		}
		if len(c.Steps) > 1 && c.Size != "" && c.Why == "" {
			t.Errorf("%s has sizes and no reason for them", c.Name)
		}
		if c.About == "" || len(c.Steps) == 0 {
			t.Errorf("%s is not described", c.Name)
		}
	}
}
