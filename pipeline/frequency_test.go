package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"allocate/config"
	"allocate/pipeline/engine"
	"allocate/reports"
	"allocate/returns"
)

// compounded turns a daily panel into one row per week or month, dated at its
// last day.
func compounded(t *testing.T, p *returns.Panel, f returns.Frequency) *returns.Panel {
	t.Helper()
	period := func(d returns.Date) int {
		if f == returns.Monthly {
			y, m, _ := d.Time().Date()
			return 12*y + int(m)
		}
		return (int(d) + 3) / 7
	}
	var dates []returns.Date
	values := make([][]float64, p.Len())
	wealth := make([]float64, p.Len())
	for j := range wealth {
		wealth[j] = math.NaN()
	}
	for i := range p.Days() {
		for j := range wealth {
			if r, ok := p.At(i, j); ok {
				if wealth[j] != wealth[j] {
					wealth[j] = 1
				}
				wealth[j] *= 1 + r
			}
		}
		if i+1 < p.Days() && period(p.Date(i+1)) == period(p.Date(i)) {
			continue
		}
		dates = append(dates, p.Date(i))
		for j := range wealth {
			values[j] = append(values[j], wealth[j]-1)
			wealth[j] = math.NaN()
		}
	}
	var strategies []returns.Strategy
	for _, name := range p.Names() {
		strategies = append(strategies, returns.Strategy{Name: name})
	}
	q, err := returns.NewPanel(dates, strategies, values)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// nightOf runs a panel, given as a file, as of its last day.
func nightOf(t *testing.T, p *returns.Panel, change func(c *config.Config)) (*config.Config, *reports.Summary) {
	t.Helper()
	dir := t.TempDir()
	var text bytes.Buffer
	if err := p.WriteCSV(&text); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "returns.csv")
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	c := config.Default()
	c.Returns.Path, c.Out, c.Cache, c.AsOf, c.Workers = path, filepath.Join(dir, "out"), filepath.Join(dir, "cache"), p.Last().String(), 2
	c.Scenarios.Count = 2000
	if change != nil {
		change(&c)
	}
	done, err := Run(context.Background(), &c, RunOptions{}, &engine.Memory{}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	var s reports.Summary
	if err := json.Unmarshal(read(t, filepath.Join(done.Dir, "summary.json")), &s); err != nil {
		t.Fatal(err)
	}
	return &c, &s
}

// TestFrequencies runs the same histories as daily, weekly and monthly returns.
// Days are independent, so that the annual volatility is the same at each: its
// median over the strategies within 5%, which a factor such as sqrt(252/52) is
// far beyond. The horizon is a month at each.
func TestFrequencies(t *testing.T) {
	strategies := 16
	if testing.Short() {
		strategies = 6
	}
	daily, truth, err := returns.Simulate(returns.Simulation{Strategies: strategies, Days: 5200, Start: returns.NewDate(2003, 1, 1), Correlation: 0.2}, engine.Streams(3, "frequencies"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []returns.Frequency{returns.Daily, returns.Weekly, returns.Monthly} {
		p := daily
		if f != returns.Daily {
			p = compounded(t, daily, f)
		}
		_, s := nightOf(t, p, func(c *config.Config) {
			if c.Returns.Window, c.Bayes.Draws, c.Scenarios.Holdout = "all", 400, new(int); testing.Short() {
				fewDraws(c)
				c.Scenarios.Count = 500
			}
		})
		if s.Frequency != f || s.Horizon != f.Month() || s.PerYear != f.PeriodsPerYear() {
			t.Errorf("%v: frequency %v, horizon %d, %v periods a year", f, s.Frequency, s.Horizon, s.PerYear)
		}
		var ratios []float64
		for j, x := range s.Strategies {
			r := truth.Strategies[j].Regimes[0]
			annual := r.Sigma * math.Sqrt(r.Nu/(r.Nu-2)*252)
			ratios = append(ratios, float64(x.AnnualVolatility.Mean)/annual)
		}
		m := returns.Median(ratios)
		t.Logf("%v: annual volatility is %.3f times the true one in the median strategy", f, m)
		if math.Abs(m-1) > 0.05 {
			t.Errorf("%v: annual volatility is %.3f times the true one in the median strategy", f, m)
		}
		if over := s.Over(); over != map[returns.Frequency]string{returns.Daily: "21 days", returns.Weekly: "4 weeks", returns.Monthly: "1 month"}[f] {
			t.Errorf("%v: the horizon is called %s", f, over)
		}
	}
}

// TestRealFrequencies runs and backtests the 29 real strategies as weekly and
// monthly returns. Real days are not independent, so that the volatility of
// months differs from that of days: the model's is compared with the sample's at
// the same frequency.
func TestRealFrequencies(t *testing.T) {
	if testing.Short() {
		t.Skip("TestFrequencies has simulated strategies")
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "shared", "data", "strategies", "returns.csv"))
	if err != nil {
		t.Skip("the real strategies are not beside the repository")
	}
	daily, _, err := returns.Read([]returns.File{{Name: "returns.csv", Data: text}}, returns.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []returns.Frequency{returns.Weekly, returns.Monthly} {
		p := compounded(t, daily, f)
		c, s := nightOf(t, p, func(c *config.Config) {
			c.Bayes.Draws = 400
		})
		window := p.Window(p.Last().AddYears(-10)+1, p.Last())
		var ratios []float64
		for j, x := range s.Strategies {
			_, sd := window.Series(j).Moments()
			ratios = append(ratios, float64(x.AnnualVolatility.Mean)/(sd*math.Sqrt(f.PeriodsPerYear())))
		}
		m := returns.Median(ratios)
		t.Logf("%v: annual volatility is %.3f times the sample's in the median strategy", f, m)
		if s.Frequency != f || s.Horizon != f.Month() || math.Abs(m-1) > 0.05 {
			t.Errorf("%v: frequency %v, horizon %d, volatility %.3f times the sample's", f, s.Frequency, s.Horizon, m)
		}
		fewDraws(c)
		c.Backtest.Start, c.Backtest.Replicates = "2022-07-01", 100
		done := tested(t, c)
		b := done.Report
		if b.Frequency != f || b.Horizon != f.Month() || len(b.Rebalances) < 6 || len(b.Metrics) == 0 {
			t.Errorf("%v: backtest of %v, horizon %d, %d decisions", f, b.Frequency, b.Horizon, len(b.Rebalances))
		}
		for _, m := range b.Metrics {
			if m.Key != "annual_volatility" && m.Key != "volatility" {
				continue
			}
			sd := 0.0
			r := b.Portfolios[0].Returns
			mean := 0.0
			for _, x := range r {
				mean += x / float64(len(r))
			}
			for _, x := range r {
				sd += (x - mean) * (x - mean) / float64(len(r)-1)
			}
			if want := math.Sqrt(sd * f.PeriodsPerYear()); math.Abs(float64(m.Values[0].Value)-want) > 1e-12 {
				t.Errorf("%v: %s is %v, want %v", f, m.Key, m.Values[0].Value, want)
			}
		}
	}
}

// TestHorizonOfSevenDays runs a market that never closes.
func TestHorizonOfSevenDays(t *testing.T) {
	text := "date,a,b\n"
	src := engine.Streams(1, "seven")("days")
	for i := range 400 {
		u := func() float64 { return (float64(src.Uint64()>>11)/(1<<53) - 0.5) / 20 }
		text += fmt.Sprintf("%v,%.6f,%.6f\n", returns.NewDate(2021, 1, 1).AddDays(i), u(), u())
	}
	p, fs, err := returns.Read([]returns.File{{Name: "x.csv", Data: []byte(text)}}, returns.DefaultOptions())
	if err != nil || len(fs) > 0 {
		t.Fatal(err, fs)
	}
	_, s := nightOf(t, p, nil)
	if s.Frequency != returns.SevenDay || s.Horizon != 30 || s.Effective != p.Last()+1 {
		t.Errorf("%v, horizon %d, effective %v after %v", s.Frequency, s.Horizon, s.Effective, p.Last())
	}
	for _, f := range s.Findings {
		if f.Severity > returns.Info && f.Code[:5] == "data." {
			t.Errorf("%v", f)
		}
	}
}
