package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"allocate/cmd/command/terminal"
	"allocate/config"
	"allocate/pipeline"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/pipeline/store"
	"allocate/reports"
	"allocate/returns"
)

// Diagnosis is the result of one check of the doctor.
type Diagnosis struct {
	Check  string `json:"check"`
	Status string `json:"status"` // ok, warn or fail
	Text   string `json:"text"`
	err    error  // whose exit code a run would have
}

// examination is a doctor at work.
type examination struct {
	list []Diagnosis
	now  func() time.Time
}

func (x *examination) ok(check, format string, args ...any) {
	x.list = append(x.list, Diagnosis{Check: check, Status: "ok", Text: fmt.Sprintf(format, args...)})
}

func (x *examination) warn(check, format string, args ...any) {
	x.list = append(x.list, Diagnosis{Check: check, Status: "warn", Text: fmt.Sprintf(format, args...)})
}

func (x *examination) fail(check string, err error) {
	x.list = append(x.list, Diagnosis{Check: check, Status: "fail", Text: err.Error(), err: err})
}

// unfit is the error of a doctor whose patient cannot work: its exit code is that of its cause.
type unfit struct{ err error }

func (e *unfit) Error() string { return "a run would fail now; see the checks above" }
func (e *unfit) Unwrap() error { return e.err }

func newDoctor(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check whether the next run can work",
		Example: `  allocate doctor
  allocate doctor --config /etc/allocate/allocate.yaml --json`,
		Long: `Checks the configuration, the data and their findings, the output folder and its
lock, the cache, free disk space, permissions, clock and calendar, and the last runs.
Publishes nothing. The exit code is the one that a run would end with for the first
check that fails; 0 if the next run can work.

` + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			x := &examination{now: time.Now}
			c, origins, err := g.load(cmd)
			if err != nil {
				x.fail("configuration", err)
			} else {
				x.configuration(c, origins)
				x.output(c)
				x.cache(cmd.Context(), c)
				x.clock(c)
				x.data(cmd.Context(), c)
				x.lastRuns(c)
			}
			if asJSON {
				err = reports.WriteJSON(g.json, "  ", map[string]any{"version": published.Version(), "checks": x.list})
			} else {
				err = printDiagnoses(g.screen, x.list)
			}
			for _, d := range x.list {
				if d.Status == "fail" {
					return errors.Join(err, &unfit{d.err})
				}
			}
			return err
		},
	}
	g.addConfigFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return cmd
}

func printDiagnoses(w *terminal.Screen, list []Diagnosis) error {
	table := &terminal.Table{Columns: []terminal.Column{{}, {}, {Prose: true}}}
	styles := map[string]terminal.Style{"ok": terminal.Good, "warn": terminal.Warning, "fail": terminal.Bad}
	for _, d := range list {
		for i, line := range strings.Split(strings.TrimSpace(d.Text), "\n") {
			if i > 0 {
				table.Add("", "", strings.TrimSpace(line))
				continue
			}
			table.Add(terminal.Span{Style: styles[d.Status], Text: d.Status}, d.Check, line)
		}
	}
	return w.Table(table)
}

func (x *examination) configuration(c *config.Config, origins map[string]config.Origin) {
	kinds := map[string]int{}
	file := ""
	for _, o := range origins {
		kinds[o.Kind]++
		if o.Kind == "file" && file == "" {
			file, _, _ = strings.Cut(o.Detail, ":")
		}
	}
	text := returns.Count(kinds["file"], "key") + " of " + file
	if file == "" {
		text = "no file"
	}
	for _, kind := range []string{"environment", "set", "flag"} {
		if kinds[kind] > 0 {
			text += fmt.Sprintf(", %d by %s", kinds[kind], map[string]string{"environment": "environment", "set": "--set", "flag": "flags"}[kind])
		}
	}
	x.ok("configuration", "%s", text)
	x.ok("program", "%s", buildLine())
	for _, n := range c.Notices {
		x.warn("configuration", "%s", n)
	}
	if path := c.Gates.Textfile; path != "" {
		if err := writable(filepath.Dir(path)); err != nil {
			x.fail("metrics", fmt.Errorf("gates.textfile: %w", err))
		} else {
			x.ok("metrics", "%s", path)
		}
	}
}

func (x *examination) output(c *config.Config) {
	if err := writable(c.Out); err != nil {
		x.fail("output", fmt.Errorf("out: %w", err))
		return
	}
	x.ok("output", "%s is writable", c.Out)
	x.disk("output", c.Out)
	switch holder, err := published.Holder(c.Out); {
	case err != nil:
		x.fail("lock", err)
	case holder != "":
		x.fail("lock", &published.LockedError{Path: filepath.Join(c.Out, ".lock"), Holder: holder})
	}
}

func (x *examination) cache(ctx context.Context, c *config.Config) {
	local := c.Cache
	if store.IsS3(c.Cache) {
		if l, err := store.ParseLocation(c.Cache); err == nil {
			local = l.Local
		}
	}
	if err := writable(local); err != nil {
		x.fail("cache", fmt.Errorf("cache: %w", err))
		return
	}
	s, err := pipeline.OpenStore(c.Cache)
	if err != nil {
		x.fail("cache", err)
		return
	}
	if store.IsS3(c.Cache) {
		if _, err := s.Lookup(store.Sum([]byte("doctor"))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			x.fail("cache", err)
			return
		}
		x.ok("cache", "%s answers", c.Cache)
	} else if usage, err := engine.Usage(s); err != nil {
		x.fail("cache", err)
		return
	} else {
		total := int64(0)
		for _, u := range usage {
			total += u.Bytes
		}
		limit := "no limit (cache_max)"
		if c.CacheMax > 0 {
			limit = "at most " + size(int64(c.CacheMax)<<20) + " (cache_max)"
		}
		x.ok("cache", "%s: %s, %s", c.Cache, size(total), limit)
	}
	x.disk("cache", local)
}

