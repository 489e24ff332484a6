package bayes

import (
	"math"
	"math/rand/v2"
	"sync"

	"gonum.org/v1/gonum/mathext"
)

// Many draws of one Student-t are quantiles at uniform numbers. The positive half
// is cut into quantileCells cells of equal probability. Within a cell the
// quantile is interpolated, but for the last quantileTail cells, in the tail,
// where it is exact. The distribution function is off by less than 3e-5.
const (
	quantileBits  = 8
	quantileCells = 1 << quantileBits
	quantileTail  = 16
	quantileFrom  = 400 // draws from which a table pays
)

// quantileNodes are the normal quantiles of the cells' ends, from 0.
var quantileNodes = sync.OnceValue(func() *[quantileCells - quantileTail + 1]float64 {
	var z [quantileCells - quantileTail + 1]float64
	for i := range z {
		z[i] = mathext.NormalQuantile(0.5 + float64(i)/(2*quantileCells))
	}
	return &z
})

// draw writes independent Student-t variates with location 0 and scale 1.
func (s *tScore) draw(rng *rand.Rand, r []float64) {
	var t [quantileCells - quantileTail + 1]float64
	s.each(quantileNodes()[:], t[:])
	for i := range r {
		bits := rng.Uint64()
		cell := bits >> (63 - quantileBits) & (quantileCells - 1)
		within := float64(bits&(1<<53-1)) / (1 << 53)
		var v float64
		if cell < quantileCells-quantileTail {
			v = t[cell] + within*(t[cell+1]-t[cell])
		} else {
			v = s.at(-mathext.NormalQuantile((float64(quantileCells-cell) - within) / (2 * quantileCells)))
		}
		r[i] = math.Float64frombits(math.Float64bits(v) ^ bits&(1<<63)) // the highest bit is the sign
	}
}
