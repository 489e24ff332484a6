package optimize

import (
	"fmt"
	"math"
	"runtime"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"allocate/scenarios"
)

// Risk is the possible loss of a portfolio over the horizon. Losses are positive
// fractions of capital.
type Risk struct {
	VaR           float64   // lower alpha-quantile of the loss: of S equally likely scenarios the (S-K)-th smallest loss, K = (1-alpha) S rounded down
	CVaR          float64   // mean loss of the worst 1-alpha of probability
	Gradient      []float64 // N: a subgradient of CVaR in the weights
	Contributions []float64 // N: w_i Gradient_i, which sum to CVaR
}

// Evaluate returns the exact risk of weights over the scenarios of set. It is
// the oracle that the solver and the certificate agree on.
//
// An atom that straddles alpha counts with the fraction of it that lies in the
// tail (Rockafellar and Uryasev 2002, proposition 8); scenarios that tie at the
// VaR share that fraction in proportion to their probability. CVaR is
// homogeneous of degree one, so w'Gradient = CVaR (Euler) without any
// differencing.
func Evaluate(set *scenarios.Set, weights []float64, alpha float64) (Risk, error) {
	if err := set.Validate(); err != nil {
		return Risk{}, fmt.Errorf("optimize: %w", err)
	}
	if len(weights) != len(set.Names) {
		return Risk{}, fmt.Errorf("optimize: %d weights for %d strategies", len(weights), len(set.Names))
	}
	if !(alpha >= 0 && alpha < 1) {
		return Risk{}, fmt.Errorf("optimize: alpha %v is not in [0, 1)", alpha)
	}
	for i, w := range weights {
		if math.IsNaN(w) || math.IsInf(w, 0) {
			return Risk{}, fmt.Errorf("optimize: weight of %q is %v; expected a finite number", set.Names[i], w)
		}
	}
	return newTail(set, alpha).risk(set, weights), nil
}

// tail is the measure of the worst scenarios: mass per scenario and how much
// of it lies beyond alpha, in the same unit. With equal probabilities the unit
// is one scenario, so that counting is exact.
type tail struct {
	mass    []float64 // S
	size    float64   // K = (1-alpha) S, or 1-alpha with unequal probabilities
	counted bool      // the unit is one scenario
}

// newTail computes K as the reader of alpha meant it: 1-0.95 is slightly above
// 0.05 in binary and 1-0.9 slightly below 0.1, and a count that is off by such
// an error would move a whole scenario in or out of the tail.
func newTail(set *scenarios.Set, alpha float64) tail {
	m := set.Len()
	t := tail{mass: make([]float64, m), size: 1 - alpha}
	if r := math.Round(t.size*1e12) / 1e12; math.Abs(r-t.size) < gridTol {
		t.size = r
	}
	if set.Prob == nil {
		for j := range t.mass {
			t.mass[j] = 1
		}
		t.counted = true
		t.size *= float64(m)
		if k := math.Round(t.size); k >= 1 && math.Abs(k-t.size) < massTol*float64(m) {
			t.size = k
		}
		return t
	}
	total := 0.0
	for _, p := range set.Prob {
		total += p
	}
	for j, p := range set.Prob {
		t.mass[j] = p / total
	}
	return t
}

// cap is the most of a unit of tail probability that scenario j can hold:
// p_j/(1-alpha), the upper bound of its dual variable q_j.
func (t tail) cap(j int) float64 { return t.mass[j] / t.size }

// measure returns VaR and CVaR of losses, and fills q with the tail
// probability of each scenario: 0 <= q_j <= cap(j), sum 1, CVaR = q'losses.
func (t tail) measure(losses, q []float64) (valueAtRisk, cvar float64) {
	return t.measureFrom(losses, q, math.Inf(-1))
}