// Free space below which a run may fail, and below which somebody should look.
const (
	leastFree = 100 << 20
	soonFull  = 2 << 30
)

func (x *examination) disk(check, dir string) {
	for ; ; dir = filepath.Dir(dir) {
		var st syscall.Statfs_t
		err := syscall.Statfs(dir, &st)
		if errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) != dir {
			continue
		}
		if err != nil {
			x.warn(check, "free space of %s is unknown: %v", dir, err)
			return
		}
		free := int64(st.Bavail) * int64(st.Bsize)
		switch {
		case free < leastFree:
			x.fail(check, fmt.Errorf("%s has %s free, expected at least %s; delete files there (allocate cache trim), or set %s to another disk", dir, size(free), size(leastFree), map[string]string{"output": "out", "cache": "cache"}[check]))
		case free < soonFull:
			x.warn(check, "%s free on the disk of %s", size(free), dir)
		default:
			x.ok(check, "%s free", size(free))
		}
		return
	}
}

// writable reports whether files can be made in a folder, or in the nearest one above it that
// exists.
func writable(dir string) error {
	for {
		info, err := os.Stat(dir)
		if errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) != dir {
			dir = filepath.Dir(dir)
			continue
		}
		if err == nil && !info.IsDir() {
			return fmt.Errorf("%s is a file; expected a folder", dir)
		}
		f, err := os.CreateTemp(dir, ".allocate-doctor-")
		if err != nil {
			account := fmt.Sprintf("user %d", os.Getuid())
			return fmt.Errorf("%s is not writable by %s; change its owner or mode, or set another folder", dir, account)
		}
		return errors.Join(f.Close(), os.Remove(f.Name()))
	}
}

func (x *examination) clock(c *config.Config) {
	now := x.now()
	list := published.NewList(c.Out)
	if len(list) > 0 {
		if m, err := published.ReadManifest(list.Newest()); err == nil && m.Finished.After(now.Add(time.Minute)) {
			x.warn("clock", "it is %s, before the last run ended (%s); set the clock", now.Format(time.RFC3339), m.Finished.Format(time.RFC3339))
			return
		}
	}
	x.ok("clock", "%s", now.Format("2006-01-02 15:04 MST"))
}

func (x *examination) data(ctx context.Context, c *config.Config) {
	c.Workers = max(c.Workers, runtime.GOMAXPROCS(0))
	checked, err := pipeline.Check(ctx, c, engine.Tee{}, x.now)
	if checked == nil {
		x.fail("data", err)
		return
	}
	sessions, calendarErr := c.Returns.Sessions(checked.Frequency, "", nil)
	if calendarErr == nil && c.Returns.Calendar != "file" {
		due := sessions.Due(returns.DateOf(x.now()))
		x.ok("calendar", "%s, last session %v, next %v", sessions.Name(), due, sessions.Next(due))
		if c.AsOf != "" && checked.AsOf < due {
			x.warn("calendar", "as_of is fixed at %v; leave it blank for nightly runs", checked.AsOf)
		}
	}
	if err != nil {
		x.fail("data", err)
		return
	}
	warnings := 0
	for _, f := range returns.Grouped(checked.Findings) {
		if f.Severity == returns.Warn {
			warnings++
		}
	}
	text := fmt.Sprintf("%s of %d in the universe as of %v, %s to %v", returns.Count(checked.Used, "strategy"), checked.Strategies, checked.AsOf, checked.First, checked.Last)
	if warnings > 0 {
		x.warn("data", "%s; %s: allocate check", text, returns.Count(warnings, "warning"))
		return
	}
	x.ok("data", "%s", text)
}

// lastShown is the number of published runs that the doctor examines.
const lastShown = 5

func (x *examination) lastRuns(c *config.Config) {
	list := published.NewList(c.Out)
	if len(list) == 0 {
		x.ok("runs", "none published yet")
	}
	for _, l := range list[max(0, len(list)-lastShown):] {
		v, err := published.Open(l.Dir)
		switch {
		case err != nil:
			x.warn("runs", "%v", err)
		case len(v.Damaged()) > 0:
			x.warn("runs", "%v/r%d: damaged: %s; the next run restores them from the cache", l.Day, l.Number, strings.Join(v.Damaged(), ", "))
		case l.Dir == list.Newest():
			x.ok("runs", "%s published; the last is %v/r%d, %s, on %s", returns.Count(len(list), "date"), l.Day, l.Number, v.Manifest.Outcome, v.Manifest.Finished.Format("2006-01-02 15:04"))
		}
	}
	if m := published.Refusal(c.Out); m != nil {
		x.warn("runs", "the last run was %s (%s, as of %v); %s", m.Outcome, m.Finished.Format("2006-01-02 15:04"), m.AsOf, filepath.Join(c.Out, "refused.json"))
	}
}
