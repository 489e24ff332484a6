package command

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestKilledRunResumesIdentically runs the sample whole with 1 and with 8
// workers, and a third time killed by SIGKILL half-way and started again.
func TestKilledRunResumesIdentically(t *testing.T) {
	binary := buildBinary(t)
	start := func(dir string, workers string) (*exec.Cmd, *bytes.Buffer) {
		var log bytes.Buffer
		cmd := exec.Command(binary, "run", "-v", "--log-format", "json", "--set", "workers="+workers, "--config", "../../allocate.yaml",
			"--out", filepath.Join(dir, "out"), "--cache", filepath.Join(dir, "cache"), "--set", "scenarios.count=2000", "--set", "scenarios.holdout=0")
		if testing.Short() {
			cmd.Args = append(cmd.Args, fewer()...)
		}
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
	waitFor(killed, 7) // 2 before the fits, then 5 of 10 fits
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
	found := count(log.String(), "action_hit", "bayes")
	done := count(log.String(), "action_finished", "bayes")
	t.Logf("after the kill: %d fits found in the store, %d done", found, done)
	if found < 5 || found+done != 10 {
		t.Errorf("after the kill %d fits were found and %d done; want at least 5 found, 10 in all", found, done)
	}
	if weights(one) != weights(killed) {
		t.Error("a killed and resumed run gives other weights")
	}
}

// fewer are options of a run that takes a moment, and not so short a one that it is
// over before a signal reaches it.
func fewer() (args []string) {
	for _, set := range []string{"bayes.draws=300", "bayes.warmup=300", "bayes.min_ess=50", "bayes.max_rhat=1.1", "bayes.replicates=0", "scenarios.holdout=0"} {
		args = append(args, "--set", set)
	}
	return args
}

// TestSignalStopsAndResumes sends SIGTERM in the middle of a run: exit 130, a
// line that says so, and a next run that goes on.
func TestSignalStopsAndResumes(t *testing.T) {
	binary, signals := buildBinary(t), []os.Signal{syscall.SIGTERM, os.Interrupt}
	var more []string
	if testing.Short() {
		signals, more = signals[:1], fewer()
	}
	for _, signal := range signals {
		dir := t.TempDir()
		var log bytes.Buffer
		cmd := sampleRun(binary, dir, append(more, "--set", "scenarios.count=2000", "--set", "workers=1")...)
		cmd.Stderr = &log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		waitFor(dir, 4)
		began := time.Now()
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != 130 || !strings.Contains(log.String(), "interrupted; run again to resume") {
			t.Errorf("%v: exit code %d, %s", signal, code, log.String())
		}
		t.Logf("%v: stopped after %v", signal, time.Since(began).Round(time.Millisecond))
		if _, err := os.Lstat(filepath.Join(dir, "out", "latest")); err == nil {
			t.Errorf("%v: something was published", signal)
		}
		out, err := sampleRun(binary, dir, append(more, "--set", "scenarios.count=2000")...).CombinedOutput()
		if err != nil || count(string(out), "action_hit", "bayes") == 0 {
			t.Errorf("%v: the next run: %v", signal, err)
		}
	}
}

// TestConcurrentRuns starts two runs in one folder: one works, the other
// leaves at once with exit code 11.
func TestConcurrentRuns(t *testing.T) {
	binary, dir := buildBinary(t), t.TempDir()
	draws := []string{"--set", "bayes.draws=4000"}
	if testing.Short() {
		draws = fewer()
	}
	first := sampleRun(binary, dir, append(draws, "--set", "scenarios.count=2000", "--set", "workers=1")...)
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(dir, 3)
	began := time.Now()
	second := sampleRun(binary, dir)
	out, _ := second.CombinedOutput()
	if code := second.ProcessState.ExitCode(); code != 11 || !strings.Contains(string(out), fmt.Sprintf("is locked by process %d", first.Process.Pid)) {
		t.Errorf("the second run: exit code %d, %s", code, out)
	}
	t.Logf("the second run left after %v", time.Since(began).Round(time.Millisecond))
	if err := first.Wait(); err != nil {
		t.Errorf("the first run: %v", err)
	}
}

// waitFor waits until so many actions are in the index of the cache below dir.
func waitFor(dir string, actions int) {
	for {
		entries, _ := filepath.Glob(filepath.Join(dir, "cache", "index", "*", "*"))
		done := 0
		for _, e := range entries {
			if !strings.HasPrefix(filepath.Base(e), ".") { // a file still being written
				done++
			}
		}
		if done >= actions {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// count counts the log lines of a message and stage.
func count(log, message, stage string) int {
	n := 0
	for _, line := range strings.Split(log, "\n") {
		if strings.Contains(line, `"msg":"`+message+`"`) && strings.Contains(line, `"stage":"`+stage+`"`) {
			n++
		}
	}
	return n
}

// TestSecondSignalEndsTheProcess: a run that cannot stop, since it waits for a
// file, goes on after one SIGTERM and ends at the second.
func TestSecondSignalEndsTheProcess(t *testing.T) {
	binary := buildBinary(t)
	fifo := filepath.Join(t.TempDir(), "config")
	if err := syscall.Mkfifo(fifo, 0o644); err != nil {
		t.Skip(err)
	}
	cmd := exec.Command(binary, "run", "--config", fifo)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	writer, err := os.OpenFile(fifo, os.O_WRONLY, 0) // once the run reads it
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	signal := func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	signal()
	select {
	case err := <-ended:
		t.Fatalf("the first signal ended it: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	signal()
	select {
	case <-ended:
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGTERM {
			t.Errorf("it ended otherwise: %v", cmd.ProcessState)
		}
	case <-time.After(10 * time.Second):
		_ = cmd.Process.Kill()
		t.Error("the second signal did not end it")
	}
}
