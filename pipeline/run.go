package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"allocate/config"
	"allocate/reports"
	"allocate/returns"
)

// Outcome is what a nightly run did.
type Outcome struct {
	Dir      string // folder of the published revision
	Fresh    bool   // false: the same files had been published before
	Degraded bool   // published, but something should be looked at
	Decision *Decision
	DryRun   bool // nothing was published
}

// Manner is how a run goes about its work; it changes no result.
type Manner struct {
	KeepGoing bool   // sample the other strategies when one fails; the run still fails
	NoCache   bool   // make every result again
	From      string // make the results of this stage and those after it again
	Approve   bool   // publish although a finding of severity hold asks for approval
	DryRun    bool   // compute everything, publish nothing

	Overrides []string // keys of the configuration file that --set changes; they are published as a finding
}

// fresh lists the stages whose stored results the manner passes over.
func (m Manner) fresh() (map[string]bool, error) {
	names := StageNames()
	at := len(names)
	if m.From != "" {
		if at = slices.Index(names, m.From); at < 0 {
			return nil, &config.Error{Err: fmt.Errorf("--from: no stage %q; there are %s", m.From, strings.Join(names, ", "))}
		}
	}
	if m.NoCache {
		at = 0
	}
	fresh := map[string]bool{}
	for _, name := range names[at:] {
		fresh[name] = true
	}
	return fresh, nil
}

// Run is the nightly run: read, decide, publish. Nothing is published unless
// everything succeeded. now is the clock: it says which session should be
// there, and when things happened in run.json.
//
// A run that is refused or held leaves its findings in <out>/refused.json, which
// the next published run removes.
func Run(ctx context.Context, c *config.Config, how Manner, sink Sink, now func() time.Time) (done *Outcome, err error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	started := now()
	files, err := gather(c)
	if err != nil {
		return nil, err
	}
	if !how.DryRun {
		release, err := lock(c.Out)
		if err != nil {
			return nil, err
		}
		defer release()
		clearStaging(c.Out)
	}
	r, err := newRunner(c, files, sink, now)
	if err != nil {
		return nil, err
	}
	atWork, err := r.Store.Lease(started)
	if err != nil {
		return nil, err
	}
	defer atWork()
	m := &Manifest{Started: started, Seed: c.Seed, Versions: versions(), Inputs: files.manifest(), Config: c}
	defer func() {
		if how.DryRun {
			return
		}
		noteRefusal(c.Out, m, err, now)
		if failed := writeIndex(c.Out); err == nil {
			err = failed
		}
	}()
	r.KeepGoing = how.KeepGoing
	if r.Fresh, err = how.fresh(); err != nil {
		return nil, err
	}
	in, read, err := r.prepare(ctx, c, files, !how.DryRun)
	if err != nil {
		return nil, err
	}
	m.AsOf, m.Effective = in.asOf, in.effective
	in.approved = how.Approve
	if len(how.Overrides) > 0 {
		in.notes = append(in.notes, returns.Finding{
			// Information: it was asked for; but what was published is not what the
			// configuration says, and whoever compares nights should see it.
			Code: "run.override", Severity: returns.Info,
			Sentence: fmt.Sprintf("--set changed the configuration for this run: %s.", strings.Join(how.Overrides, ", ")),
		})
	}
	d, err := r.daily(ctx, in, c)
	if err != nil {
		return nil, err
	}
	outcome := "published"
	switch {
	case returns.Worst(d.Findings) == returns.Hold:
		outcome = "published, approved"
	case d.Degraded(c.Gates.Degraded):
		outcome = "published, degraded"
	}
	m.Outcome, m.Finished = outcome, now()
	m.Stages, m.Files, m.Findings = append([]ManifestStage{read}, d.Stages...), d.Files, d.Findings
	m.History, m.policy, m.approved = d.history, c.Gates.Severity, how.Approve
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if how.DryRun {
		return &Outcome{Degraded: d.Degraded(c.Gates.Degraded), Decision: d, DryRun: true}, nil
	}
	dir, fresh, err := publish(c.Out, m, r.Store, func(fs []returns.Finding) { d.note(r, fs) })
	if err != nil {
		return nil, err
	}
	if err := retain(c.Out, c.Gates.KeepDays); err != nil {
		return nil, err
	}
	if c.CacheMax > 0 {
		if _, _, err := Trim(c, r.Store, now(), time.Time{}, int64(c.CacheMax)<<20); err != nil {
			return nil, err
		}
	}
	return &Outcome{Dir: dir, Fresh: fresh, Degraded: d.Degraded(c.Gates.Degraded), Decision: d}, nil
}

