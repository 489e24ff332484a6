package pipeline

import (
	"errors"
	"testing"

	"allocate/config"
	"allocate/returns"
)

// TestSettledRow says which row a run waits for: the last session, week or month
// that is over before today, and none of today.
func TestSettledRow(t *testing.T) {
	panel := func(f returns.Frequency, dates ...string) *returns.Panel {
		var days []returns.Date
		v := make([]float64, len(dates))
		for i, s := range dates {
			d, err := returns.ParseDate(s)
			if err != nil {
				t.Fatal(err)
			}
			days, v[i] = append(days, d), 0.01
		}
		p, err := returns.NewPanel(days, []returns.Strategy{{Name: "a"}}, [][]float64{v})
		if err != nil {
			t.Fatal(err)
		}
		return p.WithFrequency(f)
	}
	for _, c := range []struct {
		name  string
		panel *returns.Panel
		today string
		asOf  string
		stale bool
	}{
		{"the day before", panel(returns.Daily, "2022-12-22", "2022-12-23", "2022-12-27"), "2022-12-28", "2022-12-27", false},
		{"today's row is not waited for", panel(returns.Daily, "2022-12-26", "2022-12-27", "2022-12-28"), "2022-12-28", "2022-12-27", false},
		{"one session is missing", panel(returns.Daily, "2022-12-22", "2022-12-23", "2022-12-26"), "2022-12-28", "2022-12-26", true},
		{"over a weekend", panel(returns.Daily, "2022-12-22", "2022-12-23"), "2022-12-26", "2022-12-23", false},
		{"seven days: a Sunday is one", panel(returns.SevenDay, "2022-12-23", "2022-12-24"), "2022-12-26", "2022-12-24", true},
		{"seven days", panel(returns.SevenDay, "2022-12-24", "2022-12-25"), "2022-12-26", "2022-12-25", false},
		{"the week is not over", panel(returns.Weekly, "2022-12-16", "2022-12-23"), "2022-12-28", "2022-12-23", false},
		{"the week is over", panel(returns.Weekly, "2022-12-16", "2022-12-23"), "2023-01-02", "2022-12-23", true},
		{"a row within the week counts", panel(returns.Weekly, "2022-12-23", "2022-12-28"), "2023-01-02", "2022-12-28", false},
		{"a week's row of today is not taken", panel(returns.Weekly, "2022-12-23", "2022-12-30"), "2022-12-30", "2022-12-23", false},
		{"the month is over", panel(returns.Monthly, "2022-10-31", "2022-11-30"), "2023-01-01", "2022-11-30", true},
		{"the month is not over", panel(returns.Monthly, "2022-10-31", "2022-11-30"), "2022-12-31", "2022-11-30", false},
	} {
		today, _ := returns.ParseDate(c.today)
		cfg := config.Default()
		sessions, err := cfg.Returns.Sessions(c.panel.Frequency(), "", nil)
		if err != nil {
			t.Fatal(err)
		}
		in := day{panel: c.panel}
		stale, err := in.settle(&cfg, sessions, today)
		if err != nil || in.asOf.String() != c.asOf || (stale != "") != c.stale {
			t.Errorf("%s: as of %v, %q, %v; want %s, stale %v", c.name, in.asOf, stale, err, c.asOf, c.stale)
		}
	}
}

// A run is not made ahead of its day: today's is the last one.
func TestNoRunForFutureDate(t *testing.T) {
	d := returns.NewDate(2022, 12, 28)
	p, err := returns.NewPanel([]returns.Date{d - 1, d, d + 1}, []returns.Strategy{{Name: "a"}}, [][]float64{{0.01, 0.01, 0.01}})
	if err != nil {
		t.Fatal(err)
	}
	cfg := config.Default()
	sessions, err := cfg.Returns.Sessions(p.Frequency(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	for asOf, refused := range map[returns.Date]bool{d: false, d + 1: true} {
		cfg.AsOf = asOf.String()
		in := day{panel: p}
		if _, err := in.settle(&cfg, sessions, d); errors.As(err, new(*returns.NotReadyError)) != refused {
			t.Errorf("as of %v on %v: %v", asOf, d, err)
		}
	}
}
