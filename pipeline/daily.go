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
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/reports"
	"allocate/returns"
	"allocate/returns/columnar"
	"allocate/scenarios"
)

// Decision is the result of one day's run.
type Decision struct {
	Verdict   string // the decision in a sentence
	Why       string // what its trades are due to; "" where it is not known
	AsOf      returns.Date
	Effective returns.Date
	Horizon   string // of expected return and risk: "21 days", "4 weeks"
	Solution  *optimize.Solution
	Files     []engine.Part
	Findings  []returns.Finding
	Stages    []published.ManifestStage
	Held      *published.Holding // previous weights, drifted; nil on a cold start
	Turnover  float64            // against them

	told     []stageFindings         // findings as the stages made them, gate by gate
	history  engine.ContentID        // digest of what the window knows
	approved bool                    // findings of severity hold do not stop the run
	policy   []returns.NamedSeverity // severities by code
}

// FirstScreen are the sentences that belong beside the weights and the verdict: why they are not
// the best portfolio, and what the objective leaves out.
func (d *Decision) FirstScreen() (sentences []string) {
	if d.Why != "" {
		sentences = append(sentences, d.Why)
	}
	for _, f := range d.Findings {
		if slices.Contains([]string{"optimize.indifference", "optimize.return", "optimize.low_means"}, f.Code) && !strings.Contains(d.Verdict, f.Sentence) {
			sentences = append(sentences, f.Sentence)
		}
	}
	return sentences
}

type day struct {
	panel          *returns.Panel
	asOf           returns.Date
	effective      returns.Date
	anchor         returns.Date // last day of fits that are updated; asOf where none is
	all            []string     // every strategy of the panel
	window         windowOptions
	held           *published.Holding
	approved       bool
	last           *published.Revision         // run before; nil: there is none
	lastPosteriors map[string]engine.ContentID // posteriors of the last published run, by strategy
	metadata       map[string]returns.Strategy // what the metadata says, by strategy; empty without a file
	inputs         []engine.Input              // of the window stage: panel, and metadata, holidays, history or previous if there are
	notes          []returns.Finding           // about what was published before
}

// daily turns a panel into weights as of one day: window, bayes, holdout,
// scenarios, optimize, fan, reports. It sees nothing of the panel after that day.
func (r *runner) daily(ctx context.Context, in day, c *config.Config) (*Decision, error) {
	asked := c
	c = c.For(in.panel.Frequency())
	c.Optimize.Ranges = true
	d := &Decision{Horizon: in.panel.Frequency().Days(c.Scenarios.Horizon), AsOf: in.asOf, Effective: in.effective, Held: in.held, approved: in.approved, policy: c.Gates.Severity}
	if err := in.known(c.Bayes); err != nil {
		return nil, err
	}
	if err := d.gate(r, "window", in.notes); err != nil {
		return nil, err
	}
	f, err := d.forecast(ctx, r, in, c)
	if err != nil {
		return nil, err
	}
	best, err := d.decide(ctx, r, f, in, c)
	if err != nil {
		return nil, err
	}
	var change []returns.Finding
	d.Turnover, change = checkChange(in.held, d.Solution, c.Gates)
	change = append(append(change, checkPrevious(in.held, in.panel, in.asOf, c.Optimize)...), looseLimits(c)...)
	if err := d.gate(r, "optimize", change); err != nil {
		return nil, err
	}
	why, err := d.attribute(ctx, r, f, best, in, asked)
	if err != nil {
		return nil, err
	}
	limits, err := d.limitCosts(ctx, r, f, best)
	if err != nil {
		return nil, err
	}
	paths := c.Scenarios
	paths.Holdout = nil
	fan, err := d.one(ctx, r, c, "fan", fanOptions{paths, cashReturn(c), c.Seed}, false, append(slices.Clone(f.inputs), engine.Input{Name: "scenarios", Content: f.set}, engine.Input{Name: "solution", Content: best.Content})...)
	if err != nil {
		return nil, err
	}
	o := reportOptions{AsOf: in.asOf, Effective: d.Effective, Seed: c.Seed, Bayes: c.Bayes, Scenarios: c.Scenarios, Optimize: c.Optimize, Held: in.before(), Excluded: append(excluded(in.all, f.tree), f.unusable...), Attribution: why, Limits: limits, Change: change, Severity: c.Gates.Severity}
	inputs := append(append(slices.Clone(f.inputs), f.coverages...), engine.Input{Name: "window", Content: f.window}, engine.Input{Name: "scenarios", Content: f.set}, engine.Input{Name: "solution", Content: best.Content}, engine.Input{Name: "fan", Content: fan.Content})
	files, err := d.one(ctx, r, c, "reports", o, false, inputs...)
	if err != nil {
		return nil, err
	}
	tree, err := r.Tree(ctx, files)
	if err != nil {
		return nil, err
	}
	if d.Verdict, d.Why, err = r.verdict(tree); err != nil {
		return nil, err
	}
	advice := slices.DeleteFunc(slices.Clone(tree.Findings), func(f returns.Finding) bool {
		return f.Code != "optimize.return" && f.Code != "optimize.low_means"
	})
	if err := d.gate(r, "reports", advice); err != nil {
		return nil, err
	}
	d.Files, d.history = tree.Parts, f.tree.Beside(published.HistoryFile)
	returns.SortFindings(d.Findings)
	return d, nil
}

