package command

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

var python = flag.String("python", "", "path of a Python with pandas: have exported weights read by others (needs node, too; see testdata/consumers)")

// TestConsumers has the weights of a run and of a backtest read, as they are, by
// DuckDB, and followed through time by pandas.
func TestConsumers(t *testing.T) {
	if *python == "" {
		t.Skip("no -python")
	}
	dir := t.TempDir()
	testdata, err := filepath.Abs(filepath.Join("..", "..", "testdata"))
	if err != nil {
		t.Fatal(err)
	}
	panel := filepath.Join(testdata, "panels", "sample.csv")
	common := []string{
		"-q", "--set", "returns.path=" + panel, "--out", filepath.Join(dir, "out"), "--cache", filepath.Join(dir, "cache"), "--as-of", "2022-12-23",
		"--set", "returns.short_history=exclude", "--set", "optimize.cost_bp=0",
	}
	for _, args := range [][]string{{"run"}, {"backtest", "--set", "backtest.start=2020-06-01", "--set", "backtest.compare=[]", "--set", "backtest.benchmark="}} {
		if code := Main(t.Context(), append(args, common...), os.Stderr, os.Stderr); code != 0 && code != exitDegraded {
			t.Fatalf("%v: exit %d", args, code)
		}
	}
	run, replay := filepath.Join(dir, "out", "latest"), filepath.Join(dir, "out", "backtest", "latest")
	consume := func(name string, args ...string) {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = filepath.Join(testdata, "consumers")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%v", err)
		}
		t.Logf("%s", out)
	}
	consume("node", "duckdb.mjs", "1", filepath.Join(run, "weights.csv"), filepath.Join(run, "weights_wide.csv"), filepath.Join(run, "weights.parquet"), filepath.Join(replay, "weights.csv"))
	consume(*python, "rebalance.py", panel, filepath.Join(replay, "weights.csv"), filepath.Join(replay, "returns.csv"))
}
