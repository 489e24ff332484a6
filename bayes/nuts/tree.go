package nuts

import "math"

// rebase is the log weight above which the running sums of weights are
// rescaled, far below the overflow of exp.
const rebase = 300

// transition makes one draw from the chain's current point with the given step
// and tree depth, and records its statistics in c.last. It is algorithm 3 of
// Hoffman & Gelman (2014) with multinomial sampling, biased progressive choice
// and the generalized criterion of Betancourt (2017, appendix A), allocating
// nothing.
//
// Weights exp(H₀−H) are summed on the linear scale relative to exp(c.base), so
// that a leaf costs one exponential and no logarithm.
func (c *chain) transition(step float64, maxDepth int) error {
	dim := len(c.grad)
	rho := c.rho[:dim]
	left, right := &c.left, &c.right
	var kinetic float64
	for i := range rho {
		v := c.rng.NormFloat64()
		left.p[i], rho[i] = v, v
		kinetic += v * v
	}
	copy(left.q, c.at.q)
	c.metric.pull(left.g, c.at.grad)
	right.set(left)
	h0 := kinetic/2 - c.at.logp
	c.at.energy = h0

	c.last = draw{step: step}
	c.base, c.accept = 0, 0
	c.weight = 1
	directions := c.rng.Uint64()
	for c.last.depth < maxDepth {
		near, far, eps := left, right, -step
		if directions&1 == 1 {
			near, far, eps = right, left, step
		}
		directions >>= 1
		joint := c.joint[:dim]
		copy(joint, near.p)
		top, ok, err := c.extend(near, eps, c.last.depth, h0)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		c.last.depth++
		if c.rng.Float64()*c.weight < c.subweight {
			c.at, c.proposal = c.proposal, c.at
		}
		c.weight += c.subweight
		turned := turns(far.p, joint, rho, top.first, near.p, top.rho)
		if turned {
			break
		}
		for i, v := range top.rho {
			rho[i] += v
		}
	}
	c.last.accept = c.accept / float64(c.last.leapfrogs)
	c.last.logp, c.last.energy = c.at.logp, c.at.energy
	return nil
}

// span is a stretch of trajectory: the momenta at its two ends, in the order
// of integration, and their sum over all its points.
type span struct {
	first, last, rho []float64
}

// extend integrates 2^depth steps from e and reports whether the new subtree is
// free of divergences, points without a finite density and U-turns, with its span. One of its points, chosen
// with probability proportional to its weight, is left in c.proposal and the
// total weight in c.subweight.
//
// The recursion of the papers is unrolled: after leaf i (from 0) is made, the
// completed subtrees whose halves end there are those at levels 0..t-1, t the
// number of trailing one bits of i; c.spans[l] holds the pending left half at
// level l. Choosing leaf by leaf with probability w/Σw is the same distribution
// as the uniform multinomial choice at each merge.
func (c *chain) extend(e *endpoint, eps float64, depth int, h0 float64) (span, bool, error) {
	c.subweight = 0
	for i := uint(0); i < 1<<depth; i++ {
		h, logp, err := c.leapfrog(e, eps)
		if err != nil {
			return span{}, false, err
		}
		c.last.leapfrogs++
		gain := h0 - h
		w := c.weigh(gain)
		c.subweight += w
		if -gain > c.maxEnergyError {
			c.last.divergent = !math.IsInf(h, 1)
			c.last.nonFinite = !c.last.divergent
			return span{}, false, nil
		}
		if i == 0 || c.rng.Float64()*c.subweight < w {
			at := &c.proposal
			copy(at.q, e.q)
			copy(at.grad, c.grad)
			at.logp, at.energy = logp, h
		}

		level := 0
		for rest := i; rest&1 == 1; rest >>= 1 {
			level++
		}
		s := &c.spans[level]
		p := e.p
		copy(s.rho, p)
		copy(s.last, p)
		if level == 0 {
			copy(s.first, p)
			continue
		}
		if leafTurns(c.spans[0].rho, p) {
			return span{}, false, nil
		}
		// s.first is the first point of the right half while merging upwards.
		copy(s.first, c.spans[0].rho)
		add(s.rho, c.spans[0].rho)
		for l := 1; l < level; l++ {
			half := &c.spans[l]
			if turns(half.first, half.last, half.rho, s.first, p, s.rho) {
				return span{}, false, nil
			}
			copy(s.first, half.first)
			add(s.rho, half.rho)
		}
	}
	return c.spans[depth], true, nil
}

// weigh returns a leaf's weight exp(gain−base) and adds min(1, exp(gain)) to
// the acceptance statistic, moving the base when the weight would overflow.
func (c *chain) weigh(gain float64) float64 {
	if gain > c.base+rebase {
		shrink := math.Exp(c.base - gain)
		c.weight *= shrink
		c.subweight *= shrink
		c.base = gain
	}
	w := math.Exp(gain - c.base)
	switch {
	case gain >= 0:
		c.accept++
	case c.base == 0:
		c.accept += w
	default:
		c.accept += math.Exp(gain)
	}
	return w
}

// turns reports whether the merge of two adjacent stretches a and b makes a
// U-turn: Betancourt's criterion on the whole, on a with b's first point, and on
// b with a's last point (the latter two as in Stan, against trajectories that
// close upon themselves).
func turns(aFirst, aLast, aRho, bFirst, bLast, bRho []float64) bool {
	n := len(aFirst)
	aLast, aRho, bFirst, bLast, bRho = aLast[:n], aRho[:n], bFirst[:n], bLast[:n], bRho[:n]
	var w0, w1, l0, l1, r0, r1 float64
	for i, a0 := range aFirst {
		a1, b0, b1 := aLast[i], bFirst[i], bLast[i]
		ra, rb := aRho[i], bRho[i]
		whole, left, right := ra+rb, ra+b0, rb+a1
		w0 += a0 * whole
		w1 += b1 * whole
		l0 += a0 * left
		l1 += b0 * left
		r0 += a1 * right
		r1 += b1 * right
	}
	return !(w0 > 0 && w1 > 0 && l0 > 0 && l1 > 0 && r0 > 0 && r1 > 0)
}

// leafTurns is turns for two single points, where its three checks coincide.
func leafTurns(a, b []float64) bool {
	b = b[:len(a)]
	var w0, w1 float64
	for i, v := range a {
		s := v + b[i]
		w0 += v * s
		w1 += b[i] * s
	}
	return !(w0 > 0 && w1 > 0)
}

func add(dst, v []float64) {
	v = v[:len(dst)]
	for i := range dst {
		dst[i] += v[i]
	}
}
