package columnar

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"testing"
)

// most is the memory that reading a file under 1 MiB may cost in total.
const most = 256 << 20

// bounded runs read and fails if it allocates more than most.
func bounded(t *testing.T, size int, read func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	read()
	runtime.ReadMemStats(&after)
	if cost := after.TotalAlloc - before.TotalAlloc; size < 1<<20 && cost > most {
		t.Fatalf("%d bytes cost %d MiB", size, cost>>20)
	}
}

// seeds adds the committed files of those kinds, and pieces of ours.
func seeds(f *testing.F, own []byte, globs ...string) {
	f.Helper()
	f.Add(own)
	f.Add(own[:len(own)/2])
	f.Add([]byte{})
	for _, glob := range globs {
		names, err := filepath.Glob("../../testdata/columnar/" + glob)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
}

// small has a column of every kind, with and without missing values.
func small() *Table {
	t := &Table{
		Meta: map[string]string{"a": "1", "b": "ü"},
		Columns: []Column{
			Days("date", []int32{0, 1, -5}), Floats64("x", []float64{1.5, 0, -2}),
			Ints64("n", []int64{1, 2, -3}), Text("s", []string{"a", "", "née"}),
			Instants("t", "UTC", []int64{1, 0, -7}), Instants("z", "Europe/London", []int64{3, 4, 5}), Instants("w", "", []int64{3, 0, 5}),
		},
	}
	for i := range t.Columns {
		c := t.Columns[i]
		c.Name += "?"
		c.Valid = []bool{true, false, true}
		if c.Kind == Date {
			c.Dates = []int32{7, 0, 8}
		} else if c.Kind == Int64 {
			c.Ints = []int64{7, 0, 8}
		} else if c.Zone == "Europe/London" {
			c.Times = []int64{7, 0, 8}
		}
		t.Columns = append(t.Columns, c)
	}
	return t
}

func parquetBytes(tb testing.TB, t *Table) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := WriteParquet(&b, t); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func ipcBytes(tb testing.TB, t *Table) []byte {
	tb.Helper()
	b, err := EncodeIPC(t)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// same compares tables bit by bit, through the encoder of fewest choices.
func same(tb testing.TB, a, b *Table) {
	tb.Helper()
	if x, y := ipcBytes(tb, a), ipcBytes(tb, b); !bytes.Equal(x, y) {
		tb.Fatalf("tables differ:\n%.2000v\n%.2000v", a, b)
	}
}

func FuzzReadParquet(f *testing.F) {
	seeds(f, parquetBytes(f, small()), "*.parquet")
	f.Add([]byte("PAR1PAR1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var table *Table
		var err error
		bounded(t, len(b), func() { table, err = ReadParquet("f", bytes.NewReader(b), int64(len(b)), nil) })
		if err != nil || len(table.Columns) == 0 || table.Rows() > 1<<16 {
			return
		}
		first := parquetBytes(t, table)
		again, err := ReadParquet("f", bytes.NewReader(first), int64(len(first)), nil)
		if err != nil {
			t.Fatal(err)
		}
		same(t, table, again)
		if !bytes.Equal(first, parquetBytes(t, again)) {
			t.Fatal("the same table gave other bytes")
		}
	})
}

func FuzzReadIPC(f *testing.F) {
	seeds(f, ipcBytes(f, small()), "*.arrow", "*.feather", "*.arrows")
	f.Fuzz(func(t *testing.T, b []byte) {
		var table *Table
		var err error
		bounded(t, len(b), func() { table, err = ReadIPC("f", b) })
		if err != nil || table.Rows() > 1<<16 {
			return
		}
		again, err := DecodeIPC(ipcBytes(t, table))
		if err != nil {
			t.Fatal(err)
		}
		same(t, table, again)
	})
}

func FuzzReadCSV(f *testing.F) {
	var own bytes.Buffer
	if err := WriteCSV(&own, small(), dayText); err != nil {
		f.Fatal(err)
	}
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, _ = w.Write(own.Bytes())
	_ = w.Close()
	seeds(f, own.Bytes(), "*.csv")
	f.Add(zipped.Bytes())
	for _, s := range []string{
		"date;a\r\n\"2020\r\n01\";0,5\r\n", "date,a\r2020,1\r", "a\n\"\"\n", "\xef\xbb\xbfdate,a\n1,NA\n\n", "\xff\xfed\x00", "d,a\n1,\"2\n",
		"d\ta\n1\t1_000\n", "d,a\n1,0x1p-2\n", "d,a\n1,+inf\n", "d,\"a\"\"b\"\n1, \"2\" \n", "d,a\n1,1%\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var table *Table
		var lines []int
		var err error
		bounded(t, len(b), func() { table, lines, err = ReadCSV("f", bytes.NewReader(b), wide) })
		if err != nil || table.Rows()*len(table.Columns) > 1<<20 {
			return
		}
		if len(lines) != table.Rows() || table.Validate() != nil {
			t.Fatalf("%d lines, %d rows, %v", len(lines), table.Rows(), table.Validate())
		}
		var first, second bytes.Buffer
		if err := WriteCSV(&first, table, dayText); err != nil {
			t.Fatal(err)
		}
		again, _, err := ReadCSV("f", bytes.NewReader(first.Bytes()), wide)
		if err != nil {
			t.Fatalf("%v in %q", err, first.Bytes())
		}
		for i := range again.Columns { // a bare NA is written blank
			for row, ok := range again.Columns[i].Valid {
				if !ok && again.Columns[i].Kind == String {
					table.Columns[i].Strings[row], again.Columns[i].Strings[row] = "", ""
				}
			}
		}
		same(t, table, again)
		if err := WriteCSV(&second, again, dayText); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Fatalf("the same table gave other bytes (%v)", err)
		}
	})
}

func TestSmallRoundTrips(t *testing.T) {
	want := small()
	got, err := DecodeIPC(ipcBytes(t, want))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(want.Meta, got.Meta) {
		t.Errorf("metadata %v", got.Meta)
	}
	same(t, want, got)
	b := parquetBytes(t, want)
	if got, err = ReadParquet("f", bytes.NewReader(b), int64(len(b)), nil); err != nil {
		t.Fatal(err)
	}
	same(t, want, got)
	if !bytes.Equal(b, parquetBytes(t, want)) {
		t.Error("the same table gave other bytes")
	}
}
