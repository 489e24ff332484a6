package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRetiredKeys reads a file of an earlier version: with a notice for each key
// that there is no more.
func TestRetiredKeys(t *testing.T) {
	file := filepath.Join(t.TempDir(), "old.yaml")
	text := `returns:
  path: a.csv
  kind: returns
  log: true
  max_flat_days: 5
bayes:
  flat_share: 0.3
backtest:
  compare: [equal_weight, risk_parity]
  benchmark: risk_parity
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, origins, err := Load(Source{File: file, Sets: []string{"bayes.escalate=false"}})
	if err != nil {
		t.Fatal(err)
	}
	if c.Returns.Kind != "log_returns" || c.Backtest.Compare[1] != "hrp" || c.Backtest.Benchmark != "hrp" {
		t.Errorf("%q %q %q", c.Returns.Kind, c.Backtest.Compare, c.Backtest.Benchmark)
	}
	if o := origins["returns.kind"].Detail; !strings.HasSuffix(o, "old.yaml:4") {
		t.Errorf("returns.kind is from %s", o)
	}
	want := []string{
		"old.yaml:7: bayes.flat_share is retired: it is ignored; set bayes.model",
		"old.yaml:4: returns.log is retired: it is read as returns.kind log_returns",
		"old.yaml:5: returns.max_flat_days is retired",
		"--set bayes.escalate: bayes.escalate is retired",
		"backtest.benchmark: risk_parity is now hrp",
		"backtest.compare[1]: risk_parity is now hrp",
	}
	if len(c.Notices) != len(want) {
		t.Fatalf("%d notices, want %d: %q", len(c.Notices), len(want), c.Notices)
	}
	for i, w := range want {
		if !strings.Contains(c.Notices[i], w) {
			t.Errorf("notice %d is %q, want %q", i, c.Notices[i], w)
		}
	}

	for _, sets := range [][]string{{"returns.log=perhaps"}, {"returns.kind=prices", "returns.log=true"}} {
		if _, _, err := Load(Source{Sets: append(sets, "returns.path=a.csv")}); err == nil || !strings.Contains(err.Error(), "returns.log") {
			t.Errorf("%q: %v", sets, err)
		}
	}
	if c, _, err := Load(Source{Env: []string{"ALLOCATE_RETURNS_LOG=true"}, Sets: []string{"returns.path=a.csv"}}); err != nil || c.Returns.Kind != "log_returns" {
		t.Errorf("by the environment: %v", err)
	}
	if c, _, err := Load(Source{Sets: []string{"returns.path=a.csv"}}); err != nil || len(c.Notices) > 0 {
		t.Errorf("%v, %v", c, err)
	}
}
