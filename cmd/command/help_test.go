package command

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"

	"allocate/cmd/command/ops"
	"allocate/reports"
)

// everyCommand calls f for every command that users see.
func everyCommand(f func(c *cobra.Command)) {
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Hidden {
			return
		}
		f(c)
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRoot(io.Discard, io.Discard))
}

// Every command has a sentence and examples, in lines that fit 80 columns; every example is a
// command of this program, with flags that it shows.
func TestHelp(t *testing.T) {
	everyCommand(func(c *cobra.Command) {
		if c.Short == "" || strings.HasSuffix(c.Short, ".") || c.Example == "" {
			t.Errorf("%s: %q, examples %q", c.CommandPath(), c.Short, c.Example)
		}
		for line := range strings.Lines(c.Long + "\n" + c.Example) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 81 && !strings.Contains(line, "allocate ops write deploy") {
				t.Errorf("%s: a line of %d: %s", c.CommandPath(), n, line)
			}
		}
		checkCommands(t, c.CommandPath(), c.Example)
	})
}

// checkCommands reports the command lines of a text that this program does not accept as written:
// unknown commands, unknown or hidden flags, and wrong numbers of arguments.
func checkCommands(t *testing.T, where, text string) (found int) {
	t.Helper()
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), " > ")
		line, _, _ = strings.Cut(line, " | ")
		words := strings.Fields(strings.NewReplacer(`"stale prices"`, "stale", `"prices of one provider were stale"`, "stale", `"$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT"`, "0/4").Replace(line))
		if len(words) == 0 || words[0] != "allocate" && words[0] != "/usr/local/bin/allocate" || len(words) > 1 && strings.HasPrefix(words[1], "--version") {
			continue
		}
		found++
		cmd, rest, err := newRoot(io.Discard, io.Discard).Find(words[1:])
		if err != nil {
			t.Errorf("%s: %s: %v", where, line, err)
			continue
		}
		if err := cmd.ParseFlags(rest); err != nil {
			t.Errorf("%s: %s: %v", where, line, err)
			continue
		}
		cmd.Flags().Visit(func(f *pflag.Flag) {
			if f.Hidden {
				t.Errorf("%s: %s: --%s is hidden", where, line, f.Name)
			}
		})
		if cmd.Args != nil && cmd.Name() != "help" {
			if err := cmd.Args(cmd, cmd.Flags().Args()); err != nil {
				t.Errorf("%s: %s: %v", where, line, err)
			}
		}
	}
	return found
}

// A flag that a command does not use is accepted, as by earlier versions, and not shown.
func TestUnusedFlagsAreHidden(t *testing.T) {
	root := newRoot(io.Discard, io.Discard)
	for command, hidden := range map[string]string{"retract": "as-of cache seed workers", "list": "as-of cache", "cache ls": "as-of out", "run": "seed workers"} {
		c, _, err := root.Find(strings.Fields(command))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range strings.Fields(hidden) {
			if f := c.Flags().Lookup(name); f == nil || !f.Hidden {
				t.Errorf("%s: --%s is shown, or refused", command, name)
			}
		}
		if f := c.Flags().Lookup("config"); f.Hidden {
			t.Errorf("%s: --config is hidden", command)
		}
	}
}

// settings are those of a configuration below /etc.
func settings() ops.Settings {
	return ops.Settings{Binary: "/usr/local/bin/allocate", Config: "/etc/allocate/allocate.yaml", Out: "/var/lib/allocate", Cache: "/var/cache/allocate", Textfile: "/var/lib/node_exporter/allocate.prom", User: "allocate", Image: "allocate:v1", Version: "v1", Name: "allocate", Hour: 2}
}

// The commands of the runbook, of the units and of the container are those of this program; alerts
// are about metrics that are written; YAML is YAML.
func TestOps(t *testing.T) {
	files, err := ops.Files(settings())
	if err != nil {
		t.Fatal(err)
	}
	text := map[string]string{}
	for _, f := range files {
		text[f.Name] = string(f.Data)
		if strings.Contains(text[f.Name], "<no value>") || strings.Contains(text[f.Name], "{{ .") {
			t.Errorf("%s: a value is missing", f.Name)
		}
		if strings.HasSuffix(f.Name, ".yaml") {
			for i, document := range strings.Split(text[f.Name], "\n---\n") {
				v := viper.New()
				v.SetConfigType("yaml")
				if err := v.ReadConfig(strings.NewReader(document)); err != nil {
					t.Errorf("%s, document %d: %v", f.Name, i, err)
				}
			}
		}
	}
	if n := checkCommands(t, "RUNBOOK.md", text["RUNBOOK.md"]); n < 12 {
		t.Errorf("the runbook has %d commands", n)
	}
	for _, line := range strings.Split(text["allocate.service"], "\n") {
		if command, ok := strings.CutPrefix(line, "ExecStart="); ok && checkCommands(t, "allocate.service", command) != 1 {
			t.Errorf("allocate.service: %s", line)
		}
	}
	for _, want := range []string{"StateDirectory=allocate\n", "CacheDirectory=allocate\n", "ReadWritePaths=/var/lib/node_exporter\n", "ProtectHome=yes", "User=allocate"} {
		if !strings.Contains(text["allocate.service"], want) {
			t.Errorf("allocate.service has no %q", want)
		}
	}
	if !strings.Contains(text["allocate.timer"], "OnCalendar=Tue..Sat 02:00\n") || !strings.Contains(text["allocate.cron"], "\n0 2 * * 2-6 allocate ") {
		t.Error("timer or cron has another time")
	}
	written := string(reports.Textfile(reports.Metrics{LastSuccess: 1, Outcome: "held", Codes: []reports.FindingCount{{Code: "a", Severity: "hold", Count: 1}}, Weights: map[string]float64{"a": 1}}))
	for _, word := range strings.FieldsFunc(text["prometheus-rules.yaml"], func(r rune) bool { return !(r == '_' || r >= 'a' && r <= 'z') }) {
		if strings.HasPrefix(word, "allocate_") && !strings.Contains(written, "# TYPE "+word+" gauge") {
			t.Errorf("prometheus-rules.yaml: no metric %s is written", word)
		}
	}
}

