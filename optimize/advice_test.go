package optimize

import (
	"errors"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	adviceKey  = regexp.MustCompile(`(?:raise|lower) (optimize\.\w+) to (?:at least|at most) ([-+.e\d]+)`)
	adviceIt   = regexp.MustCompile(`^(?:budget|(optimize\.(?:groups|exposures): \S+|optimize\.\w+)) .*(raise|lower) it to (?:at least |at most )?([-+.e\d]+)`)
	adviceZero = regexp.MustCompile(`set optimize\.min_weight to 0 and optimize\.min_position to ([-+.e\d]+)`)
)

// follow makes the change to options that a piece of advice asks for, from its
// words alone, and says whether there is one.
func follow(t *testing.T, advice string, o *Options) bool {
	t.Helper()
	set := func(key string, raise bool, value string) {
		x, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatalf("%q: %v", advice, err)
		}
		switch kind, name, _ := strings.Cut(strings.TrimPrefix(key, "optimize."), ": "); kind {
		case "max_weight":
			o.MaxWeight = x
		case "min_weight":
			o.MinWeight = x
		case "min_annual_return":
			o.MinAnnualReturn = &x
		case "max_leverage":
			o.MaxLeverage = &x
		case "max_turnover":
			o.MaxTurnover = &x
		case "max_distance":
			o.MaxDistance = &x
		case "max_cvar":
			o.MaxCVaR = &x
		case "max_positions":
			o.MaxPositions = int(x)
		case "min_position":
			o.MinPosition = x
		case "groups", "exposures":
			for k := range o.Groups {
				if o.Groups[k].Name == name && kind == "groups" {
					o.Groups[k].Max = side(o.Groups[k].Max, raise, x)
					o.Groups[k].Min = side(o.Groups[k].Min, !raise, x)
				}
			}
			for k := range o.Exposures {
				if o.Exposures[k].Name == name && kind == "exposures" {
					o.Exposures[k].Max = side(o.Exposures[k].Max, raise, x)
					o.Exposures[k].Min = side(o.Exposures[k].Min, !raise, x)
				}
			}
		default:
			t.Fatalf("%q: no key %s", advice, key)
		}
	}
	if strings.Contains(advice, "; drop optimize.") {
		o.MaxPositions, o.MinPosition = 0, 0
		return true
	}
	if m := adviceZero.FindStringSubmatch(advice); m != nil {
		o.MinWeight, o.MinPosition = 0, must(t, m[1])
		return true
	}
	if m := adviceKey.FindStringSubmatch(advice); m != nil {
		set(m[1], strings.Contains(advice, "raise "), m[2])
		return true
	}
	if m := adviceIt.FindStringSubmatch(advice); m != nil {
		set(m[1], m[2] == "raise", m[3])
		return true
	}
	return false
}

