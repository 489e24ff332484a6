package returns

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// fileOf writes dates and strategies as text: of a date and a strategy, cell gives the cells.
func fileOf(header string, dates []Date, cell func(t, j int) string, strategies int) []File {
	var b strings.Builder
	b.WriteString(header + "\n")
	for t, d := range dates {
		b.WriteString(d.String())
		for j := range strategies {
			b.WriteString("," + cell(t, j))
		}
		b.WriteString("\n")
	}
	return []File{{Name: "f.csv", Data: []byte(b.String())}}
}

// TestInspect writes files of known kind, unit, frequency and calendar, and expects these to be
// found.
func TestInspect(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	first := NewDate(2015, time.January, 1)
	sessions := func(name string) []Date {
		return Calendar{name: name, holiday: exchanges[name]}.Sessions(first, first+4*365)
	}
	weekdays := Weekdays().Sessions(first, first+4*365)
	everyDay := EveryDay().Sessions(first, first+600)
	var months []Date
	for k := range 90 {
		months = append(months, first.AddMonths(k+1)-1)
	}
	returnsOf := func(scale float64) func(t, j int) string {
		return func(int, int) string { return fmt.Sprintf("%.8f", scale*(0.0003+0.008*rng.NormFloat64())) }
	}
	level := []float64{100, 1, 20}
	prices := func(_, j int) string {
		level[j] *= math.Exp(0.0003 + 0.008*rng.NormFloat64())
		return fmt.Sprintf("%.6f", level[j])
	}
	for name, c := range map[string]struct {
		files                               []File
		layout, kind, unit, frequency, days string
	}{
		"fractions of New York":  {fileOf("date,a,b,c", sessions("XNYS"), returnsOf(1), 3), "wide", "returns", "fraction", "daily", "XNYS"},
		"percent of London":      {fileOf("date,a,b,c", sessions("XLON"), returnsOf(100), 3), "wide", "returns", "percent", "daily", "XLON"},
		"basis points of Paris":  {fileOf("date,a,b,c", sessions("XPAR"), returnsOf(1e4), 3), "wide", "returns", "bp", "daily", "XPAR"},
		"prices of every day":    {fileOf("Date,a,b,c", everyDay, prices, 3), "wide", "prices", "fraction", "seven_day", "auto"},
		"weekdays":               {fileOf("day,a,b,c", weekdays, returnsOf(1), 3), "wide", "returns", "fraction", "daily", "weekdays"},
		"months in percent":      {fileOf("month,a,b,c", months, returnsOf(450), 3), "wide", "returns", "percent", "monthly", "auto"},
		"a short file":           {fileOf("date,a,b,c", weekdays[:30], returnsOf(1), 3), "wide", "returns", "fraction", "daily", "weekdays"},
		"percent, named in full": {fileOf("date,a return,b return,c return", weekdays, returnsOf(100), 3), "wide", "returns", "percent", "daily", "weekdays"},
	} {
		n, err := Inspect(c.files, DefaultOptions())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		o := n.Options
		if o.Layout != c.layout || o.Kind != c.kind || o.Unit != c.unit || o.Frequency != c.frequency || o.Calendar != c.days {
			t.Errorf("%s: %s, %s, %s, %s, %s", name, o.Layout, o.Kind, o.Unit, o.Frequency, o.Calendar)
		}
		if _, _, err := Read(c.files, o); err != nil {
			t.Errorf("%s: read with what was found: %v", name, err)
		}
		for key, why := range n.Reasons {
			if why == "" || strings.ContainsAny(why, "\n\x1b") {
				t.Errorf("%s: the reason of %s is %q", name, key, why)
			}
		}
	}
}

// Long files are known by names that repeat, whatever their headers and their order are.
func TestInspectLong(t *testing.T) {
	var b strings.Builder
	b.WriteString("Fund;Valued;NAV share;Perf\n")
	rng := rand.New(rand.NewPCG(3, 4))
	for d := NewDate(2020, 1, 1); d < NewDate(2020, 6, 1); d++ {
		if w := d.Weekday(); w == time.Saturday || w == time.Sunday {
			continue
		}
		for _, fund := range []string{"Alpha, long", "Beta"} {
			fmt.Fprintf(&b, "\"%s\";%v;%d;%.4f\n", fund, d, 7, 0.8*rng.NormFloat64())
		}
	}
	n, err := Inspect([]File{{Name: "f.csv", Data: []byte(b.String())}}, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	if o := n.Options; o.Layout != "long" || o.DateColumn != "Valued" || o.StrategyColumn != "Fund" || o.ReturnColumn != "Perf" || n.Panel.Len() != 2 {
		t.Errorf("%+v", o)
	}
}

// What cannot be read in any unit has the error of the usual reading.
func TestInspectRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "the file is empty",
		"date,a\n2020-01-02,x\n":          `"x": not a decimal number`,
		"a,b\n1,2\n":                      "no date column",
		"PK\x03\x04":                      "a ZIP archive or an Excel workbook",
		"date,a\n2020-01-02,-150000000\n": "below -100%",
	} {
		if _, err := Inspect([]File{{Name: "f.csv", Data: []byte(text)}}, DefaultOptions()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
