package pipeline

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"allocate/pipeline/backtest"
	"allocate/returns"
)

// TestParseTargets reads days in any order, and names of any kind.
func TestParseTargets(t *testing.T) {
	text := "\ufeffas_of,effective,strategy,weight\r\n2022-06-01,2022-06-02,b,1\r\n2022-05-02,2022-05-03,\"'=a, b\",-0.25\r\n2022-06-01,2022-06-02,CASH,0\r\n"
	got, err := parseTargets("x.csv", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Day != returns.NewDate(2022, 5, 2) || got[0].Weights["=a, b"] != -0.25 || got[1].Weights["b"] != 1 || len(got[1].Weights) != 2 {
		t.Errorf("%+v", got)
	}
}

// TestParseTargetsRefuses says which row and column is wrong, and what would
// not be.
func TestParseTargetsRefuses(t *testing.T) {
	const header = "as_of,effective,strategy,weight\n"
	for _, c := range []struct{ text, want string }{
		{"", "x.csv: no weights; expected rows of as_of,effective,strategy,weight"},
		{header, "x.csv: no weights"},
		{"effective,as_of,strategy,weight\n", `x.csv: row 1: the header is "effective,as_of,strategy,weight"; expected as_of,effective,strategy,weight`},
		{"date,effective,strategy,weight\n", "x.csv: row 1: the header is"},
		{header + "2022-06-01,2022-06-02,a\n", "x.csv: row 2: 3 cells"},
		{header + "2022-06-31,2022-07-02,a,1\n", "x.csv: row 2, column as_of: "},
		{header + "2022-06-01,soon,a,1\n", "x.csv: row 2, column effective: "},
		{header + "2022-06-01,2022-06-01,a,1\n", "x.csv: row 2, column effective: 2022-06-01 is not after as_of, 2022-06-01"},
		{header + "2022-06-01,2022-06-02,,1\n", "x.csv: row 2, column strategy: is blank"},
		{header + "2022-06-01,2022-06-02,a,+Inf\n", `x.csv: row 2, column weight: "+Inf"; expected a finite number`},
		{header + "2022-06-01,2022-06-02,a,\n", "x.csv: row 2, column weight: "},
		{header + "2022-06-01,2022-06-02,a,1\n2022-06-01,2022-06-02,a,1\n", `x.csv: row 3: "a" is there twice on 2022-06-01; remove one`},
		{header + "2022-06-01,2022-06-02,a,1\n2022-06-01,2022-06-03,b,1\n", "x.csv: row 3, column effective: 2022-06-01 is there with 2022-06-02 and with 2022-06-03; keep the rows of one of them"},
		{header + "2022-06-01,2022-06-02,\"a,1\n", "x.csv: "},
	} {
		_, err := parseTargets("x.csv", []byte(c.text))
		var bad *returns.InputError
		if !errors.As(err, &bad) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q:\n%v\nwant %s", c.text, err, c.want)
		}
	}
}

// TestPortfolioFiles gives a backtest files that cannot be followed.
func TestPortfolioFiles(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"as_of,effective,strategy,weight\n", "desk.csv: no weights"},
		{"as_of,effective,strategy,weight\n2019-01-02,2019-01-03,strategy_1,1\n", `backtest.portfolios: desk holds "strategy_1" on 2019-01-02, which is no strategy of the data`},
		{"as_of,effective,strategy,weight\n2029-01-02,2029-01-03,strategy_01,1\n", "backtest.portfolios: desk has no weights up to 2020-12-15"},
	} {
		b := quickBacktest(t)
		desk := filepath.Join(t.TempDir(), "desk.csv")
		if err := os.WriteFile(desk, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		b.Backtest.End, b.Backtest.Portfolios = "2020-12-15", []backtest.External{{Name: "desk", Path: desk}}
		var m Memory
		_, err := Backtest(t.Context(), b, nil, &m, time.Now)
		var bad *returns.InputError
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.text, err, c.want)
		}
		if m.Count(StageStarted, "forecasts") != 0 {
			t.Errorf("%q: forecasts were made before it was refused", c.text)
		}
	}
}
