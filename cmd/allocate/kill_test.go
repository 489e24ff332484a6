package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestKilledRunGivesTheSameBytes runs the sample whole with 1 and with 8
// workers, and a third time killed by SIGKILL half-way and started again.
func TestKilledRunGivesTheSameBytes(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "allocate")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	start := func(dir string, workers string) (*exec.Cmd, *bytes.Buffer) {
		var log bytes.Buffer
		cmd := exec.Command(binary, "run", "-v", "--workers", workers, "--config", "../../allocate.yaml",
			"--out", filepath.Join(dir, "out"), "--cache", filepath.Join(dir, "cache"), "--set", "bayes.draws=4000")
		cmd.Stderr = &log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd, &log
	}
	weights := func(dir string) string {
		b, err := os.ReadFile(filepath.Join(dir, "out", "latest", "weights.csv"))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	one, eight, killed := t.TempDir(), t.TempDir(), t.TempDir()
	for dir, workers := range map[string]string{one: "1", eight: "8"} {
		if cmd, log := start(dir, workers); cmd.Wait() != nil {
			t.Fatal(log.String())
		}
	}
	if weights(one) != weights(eight) {
		t.Error("1 and 8 workers give other weights")
	}

	cmd, _ := start(killed, "1")
	for finished := 0; finished < 7; { // 2 before the fits, then 5 of 10 fits
		time.Sleep(time.Millisecond)
		entries, _ := filepath.Glob(filepath.Join(killed, "cache", "index", "*", "*"))
		finished = 0
		for _, e := range entries {
			if !strings.HasPrefix(filepath.Base(e), ".") {
				finished++
			}
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the run was over before it was killed")
	}
	if _, err := os.Lstat(filepath.Join(killed, "out", "latest")); err == nil {
		t.Error("a killed run published something")
	}
	cmd, log := start(killed, "1")
	if cmd.Wait() != nil {
		t.Fatal(log.String())
	}
	found := strings.Count(log.String(), `"msg":"action_hit","stage":"bayes"`)
	done := strings.Count(log.String(), `"msg":"action_finished","stage":"bayes"`)
	t.Logf("after the kill: %d fits found in the store, %d done", found, done)
	if found < 5 || found+done != 10 {
		t.Errorf("after the kill %d fits were found and %d done; want at least 5 found, 10 in all", found, done)
	}
	if weights(one) != weights(killed) {
		t.Error("a killed and resumed run gives other weights")
	}
}