// verdict reads the decision in a sentence from summary.json.
func (r *runner) verdict(files engine.Tree) (verdict, why string, err error) {
	for _, part := range files.Parts {
		if part.Name != "summary.json" {
			continue
		}
		var s struct {
			Verdict     string
			Turnover    float64
			Attribution *reports.Attribution
		}
		b, err := r.Store.Get(part.Content)
		if err == nil {
			err = json.Unmarshal(b, &s)
		}
		return s.Verdict, (&reports.Summary{Turnover: s.Turnover, Attribution: s.Attribution}).Why(), err
	}
	return "", "", nil
}

type forecast struct {
	window    engine.ContentID
	tree      engine.Tree
	inputs    []engine.Input // series and posteriors of the strategies that can be used
	coverages []engine.Input
	unusable  []string
	set       engine.ContentID
	made      engine.Action // that made set
}

// forecast turns a panel into joint scenarios as of one day. The nightly run and
// a backtest go this one way, and decide after it.
func (d *Decision) forecast(ctx context.Context, r *runner, in day, c *config.Config) (*forecast, error) {
	f, err := d.window(ctx, r, in, c)
	if err != nil {
		return nil, err
	}
	return f, d.simulate(ctx, r, f, in, c)
}

// window cuts the panel to what may be known on the day, and judges it.
func (d *Decision) window(ctx context.Context, r *runner, in day, c *config.Config) (*forecast, error) {
	window, err := d.one(ctx, r, c, "window", in.window, false, in.inputs...)
	if err != nil {
		return nil, err
	}
	f := &forecast{window: window.Content}
	if f.tree, err = r.Tree(ctx, window); err != nil {
		return nil, err
	}
	return f, d.gate(r, "window", f.tree.Findings)
}

func (d *Decision) simulate(ctx context.Context, r *runner, f *forecast, in day, c *config.Config) error {
	plan, err := r.planFits(f, in, c)
	if err != nil {
		return err
	}
	fits, results, err := d.fit(ctx, r, plan, c)
	if err != nil {
		return err
	}
	var series []engine.Input
	var trials []engine.Action
	for i, p := range plan {
		series = append(series, engine.Input{Name: "series " + p.name, Content: p.series.Content})
		if !c.Scenarios.HoldsOut() {
			continue
		}
		inputs := append([]engine.Input{p.upTo}, p.evidence...)
		if fits[i].Content != "" { // the fit ended with a result
			inputs = append(inputs, engine.Input{Name: "posterior", Content: fits[i].Content})
		}
		a, err := r.action(c, "holdout", p.name, heldOut(c.Scenarios, p.own), true, inputs...)
		if err != nil {
			return err
		}
		trials = append(trials, a)
	}
	posteriors, found, err := d.refit(ctx, r, results, in.lastPosteriors)
	if err != nil {
		return err
	}
	f.inputs, f.unusable = usable(series, posteriors)
	if err := d.gate(r, "bayes", found); err != nil {
		return err
	}
	if len(f.unusable) == len(posteriors) {
		return &published.GateError{Findings: found}
	}
	if f.coverages, err = d.holdout(ctx, r, trials); err != nil {
		return err
	}

	joint := c.Scenarios
	joint.Holdout = nil // the scenarios do not depend on it
	set, err := d.one(ctx, r, c, "scenarios", scenarioOptions{AsOf: in.asOf, Scenarios: joint}, true, f.inputs...)
	if err != nil {
		return err
	}
	f.set, f.made = set.Content, set.Action
	b, err := r.Bytes(ctx, set)
	if err != nil {
		return err
	}
	fs, err := setFindings(b)
	if err != nil {
		return err
	}
	return d.gate(r, "scenarios", fs)
}

