package bayes

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"allocate/bayes/nuts"
)

// modeDim is the largest dimension in which modes are sought: a Hessian by
// differences costs 2 Dim gradients a step.
const modeDim = 128

type counted struct {
	Model
	n int
}

func (c *counted) LogDensity(q, grad []float64) (float64, error) {
	c.n++
	return c.Model.LogDensity(q, grad)
}

// modeSearch is the result of the search for modes before sampling: the modes,
// the one of the largest mass first, found by ascents from points that are
// dispersed far wider than any mode. Chains that all start at one mode agree
// with each other whether or not there are others.
type modeSearch struct {
	model     Model       // the model, prepared for the mode that the first ascent found
	modes     []*laplace  // with a share of the mass of at least minorShare
	share     []float64   // of the sum of all modes' approximate masses
	minor     int         // modes with less
	climbs    int         // that ended at some mode
	points    [][]float64 // where the ascents began, if there is no mode; one per chain
	gradients int
}

const (
	minorShare = 1e-3 // share of the mass of a mode below which no chain starts there
	sameMode   = 0.1  // squared Mahalanobis distance within which two ascents ended at one mode
)

// radii are the sizes of the boxes in which ascents begin, in units of Stan's
// Uniform(-2, 2), with boxClimbs ascents in each: a Latin hypercube, so that in
// every coordinate each of as many strata has one. A model that knows where its
// posterior is needs the first box only, around that place, and fewer ascents.
var radii = []float64{1, 4, 16}

const (
	boxClimbs     = 16
	guessedClimbs = 4
	stride        = 0.5 // longest step of an ascent, in units of the radius
)

// searchModes finds the modes of m. The first ascent starts at m's initial
// point, or 0.
func searchModes(m Model, o Options, stream func(part string) rand.Source) *modeSearch {
	l := &modeSearch{model: m}
	dim := m.Dim()
	if dim > modeDim {
		return l
	}
	center, boxes, climbs := make([]float64, dim), radii, boxClimbs
	g, guessed := m.(Initializer)
	if guessed {
		g.Initialize(center)
		boxes, climbs = radii[:1], guessedClimbs
	}
	rng := rand.New(stream("climbs"))
	plain := &counted{Model: m}
	var found []*laplace
	add := func(mode *laplace) {
		if mode == nil {
			return
		}
		l.climbs++
		for _, known := range found {
			if known.distance2(mode.at) < sameMode || mode.distance2(known.at) < sameMode {
				return
			}
		}
		found = append(found, mode)
	}
	_, dear := m.(Valuer)
	if dear { // a Hessian by differences costs as much as the whole ascent
		newtonAscent(plain, center, nil, nil, stride)
	}
	add(newLaplace(plain, center, newtonSteps))
	l.gradients += plain.n
	climber := &counted{Model: m}
	if p, is := m.(Reducer); is && len(found) > 0 {
		l.model = p.Reduce(found[0].at, found[0].covariance)
		climber.Model = l.model
	}
	steps := newtonSteps
	if dear {
		steps = dearSteps
	}
	for _, radius := range boxes {
		for k, q := range hypercube(rng, climbs, dim) {
			if !l.settle(m, q, center, radius) {
				continue
			}
			if guessed && k < o.Chains {
				l.points = append(l.points, slices.Clone(q))
			}
			var metric *laplace
			if len(found) > 0 {
				metric = found[0]
			}
			at := newtonAscent(climber, q, metric, found, stride*radius)
			if at < 0 && dear {
				at = newtonAscent(climber, q, nil, found, stride*radius)
			}
			if at < 0 {
				add(newLaplace(climber, q, steps))
			} else {
				l.climbs++
			}
		}
	}
	l.gradients += climber.n
	l.rank(found)
	return l
}

// hypercube returns n points in (-2, 2)^dim of which, in every coordinate, each
// n-th of the interval has one.
func hypercube(rng *rand.Rand, n, dim int) [][]float64 {
	points := make([][]float64, n)
	for k := range points {
		points[k] = make([]float64, dim)
	}
	for i := range dim {
		for k, stratum := range rng.Perm(n) {
			points[k][i] = 4*(float64(stratum)+rng.Float64())/float64(n) - 2
		}
	}
	return points
}

// settle moves q to center + radius q, or nearer to the center until the density
// is finite there; false if it is not anywhere on the way.
func (l *modeSearch) settle(m Model, q, center []float64, radius float64) bool {
	grad, away := make([]float64, len(q)), slices.Clone(q)
	for range 20 {
		for i := range q {
			q[i] = center[i] + radius*away[i]
		}
		l.gradients++
		if lp, err := m.LogDensity(q, grad); err == nil && !math.IsNaN(lp) && !math.IsInf(lp, 0) && allFinite(grad) {
			return true
		}
		radius /= 2
	}
	return false
}

// rank orders the modes by their approximate masses.
func (l *modeSearch) rank(found []*laplace) {
	if len(found) == 0 {
		return
	}
	slices.SortStableFunc(found, func(a, b *laplace) int {
		switch {
		case a.logMass > b.logMass:
			return -1
		case a.logMass < b.logMass:
			return 1
		}
		return 0
	})
	total := 0.0
	for _, f := range found {
		total += math.Exp(f.logMass - found[0].logMass)
	}
	for _, f := range found {
		share := math.Exp(f.logMass-found[0].logMass) / total
		if share < minorShare {
			l.minor++
			continue
		}
		l.modes, l.share = append(l.modes, f), append(l.share, share)
	}
}

// main is the mode of the largest mass, nil if there is none.
func (l *modeSearch) main() *laplace {
	if len(l.modes) == 0 {
		return nil
	}
	return l.modes[0]
}

// start places each chain at a mode plus twice a draw of its approximation,
// nearer if the density is not finite there; chains take the modes in turn.
// Chains of one superchain start together. Without a mode the chains start where
// the ascents began, or as in Stan. suffix tells the random numbers of one attempt
// from another's.
func (l *modeSearch) start(m Model, chains int, suffix string, stream func(part string) rand.Source) *nuts.Start {
	if len(l.modes) == 0 {
		if len(l.points) == chains {
			return &nuts.Start{Points: l.points}
		}
		return nil
	}
	s := &nuts.Start{Covariance: l.modes[0].covariance}
	z, grad := make([]float64, m.Dim()), make([]float64, m.Dim())
	groups := superchains(chains)
	for c := range chains {
		if c > 0 && groups[c] == groups[c-1] {
			s.Points = append(s.Points, s.Points[c-1])
			continue
		}
		rng := rand.New(stream("start " + strconv.Itoa(c+1) + suffix))
		for i := range z {
			z[i] = rng.NormFloat64()
		}
		mode := l.modes[groups[c]%len(l.modes)]
		point := make([]float64, m.Dim())
		for scale := 2.0; ; scale /= 2 {
			if scale < 1e-3 {
				scale = 0
			}
			mode.move(point, z, scale)
			l.gradients++
			if lp, err := m.LogDensity(point, grad); scale == 0 || err == nil && !math.IsNaN(lp) && !math.IsInf(lp, 0) {
				break
			}
		}
		s.Points = append(s.Points, point)
	}
	return s
}

func allFinite(x []float64) bool {
	for _, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}
