package metrics

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats/scalar"
	"pgregory.net/rapid"
)

// valuesOf evaluates every metric, by key.
func valuesOf(s Sample) map[string]float64 {
	out := map[string]float64{}
	all := Metrics()
	for i, v := range Evaluate(all, s) {
		out[all[i].Key] = v
	}
	return out
}

func TestRegistry(t *testing.T) {
	r, b := heavy(3, 300)
	s := Sample{PeriodsPerYear: 252, Returns: r, Benchmark: b, RiskFree: 0.01, Alpha: 0.95}
	all := Metrics()
	values := Evaluate(all, s)
	seen := map[string]bool{}
	for i, m := range all {
		if m.Key == "" || m.Name == "" || m.Formula == "" || m.Source == "" || m.Unit == "" {
			t.Errorf("%+v says too little of itself", m)
		}
		if seen[m.Key] {
			t.Errorf("%s is there twice", m.Key)
		}
		seen[m.Key] = true
		if got := m.Of(s); got != values[i] {
			t.Errorf("%s: alone %v, with others %v", m.Key, got, values[i])
		}
		if math.IsNaN(values[i]) || math.IsInf(values[i], 0) {
			t.Errorf("%s of an ordinary sample is %v", m.Key, values[i])
		}
	}
	// One made elsewhere takes part like any other.
	own := Metric{Key: "days", Of: func(s Sample) float64 { return float64(len(s.Returns)) }}
	if got := Evaluate([]Metric{own}, s)[0]; got != 300 {
		t.Errorf("a metric of its own: %v", got)
	}
	if m, ok := Lookup("cvar"); !ok || m.Key != "cvar" {
		t.Error("cvar is not found")
	}
	if _, ok := Lookup("luck"); ok {
		t.Error("luck is found")
	}
}

