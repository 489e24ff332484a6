package returns

import (
	"bytes"
	"compress/gzip"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"allocate/returns/columnar"
)

const sampleCSV = "date,a,b\n2020-01-02,0.01,\n2020-01-03,-0.02,0.03\n2020-01-06,0.005,-0.01\n"

func parquetOf(t *testing.T, table *columnar.Table) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := columnar.WriteParquet(&b, table); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func ipcOf(t *testing.T, table *columnar.Table) []byte {
	t.Helper()
	b, err := columnar.EncodeIPC(table)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The same returns in every format and layout make the same panel.
func TestFormatsAgree(t *testing.T) {
	want, _, err := readText(sampleCSV, options())
	if err != nil {
		t.Fatal(err)
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write([]byte(sampleCSV)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	wide, err := want.wide()
	if err != nil {
		t.Fatal(err)
	}
	day := int32(NewDate(2020, 1, 2))
	dates := []int32{day, day + 1, day + 1, day + 4, day + 4}
	long := &columnar.Table{Columns: []columnar.Column{
		columnar.Text("strategy", []string{"a", "b", "a", "b", "a"}),
		columnar.Days("date", dates),
		columnar.Floats64("return", []float64{0.01, 0.03, -0.02, -0.01, 0.005}),
	}}
	nanos := func(zoneHours int64) []int64 { // midnight there, five times
		v := make([]int64, len(dates))
		for i, d := range dates {
			v[i] = (int64(d)*24 - zoneHours) * 3600e9
		}
		return v
	}
	stamped, zoned, compact := *long, *long, *long
	stamped.Columns = append([]columnar.Column{columnar.Instants("date", "", nanos(0))}, long.Columns[0], long.Columns[2])
	zoned.Columns = append([]columnar.Column{columnar.Instants("date", "America/New_York", nanos(-5))}, long.Columns[0], long.Columns[2])
	compact.Columns = append([]columnar.Column{columnar.Ints64("date", []int64{20200102, 20200103, 20200103, 20200106, 20200106})}, long.Columns[0], long.Columns[2])
	for name, files := range map[string][]File{
		"gzip":                 {{Name: "f.csv.gz", Data: zipped.Bytes()}},
		"parquet wide":         {{Name: "f.parquet", Data: parquetOf(t, wide)}},
		"parquet long":         {{Name: "f.parquet", Data: parquetOf(t, long)}},
		"arrow wide":           {{Name: "f.arrow", Data: ipcOf(t, wide)}},
		"feather long":         {{Name: "f.feather", Data: ipcOf(t, long)}},
		"timestamps":           {{Name: "f.parquet", Data: parquetOf(t, &stamped)}},
		"zoned timestamps":     {{Name: "f.arrow", Data: ipcOf(t, &zoned)}},
		"compact whole dates":  {{Name: "f.parquet", Data: parquetOf(t, &compact)}},
		"hive by strategy":     {{Name: "strategy=a/x.csv", Data: []byte("date,return\n2020-01-02,0.01\n2020-01-03,-0.02\n2020-01-06,0.005\n")}, {Name: "strategy=b/x.csv", Data: []byte("date,return\n2020-01-03,0.03\n2020-01-06,-0.01\n")}},
		"hive by year, wide":   {{Name: "year=2019/x.csv", Data: []byte("date,a,b\n2020-01-02,0.01,\n")}, {Name: "year=2020/x.csv", Data: []byte("date,a,b\n2020-01-03,-0.02,0.03\n2020-01-06,0.005,-0.01\n")}},
		"one file per column":  {{Name: "a.csv", Data: []byte("date,a\n2020-01-02,0.01\n2020-01-03,-0.02\n2020-01-06,0.005\n")}, {Name: "b.csv", Data: []byte("date,b\n2020-01-03,0.03\n2020-01-06,-0.01\n")}},
		"overlapping and same": {{Name: "1.csv", Data: []byte(sampleCSV)}, {Name: "2.csv", Data: []byte("date,b\n2020-01-03,0.03\n")}},
	} {
		p, _, err := Read(files, options())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		t.Run(name, func(t *testing.T) { equalPanels(t, want, p) })
	}
}

func TestConflictingFiles(t *testing.T) {
	_, _, err := Read([]File{{Name: "1.csv", Data: []byte(sampleCSV)}, {Name: "2.csv", Data: []byte("date,b\n2020-01-03,0.04\n")}}, options())
	if err == nil || !strings.Contains(err.Error(), `2.csv: row 2: column "b": "0.04": 2020-01-03 appears twice with different values; row 3 of 1.csv has 0.03`) {
		t.Errorf("got %v", err)
	}
}

func TestPricesAndLogs(t *testing.T) {
	o := options()
	o.Kind = "prices"
	p, _, err := readText("date,a,b\n2020-01-02,100,\n2020-01-03,110,50\n2020-01-06,,51\n2020-01-07,99,40.8\n", o)
	if err != nil {
		t.Fatal(err)
	}
	want := [][]float64{{math.NaN(), 0.1, math.NaN(), -0.1}, {math.NaN(), math.NaN(), 0.02, -0.2}}
	for j := range want {
		for i, w := range want[j] {
			if got, ok := p.At(i, j); ok == math.IsNaN(w) || ok && math.Abs(got-w) > 1e-15 {
				t.Errorf("day %d strategy %d: %v %v, want %v", i, j, got, ok, w)
			}
		}
	}
	if _, _, err := readText("date,a\n2020-01-02,100\n2020-01-03,0\n", o); err == nil || !strings.Contains(err.Error(), "a price at or below 0") {
		t.Errorf("a price of 0: %v", err)
	}
	o = options()
	o.Kind, o.Unit = logReturns, "percent"
	p, _, err = readText("date,a\n2020-01-02,-150\n", o) // a log return may be below -100%
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := p.At(0, 0); math.Abs(got-math.Expm1(-1.5)) > 1e-15 {
		t.Errorf("log return -150%% is %v", got)
	}
}

func TestLocate(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"year=2020/a.parquet", "year=2021/a.parquet", "_SUCCESS", "year=2021/.hidden.csv", "notes.txt", "b.csv"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for where, want := range map[string]string{
		"":                  "b.csv year=2020/a.parquet year=2021/a.parquet",
		"b.csv":             "b.csv",
		"*.csv":             "b.csv",
		"year=2020/*":       "a.parquet",
		"year=202?/*.parq*": "",
	} {
		found, err := locate(filepath.Join(dir, where))
		if err != nil {
			t.Errorf("%q: %v", where, err)
			continue
		}
		var names []string
		for _, f := range found {
			names = append(names, f.Name)
		}
		if got := strings.Join(names, " "); want != "" && got != want || want == "" && len(names) != 2 {
			t.Errorf("%q: %s, want %s", where, got, want)
		}
	}
	for _, where := range []string{"gone.csv", "*.feather", "year=2020/sub"} {
		var ready *NotReadyError
		if _, err := locate(filepath.Join(dir, where)); !errors.As(err, &ready) {
			t.Errorf("%q: %v", where, err)
		}
	}
	parts := partitions("region=us%20east/strategy=a%2Fb/year=__HIVE_DEFAULT_PARTITION__/f.parquet")
	if parts["region"] != "us east" || parts["strategy"] != "a/b" || len(parts) != 2 {
		t.Errorf("partitions %v", parts)
	}
}

func TestMetadata(t *testing.T) {
	m, err := ReadMetadata("m.csv", []byte("strategy,first_date,live_from,exit,group,cost_bp,rule\na,2020-01-03,2020-01-06,,trend,2.5,x\nz,,,2020-01-03,,,y\n"))
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := readText(sampleCSV, options())
	if err != nil {
		t.Fatal(err)
	}
	q, fs, err := p.Annotate(m)
	if err != nil {
		t.Fatal(err)
	}
	s := q.Strategy(0)
	if s.Entry.String() != "2020-01-03" || s.LiveFrom.String() != "2020-01-06" || s.Group != "trend" || *s.CostBP != 2.5 {
		t.Errorf("strategy %+v", s)
	}
	if got, _ := p.At(0, 0); got != 0.01 {
		t.Error("the panel itself was changed")
	}
	if len(fs) != 2 || fs[0].Code != "data.before_first" || fs[1].Code != "data.metadata_only" {
		t.Errorf("findings %v", fs)
	}
	o := options()
	o.History = "live"
	known, err := Known(q, q.Last(), q.Last(), o)
	if err != nil || known.Len() != 1 || known.Series(0).Len() != 1 || known.Series(0).Returns[0] != 0.005 {
		t.Errorf("live history: %v, %v", known, err)
	}
	for text, want := range map[string]string{
		"name\na\n":                `no column "strategy" among "name"`,
		"strategy,exit\na,soon\n":  `m.csv: row 2: column "exit": "soon": not a date`,
		"strategy\na\na\n":         `m.csv: row 3: column "strategy": "a": the name is blank or repeated`,
		"strategy,cost_bp\na,-1\n": "a cost below 0",
		"strategy,first_date,exit\na,2020-02-01,2020-01-01\n": "the exit is before the first date",
	} {
		if _, err := ReadMetadata("m.csv", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
