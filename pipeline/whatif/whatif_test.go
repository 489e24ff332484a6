package whatif

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"allocate/config"
	"allocate/optimize"
	"allocate/pipeline"
	"allocate/pipeline/engine"
	"allocate/scenarios"
)

var (
	returnsFile = flag.String("returns", "", "file of returns of a benchmark in place of the bundled sample")
	count       = flag.Int("scenarios", 2000, "scenarios of the run that is decided again")
)

// session is of a run of the bundled sample.
func session(t testing.TB) *Session {
	t.Helper()
	c := config.Default()
	c.Returns.Path = filepath.Join("..", "..", "testdata", "panels", "sample.csv")
	c.AsOf = "2022-12-23"
	if *returnsFile != "" {
		c.Returns.Path, c.AsOf = *returnsFile, "2022-12-28"
	}
	c.Out, c.Cache = filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "cache")
	c.Bayes.Draws, c.Bayes.Chains, c.Bayes.MinESS, c.Scenarios.Count, c.Scenarios.Holdout = 250, 2, 50, *count, new(int)
	c.Optimize.MaxWeight = 0.6
	o, err := pipeline.Run(context.Background(), &c, pipeline.RunOptions{Approve: true}, &engine.Memory{}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	s, err := pipeline.OpenStore(c.Cache)
	if err != nil {
		t.Fatal(err)
	}
	x, err := Open(o.Dir, s)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// random is a change as a person makes one.
func random(rng *rand.Rand, x *Session) Change {
	c := Change{Optimize: map[string]json.RawMessage{}}
	set := func(key string, format string, args ...any) {
		c.Optimize[key] = json.RawMessage(fmt.Sprintf(format, args...))
	}
	names := x.set.Names
	for range 1 + rng.IntN(3) {
		switch rng.IntN(9) {
		case 0:
			set("alpha", "%.3f", 0.8+0.19*rng.Float64())
		case 1:
			set("max_weight", "%.3f", 0.25+0.7*rng.Float64())
		case 2:
			set("bounds", `[{"name":%q,"max":%.3f}]`, names[rng.IntN(len(names))], 0.3*rng.Float64())
		case 3:
			set("groups", `[{"name":"pair","strategies":[%q,%q],"max":%.3f}]`, names[0], names[1], 0.05+0.3*rng.Float64())
		case 4:
			set("min_annual_return", "%.4f", 0.02*rng.Float64())
		case 5:
			set("objective", `"utility"`)
			set("risk_aversion", "%.3f", 0.2+rng.Float64())
		case 6:
			set("indifference", "0")
		case 7:
			set("cash", "true")
		case 8:
			c.Views = &[]scenarios.View{{Name: "v", Strategy: names[rng.IntN(len(names))], Kind: scenarios.Mean, Relation: scenarios.Equal, Value: 0.01 * rng.NormFloat64()}}
		}
	}
	return c
}

// Every answer is that of a solver that has seen nothing else.
func TestAnswersAreThoseOfAColdSolve(t *testing.T) {
	x := session(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 100 {
		c := random(rng, x)
		got, err := x.Decide(context.Background(), c)
		fresh := &Session{Options: x.Options, Views: x.Views, Published: x.Published, Held: x.Held, joint: x.joint, set: x.set}
		want, failed := fresh.Decide(context.Background(), c)
		var none *optimize.InfeasibleError
		if err != nil || failed != nil {
			if !errors.As(err, &none) || failed == nil || err.Error() != failed.Error() {
				t.Errorf("change %d: %v and, cold, %v", i, err, failed)
			}
			continue
		}
		if got.Gap > 1e-9 || got.Status != optimize.Optimal {
			t.Errorf("change %d: gap %v, status %v", i, got.Gap, got.Status)
		}
		if math.Abs(got.CVaR.Value-want.CVaR.Value) > 1e-12 || math.Abs(got.Cost-want.Cost) > 1e-12 || math.Abs(got.Moved-want.Moved) > 1e-9 {
			t.Errorf("change %d (%v): %+v, cold %+v", i, c, got, want)
		}
		for _, w := range got.Weights {
			k := slices.IndexFunc(want.Weights, func(v Weight) bool { return v.Name == w.Name })
			if math.Abs(want.Weights[k].Weight-w.Weight) > 1e-9 {
				t.Errorf("change %d (%v): %s is %v, cold %v", i, c, w.Name, w.Weight, want.Weights[k].Weight)
			}
		}
	}
}

// Without a change the decision is the published one; with one, only what it says is different.
func TestNoChangeIsThePublishedDecision(t *testing.T) {
	x := session(t)
	a, err := x.Decide(context.Background(), Change{})
	if err != nil {
		t.Fatal(err)
	}
	if a.Moved > 1e-12 || a.CVaR.Value != a.CVaR.Published || math.Abs(a.CVaR.Value-x.Published.CVaR) > 1e-15 || math.Abs(a.Expected.Value-a.Expected.Published) > 1e-15 {
		t.Errorf("%+v", a)
	}
	if a, err = x.Decide(context.Background(), Change{Optimize: map[string]json.RawMessage{"max_weight": []byte("0.2")}}); err != nil {
		t.Fatal(err)
	}
	for _, w := range a.Weights {
		if w.Weight > 0.2 {
			t.Errorf("%s is %v", w.Name, w.Weight)
		}
	}
	if a.Moved == 0 || a.CVaR.Value <= a.CVaR.Published || !slices.Contains(a.Active, "optimize.max_weight") {
		t.Errorf("with a limit: %+v", a)
	}
	for text, want := range map[string]string{
		`{"max_wieght": 1}`:                     `optimize: json: unknown field "max_wieght"`,
		`{"alpha": 2}`:                          "optimize.alpha: 2 is not in [0, 1)",
		`{"bounds": [{"name": "x", "max": 1}]}`: `optimize.bounds[0].name: no strategy "x"`,
		`{"groups": [{"name": "g", "group": "trend", "max": 1}]}`: `optimize.groups[0].group: "trend"; expected strategies`,
	} {
		var c Change
		if err := json.Unmarshal([]byte(text), &c.Optimize); err != nil {
			t.Fatal(err)
		}
		var bad *config.Error
		if _, err := x.Decide(context.Background(), c); !errors.As(err, &bad) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	back, err := x.Decide(context.Background(), Change{Optimize: map[string]json.RawMessage{"max_weight": []byte("0.6"), "alpha": []byte("null")}})
	if err != nil || back.Moved > 1e-12 {
		t.Errorf("back again: %v, %+v", err, back)
	}
}

// Probabilities that the scenarios were published with are those of views, and go with them.
func TestPublishedViewsCanBeTakenAway(t *testing.T) {
	x := session(t)
	views := []scenarios.View{{Name: "v", Strategy: x.set.Names[0], Kind: scenarios.Mean, Relation: scenarios.Equal, Value: 0.03}}
	viewed := *x.set
	var err error
	if viewed.Prob, _, err = x.set.Pool(views); err != nil {
		t.Fatal(err)
	}
	joint := x.joint
	joint.Views = views
	with := New(&viewed, joint, x.Options, x.Held, x.Published)
	none := []scenarios.View{}
	got, err := with.Decide(context.Background(), Change{Views: &none})
	if err != nil {
		t.Fatal(err)
	}
	want, err := x.Decide(context.Background(), Change{})
	if err != nil || got.CVaR.Value != want.CVaR.Value {
		t.Errorf("without its views %v, without views %v, %v", got.CVaR, want.CVaR, err)
	}
	kept, err := with.Decide(context.Background(), Change{})
	if err != nil || kept.CVaR.Value == want.CVaR.Value {
		t.Errorf("with its views %v, %v", kept.CVaR, err)
	}
}

// CASH that is held and not allowed any more is sold: it counts in both distances.
func TestCashIsSold(t *testing.T) {
	x := session(t)
	n := len(x.set.Names)
	p := &optimize.Solution{Names: append(slices.Clone(x.set.Names), optimize.Cash), Weights: make([]float64, n+1)}
	p.Weights[n] = 1
	with := New(x.set, x.joint, x.Options, optimize.Held{optimize.Cash: 1}, p)
	a, err := with.Decide(context.Background(), Change{Optimize: map[string]json.RawMessage{"indifference": []byte("0")}})
	if err != nil || math.Abs(a.Turnover-1) > 1e-9 || math.Abs(a.Moved-1) > 1e-9 {
		t.Errorf("%v: turnover %v, moved %v; want 1", err, a.Turnover, a.Moved)
	}
}

// BenchmarkDecide reports the 95th percentile of a hundred random changes.
//
//	go test ./pipeline/whatif -run '^$' -bench Decide -benchtime 1x -scenarios 10000 -returns FILE
func BenchmarkDecide(b *testing.B) {
	x := session(b)
	rng := rand.New(rand.NewPCG(1, 2))
	var took []float64
	for b.Loop() {
		for range 100 {
			c := random(rng, x)
			began := time.Now()
			_, err := x.Decide(context.Background(), c)
			var none *optimize.InfeasibleError
			if err != nil && !errors.As(err, &none) {
				b.Fatal(err)
			}
			took = append(took, time.Since(began).Seconds())
		}
	}
	slices.Sort(took)
	b.ReportMetric(1e3*took[len(took)*95/100], "ms/p95")
	b.ReportMetric(1e3*took[len(took)/2], "ms/median")
}