// What is defined and what it is, for samples at the edge. Metrics that are not
// named are NaN where rest is "NaN", else anything finite.
func TestEdgeSamples(t *testing.T) {
	nan := math.NaN()
	repeat := func(x float64, n int) []float64 { return slices.Repeat([]float64{x}, n) }
	for _, c := range []struct {
		name string
		s    Sample
		want map[string]float64
		rest string
	}{
		{"no day", Sample{PeriodsPerYear: 252}, nil, "NaN"},
		{"a NaN", Sample{PeriodsPerYear: 252, Returns: []float64{0.01, nan, 0.02}, Benchmark: repeat(0.01, 3)}, nil, "NaN"},
		{"an infinity", Sample{PeriodsPerYear: 252, Returns: []float64{0.01, math.Inf(1), 0.02}}, nil, "NaN"},
		{"a rate below -1", Sample{PeriodsPerYear: 252, Returns: []float64{0.01, 0.02}, RiskFree: -2}, nil, "NaN"},
		{"one day", Sample{PeriodsPerYear: 252, Returns: []float64{-0.01}, Benchmark: []float64{0.01}, Alpha: 0.95}, map[string]float64{
			"total_return": -0.01, "cagr": math.Pow(0.99, 252) - 1, "annual_mean": -2.52, "downside_deviation": 0.01 * math.Sqrt(252),
			"sortino": -math.Sqrt(252), "omega": 0, "max_drawdown": 0.01, "average_drawdown": 0.01, "longest_drawdown": 1,
			"average_drawdown_days": 1, "pain_index": 0.01, "ulcer_index": 0.01, "calmar": (math.Pow(0.99, 252) - 1) / 0.01,
			"martin": (math.Pow(0.99, 252) - 1) / 0.01, "pain_ratio": (math.Pow(0.99, 252) - 1) / 0.01, "recovery_factor": -1,
			"var": 0.01, "cvar": 0.01, "tail_ratio": 1, "best_day": -0.01, "worst_day": -0.01, "hit_rate": 0, "average_loss": 0.01,
			"profit_factor": 0, "gain_to_pain": -1, "max_consecutive_wins": 0, "max_consecutive_losses": 1, "time_in_market": 1,
			"up_capture": -1,
		}, "NaN"},
		{"all zero", Sample{PeriodsPerYear: 252, Returns: repeat(0, 20), Benchmark: repeat(0, 20), Alpha: 0.9}, map[string]float64{
			"total_return": 0, "cagr": 0, "annual_mean": 0, "annual_volatility": 0, "downside_deviation": 0, "max_drawdown": 0,
			"average_drawdown": 0, "longest_drawdown": 0, "average_drawdown_days": 0, "pain_index": 0, "ulcer_index": 0, "var": 0,
			"cvar": 0, "best_day": 0, "worst_day": 0, "max_consecutive_wins": 0, "max_consecutive_losses": 0, "time_in_market": 0,
			"tracking_error": 0,
		}, "NaN"},
		{"constant", Sample{PeriodsPerYear: 252, Returns: repeat(0.001, 77), Benchmark: repeat(0.0003, 77), Alpha: 0.9}, map[string]float64{
			"total_return": math.Pow(1.001, 77) - 1, "cagr": math.Pow(1.001, 252) - 1, "annual_mean": 0.252, "stability": 1,
			"annual_volatility": 0, "downside_deviation": 0, "max_drawdown": 0, "average_drawdown": 0, "longest_drawdown": 0,
			"average_drawdown_days": 0, "pain_index": 0, "ulcer_index": 0, "var": -0.001, "cvar": -0.001, "tail_ratio": 1,
			"best_day": 0.001, "worst_day": 0.001, "hit_rate": 1, "average_win": 0.001, "max_consecutive_wins": 77,
			"max_consecutive_losses": 0, "time_in_market": 1, "tracking_error": 0, "up_capture": 0.001 / 0.0003,
		}, "NaN"},
		{"total loss", Sample{PeriodsPerYear: 252, Returns: []float64{0.1, -1, 0.5, -0.2}, Alpha: 0.5}, map[string]float64{
			"total_return": -1, "cagr": -1, "max_drawdown": 1, "longest_drawdown": 3, "average_drawdown": 1, "stability": nan,
			"worst_day": -1, "var": -0.1, "cvar": 0.6, "calmar": -1, "recovery_factor": -1,
		}, "finite"},
		{"more than all", Sample{PeriodsPerYear: 252, Returns: []float64{0.1, -1.5, -2, 0.3}}, map[string]float64{
			"total_return": -1, "cagr": -1, "max_drawdown": 1, "stability": nan,
		}, "finite"},
		{"a NaN in the benchmark", Sample{PeriodsPerYear: 252, Returns: []float64{0.01, -0.02, 0.03}, Benchmark: []float64{0, nan, 0}}, map[string]float64{
			"beta": nan, "alpha": nan, "correlation": nan, "r_squared": nan, "tracking_error": nan, "information_ratio": nan,
			"treynor": nan, "up_capture": nan, "down_capture": nan,
		}, "finite"},
	} {
		got := valuesOf(c.s)
		for _, m := range Metrics() {
			v := got[m.Key]
			want, named := c.want[m.Key]
			isRelative := slices.ContainsFunc(relative, func(r Metric) bool { return r.Key == m.Key })
			switch {
			case named && math.IsNaN(want) || !named && c.rest == "NaN" || !named && isRelative && c.s.Benchmark == nil:
				if !math.IsNaN(v) {
					t.Errorf("%s: %s is %v, want NaN", c.name, m.Key, v)
				}
			case named:
				if !scalar.EqualWithinAbsOrRel(v, want, 1e-15, 1e-12) {
					t.Errorf("%s: %s is %v, want %v", c.name, m.Key, v, want)
				}
			case math.IsNaN(v) || math.IsInf(v, 0):
				t.Errorf("%s: %s is %v", c.name, m.Key, v)
			}
		}
	}
}

