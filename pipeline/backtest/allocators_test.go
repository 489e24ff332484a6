package backtest

import (
	"encoding/csv"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"

	"allocate/optimize"
	"allocate/returns"
)

// reference is testdata/reference/allocators: a matrix of returns, and what
// scikit-learn and SciPy make of its first days.
type reference struct {
	names   []string
	columns [][]float64
	values  map[int]map[string]map[[2]int]float64 // by days, quantity and entry
}

func readReference(t *testing.T) reference {
	t.Helper()
	rows := func(name string) [][]string {
		f, err := os.Open(filepath.Join("..", "..", "testdata", "reference", "allocators", name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		all, err := csv.NewReader(f).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	number := func(s string) float64 {
		x, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	table := rows("returns.csv")
	ref := reference{names: table[0], columns: make([][]float64, len(table[0])), values: map[int]map[string]map[[2]int]float64{}}
	for _, row := range table[1:] {
		for j, cell := range row {
			ref.columns[j] = append(ref.columns[j], number(cell))
		}
	}
	for _, row := range rows("values.csv")[1:] {
		days, what, at := int(number(row[0])), row[1], [2]int{int(number(row[2])), int(number(row[3]))}
		if ref.values[days] == nil {
			ref.values[days] = map[string]map[[2]int]float64{}
		}
		if ref.values[days][what] == nil {
			ref.values[days][what] = map[[2]int]float64{}
		}
		ref.values[days][what][at] = number(row[4])
	}
	return ref
}

// histories are the columns as series of a panel.
func histories(t testing.TB, names []string, columns [][]float64) []*returns.Series {
	t.Helper()
	var strategies []returns.Strategy
	for _, name := range names {
		strategies = append(strategies, returns.Strategy{Name: name})
	}
	p, err := returns.NewPanel(weekdays(returns.NewDate(2020, 1, 1), len(columns[0])), strategies, columns)
	if err != nil {
		t.Fatal(err)
	}
	var out []*returns.Series
	for j := range p.Len() {
		out = append(out, p.Series(j))
	}
	return out
}

// TestAllocatorsReference compares covariances and weights with those of
// scikit-learn and SciPy.
func TestAllocatorsReference(t *testing.T) {
	ref := readReference(t)
	if len(ref.values) != 2 {
		t.Fatalf("%d sets of values", len(ref.values))
	}
	for days, want := range ref.values {
		var columns [][]float64
		for _, c := range ref.columns {
			columns = append(columns, c[:days])
		}
		series := histories(t, ref.names, columns)
		x := aligned(series)
		sample, shrunk := covariance(x), shrunkCovariance(x)
		for what, m := range map[string]*mat.SymDense{"covariance": sample, "ledoit_wolf": shrunk} {
			for at, v := range want[what] {
				near(t, what, m.At(at[0], at[1]), v, 1e-10*math.Sqrt(m.At(at[0], at[0])*m.At(at[1], at[1])))
			}
		}
		// The share of the target is the factor that is missing off the diagonal.
		near(t, "shrinkage", 1-shrunk.At(0, 1)/sample.At(0, 1), want["shrinkage"][[2]int{}], 1e-10)
		for k, i := range leaves(singleLinkage(correlationDistance(sample)), len(columns)) {
			near(t, "order in the tree", float64(i), want["hrp_order"][[2]int{k, 0}], 0)
		}
		for name, tol := range map[string]float64{InverseVolatility: 1e-10, MinVariance: 1e-8, HRP: 1e-10} {
			w, err := Allocate(t.Context(), name, series, 1, optimize.DefaultOptions())
			if err != nil {
				t.Fatal(err)
			}
			for i, strategy := range ref.names {
				near(t, name+" "+strategy, w[strategy], want[name][[2]int{i, 0}], tol)
			}
		}
	}
}

// drawnReturns are correlated returns of a few strategies, of scales between
// 1e-4 and 1e-2.
func drawnReturns(t *rapid.T) (names []string, columns [][]float64) {
	n := rapid.IntRange(1, 9).Draw(t, "strategies")
	days := rapid.IntRange(30, 80).Draw(t, "days")
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	common := make([]float64, days)
	for i := range common {
		common[i] = rng.NormFloat64()
	}
	for j := range n {
		scale, load := 1e-4*math.Pow(100, rng.Float64()), 1.6*rng.Float64()-0.8
		column := make([]float64, days)
		for i := range column {
			column[i] = scale * (load*common[i] + rng.NormFloat64())
		}
		names, columns = append(names, "s"+strconv.Itoa(j)), append(columns, column)
	}
	return names, columns
}

// TestAllocatorsProperties holds every closed-form allocator to what they all
// promise: weights that sum to 1, none negative, the same in whatever unit the
// returns are and in whatever order the strategies come.
func TestAllocatorsProperties(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		names, columns := drawnReturns(r)
		n := len(names)
		scaled, turned, turnedNames := make([][]float64, n), make([][]float64, n), make([]string, n)
		order := rapid.Permutation(names).Draw(r, "order")
		for j, column := range columns {
			for _, v := range column {
				scaled[j] = append(scaled[j], v*8) // exact
			}
			turnedNames[j] = order[j]
			k, _ := strconv.Atoi(order[j][1:])
			turned[j] = columns[k]
		}
		for _, name := range allocatorNames {
			if name == HistoricalCVaR {
				continue // the optimizer's own tests
			}
			weights := func(names []string, columns [][]float64) map[string]float64 {
				w, err := weigh(name, names, columns)
				if err != nil {
					r.Fatal(err)
				}
				return w
			}
			w := weights(names, columns)
			sum := 0.0
			for _, s := range names {
				if w[s] < 0 {
					r.Errorf("%s: %s has %v", name, s, w[s])
				}
				sum += w[s]
			}
			if math.Abs(sum-1) > 1e-12 {
				r.Errorf("%s: sum %v", name, sum)
			}
			for what, other := range map[string]map[string]float64{"unit": weights(names, scaled), "order": weights(turnedNames, turned)} {
				if name == HRP && what == "order" {
					continue // halves are cut from the order of the tree, in which equals follow the order of the columns
				}
				for _, s := range names {
					if math.Abs(w[s]-other[s]) > 1e-9 {
						r.Errorf("%s: %s depends on the %s: %v, %v", name, s, what, w[s], other[s])
					}
				}
			}
		}
	})
}

// weigh computes weights as Allocate does, of columns in the order given: a
// panel would sort them.
func weigh(name string, names []string, columns [][]float64) (map[string]float64, error) {
	x := mat.NewDense(len(columns[0]), len(columns), nil)
	for j, c := range columns {
		x.SetCol(j, c)
	}
	var w []float64
	var err error
	switch name {
	case EqualWeight:
		w = make([]float64, len(names))
		for j := range w {
			w[j] = 1 / float64(len(w))
		}
	case InverseVolatility:
		var series []*returns.Series
		for j := range columns {
			series = append(series, &returns.Series{Strategy: returns.Strategy{Name: names[j]}, Returns: columns[j]})
		}
		w, err = inverseVolatility(series)
	case MinVariance:
		w, err = minVariance(shrunkCovariance(x))
	case HRP:
		w = hierarchical(covariance(x))
	}
	out := map[string]float64{}
	for j, s := range names {
		out[s] = w[j]
	}
	return out, err
}

// TestAllocatorsEdges gives the allocators what has no answer by the formulas:
// strategies that never move, twins, and one alone.
func TestAllocatorsEdges(t *testing.T) {
	wave, flat := make([]float64, 40), make([]float64, 40)
	for i := range wave {
		wave[i] = 0.01 * math.Sin(float64(i*i))
	}
	for _, c := range []struct {
		what    string
		names   []string
		columns [][]float64
	}{
		{"one", []string{"a"}, [][]float64{wave}},
		{"twins", []string{"a", "b"}, [][]float64{wave, wave}},
		{"one that never moves", []string{"a", "b"}, [][]float64{wave, flat}},
		{"none moves", []string{"a", "b"}, [][]float64{flat, flat}},
	} {
		series := histories(t, c.names, c.columns)
		for _, name := range allocatorNames {
			w, err := Allocate(t.Context(), name, series, 5, optimize.DefaultOptions())
			if err != nil {
				t.Logf("%s, %s: %v", c.what, name, err) // a day without a decision
				continue
			}
			sum := 0.0
			for _, v := range w {
				if !(v >= 0) {
					t.Errorf("%s, %s: %v", c.what, name, w)
				}
				sum += v
			}
			near(t, c.what+", "+name, sum, 1, 1e-12)
		}
	}
}
