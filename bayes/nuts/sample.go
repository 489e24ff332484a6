package nuts

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"

	"gonum.org/v1/gonum/mat"
)

// Start is where the chains begin. Every field is optional.
type Start struct {
	// Points are the chains' starting positions, Chains × Dim. Without them
	// each chain starts as in Stan, at the first point Uniform(-2, 2)^dim where
	// log density and gradient are finite.
	Points [][]float64
	// Covariance is the first metric, Dim × Dim. Without it the first metric
	// is diagonal, 1/|gradient| at the starting points.
	Covariance *mat.SymDense
	// Step is the first step size, in units of the metric; 0 searches one.
	Step float64
}

// Stats are the statistics of one chain's kept draws, one element per draw.
type Stats struct {
	LogDensity []float64 // log density of the draw
	Energy     []float64 // Hamiltonian of the draw, with its momentum
	AcceptStat []float64 // mean Metropolis probability over the trajectory, in [0, 1]
	StepSize   []float64 // step used, jitter included
	TreeDepth  []int     // doublings completed
	Leapfrogs  []int     // gradients spent
	Divergent  []bool    // the energy error exceeded MaxEnergyError, and was finite
	NonFinite  []bool    // the trajectory ended where log density or gradient is not finite
}

// Result is the outcome of Sample.
type Result struct {
	Dim   int
	Draws [][]float64 // per chain, iterations × Dim row-major, unconstrained scale
	Stats []Stats     // per chain

	StepSize   float64       // adapted step, before jitter
	Covariance *mat.SymDense // final metric; nil if diagonal
	Variances  []float64     // diagonal of the final metric

	WarmupIterations int // per chain
	WarmupLeapfrogs  int // gradients spent in warm-up and start, all chains
	Gradients        int // gradients spent in total, all chains
	Relocated        int // chains moved to another's point during warm-up; see relocate

	// FirstNonFinite is the first point, by chain, iteration and step, whose
	// log density or gradient is not finite; nil if there is none. Starting
	// points that were passed over do not count.
	FirstNonFinite []float64
}

// Divergences counts the divergent kept draws of all chains.
func (r *Result) Divergences() int {
	n := 0
	for _, s := range r.Stats {
		for _, d := range s.Divergent {
			if d {
				n++
			}
		}
	}
	return n
}

// Chains returns parameter i's draws by chain, newly allocated.
func (r *Result) Chains(i int) [][]float64 {
	out := make([][]float64, len(r.Draws))
	for c, d := range r.Draws {
		out[c] = make([]float64, len(d)/r.Dim)
		for t := range out[c] {
			out[c][t] = d[t*r.Dim+i]
		}
	}
	return out
}

// sampler is one run over all chains.
type sampler struct {
	o               Options
	obs             Observer
	mu              sync.Mutex // serializes obs
	dim             int
	chains          []*chain
	metric          *metric
	warmed, total   int // warm-up iterations done, iterations planned
	startedAtRandom bool
	relocated       int
}

// Sample runs the chains and returns their kept draws. newDensity and src are
// called once per chain, in order, and names label the Dim parameters in
// errors. start and obs may be nil.
//
// It fails with ctx's error when cancelled, a [*PointError] when a density
// fails for good or is not finite at any start, and [ErrBudget] when
// MaxGradients ends it before MinDraws draws. A run that MaxGradients ends later
// returns fewer draws than asked for, as many in every chain.
func Sample(ctx context.Context, newDensity func(chain int) (Density, error), names []string,
	src func(chain int) rand.Source, start *Start, o Options, obs Observer,
) (*Result, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if start == nil {
		start = &Start{}
	}
	s := &sampler{o: o, obs: obs, dim: len(names), total: o.Warmup + o.Draws, startedAtRandom: start.Points == nil}
	if err := s.check(start); err != nil {
		return nil, err
	}
	s.metric = newMetric(s.dim, o.Metric == MetricDense || o.Metric == MetricAuto && s.dim <= autoDenseDim)
	for i := range o.Chains {
		d, err := newDensity(i)
		if err != nil {
			return nil, fmt.Errorf("nuts: chain %d: density: %w", i, err)
		}
		if d.Dim() != s.dim {
			return nil, fmt.Errorf("nuts: chain %d: density has %d parameters, %d are named", i, d.Dim(), s.dim)
		}
		s.chains = append(s.chains, newChain(i, d, src(i), names, s.metric, o))
	}
	return s.run(ctx, start)
}

func (s *sampler) check(start *Start) error {
	var errs []error
	if s.dim == 0 {
		errs = append(errs, errors.New("nuts: no parameters"))
	}
	if n := len(start.Points); n != 0 && n != s.o.Chains {
		errs = append(errs, fmt.Errorf("nuts: start: %d points for %d chains", n, s.o.Chains))
	}
	for i, p := range start.Points {
		if len(p) != s.dim {
			errs = append(errs, fmt.Errorf("nuts: start: point %d has %d parameters, want %d", i, len(p), s.dim))
		}
	}
	if c := start.Covariance; c != nil && c.SymmetricDim() != s.dim {
		errs = append(errs, fmt.Errorf("nuts: start: covariance has order %d, want %d", c.SymmetricDim(), s.dim))
	}
	if !(start.Step >= 0) || math.IsInf(start.Step, 1) {
		errs = append(errs, fmt.Errorf("nuts: start: step %v: must be finite and at least 0", start.Step))
	}
	return errors.Join(errs...)
}