func TestCallersBugsPanic(t *testing.T) {
	for name, f := range map[string]func(){
		"benchmark": func() {
			Evaluate(Metrics(), Sample{PeriodsPerYear: 252, Returns: []float64{1}, Benchmark: []float64{1, 2}})
		},
		"alpha":      func() { Evaluate(Metrics(), Sample{PeriodsPerYear: 252, Returns: []float64{1}, Alpha: 1}) },
		"window":     func() { RollingVolatility(nil, 252, 0) },
		"months":     func() { Monthly([]float64{0, 0}, []int{2, 1}) },
		"weights":    func() { Tail([]float64{1}, []float64{}, 0.5) },
		"replicates": func() { Interval([]float64{1, 2}, nil, 0.9, 0, rand.NewPCG(1, 1)) },
		"blocks":     func() { CrossValidate(make([]float64, 100), 2, 3) },
		"groups":     func() { PurgedSplits(PurgedOptions{Days: 10, Groups: 4, TestGroups: 4}) },
		"trials":     func() { ExpectedMaximumSharpe(0, 1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

// In what way each metric answers to returns (and benchmark) that are scaled by
// c > 0 or shifted by a, with a risk-free rate of 0, or permuted.
func TestInvariances(t *testing.T) {
	scales := []string{"annual_mean", "annual_volatility", "downside_deviation", "var", "cvar", "best_day", "worst_day", "average_win", "average_loss", "alpha", "tracking_error", "treynor"}
	still := []string{
		"sharpe", "sortino", "omega", "skewness", "excess_kurtosis", "autocorrelation", "tail_ratio", "hit_rate", "payoff_ratio", "profit_factor", "gain_to_pain",
		"max_consecutive_wins", "max_consecutive_losses", "time_in_market", "beta", "correlation", "r_squared", "information_ratio", "up_capture", "down_capture",
	}
	unshifted := []string{"annual_volatility", "skewness", "excess_kurtosis", "autocorrelation", "beta", "correlation", "r_squared", "tracking_error", "information_ratio"}
	ordered := []string{
		"stability", "autocorrelation", "max_drawdown", "average_drawdown", "longest_drawdown", "average_drawdown_days", "pain_index", "ulcer_index", "calmar",
		"martin", "pain_ratio", "recovery_factor", "max_consecutive_wins", "max_consecutive_losses",
	}
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		days := rapid.IntRange(30, 400).Draw(t, "days")
		c := rapid.Float64Range(0.1, 2).Draw(t, "scale")
		a := rapid.Float64Range(-0.01, 0.01).Draw(t, "shift")
		alpha := rapid.Float64Range(0, 0.99).Draw(t, "alpha")
		r, b := heavy(seed, days)
		change := func(f func(x float64) float64) map[string]float64 {
			s := Sample{PeriodsPerYear: 252, Alpha: alpha}
			for i := range r {
				s.Returns, s.Benchmark = append(s.Returns, f(r[i])), append(s.Benchmark, f(b[i]))
			}
			return valuesOf(s)
		}
		check := func(keys []string, got, want map[string]float64, factor float64) {
			t.Helper()
			for _, key := range keys {
				if !scalar.EqualWithinAbsOrRel(got[key], factor*want[key], 1e-11, 1e-9) {
					t.Fatalf("%s: %v, want %v", key, got[key], factor*want[key])
				}
			}
		}
		plain := change(func(x float64) float64 { return x })
		scaled := change(func(x float64) float64 { return c * x })
		check(scales, scaled, plain, c)
		check(still, scaled, plain, 1)

		shifted := change(func(x float64) float64 { return x + a })
		check(unshifted, shifted, plain, 1)
		for key, by := range map[string]float64{"annual_mean": 252 * a, "var": -a, "cvar": -a, "best_day": a, "worst_day": a} {
			if !scalar.EqualWithinAbs(shifted[key], plain[key]+by, 1e-12) {
				t.Fatalf("%s shifted: %v, was %v", key, shifted[key], plain[key])
			}
		}

		rand.New(rand.NewPCG(seed, 9)).Shuffle(days, func(i, j int) { r[i], r[j], b[i], b[j] = r[j], r[i], b[j], b[i] })
		permuted := change(func(x float64) float64 { return x })
		for _, m := range Metrics() {
			if !slices.Contains(ordered, m.Key) {
				check([]string{m.Key}, permuted, plain, 1)
			}
		}

		if v := plain; !(v["cvar"] >= v["var"] && v["pain_index"] <= v["ulcer_index"] && v["ulcer_index"] <= v["max_drawdown"] &&
			v["average_drawdown"] <= v["max_drawdown"] && v["max_drawdown"] < 1 && v["r_squared"] <= 1) {
			t.Fatalf("order of metrics: %v", v)
		}
	})
}

func TestBenchmarkAgainstItself(t *testing.T) {
	r, _ := heavy(5, 500)
	got := valuesOf(Sample{PeriodsPerYear: 252, Returns: r, Benchmark: r, RiskFree: 0.03, Alpha: 0.95})
	for key, want := range map[string]float64{"beta": 1, "alpha": 0, "correlation": 1, "r_squared": 1, "tracking_error": 0, "up_capture": 1, "down_capture": 1} {
		if !scalar.EqualWithinAbs(got[key], want, 1e-14) {
			t.Errorf("%s is %v", key, got[key])
		}
	}
	// A constant fee is no tracking error, only rounding.
	less := make([]float64, len(r))
	for i, x := range r {
		less[i] = x - 0.0001
	}
	if got := valuesOf(Sample{PeriodsPerYear: 252, Returns: less, Benchmark: r, Alpha: 0.95}); got["tracking_error"] != 0 || !math.IsNaN(got["information_ratio"]) {
		t.Errorf("tracking error %v, information ratio %v", got["tracking_error"], got["information_ratio"])
	}
}
