package optimize

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestNearest has three copies of one strategy among others: the optimum says
// only what they hold together, and the rest is for the weights held to say.
func TestNearest(t *testing.T) {
	set := factorSet(4, 6, 900)
	for j := range set.Len() {
		row := set.Row(j)
		row[2], row[4] = row[1], row[1]
	}
	p := problem(t, set, func(o *Options) { o.MaxWeight = 1 })
	cold := solve(t, p)
	near(t, "gap", cold.Certificate.ExactGap, 0, 1e-13)
	w := cold.Exact
	together := w[1] + w[2] + w[4]
	if together < 0.1 {
		t.Fatalf("the copies hold %v; the test needs another set", together)
	}
	for _, i := range []int{1, 2, 4} { // nearest to nothing: equal parts
		near(t, "equal parts", w[i], together/3, 1e-12)
	}

	p.Previous = []float64{0.1, 0.5, 0.1, 0.1, 0.1, 0.1}
	held := solve(t, p)
	near(t, "objective", held.Certificate.ExactPrimal, cold.Certificate.ExactPrimal, 1e-15)
	near(t, "gap", held.Certificate.ExactGap, 0, 1e-13)
	near(t, "together", held.Exact[1]+held.Exact[2]+held.Exact[4], together, 1e-12)
	// The projection of the copies' held weights on their sum and on w >= 0.
	move := (together - 0.7) / 3
	want := map[int]float64{1: 0.5 + move, 2: 0.1 + move, 4: 0.1 + move}
	if 0.1+move < 0 {
		want = map[int]float64{1: together, 2: 0, 4: 0}
	}
	for i, x := range want {
		near(t, "projected weight", held.Exact[i], x, 1e-12)
	}
}

// TestNearestFace expects, on programs with many optima, that no optimum among
// many convex combinations of other answers is nearer than the one returned.
func TestNearestFace(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for k := range 40 {
		n, m := 3+rng.IntN(8), 4+rng.IntN(12)
		set := factorSet(uint64(k), n, m)
		for c := range set.Returns {
			set.Returns[c] = float64(rng.IntN(3)-1) / 10 // a grid: ties everywhere
		}
		p := problem(t, set, func(o *Options) { o.MaxWeight, o.Alpha = 0.8, 0.7 })
		from := func(held []float64) (*Solution, []float64) {
			q := *p
			q.Previous = held
			s := solve(t, &q)
			near(t, "gap", s.Certificate.ExactGap, 0, 1e-12)
			return s, s.Exact
		}
		point := func() []float64 {
			w := make([]float64, n)
			for i := range w {
				w[i] = rng.Float64()
			}
			return w
		}
		home := point()
		best, w := from(home)
		far := func(w []float64) float64 {
			d := 0.0
			for i := range w {
				d += (w[i] - home[i]) * (w[i] - home[i])
			}
			return math.Sqrt(d)
		}
		for range 6 {
			s, v := from(point())
			near(t, "objective", s.Certificate.ExactPrimal, best.Certificate.ExactPrimal, 1e-13)
			for _, share := range []float64{0.001, 0.1, 0.5, 1} { // the optima are a convex set
				mix := make([]float64, n)
				for i := range mix {
					mix[i] = (1-share)*w[i] + share*v[i]
				}
				if far(mix) < far(w)-1e-10 {
					t.Fatalf("%d: an optimum is at %v from the weights held, the answer at %v", k, far(mix), far(w))
				}
			}
		}
	}
}

// TestWarmStart solves a chain of problems, each from the answer before, and expects
// what solving each from nothing gives.
func TestWarmStart(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	set := factorSet(8, 15, 3000)
	v, err := NewSolver(set)
	if err != nil {
		t.Fatal(err)
	}
	for k := range 60 {
		p := problem(t, set, func(o *Options) { o.MaxWeight = 0.2 + 0.2*rng.Float64(); o.MinWeight = -0.1 * float64(rng.IntN(2)) })
		held, sum := make([]float64, 15), 0.0
		for i := range held {
			held[i] = rng.Float64()
			sum += held[i]
		}
		for i := range held {
			held[i] /= sum
		}
		p.Previous, p.Cost = held, fill(15, 0.001*float64(rng.IntN(3)))
		if rng.IntN(2) == 0 {
			p.Distances = []Distance{{Name: "turnover", Weight: fill(15, 0.5), Center: held, Limit: 0.05 + 0.3*rng.Float64()}}
		}
		if rng.IntN(3) == 0 {
			p.Objective, p.Aversion = Utility, rng.Float64()
		}
		warm, err := v.Solve(t.Context(), p)
		if err != nil {
			t.Fatalf("%d: %v", k, err)
		}
		cold := solve(t, p)
		near(t, "objective", warm.Certificate.ExactPrimal, cold.Certificate.ExactPrimal, 1e-14)
		near(t, "gap", warm.Certificate.ExactGap, 0, 1e-12)
		near(t, "weights", distance(warm.Exact, cold.Exact), 0, 1e-9)
		if distance(warm.Weights, cold.Weights) != 0 {
			t.Errorf("%d: exported weights differ", k)
		}
	}
}
