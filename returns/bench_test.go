package returns

import (
	"bytes"
	"math"
	"runtime"
	"testing"
)

// bigPanel is 5,000 days x 1,000 strategies, a tenth of them with gaps: 40 MB
// of numbers.
func bigPanel(b *testing.B) *Panel {
	const days, n = 5000, 1000
	dates := make([]Date, days)
	d := NewDate(2000, 1, 1)
	for t := range dates {
		d = d.NextWeekday()
		dates[t] = d
	}
	strategies, values := make([]Strategy, n), make([][]float64, n)
	for j := range values {
		strategies[j].Name = "strategy_" + string(rune('a'+j/100)) + string(rune('a'+j/10%10)) + string(rune('a'+j%10))
		values[j] = noise(uint64(j), days)
		for t := range values[j] {
			values[j][t] = math.Round(values[j][t]*1e8) / 1e8
			if j%10 == 0 && t%97 == 0 {
				values[j][t] = math.NaN()
			}
		}
	}
	p, err := NewPanel(dates, strategies, values)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// BenchmarkRead reads a whole file into a panel. allocated-MB is all that is
// allocated on the way, an upper bound of the memory; the panel has 40 MB.
func BenchmarkRead(b *testing.B) {
	p := bigPanel(b)
	for _, format := range []struct {
		name  string
		write func(w *bytes.Buffer) error
	}{
		{"csv", func(w *bytes.Buffer) error { return p.WriteCSV(w) }},
		{"parquet", func(w *bytes.Buffer) error { return p.WriteParquet(w) }},
		{"arrow", func(w *bytes.Buffer) error { return p.WriteArrow(w) }},
	} {
		b.Run(format.name, func(b *testing.B) {
			var w bytes.Buffer
			if err := format.write(&w); err != nil {
				b.Fatal(err)
			}
			files := []File{{Name: "panel." + format.name, Data: w.Bytes()}}
			peak := uint64(0)
			for b.Loop() {
				b.StopTimer()
				runtime.GC()
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				b.StartTimer()
				q, _, err := Read(files, options())
				if err != nil || q.Days() != p.Days() || q.Len() != p.Len() {
					b.Fatal(err)
				}
				b.StopTimer()
				runtime.ReadMemStats(&after)
				peak = max(peak, after.TotalAlloc-before.TotalAlloc) // nothing is freed that had not been allocated
				b.StartTimer()
			}
			b.ReportMetric(float64(w.Len())/1e6, "file-MB")
			b.ReportMetric(float64(peak)/1e6, "allocated-MB")
		})
	}
}

// BenchmarkCheck judges the same panel.
func BenchmarkCheck(b *testing.B) {
	p := bigPanel(b)
	for b.Loop() {
		Check(p, options(), Weekdays())
	}
}