// Paths with blanks, quotes, percent and dollar signs are one word in every file; what cannot be
// written is refused.
func TestOpsWithOddPaths(t *testing.T) {
	s := settings()
	s.Config, s.Out = "/home/a b/50%/al's $HOME.yaml", "/home/a b/out"
	files, err := ops.Files(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		for name, want := range map[string]string{
			"allocate.service": `--config "/home/a b/50%%/al's $$HOME.yaml"`, "allocate.cron": `--config '/home/a b/50\%/al'\''s $HOME.yaml'`, "RUNBOOK.md": `--config '/home/a b/50%/al'\''s $HOME.yaml'`,
		} {
			if f.Name == name && !bytes.Contains(f.Data, []byte(want)) {
				t.Errorf("%s has no %s:\n%s", name, want, f.Data)
			}
		}
		if f.Name == "allocate.service" && (bytes.Contains(f.Data, []byte("ProtectHome=yes")) || !bytes.Contains(f.Data, []byte(`ReadWritePaths="/home/a b/out"`))) {
			t.Errorf("the unit cannot write below /home:\n%s", f.Data)
		}
	}
	verifyUnits(t, s)
	for what, change := range map[string]func(s *ops.Settings){
		"--user":   func(s *ops.Settings) { s.User = "root; rm" },
		"--name":   func(s *ops.Settings) { s.Name = "../x" },
		"--binary": func(s *ops.Settings) { s.Binary = "allocate" },
		"--config": func(s *ops.Settings) { s.Config = "/etc/a\nExecStart=/bin/sh" },
		"--zone":   func(s *ops.Settings) { s.Zone = "Mars; x" },
		"--image":  func(s *ops.Settings) { s.Image = "a b" },
	} {
		s := settings()
		change(&s)
		if _, err := ops.Files(s); err == nil || !strings.HasPrefix(err.Error(), what+":") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// verifyUnits has systemd read the units, where there is one: it complains of nothing.
func verifyUnits(t *testing.T, s ops.Settings) {
	t.Helper()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("no systemd-analyze: units are not verified")
		return
	}
	dir := t.TempDir()
	if s.Binary, err = os.Executable(); err != nil { // it has to exist
		t.Fatal(err)
	}
	s.User = "root"
	files, err := ops.Files(s)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"verify"}
	for _, f := range files {
		if ext := filepath.Ext(f.Name); ext == ".service" || ext == ".timer" {
			path := filepath.Join(dir, f.Name)
			args = append(args, path)
			if err := os.WriteFile(path, f.Data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	out, err := exec.CommandContext(t.Context(), analyze, args...).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, dir) {
			t.Errorf("systemd: %s", line)
		}
	}
	t.Logf("systemd-analyze verify: %v", err)
}

// The line of cron repeats a run while the input is missing, prints nothing after a success, and
// the last output after a failure, with its exit code.
func TestCronLine(t *testing.T) {
	dir := t.TempDir()
	s := settings()
	s.Binary = filepath.Join(dir, "50% allocate")
	files, err := ops.Files(s)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(files, func(f ops.File) bool { return f.Name == "allocate.cron" })
	lines := strings.Split(strings.TrimSpace(string(files[at].Data)), "\n")
	_, command, _ := strings.Cut(lines[len(lines)-1], " 2-6 allocate ")
	command = strings.NewReplacer(`\%`, "%", "sleep 900", "sleep 0").Replace(command) // as cron unescapes it
	for codes, want := range map[string]struct {
		runs, code int
		output     bool
	}{
		"0": {1, 0, false}, "3": {1, 3, false}, "5 11 0": {3, 0, false}, "8": {1, 8, true}, "5 5 6": {3, 6, true}, strings.Repeat("5 ", 30): {20, 5, true},
	} {
		if want.code == 3 {
			want.code = 0 // published, degraded: nothing to mail
		}
		count := filepath.Join(dir, "count")
		script := "#!/bin/sh\necho run of $*\necho x >> '" + count + "'\nset -- " + codes + "\nn=$(wc -l < '" + count + "')\nshift $((n-1))\nexit $1\n"
		if err := errors.Join(os.WriteFile(s.Binary, []byte(script), 0o755), os.WriteFile(count, nil, 0o644)); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("/bin/sh", "-c", command)
		out, _ := cmd.CombinedOutput()
		runs, err := os.ReadFile(count)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(runs, []byte("x")); n != want.runs || cmd.ProcessState.ExitCode() != want.code || (len(out) > 0) != want.output {
			t.Errorf("codes %.20s: %d runs, exit code %d, output %q", codes, n, cmd.ProcessState.ExitCode(), out)
		}
	}
}
