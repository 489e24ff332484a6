package columnar

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const fixtures = "../../testdata/columnar"

func readFixture(t *testing.T, name string) (*Table, error) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(fixtures, name))
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(name, ".parquet") {
		return ReadParquet(name, bytes.NewReader(b), int64(len(b)), nil)
	}
	return ReadIPC(name, b)
}

// show writes a table as text, a line for each column.
func show(t *Table, rows int) string {
	var b strings.Builder
	for i := range t.Columns {
		c := &t.Columns[i]
		fmt.Fprintf(&b, "%s %v%s:", c.Name, c.Kind, strings.TrimSuffix("["+c.Zone+"]", "[]"))
		for row := range min(rows, c.Len()) {
			switch {
			case !c.IsValid(row):
				b.WriteString(" ∅")
			case c.Kind == Float64:
				fmt.Fprint(&b, " ", c.Floats[row])
			case c.Kind == Int64:
				fmt.Fprint(&b, " ", c.Ints[row])
			case c.Kind == String:
				fmt.Fprintf(&b, " %q", c.Strings[row])
			case c.Kind == Date:
				fmt.Fprint(&b, " ", c.Dates[row])
			default:
				fmt.Fprint(&b, " ", c.Times[row])
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestDuckDB(t *testing.T) {
	for _, name := range []string{"duckdb-uncompressed", "duckdb-snappy", "duckdb-gzip", "duckdb-zstd", "duckdb-lz4_raw", "duckdb-v2"} {
		t.Run(name, func(t *testing.T) {
			table, err := readFixture(t, name+".parquet")
			if err != nil {
				t.Fatal(err)
			}
			if table.Rows() != 100 || len(table.Columns) != 15 {
				t.Fatalf("%d rows of %d columns", table.Rows(), len(table.Columns))
			}
			const day, first = int64(86400e9), int64(19723)
			for i := range 100 {
				for k := range table.Columns {
					c := &table.Columns[k]
					if want := !(c.Name == "x" && i == 3 || c.Name == "t" && i%2 == 1); c.IsValid(i) != want {
						t.Fatalf("%s row %d: present %v", c.Name, i, !want)
					} else if !want {
						continue
					}
					ok := false
					switch c.Name {
					case "date":
						ok = int64(c.Dates[i]) == first+int64(i)
					case "x":
						ok = c.Floats[i] == float64(i)/128
					case "f":
						ok = c.Floats[i] == float64(i)/4
					case "i32":
						ok = c.Ints[i] == int64(i-2)
					case "i64":
						ok = c.Ints[i] == int64(i)*1000000007
					case "u8":
						ok = c.Ints[i] == int64(i)
					case "s":
						ok = c.Strings[i] == fmt.Sprintf("name %d", i%3)
					case "t":
						ok = c.Strings[i] == fmt.Sprintf("é%d", i)
					case "d9":
						ok = c.Floats[i] == float64(i)/100
					case "d25":
						ok = c.Floats[i] == float64(i)/-1000
					case "ts", "tns", "tms":
						ok = c.Times[i] == (first+int64(i))*day && c.Zone == ""
					case "tz":
						ok = c.Times[i] == (first+int64(i))*day && c.Zone == "UTC"
					case "dup":
						ok = c.Floats[i] == float64(i%4)/8
					}
					if !ok {
						t.Fatalf("column %s row %d is wrong:\n%s", c.Name, i, show(table, 5))
					}
				}
			}
		})
	}
}

func TestFilesOfOtherWriters(t *testing.T) {
	const polars = "name string: \"a long name, above twelve\" \"b\" ∅ \"d\"\nx float64: 0.5 ∅ -1.25 3\nn float64: 1 2 3 4\n"
	const zoned = "t timestamp[Europe/London]: 0 ∅ 86400000000000\nd date: 0 ∅ 1\nu string: \"x\" ∅ \"née\"\nl string: \"x\" ∅ \"née\"\nx float64: 1 ∅ 2.5\ni64 int64: 1 ∅ -3\n"
	const plain = "x float64: 1.5 -2 0.25\nf float64: 1 2 3.5\ni int64: 1 -2 3\ns string: \"a\" \"b\" \"a\"\nday timestamp: 0 86400000000000 172800000000000\n"
	for name, want := range map[string]string{
		"arrowjs.arrow": plain, "arrowjs.arrows": plain, "arrowjs-zoned.arrow": zoned,
		"polars-uncompressed.feather": polars, "polars-lz4.feather": polars, "polars-zstd.feather": polars, "polars.parquet": polars,
		"wasm-lz4.parquet": zoned, "wasm-snappy.parquet": zoned,
		"hyparquet.parquet": "date timestamp[UTC]: 0 86400000000000\nx float64: 0.5 ∅\ns string: \"a\" \"b\"\n",
	} {
		table, err := readFixture(t, name)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := show(table, 9); got != want {
			t.Errorf("%s:\n%swant\n%s", name, got, want)
		}
	}
}

func TestRefusedColumns(t *testing.T) {
	for name, want := range map[string]string{
		"duckdb-boolean.parquet": `column "flag": a boolean is not a return`,
		"duckdb-nested.parquet":  `column "list": a nested column of 1 parts is not supported`,
		"duckdb-brotli.parquet":  `which is not supported; write the file with snappy`,
	} {
		if _, err := readFixture(t, name); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b, err := os.ReadFile(filepath.Join(fixtures, "duckdb-nested.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	table, err := ReadParquet("f", bytes.NewReader(b), int64(len(b)), func(name string) bool { return name == "x" })
	if err != nil || show(table, 9) != "x float64: 1.5\n" {
		t.Errorf("%v %v", table, err)
	}
	b, err = os.ReadFile(filepath.Join(fixtures, "arrowjs-zoned.arrow"))
	if err != nil {
		t.Fatal(err)
	}
	table, err = ReadIPCColumns("f", b, func(name string) bool { return name == "i64" })
	if err != nil || show(table, 9) != "i64 int64: 1 ∅ -3\n" {
		t.Errorf("%v %v", table, err)
	}
}

// golden is a table of every kind with awkward names and values; other
// programs read its files with testdata/columnar/check.mjs.
func golden() *Table {
	t := small()
	t.Columns = append(t.Columns,
		Text("../..\\ <b>&</b> =cmd() 😀\n", []string{"=1+1", "a\x00b", "línea\r\nx"}),
		Floats64("extremes", []float64{math.MaxFloat64, math.SmallestNonzeroFloat64, math.Copysign(0, -1)}))
	return t
}

func TestGoldenFiles(t *testing.T) {
	for name, got := range map[string][]byte{"ours.parquet": parquetBytes(t, golden()), "ours.arrow": ipcBytes(t, golden())} {
		path := filepath.Join(fixtures, name)
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: the same table gave other bytes; if that is meant, run check.mjs and then the test with -update", name)
		}
		table, err := readFixture(t, name)
		if err != nil {
			t.Fatal(err)
		}
		same(t, golden(), table)
	}
}

func TestCellErrorIsFound(t *testing.T) {
	_, err := readFixture(t, "duckdb-boolean.parquet")
	var cell *CellError
	if !errors.As(err, &cell) || cell.Column != "flag" || cell.File != "duckdb-boolean.parquet" {
		t.Errorf("%#v", err)
	}
}
