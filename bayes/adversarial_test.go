package bayes

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// go test ./bayes -run Adversarial -adversarial 20 -timeout 60m is the full table.
var adversarialSeeds = flag.Int("adversarial", 0, "seeds per adversarial target; 0: two seeds of the quick ones")

// outcome is what a target must lead to.
type outcome int

const (
	mustPass outcome = iota // ok and right
	mustFlag                // not ok: no sampler of this kind can be right
	mayFlag                 // ok only if right
	mustFail                // an error or unusable
)

// adversary is a density made to mislead a sampler, with probabilities that are
// known in closed form.
type adversary struct {
	name  string
	want  outcome
	quick bool
	dim   int
	f     func(q, grad []float64) (float64, error)
	truth []event
	check func(t *testing.T, p *Posterior, err error) // more than the outcome
}

// event is a set of parameters with its exact probability.
type event struct {
	in    func(theta []float64) bool
	p     float64
	error float64 // of the estimate, at which the answer is wrong: three standard errors of 400 draws, at most
}

func (a *adversary) Dim() int { return a.dim }
func (a *adversary) Names() []string {
	names := make([]string, a.dim)
	for i := range names {
		names[i] = "x" + strconv.Itoa(i+1)
	}
	return names
}
func (a *adversary) LogDensity(q, grad []float64) (float64, error) { return a.f(q, grad) }
func (a *adversary) Constrain(q, theta []float64)                  { copy(theta, q) }

// mixture is a mixture of normals with independent coordinates of equal sd.
func mixture(weight, sd []float64, mean ...[]float64) func(q, grad []float64) (float64, error) {
	return func(q, grad []float64) (float64, error) {
		lp, top := make([]float64, len(weight)), math.Inf(-1)
		for k := range weight {
			lp[k] = math.Log(weight[k]) - float64(len(q))*math.Log(sd[k])
			for i, x := range q {
				z := (x - mean[k][i]) / sd[k]
				lp[k] -= z * z / 2
			}
			top = max(top, lp[k])
		}
		sum := 0.0
		clear(grad)
		for k := range weight {
			w := math.Exp(lp[k] - top)
			sum += w
			for i, x := range q {
				grad[i] -= w * (x - mean[k][i]) / (sd[k] * sd[k])
			}
		}
		for i := range grad {
			grad[i] /= sum
		}
		return top + math.Log(sum), nil
	}
}

func below(i int, x, p float64) event {
	return event{func(theta []float64) bool { return theta[i] < x }, p, 3 * math.Sqrt(p*(1-p)/400)}
}

// bimodal has two normals on a line. The answer is wrong where the probability
// below the middle is.
func bimodal(name string, want outcome, weight, a, sdA, b, sdB float64) *adversary {
	middle := (a*sdB + b*sdA) / (sdA + sdB)
	p := weight*distuv.Normal{Mu: a, Sigma: sdA}.CDF(middle) + (1-weight)*distuv.Normal{Mu: b, Sigma: sdB}.CDF(middle)
	return &adversary{name: name, want: want, quick: true, dim: 1, f: mixture([]float64{weight, 1 - weight}, []float64{sdA, sdB}, []float64{a}, []float64{b}), truth: []event{below(0, middle, p)}}
}

