package pipeline

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"allocate/config"
	"allocate/pipeline/engine"
	"allocate/returns"
)

// replays makes every decision of a backtest, without what follows.
func replays(t testing.TB, c *config.Config) *replay {
	t.Helper()
	files, err := fetch(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	r, err := newRunner(c, files, &engine.Memory{}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := newReplay(t.Context(), r, c, files)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.forecasts(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := p.decide(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

func (d *replayed) found(code string) bool {
	return slices.ContainsFunc(d.decision.Findings, func(f returns.Finding) bool { return f.Code == code })
}

// TestBacktestFallsBack lets a strategy stop moving, so that one day its
// posterior cannot be used. The day takes the one of the decision before,
// stale, and holds what the night of that day publishes.
func TestBacktestFallsBack(t *testing.T) {
	c := quickBacktest(t)
	lines := strings.Split(strings.TrimSpace(string(read(t, c.Returns.Path))), "\n")
	for i := range lines[1:] {
		cells := strings.Split(lines[i+1], ",")
		if cells[0] > "2020-01-01" {
			if cells[1] = "0"; i%60 == 7 {
				cells[1] = "0.01" // strategy_01
			}
		}
		lines[i+1] = strings.Join(cells, ",")
	}
	c.Returns.Path = filepath.Join(t.TempDir(), "sample.csv")
	if err := os.WriteFile(c.Returns.Path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Backtest.Start = "2020-06-01"
	c.Returns.Window, c.Optimize.CostBP = "400d", 0 // so that a night does not depend on the current weights
	c.Gates.MaxChange, c.Gates.MaxTurnover = 2, 2
	c.Gates.Severity = []returns.NamedSeverity{{Code: "data.stopped", Severity: "info"}, {Code: "data.repeated_value", Severity: "info"}}
	p := replays(t, c)
	k := slices.IndexFunc(p.days, func(d *replayed) bool { return d.found("bayes.stale") })
	if k < 1 {
		for _, d := range p.days {
			t.Log(d.day, d.refused, d.decision.Findings)
		}
		t.Fatal("no day takes an earlier posterior")
	}
	if d := p.days[k]; d.refused != nil || len(d.forecast.unusable) > 0 {
		t.Errorf("%v: %v, without %v", d.day, d.refused, d.forecast.unusable)
	}
	// A stale posterior is good for the day after.
	if k+1 < len(p.days) && (p.days[k+1].refused != nil || !p.days[k+1].found("bayes.stale")) {
		t.Errorf("%v: %v", p.days[k+1].day, p.days[k+1].refused)
	}

	c.Backtest.End = (p.days[k].day + 5).String()
	o := tested(t, c)
	nights := *c
	nights.Out = filepath.Join(t.TempDir(), "nights")
	var last *Outcome
	for _, d := range p.days[k-1 : k+1] {
		nights.AsOf = d.asOf.String()
		last, _ = run(t, &nights)
	}
	if got, want := read(t, filepath.Join(o.Dir, "last_weights.csv")), read(t, filepath.Join(last.Dir, "weights.csv")); !bytes.Equal(got, want) {
		t.Errorf("the backtest has\n%s\nthe night has\n%s", got, want)
	}
	if !strings.Contains(mainFiles(t, last.Dir)["summary.json"], "bayes.stale") {
		t.Error("the night did without an earlier posterior")
	}
}

// TestBacktestCountsApprovals counts the days on which a night would have waited for
// approval, for what the night would have said.
func TestBacktestCountsApprovals(t *testing.T) {
	c := quickBacktest(t)
	c.Gates.MaxTurnover, c.Gates.MaxChange = 2, 2
	var turnovers []float64
	for _, b := range tested(t, c).Report.Rebalances[1:] {
		turnovers = append(turnovers, b.Turnover)
	}
	slices.Sort(turnovers)
	limit := turnovers[len(turnovers)/2]
	c.Gates.MaxTurnover, c.Out = limit, t.TempDir()
	r := tested(t, c).Report
	approved := 0
	for k, b := range r.Rebalances {
		want := k > 0 && b.Turnover > limit // nothing is held before the first
		if got := slices.Equal(b.Approved, []string{"run.turnover"}); got != want {
			t.Errorf("%v: turnover %v, approved %v", b.Day, b.Turnover, b.Approved)
		}
		if len(b.Approved) > 0 {
			approved++
		}
	}
	if approved == 0 || approved == len(r.Rebalances)-1 {
		t.Errorf("%d of %d approved; the test needs both", approved, len(r.Rebalances))
	}
	k := slices.IndexFunc(r.Findings, func(f returns.Finding) bool { return f.Code == "backtest.approved" })
	if k < 0 {
		t.Fatalf("findings %v", r.Findings)
	}
	f := r.Findings[k]
	want := fmt.Sprintf("Decisions that need approval in a nightly run: %d of %d (run.turnover: %d); the backtest assumes approval.", approved, len(r.Rebalances), approved)
	if f.Sentence != want || f.Numbers["approved"] != float64(approved) || f.Severity != returns.Warn {
		t.Errorf("%+v, want %s", f, want)
	}
	// A policy that refuses such a night refuses it here, too.
	c.Gates.Severity = []returns.NamedSeverity{{Code: "run.turnover", Severity: "fail"}}
	refused := 0
	for _, b := range tested(t, c).Report.Rebalances {
		if b.Refused != "" && (b.Turnover != 0 || !strings.Contains(b.Refused, "run.turnover")) {
			t.Errorf("%v: %s, traded %v", b.Day, b.Refused, b.Turnover)
		}
		if b.Refused != "" {
			refused++
		}
	}
	if refused == 0 {
		t.Error("no day is refused")
	}
}

// TestNoLookAheadOnEveryDay corrupts every return after each day of decision in
// turn, and expects every allocator's decision on that day and before it to be
// what it was. What one earns shows only decisions that are over; here the
// weights themselves are compared.
func TestNoLookAheadOnEveryDay(t *testing.T) {
	c := tinyBacktest(t)
	clean := replays(t, c)
	text := strings.Split(strings.TrimSpace(string(read(t, c.Returns.Path))), "\n")
	for k, d := range clean.days {
		lines := slices.Clone(text)
		for i, line := range lines {
			cells := strings.Split(line, ",")
			if i == 0 || cells[0] <= d.day.String() {
				continue
			}
			for j := 1; j < len(cells); j++ {
				cells[j] = fmt.Sprintf("%.6f", 0.03*math.Sin(float64(i*j*(k+1))))
			}
			lines[i] = strings.Join(cells, ",")
		}
		other := *c
		other.Returns.Path = filepath.Join(t.TempDir(), fmt.Sprint(k, ".csv"))
		if err := os.WriteFile(other.Returns.Path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		other.Backtest.End = (d.day + 4).String() // later decisions may differ
		spoilt := replays(t, &other)
		for i, got := range spoilt.days[:k+1] {
			want := clean.days[i]
			if got.day != want.day || fmt.Sprint(got.refused) != fmt.Sprint(want.refused) || fmt.Sprint(weightsOf(got.decision.Solution)) != fmt.Sprint(weightsOf(want.decision.Solution)) {
				t.Errorf("returns after %v change the decision of %v", d.day, want.day)
			}
			if len(got.others) != len(c.Backtest.Compare) {
				t.Fatalf("%v: %d compared allocators", got.day, len(got.others))
			}
			for name, b := range want.others {
				if fmt.Sprint(got.others[name]) != fmt.Sprint(b) {
					t.Errorf("returns after %v change what %s decides on %v", d.day, name, want.day)
				}
			}
		}
		if end := spoilt.in.panel.Days() - 1; k < len(clean.days)-1 && fmt.Sprint(spoilt.in.panel.At(end, 0)) == fmt.Sprint(clean.in.panel.At(end, 0)) {
			t.Errorf("after %v nothing is corrupted", d.day)
		}
	}
}

// TestBacktestProgress counts the progress of a backtest: every day of
// decision once in every stage, whatever the number of workers.
func TestBacktestProgress(t *testing.T) {
	c := quickBacktest(t)
	c.Backtest.End = halfYear()
	var m engine.Memory
	o, err := Backtest(t.Context(), c, nil, &m, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for _, stage := range []string{"forecasts", "decisions", "scores"} {
		seen := map[int]bool{}
		for _, e := range m.Events() {
			if e.Kind == engine.StageProgress && e.Stage == stage {
				seen[e.Done] = true
				if e.Total != len(o.Report.Rebalances) || e.Elapsed <= 0 {
					t.Errorf("%s: %+v", stage, e)
				}
			}
		}
		if len(seen) != len(o.Report.Rebalances) || !seen[1] {
			t.Errorf("%s: progress of %d of %d days", stage, len(seen), len(o.Report.Rebalances))
		}
	}
}
