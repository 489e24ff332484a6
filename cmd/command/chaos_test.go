package command

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// chaos scales the tests of this file; the bars of the project are met with
// go test ./cmd/command -run ChaosKill -chaos 200 -timeout 60m
var chaos = flag.Int("chaos", 4, "how many kills, and twice as many damages, the chaos tests make; a quarter with -short")

// chances is how many of n kills, damages or faults a test makes.
func chances(n int) int {
	if testing.Short() {
		return max(1, n/4)
	}
	return n
}

// undisturbed holds what the tiny commands publish when nothing happens to them,
// and how long they take. The tests of this file share it.
var undisturbed = map[string]*struct {
	once   sync.Once
	result string
	length time.Duration
}{"run": {}, "backtest": {}}

// reference does a tiny command once for all tests.
func reference(t *testing.T, binary, command string) (want string, length time.Duration) {
	t.Helper()
	u := undisturbed[command]
	u.once.Do(func() {
		dir, began := t.TempDir(), time.Now()
		if out, err := tinyRun(binary, dir, command).CombinedOutput(); err != nil && !strings.Contains(string(out), "degraded") {
			t.Fatalf("%v\n%s", err, out)
		}
		u.length, u.result = time.Since(began), result(t, dir, command)
	})
	return u.result, u.length
}

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
	return exec.Command(binary, append([]string{"run", "-v", "--log-format", "json", "--config", "../../allocate.yaml", "--out", filepath.Join(dir, "out"), "--cache", filepath.Join(dir, "cache")}, args...)...)
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

// tinyRun is a command of a fraction of a second over the bundled sample, with
// its folders below dir.
func tinyRun(binary, dir, command string) *exec.Cmd {
	return exec.Command(binary, append(ofFour(tiny(strings.Fields(command)...)), "--config", "../../allocate.yaml", "--out", filepath.Join(dir, "out"), "--cache", filepath.Join(dir, "cache"))...)
}

// result reads what a tiny run or backtest published, except run.json and what
// has its hash.
func result(t *testing.T, dir, command string) string {
	t.Helper()
	from := filepath.Join(dir, "out", "latest")
	if command == "backtest" {
		from = filepath.Join(dir, "out", "backtest", "latest")
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Error(err)
	}
	var all strings.Builder
	for _, e := range entries {
		if name := e.Name(); name != "run.json" && name != "SHA256SUMS" {
			b, err := os.ReadFile(filepath.Join(from, name))
			if err != nil {
				t.Error(err)
			}
			fmt.Fprintf(&all, "%s %d\n%s", name, len(b), b)
		}
	}
	return all.String()
}

// sound fails if a published folder lacks a file that its sums name.
func sound(t *testing.T, dir string) {
	t.Helper()
	revisions, _ := filepath.Glob(filepath.Join(dir, "out", "2*", "r*"))
	more, _ := filepath.Glob(filepath.Join(dir, "out", "backtest", "2*", "r*"))
	for _, r := range append(revisions, more...) {
		sums, err := os.ReadFile(filepath.Join(r, "SHA256SUMS"))
		if err != nil {
			t.Errorf("a revision without sums: %v", err)
		}
		for _, line := range strings.Split(strings.TrimSpace(string(sums)), "\n") {
			sum, name, _ := strings.Cut(line, "  ")
			b, err := os.ReadFile(filepath.Join(r, name))
			if got := fmt.Sprintf("%x", sha256.Sum256(b)); err != nil || got != sum {
				t.Errorf("%s of %s is not what its sums say: %v", name, r, err)
			}
		}
	}
	for _, link := range []string{filepath.Join(dir, "out", "latest"), filepath.Join(dir, "out", "backtest", "latest")} {
		if _, err := os.Lstat(link); err == nil {
			if _, err := os.Stat(link); err != nil {
				t.Errorf("latest points at nothing: %v", err)
			}
		}
	}
}

// recovers does a command that was ended or failed again, then a nightly run, and
// trims the cache as if an hour had passed: the command has its result, and no
// temporary file is left anywhere.
func recovers(t *testing.T, binary, dir, command, want string) {
	t.Helper()
	sound(t, dir)
	if out, err := tinyRun(binary, dir, command).CombinedOutput(); err != nil && !strings.Contains(string(out), "degraded") {
		t.Errorf("%s again: %v\n%s", command, err, out)
		return
	}
	if result(t, dir, command) != want {
		t.Errorf("%s again has another result", command)
	}
	sound(t, dir)
	temporary := func(age bool) (left []string) {
		_ = filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
			if err == nil && (strings.HasPrefix(e.Name(), ".") && e.Name() != ".lock" || filepath.Base(filepath.Dir(path)) == "leases") {
				left = append(left, path)
				if age {
					then := time.Now().Add(-time.Hour)
					_ = os.Chtimes(path, then, then)
				}
			}
			return nil
		})
		return left
	}
	temporary(true)
	for _, c := range []string{"run", "cache trim"} {
		if out, err := tinyRun(binary, dir, c).CombinedOutput(); err != nil && !strings.Contains(string(out), "degraded") {
			t.Errorf("then %s: %v\n%s", c, err, out)
		}
	}
	if left := temporary(false); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestChaosKill kills runs and backtests at random moments and starts them again:
