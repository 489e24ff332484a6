package terminal

import (
	"math"
	"strings"
)

var blocks = []rune("▁▂▃▄▅▆▇█")

// Sparkline draws values as a line of blocks from the least to the greatest; NaN is a blank.
// Equal values are drawn at half height.
func Sparkline(values []float64) string {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if v == v {
			low, high = min(low, v), max(high, v)
		}
	}
	var b strings.Builder
	for _, v := range values {
		switch {
		case v != v:
			b.WriteByte(' ')
		case high == low:
			b.WriteRune(blocks[len(blocks)/2-1])
		default:
			b.WriteRune(blocks[min(len(blocks)-1, int((v-low)/(high-low)*float64(len(blocks))))])
		}
	}
	return b.String()
}

// Histogram counts values in bins of equal width between low and high, and draws the counts from
// 0 on; values outside are not drawn. A bin with a value is never blank.
func Histogram(values []float64, low, high float64, bins int) string {
	counts := make([]int, bins)
	most := 0
	for _, v := range values {
		if !(v >= low && v <= high) || high <= low {
			continue
		}
		k := min(bins-1, int((v-low)/(high-low)*float64(bins)))
		counts[k]++
		most = max(most, counts[k])
	}
	var b strings.Builder
	for _, n := range counts {
		if n == 0 {
			b.WriteByte(' ')
			continue
		}
		b.WriteRune(blocks[(n*len(blocks)-1)/most])
	}
	return b.String()
}
