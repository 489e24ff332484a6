package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"allocate/config"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/returns"
)

// Outcome is the result of a nightly run.
type Outcome struct {
	Dir      string // folder of the published revision
	Fresh    bool   // false: the same files had been published before
	Degraded bool   // published, but something should be looked at
	Decision *Decision
	DryRun   bool // nothing was published
}

// RunOptions is how a run goes about its work; it changes no result.
type RunOptions struct {
	KeepGoing bool   // sample the other strategies when one fails; the run still fails
	NoCache   bool   // make every result again
	From      string // make the results of this stage and those after it again
	Approve   bool   // publish although a finding of severity hold asks for approval
	DryRun    bool   // compute everything, publish nothing

	Overrides []string // keys of the configuration file that --set changes; they are published as a finding
}

// fresh lists the stages whose stored results the manner passes over.
func (m RunOptions) fresh() (map[string]bool, error) {
	names := StageNames()
	at := len(names)
	if m.From != "" {
		if at = slices.Index(names, m.From); at < 0 {
			return nil, &config.Error{Err: fmt.Errorf("--from: unknown stage %q; expected one of %s", m.From, strings.Join(names, ", "))}
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
func Run(ctx context.Context, c *config.Config, how RunOptions, sink engine.Sink, now func() time.Time) (done *Outcome, err error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	started := now()
	files, err := fetch(ctx, c)
	if err != nil {
		return nil, err
	}
	if !how.DryRun {
		release, err := published.Lock(c.Out)
		if err != nil {
			return nil, err
		}
		defer release()
		published.ClearStaging(c.Out)
	}
	r, err := newRunner(c, files, sink, now)
	if err != nil {
		return nil, err
	}
	atWork, err := r.atWork(started)
	if err != nil {
		return nil, err
	}
	defer atWork()
	m := &published.Manifest{Started: started, Seed: c.Seed, Versions: published.Versions(), Inputs: files.manifest(), Config: c.Published()}
	defer func() {
		if how.DryRun {
			return
		}
		noteRefusal(c.Out, m, err, now)
		if failed := published.WriteIndex(c.Out); err == nil {
			err = failed
		}
	}()
	if x, ok := r.Executor.(engine.Prioritizer); ok {
		x.Prioritize() // a night has a deadline, a backtest none
	}
	r.KeepGoing = how.KeepGoing
	if r.Fresh, err = how.fresh(); err != nil {
		return nil, err
	}
	if _, elsewhere := r.Executor.(engine.Batcher); elsewhere && len(r.Fresh) > 0 {
		// Workers look results up in the cache, so that nothing is done twice.
		return nil, &config.Error{Err: fmt.Errorf("--no-cache and --from: executor %s uses cached results; run with --engine local or process", c.Executor)}
	}
	in, read, err := r.prepare(ctx, c, files, !how.DryRun)
	if err != nil {
		return nil, err
	}
	m.AsOf, m.Effective = in.asOf, in.effective
	in.approved = how.Approve
	if len(how.Overrides) > 0 {
		in.notes = append(in.notes, returns.Finding{
			// Information: the override was requested, but the published result
			// differs from the configuration file.
			Code: "run.override", Severity: returns.Info,
			Sentence: fmt.Sprintf("--set overrides the configuration file: %s.", strings.Join(how.Overrides, ", ")),
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
	m.Stages, m.Files, m.Findings = append([]published.ManifestStage{read}, d.Stages...), d.Files, d.Findings
	m.History = d.history
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if how.DryRun {
		return &Outcome{Degraded: d.Degraded(c.Gates.Degraded), Decision: d, DryRun: true}, nil
	}
	dir, fresh, err := publish(c.Out, m, r.Store, how.Approve, func(fs []returns.Finding) []returns.Finding { return d.addFindings(r, fs) })
	if err != nil {
		return nil, err
	}
	if err := published.Retain(c.Out, c.Gates.KeepDays); err != nil {
		return nil, err
	}
	if err := trimAfterRun(c, r.Store, now()); err != nil {
		return nil, err
	}
	return &Outcome{Dir: dir, Fresh: fresh, Degraded: d.Degraded(c.Gates.Degraded), Decision: d}, nil
}

// noteRefusal records a decision not to publish, or clears the record of an
// earlier one.
func noteRefusal(out string, m *published.Manifest, err error, now func() time.Time) {
	var gate *published.GateError
	switch {
	case err == nil:
		published.ClearRefusal(out)
		return
	case errors.As(err, &gate):
		m.Findings, m.Outcome = gate.Findings, "refused"
		if returns.Worst(gate.Findings) == returns.Hold {
			m.Outcome = "held"
		}
	case errors.As(err, new(*InfeasibleError)), errors.As(err, new(*UndefinedError)), errors.As(err, new(*UncertifiedError)):
		m.Outcome = "refused: " + err.Error()
	default:
		return
	}
	m.Finished = now()
	published.WriteRefusal(out, m)
}
