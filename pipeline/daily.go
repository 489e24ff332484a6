package pipeline

import (
	"context"
	"encoding/json"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"allocate/config"
	"allocate/optimize"
	"allocate/returns"
	"allocate/returns/columnar"
	"allocate/scenarios"
)

// Decision is what one day's run came to.
type Decision struct {
	AsOf      returns.Date
	Effective returns.Date
	Solution  *optimize.Solution
	Files     []Part
	Findings  []returns.Finding
	Stages    []ManifestStage
	Held      *Holding // previous weights, drifted; nil on a cold start
	Turnover  float64  // against them

	approved bool                    // findings of severity hold do not stop the run
	policy   []returns.NamedSeverity // severities by code
}

// day is what a daily run starts from.
type day struct {
	panel     *returns.Panel
	asOf      returns.Date
	effective returns.Date
	all       []string // every strategy of the panel
	window    windowOptions
	held      *Holding
	approved  bool
	good      map[string]ContentID // posteriors of the last published run, by strategy
	inputs    []Input              // of the window stage: panel, and metadata, holidays, previous if there are
}

// daily turns a panel into weights as of one day: window, bayes, holdout,
// scenarios, optimize, reports. It sees nothing of the panel after that day. The nightly
// run and a backtest call this one function.
func (r *Runner) daily(ctx context.Context, in day, c *config.Config) (*Decision, error) {
	asOf := in.asOf
	d := &Decision{AsOf: asOf, Effective: in.effective, Held: in.held, approved: in.approved, policy: c.Gates.Severity}
	step := func(name, unit string, options any, seeded bool, inputs ...Input) (Action, error) {
		o, err := canonical(options)
		a := Action{Stage: name, Version: r.Stages[name].Version, Unit: unit, Options: o, Inputs: inputs, Arch: arch()}
		if seeded {
			a.Seed = seedFor(c.Seed, name, unit)
		}
		return a, err
	}
	one := func(name string, options any, seeded bool, inputs ...Input) (Result, error) {
		a, err := step(name, "", options, seeded, inputs...)
		if err != nil {
			return Result{}, err
		}
		results, err := d.run(ctx, r, name, []Action{a})
		if err != nil {
			return Result{}, err
		}
		return results[0], nil
	}

	window, err := one("window", in.window, false, in.inputs...)
	if err != nil {
		return nil, err
	}
	tree, err := decodeTree(window.Bytes)
	if err != nil {
		return nil, err
	}
	if err := d.gate(r, "window", tree.Findings); err != nil {
		return nil, err
	}

	var fits, trials []Action
	var inputs []Input
	for _, part := range tree.Parts {
		a, err := step("bayes", part.Name, c.Bayes, true, Input{"series", part.Content})
		if err != nil {
			return nil, err
		}
		fits = append(fits, a)
		if c.Scenarios.Holdout > 0 {
			if a, err = step("holdout", part.Name, heldOut(c.Scenarios, c.Bayes), true, Input{"series", part.Content}); err != nil {
				return nil, err
			}
			trials = append(trials, a)
		}
		inputs = append(inputs, Input{"series " + part.Name, part.Content})
	}
	posteriors, err := d.run(ctx, r, "bayes", fits)
	if err != nil {
		return nil, err
	}
	posteriors, found, err := d.rescue(ctx, r, posteriors, in.good)
	if err != nil {
		return nil, err
	}
	inputs, unusable := usable(inputs, posteriors)
	if err := d.gate(r, "bayes", found); err != nil {
		return nil, err
	}
	if len(unusable) == len(posteriors) {
		return nil, &GateError{Findings: found}
	}

	coverages, err := d.holdout(ctx, r, trials)
	if err != nil {
		return nil, err
	}

	joint := c.Scenarios
	joint.Holdout = 0 // the scenarios do not depend on it
	set, err := one("scenarios", scenarioOptions{asOf, joint}, true, inputs...)
	if err != nil {
		return nil, err
	}
	fs, err := setFindings(set.Bytes)
	if err != nil {
		return nil, err
	}
	if err := d.gate(r, "scenarios", fs); err != nil {
		return nil, err
	}

	decision, err := r.decision(c.Optimize, inputs, in.held)
	if err != nil {
		return nil, err
	}
	best, err := one("optimize", decision, false, Input{"scenarios", set.Content})
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(best.Bytes, &d.Solution); err != nil {
		return nil, err
	}
	if d.Solution.Status == optimize.Inaccurate {
		return nil, &UncertifiedError{Gap: d.Solution.Certificate.ExactGap, Limit: c.Optimize.MaxGap}
	}
	if err := d.gate(r, "optimize", d.Solution.Findings); err != nil {
		return nil, err
	}
	var change []returns.Finding
	d.Turnover, change = checkChange(in.held, d.Solution, c.Gates)
	if err := d.gate(r, "optimize", change); err != nil {
		return nil, err
	}

	o := reportOptions{AsOf: asOf, Effective: d.Effective, Seed: c.Seed, Bayes: c.Bayes, Scenarios: c.Scenarios, Optimize: c.Optimize, Left: append(leftOut(in.all, tree), unusable...), Change: change, Severity: c.Gates.Severity}
	inputs = append(append(inputs, coverages...), Input{"window", window.Content}, Input{"scenarios", set.Content}, Input{"solution", best.Content})
	files, err := one("reports", o, false, inputs...)
	if err != nil {
		return nil, err
	}
	published, err := decodeTree(files.Bytes)
	if err != nil {
		return nil, err
	}
	d.Files = published.Parts
	returns.SortFindings(d.Findings)
	return d, nil
}

