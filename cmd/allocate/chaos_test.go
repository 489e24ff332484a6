package main

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// chaos scales the tests of this file; the bars of the project are met with
// go test ./cmd/allocate -run Chaos -chaos 100 -timeout 60m
var chaos = flag.Int("chaos", 6, "how many kills, and twice as many damages, the chaos tests make")

// buildBinary finds the command, to be killed for real: TestMain put it there.
func buildBinary(t *testing.T) string {
	t.Helper()
	binary, err := exec.LookPath("allocate")
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// sampleRun is the command of the bundled sample with its folders below dir.
func sampleRun(binary, dir string, args ...string) *exec.Cmd {
	return exec.Command(binary, append([]string{"run", "-v", "--config", "../../allocate.yaml", "--out", filepath.Join(dir, "out"), "--cache", filepath.Join(dir, "cache")}, args...)...)
}

// outputs reads what a run published, except the times in run.json.
func outputs(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	for _, name := range []string{"weights.csv", "summary.json", "tearsheet.html"} {
		b, err := os.ReadFile(filepath.Join(dir, "out", "latest", name))
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}

// whole fails if latest shows a folder that lacks a file.
func whole(t *testing.T, dir string) {
	t.Helper()
	latest := filepath.Join(dir, "out", "latest")
	if _, err := os.Stat(latest); err != nil {
		if _, err := os.Lstat(latest); err == nil {
			t.Error("latest points at nothing")
		}
		return
	}
	for _, name := range []string{"weights.csv", "summary.json", "tearsheet.html", "run.json"} {
		if info, err := os.Stat(filepath.Join(latest, name)); err != nil || info.Size() == 0 {
			t.Errorf("latest shows a run without %s: %v", name, err)
		}
	}
}

// TestChaosKill kills runs at random moments and starts them again: the same
// bytes, no partial folder, and no finished strategy sampled twice.
func TestChaosKill(t *testing.T) {
	binary, rng := buildBinary(t), rand.New(rand.NewPCG(7, 7))
	reference := t.TempDir()
	began := time.Now()
	if out, err := sampleRun(binary, reference).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	length := time.Since(began)
	want := outputs(t, reference)
	same, published, kept, again := 0, 0, 0, 0
	for range *chaos {
		dir := t.TempDir()
		var first bytes.Buffer
		cmd := sampleRun(binary, dir)
		cmd.Stderr = &first
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rng.Float64() * 1.1 * float64(length)))
		_ = cmd.Process.Kill() // it may have ended by itself
		_ = cmd.Wait()
		whole(t, dir)
		if _, err := os.Stat(filepath.Join(dir, "out", "latest")); err == nil {
			published++
		}
		cmd = sampleRun(binary, dir)
		var second bytes.Buffer
		cmd.Stderr = &second
		if err := cmd.Run(); err != nil {
			t.Errorf("after a kill: %v\n%s", err, second.String())
			continue
		}
		done := count(first.String(), "action_finished", "bayes")
		found := count(second.String(), "action_hit", "bayes")
		redone := count(second.String(), "action_finished", "bayes")
		if found < done || found+redone != 10 {
			t.Errorf("%d strategies were finished before the kill; after it %d were found and %d sampled", done, found, redone)
		}
		kept, again = kept+found, again+redone
		whole(t, dir)
		if outputs(t, dir) == want {
			same++
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "out", ".staging-*")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
	t.Logf("%d of %d killed runs ended in the same bytes (%d had published before the kill); of %d fits %d were found and %d done after the kill", same, *chaos, published, 10**chaos, kept, again)
	if same != *chaos {
		t.Errorf("%d of %d killed runs ended in other bytes", *chaos-same, *chaos)
	}
}

// TestChaosStore flips bits in stored files and cuts them short: each damage
// is noticed or harmless, and the result is right.
func TestChaosStore(t *testing.T) {
	binary, rng := buildBinary(t), rand.New(rand.NewPCG(8, 8))
	dir := t.TempDir()
	if out, err := sampleRun(binary, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := outputs(t, dir)
	noticed := 0
	for i := range 2 * *chaos {
		files, err := filepath.Glob(filepath.Join(dir, "cache", "*", "*", "*"))
		if err != nil || len(files) == 0 {
			t.Fatal(err)
		}
		path := files[rng.IntN(len(files))]
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		what := ""
		if i%2 == 0 {
			at := rng.IntN(len(b))
			b[at] ^= 1 << rng.IntN(8)
			what = fmt.Sprintf("bit flipped at %d", at)
		} else {
			b = b[:rng.IntN(len(b))]
			what = fmt.Sprintf("cut to %d bytes", len(b))
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		check := exec.Command(binary, "cache", "verify", "--config", "../../allocate.yaml", "--cache", filepath.Join(dir, "cache"))
		if out, err := check.CombinedOutput(); err != nil && strings.Contains(string(out), " damaged") {
			noticed++
		} else {
			t.Errorf("%s in %s was not noticed: %s", what, path, out)
		}
		if err := os.RemoveAll(filepath.Join(dir, "out")); err != nil {
			t.Fatal(err)
		}
		out, err := sampleRun(binary, dir).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", what, err, out)
		}
		if outputs(t, dir) != want {
			t.Errorf("%s changed the result", what)
		}
		// What the run did not read stays damaged; clear it for the next round.
		fix := exec.Command(binary, "cache", "verify", "--remove", "--config", "../../allocate.yaml", "--cache", filepath.Join(dir, "cache"))
		if out, err := fix.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	t.Logf("%d of %d damages were noticed by verify", noticed, 2**chaos)
	if noticed != 2**chaos {
		t.Errorf("%d damages were not noticed", 2**chaos-noticed)
	}
}
