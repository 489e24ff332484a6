package returns

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// datesOf lists n dates from a first one on.
func datesOf(first Date, n int, next func(Date) Date) []Date {
	var out []Date
	for d := first; len(out) < n; d = next(d) {
		out = append(out, d)
	}
	return out
}

func monthEnd(d Date) Date { return Monthly.last(Monthly.index(d) + 1) }

func businessMonthEnd(d Date) Date {
	d = monthEnd(d)
	for d.Weekday() == time.Saturday || d.Weekday() == time.Sunday {
		d--
	}
	return d
}

// TestDetectFrequency finds the frequency of the dates that files have: whole
// and with holes, dated at either end of the period, and of markets with other
// weekends.
func TestDetectFrequency(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	start := NewDate(2015, 1, 2) // a Friday
	holes := func(dates []Date, share float64) []Date {
		return slices.DeleteFunc(slices.Clone(dates), func(Date) bool { return rng.Float64() < share })
	}
	weekly := datesOf(start, 300, func(d Date) Date { return d + 7 })
	for _, c := range []struct {
		name  string
		dates []Date
		want  Frequency
	}{
		{"weekdays", datesOf(start, 300, Date.NextWeekday), Daily},
		{"XNYS", exchange("XNYS").Sessions(start, start+700), Daily},
		{"weekdays, a fifth missing", holes(datesOf(start, 300, Date.NextWeekday), 0.2), Daily},
		{"Sunday to Thursday", slices.DeleteFunc(datesOf(start, 400, func(d Date) Date { return d + 1 }), func(d Date) bool {
			return d.Weekday() == time.Friday || d.Weekday() == time.Saturday
		}), Daily},
		{"Monday to Saturday", slices.DeleteFunc(datesOf(start, 400, func(d Date) Date { return d + 1 }), func(d Date) bool { return d.Weekday() == time.Sunday }), Daily},
		{"every day", datesOf(start, 300, func(d Date) Date { return d + 1 }), SevenDay},
		{"every day, a tenth missing", holes(datesOf(start, 300, func(d Date) Date { return d + 1 }), 0.1), SevenDay},
		{"Fridays", weekly, Weekly},
		{"Fridays, and a last day in mid-week", append(slices.Clone(weekly[:299]), weekly[298]+5), Weekly},
		{"Mondays with holidays on Tuesday", datesOf(start+3, 200, func(d Date) Date {
			next := d - Date(int(d.Weekday())+6)%7 + 7
			if rng.Float64() < 0.1 {
				next++
			}
			return next
		}), Weekly},
		{"weekly, a third missing", holes(weekly, 0.3), Weekly},
		{"month ends", datesOf(NewDate(2010, 1, 31), 120, monthEnd), Monthly},
		{"business month ends", datesOf(NewDate(2010, 1, 29), 120, businessMonthEnd), Monthly},
		{"first of the month", datesOf(NewDate(2010, 1, 1), 120, func(d Date) Date { return d.AddMonths(1) }), Monthly},
		{"monthly, one year missing", slices.Delete(datesOf(NewDate(2010, 1, 31), 120, monthEnd), 30, 42), Monthly},
		{"quarter ends", datesOf(NewDate(2010, 3, 31), 40, func(d Date) Date { return Quarterly.last(Quarterly.index(d) + 1) }), Quarterly},
	} {
		if got, median, ok := detect(c.dates); got != c.want || !ok {
			t.Errorf("%s: %v (%v, median %d days), want %v", c.name, got, ok, median, c.want)
		}
	}
	for name, dates := range map[string][]Date{
		"fortnights": datesOf(start, 60, func(d Date) Date { return d + 14 }),
		"half years": datesOf(start, 20, func(d Date) Date { return d.AddMonths(6) }),
		"years":      datesOf(start, 20, func(d Date) Date { return d.AddYears(1) }),
		"two months": datesOf(start, 20, func(d Date) Date { return d.AddMonths(2) }),
	} {
		if f, _, ok := detect(dates); ok {
			t.Errorf("%s are %v", name, f)
		}
		if _, err := frequencyOf(dates, "auto"); err == nil || !strings.Contains(err.Error(), "resample the returns") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestStatedFrequency refuses every statement that the dates contradict.
func TestStatedFrequency(t *testing.T) {
	start := NewDate(2015, 1, 2)
	dates := map[Frequency][]Date{
		Daily: datesOf(start, 100, Date.NextWeekday), SevenDay: datesOf(start, 100, func(d Date) Date { return d + 1 }),
		Weekly: datesOf(start, 100, func(d Date) Date { return d + 7 }), Monthly: datesOf(start, 100, monthEnd),
		Quarterly: datesOf(start, 100, func(d Date) Date { return Quarterly.last(Quarterly.index(d) + 1) }),
	}
	for of, rows := range dates {
		for stated := range dates {
			f, err := frequencyOf(rows, stated.String())
			if (err == nil) != (stated == of) || err == nil && f != of {
				t.Errorf("%v rows stated to be %v: %v, %v", of, stated, f, err)
			}
			if err != nil && !strings.Contains(err.Error(), "returns.frequency is "+stated.String()) {
				t.Errorf("%v rows stated to be %v: %v", of, stated, err)
			}
		}
	}
	if f, err := frequencyOf(dates[Monthly][:5], "monthly"); f != Monthly || err != nil {
		t.Errorf("five months: %v, %v", f, err)
	}
}

// TestFrequencyNumbers are those of the manual.
func TestFrequencyNumbers(t *testing.T) {
	var got []string
	for f := Daily; f <= Quarterly; f++ {
		got = append(got, fmt.Sprintf("%v %v %d %s %s", f, f.PeriodsPerYear(), f.Month(), f.Periods(f.Month()), f.Days(2)))
		if back, err := ParseFrequency(f.String()); back != f || err != nil {
			t.Errorf("%v: %v, %v", f, back, err)
		}
	}
	want := []string{
		"daily 252 21 21 trading days 2 days", "seven_day 365 30 30 days 2 days", "weekly 52 4 4 weeks 2 weeks",
		"monthly 12 1 1 month 2 months", "quarterly 4 1 1 quarter 2 quarters",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// TestPeriodIndex checks that periods number days without gap or overlap.
func TestPeriodIndex(t *testing.T) {
	for _, f := range []Frequency{Weekly, Monthly, Quarterly} {
		for d := NewDate(1899, 12, 20); d < NewDate(2101, 1, 10); d++ {
			k := f.index(d)
			if last := f.last(k); last < d || f.index(last) != k || f.index(last+1) != k+1 {
				t.Fatalf("%v: %v is in period %d, which ends on %v", f, d, k, last)
			}
		}
	}
	if Weekly.last(Weekly.index(NewDate(2022, 12, 28))) != NewDate(2023, 1, 1) || Monthly.last(Monthly.index(NewDate(2024, 2, 1))) != NewDate(2024, 2, 29) || Quarterly.last(Quarterly.index(NewDate(2022, 11, 5))) != NewDate(2022, 12, 31) {
		t.Error("ends of periods")
	}
}

// TestPeriodCalendar says when a row of weeks or months is due.
func TestPeriodCalendar(t *testing.T) {
	o := DefaultOptions()
	calendar := func(f Frequency) Calendar {
		c, err := o.Sessions(f, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	wednesday := NewDate(2022, 12, 28)
	for _, c := range []struct {
		f         Frequency
		due, next Date
	}{
		{Daily, NewDate(2022, 12, 27), NewDate(2022, 12, 29)},
		{SevenDay, NewDate(2022, 12, 27), NewDate(2022, 12, 29)},
		{Weekly, NewDate(2022, 12, 25), NewDate(2023, 1, 2)},
		{Monthly, NewDate(2022, 11, 30), NewDate(2023, 1, 1)},
		{Quarterly, NewDate(2022, 9, 30), NewDate(2023, 1, 1)},
	} {
		k := calendar(c.f)
		if k.Due(wednesday) != c.due || k.NextRow(wednesday) != c.next || k.Next(wednesday) != NewDate(2022, 12, 29) {
			t.Errorf("%v: due %v, next row %v, next session %v", c.f, k.Due(wednesday), k.NextRow(wednesday), k.Next(wednesday))
		}
	}
	if n := calendar(Weekly).Since(NewDate(2022, 12, 2), wednesday); n != 4 {
		t.Errorf("%d weeks", n)
	}
	if n := calendar(SevenDay).Since(NewDate(2022, 12, 2), wednesday); n != 26 {
		t.Errorf("%d days", n)
	}
	if !calendar(SevenDay).IsSession(NewDate(2022, 12, 25)) || calendar(Daily).IsSession(NewDate(2022, 12, 25)) {
		t.Error("a Sunday")
	}
}

// TestMissingPeriods finds weeks and months without a row, and second rows.
func TestMissingPeriods(t *testing.T) {
	panel := func(dates []Date, f Frequency) *Panel {
		v := make([]float64, len(dates))
		for i := range v {
			v[i] = 0.01 * math.Sin(float64(i*i))
		}
		p, err := NewPanel(dates, []Strategy{{Name: "a"}}, [][]float64{v})
		if err != nil {
			t.Fatal(err)
		}
		return p.WithFrequency(f)
	}
	months := datesOf(NewDate(2010, 1, 31), 120, monthEnd)
	for _, c := range []struct {
		name  string
		dates []Date
		want  string
	}{
		{"whole", months, ""},
		{"one missing", slices.Delete(slices.Clone(months), 50, 51), "warn data.missing_session"},
		{"four in a row missing", slices.Delete(slices.Clone(months), 50, 54), "hold data.missing_session"},
		{"a second row", slices.Insert(slices.Clone(months), 50, months[50]-3), "warn data.no_session"},
	} {
		p := panel(c.dates, Monthly)
		k := Weekdays()
		k.frequency = Monthly
		var got []string
		for _, f := range checkSessions(p, k) {
			got = append(got, f.Severity.String()+" "+f.Code)
		}
		if strings.Join(got, ",") != c.want {
			t.Errorf("%s: %v, want %s", c.name, got, c.want)
		}
	}
	// Daily rows that begin as monthly ones are taken for daily, and held.
	mixed := append(datesOf(NewDate(2010, 1, 31), 60, monthEnd), datesOf(NewDate(2015, 1, 1), 400, Date.NextWeekday)...)
	f, _, _ := detect(mixed)
	if fs := checkSessions(panel(mixed, f), Weekdays()); f != Daily || Worst(fs) != Hold {
		t.Errorf("%v: %v", f, fs)
	}
}

// TestStrategyOfAnotherFrequency refuses a monthly index among daily returns.
func TestStrategyOfAnotherFrequency(t *testing.T) {
	dates := datesOf(NewDate(2015, 1, 2), 800, Date.NextWeekday)
	rng := rand.New(rand.NewPCG(1, 2))
	daily, monthly, weekly := make([]float64, len(dates)), missing(len(dates)), missing(len(dates))
	for i, d := range dates {
		daily[i] = 0.01 * rng.NormFloat64()
		if i+1 < len(dates) && Monthly.index(d) != Monthly.index(dates[i+1]) {
			monthly[i] = 0.04 * rng.NormFloat64()
		}
		if d.Weekday() == time.Friday {
			weekly[i] = 0.02 * rng.NormFloat64()
		}
	}
	p, err := NewPanel(dates, []Strategy{{Name: "daily"}, {Name: "monthly"}, {Name: "weekly"}}, [][]float64{daily, monthly, weekly})
	if err != nil {
		t.Fatal(err)
	}
	fs := checkFrequency(p)
	if len(fs) != 2 || fs[0].Strategy != "monthly" || fs[1].Strategy != "weekly" || Worst(fs) != Fail {
		t.Errorf("%v", fs)
	}
}

// TestLastRows warns of a feed that has become weekly, as a whole or in one
// strategy, which neither the longest gap nor the share of gaps shows.
func TestLastRows(t *testing.T) {
	dates := datesOf(NewDate(2015, 1, 2), 1200, Date.NextWeekday)
	for d := dates[len(dates)-1] + 7; len(dates) < 1240; d += 7 {
		dates = append(dates, d)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	v := make([]float64, len(dates))
	for i := range v {
		v[i] = 0.01 * rng.NormFloat64()
	}
	p, err := NewPanel(dates, []Strategy{{Name: "a"}}, [][]float64{v})
	if err != nil {
		t.Fatal(err)
	}
	if fs := checkFrequency(p); len(fs) != 1 || fs[0].Severity != Warn || fs[0].Strategy != "" {
		t.Errorf("the feed: %v", fs)
	}
	q := p.Window(dates[0], dates[1199])
	w := slices.Clone(q.values[0])
	for i := 1000; i < 1199; i++ {
		if q.dates[i].Weekday() != time.Friday {
			w[i] = math.NaN()
		}
	}
	two, err := NewPanel(q.dates, []Strategy{{Name: "a"}, {Name: "b"}}, [][]float64{q.values[0], w})
	if err != nil {
		t.Fatal(err)
	}
	if fs := checkFrequency(two); len(fs) != 1 || fs[0].Severity != Warn || fs[0].Strategy != "b" {
		t.Errorf("one strategy: %v", fs)
	}
}