// measureFrom is measure with a guess of a loss below the VaR: if that is what
// it is, only the losses above it are ranked.
func (t tail) measureFrom(losses, q []float64, guess float64) (valueAtRisk, cvar float64) {
	atoms := make([]atom, 0, len(losses)/8)
	mass := 0.0
	for j, l := range losses {
		if t.mass[j] > 0 && l > guess {
			atoms = append(atoms, atom{key: -l, mass: t.mass[j], id: j})
			mass += t.mass[j]
		}
	}
	if !math.IsInf(guess, -1) && mass <= t.size*(1+massTol) {
		return t.measureFrom(losses, q, math.Inf(-1))
	}
	// Strictly beyond K: when K scenarios fill the tail exactly, VaR is the
	// next loss below, the lower quantile.
	k := min(crossing(atoms, t.size*(1+wholeTol)), len(atoms)-1)
	if k == len(atoms)-1 {
		valueAtRisk = math.Inf(1)
		for _, a := range atoms { // the whole mass: the least loss
			valueAtRisk = min(valueAtRisk, -a.key)
		}
	} else {
		valueAtRisk = -atoms[k].key
	}

	beyond, tied := 0.0, 0.0
	for j, l := range losses {
		switch {
		case l > valueAtRisk:
			beyond += t.mass[j]
		case l == valueAtRisk:
			tied += t.mass[j]
		}
	}
	share := max(0, t.size-beyond) / tied
	for j, l := range losses {
		switch {
		case l > valueAtRisk:
			q[j] = t.cap(j)
		case l == valueAtRisk:
			q[j] = t.cap(j) * share
		default:
			q[j] = 0
		}
		cvar += q[j] * l
	}
	return valueAtRisk, cvar
}

func (t tail) risk(set *scenarios.Set, weights []float64) Risk {
	losses := make([]float64, set.Len())
	lossesOf(set, weights, losses)
	return t.riskOf(set, weights, losses, math.Inf(-1))
}

// riskOf is risk for weights whose losses are known, with a guess of a loss
// below the VaR.
func (t tail) riskOf(set *scenarios.Set, weights, losses []float64, guess float64) Risk {
	n, q := len(set.Names), make([]float64, len(losses))
	r := Risk{Gradient: make([]float64, n), Contributions: make([]float64, n)}
	r.VaR, r.CVaR = t.measureFrom(losses, q, guess)
	gradientOf(set, q, r.Gradient)
	for i, g := range r.Gradient {
		r.Contributions[i] = weights[i]*g + 0 // +0 clears the sign of a zero
	}
	return r
}

// lossesOf fills losses (S) with -R w. Large sets are cut into blocks of rows,
// one goroutine each; every row is a sum of its own, whatever the blocks.
func lossesOf(set *scenarios.Set, w, losses []float64) {
	const least = 1 << 20 // returns that are worth a goroutine
	all := matrixOf(set)
	workers := min(runtime.GOMAXPROCS(0), len(all.Data)/least)
	if workers < 2 {
		blas64.Gemv(blas.NoTrans, -1, all, vector(w), 0, vector(losses))
		return
	}
	size := (all.Rows/workers/8 + 1) * 8 // the kernel takes rows by fours
	var wait sync.WaitGroup
	for first := 0; first < all.Rows; first += size {
		wait.Go(func() {
			part := all
			part.Rows = min(size, all.Rows-first)
			part.Data = all.Data[first*all.Stride:]
			blas64.Gemv(blas.NoTrans, -1, part, vector(w), 0, vector(losses[first:first+part.Rows]))
		})
	}
	wait.Wait()
}

// gradientOf fills g (N) with L'q = -R'q.
func gradientOf(set *scenarios.Set, q, g []float64) {
	clear(g)
	for j, qj := range q {
		if qj != 0 {
			blas64.Axpy(-qj, vector(set.Row(j)), vector(g))
		}
	}
}

func matrixOf(set *scenarios.Set) blas64.General {
	n := len(set.Names)
	return blas64.General{Rows: set.Len(), Cols: n, Stride: n, Data: set.Returns}
}

func vector(x []float64) blas64.Vector { return blas64.Vector{N: len(x), Inc: 1, Data: x} }
