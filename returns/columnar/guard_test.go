package columnar

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// lies are small files that claim to be large.
func lies(t testing.TB) map[string][]byte {
	const huge = "\xff\xff\xff\xff\xff\xff\xff\xff\x7f"
	parquetWith := func(footer string) []byte {
		b := append([]byte("PAR1"), footer...)
		return append(binary.LittleEndian.AppendUint32(b, uint32(len(footer))), "PAR1"...)
	}
	stream := ipcBytes(t, small())
	long := bytes.Clone(stream)
	binary.LittleEndian.PutUint32(long[len(long)-10:], 1<<31-1)
	return map[string][]byte{
		"footer longer than the file": []byte("PAR1PAR1"),
		"footer of a gigabyte":        append(binary.LittleEndian.AppendUint32([]byte("PAR1"), 1<<30), "PAR1"...),
		"list of 2^63 columns":        parquetWith("\x15\x02\x29\xfc" + huge),
		"list of 2^31 bytes each":     parquetWith("\x15\x02\x29\xf8\xff\xff\xff\xff\x07"),
		"structs without end":         parquetWith(strings.Repeat("\x1c", 1<<19)),
		"lists without end":           parquetWith("\x19" + strings.Repeat("\x19", 1<<19)),
		"arrow footer of 2 GiB":       long,
		"arrow message of 2 GiB":      []byte("\xff\xff\xff\xff\xff\xff\xff\x7f        "),
		"arrow fields without end":    append([]byte("\xff\xff\xff\xff\x10\x00\x00\x00"), "\x04\x00\x00\x00\xfc\xff\xff\xff\xff\xff\xff\x7f\x00\x00\x00\x00"...),
	}
}

func TestForgedSizesAreBounded(t *testing.T) {
	for name, b := range lies(t) {
		bounded(t, len(b), func() {
			if _, err := ReadParquet(name, bytes.NewReader(b), int64(len(b)), nil); err == nil || !strings.HasPrefix(err.Error(), name) {
				t.Errorf("%s as Parquet: %v", name, err)
			}
		})
		bounded(t, len(b), func() {
			if _, err := ReadIPC(name, b); err == nil || !strings.HasPrefix(err.Error(), name) {
				t.Errorf("%s as Arrow: %v", name, err)
			}
		})
	}
}

// TestDamageIsBounded changes bytes at random, mostly where lengths are.
func TestDamageIsBounded(t *testing.T) {
	rng, damages := rand.New(rand.NewPCG(7, 7)), 3000
	if testing.Short() {
		damages = 300
	}
	for _, whole := range [][]byte{parquetBytes(t, small()), parquetBytes(t, panel(50, 4)), ipcBytes(t, small())} {
		for range damages {
			b := bytes.Clone(whole)
			for range 1 + rng.IntN(3) {
				b[rng.IntN(len(b))] = []byte{0, 0xff, 0x7f, 0x80, byte(rng.Uint32())}[rng.IntN(5)]
			}
			if rng.IntN(8) == 0 {
				b = b[:rng.IntN(len(b))]
			}
			bounded(t, len(b), func() {
				_, _ = ReadParquet("f", bytes.NewReader(b), int64(len(b)), nil)
				_, _ = ReadIPC("f", b)
			})
		}
	}
}

// TestChecksumCatchesDamage changes each byte of the pages in turn.
func TestChecksumCatchesDamage(t *testing.T) {
	whole := parquetBytes(t, &Table{Columns: []Column{Floats64("x", []float64{0.01, -0.02, 0.03})}})
	want, err := ReadParquet("f", bytes.NewReader(whole), int64(len(whole)), nil)
	if err != nil {
		t.Fatal(err)
	}
	end := len(whole) - 8 - int(le.Uint32(whole[len(whole)-8:]))
	for i := 4; i < end; i++ {
		b := bytes.Clone(whole)
		b[i] ^= 4
		got, err := ReadParquet("f", bytes.NewReader(b), int64(len(b)), nil)
		if err == nil && show(got, 9) != show(want, 9) {
			t.Errorf("byte %d changed silently: %s", i, show(got, 9))
		}
	}
}

func TestGzip(t *testing.T) {
	zip := func(text string, times int) []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = io.WriteString(w, "date,a,b\n")
		block := max(1, (64<<10)/len(text)) // one write of many
		for _, repeat := range []struct{ n, of int }{{times / block, block}, {times % block, 1}} {
			part := strings.Repeat(text, repeat.of)
			for range repeat.n {
				_, _ = io.WriteString(w, part)
			}
		}
		_ = w.Close()
		return b.Bytes()
	}
	table, lines, err := ReadCSV("f.csv.gz", bytes.NewReader(zip("1,2.5,\n", 3)), wide)
	if err != nil || table.Rows() != 3 || lines[2] != 4 || table.Columns[2].IsValid(0) {
		t.Errorf("%v %v", table, err)
	}
	whole := zip("1,2,3\n", 1000)
	if _, _, err := ReadCSV("f.csv.gz", bytes.NewReader(whole[:len(whole)-20]), wide); err == nil || !strings.Contains(err.Error(), "truncated") {
		t.Errorf("truncated: %v", err)
	}
	for i, bomb := range []string{",,\n", "\n", "1,2,3\n", strings.Repeat("a", 1<<20), "\"" + strings.Repeat("b", 1<<16), strings.Repeat("x", 30000) + ",1,\n"} {
		if testing.Short() && i > 0 {
			continue
		}
		b := zip(bomb, (40<<20)/len(bomb))
		bounded(t, len(b), func() {
			if _, _, err := ReadCSV("f.csv.gz", bytes.NewReader(b), wide); err == nil || !strings.HasPrefix(err.Error(), "f.csv.gz") {
				t.Errorf("%.10q: %v", bomb, err)
			}
		})
	}
	r, err := newUnfolding("f", bytes.NewReader(zip("1,2,3\n", 10000)), 1000)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, r); err == nil || !strings.Contains(err.Error(), "decompress or split it") {
		t.Errorf("limit: %v", err)
	}
}
