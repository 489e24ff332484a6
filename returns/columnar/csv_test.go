package columnar

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestReadCSVRefuses(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", "f: the file is empty"},
		{"\n \r\n", "f: the file is empty"},
		{"\xff\xfed\x00,\x00a\x00\n\x00", "row 1: the file is UTF-16"},
		{"d,a\r1,2\r", "row 1: a carriage return without a line feed"},
		{"d,a\n1,2\r3,4\n", "row 2: a carriage return without a line feed"},
		{"d,a\n1,\x00\n", "row 2: a NUL byte"},
		{"d,\xe9\n", "row 1: "},
		{"d,a\n\"2\n3\",1\nx\xff,1\n", "row 4: "},
		{"d,a\n1,\"2\n3,4\n", "row 2: a quote is opened"},
		{"d,a\n1,2\"3\"\n", "row 2: \"2\\\"3\\\"\": a quote inside a cell"},
		{"d,a\n\"1\"x,2\n", "row 2: \"1\": text after a closing quote"},
		{"d,a\n1,2,3\n", "row 2: more cells than the 2 columns of the header"},
		{"d,a\n1\n", "row 2: 1 cells, but the header has 2 columns"},
		{"d,a,a\n", `row 1: column "a": two columns have this name`},
		{"d,\n", "row 1: column 2 has no name"},
		{"\n\nd,a\n1,2\n\n\"x\ny\",z\n", `f: row 6: column "a": "z": not a number`},
		{"d;a\n1;0,5\n", `row 2: column "a": "0,5": a decimal comma`},
		{"d,a\n1,\"-0,5\"\n", "a decimal comma"},
		{"d,a\n1,0x1p-2\n", "without hexadecimal digits or separators"},
		{"d,a\n1,1_000\n", "without hexadecimal digits or separators"},
		{"d,a\n1,+inf\n", "not a finite number"},
		{"d,a\n1,-Infinity\n", "not a finite number"},
		{"d,a\n1,1e999\n", "not a finite number"},
		{"d,a\n1,+nan\n", "not a"},
		{"d,a\n1,1.2%\n", "a percent sign"},
		{"d,a\n1,1e\n", "not a number"},
		{"d,a\n1,٣\n", "not a number"},
		{"d,a\n1," + strings.Repeat("9x", 5000) + "\n", "…"},
		{strings.Repeat("a,", maxColumns+1), "more than 100000 columns"},
	} {
		_, _, err := ReadCSV("f", strings.NewReader(c.in), wide)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "f: ") {
			t.Errorf("%.40q: %v, want %s", c.in, err, c.want)
		}
	}
}

func TestReadCSVAccepts(t *testing.T) {
	for _, c := range []struct {
		in    string
		want  string
		lines []int
	}{
		{"d,a\n1,2\n", "d string: \"1\"\na float64: 2\n", []int{2}},
		{"\xef\xbb\xbfd,a\r\n1,2\r\n\r\n\r\n", "d string: \"1\"\na float64: 2\n", []int{2}},
		{"d;a\n1; .5 \n2;-1E-3", "d string: \"1\" \"2\"\na float64: 0.5 -0.001\n", []int{2, 3}},
		{"d\ta\n1\tNaN\n2\t-\n3\t#n/a\n4\t\n", "d string: \"1\" \"2\" \"3\" \"4\"\na float64: ∅ ∅ ∅ ∅\n", []int{2, 3, 4, 5}},
		{"\"d\",\"a \"\"b\"\"\"\n\"x\r\ny\", \"2\" \n\n z ,3\n", "d string: \"x\\r\\ny\" \"z\"\na \"b\" float64: 2 3\n", []int{2, 5}},
		{"d,a\n\"NA\",\"NA\"\nNA,\n", "d string: \"NA\" ∅\na float64: ∅ ∅\n", []int{2, 3}},
		{"d,a\n" + strings.Repeat("x", 10000) + ",1\n", "d string: \"" + strings.Repeat("x", 10000) + "\"\na float64: 1\n", []int{2}},
	} {
		table, lines, err := ReadCSV("f", strings.NewReader(c.in), wide)
		if err != nil {
			t.Errorf("%.40q: %v", c.in, err)
		} else if got := show(table, 9); got != c.want || !slices.Equal(lines, c.lines) {
			t.Errorf("%.40q: %v\n%s", c.in, lines, got)
		}
	}
}

// TestReadCSVWide reads thousands of columns, across the reader's buffer.
func TestReadCSVWide(t *testing.T) {
	want := panel(3, 20000)
	var b bytes.Buffer
	if err := WriteCSV(&b, want, dayText); err != nil {
		t.Fatal(err)
	}
	got, _, err := ReadCSV("f", &b, wide)
	if err != nil {
		t.Fatal(err)
	}
	got.Columns[0] = want.Columns[0]
	same(t, want, got)
}

func ExampleReadCSV() {
	in := "date,trend,carry\n2024-01-02,0.01,\n2024-01-03,0.5%,0.02\n"
	_, _, err := ReadCSV("returns.csv", strings.NewReader(in), func(header []string) ([]Kind, error) {
		return []Kind{String, Float64, Float64}, nil
	})
	fmt.Println(err)
	// Output: returns.csv: row 3: column "trend": "0.5%": a percent sign; write a fraction, or remove the signs and set returns.unit to percent
}