func adversaries() []*adversary {
	filled := func(n int, v float64) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = v
		}
		return x
	}
	list := []*adversary{
		bimodal("two normals at -4 and 5, half each", mustFlag, 0.5, -4, 1, 5, 1),
		bimodal("two normals at -4 and 5, nine to one", mustFlag, 0.9, -4, 1, 5, 1),
		bimodal("two normals at -1.5 and 1.5", mustPass, 0.5, -1.5, 1, 1.5, 1),
		bimodal("two normals at 0 and 20, half each", mustFlag, 0.5, 0, 1, 20, 1),
		bimodal("two normals at 0 and 20, nineteen to one", mustFlag, 0.95, 0, 1, 20, 1),
		bimodal("a narrow and a wide normal", mustFlag, 0.5, -5, 0.3, 8, 2),
		{
			name: "two normals in five dimensions", want: mustFlag, dim: 5, quick: true,
			f:     mixture([]float64{0.5, 0.5}, []float64{1, 1}, filled(5, -3), filled(5, 3)),
			truth: []event{below(0, 0, 0.5)},
		},
		{
			name: "four normals at the corners of a square", want: mustFlag, dim: 2, quick: true,
			f:     mixture(filled(4, 0.25), filled(4, 1), []float64{-5, -5}, []float64{5, -5}, []float64{-5, 5}, []float64{5, 5}),
			truth: []event{below(0, 0, 0.5), below(1, 0, 0.5), {func(x []float64) bool { return x[0]*x[1] > 0 }, 0.5, 0.075}},
		},
	}
	v := distuv.Normal{Mu: 0, Sigma: 3}
	list = append(list, &adversary{
		name: "funnel of ten dimensions", want: mayFlag, dim: 10,
		f: func(q, grad []float64) (float64, error) {
			v, s, squares := q[0], math.Exp(-q[0]), 0.0
			for i, x := range q[1:] {
				squares += x * x
				grad[i+1] = -x * s
			}
			grad[0] = -v/9 + squares*s/2 - 4.5
			return -v*v/18 - squares*s/2 - 4.5*v, nil
		},
		truth: []event{below(0, v.Quantile(0.1), 0.1), below(0, 0, 0.5), below(0, v.Quantile(0.9), 0.9)},
	}, &adversary{
		name: "banana", want: mayFlag, quick: true, dim: 2, // x ~ N(0, 3), y | x ~ N(x^2, 0.5)
		f: func(q, grad []float64) (float64, error) {
			r := (q[1] - q[0]*q[0]) / 0.25
			grad[0], grad[1] = -q[0]/9+2*q[0]*r, -r
			return -q[0]*q[0]/18 - 0.125*r*r, nil
		},
		truth: []event{below(0, v.Quantile(0.1), 0.1), below(0, 0, 0.5), below(0, v.Quantile(0.9), 0.9)},
	})
	cauchy := func(n int) func(q, grad []float64) (float64, error) {
		return func(q, grad []float64) (float64, error) {
			lp := 0.0
			for i, x := range q {
				lp -= math.Log1p(x * x)
				grad[i] = -2 * x / (1 + x*x)
			}
			return lp, nil
		}
	}
	tail := []event{below(0, -math.Tan(0.4*math.Pi), 0.1), below(0, 0, 0.5), below(0, math.Tan(0.4*math.Pi), 0.9)}
	list = append(list,
		&adversary{name: "Cauchy", want: mayFlag, dim: 1, quick: true, f: cauchy(1), truth: tail},
		&adversary{name: "Cauchy of five dimensions", want: mayFlag, dim: 5, f: cauchy(5), truth: tail},
		&adversary{
			name: "improper along a line", want: mustFail, dim: 2,
			f: func(q, grad []float64) (float64, error) {
				grad[0], grad[1] = -q[0], 0
				return -q[0] * q[0] / 2, nil
			},
		},
		&adversary{
			name: "improper to one side", want: mustFlag, dim: 2,
			f: func(q, grad []float64) (float64, error) {
				grad[0], grad[1] = -q[0], 1-1/(1+math.Exp(-q[1]))
				return -q[0]*q[0]/2 - softplus(-q[1]), nil
			},
		},
		&adversary{
			name: "NaN above 1", want: mustFlag, dim: 2, quick: true,
			f: func(q, grad []float64) (float64, error) {
				grad[0], grad[1] = -q[0], -q[1]
				if q[0] > 1 {
					return math.NaN(), nil
				}
				return -(q[0]*q[0] + q[1]*q[1]) / 2, nil
			},
			check: func(t *testing.T, p *Posterior, err error) {
				if err == nil && !has(p, codeNonFinite) {
					t.Errorf("no finding of a density that is not finite: %v", p.Findings)
				}
			},
		},
		&adversary{
			name: "uniform on a square, -Inf outside", want: mustFlag, dim: 2, quick: true,
			f: func(q, grad []float64) (float64, error) {
				clear(grad)
				if max(math.Abs(q[0]), math.Abs(q[1])) > 1 {
					return math.Inf(-1), nil
				}
				return 0, nil
			},
		},
		wrongGradient("gradient with a sign error", func(grad []float64) { grad[1] = -grad[1] }),
		wrongGradient("gradient short of a factor", func(grad []float64) { grad[1] /= 2 }),
	)
	// 100 variances from 1e-3 to 1e3, axes rotated by a reflection.
	const n = 100
	rng := rand.New(rand.NewPCG(7, 7))
	u, norm := make([]float64, n), 0.0
	for i := range u {
		u[i] = rng.NormFloat64()
		norm += u[i] * u[i]
	}
	reflect := func(x []float64) []float64 {
		out, dot := make([]float64, n), 0.0
		for i := range x {
			dot += u[i] * x[i]
		}
		for i := range x {
			out[i] = x[i] - 2*dot*u[i]/norm
		}
		return out
	}
	variance := func(i int) float64 { return math.Pow(10, -3+6*float64(i)/(n-1)) }
	wide := &adversary{
		name: "normal of 100 dimensions and condition 1e6", want: mustPass, dim: n,
		f: func(q, grad []float64) (float64, error) {
			z, lp := reflect(q), 0.0
			for i := range z {
				lp -= z[i] * z[i] / variance(i) / 2
				z[i] /= -variance(i)
			}
			copy(grad, reflect(z))
			return lp, nil
		},
	}
	for _, i := range []int{0, 50, 99} {
		for _, p := range []float64{0.1, 0.5, 0.9} {
			x := distuv.Normal{Sigma: math.Sqrt(variance(i))}.Quantile(p)
			wide.truth = append(wide.truth, event{func(theta []float64) bool { return reflect(theta)[i] < x }, p, 3 * math.Sqrt(p*(1-p)/400)})
		}
	}
	ring := &adversary{
		name: "thin ring", want: mayFlag, dim: 2,
		f: func(q, grad []float64) (float64, error) {
			r := math.Hypot(q[0], q[1])
			d := (r - 10) / 0.01
			for i := range grad {
				grad[i] = -d * q[i] / r
			}
			return -d * (r - 10) / 2, nil
		},
		truth: []event{below(0, 0, 0.5), below(1, 0, 0.5), below(0, -math.Sqrt(50), 0.25), below(1, math.Sqrt(50), 0.75)},
	}
	return append(list, wide, ring)
}

