package bayes

import (
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"allocate/returns"
)

// A Treasury-bill strategy of 2 bp a day with an sd of 0.3 bp: its annual
// volatility is the sample's 0.032%, within 10%, whatever the prior expects of
// a Sharpe ratio.
func TestTreasuryBill(t *testing.T) {
	y := column(t, "../../shared/data/faults/03_tbill.csv", "tbill")
	for _, model := range []string{"student_t", "normal"} {
		o := DefaultOptions()
		o.Model = model
		p, err := Fit(context.Background(), seriesOf(y), o, testStream(1), nil)
		if err != nil {
			t.Fatal(err)
		}
		annual := 100 * float64(p.Summary[p.Index("sd")].Mean) * math.Sqrt(252)
		t.Logf("%s: annual volatility %.4f%%, of the sample %.4f%%, verdict %s", model, annual, 100*deviation(y)*math.Sqrt(252), p.Verdict())
		if math.Abs(annual/0.032-1) > 0.1 || p.Verdict() != OK {
			t.Errorf("%s: annual volatility %.4f%%, verdict %s: %v", model, annual, p.Verdict(), p.Findings)
		}
	}
}

// column reads one column of numbers from a file of returns.
func column(t *testing.T, path, name string) (y []float64) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("no shared data: %v", err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for j, header := range rows[0] {
		if header != name {
			continue
		}
		for _, row := range rows[1:] {
			v, err := strconv.ParseFloat(row[j], 64)
			if err != nil {
				t.Fatal(err)
			}
			y = append(y, v)
		}
	}
	return y
}

// The data overrule the prior of the Sharpe ratio: for normal returns of every
// Sharpe ratio and length the posterior sd is within 1.3 times the sample's.
func TestDataDominateSharpePrior(t *testing.T) {
	worst, days := 1.0, []int{60, 120, 252, 1000, 2520}
	if testing.Short() {
		days = []int{60}
	}
	for _, model := range []string{"student_t", "normal"} {
		for _, n := range days {
			for _, sharpe := range []float64{0, 1, 5, 10, 20, 40, 80, 130, -130} {
				rng := rand.New(rand.NewPCG(uint64(n), uint64(1000+sharpe)))
				y := make([]float64, n)
				for i := range y {
					y[i] = 3e-5 * (sharpe/rootYear + rng.NormFloat64())
				}
				o := DefaultOptions()
				o.Model, o.Replicates = model, 0
				p, err := Fit(context.Background(), seriesOf(y), o, testStream(1), nil)
				if err != nil {
					t.Fatal(err)
				}
				what := fmt.Sprintf("%s, %d days of Sharpe %v", model, n, sharpe)
				ratio := float64(p.Summary[p.Index("sd")].Mean) / deviation(y)
				worst = max(worst, ratio, 1/ratio)
				if !(ratio < 1.3 && ratio > 1/1.3) || p.Verdict() == Unusable {
					t.Errorf("%s: sd %.2f times the sample's, verdict %s: %v", what, ratio, p.Verdict(), p.Findings)
				}
			}
		}
	}
	t.Logf("at most %.3f times the sample's", worst)
}

// rootYear annualizes a Sharpe ratio of trading days.
var rootYear = math.Sqrt(returns.Daily.PeriodsPerYear())
