package metrics_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"allocate/reports/metrics"
)

// year returns 252 days of returns around 0.05 % with a volatility of 1 % a day.
func year(seed uint64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 0))
	out := make([]float64, 252)
	for t := range out {
		out[t] = 0.0005 + 0.01*rng.NormFloat64()
	}
	return out
}

func ExampleEvaluate() {
	sample := metrics.Sample{
		PeriodsPerYear: 252,
		Returns:        []float64{0.01, -0.02, 0.015, 0.005, -0.01, 0.02},
		Alpha:          0.75, // the worst day and a half
	}
	all := metrics.Metrics()
	for i, v := range metrics.Evaluate(all, sample) {
		switch all[i].Key {
		case "total_return", "max_drawdown", "cvar", "beta":
			fmt.Printf("%-17s %7.4f  %s\n", all[i].Name, v, all[i].Unit)
		}
	}
	// Output:
	// Total return       0.0196  fraction
	// Maximum drawdown   0.0200  fraction
	// CVaR per period    0.0167  fraction
	// Beta                  NaN  ratio
}

func ExampleLookup() {
	sortino, _ := metrics.Lookup("sortino")
	fmt.Println(sortino.Formula)
	fmt.Printf("%.3f\n", sortino.Of(metrics.Sample{PeriodsPerYear: 252, Returns: []float64{0.01, -0.01, 0.02, -0.01}}))
	// Output:
	// sqrt(P) mean(r-f) / sqrt(sum(min(r-f, 0)^2) / T)
	// 5.612
}

func ExampleDrawdowns() {
	returns := []float64{0.10, -0.05, -0.10, 0.20, 0.02, -0.03}
	for _, d := range metrics.Drawdowns(returns, 2) {
		fmt.Printf("%.1f%% from day %d, trough %d, recovery %d, %d days\n", 100*d.Depth, d.Start, d.Trough, d.Recovery, d.Days)
	}
	// Output:
	// 14.5% from day 1, trough 2, recovery 3, 2 days
	// 3.0% from day 5, trough 5, recovery -1, 1 days
}

func ExampleRollingVolatility() {
	fmt.Printf("%.3f\n", metrics.RollingVolatility([]float64{0.01, -0.01, 0.03, 0.01}, 252, 3))
	// Output: [NaN NaN 0.317 0.317]
}

func ExampleMonthly() {
	returns := []float64{0.01, 0.02, -0.03, 0.01}
	months := []int{
		metrics.MonthKey(2025, time.November), metrics.MonthKey(2025, time.November),
		metrics.MonthKey(2025, time.December), metrics.MonthKey(2026, time.January),
	}
	monthly := metrics.Monthly(returns, months)
	for _, row := range metrics.Heatmap(monthly) {
		fmt.Printf("%d %.4f %.4f %.4f\n", row.Year, row.Months[0], row.Months[10], row.Months[11])
	}
	for _, p := range metrics.Yearly(returns, months) {
		fmt.Printf("%d %.4f\n", p.Key, p.Return)
	}
	// Output:
	// 2025 NaN 0.0302 -0.0300
	// 2026 0.0100 NaN NaN
	// 2025 -0.0007
	// 2026 0.0100
}

// The example of Bailey & López de Prado 2014: an annual Sharpe ratio of 2.5
// over five years of 250 days, the best of 100 trials.
func ExampleTrackRecord_Deflated() {
	record := metrics.TrackRecord{Sharpe: 2.5 / 15.811388, Skewness: -3, Kurtosis: 10, Days: 1250}
	fmt.Printf("%.4f as if it were the only one\n", record.Probabilistic(0))
	fmt.Printf("%.4f as the best of 100\n", record.Deflated(100, 0.5/250))
	fmt.Printf("%.0f days for a Sharpe ratio above 0 with 95%% confidence\n", record.MinimumLength(0, 0.95))
	// Output:
	// 1.0000 as if it were the only one
	// 0.9004 as the best of 100
	// 167 days for a Sharpe ratio above 0 with 95% confidence
}

func ExampleInterval() {
	low, high := metrics.Interval(year(1), func(r []float64) float64 {
		sum := 0.0
		for _, x := range r {
			sum += x
		}
		return 252 * sum / float64(len(r))
	}, 0.9, 1000, rand.NewPCG(1, 2))
	fmt.Printf("mean return from %.2f to %.2f a year\n", low, high)
	// Output: mean return from -0.20 to 0.35 a year
}