// noteRefusal records a decision not to publish, or clears the record of an
// earlier one.
func noteRefusal(out string, m *Manifest, err error, now func() time.Time) {
	path := filepath.Join(out, "refused.json")
	var gate *GateError
	var infeasible *InfeasibleError
	var undefined *UndefinedError
	var uncertified *UncertifiedError
	switch {
	case err == nil:
		_ = os.Remove(path) // it is seldom there
		return
	case errors.As(err, &gate):
		m.Findings, m.Outcome = gate.Findings, "refused"
		if returns.Worst(gate.Findings) == returns.Hold {
			m.Outcome = "held"
		}
	case errors.As(err, &infeasible), errors.As(err, &undefined), errors.As(err, &uncertified):
		m.Outcome = "refused: " + err.Error()
	default:
		return
	}
	m.Finished = now()
	var b bytes.Buffer
	if err := reports.WriteJSON(&b, "  ", m); err == nil {
		_ = renameio.WriteFile(path, b.Bytes(), 0o644, renameio.WithTempDir(out)) // the exit code and the log say it too
	}
}

// Checked is what a check of the data found.
type Checked struct {
	AsOf       returns.Date      `json:"as_of"`
	First      returns.Date      `json:"first"`
	Last       returns.Date      `json:"last"`
	Days       int               `json:"days"`       // rows
	Frequency  returns.Frequency `json:"frequency"`  // found in the dates, or stated
	Strategies int               `json:"strategies"` // in the data
	Used       int               `json:"used"`       // that a run would model
	Findings   []returns.Finding `json:"findings"`
}

// Check does what Run does up to the gates on the data, and publishes nothing.
// The error of a gate that would refuse is returned beside the result.
func Check(ctx context.Context, c *config.Config, sink Sink, now func() time.Time) (*Checked, error) {
	p, in, r, err := loadPanel(ctx, c, sink, now)
	if err != nil {
		return nil, err
	}
	d := &Decision{policy: c.Gates.Severity}
	o, err := canonical(in.window)
	if err != nil {
		return nil, err
	}
	a := Action{Stage: "window", Version: r.Stages["window"].Version, Options: o, Inputs: in.inputs, Arch: arch()}
	results, err := d.run(ctx, r, "window", []Action{a})
	if err != nil {
		return nil, err
	}
	tree, err := decodeTree(results[0].Bytes)
	if err != nil {
		return nil, err
	}
	found := returns.Rate(append(slices.Clone(in.notes), tree.Findings...), c.Gates.Severity)
	checked := &Checked{AsOf: in.asOf, First: p.First(), Last: p.Last(), Days: p.Days(), Frequency: p.Frequency(), Strategies: p.Len(), Used: len(tree.Parts), Findings: found}
	if returns.Worst(found) >= returns.Hold {
		return checked, &GateError{Findings: found}
	}
	return checked, nil
}

// Panel reads the data as Run does, and returns all of it.
func Panel(ctx context.Context, c *config.Config, sink Sink, now func() time.Time) (*returns.Panel, error) {
	files, r, err := open(c, sink, now)
	if err != nil {
		return nil, err
	}
	in, _, _, err := r.readPanel(ctx, c, files)
	return in.panel, err
}

// loadPanel makes a night ready without publishing anything.
func loadPanel(ctx context.Context, c *config.Config, sink Sink, now func() time.Time) (*returns.Panel, day, *Runner, error) {
	files, r, err := open(c, sink, now)
	if err != nil {
		return nil, day{}, nil, err
	}
	in, _, err := r.prepare(ctx, c, files, false)
	return in.panel, in, r, err
}

// open validates a configuration, and finds its files and its cache.
func open(c *config.Config, sink Sink, now func() time.Time) (*sourceFiles, *Runner, error) {
	if err := c.Validate(); err != nil {
		return nil, nil, err
	}
	files, err := gather(c)
	if err != nil {
		return nil, nil, err
	}
	r, err := newRunner(c, files, sink, now)
	return files, r, err
}
