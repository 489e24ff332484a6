package bayes

import (
	"math"
	"math/rand/v2"
	"sync"

	"gonum.org/v1/gonum/mathext"
)

// Many draws of one Student-t are quantiles at uniform numbers, interpolated
// between those at the ends of cells of equal probability. The positive half has
// quantileCells cells, of which the last quantileTail, an eighth, are cut into
// fineCells finer ones; in the last fineTail of these the quantile is exact. The
// distribution function is off by less than 1e-4.
const (
	quantileBits  = 7
	quantileCells = 1 << quantileBits
	quantileTail  = quantileCells / 8
	fineCells     = 64
	fineTail      = 4
	quantileFrom  = 400 // draws from which a table pays

	coarse = quantileCells - quantileTail // cells that are not cut
	fine   = fineCells - fineTail         // finer cells that are interpolated
)

// quantileNodes are the normal quantiles of the cells' ends, from 0: those of the
// coarse cells, then those of the finer ones.
var quantileNodes = sync.OnceValue(func() *[coarse + fine + 1]float64 {
	var z [coarse + fine + 1]float64
	for i := range z {
		z[i] = -mathext.NormalQuantile(nodeTail(i))
	}
	z[0] = 0
	return &z
})

// nodeTail is the probability beyond node i.
func nodeTail(i int) float64 {
	if i <= coarse {
		return 0.5 - float64(i)/(2*quantileCells)
	}
	return float64(fineCells-(i-coarse)) / (2 * fineCells) * quantileTail / quantileCells
}

// draw writes independent Student-t variates with location 0 and scale 1.
func (s *tScore) draw(rng *rand.Rand, r []float64) {
	var t [coarse + fine + 1]float64
	s.each(quantileNodes()[:], t[:])
	for i := range r {
		bits := rng.Uint64()
		at := int(bits >> (63 - quantileBits) & (quantileCells - 1))
		within := float64(bits&(1<<53-1)) / (1 << 53)
		if at >= coarse {
			x := (float64(at-coarse) + within) * (fineCells / quantileTail)
			at, within = int(x), x-math.Floor(x)
			if at >= fine {
				tail := (fineCells - x) / (2 * fineCells) * quantileTail / quantileCells
				r[i] = signed(s.at(-mathext.NormalQuantile(tail)), bits)
				continue
			}
			at += coarse
		}
		r[i] = signed(t[at]+within*(t[at+1]-t[at]), bits)
	}
}

// signed gives v the sign of the highest bit.
func signed(v float64, bits uint64) float64 {
	return math.Float64frombits(math.Float64bits(v) ^ bits&(1<<63))
}