// wrongGradient is a normal of three correlated coordinates whose gradient is
// spoiled; the error names the second coordinate.
func wrongGradient(name string, spoil func(grad []float64)) *adversary {
	return &adversary{
		name: name, want: mustFail, dim: 3, quick: true,
		f: func(q, grad []float64) (float64, error) {
			d := q[1] - q[0]
			grad[0], grad[1], grad[2] = -q[0]+d, -d+0.1*(q[2]-3), -0.1*(q[2]-3)+0.1*(-q[1])
			lp := -q[0]*q[0]/2 - d*d/2 + 0.1*q[1]*(q[2]-3) - 0.05*(q[2]-3)*(q[2]-3)
			grad[1], grad[2] = -d+0.1*(q[2]-3), 0.1*q[1]-0.1*(q[2]-3)
			spoil(grad)
			return lp, nil
		},
		check: func(t *testing.T, p *Posterior, err error) {
			var wrong *GradientError
			if !errors.As(err, &wrong) || wrong.Name != "x2" {
				t.Errorf("%s: the error does not name x2: %v", name, err)
			}
		},
	}
}

func has(p *Posterior, code string) bool {
	for _, f := range p.Findings {
		if f.Code == code {
			return true
		}
	}
	return false
}

// wrong returns the first event whose share of the draws is not its
// probability.
func (a *adversary) wrong(p *Posterior) string {
	for k, e := range a.truth {
		share := 0.0
		for i := range p.Len() {
			if e.in(p.Theta(i)) {
				share += 1 / float64(p.Len())
			}
		}
		if math.Abs(share-e.p) > e.error {
			return fmt.Sprintf("event %d has share %.3f, probability %.3f", k+1, share, e.p)
		}
	}
	return ""
}

// TestAdversarial is the table: over all seeds a wrong answer is "ok" in at most
// one of twenty, what must be flagged is, what must pass does in all but one of
// twenty, and no run spends more than its budget.
func TestAdversarial(t *testing.T) {
	for _, a := range adversaries() {
		seeds := *adversarialSeeds
		if seeds == 0 {
			if !a.quick {
				continue
			}
			seeds = 2
			if testing.Short() {
				seeds = 1
			}
		}
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			o := DefaultOptions()
			count := map[string]int{}
			silent, failed, most := 0, 0, 0
			for seed := range seeds {
				p, err := SampleWith(context.Background(), a, o, testStream(uint64(100+seed)), nil)
				if a.check != nil {
					a.check(t, p, err)
				}
				if err != nil {
					count["error"]++
					if a.want == mustPass {
						failed++
						t.Logf("seed %d: %v", seed, err)
					}
					continue
				}
				verdict, wrong := p.Verdict(), a.wrong(p)
				most = max(most, p.Sampler.Gradients)
				what := string(verdict)
				if len(a.truth) > 0 {
					if what += ", right"; wrong != "" {
						what = string(verdict) + ", wrong"
					}
				}
				count[what]++
				switch {
				case verdict == OK && (wrong != "" || a.want == mustFlag || a.want == mustFail):
					silent++
					t.Logf("seed %d: ok, though %s; attempt %d", seed, wrong, p.Sampler.Attempts)
				case a.want == mustPass && (verdict != OK || wrong != ""), a.want == mustFail && verdict != Unusable:
					failed++
					t.Logf("seed %d: %s, %s: %v", seed, verdict, wrong, p.Findings)
				}
			}
			t.Logf("%v; at most %d gradients", count, most)
			if allowed := seeds / 20; silent > allowed || failed > allowed {
				t.Errorf("%d of %d seeds are ok and should not be, %d have another outcome than they must", silent, seeds, failed)
			}
			if most > o.MaxGradients {
				t.Errorf("%d gradients of %d", most, o.MaxGradients)
			}
		})
	}
}
