package command

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"allocate/bayes"
	"allocate/config"
	"allocate/pipeline/walkforward"
)

// go test ./cmd/command -run WalkforwardBars -walkforward student_t,gjr_t -timeout 12h -v
//
// evaluates these models on the three data sets beside the repository and prints the
// tables; with -walkforward.cache FOLDER an interrupted evaluation resumes.
var (
	walkforwardModels = flag.String("walkforward", "", "models of TestWalkforwardBars; the last one is held to the bars")
	walkforwardCache  = flag.String("walkforward.cache", "", "cache of TestWalkforwardBars")
)

// TestWalkforwardBars holds a model to what a return model of daily returns must do:
// in every state of volatility VaR exceptions a day ahead within 1.5 points of 5% and
// 0.6 of 1%, and log score and CRPS better than those of the reference on at least 40 of
// 43 strategies. Of the dependences, DCC must be better than a constant t copula by 0.5
// nats a day on factors and strategies, under every model and in every year.
func TestWalkforwardBars(t *testing.T) {
	if *walkforwardModels == "" {
		t.Skip("no -walkforward")
	}
	var better, all walkforward.Count
	for _, set := range []struct{ name, file, start, history string }{
		{"factors", "factors/ff_factors.csv.gz", "1990-01-01", "1260"},
		{"strategies", "strategies/returns.csv", "2002-01-01", "1260"},
		{"crypto", "crypto/crypto8.csv.gz", "2017-01-01", "500"}, // less than four years
	} {
		t.Run(set.name, func(t *testing.T) {
			file, err := filepath.Abs(filepath.Join("..", "..", "..", "shared", "data", filepath.FromSlash(set.file)))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(file); err != nil {
				t.Skipf("no %s beside the repository", set.file)
			}
			cache := *walkforwardCache
			if cache == "" {
				cache = t.TempDir()
			}
			settings := filepath.Join(t.TempDir(), set.name+".yaml")
			text := fmt.Sprintf("cache: %q\nreturns: {path: %q}\nbayes: {chains: 4, draws: 250, min_ess: 100, max_gradients: 500000}\n", cache, file)
			if err := os.WriteFile(settings, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			args := []string{"walkforward", "-q", "--config", settings, "--models", *walkforwardModels, "--start", set.start, "--min-history", set.history, "--dependence", "t_copula,dcc_t_copula"}
			var table, report, errors bytes.Buffer
			if code := Main(t.Context(), args, &table, &errors); code != exitOK && code != exitDegraded {
				t.Fatalf("exit code %d: %s", code, &errors)
			}
			t.Logf("\n%s", &table)
			Main(t.Context(), append(args, "--json"), &report, &errors) // from the cache
			lines := strings.Split(strings.TrimSpace(report.String()), "\n")
			var r walkforward.Report
			if err := json.Unmarshal([]byte(lines[len(lines)-1]), &r); err != nil {
				t.Fatal(err)
			}
			m := r.Models[len(r.Models)-1]
			for state, e := range map[string]walkforward.Exceedances{"calm": m.Day.Calm, "middle": m.Day.Middle, "high": m.Day.High} {
				for _, x := range []struct {
					below        int
					level, limit float64
				}{{e.Below5, 5, 1.5}, {e.Below1, 1, 0.6}} {
					if share := 100 * float64(x.below) / float64(e.Forecasts); !(math.Abs(share-x.level) <= x.limit) {
						t.Errorf("%s, %s: %.2f%% of %d days below the %v%% VaR", m.Model, state, share, e.Forecasts, x.level)
					}
				}
			}
			for _, j := range r.Joint {
				if j.Dependence != "dcc_t_copula" || set.name == "crypto" {
					continue
				}
				if !(j.LogScore.Mean >= 0.5) {
					t.Errorf("%s: DCC is better by %v nats a day", j.Model, j.LogScore.Mean)
				}
				for _, y := range j.Years {
					if !(y.Mean > 0) {
						t.Errorf("%s: DCC is worse in %d, by %v nats a day", j.Model, y.Year, y.Mean)
					}
				}
			}
			better.LogScore += m.Better.LogScore
			better.CRPS += m.Better.CRPS
			all.LogScore += m.Compared.LogScore
			all.CRPS += m.Compared.CRPS
		})
	}
	if all.CRPS == 43 && (better.LogScore < 40 || better.CRPS < 40) {
		t.Errorf("better log score on %d of %d, better CRPS on %d of %d", better.LogScore, all.LogScore, better.CRPS, all.CRPS)
	}
}

// TestDefaultModels compares the configured model with the static one, once.
func TestDefaultModels(t *testing.T) {
	c := config.Default()
	for model, want := range map[string]string{"gjr_t": "student_t gjr_t", "student_t": "student_t", "auto": "student_t auto"} {
		c.Bayes.Model = model
		if got := strings.Join(defaultModels(&c), " "); got != want {
			t.Errorf("%s: %s, want %s", model, got, want)
		}
	}
}

// TestPrintWalkforward prints by hand: shares of no forecast, an only quarter, one
// model, and fits that failed for several reasons.
func TestPrintWalkforward(t *testing.T) {
	nan := bayes.Number(math.NaN())
	day := walkforward.Coverage{Calm: walkforward.Exceedances{Forecasts: 200, Below5: 3, Below1: 1}, High: walkforward.Exceedances{Forecasts: 100, Below5: 12}, All: walkforward.Exceedances{Forecasts: 300, Below5: 15, Below1: 1}}
	r := &walkforward.Report{
		Horizon: 21, Reference: "a", Short: []string{"z"},
		Models: []walkforward.Row{
			{Model: "a", Day: day, CRPSRatio: 1},
			{Model: "b", Day: day, LogScore: walkforward.Difference{Days: 300, Mean: 0.01234, SE: 0.0011}, CRPSRatio: 0.97654, Better: walkforward.Count{LogScore: 2, CRPS: 1}, Compared: walkforward.Count{LogScore: 2, CRPS: 3}},
			{Model: "c", Day: day, LogScore: walkforward.Difference{Days: 10, Mean: -0.5}, CRPSRatio: 1},
			{Model: "d"},
		},
		Strategies: []walkforward.Row{{Strategy: "x", Day: day}, {Strategy: "x", Day: day}, {Strategy: "y"}},
		Failures:   []walkforward.Failure{{Strategy: "x", Model: "b", Fits: 1, Why: "R-hat."}, {Strategy: "y", Model: "b", Fits: 2, Why: "ESS."}},
	}
	r.Models[2].LogScore.SE, r.Models[3].LogScore.Mean, r.Models[3].CRPSRatio = nan, nan, nan
	var out bytes.Buffer
	if err := printWalkforward(&out, r); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(strings.ReplaceAll(out.String(), "\n", " | ")), " ")
	for _, want := range []string{
		"| a 1 day 5% 1.50% - 12.00% 5.00% | a 1 day 1% 0.50% - 0.00% 0.33% | a 21 days 5% - - - - |",
		"| forecasts 1 day 200 0 100 300 | forecasts 21 days 0 0 0 0 |",
		"| against a log score per day (s.e.) better on CRPS ratio, 21 days better on | b +0.0123 (0.0011) 2 of 2 0.9765 1 of 3 | c -0.5000 - 1.0000 - | d - - - - |",
		", 1 strategy | 1 strategy with too short a history: z | 3 fits of b failed, of x, y; for x: R-hat. |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s\nwant %s", text, want)
		}
	}
	out.Reset()
	r.Models = r.Models[:1]
	if err := printWalkforward(&out, r); err != nil || strings.Contains(out.String(), "against") {
		t.Errorf("%v, one model:\n%s", err, &out)
	}
}
