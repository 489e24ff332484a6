package pipeline

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/returns"
)

// TestOneStrategyFails gives one strategy a history that cannot be modeled:
// five days with a return. The others are sampled and stored all the same. The
// run is refused where nothing better is known, goes on without the strategy
// where the policy says so, and takes its last good posterior where there is
// one, degraded.
func TestOneStrategyFails(t *testing.T) {
	good := testConfig(t)
	good.Scenarios.Holdout = new(int)
	good.AsOf = "2022-12-22"
	run(t, good)
	text, err := os.ReadFile(good.Returns.Path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for i := range lines[1:] {
		cells := strings.Split(lines[i+1], ",")
		if cells[1] = "0"; i%250 == 7 {
			cells[1] = "0.01" // strategy_01
		}
		lines[i+1] = strings.Join(cells, ",")
	}
	path := filepath.Join(t.TempDir(), "sample.csv")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	lenient := []returns.NamedSeverity{{Code: "data.stopped", Severity: "info"}, {Code: "data.repeated_value", Severity: "info"}, {Code: "data.restated", Severity: "info"}}

	alone := testConfig(t)
	alone.Scenarios.Holdout = new(int)
	alone.Returns.Path, alone.Gates.Severity = path, lenient
	var m engine.Memory
	_, err = Run(t.Context(), alone, RunOptions{}, &m, time.Now)
	var gate *published.GateError
	if !errors.As(err, &gate) || !strings.Contains(err.Error(), "strategy_01") {
		t.Errorf("with an unusable posterior and nothing else: %v", err)
	}
	if n := m.Count(engine.ActionFinished, "bayes"); n != sampled() {
		t.Errorf("%d posteriors were stored, want all %d though one failed", n, sampled())
	}

	alone.Gates.Severity = append(lenient, returns.NamedSeverity{Code: "bayes.unusable", Severity: "warn"})
	o, _ := run(t, alone)
	if !o.Degraded || !strings.Contains(mainFiles(t, o.Dir)["weights.csv"], "strategy_01,0.000000") {
		t.Errorf("without the strategy: degraded %v", o.Degraded)
	}

	// The last good posterior stands in.
	good.Returns.Path, good.AsOf, good.Gates.Severity = path, "2022-12-23", lenient
	o, again := run(t, good)
	if n := again.Count(engine.ActionFinished, "bayes"); n != sampled()+1 {
		t.Errorf("%d posteriors were made, want %d and one again", n, sampled())
	}
	if !o.Degraded || !strings.Contains(mainFiles(t, o.Dir)["summary.json"], "bayes.stale") {
		t.Errorf("with the last good posterior: degraded %v, findings %v", o.Degraded, o.Decision.Findings)
	}
}