func must(t *testing.T, text string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func side(old *float64, change bool, x float64) *float64 {
	if change && old != nil {
		return &x
	}
	return old
}

// tight draws options that often conflict, and the current weights.
func tight(rng *rand.Rand, names []string) (Options, Held) {
	o := DefaultOptions()
	n := float64(len(names))
	num := func(x float64) *float64 { return &x }
	odd := func(low, high float64) float64 { return low + (high-low)*rng.Float64() }
	chance := func(percent int) bool { return rng.IntN(100) < percent }
	o.Alpha = []float64{0.5, 0.9, 0.95}[rng.IntN(3)]
	o.MaxWeight = odd(0.8, 3) / n
	if chance(25) {
		o.MinWeight = odd(-0.5, 1.2) / n
	}
	o.MinWeight = min(o.MinWeight, o.MaxWeight)
	if chance(30) {
		o.MaxLeverage = num(odd(0.9, 1.5))
	}
	if chance(30) {
		o.MinAnnualReturn = num(odd(-0.1, 0.6))
	}
	if chance(40) {
		g := Group{Name: "g", Strategies: names[:1+rng.IntN(len(names))]}
		if chance(50) {
			g.Max = num(odd(-0.2, 0.8))
		} else {
			g.Min = num(odd(0.2, 1.3))
		}
		o.Groups = []Group{g}
	}
	if chance(40) {
		e := Exposure{Name: "beta"}
		for _, name := range names {
			e.Loadings = append(e.Loadings, Loading{name, rng.NormFloat64()})
		}
		if chance(50) {
			e.Max = num(odd(-1, 0.3))
		} else {
			e.Min = num(odd(-0.3, 1))
		}
		o.Exposures = []Exposure{e}
	}
	var held Held
	if chance(60) {
		held = Held{"gone": odd(0, 0.1)}
		left := 1 - held["gone"]
		for _, name := range names {
			held[name] = left * odd(0, 0.6)
			left -= held[name]
		}
		if chance(60) {
			o.MaxTurnover = num(odd(0, 0.4))
		}
		if chance(50) {
			o.CostBP, o.FixedBP = odd(0, 100), odd(0, 50)
		}
	}
	if chance(25) {
		o.Benchmark, o.MaxDistance = []Share{{names[0], 0.7}, {names[1], 0.3}}, num(odd(0, 0.5))
	}
	if chance(40) {
		o.Objective = MaxReturn
		o.MaxCVaR = num(odd(0.005, 0.08))
	}
	if chance(35) {
		o.MaxPositions = 1 + rng.IntN(len(names))
		if chance(50) {
			o.MinPosition = odd(0.02, 0.5)
		}
	}
	return o, held
}

// TestAdviceIsFeasible follows each piece of advice as it is printed, and expects a
// portfolio. Where advice says that others conflict as well, they do.
func TestAdviceIsFeasible(t *testing.T) {
	followed, more, blank := 0, 0, 0
	for seed := range uint64(*suite) {
		rng := rand.New(rand.NewPCG(seed, 16))
		set := factorSet(seed+1, 2+rng.IntN(6), 40+rng.IntN(100))
		o, held := tight(rng, set.Names)
		p, err := NewProblem(set, o, held)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		_, err = Solve(t.Context(), p)
		none := new(InfeasibleError)
		if !errors.As(err, &none) {
			if err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
			continue
		}
		for _, advice := range none.Advice {
			changed := o
			changed.Groups = append([]Group{}, o.Groups...)
			changed.Exposures = append([]Exposure{}, o.Exposures...)
			if strings.Contains(advice, "others conflict as well") {
				more++
				continue
			}
			if !follow(t, advice, &changed) {
				blank++
				t.Logf("seed %d: nothing to follow in %q", seed, advice)
				continue
			}
			followed++
			q, err := NewProblem(set, changed, held)
			if err != nil {
				t.Errorf("seed %d: %q: %v", seed, advice, err)
				continue
			}
			if _, err := Solve(t.Context(), q); err != nil {
				t.Errorf("seed %d: followed %q, and: %v", seed, advice, err)
			}
		}
	}
	t.Logf("%d pieces of advice followed; %d name one of several conflicts; %d have no number", followed, more, blank)
	if followed < *suite/4 {
		t.Error("the suite has lost its conflicts")
	}
}

// TestAdviceRounding: numbers in advice are rounded to the side that works.
func TestAdviceRounding(t *testing.T) {
	p, o, f := faulty(t, "advice_rounding")
	_, err := Solve(t.Context(), p)
	none := new(InfeasibleError)
	if !errors.As(err, &none) {
		t.Fatalf("got %v", err)
	}
	if !follow(t, none.Advice[0], &o) {
		t.Fatalf("nothing to follow in %q", none.Advice)
	}
	q, err := NewProblem(p.Set, o, f.Held)
	if err != nil {
		t.Fatal(err)
	}
	solve(t, q)

	for _, c := range []struct {
		x    float64
		up   bool
		want string
	}{
		{0.4632526, false, "0.463252"},
		{0.4632526, true, "0.463253"},
		{-0.4632526, false, "-0.463253"},
		{-0.4632526, true, "-0.463252"},
		{0.2, true, "0.2"},
		{0.1 + 0.2, true, "0.3"},
		{0.1 + 0.2, false, "0.3"},
		{1.00000049, true, "1.00001"},
		{9.9999999e-9, true, "1e-08"},
		{1.2345678e-9, false, "1.23456e-09"},
		{123456789, true, "1.23457e+08"},
		{0, true, "0"},
	} {
		if _, text := inward(c.x, c.up); text != c.want {
			t.Errorf("%v, up %v: %s, want %s", c.x, c.up, text, c.want)
		}
	}
}

// TestMinWeightConflictsWithMaxPositions: a smallest weight for all strategies and a limit
// on positions conflict, and the key for what was meant is named.
func TestMinWeightConflictsWithMaxPositions(t *testing.T) {
	set := factorSet(1, 8, 100)
	o := DefaultOptions()
	o.MinWeight, o.MaxPositions = 0.05, 3
	p, err := NewProblem(set, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Solve(t.Context(), p)
	none := new(InfeasibleError)
	if !errors.As(err, &none) || !follow(t, none.Advice[0], &o) {
		t.Fatalf("got %v", err)
	}
	if p, err = NewProblem(set, o, nil); err != nil {
		t.Fatal(err)
	}
	if s := solve(t, p); positions(s.Weights) > 3 || o.MinWeight != 0 || o.MinPosition != 0.05 {
		t.Errorf("%v, %v", s.Weights, o.MinPosition)
	}
}