func ExampleIntervals() {
	sharpe, _ := metrics.Lookup("sharpe")
	drawdown, _ := metrics.Lookup("max_drawdown")
	some := []metrics.Metric{sharpe, drawdown}
	ranges := metrics.Intervals(metrics.Sample{PeriodsPerYear: 252, Returns: year(1)}, some, metrics.DefaultBootstrap(), rand.NewPCG(1, 2))
	for i, r := range ranges {
		fmt.Printf("%s from %.2f to %.2f\n", some[i].Name, r.Low, r.High)
	}
	// Output:
	// Sharpe ratio from -1.21 to 2.15
	// Maximum drawdown from 0.08 to 0.27
}

func ExamplePairedIntervals() {
	mean, _ := metrics.Lookup("annual_mean")
	ours, theirs := year(1), year(1)
	for t, x := range year(2) {
		ours[t] = 0.9*theirs[t] + 0.1*x + 0.0003
	}
	d := metrics.PairedIntervals(metrics.Sample{PeriodsPerYear: 252, Returns: ours}, metrics.Sample{PeriodsPerYear: 252, Returns: theirs},
		[]metrics.Metric{mean}, metrics.DefaultBootstrap(), rand.NewPCG(1, 2))[0]
	fmt.Printf("%.3f more a year, from %.3f to %.3f, p-value %.3f\n", d.Value, d.Low, d.High, d.PValue)
	// Output: 0.085 more a year, from 0.042 to 0.126, p-value 0.004
}

func ExampleBacktestVaR() {
	exceeded := make([]bool, 250)
	for _, day := range []int{40, 41, 42, 97, 98, 163, 164, 201} {
		exceeded[day] = true
	}
	c := metrics.BacktestVaR(exceeded, 0.975)
	fmt.Printf("%d exceedances, %.2f expected\n", c.Exceedances, c.Expected)
	fmt.Printf("as many as predicted: p-value %.3f\n", c.Unconditional.PValue)
	fmt.Printf("one by one: p-value %.1g\n", c.Independence.PValue)
	// Output:
	// 8 exceedances, 6.25 expected
	// as many as predicted: p-value 0.497
	// one by one: p-value 1e-05
}

func ExampleBacktestCVaR() {
	var scenarios [][]float64
	returns := year(3)
	for t := range returns {
		returns[t] *= 1.4 // the world is wilder than the forecast
		scenarios = append(scenarios, year(100+uint64(t)))
	}
	s := metrics.BacktestCVaR(returns, scenarios, nil, 0.95, 1000, rand.NewPCG(1, 2))
	fmt.Printf("Z2 %.2f, p-value %.3f\n", s.Unconditional.Statistic, s.Unconditional.PValue)
	// Output: Z2 -3.25, p-value 0.001
}

func ExampleCRPS() {
	sharp := metrics.CRPS(0.01, []float64{0.005, 0.01, 0.015}, nil)
	blunt := metrics.CRPS(0.01, []float64{-0.03, 0.01, 0.05}, []float64{1, 2, 1})
	fmt.Printf("%.5f %.5f, skill %.2f\n", sharp, blunt, metrics.Skill([]float64{sharp}, []float64{blunt}))
	// Output: 0.00111 0.00500, skill 0.78
}

func ExampleUniformity() {
	fmt.Printf("%.4f\n", metrics.Uniformity([]float64{0.1, 0.15, 0.2, 0.3, 0.35}).PValue)
	// Output: 0.0138
}

func ExampleCrossValidate() {
	rng := rand.New(rand.NewPCG(5, 5))
	const days, strategies = 500, 10
	returns := make([]float64, days*strategies)
	for i := range returns {
		returns[i] = 0.01 * rng.NormFloat64() // no skill anywhere
	}
	o := metrics.CrossValidate(returns, strategies, 10)
	fmt.Printf("%d splits, probability of overfitting %.2f, slope %.2f\n", len(o.Logits), o.Probability, o.Degradation.Slope)
	// Output: 252 splits, probability of overfitting 0.25, slope -0.67
}

func ExamplePurgedSplits() {
	splits := metrics.PurgedSplits(metrics.PurgedOptions{Days: 100, Groups: 4, TestGroups: 2, Purge: 5, Embargo: 3})
	for _, s := range splits[:2] {
		fmt.Println("train", s.Train, "test", s.Test)
	}
	fmt.Println(len(splits), "splits make", len(metrics.Paths(splits)), "paths")
	// Output:
	// train [{58 100}] test [{0 25} {25 50}]
	// train [{33 45} {83 100}] test [{0 25} {50 75}]
	// 6 splits make 3 paths
}