func (d *Decision) decide(ctx context.Context, r *runner, f *forecast, in day, c *config.Config) (engine.Result, error) {
	options, err := in.decision(c.Optimize, f.inputs, d.Held)
	if err != nil {
		return engine.Result{}, err
	}
	best, err := d.one(ctx, r, c, "optimize", options, false, engine.Input{Name: "scenarios", Content: f.set})
	if err != nil {
		return engine.Result{}, err
	}
	b, err := r.Bytes(ctx, best)
	if err == nil {
		err = json.Unmarshal(b, &d.Solution)
	}
	if err != nil {
		return engine.Result{}, err
	}
	if d.Solution.Status == optimize.Inaccurate {
		return engine.Result{}, &UncertifiedError{Gap: d.Solution.Certificate.ExactGap, Limit: c.Optimize.MaxGap}
	}
	return best, d.gate(r, "optimize", d.Solution.Findings)
}

// runner is the engine with the stages of a run, and the runs published when
// the command started.
type runner struct {
	*engine.Runner
	list published.List
}

// action plans one execution of a stage.
func (r *runner) action(c *config.Config, stage, unit string, options any, seeded bool, inputs ...engine.Input) (engine.Action, error) {
	o, err := engine.Canonical(options)
	a := engine.Action{Stage: stage, Version: r.Stages[stage].Version, Unit: unit, Options: o, Inputs: inputs, Arch: engine.Arch()}
	if seeded {
		a.Seed = engine.SeedFor(c.Seed, stage, unit)
	}
	return a, err
}

// one does a stage that has a single action.
func (d *Decision) one(ctx context.Context, r *runner, c *config.Config, stage string, options any, seeded bool, inputs ...engine.Input) (engine.Result, error) {
	a, err := r.action(c, stage, "", options, seeded, inputs...)
	if err != nil {
		return engine.Result{}, err
	}
	results, err := d.run(ctx, r, stage, []engine.Action{a})
	if err != nil {
		return engine.Result{}, err
	}
	return results[0], nil
}

// run does the actions of a stage and keeps the account for the manifest.
func (d *Decision) run(ctx context.Context, r *runner, name string, actions []engine.Action) ([]engine.Result, error) {
	began := r.Now()
	results, err := r.Stage(ctx, name, actions)
	if err != nil {
		return nil, err
	}
	d.Stages = append(d.Stages, account(name, r.Stages[name].Version, results, r.Now().Sub(began).Seconds()))
	return results, nil
}

func account(name string, version int, results []engine.Result, seconds float64) published.ManifestStage {
	s := published.ManifestStage{Name: name, Version: version, Seconds: seconds, PeakMiB: peakMiB()}
	for _, res := range results {
		if res.Hit {
			s.FromStore++
		} else {
			s.Made++
		}
		s.Actions = append(s.Actions, published.ManifestAction{Unit: res.Action.Unit, Action: res.Action.ID(), Content: res.Content, Seconds: res.Elapsed.Seconds()})
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

// stageFindings are the findings of one gate, before any policy has rated them.
type stageFindings struct {
	Stage    string            `json:"stage"`
	Findings []returns.Finding `json:"findings"`
}

// gate tells of findings and stops the run at one that forbids to publish.
func (d *Decision) gate(r *runner, stage string, findings []returns.Finding) error {
	d.told = append(d.told, stageFindings{stage, slices.Clone(findings)})
	findings = returns.Rate(findings, d.policy)
	for i := range findings {
		r.Sink.Event(engine.Event{Kind: engine.Found, Stage: stage, Finding: &findings[i]})
	}
	d.Findings = append(d.Findings, findings...)
	if worst := returns.Worst(findings); worst == returns.Fail || worst == returns.Hold && !d.approved {
		return &published.GateError{Findings: findings}
	}
	return nil
}

// emitFindings tells of findings that stop nothing.
func emitFindings(r *runner, findings []returns.Finding) {
	for i := range findings {
		r.Sink.Event(engine.Event{Kind: engine.Found, Stage: "reports", Finding: &findings[i]})
	}
}

// addFindings tells of findings that stop nothing any more.
func (d *Decision) addFindings(r *runner, findings []returns.Finding) []returns.Finding {
	findings = returns.Rate(findings, d.policy)
	emitFindings(r, findings)
	d.Findings = append(d.Findings, findings...)
	return findings
}

// Degraded reports a warning whose code begins with one of the prefixes.
func (d *Decision) Degraded(prefixes []string) bool {
	return slices.ContainsFunc(d.Findings, func(f returns.Finding) bool {
		return f.Severity >= returns.Warn && slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(f.Code, p) })
	})
}

func excluded(all []string, used engine.Tree) []string {
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
