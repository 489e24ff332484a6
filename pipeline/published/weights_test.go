package published

import (
	"errors"
	"strings"
	"testing"

	"allocate/returns"
)

// TestParseTargets reads days in any order, and names of any kind.
func TestParseTargets(t *testing.T) {
	text := "\ufeffas_of,effective,strategy,weight\r\n2022-06-01,2022-06-02,b,1\r\n2022-05-02,2022-05-03,\"'=a, b\",-0.25\r\n2022-06-01,2022-06-02,CASH,0\r\n"
	got, err := ParseTargets("x.csv", []byte(text), AnyGross)
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
		{"", "x.csv: the file is empty"},
		{header, "x.csv: no weights; expected rows of as_of,effective,strategy,weight"},
		{"date,effective,strategy,weight\n", `x.csv: row 1: the header is "date,effective,strategy,weight"; expected as_of,effective,strategy,weight`},
		{"as_of,effective,strategy,weight,why\n", "x.csv: row 1: the header is"},
		{header + "2022-06-01,2022-06-02,a\n", "x.csv: row 2: 3 cells"},
		{header + "2022-06-31,2022-07-02,a,1\n", `x.csv: row 2: column "as_of": "2022-06-31": not a date`},
		{header + "2022-06-01,soon,a,1\n", `x.csv: row 2: column "effective": "soon": not a date`},
		{header + "2022-06-01,2022-06-01,a,1\n", `x.csv: row 2: column "effective": "2022-06-01": not after as_of, 2022-06-01`},
		{header + "2022-06-01,2022-06-02,,1\n", `x.csv: row 2: column "strategy": the strategy is blank`},
		{header + "2022-06-01,2022-06-02,a,+Inf\n", `x.csv: row 2: column "weight": "+Inf": not a finite number`},
		{header + "2022-06-01,2022-06-02,a,NaN\n", `x.csv: row 2: column "weight": "NaN": not a finite number`},
		{header + "2022-06-01,2022-06-02,a,0x1p-2\n", `x.csv: row 2: column "weight": "0x1p-2": not a finite number`},
		{header + "2022-06-01,2022-06-02,a,\"0,5\"\n", `x.csv: row 2: column "weight": "0,5": not a finite number`},
		{header + "2022-06-01,2022-06-02,a,\n", `x.csv: row 2: column "weight": not a finite number`},
		{header + "2022-06-01,2022-06-02,a,1\n2022-06-01,2022-06-02,a,1\n", `x.csv: row 3: column "strategy": "a": duplicate row on 2022-06-01; remove one`},
		{header + "2022-06-01,2022-06-02,a,1\n2022-06-01,2022-06-03,b,1\n", `x.csv: row 3: column "effective": "2022-06-03": 2022-06-01 has two effective dates, 2022-06-02 and 2022-06-03; keep one`},
		{header + "2022-06-01,2022-06-02,\"a,1\n", "x.csv: row 2: a quote is opened"},
		{header + "2022-06-01,2022-06-02,a,60\n2022-06-01,2022-06-02,b,40\n", `x.csv: row 3: column "weight": the weights of 2022-06-01 sum to 100, in absolute value to 100 times the capital: they look like percentages; write fractions of capital`},
		{header + "2022-06-01,2022-06-02,a,8\n2022-06-01,2022-06-02,b,-7\n", `x.csv: row 3: column "weight": the weights of 2022-06-01 sum to 1, in absolute value to 15 times the capital: the maximum accepted is 10`},
	} {
		_, err := ParseTargets("x.csv", []byte(c.text), AnyGross)
		var bad *returns.InputError
		if !errors.As(err, &bad) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q:\n%v\nwant %s", c.text, err, c.want)
		}
	}
}

// TestWeightsFileForms reads what spreadsheets and other programs make of a
// weights file: the same weights.
func TestWeightsFileForms(t *testing.T) {
	for name, text := range map[string]string{
		"plain":            "as_of,effective,strategy,weight\n2022-06-01,2022-06-02,a,0.25\n2022-06-01,2022-06-02,b,0.75\n",
		"semicolons":       "as_of;effective;strategy;weight\r\n2022-06-01;2022-06-02;a;0.25\r\n2022-06-01;2022-06-02;b;0.75\r\n",
		"tabs":             "as_of\teffective\tstrategy\tweight\n2022-06-01\t2022-06-02\ta\t0.25\n2022-06-01\t2022-06-02\tb\t0.75\n",
		"separator line":   "sep=;\nas_of;effective;strategy;weight\n2022-06-01;2022-06-02;a;0.25\n2022-06-01;2022-06-02;b;0.75\n",
		"byte order mark":  "\ufeffas_of,effective,strategy,weight\n2022-06-01,2022-06-02,a,0.25\n2022-06-01,2022-06-02,b,0.75\n",
		"all quoted":       "\"as_of\",\"effective\",\"strategy\",\"weight\"\n\"2022-06-01\",\"2022-06-02\",\"a\",\"0.25\"\n\"2022-06-01\",\"2022-06-02\",\"b\",\"0.75\"\n",
		"other order":      "strategy,weight,effective,as_of\nb,0.75,2022-06-02,2022-06-01\n\na,0.25,2022-06-02,2022-06-01\n",
		"percent signs":    "as_of,effective,strategy,weight\n2022-06-01,2022-06-02,a,25%\n2022-06-01,2022-06-02,b,75 %\n",
		"compact dates":    "as_of,effective,strategy,weight\n20220601,20220602,a,0.25\n20220601,20220602,b,7.5e-1\n",
		"blanks around it": "as_of, effective, strategy, weight\n2022-06-01, 2022-06-02, a, 0.25\n2022-06-01, 2022-06-02, b, 0.75\n",
	} {
		got, err := ParseTargets("x.csv", []byte(text), AnyGross)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(got) != 1 || got[0].Weights["a"] != 0.25 || got[0].Weights["b"] != 0.75 || len(got[0].Weights) != 2 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestWeightsByEffectiveDate: the weights of a file count from their effective day
// on, whatever day they were decided, and in one order.
func TestWeightsByEffectiveDate(t *testing.T) {
	const header = "as_of,effective,strategy,weight\n"
	got, err := ParseTargets("x.csv", []byte(header+"2022-10-31,2022-12-20,a,1\n2022-12-01,2022-12-22,a,0.5\n"), AnyGross)
	if err != nil || got[0].Day != returns.NewDate(2022, 12, 19) || got[1].Day != returns.NewDate(2022, 12, 21) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := ParseTargets("x.csv", []byte(header+"2022-10-31,2022-12-20,a,1\n2022-12-01,2022-12-02,a,0.5\n"), AnyGross); err == nil || !strings.Contains(err.Error(), "the effective date of the previous as_of") {
		t.Errorf("%v", err)
	}
}
