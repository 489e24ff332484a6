package metrics

import (
	"encoding/csv"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"gonum.org/v1/gonum/floats/scalar"
	"gonum.org/v1/gonum/stat/distuv"
)

var (
	reference   = filepath.Join("..", "..", "testdata", "reference", "metrics")
	realReturns = filepath.Join("..", "..", "..", "shared", "data", "strategies", "returns.csv")
)

func TestMetricsAgreeWithR(t *testing.T) {
	t.Run("series", func(t *testing.T) {
		r, b := columns(t, filepath.Join(reference, "series.csv"), "returns", "benchmark")
		agree(t, "series", Sample{PeriodsPerYear: 252, Returns: r, Benchmark: b, RiskFree: 0.02, Alpha: 0.95})
	})
	t.Run("real", func(t *testing.T) {
		if _, err := os.Stat(realReturns); err != nil {
			t.Skip("the shared returns are not there: ", err)
		}
		r, b := columns(t, realReturns, "ew_20", "sector_tech")
		agree(t, "real", Sample{PeriodsPerYear: 252, Returns: r, Benchmark: b, RiskFree: 0.03, Alpha: 0.975})
	})
}

func agree(t *testing.T, series string, s Sample) {
	want := expected(t, series)
	// R's probability is for a threshold of 0.02; that for 0 follows from R's ratio and its error.
	want["probabilistic_sharpe"] = distuv.UnitNormal.CDF(want["sharpe"] / math.Sqrt(252) / want["sharpe_standard_error"])
	all := Metrics()
	for i, got := range Evaluate(all, s) {
		near(t, want, all[i].Key, got, 1e-10)
	}
	record := NewTrackRecord(s.Returns, s.RiskFree, s.PeriodsPerYear)
	near(t, want, "sharpe_standard_error", record.StandardError(), 1e-10)
	near(t, want, "psr_0.02", record.Probabilistic(0.02), 1e-10)
	near(t, want, "minimum_length_0_0.95", record.MinimumLength(0, 0.95), 1e-10)
	near(t, want, "expected_maximum_20_0.0004", ExpectedMaximumSharpe(20, 0.0004), 1e-10)
	near(t, want, "dsr_20_0.0004", record.Deflated(20, 0.0004), 1e-10)

	m := momentsOf(s.Returns)
	var squares, smooth []float64
	for i, r := range s.Returns {
		squares = append(squares, (r-m.mean)*(r-m.mean))
		if i >= 9 {
			smooth = append(smooth, momentsOf(s.Returns[i-9:i+1]).mean)
		}
	}
	near(t, want, "block_length", BlockLength(s.Returns), 1e-10)
	near(t, want, "block_length_squares", BlockLength(squares), 1e-10)
	near(t, want, "block_length_benchmark", BlockLength(s.Benchmark), 1e-10)
	near(t, want, "block_length_smooth", BlockLength(smooth), 1e-10)
}

func TestForecastsAgreeWithR(t *testing.T) {
	const size, alpha = 120, 0.95
	r, _ := columns(t, filepath.Join(reference, "series.csv"), "returns", "benchmark")
	want := expected(t, "series")

	weights := make([]float64, size)
	for j := range weights {
		weights[j] = math.Pow(0.97, float64(size-1-j))
	}
	var pit, crps, plain, vars, days []float64
	var scenarios, masses [][]float64
	for d := size; d < len(r); d++ {
		x := r[d-size : d]
		scenarios, masses = append(scenarios, x), append(masses, weights)
		v, _ := Tail(x, weights, alpha)
		vars, days = append(vars, v), append(days, r[d])
		pit = append(pit, PIT(r[d], x, weights))
		crps = append(crps, CRPS(r[d], x, weights))
		plain = append(plain, CRPS(r[d], x, nil))
	}
	near(t, want, "pit_mean", momentsOf(pit).mean, 1e-10)
	near(t, want, "crps_mean", momentsOf(crps).mean, 1e-10)
	near(t, want, "crps_skill", Skill(crps, plain), 1e-10)
	for key, n := range map[string]int{"ks_90": 90, "ks_600": 600} {
		test := Uniformity(pit[:n])
		near(t, want, key, test.Statistic, 1e-10)
		near(t, want, key+"_p", test.PValue, 1e-10)
	}
	c := BacktestVaR(Exceedances(days, vars), alpha)
	near(t, want, "exceedances", float64(c.Exceedances), 0)
	near(t, want, "kupiec", c.Unconditional.Statistic, 1e-10)
	near(t, want, "kupiec_p", c.Unconditional.PValue, 1e-10)
	near(t, want, "independence", c.Independence.Statistic, 1e-10)
	near(t, want, "independence_p", c.Independence.PValue, 1e-10)
	near(t, want, "conditional", c.Conditional.Statistic, 1e-10)
	near(t, want, "conditional_p", c.Conditional.PValue, 1e-10)
	s := BacktestCVaR(days, scenarios, masses, alpha, 10, rand.NewPCG(1, 1))
	near(t, want, "exceedances", float64(s.Exceedances), 0)
	near(t, want, "z1", s.Conditional.Statistic, 1e-10)
	near(t, want, "z2", s.Unconditional.Statistic, 1e-10)
}

func TestOverfittingAgreesWithR(t *testing.T) {
	r, b := columns(t, filepath.Join(reference, "series.csv"), "returns", "benchmark")
	want := expected(t, "series")
	var matrix []float64
	for d := range len(r) / 8 * 8 {
		for _, x := range [][]float64{r, b} {
			for _, shift := range []int{0, 37, 74, 111} {
				matrix = append(matrix, x[(d+shift)%len(x)])
			}
		}
	}
	o := CrossValidate(matrix, 8, 8)
	near(t, want, "pbo", o.Probability, 1e-10)
	near(t, want, "logit_mean", momentsOf(o.Logits).mean, 1e-10)
	near(t, want, "logit_first", o.Logits[0], 1e-10)
	near(t, want, "degradation_slope", o.Degradation.Slope, 1e-10)
	near(t, want, "degradation_intercept", o.Degradation.Intercept, 1e-10)
	near(t, want, "degradation_r2", o.Degradation.RSquared, 1e-10)
	near(t, want, "probability_of_loss", o.ProbabilityOfLoss, 1e-10)
}

func near(t *testing.T, want map[string]float64, key string, got, tolerance float64) {
	t.Helper()
	w, ok := want[key]
	if !ok {
		t.Errorf("%s has no reference", key)
	} else if !scalar.EqualWithinRel(got, w, tolerance) {
		t.Errorf("%s: got %.17g, R has %.17g", key, got, w)
	}
}

// expected reads the values of a series.
func expected(t *testing.T, series string) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	for _, row := range table(t, filepath.Join(reference, "values.csv"))[1:] {
		if row[0] == series {
			out[row[1]] = number(t, row[2])
		}
	}
	return out
}

func columns(t *testing.T, path, first, second string) (a, b []float64) {
	t.Helper()
	rows := table(t, path)
	i, j := slices.Index(rows[0], first), slices.Index(rows[0], second)
	for _, row := range rows[1:] {
		a, b = append(a, number(t, row[i])), append(b, number(t, row[j]))
	}
	return a, b
}

func table(t *testing.T, path string) [][]string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}
