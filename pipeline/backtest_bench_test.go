package pipeline

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"allocate/config"
	"allocate/pipeline/engine"
)

// BenchmarkBacktest replays a year of monthly decisions on the 29 real
// strategies, ten years of days each, from nothing.
func BenchmarkBacktest(b *testing.B) {
	if _, err := os.Stat(realReturns); err != nil {
		b.Skip(err)
	}
	c := config.Default()
	c.Returns.Path, c.Workers = realReturns, 2
	c.Backtest.Start, c.Backtest.End = "2015-01-01", "2015-12-31"
	for b.Loop() {
		dir := b.TempDir()
		c.Out, c.Cache = filepath.Join(dir, "out"), filepath.Join(dir, "cache")
		if _, err := Backtest(b.Context(), &c, nil, &engine.Memory{}, time.Now); err != nil {
			b.Fatal(err)
		}
	}
}