func (s *sampler) run(ctx context.Context, start *Start) (*Result, error) {
	err := s.each(func(c *chain) error {
		if start.Points != nil {
			return c.start(start.Points[c.index])
		}
		return c.start(nil)
	})
	if err != nil {
		return nil, err
	}
	if start.Covariance != nil {
		if err := s.metric.setCovariance(start.Covariance); err != nil {
			return nil, fmt.Errorf("nuts: start: %w", err)
		}
	} else if err := s.metric.setVariances(s.firstVariances()); err != nil {
		return nil, fmt.Errorf("nuts: start: %w", err)
	}

	step := start.Step
	if s.o.Warmup > 0 {
		if step == 0 {
			step = 1
		}
		step, err = s.warmup(ctx, step)
	} else if step == 0 {
		step, err = s.searchStep(1)
	}
	if err != nil {
		return nil, err
	}
	r := &Result{
		Dim: s.dim, Draws: make([][]float64, s.o.Chains), Stats: make([]Stats, s.o.Chains),
		StepSize: step, Covariance: s.metric.covariance(), Variances: s.metric.variances(),
		WarmupIterations: s.warmed, WarmupLeapfrogs: s.gradients(),
	}
	for c := range s.chains {
		r.Draws[c] = make([]float64, s.o.Draws*s.dim)
		r.Stats[c] = newStats(s.o.Draws)
	}
	done := 0
	for done < s.o.Draws {
		until := done + s.affordable(min(block, s.o.Draws-done))
		if until == done {
			break
		}
		err = s.each(func(c *chain) error {
			for t := done; t < until; t++ {
				if err := c.iterate(ctx, step, s.o.Jitter, s.o.MaxDepth); err != nil {
					return err
				}
				copy(r.Draws[c.index][t*s.dim:], c.at.q)
				r.Stats[c.index].record(t, &c.last)
				if c.last.divergent {
					c.divergences++
				}
				s.report(c, s.warmed+t+1, step)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		done = until
	}
	if done < s.o.Draws {
		if done < MinDraws {
			return nil, fmt.Errorf("%w: %d gradients for %d draws per chain", ErrBudget, s.gradients(), done)
		}
		for c := range s.chains {
			r.Draws[c] = r.Draws[c][:done*s.dim]
			r.Stats[c] = r.Stats[c].first(done)
		}
	}
	r.Gradients, r.Relocated = s.gradients(), s.relocated
	for _, c := range s.chains {
		if r.FirstNonFinite == nil {
			r.FirstNonFinite = c.firstNonFinite
		}
	}
	return r, nil
}

// block is the number of draws that one chain makes before the next has its
// turn; the chains are in step wherever MaxGradients may end them.
const block = 50

// affordable returns how many of n iterations all chains can make, each with
// its deepest tree, without spending more than MaxGradients.
func (s *sampler) affordable(n int) int {
	if s.o.MaxGradients == 0 {
		return n
	}
	left := s.o.MaxGradients - s.gradients()
	return max(0, min(n, left/(len(s.chains)<<s.o.MaxDepth)))
}

// firstVariances is the geometric mean over the chains of |∂log π|, inverted:
// right to a factor |z| for a Gaussian z standard deviations from its mean (as
// in nutpie).
func (s *sampler) firstVariances() []float64 {
	v := make([]float64, s.dim)
	for i := range v {
		var sum float64
		for _, c := range s.chains {
			sum += math.Log(math.Abs(c.at.grad[i]))
		}
		v[i] = min(max(math.Exp(-sum/float64(len(s.chains))), 1e-20), 1e20)
	}
	return v
}

func (s *sampler) gradients() int {
	n := 0
	for _, c := range s.chains {
		n += c.gradients
	}
	return n
}

// each runs f on every chain, in goroutines if asked to, and returns the error
// of the first chain that failed. Chains share nothing that f may change.
func (s *sampler) each(f func(c *chain) error) error {
	if !s.o.Parallel || len(s.chains) == 1 {
		for _, c := range s.chains {
			if err := f(c); err != nil {
				return err
			}
		}
		return nil
	}
	errs := make([]error, len(s.chains))
	var wg sync.WaitGroup
	for i, c := range s.chains {
		wg.Go(func() { errs[i] = f(c) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// observe reports all chains after a warm-up iteration.
func (s *sampler) observe(step float64) {
	for _, c := range s.chains {
		s.report(c, s.warmed, step)
	}
}

// report passes a chain's progress to the observer, rate-limited.
func (s *sampler) report(c *chain, done int, step float64) {
	if s.obs == nil || done%observeEvery != 0 && done != s.total {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.obs(Progress{
		Chain: c.index, Iteration: done, Total: s.total, Warmup: done <= s.warmed,
		Divergences: c.divergences, Step: step,
	})
}

func newStats(n int) Stats {
	f := make([]float64, 4*n)
	d := make([]int, 2*n)
	return Stats{
		NonFinite:  make([]bool, n),
		LogDensity: f[:n:n], Energy: f[n : 2*n : 2*n], AcceptStat: f[2*n : 3*n : 3*n], StepSize: f[3*n:],
		TreeDepth: d[:n:n], Leapfrogs: d[n:], Divergent: make([]bool, n),
	}
}

func (s *Stats) record(t int, d *draw) {
	s.LogDensity[t], s.Energy[t] = d.logp, d.energy
	s.AcceptStat[t], s.StepSize[t] = d.accept, d.step
	s.TreeDepth[t], s.Leapfrogs[t], s.Divergent[t], s.NonFinite[t] = d.depth, d.leapfrogs, d.divergent, d.nonFinite
}

// first returns the statistics of the first n draws.
func (s *Stats) first(n int) Stats {
	return Stats{
		LogDensity: s.LogDensity[:n], Energy: s.Energy[:n], AcceptStat: s.AcceptStat[:n], StepSize: s.StepSize[:n],
		TreeDepth: s.TreeDepth[:n], Leapfrogs: s.Leapfrogs[:n], Divergent: s.Divergent[:n], NonFinite: s.NonFinite[:n],
	}
}
