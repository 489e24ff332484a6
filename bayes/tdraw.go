package bayes

import (
	"math"
	"math/rand/v2"
	"sync"

	"gonum.org/v1/gonum/mathext"
)

// Many draws of one Student-t are quantiles at uniform numbers, interpolated in
// cells of tail probability that are each a 32nd to a 64th of it wide: as many
// in every octave, so that the tails are as exact as the middle. The number of
// a cell stands in the first bits of the probability as a float64, and no draw
// has a branch that depends on it, but for the one in 4,000 beyond the last
// octave, which is exact. The distribution function is off by less than 1e-4,
// and less than 0.1% of either tail.
//
// A probability is an odd number x below 2^32, over 2^33.
const (
	cellBits    = 5
	cellOctaves = 12
	drawCells   = cellOctaves << cellBits
	cellShift   = 52 - cellBits
	drawFrom    = (1023 + 32 - cellOctaves) << cellBits // of x = 2^(32-cellOctaves), by its first bits

	drawRows  = 256 // values of nu, between which quantiles are interpolated
	tableFrom = 32  // draws from which a table pays
)

// cellNode is x at node i, from the tail to the median.
func cellNode(i int) float64 { return math.Float64frombits(uint64(drawFrom+i) << cellShift) }

// drawNodes are the quantiles of the nodes, of positive sign, for values of nu at
// equal distances of 1/nu, from the normal on.
var drawNodes = sync.OnceValue(func() *[drawRows + 1][drawCells + 1]float64 {
	var z [drawCells + 1]float64
	for i := range drawCells {
		z[i] = -mathext.NormalQuantile(cellNode(i) / (1 << 33))
	}
	var nodes [drawRows + 1][drawCells + 1]float64
	for k := range nodes {
		var s tScore
		s.set(2 * drawRows / float64(k))
		s.each(z[:], nodes[k][:])
	}
	return &nodes
})

// tDraws makes draws of one Student-t. In a cell they are offset + slope x, to
// either side of the location.
type tDraws struct {
	location, scale, nu float64
	cells               [drawCells]struct{ offset, slope float64 }
}

func (d *tDraws) set(location, scale, nu float64) {
	d.location, d.scale, d.nu = location, scale, nu
	row := 2 * drawRows / nu
	k := min(int(row), drawRows-1)
	share := row - float64(k)
	near, far := &drawNodes()[k], &drawNodes()[k+1]
	outer := scale * (near[0] + share*(far[0]-near[0]))
	x, width := cellNode(0), cellNode(1)-cellNode(0)
	for octave := range cellOctaves {
		perWidth := 1 / width
		from := octave << cellBits
		near, far := near[from+1:][:1<<cellBits], far[from+1:][:1<<cellBits]
		cells := d.cells[from:][:1<<cellBits]
		for i, q := range near {
			inner := scale * (q + share*(far[i]-q))
			slope := (inner - outer) * perWidth
			cells[i].offset, cells[i].slope = outer-slope*x, slope
			outer = inner
			x += width
		}
		width *= 2
	}
}

// fill writes independent draws, two of each number of the generator. The first
// of 32 bits is the side.
func (d *tDraws) fill(rng *rand.Rand, r []float64) {
	var bits uint64
	for i := range r {
		if bits >>= 32; i&1 == 0 {
			bits = rng.Uint64()
		}
		x := float64(uint32(bits)<<1 | 1)
		v := math.Float64bits(x)>>cellShift - drawFrom
		if v >= drawCells {
			r[i] = d.location + signed(d.beyond(x), bits)
			continue
		}
		r[i] = d.location + signed(d.cells[v].offset+d.cells[v].slope*x, bits)
	}
}

// beyond is the distance of a draw in the tail that has no cells.
func (d *tDraws) beyond(x float64) float64 {
	var s tScore
	s.set(d.nu)
	return d.scale * s.at(-mathext.NormalQuantile(x/(1<<33)))
}

// signed gives v the sign of bit 31.
func signed(v float64, bits uint64) float64 {
	return math.Float64frombits(math.Float64bits(v) ^ bits<<32&(1<<63))
}
