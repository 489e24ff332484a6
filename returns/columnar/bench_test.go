package columnar

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// panel is 5,000 days of 1,000 strategies, with some days missing.
func panel(rows, columns int) *Table {
	rng := rand.New(rand.NewPCG(1, 2))
	t := &Table{Columns: []Column{Days("date", make([]int32, rows))}}
	for i := range rows {
		t.Columns[0].Dates[i] = int32(10000 + i)
	}
	for k := range columns {
		c := Floats64(fmt.Sprintf("strategy_%04d", k), make([]float64, rows))
		if k%10 == 0 {
			c.Valid = make([]bool, rows)
		}
		for i := range rows {
			c.Floats[i] = rng.NormFloat64() * 0.01
			if c.Valid != nil {
				if c.Valid[i] = i > 100; !c.Valid[i] {
					c.Floats[i] = 0
				}
			}
		}
		t.Columns = append(t.Columns, c)
	}
	return t
}

func dayText(day int32) string { return fmt.Sprintf("day %d", day) }

// wide makes the first column text and the rest numbers.
func wide(header []string) ([]Kind, error) {
	kinds := make([]Kind, len(header))
	kinds[0] = String
	return kinds, nil
}

func BenchmarkCSV(b *testing.B) {
	t := panel(5000, 1000)
	var file bytes.Buffer
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			file.Reset()
			if err := WriteCSV(&file, t, dayText); err != nil {
				b.Fatal(err)
			}
		}
		b.SetBytes(int64(file.Len()))
	})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(file.Len()))
		for b.Loop() {
			if _, _, err := ReadCSV("f.csv", bytes.NewReader(file.Bytes()), wide); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkParquet(b *testing.B) {
	t := panel(5000, 1000)
	var file bytes.Buffer
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			file.Reset()
			if err := WriteParquet(&file, t); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(file.Len()))
		for b.Loop() {
			if _, err := ReadParquet("f.parquet", bytes.NewReader(file.Bytes()), int64(file.Len()), nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkIPC(b *testing.B) {
	t := panel(5000, 1000)
	var file []byte
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var err error
			if file, err = EncodeIPC(t); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(file)))
		for b.Loop() {
			if _, err := DecodeIPC(file); err != nil {
				b.Fatal(err)
			}
		}
	})
}
