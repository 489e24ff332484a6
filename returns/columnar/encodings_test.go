package columnar

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
)

// encoded is written by parquet-go in every encoding it has.
type encoded struct {
	Plain  float64  `parquet:"plain,plain"`
	Split  float64  `parquet:"split,split"`
	Single float32  `parquet:"single,split"`
	Delta  int64    `parquet:"delta,delta"`
	Narrow int32    `parquet:"narrow,delta"`
	Dict   *float64 `parquet:"dict,dict,optional"`
	Text   string   `parquet:"text,plain"`
	Length string   `parquet:"length,delta"`
	Repeat string   `parquet:"repeat,dict"`
	Maybe  *string  `parquet:"maybe,optional,dict"`
}

func TestParquetEncodings(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	rows := make([]encoded, 3001)
	for i := range rows {
		r := &rows[i]
		*r = encoded{Plain: rng.NormFloat64(), Split: rng.NormFloat64(), Single: rng.Float32(), Delta: int64(rng.Uint64()), Narrow: int32(rng.Uint32()), Text: fmt.Sprint(i), Length: strings.Repeat("é", rng.IntN(9)), Repeat: fmt.Sprint(i % 37)}
		if rng.IntN(3) > 0 {
			v, s := float64(rng.IntN(300)), fmt.Sprint("prefix ", i/2)
			r.Dict, r.Maybe = &v, &s
		}
	}
	for _, codec := range []compress.Codec{&parquet.Uncompressed, &parquet.Snappy, &parquet.Gzip, &parquet.Zstd, &parquet.Lz4Raw} {
		for version := 1; version <= 2; version++ {
			var b bytes.Buffer
			w := parquet.NewGenericWriter[encoded](&b, parquet.Compression(codec), parquet.DataPageVersion(version), parquet.PageBufferSize(4000), parquet.MaxRowsPerRowGroup(1000))
			if _, err := w.Write(rows); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			got, err := ReadParquet(fmt.Sprint(codec, version), bytes.NewReader(b.Bytes()), int64(b.Len()), nil)
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range rows {
				c := got.Columns
				ok := c[0].Floats[i] == r.Plain && c[1].Floats[i] == r.Split && c[2].Floats[i] == float64(r.Single) && c[3].Ints[i] == r.Delta && c[4].Ints[i] == int64(r.Narrow) &&
					c[6].Strings[i] == r.Text && c[7].Strings[i] == r.Length && c[8].Strings[i] == r.Repeat && c[5].IsValid(i) == (r.Dict != nil) && c[9].IsValid(i) == (r.Maybe != nil)
				if ok && r.Dict != nil {
					ok = c[5].Floats[i] == *r.Dict && c[9].Strings[i] == *r.Maybe
				}
				if !ok {
					t.Fatalf("%v version %d row %d: %+v", codec, version, i, r)
				}
			}
		}
	}
}

// TestIPCCompressed compares with Arrow's own writer, in files and streams.
func TestIPCCompressed(t *testing.T) {
	want := panel(700, 5)
	want.Columns = append(want.Columns, small().Columns[3])
	want.Columns[len(want.Columns)-1].Strings = strings.Split(strings.Repeat("one,two,née,", 234), ",")[:700]
	schema := want.arrowSchema()
	arrays := make([]arrow.Array, len(want.Columns))
	for i := range want.Columns {
		arrays[i] = want.Columns[i].toArrow()
	}
	whole := array.NewRecord(schema, arrays, 700)
	for _, option := range []ipc.Option{ipc.WithLZ4(), ipc.WithZstd(), ipc.WithAllocator(memory.DefaultAllocator)} {
		var file, stream bytes.Buffer
		fw, err := ipc.NewFileWriter(&positioned{w: &file}, ipc.WithSchema(schema), option)
		if err != nil {
			t.Fatal(err)
		}
		sw := ipc.NewWriter(&stream, ipc.WithSchema(schema), option)
		for from := int64(0); from < 700; from += 300 {
			part := whole.NewSlice(from, min(from+300, 700))
			if err := fw.Write(part); err != nil {
				t.Fatal(err)
			}
			if err := sw.Write(part); err != nil {
				t.Fatal(err)
			}
		}
		if err := fw.Close(); err != nil {
			t.Fatal(err)
		}
		if err := sw.Close(); err != nil {
			t.Fatal(err)
		}
		for _, b := range [][]byte{file.Bytes(), stream.Bytes()} {
			got, err := DecodeIPC(b)
			if err != nil {
				t.Fatal(err)
			}
			same(t, want, got)
		}
	}
}

