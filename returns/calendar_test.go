package returns

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// NYSE's own lists of holidays ("Holidays and Trading Hours"), as published
// for each year; 2025 with the national day of mourning of 9 January.
var publishedXNYS = map[int]string{
	2019: "01-01 01-21 02-18 04-19 05-27 07-04 09-02 11-28 12-25",
	2020: "01-01 01-20 02-17 04-10 05-25 07-03 09-07 11-26 12-25",
	2021: "01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24",
	2022: "01-17 02-21 04-15 05-30 06-20 07-04 09-05 11-24 12-26",
	2023: "01-02 01-16 02-20 04-07 05-29 06-19 07-04 09-04 11-23 12-25",
	2024: "01-01 01-15 02-19 03-29 05-27 06-19 07-04 09-02 11-28 12-25",
	2025: "01-01 01-09 01-20 02-17 04-18 05-26 06-19 07-04 09-01 11-27 12-25",
	2026: "01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25",
	2027: "01-01 01-18 02-15 03-26 05-31 06-18 07-05 09-06 11-25 12-24",
	2028: "01-17 02-21 04-14 05-29 06-19 07-04 09-04 11-23 12-25",
}

func TestXNYSAgainstPublishedLists(t *testing.T) {
	c := exchange("XNYS")
	for year, want := range publishedXNYS {
		var closed []string
		for d := NewDate(year, 1, 1); d <= NewDate(year, 12, 31); d++ {
			if Weekdays().IsSession(d) && !c.IsSession(d) {
				closed = append(closed, d.String()[5:])
			}
		}
		if got := strings.Join(closed, " "); got != want {
			t.Errorf("%d: closed on %s, published %s", year, got, want)
		}
	}
}

// The dates of a real panel of US stocks are the sessions of 33 years.
func TestXNYSAgainstTradedDays(t *testing.T) {
	f, err := os.Open(filepath.Join("..", "..", "shared", "data", "strategies", "returns.csv"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no ../shared/data/strategies/returns.csv beside the repository")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Scan()
	var traded []Date
	for lines.Scan() {
		day, _, _ := strings.Cut(lines.Text(), ",")
		d, err := ParseDate(day)
		if err != nil {
			t.Fatal(err)
		}
		traded = append(traded, d)
	}
	sessions := exchange("XNYS").Sessions(traded[0], traded[len(traded)-1])
	for i, j := 0, 0; i < len(traded) || j < len(sessions); {
		switch {
		case j == len(sessions) || i < len(traded) && traded[i] < sessions[j]:
			t.Errorf("%v was traded and is no session", traded[i])
			i++
		case i == len(traded) || sessions[j] < traded[i]:
			t.Errorf("%v is a session and was not traded", sessions[j])
			j++
		default:
			i, j = i+1, j+1
		}
	}
	t.Logf("%d sessions from %v to %v", len(sessions), sessions[0], sessions[len(sessions)-1])
}

func TestHolidayFile(t *testing.T) {
	c, err := HolidayFile("h.csv", []byte("date,name\n2024-12-25,Christmas\n20241226,Boxing Day\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Next(NewDate(2024, 12, 24)); got != NewDate(2024, 12, 27) {
		t.Errorf("after 2024-12-24 comes %v", got)
	}
	if got := c.Before(NewDate(2024, 12, 27)); got != NewDate(2024, 12, 24) {
		t.Errorf("before 2024-12-27 comes %v", got)
	}
	for text, want := range map[string]string{
		"day\n2024-12-25\n":  `h.csv: row 1: no column "date"`,
		"date\n25.12.2024\n": `h.csv: row 2: column "date": "25.12.2024": not a date`,
	} {
		var input *InputError
		if _, err := HolidayFile("h.csv", []byte(text)); !errors.As(err, &input) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
