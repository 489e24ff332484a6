package scenarios

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

const (
	mostPairs   = 64  // of the composite likelihood
	pairHistory = 250 // common days of such a pair, at least
	mostPoints  = 16  // draws of (a, b) that scenarios are made from
)

// fit maximizes the likelihood of up to judged strategies, from the maximum of the
// composite likelihood on: the sum of the log likelihoods of pairs (Pakel, Shephard,
// Sheppard and Engle, Journal of Business & Economic Statistics 39, 2021), each with the
// recursion of its own 2 x 2 matrix, a hundredth of the work. The latter alone would be
// right if all pairs moved alike. They do not, and what fits pairs is too much news for
// many at once: on 29 real strategies a is 0.06 for pairs, and half of that predicts their
// joint density better by 0.3 nats a day, out of sample.
//
// Draws of (a, b) are maximizers under random weights of blocks of days, as those of nu
// are.
func (d *dcc) fit(h *history, nu float64, rng *rand.Rand, each func(n int, f func(i int)) error) error {
	pairs := d.pairsOf(h, nu)
	if len(pairs) == 0 {
		d.points = []dccPoint{{share: 1}} // nothing speaks for correlations that move
		return nil
	}
	rough := newGrid(h)
	err := rough.evaluate(coarse(), each, func(at dccPoint, block []float64) {
		for _, p := range pairs {
			p.logLik(at, nu, block)
		}
	})
	if err != nil {
		return err
	}
	g, chosen := newGrid(h), representative(h, d.news)
	err = g.climb(rough.keys[rough.best(nil)], each, func(at dccPoint, block []float64) {
		d.pathOf(h, chosen, at).logLik(nu, block)
	})
	if err != nil {
		return err
	}
	d.best = g.points[g.best(nil)]
	share := make([]float64, len(g.points))
	weight := make([]float64, g.blocks)
	for range bootstrap {
		for b := range weight {
			weight[b] = rng.ExpFloat64()
		}
		share[g.best(weight)] += 1.0 / bootstrap
	}
	d.draw(g.points, share)
	return nil
}

// draw keeps the points with the largest shares.
func (d *dcc) draw(points []dccPoint, share []float64) {
	for i, p := range points {
		if p.share = share[i]; p.share > 0 {
			d.points = append(d.points, p)
		}
	}
	slices.SortStableFunc(d.points, func(x, y dccPoint) int { return cmp.Compare(y.share, x.share) })
	d.points = d.points[:min(len(d.points), mostPoints)]
	sum := 0.0
	for _, p := range d.points {
		sum += p.share
	}
	for i := range d.points {
		d.points[i].share /= sum
	}
}

// dccGrid is the points where the likelihood was evaluated: a and 1-a-b are powers of
// 2^(1/gridStep).
type dccGrid struct {
	blocks int
	keys   [][2]int
	at     map[[2]int]int
	points []dccPoint
	logLik [][]float64 // by block of days
}

const gridStep = 8

func newGrid(h *history) *dccGrid {
	return &dccGrid{blocks: (len(h.dates) + blockDays - 1) / blockDays, at: map[[2]int]int{}}
}

func (g *dccGrid) evaluate(keys [][2]int, each func(n int, f func(i int)) error, logLik func(at dccPoint, block []float64)) error {
	first := len(g.logLik)
	keys = g.add(keys)
	return each(len(keys), func(i int) { logLik(g.points[first+i], g.logLik[first+i]) })
}

// climb evaluates neighbors, in smaller and smaller steps, until none is better.
func (g *dccGrid) climb(start [2]int, each func(n int, f func(i int)) error, logLik func(at dccPoint, block []float64)) error {
	for step := gridStep; step >= 1; step /= 2 {
		for {
			if err := g.evaluate(around(start, step), each, logLik); err != nil {
				return err
			}
			best := g.keys[g.best(nil)]
			if best == start {
				break
			}
			start = best
		}
	}
	return nil
}

// noNews is the key of a = 0.
var noNews = [2]int{math.MaxInt, 0}

// coarse are steps of a factor of 2: a from 0.2 to 0.003, 1-a-b from 0.4 to 0.0016, and
// a = 0.
func coarse() [][2]int {
	keys := [][2]int{noNews}
	for i := range 7 {
		for j := range 9 {
			keys = append(keys, [2]int{i * gridStep, j * gridStep})
		}
	}
	return keys
}

// around are a key and its neighbors; of no news, little news that persists.
func around(key [2]int, step int) [][2]int {
	keys := [][2]int{noNews, key}
	if key == noNews {
		return append(keys, [2]int{6 * gridStep, 4 * gridStep}, [2]int{7 * gridStep, 5 * gridStep})
	}
	for i := -1; i <= 1; i++ {
		for j := -1; j <= 1; j++ {
			keys = append(keys, [2]int{key[0] + i*step, key[1] + j*step})
		}
	}
	return keys
}