func TestLeafTypes(t *testing.T) {
	for _, c := range []struct {
		leaf leaf
		b    string
		want float64
	}{
		{half(), "\x00\x3c", 1},
		{half(), "\x00\xc0", -2},
		{half(), "\x01\x00", math.Ldexp(1, -24)},
		{half(), "\xff\x7b", 65504},
		{half(), "\x00\xfc", math.Inf(-1)},
		{decimal(4, 2, false), "\x9c\xff\xff\xff", -1},
		{decimal(3, 1, true), "\xff\xff\xff", -0.1},
		{decimal(16, 3, false), "\x01" + strings.Repeat("\x00", 15), 0.001},
		{decimal(4, -2, true), "\x00\x00\x00\x03", 300},
	} {
		if got := c.leaf.float([]byte(c.b)); got != c.want {
			t.Errorf("%x: %v, want %v", c.b, got, c.want)
		}
	}
	for _, c := range []struct {
		leaf leaf
		b    string
		want any
	}{
		{integer(1, true), "\xff", int64(-1)},
		{integer(1, false), "\xff", int64(255)},
		{integer(2, true), "\x00\x80", int64(-32768)},
		{integer(4, false), "\xff\xff\xff\xff", int64(1<<32 - 1)},
		{integer(8, false), "\xff\xff\xff\xff\xff\xff\xff\xff", "above 9223372036854775807; store it as a double"},
		{days(8), "\x00\x5c\x26\x05\x00\x00\x00\x00", int64(1)},
		{days(8), "\x01\x00\x00\x00\x00\x00\x00\x00", "a date with a time of day; store whole days"},
		{instant(1e9, ""), "\x01\x00\x00\x00\x00\x00\x00\x00", int64(1e9)},
		{instant(1e9, ""), "\x00\x00\x00\x00\x00\x00\x00\x10", "a timestamp outside the years 1678 to 2261; correct the cell"},
		{instant96(), "\x05\x00\x00\x00\x00\x00\x00\x00\x8d\x3d\x25\x00", int64(86400e9 + 5)},
		{instant96(), "\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "a timestamp outside the years 1678 to 2261; correct the cell"},
	} {
		v, err := c.leaf.whole([]byte(c.b))
		got := any(v)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%x: %v, want %v", c.b, got, c.want)
		}
	}
}

// TestRunsAreBounded reads files that are small because one value repeats.
func TestRunsAreBounded(t *testing.T) {
	for rows, accepted := range map[int]bool{1_000_000: true, 8_000_000: false} {
		c := Floats64("x", make([]float64, rows))
		c.Valid = make([]bool, rows)
		b := parquetBytes(t, &Table{Columns: []Column{c}})
		if len(b) > 1<<20 {
			t.Fatalf("%d bytes", len(b))
		}
		bounded(t, len(b), func() {
			_, err := ReadParquet("f", bytes.NewReader(b), int64(len(b)), nil)
			if (err == nil) != accepted || err != nil && !strings.Contains(err.Error(), "implausible for a file of this size") {
				t.Errorf("%d rows in %d bytes: %v", rows, len(b), err)
			}
		})
	}
}

func TestDeltaByteArray(t *testing.T) {
	var b bytes.Buffer
	schema := parquet.NewSchema("t", parquet.Group{"s": parquet.Encoded(parquet.String(), &parquet.DeltaByteArray)})
	w := parquet.NewGenericWriter[any](&b, schema)
	want := make([]string, 500)
	values := make([]parquet.Value, len(want))
	for i := range want {
		want[i] = strings.Repeat("common ", i%9) + fmt.Sprint(i)
		values[i] = parquet.ByteArrayValue([]byte(want[i]))
	}
	if _, err := w.ColumnWriters()[0].WriteRowValues(values); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := ReadParquet("f", bytes.NewReader(b.Bytes()), int64(b.Len()), nil)
	if err != nil || !slices.Equal(got.Columns[0].Strings, want) {
		t.Errorf("%v\n%.500v", err, got)
	}
}
