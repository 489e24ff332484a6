package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"allocate/config"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/pipeline/walkforward"
	"allocate/returns"
)

// ragged writes daily returns of strategies: full; late, which begins later and has
// gaps; short, without enough; flat, which does not vary; idle, often out of the
// market.
func ragged(t *testing.T, days int) string {
	t.Helper()
	rng := rand.New(rand.NewPCG(4, 5))
	text := "date,flat,full,idle,late,short\n"
	day, _ := returns.ParseDate("2015-01-01")
	for i := range days {
		row := []string{day.String(), "0.0001", fmt.Sprintf("%.6f", 0.01*rng.NormFloat64()), "0", "", ""}
		if rng.IntN(4) == 0 {
			row[2] = fmt.Sprintf("%.6f", 0.03*rng.NormFloat64())
		}
		if rng.IntN(2) == 0 {
			row[3] = fmt.Sprintf("%.6f", 0.01*rng.NormFloat64())
		}
		if i >= 150 && i%50 != 7 {
			row[4] = fmt.Sprintf("%.6f", 0.01*rng.NormFloat64())
		}
		if i >= days-200 {
			row[5] = fmt.Sprintf("%.6f", 0.01*rng.NormFloat64())
		}
		text += strings.Join(row, ",") + "\n"
		day = day.NextWeekday()
	}
	file := filepath.Join(t.TempDir(), "returns.csv")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func walkConfig(t *testing.T, file string) *config.Config {
	c := testConfig(t)
	if c.Returns.Path, c.AsOf = file, ""; !testing.Short() {
		c.Bayes.Draws, c.Bayes.MinESS = 250, 100
	}
	return warm(c)
}

var walkOptions = walkforward.Options{Models: []string{"student_t", "normal"}, MinHistory: 300, Refit: 100}

func walk(t *testing.T, c *config.Config, o walkforward.Options) (*walkforward.Report, string, *engine.Memory) {
	t.Helper()
	var m engine.Memory
	r, err := WalkForward(t.Context(), c, o, &m, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return r, string(b), &m
}

// TestWalkForward evaluates strategies with late starts, gaps, short histories and
// zeros, and one that cannot be fitted; again, with other workers, in another process.
func TestWalkForward(t *testing.T) {
	file := ragged(t, 560)
	c := cold(t, walkConfig(t, file))
	c.Workers = 1
	walkOptions := walkOptions
	walkOptions.Dependences = []string{"t_copula", "dcc_t_copula"}
	r, text, m := walk(t, c, walkOptions)
	if len(r.Joint) != 4 || r.Joint[0].LogScore.Mean != 0 || r.Joint[1].Dependence != "dcc_t_copula" || r.Joint[2].Model != "normal" {
		t.Fatalf("dependences: %+v", r.Joint)
	}
	// Of 260 days, without those before late has a fit on which idle is out of the market.
	if j := r.Joint[1]; j.Strategies != 3 || j.LogScore.Days < 120 || j.LogScore.Days > 260 || len(j.Years) == 0 {
		t.Errorf("together: %+v", j)
	}
	if !slices.Equal(r.Short, []string{"short"}) {
		t.Errorf("too short: %v", r.Short)
	}
	forecasts := map[string]int{}
	families := map[string][]string{}
	for _, s := range r.Strategies {
		forecasts[s.Strategy+" "+s.Model] = s.Day.All.Forecasts
		families[s.Strategy+" "+s.Model] = s.Families
	}
	late := 560 - 150 - 9 // without the gaps on days 157, 207, ..., 557
	for key, want := range map[string]int{"full student_t": 260, "full normal": 260, "idle normal": 260, "late normal": late - 300, "flat normal": 0, "flat student_t": 0} {
		if forecasts[key] != want {
			t.Errorf("%s: %d forecasts, want %d", key, forecasts[key], want)
		}
	}
	if f := families["idle student_t"]; !slices.Equal(f, []string{"hurdle_student_t"}) {
		t.Errorf("idle: %v", f)
	}
	if len(r.Failures) != 2 || r.Failures[0].Strategy != "flat" || r.Failures[0].Fits != 3 || !strings.Contains(r.Failures[0].Why, "returns are equal") {
		t.Errorf("failures: %+v", r.Failures)
	}
	if n := m.Count(engine.StageProgress, "walkforward"); n != 22 {
		t.Errorf("%d of 22 fits in the progress", n) // 3 + 3 + 3 + 2 by two models
	}
	if b := r.Models[1]; b.Compared.LogScore != 2 || b.Compared.CRPS != 3 {
		t.Errorf("compared: %+v", b.Compared) // not the hurdle with the normal, by log score
	}

	// The same again, all from the cache, in any order of work.
	c.Workers = 3
	before := results(t, c)
	if _, again, _ := walk(t, c, walkOptions); again != text {
		t.Error("another result from the cache")
	}
	if after := results(t, c); after != before {
		t.Errorf("%d results in the cache, then %d", before, after)
	}
	other := cold(t, walkConfig(t, file))
	other.Workers = 3
	if _, again, _ := walk(t, other, walkOptions); again != text {
		t.Errorf("another result with 3 workers")
	}
}

// results counts what a cache holds.
func results(t *testing.T, c *config.Config) (n int) {
	t.Helper()
	if err := filepath.WalkDir(c.Cache, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestWalkForwardOfOneStrategy expects a strategy's figures not to depend on the
// others in the file, nor on days after as_of.
func TestWalkForwardOfOneStrategy(t *testing.T) {
	file := ragged(t, 560)
	c := walkConfig(t, file)
	all, _, _ := walk(t, c, walkOptions)
	c.Returns.Strategies = []string{"late"}
	one, _, _ := walk(t, c, walkOptions)
	at := slices.IndexFunc(all.Strategies, func(r walkforward.Row) bool { return r.Strategy == "late" })
	for k := range 2 {
		if a, b := fmt.Sprintf("%+v", all.Strategies[at+k]), fmt.Sprintf("%+v", one.Strategies[k]); a != b {
			t.Errorf("with others %s\nalone %s", a, b)
		}
	}
	c.Returns.Strategies = []string{"full"}
	c.Returns.Window = "6m" // of a fit, not of the evaluation
	if narrow, _, _ := walk(t, c, walkOptions); narrow.Strategies[0].Day.All.Forecasts != 260 {
		t.Errorf("with a narrow window: %+v", narrow.Strategies[0].Day.All)
	}
	c.AsOf = "2016-12-30"
	early, _, _ := walk(t, c, walkOptions)
	if early.Last.String() != c.AsOf || early.Strategies[0].Day.All.Forecasts >= 260 {
		t.Errorf("as of %s: %v, %+v", c.AsOf, early.Last, early.Strategies[0].Day.All)
	}
}

// TestWalkForwardSharesResults finds the fits of an evaluation in the cache of a nightly run
// on the day of the fit.
func TestWalkForwardSharesResults(t *testing.T) {
	c := walkConfig(t, ragged(t, 460))
	c = cold(t, c)
	c.Returns.Strategies = []string{"full"}
	o := walkOptions
	o.Models = o.Models[:1]
	walk(t, c, o)
	files, err := fetch(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	r, err := newRunner(c, files, &engine.Memory{}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	in, _, _, err := r.readPanel(t.Context(), c, files)
	if err != nil {
		t.Fatal(err)
	}
	night := *c
	night.AsOf, night.Scenarios.Holdout, night.Bayes.Replicates, night.Bayes.Model = in.panel.Date(399).String(), new(int), 0, "student_t"
	_, m := run(t, &night)
	if m.Count(engine.ActionHit, "bayes") != 1 || m.Count(engine.ActionFinished, "bayes") != 0 {
		t.Error("the nightly run fits again")
	}
}

// TestWalkForwardResumes cancels an evaluation half-way; the next one does the rest.
func TestWalkForwardResumes(t *testing.T) {
	c := cold(t, walkConfig(t, ragged(t, 560)))
	c.Workers = 2
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stop := sinkFunc(func(e engine.Event) {
		if e.Kind == engine.StageProgress && e.Done == 4 {
			cancel()
		}
	})
	if _, err := WalkForward(ctx, c, walkOptions, stop, time.Now); !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled: %v", err)
	}
	some := results(t, c)
	_, text, _ := walk(t, c, walkOptions)
	fresh := cold(t, walkConfig(t, c.Returns.Path))
	_, whole, _ := walk(t, fresh, walkOptions)
	if text != whole {
		t.Error("resumed, another result")
	}
	// Fits after the interruption do not even store their series: about 34 results, and the costs of stages.
	if n := results(t, c); some < 20 || some > 54 || n < 100 {
		t.Errorf("%d results in the cache after the interruption, %d in the end", some, n)
	}
}

// TestWalkForwardRefuses is what cannot be evaluated, before any work.
func TestWalkForwardRefuses(t *testing.T) {
	file := ragged(t, 560)
	try := func(change func(c *config.Config, o *walkforward.Options)) error {
		c, o := walkConfig(t, file), walkOptions
		change(c, &o)
		_, err := WalkForward(t.Context(), c, o, &engine.Memory{}, time.Now)
		return err
	}
	var bad *config.Error
	for want, change := range map[string]func(c *config.Config, o *walkforward.Options){
		"unknown return model":         func(_ *config.Config, o *walkforward.Options) { o.Models = []string{"student_t", "garch"} },
		"set bayes.half_life to 0":     func(c *config.Config, o *walkforward.Options) { c.Bayes.HalfLife, o.Models = 60, []string{"gjr_t"} },
		"--refit: is 20":               func(_ *config.Config, o *walkforward.Options) { o.Refit = 20 },
		"lower --min-history or":       func(_ *config.Config, o *walkforward.Options) { o.MinHistory = 560 },
		"no strategy has a return aft": func(_ *config.Config, o *walkforward.Options) { o.Start, _ = returns.ParseDate("2030-01-01") },
		"returns.window":               func(c *config.Config, _ *walkforward.Options) { c.Returns.Window = "ten years" },
	} {
		if err := try(change); !errors.As(err, &bad) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	var gate *published.GateError
	if err := try(func(c *config.Config, _ *walkforward.Options) { c.Returns.Strategies = []string{"flat"} }); !errors.As(err, &gate) || !strings.Contains(err.Error(), "returns are equal") {
		t.Errorf("nothing can be fitted: %v", err)
	}
	if err := try(func(c *config.Config, _ *walkforward.Options) { c.Returns.Missing = "error" }); !errors.As(err, &gate) || !strings.Contains(err.Error(), "data.gap") {
		t.Errorf("gaps are errors: %v", err)
	}
	var late *returns.NotReadyError
	if err := try(func(c *config.Config, _ *walkforward.Options) { c.AsOf = "2025-01-01" }); !errors.As(err, &late) {
		t.Errorf("as of a day after the data: %v", err)
	}
}

// TestWalkForwardInProcesses gives each action a process: the same result; and one
// that crashes is reported, while the others go on.
func TestWalkForwardInProcesses(t *testing.T) {
	file := ragged(t, 360)
	o := walkforward.Options{Models: []string{"student_t"}, Dependences: []string{"gaussian", "t_copula"}, MinHistory: 300, Refit: 100}
	c := walkConfig(t, file)
	c.Returns.Strategies = []string{"full", "idle"}
	_, text, _ := walk(t, c, o)
	c = cold(t, c)
	c.Executor = "process"
	if _, again, _ := walk(t, c, o); again != text {
		t.Error("another result in processes")
	}
	t.Setenv(crash, "idle")
	r, _, _ := walk(t, cold(t, c), o)
	if len(r.Failures) != 1 || r.Failures[0].Strategy != "idle" || strings.Contains(r.Failures[0].Why, "\n") || r.Strategies[0].Day.All.Forecasts != 60 {
		t.Errorf("failures %+v, forecasts %+v", r.Failures, r.Strategies[0].Day.All)
	}
}

// TestWalkForwardOfRegisteredFamily evaluates the family of family_test.go on returns
// that depend on the day before: it is better than one without memory, by
// -ln(1-phi^2)/2 a day for normal returns.
func TestWalkForwardOfRegisteredFamily(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 7))
	text, before := "date,a\n", 0.0
	day, _ := returns.ParseDate("2015-01-01")
	days, refit := 800, 250
	if testing.Short() {
		days, refit = 665, 366 // one fit, and no horizon: its paths cost most
	}
	for range days {
		before = 0.6*before + 0.01*rng.NormFloat64()
		text += fmt.Sprintf("%v,%.6f\n", day, before)
		day = day.NextWeekday()
	}
	file := filepath.Join(t.TempDir(), "returns.csv")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c := walkConfig(t, file)
	if testing.Short() {
		c.Scenarios.Horizon = refit
	}
	r, _, _ := walk(t, c, walkforward.Options{Models: []string{"normal", "ar1_t_test"}, MinHistory: 300, Refit: refit})
	d := r.Models[1].LogScore
	if want := -math.Log(1-0.36) / 2; math.Abs(float64(d.Mean)-want) > 4*float64(d.SE)+0.01 || !(d.Mean > 4*d.SE) || d.Days != days-300 {
		t.Errorf("%+v, want about %.3f", d, want)
	}
	for _, f := range r.Failures {
		t.Errorf("%+v", f)
	}
}
