package optimize

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"allocate/scenarios"
)

// printedSum adds weights as a reader of the file would: from their decimals,
// in integers.
func printedSum(t rapid.TB, weights []float64, decimals int) int64 {
	sum := int64(0)
	for _, w := range weights {
		text := strconv.FormatFloat(w, 'f', decimals, 64)
		if back, _ := strconv.ParseFloat(text, 64); back != w {
			t.Fatalf("%v prints as %s with %d decimals", w, text, decimals)
		}
		k, err := strconv.ParseInt(strings.Replace(text, ".", "", 1), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += k
	}
	return sum
}

func TestRound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		decimals := rapid.IntRange(1, 9).Draw(t, "decimals")
		n := rapid.IntRange(1, 40).Draw(t, "n")
		one := math.Pow10(decimals)
		budget := float64(rapid.IntRange(-1, 2).Draw(t, "budget"))
		p := &Problem{Set: &scenarios.Set{Names: make([]string, n)}, Budget: budget, Decimals: decimals, Lower: make([]float64, n), Upper: make([]float64, n)}
		// Weights that sum to the budget inside bounds that hold them.
		w, sum := make([]float64, n), 0.0
		for i := range w {
			w[i] = rapid.Float64Range(-1, 1).Draw(t, "w")
			sum += w[i]
		}
		for i := range w {
			w[i] += (budget - sum) / float64(n)
			p.Lower[i] = math.Floor((w[i]-rapid.Float64Range(0, 0.3).Draw(t, "below"))*one) / one
			p.Upper[i] = math.Ceil((w[i]+rapid.Float64Range(0, 0.3).Draw(t, "above"))*one) / one
		}
		got, err := round(p, w)
		if err != nil {
			t.Fatal(err)
		}
		if s := printedSum(t, got, decimals); s != int64(budget*one) {
			t.Fatalf("printed weights sum to %d units, want %v", s, budget*one)
		}
		for i, x := range got {
			if x < p.Lower[i] || x > p.Upper[i] || math.Abs(x-w[i]) > 1.0001/one {
				t.Fatalf("weight %d: %v became %v in [%v, %v]", i, w[i], x, p.Lower[i], p.Upper[i])
			}
			if x == 0 && math.Signbit(x) {
				t.Fatalf("weight %d is -0", i)
			}
		}
	})
}

func TestRoundDust(t *testing.T) {
	p := &Problem{Set: &scenarios.Set{Names: make([]string, 4)}, Budget: 1, Decimals: 2, Lower: fill(4, 0), Upper: fill(4, 1)}
	got, err := round(p, []float64{0.0049, 0.3317, 0.3317, 0.3317})
	if err != nil {
		t.Fatal(err)
	}
	if want := []float64{0, 0.34, 0.33, 0.33}; distance(got, want) != 0 {
		t.Errorf("rounded to %v, want %v: dust stays out although its remainder is the largest", got, want)
	}
}

func TestRoundRefuses(t *testing.T) {
	p := &Problem{Set: &scenarios.Set{Names: []string{"a", "b"}}, Budget: 1, Decimals: 1, Lower: fill(2, 0.42), Upper: fill(2, 0.58)}
	if _, err := round(p, fill(2, 0.5)); err != nil {
		t.Errorf("0.5 fits: %v", err)
	}
	p.Lower[1], p.Upper[1] = 0.51, 0.58
	if _, err := round(p, []float64{0.45, 0.55}); err == nil || !strings.Contains(err.Error(), `"b"`) {
		t.Errorf("no number with one decimal in [0.51, 0.58]: %v", err)
	}
}

func TestUnits(t *testing.T) {
	for _, c := range []struct {
		x        float64
		decimals int
		want     int64
		ok       bool
	}{{1, 6, 1000000, true}, {0.3, 1, 3, true}, {-0.7, 2, -70, true}, {1. / 3, 6, 0, false}, {1e12, 6, 0, false}, {math.NaN(), 6, 0, false}} {
		if got, err := units(c.x, c.decimals); (err == nil) != c.ok || got != c.want {
			t.Errorf("units(%v, %d) = %d, %v", c.x, c.decimals, got, err)
		}
	}
}
