package columnar

import (
	"bytes"
	"math"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// names are what a hostile or merely careless user calls a strategy.
var names = []string{"../../etc/passwd", "a\x00b", "two\nlines", "two\r\nlines", "=cmd()|' /C calc'!A0", "<script>alert(1)</script>", "😀 é", " edges ", "say \"x\"", "a,b;c\td", "NA", "-", "\ufeffbom", string(bytes.Repeat([]byte("long "), 2000))}

func anyText() *rapid.Generator[string] {
	return rapid.OneOf(rapid.SampledFrom(names), rapid.String())
}

// drawTable makes a table of up to 6 columns of the kinds given; any float64
// but those not listed in odd may occur, with missing values or without.
func drawTable(t *rapid.T, kinds []Kind, float *rapid.Generator[float64]) *Table {
	rows := rapid.IntRange(0, 40).Draw(t, "rows")
	table := &Table{Meta: rapid.MapOfN(rapid.StringMatching(`[a-z]{1,5}`), anyText(), 0, 3).Draw(t, "meta")}
	for _, name := range rapid.SliceOfNDistinct(anyText(), 1, 6, rapid.ID[string]).Draw(t, "names") {
		c := Column{Name: name, Kind: rapid.SampledFrom(kinds).Draw(t, "kind")}
		if rapid.Bool().Draw(t, "nullable") {
			c.Valid = make([]bool, rows)
		}
		if c.Kind == Timestamp {
			c.Zone = rapid.SampledFrom([]string{"", "UTC", "Europe/London", "+02:00"}).Draw(t, "zone")
		}
		gap := false
		for i := range rows {
			if c.Valid != nil {
				c.Valid[i] = rapid.Bool().Draw(t, "present")
				gap = gap || !c.Valid[i]
			}
			if !c.IsValid(i) {
				c.appendZero()
				continue
			}
			switch c.Kind {
			case Float64:
				c.Floats = append(c.Floats, float.Draw(t, "float"))
			case Int64:
				c.Ints = append(c.Ints, rapid.Int64().Draw(t, "int"))
			case String:
				c.Strings = append(c.Strings, anyText().Draw(t, "text"))
			case Date:
				c.Dates = append(c.Dates, rapid.Int32().Draw(t, "date"))
			default:
				c.Times = append(c.Times, rapid.Int64().Draw(t, "time"))
			}
		}
		if !gap {
			c.Valid = nil // readers say nil for a mask without gaps
		}
		table.Columns = append(table.Columns, c)
	}
	return table
}

var every = []Kind{Float64, Int64, String, Date, Timestamp}

func anyFloat() *rapid.Generator[float64] {
	return rapid.OneOf(rapid.Float64(), rapid.Map(rapid.Uint64(), math.Float64frombits))
}

func TestParquetRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawTable(t, every, anyFloat())
		var b, again bytes.Buffer
		if err := WriteParquet(&b, want); err != nil {
			t.Fatal(err)
		}
		got, err := ReadParquet("f", bytes.NewReader(b.Bytes()), int64(b.Len()), nil)
		if err != nil {
			t.Fatal(err)
		}
		sameIn(t, want, got)
		if err := WriteParquet(&again, got); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
			t.Fatalf("the same table gave other bytes (%v)", err)
		}
	})
}

func TestIPCRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawTable(t, every, anyFloat())
		b, err := EncodeIPC(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeIPC(b)
		if err != nil {
			t.Fatal(err)
		}
		sameIn(t, want, got)
	})
}

func TestCSVRoundTrip(t *testing.T) {
	finite := rapid.Float64Range(-math.MaxFloat64, math.MaxFloat64)
	rapid.Check(t, func(t *rapid.T) {
		want := drawTable(t, []Kind{Float64, String}, finite)
		want.Meta = nil
		for i := range want.Columns { // a header is trimmed of nothing, but must be there
			if want.Columns[i].Name == "" && i > 0 {
				want.Columns[i].Name = "no name " + strconv.Itoa(i)
			}
		}
		var b bytes.Buffer
		if err := WriteCSV(&b, want, dayText); err != nil {
			t.Fatal(err)
		}
		got, _, err := ReadCSV("f", bytes.NewReader(b.Bytes()), func(header []string) ([]Kind, error) {
			kinds := make([]Kind, len(header))
			for i := range kinds {
				kinds[i] = want.Columns[i].Kind
			}
			return kinds, nil
		})
		if err != nil {
			t.Fatalf("%v in %q", err, b.Bytes())
		}
		for i := range got.Columns { // a lone NA keeps its text
			c := &got.Columns[i]
			for row := range c.Strings {
				if !c.IsValid(row) {
					c.Strings[row] = ""
				}
			}
		}
		sameIn(t, want, got)
	})
}

// sameIn compares two tables bit by bit.
func sameIn(t *rapid.T, a, b *Table) {
	t.Helper()
	x, err := EncodeIPC(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := EncodeIPC(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(x, y) {
		t.Fatalf("tables differ:\n%.2000v\n%.2000v", a, b)
	}
}
