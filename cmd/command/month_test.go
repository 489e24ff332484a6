package command

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"allocate/cmd/command/ops"
)

// TestMonthOfNights runs a month by the command line of the systemd unit, and answers what happens
// by the commands of the runbook: a late file, a restatement that is approved, a revision that is
// retracted and published anew, damage that is restored. The date is that of the environment. The
// output folder stays within gates.keep_days, the cache within cache_max.
func TestMonthOfNights(t *testing.T) {
	f, err := os.Open("../../testdata/panels/sample.csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(f).ReadAll()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "etc", "allocate.yaml")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`out: %[1]s/lib
cache: %[1]s/cache
cache_max: 40
returns: {path: %[1]s/returns.csv}
bayes: {chains: 2, draws: 200, warmup: 200, min_ess: 20, max_rhat: 1.5, replicates: 0}
scenarios: {count: 500, holdout: 0}
optimize: {frontier: 0}
gates: {keep_days: 15, textfile: %[1]s/metrics/allocate.prom, max_change: 1, max_turnover: 1}
`, dir)
	if err := os.MkdirAll(filepath.Join(dir, "metrics"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	s := settings()
	s.Config, s.Out, s.Cache = file, filepath.Join(dir, "lib"), filepath.Join(dir, "cache")
	files, err := ops.Files(s)
	if err != nil {
		t.Fatal(err)
	}
	of := func(name string) string {
		at := slices.IndexFunc(files, func(f ops.File) bool { return f.Name == name })
		return string(files[at].Data)
	}
	_, nightly, _ := strings.Cut(of("allocate.service"), "ExecStart="+s.Binary+" ")
	nightly, _, _ = strings.Cut(nightly, "\n")
	var log string
	run := func(want int, line string) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		if code := Main(t.Context(), strings.Fields(line), &stdout, &stderr); code != want {
			t.Errorf("%s: allocate %s: exit code %d, want %d\n%s", os.Getenv("ALLOCATE_AS_OF"), line, code, want, stderr.String())
		}
		log = stdout.String() + stderr.String()
	}
	// runbook runs a command of the runbook, which must have it as it is.
	runbook := func(want int, line string) {
		t.Helper()
		if !strings.Contains(of("RUNBOOK.md"), s.Binary+" "+line+"\n") {
			t.Errorf("the runbook has no %s", line)
		}
		run(want, line)
	}
	config := " --config " + file
	published := func(date string, revision int) string {
		return filepath.Join(dir, "lib", date, "r"+strconv.Itoa(revision), "weights.csv")
	}
	nights := 21
	if testing.Short() {
		nights = 8
	}
	last := len(rows) - 1
	for _, row := range rows[last-nights:] { // no strategy is late but where the story says so
		for j := range row {
			if row[j] == "" {
				row[j] = "0.001"
			}
		}
	}
	var date string
	write := func(n int) { // the file of a night: n rows
		var b bytes.Buffer
		if err := csv.NewWriter(&b).WriteAll(rows[:n+1]); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "returns.csv"), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for night := range nights {
		n := last - nights + night + 1
		date = rows[n][0]
		t.Setenv("ALLOCATE_AS_OF", date)
		switch night {
		case 2: // the file is late: retried by the scheduler
			write(n - 1)
			run(exitNotReady, nightly)
			runbook(exitNotReady, "doctor"+config)
			write(n)
			run(exitOK, nightly)
		case 4: // a return of the past is another one: held, looked at, approved
			rows[last-200][3] = "0.0123"
			write(n)
			run(exitHeld, nightly)
			runbook(exitHeld, "check"+config)
			if !strings.Contains(log, "data.restated") {
				t.Errorf("the check does not say why: %s", log)
			}
			runbook(exitOK, "run"+config+" --dry-run --approve")
			if _, err := os.Stat(published(date, 1)); err == nil {
				t.Error("a dry run published")
			}
			runbook(exitOK, "run"+config+" --approve")
		case 5: // wrong data were published: retracted, corrected, the next revision
			right := rows[n][3]
			rows[n][3] = "-0.02"
			write(n)
			run(exitOK, nightly)
			run(exitOK, "retract "+date+"/r1 --why stale"+config)
			rows[n][3] = right
			write(n)
			run(exitOK, nightly)
			if _, err := os.Stat(published(date, 2)); err != nil {
				t.Error(err)
			}
			runbook(exitOK, "list"+config+" --all")
			if !strings.Contains(log, "retracted: stale") {
				t.Errorf("list --all: %s", log)
			}
		case 6: // the last weights are damaged on the disk: restored by the next night
			if err := os.WriteFile(published(rows[n-1][0], 2), []byte("x"), 0o644); err != nil {
				t.Fatal(err)
			}
			write(n)
			run(exitOK, nightly)
			if !strings.Contains(log, "run.restored") {
				t.Errorf("the restored file is not mentioned: %s", log)
			}
		case 7: // after an upgrade, or whenever results are suspected: the same weights
			write(n)
			run(exitOK, nightly)
			before, err := os.ReadFile(published(date, 1))
			if err != nil {
				t.Fatal(err)
			}
			runbook(exitOK, "cache verify"+config)
			runbook(exitOK, "run"+config+" --no-cache")
			if after, err := os.ReadFile(published(date, 1)); err != nil || !bytes.Equal(before, after) {
				t.Errorf("another result without the cache: %v", err)
			}
			runbook(exitOK, "plan"+config)
		default:
			write(n)
			run(exitOK, nightly)
		}
	}
	runbook(exitOK, "show"+config)
	runbook(exitOK, "cache ls"+config)
	runbook(exitOK, "doctor"+config)
	dates, err := filepath.Glob(filepath.Join(dir, "lib", "20*"))
	if err != nil || len(dates) != min(15, nights) {
		t.Errorf("%d dates are kept, %v", len(dates), err)
	}
	size := func(dir string) (total int64) {
		_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
			if info, e := d.Info(); err == nil && e == nil && info.Mode().IsRegular() {
				total += info.Size()
			}
			return err
		})
		return total
	}
	out, cache := size(filepath.Join(dir, "lib")), size(filepath.Join(dir, "cache"))
	t.Logf("%d nights: %.1f MiB published (%.2f a night), %.1f MiB of cache", nights, float64(out)/(1<<20), float64(out)/(1<<20)/float64(len(dates)), float64(cache)/(1<<20))
	if cache > 45<<20 {
		t.Errorf("the cache has %d bytes", cache)
	}
	metrics, err := os.ReadFile(filepath.Join(dir, "metrics", "allocate.prom"))
	if err != nil || !strings.Contains(string(metrics), `allocate_exit_code{portfolio="allocate"} 0`) || !strings.Contains(string(metrics), `allocate_weight{portfolio="allocate",strategy="strategy_07"} 0.`) {
		t.Errorf("%v\n%s", err, metrics)
	}
}