// the same bytes, no partial folder, no finished strategy sampled twice, and no
// temporary file after the next run and trim.
func TestChaosKill(t *testing.T) {
	binary, rng := buildBinary(t), rand.New(rand.NewPCG(7, 7))
	commands := []string{"run", "backtest"}
	killed, early, kills := 0, 0, chances(*chaos)
	for i := 0; killed < kills && i < 10*kills; i++ {
		c, dir := commands[i%2], t.TempDir()
		want, length := reference(t, binary, c)
		cmd := tinyRun(binary, dir, c)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rng.Float64() * float64(length)))
		_ = cmd.Process.Kill() // it may have ended by itself
		if _ = cmd.Wait(); cmd.ProcessState.Exited() {
			early++
			continue
		}
		killed++
		recovers(t, binary, dir, c, want)
		_ = os.RemoveAll(dir) // t.TempDir keeps it to the end
	}
	t.Logf("%d kills of run and backtest (%d ended before theirs); each next run had the same bytes", killed, early)
	if killed < kills {
		t.Errorf("%d kills only", killed)
	}
}

// faults is how many errors TestChaosInjected injects into system calls:
// go test ./cmd/command -run ChaosInjected -faults 100 -timeout 60m
var faults = flag.Int("faults", 2, "how many write, sync and rename errors are injected with strace")

// TestChaosInjected lets single writes, syncs and renames of a run or backtest
// fail: the exit code says so or the result is whole, no file is lost, and the
// next run is right.
func TestChaosInjected(t *testing.T) {
	tracer, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed")
	}
	binary, rng := buildBinary(t), rand.New(rand.NewPCG(9, 9))
	commands := []string{"run", "backtest"}
	calls := []string{"write:error=ENOSPC", "fsync:error=EIO", "renameat:error=EIO", "write:error=EIO", "fsync:error=ENOSPC", "rename,renameat,renameat2:error=ENOSPC"}
	injected, failed, least := map[string]int{}, 0, chances(*faults)
	for i, total := 0, 0; total < least && i < 10*least; i++ {
		c, dir, call := commands[rng.IntN(2)], t.TempDir(), calls[i%len(calls)]
		want, _ := reference(t, binary, c)
		log := filepath.Join(t.TempDir(), "strace")
		names, _, _ := strings.Cut(call, ":")
		cmd := tinyRun(binary, dir, c)
		// Each thread counts its own calls.
		cmd = exec.Command(tracer, append([]string{"-f", "-qq", "-o", log, "-e", "trace=" + names, "-e", fmt.Sprintf("inject=%s:when=%d", call, 1+rng.IntN(25))}, cmd.Args...)...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		err := cmd.Run()
		code := cmd.ProcessState.ExitCode()
		traced, _ := os.ReadFile(log)
		hits := strings.Count(string(traced), "(INJECTED)")
		if hits == 0 {
			if err != nil && strings.Contains(stderr.String(), "ptrace") {
				t.Skip("processes cannot be traced here")
			}
			continue
		}
		injected[names] += hits
		total += hits
		if strings.Contains(stderr.String(), "netpollBreak write failed") {
			// It hit the runtime of Go, which crashes; no program can say more.
			recovers(t, binary, dir, c, want)
			_ = os.RemoveAll(dir)
			continue
		}
		switch code {
		case exitOK, exitDegraded: // what failed was a log line, or had another place
			if result(t, dir, c) != want {
				t.Errorf("%s of %s: exit code %d with another result", call, c, code)
			}
		case exitFailure:
			failed++
			if !strings.HasPrefix(lastLine(stderr.String()), "allocate: ") && names != "write" {
				t.Errorf("%s of %s: no word of it: %s", call, c, stderr.String())
			}
		default:
			t.Errorf("%s of %s: exit code %d\n%s", call, c, code, stderr.String())
		}
		recovers(t, binary, dir, c, want)
		_ = os.RemoveAll(dir)
	}
	t.Logf("injected %v; %d commands failed, each next one was right", injected, failed)
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

// TestChaosStore flips bits in stored files and cuts them short: each damage
// is noticed or harmless, and the result is right.
func TestChaosStore(t *testing.T) {
	binary, rng := buildBinary(t), rand.New(rand.NewPCG(8, 8))
	dir := t.TempDir()
	if out, err := tinyRun(binary, dir, "run").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := result(t, dir, "run")
	noticed, damages := 0, 2*chances(*chaos)
	for i := range damages {
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
		out, err := tinyRun(binary, dir, "run").CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", what, err, out)
		}
		if result(t, dir, "run") != want {
			t.Errorf("%s changed the result", what)
		}
		// What the run did not read stays damaged; clear it for the next round.
		fix := exec.Command(binary, "cache", "verify", "--remove", "--config", "../../allocate.yaml", "--cache", filepath.Join(dir, "cache"))
		if out, err := fix.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	t.Logf("%d of %d damages were noticed by verify", noticed, damages)
	if noticed != damages {
		t.Errorf("%d damages were not noticed", damages-noticed)
	}
}
