package pipeline

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"allocate/bayes"
	"allocate/config"
	"allocate/pipeline/engine"
	"allocate/pipeline/store"
	"allocate/returns"
	"allocate/returns/columnar"
	"allocate/scenarios"
)

// coverageOf does the holdout action for a series.
func coverageOf(t *testing.T, s *returns.Series, c config.Config) *scenarios.Coverage {
	t.Helper()
	table, err := s.Table()
	if err != nil {
		t.Fatal(err)
	}
	b, err := columnar.EncodeIPC(table)
	if err != nil {
		t.Fatal(err)
	}
	files, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	id, err := files.Put(b)
	if err != nil {
		t.Fatal(err)
	}
	o, err := engine.Canonical(heldOut(c.Scenarios, c.Bayes))
	if err != nil {
		t.Fatal(err)
	}
	stages := Stages(1)
	p, err := bayes.Fit(t.Context(), s, c.Bayes, engine.Streams(1, "bayes"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if table, err = p.Table(); err != nil {
		t.Fatal(err)
	}
	if b, err = columnar.EncodeIPC(table); err != nil {
		t.Fatal(err)
	}
	fit, err := files.Put(b)
	if err != nil {
		t.Fatal(err)
	}
	a := engine.Action{Stage: "holdout", Version: stages["holdout"].Version, Unit: s.Strategy.Name, Options: o, Inputs: []engine.Input{{Name: "series", Content: id}, {Name: "posterior", Content: fit}}, Seed: engine.SeedFor(1, "holdout", s.Strategy.Name), Arch: engine.Arch()}
	content, err := engine.Local{Stages: stages}.Execute(t.Context(), a, files, &engine.Memory{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := files.Get(content)
	if err != nil {
		t.Fatal(err)
	}
	var coverage *scenarios.Coverage
	if err := json.Unmarshal(out, &coverage); err != nil {
		t.Fatal(err)
	}
	return coverage
}

// Days held out of independent simulated strategies lie below a predicted
// quantile as often as it says: binomial, but for the error of the fit, which
// 1,500 days keep below a tenth of the binomial's. A change of regime in the
// held-out year is noticed.
func TestHoldoutCoverage(t *testing.T) {
	n := 40
	if testing.Short() {
		n = 10
	}
	c := config.Default()
	panel, _, err := returns.Simulate(returns.Simulation{Strategies: n, Days: 1752, Start: returns.NewDate(2015, 1, 1)}, engine.Streams(3, "holdout"))
	if err != nil {
		t.Fatal(err)
	}
	var all []*scenarios.Coverage
	for j := range n {
		all = append(all, coverageOf(t, panel.Series(j), c))
	}
	found := scenarios.JudgeHoldout(all)
	if len(found) != 2 || found[1].Code != "scenarios.holdout_states" {
		t.Fatalf("strategies of the model do not fit it: %v", found)
	}
	again := 0
	for _, c := range all {
		if c.ParetoK == nil {
			again++
		}
	}
	if again > n/10 {
		t.Errorf("%d of %d strategies were fitted a second time", again, n)
	}
	summary := found[0]
	if summary.Code != "scenarios.holdout" || summary.Numbers["days"] != float64(252*n) || summary.Numbers["strategies"] != float64(n) {
		t.Fatalf("findings %v", found)
	}
	for name, p := range map[string]float64{"below_1": 0.01, "below_5": 0.05, "above_95": 0.05, "above_99": 0.01} {
		se := math.Sqrt(p * (1 - p) / float64(252*n))
		if got := summary.Numbers[name]; math.Abs(got-p) > 3.3*se {
			t.Errorf("%s: share %.4f, want %.2f within %.4f", name, got, p, 3.3*se)
		}
	}
	for _, state := range []string{"calm", "middle", "high"} {
		se := math.Sqrt(0.05 * 0.95 / found[1].Numbers[state+"_returns"])
		if got := found[1].Numbers[state]; math.Abs(got-0.05) > 3.3*se {
			t.Errorf("%s: share %.4f, want 0.05 within %.4f", state, got, 3.3*se)
		}
	}

	shifted := panel.Series(0)
	for i := shifted.Len() - 252; i < shifted.Len(); i++ {
		shifted.Returns[i] *= 3
	}
	c3 := coverageOf(t, shifted, c)
	if c3.ParetoK != nil {
		t.Errorf("after a change of regime draws were weighed, k %v", *c3.ParetoK)
	}
	pooled := scenarios.JudgeHoldout([]*scenarios.Coverage{c3})
	if i := slices.IndexFunc(pooled, func(f returns.Finding) bool { return f.Code == "scenarios.holdout_states" }); i < 0 || pooled[i].Numbers["high"] < 0.2 || pooled[i].Severity != returns.Warn {
		t.Errorf("a year of three times the volatility: %v", pooled)
	}
	var codes []string
	for _, f := range c3.Findings {
		codes = append(codes, f.Code+" "+f.Severity.String())
	}
	if got := strings.Join(codes, ", "); got != "scenarios.holdout_pit warn, scenarios.holdout_tail warn" {
		t.Errorf("a year of three times the volatility: %s", got)
	}

	// A history of 99 days has no fifth of 20 days to spare.
	short := panel.Series(1)
	short.Dates, short.Returns = short.Dates[:99], short.Returns[:99]
	if got := coverageOf(t, short, c); got != nil {
		t.Errorf("coverage of a short history: %+v", got)
	}
	if found := scenarios.JudgeHoldout([]*scenarios.Coverage{nil}); found != nil {
		t.Errorf("findings about nothing: %v", found)
	}
}

// constant is a predictor with memory whose every future is its last return.
type constant struct{ s *returns.Series }

func (constant) Mean([]float64) float64       { return 0 }
func (constant) Volatility([]float64) float64 { return 0.01 }
func (constant) Idle([]float64) float64       { return 0 }
func (constant) PIT(_, y, u []float64) {
	for t := range y {
		u[t] = (float64(t) + 0.5) / float64(len(y))
	}
}

func (m constant) Path(_, _, r []float64) {
	for t := range r {
		r[t] = m.s.Returns[m.s.Len()-1]
	}
}

func init() {
	bayes.Register(bayes.Family{
		Name: "constant_test",
		New: func(s *returns.Series, o bayes.Options) (bayes.Model, error) {
			f, err := bayes.Lookup("normal")
			if err != nil {
				return nil, err
			}
			return f.New(s, o)
		},
		Predictor: func(s *returns.Series) bayes.Predictor { return constant{s} },
	})
}

// The cone goes on from the last day that the fit has seen, not from the last of
// the series; the days held out are judged given the days before them.
func TestHoldoutWithMemory(t *testing.T) {
	s := &returns.Series{Strategy: returns.Strategy{Name: "a"}}
	for i := range 500 {
		s.Dates, s.Returns = append(s.Dates, returns.Date(i)), append(s.Returns, 0.01*math.Sin(float64(i*i)))
	}
	s.Returns[399], s.Returns[499] = 0.03, -0.04
	c := config.Default()
	c.Bayes.Model, c.Bayes.Draws, c.Bayes.MinESS = "constant_test", 250, 50
	coverage := coverageOf(t, s, c)
	if coverage == nil || coverage.Days != 100 || math.Abs(coverage.Cone.Q50[0]-(math.Pow(1.03, float64(coverage.Cone.Day[0]))-1)) > 1e-9 {
		t.Fatalf("%+v", coverage)
	}
	if coverage.Below5 != 0 || coverage.Above5 != 25 { // of 500 PITs rising evenly the last 100
		t.Errorf("%d below the 5%% quantile, %d above the 95%% quantile", coverage.Below5, coverage.Above5)
	}
}
