package optimize

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

func TestZZ(t *testing.T) {
	bad, solved, inf := 0, 0, 0
	for k := range 600 {
		rng := rand.New(rand.NewPCG(uint64(k), 77))
		n, m := 2+rng.IntN(35), 20+rng.IntN(3000)
		set := factorSet(uint64(k), n, m)
		if rng.IntN(4) == 0 {
			set = weighted(uint64(k), set)
		}
		p := problem(t, set, func(o *Options) {
			o.Alpha = []float64{0.5, 0.9, 0.95, 0.99}[rng.IntN(4)]
			o.MaxWeight = []float64{0.2, 0.5, 1}[rng.IntN(3)]
			if rng.IntN(3) == 0 {
				o.MinWeight = -0.3
			}
		})
		desc := ""
		prev := make([]float64, n)
		sum := 0.0
		for i := range prev {
			prev[i] = rng.Float64()
			if rng.IntN(3) == 0 {
				prev[i] = 0
			}
			sum += prev[i]
		}
		for i := range prev {
			prev[i] /= max(sum, 1e-9)
		}
		p.Previous = prev
		if rng.IntN(2) == 0 {
			p.Cost = fill(n, 0.0005*float64(1+rng.IntN(20)))
			desc += " cost"
		}
		if rng.IntN(2) == 0 {
			p.Distances = append(p.Distances, Distance{Name: "turnover", Weight: fill(n, 0.5), Center: prev, Limit: rng.Float64() * 0.4})
			desc += " turnover"
		}
		if rng.IntN(3) == 0 {
			p.Distances = append(p.Distances, Distance{Name: "leverage", Weight: fill(n, 1), Center: fill(n, 0), Limit: 1 + rng.Float64()*0.6})
			desc += " leverage"
		}
		if rng.IntN(4) == 0 {
			b := fill(n, 1/float64(n))
			p.Distances = append(p.Distances, Distance{Name: "bench", Weight: fill(n, 0.5), Center: b, Limit: 0.2 + rng.Float64()*0.6})
			desc += " bench"
		}
		if rng.IntN(3) == 0 {
			p.Spectrum = []Level{{0.8, 0.3}, {0.95, 0.7}}
			desc += " spectrum"
		}
		if rng.IntN(3) == 0 {
			p.Radius = 0.005 * rng.Float64()
			p.Norm = []Norm{L1, LInf}[rng.IntN(2)]
			desc += " robust " + string(p.Norm)
		}
		switch rng.IntN(4) {
		case 0:
			p.Objective, p.Aversion = Utility, rng.Float64()*2
			desc += " utility"
		case 1:
			p.Objective = MaxReturn
			desc += " maxreturn"
		case 2:
			p.Objective = MaxRatio
			desc += " ratio"
		}
		if p.Objective == MaxReturn || p.Objective == Utility {
			if rng.IntN(4) > 0 {
				p.MaxCVaR = 0.02 + 0.1*rng.Float64()
				desc += " limited"
			}
		}
		s, err := Solve(t.Context(), p)
		var i *InfeasibleError
		var u *UndefinedError
		if errors.As(err, &i) {
			inf++
			if k < 60 {
				t.Log(err)
			}
			continue
		}
		if errors.As(err, &u) {
			inf++
			continue
		}
		if err != nil {
			t.Errorf("%d %dx%d%s: %v", k, n, m, desc, err)
			bad++
			continue
		}
		solved++
		by, name := p.violation(s.Exact)
		if s.Status != Optimal || math.Abs(s.Certificate.ExactGap) > 1e-10 || by > 1e-9 {
			bad++
			t.Errorf("%d %dx%d%s: gap %g violation %g %s pivots %d", k, n, m, desc, s.Certificate.ExactGap, by, name, s.Iterations)
		}
	}
	t.Log(bad, solved, inf)
}