// add makes points of the keys that are new and can be, and returns these.
func (g *dccGrid) add(keys [][2]int) (added [][2]int) {
	for _, k := range keys {
		p := dccPoint{}
		if k != noNews {
			p.a = 0.2 * math.Exp2(-float64(k[0])/gridStep)
			p.b = 1 - 0.4*math.Exp2(-float64(k[1])/gridStep) - p.a
		}
		if _, known := g.at[k]; known || p.b < 0 || p.b > 0.999 {
			continue
		}
		g.at[k] = len(g.points)
		g.keys, g.points, g.logLik = append(g.keys, k), append(g.points, p), append(g.logLik, make([]float64, g.blocks))
		added = append(added, k)
	}
	return added
}

// best returns the point of largest likelihood, with weights of the blocks or without.
func (g *dccGrid) best(weight []float64) int {
	at, most := 0, math.Inf(-1)
	for i, blocks := range g.logLik {
		sum := 0.0
		for b, v := range blocks {
			if weight != nil {
				v *= weight[b]
			}
			sum += v
		}
		if sum > most {
			at, most = i, sum
		}
	}
	return at
}

// pairDays are the days that two strategies share.
type pairDays struct {
	at         []int // day of the history
	z1, z2     []float64
	x1, x2     []float64 // of a Student-t of nu degrees of freedom, at the same probability
	gap        []int     // days since the one before
	long, news float64
}

// pairsOf chooses pairs of neighbors among the strategies, then of those next to neighbors
// and so on. Strategies that are nearly the same say nothing.
func (d *dcc) pairsOf(h *history, nu float64) (pairs []*pairDays) {
	n, m := len(h.score), mapFor(nu)
	for offset := 1; offset < n && len(pairs) < mostPairs; offset++ {
		step := 1 + (n-offset-1)/mostPairs
		for i := 0; i+offset < n && len(pairs) < mostPairs; i += step {
			j := i + offset
			p := &pairDays{long: d.long.At(i, j), news: d.news.At(i, j)}
			if math.Abs(p.long) > alike {
				continue
			}
			before := -1
			for t, z1 := range h.score[i] {
				z2 := h.score[j][t]
				if math.IsNaN(z1) || math.IsNaN(z2) {
					continue
				}
				gap := 1
				if before >= 0 {
					gap = t - before
				}
				p.at, p.gap = append(p.at, t), append(p.gap, gap)
				p.z1, p.z2 = append(p.z1, z1), append(p.z2, z2)
				p.x1, p.x2 = append(p.x1, m.student(z1)), append(p.x2, m.student(z2))
				before = t
			}
			if len(p.at) >= pairHistory {
				pairs = append(pairs, p)
			}
		}
	}
	return pairs
}

// logLik adds the log density of the pair's t copula to the blocks of days, but for what
// does not depend on the correlation: with D = q11 q22 - q12^2 over q11 q22,
//
//	(nu+1)/2 ln D - (nu+2)/2 ln(nu D + x1^2 + x2^2 - 2 rho x1 x2).
//
// A day that either lacks counts as its expectation.
func (p *pairDays) logLik(at dccPoint, nu float64, block []float64) {
	a, b := at.a, at.b
	own := 1 - a - b
	cross := (1-b)*p.long - a*p.news
	cross = math.Copysign(min(math.Abs(cross), own), cross)
	q11, q22, q12 := 1.0, 1.0, p.long
	now, det, form := 0, 1.0, 1.0
	for k, t := range p.at {
		for range p.gap[k] - 1 {
			q11, q22, q12 = own+a+b*q11, own+a+b*q22, cross+a*p.news+b*q12
		}
		if to := t / blockDays; to != now {
			block[now] += (nu+1)/2*math.Log(det) - (nu+2)/2*math.Log(form)
			now, det, form = to, 1, 1
		}
		rho := q12 / math.Sqrt(q11*q22)
		x1, x2 := p.x1[k], p.x2[k]
		d := max(1-rho*rho, 1e-9)
		det *= d
		form *= nu*d + x1*x1 + x2*x2 - 2*rho*x1*x2
		z1, z2 := p.z1[k], p.z2[k]
		q11, q22, q12 = own+a*z1*z1+b*q11, own+a*z2*z2+b*q22, cross+a*z1*z2+b*q12
	}
	block[now] += (nu+1)/2*math.Log(det) - (nu+2)/2*math.Log(form)
}