// run does the actions of a stage and keeps the account for the manifest.
func (d *Decision) run(ctx context.Context, r *Runner, name string, actions []Action) ([]Result, error) {
	began := r.Now()
	results, err := r.Stage(ctx, name, actions)
	if err != nil {
		return nil, err
	}
	d.Stages = append(d.Stages, account(name, r.Stages[name].Version, results, r.Now().Sub(began).Seconds()))
	return results, nil
}

func account(name string, version int, results []Result, seconds float64) ManifestStage {
	s := ManifestStage{Name: name, Version: version, Seconds: seconds, PeakMiB: peakMiB()}
	for _, res := range results {
		if res.Hit {
			s.FromStore++
		} else {
			s.Made++
		}
		s.Actions = append(s.Actions, ManifestAction{Unit: res.Action.Unit, Action: res.Action.ID(), Content: res.Content, Seconds: res.Elapsed.Seconds()})
	}
	return s
}

// peakMiB returns the largest resident memory of the process so far, 0 where
// the system does not say.
func peakMiB() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return float64(u.Maxrss) / (1 << 20) // bytes there, KiB elsewhere
	}
	return float64(u.Maxrss) / (1 << 10)
}

// gate tells of findings and stops the run at one that forbids to publish.
func (d *Decision) gate(r *Runner, stage string, findings []returns.Finding) error {
	findings = returns.Rate(findings, d.policy)
	for i := range findings {
		r.Sink.Event(Event{Kind: Found, Stage: stage, Finding: &findings[i]})
	}
	d.Findings = append(d.Findings, findings...)
	if worst := returns.Worst(findings); worst == returns.Fail || worst == returns.Hold && !d.approved {
		return &GateError{Findings: findings}
	}
	return nil
}

// Degraded reports a warning whose code begins with one of the prefixes.
func (d *Decision) Degraded(prefixes []string) bool {
	return slices.ContainsFunc(d.Findings, func(f returns.Finding) bool {
		return f.Severity >= returns.Warn && slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(f.Code, p) })
	})
}

// leftOut names the strategies of the panel that the run does not use.
func leftOut(all []string, used Tree) []string {
	in := map[string]bool{}
	for _, p := range used.Parts {
		in[p.Name] = true
	}
	out := []string{}
	for _, name := range all {
		if !in[name] {
			out = append(out, name)
		}
	}
	return out
}

func setFindings(b []byte) ([]returns.Finding, error) {
	t, err := columnar.DecodeIPC(b)
	if err != nil {
		return nil, err
	}
	_, fs, err := scenarios.FromTable(t)
	return fs, err
}
