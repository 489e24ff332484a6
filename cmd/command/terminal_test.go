package command

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"allocate/cmd/command/terminal"
)

// tiny makes a run of the sample take less than a second.
func tiny(args ...string) []string {
	for _, set := range []string{"bayes.chains=2", "bayes.draws=100", "bayes.warmup=100", "bayes.min_ess=10", "bayes.max_rhat=2", "bayes.replicates=0", "scenarios.count=300", "scenarios.holdout=0", "backtest.schedule=every", "backtest.every=1", "backtest.start=2022-12-21", "backtest.replicates=0"} {
		args = append(args, "--set", set)
	}
	if testing.Short() {
		args = append(args, "--set", "returns.window=2y", "--set", "optimize.frontier=4")
	}
	return args
}

// ofFour makes a run of the sample one of four strategies, under -short.
func ofFour(args []string) []string {
	if testing.Short() {
		args = append(args, "--set", "returns.strategies=[strategy_01,strategy_02,strategy_05,strategy_07]")
	}
	return args
}

// hostileText erases the screen, sets the window's title, turns the direction
// of text and rings, in C0, C1 and UTF-8.
const hostileText = "x\x1b[2J\x1b]0;t\x07\r\u009b2J\u202ey\x7f"

// TestEscapesControlCharacters runs every command over names, values, keys
// and folders that a terminal would obey.
func TestEscapesControlCharacters(t *testing.T) {
	sample, err := os.ReadFile("../../testdata/panels/sample.csv")
	if err != nil {
		t.Fatal(err)
	}
	base := filepath.Join(t.TempDir(), hostileText)
	if err := os.MkdirAll(base, 0o755); err != nil {
		t.Fatal(err)
	}
	path := func(name string) string { return filepath.Join(base, name) }
	// Of the names only those characters reach the panel that a CSV file may have.
	text := strings.ReplaceAll(string(sample), "strategy_01", "s\u202e00")
	if err := os.WriteFile(path("panel.csv"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path("a.yaml"), []byte("as_of: 2022-12-23\nout: out\nreturns:\n  path: panel.csv\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ALLOCATE_"+strings.ReplaceAll(hostileText, "\x00", ""), "1")
	command := func(codes []int, args ...string) string {
		t.Helper()
		var stdout, stderr bytes.Buffer
		if code := Main(t.Context(), args, &stdout, &stderr); !slices.Contains(codes, code) {
			t.Errorf("%.60q: exit code %d\n%s", args, code, stderr.String())
		}
		for what, text := range map[string]string{"stdout": stdout.String(), "stderr": stderr.String()} {
			if at := strings.IndexFunc(text, terminal.Commanding); at >= 0 {
				t.Errorf("%.60q: %s has %q", args, what, text[max(0, at-40):at+10])
			}
		}
		return stdout.String() + stderr.String()
	}
	if out := command([]int{exitUsage}, "config", "show", "-c", path("a.yaml")); !strings.Contains(out, "unknown environment variable") {
		t.Errorf("the variable: %s", out)
	}
	if err := os.Unsetenv("ALLOCATE_" + hostileText); err != nil {
		t.Fatal(err)
	}
	ok := []int{exitOK, exitDegraded}
	with := func(command string, more ...string) []string {
		return append(tiny(append(strings.Fields(command), "-c", path("a.yaml"), "--cache", path("cache"))...), more...)
	}
	command(ok, with("run --log-format console -v")...)
	command(ok, with("run --log-format json -v --as-of 2022-12-22 --approve")...)
	command(ok, with("run --progress never --json --as-of 2022-12-21 --approve")...)
	for _, c := range []string{"check", "check --json", "check --prior", "check --prior --json", "plan --all", "plan --json", "cache ls", "cache verify", "cache trim", "config show --origin", "backtest", "backtest --json", "report"} {
		if testing.Short() && (c == "check --json" || c == "check --prior --json" || c == "plan --all" || c == "backtest --json") {
			continue
		}
		more := []string(nil)
		if c == "report" {
			more = []string{"-o", path("report")}
		}
		command(ok, with(c, more...)...)
	}
	command(ok, "diff", path("out/2022-12-22/r1"), path("out/2022-12-23/r1"))
	command(ok, "diff", "--json", path("out/2022-12-22/r1"), path("out/2022-12-23/r1"))
	if out := command(ok, with("plan --json")...); !json.Valid([]byte(out)) || !strings.Contains(out, `s\u202e00`) {
		t.Errorf("escapes in JSON are not the name: %.300s", out)
	}
	command(ok, with("retract --why x 2022-12-22/r1")...)
	command(ok, with("export panel", "-o", path("p.csv"))...)
	command(ok, with("export weights", "-o", path("w.csv"))...)
	command(ok, with("export scenarios", "-o", path("s.parquet"))...)
	command(ok, "config", "init", path("b.yaml"))
	command(ok, "simulate", "-o", path("sim.csv"), "--truth", path("truth.json"))
	bad := []int{exitFailure, exitUsage, exitNotReady, exitRefused}
	for _, args := range [][]string{
		{hostileText},
		{"run", "--" + hostileText},
		{"run", hostileText},
		{"run", "-c", hostileText},
		with("run", "--set", hostileText), with("run", "--set", hostileText+"=1"),
		with("run", "--set", "as_of="+hostileText), with("run", "--set", "bayes.model="+hostileText), with("run", "--set", "optimize.bounds=[{name: \"\\e[2J\", max: 0.1}]"),
		with("run", "--set", "returns.path="+hostileText), with("run", "--from", hostileText), with("run", "--progress", hostileText), with("run", "--log-format", hostileText),
		{"diff", hostileText, hostileText},
		with("retract", "--why", "x", hostileText), with("export weights", "--run", hostileText), with("export panel", "--format", hostileText), with("export draws", "--strategy", hostileText),
		{"config", "schema", "--of", hostileText},
	} {
		command(bad, args...)
	}
	// The bytes of a file go through a pipe as they are.
	var stdout bytes.Buffer
	if code := Main(t.Context(), with("export panel --format csv -o -"), &stdout, io.Discard); code != 0 || !strings.Contains(stdout.String(), "s\u202e00") {
		t.Errorf("export: exit code %d, %.200q", code, stdout.String())
	}
}

// TestPublishesWithoutStandardOutput: a full device or a reader that went away
// changes neither what is published nor the exit code.
func TestPublishesWithoutStandardOutput(t *testing.T) {
	binary := buildBinary(t)
	for what, open := range map[string]func() (*os.File, error){
		"/dev/full": func() (*os.File, error) { return os.OpenFile("/dev/full", os.O_WRONLY, 0) },
		"a closed pipe": func() (*os.File, error) {
			r, w, err := os.Pipe()
			if err == nil {
				err = r.Close()
			}
			return w, err
		},
	} {
		if testing.Short() && what == "/dev/full" {
			continue
		}
		dir := t.TempDir()
		for _, command := range []string{"run", "run --json --as-of 2022-12-22 --approve", "backtest", "backtest --json", "retract --why x 2022-12-22/r1"} {
			out, err := open()
			if err != nil {
				t.Skip(err)
			}
			var stderr bytes.Buffer
			cmd := exec.Command(binary, append(ofFour(tiny(strings.Fields(command)...)), "-c", "../../allocate.yaml", "--out", filepath.Join(dir, "out"), "--cache", filepath.Join(dir, "cache"))...)
			cmd.Stdout, cmd.Stderr = out, &stderr
			err = cmd.Run()
			_ = out.Close()
			if code := cmd.ProcessState.ExitCode(); err != nil && code != exitDegraded {
				t.Errorf("%s to %s: %v\n%s", command, what, err, stderr.String())
			}
			if !strings.Contains(stderr.String(), "allocate: standard output: ") {
				t.Errorf("%s to %s: no word of it: %s", command, what, stderr.String())
			}
		}
		for _, name := range []string{"2022-12-23/r1/weights.csv", "2022-12-22/r1/weights.csv", "backtest/2022-12-23/r1/backtest.json"} {
			if info, err := os.Stat(filepath.Join(dir, "out", name)); err != nil || info.Size() == 0 {
				t.Errorf("%s: %s is not published: %v", what, name, err)
			}
		}
	}
}

// TestLockOfAnotherAccount: a lock that this account may not open is exit 11.
func TestLockOfAnotherAccount(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable() // which is the command, too, under its name
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "allocate")
	if err := os.WriteFile(binary, program, 0o755); err != nil {
		t.Fatal(err)
	}
	lock := filepath.Join(dir, "out", ".lock")
	if err := os.MkdirAll(filepath.Dir(lock), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(lock, []byte("process 1 on elsewhere\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	panel, err := os.ReadFile("../../testdata/panels/sample.csv")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "panel.csv"), panel, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, tiny("run", "--set", "returns.path=panel.csv", "--as-of", "2022-12-23", "--out", "out", "--cache", "cache")...)
	cmd.Dir = dir
	if os.Getuid() == 0 { // whom no permission stops
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		for _, d := range []string{dir, filepath.Join(dir, "out")} {
			for ; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
				if err := os.Chmod(d, 0o777); err != nil {
					t.Fatal(err)
				}
			}
		}
	} else if err := os.Chmod(lock, 0); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Skip(err)
	}
	if code := cmd.ProcessState.ExitCode(); code != exitLocked || !strings.Contains(string(out), "another account") {
		t.Errorf("exit code %d: %s", code, out)
	}
}
