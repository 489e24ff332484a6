package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"allocate/bayes"
	"allocate/optimize"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/reports"
	"allocate/returns"
	"allocate/returns/columnar"
	"allocate/scenarios"
)

// Stages returns the stages of a run, by name. workers is the number of
// goroutines that a stage of a single action may use; it changes no result.
//
//	returns    files              -> panel
//	window     panel              -> one series per strategy, up to the as-of date
//	evidence   series             -> weights of return models, one action per strategy with bayes.model auto
//	bayes      series, evidence   -> posterior, one action per strategy; with bayes.refit monthly, of the series up to a month end
//	update     series, posterior, evidence -> posterior of all days, one action per strategy with bayes.refit monthly
//	holdout    series, posterior  -> coverage of days left out of the posterior, one action per strategy
//	scenarios  series, posteriors -> joint scenarios
//	optimize   scenarios          -> solution
//	fan        series, posteriors, scenarios, solution -> quantiles of the weights' paths
//	reports    everything         -> the files to publish
//
// StageNames has them in that order. A backtest has two more:
//
//	baselines  series              -> what other allocators would hold
//	portfolio  scenarios, solution -> what the weights return in every scenario
//
// An evaluation of return models has two beside returns and bayes:
//
//	walkforward  series, posterior, days after -> scores of the forecasts of these days
//	joint        series, posteriors, days after -> scores of a dependence on these days
func Stages(workers int) map[string]engine.Stage {
	stages := map[string]engine.Stage{}
	for _, s := range []engine.Stage{
		{Name: "returns", Version: 3, Run: runReturns},
		{Name: "window", Version: 5, Tree: true, Run: runWindow},
		{Name: "evidence", Version: 1, Run: runEvidence},
		{Name: "bayes", Version: 8, Run: runBayes},
		{Name: "update", Version: 1, Run: runUpdate},
		{Name: "holdout", Version: 10, Run: runHoldout},
		{Name: "scenarios", Version: 6, Run: scenarioStage{workers}.run},
		{Name: "optimize", Version: 6, Run: runOptimize},
		{Name: "fan", Version: 6, Run: scenarioStage{workers}.fan},
		{Name: "reports", Version: 17, Tree: true, Run: runReports},
		{Name: "baselines", Version: 2, Run: runBaselines},
		{Name: "portfolio", Version: 2, Run: runPortfolio},
		{Name: "walkforward", Version: 2, Run: runWalkForward},
		{Name: "joint", Version: 3, Run: runJoint},
	} {
		stages[s.Name] = s
	}
	return stages
}

// StageNames lists the stages in the order in which a run does them.
func StageNames() []string {
	return []string{"returns", "window", "evidence", "bayes", "update", "holdout", "scenarios", "optimize", "fan", "reports"}
}

func runReturns(_ context.Context, c *engine.Call) ([]byte, error) {
	var o returns.Options
	if err := c.Options(&o); err != nil {
		return nil, err
	}
	var files []returns.File
	if err := c.Each("file", func(name string, text []byte) error {
		files = append(files, returns.File{Name: name, Data: text})
		return nil
	}); err != nil {
		return nil, err
	}
	panel, findings, err := returns.Read(files, o)
	if err != nil {
		return nil, err
	}
	table, err := panel.Table()
	if err != nil {
		return nil, err
	}
	return encodeTable(table, findings)
}

// windowOptions are those that decide which part of a panel a run sees, and
// what is suspicious in it.
type windowOptions struct {
	AsOf     returns.Date    `json:"as_of"`
	End      *returns.Date   `json:"end,omitempty"`      // on which the window is as long as configured, if not on AsOf: of bayes.refit monthly, the last month end
	Previous *returns.Date   `json:"previous,omitempty"` // as-of date of the run to compare history with, of which the panel is there
	History  bool            `json:"history,omitempty"`  // compare with the digest of the run before, if there is one, and make one
	Stale    string          `json:"stale,omitempty"`    // why the data is stale, if it is
	Returns  returns.Options `json:"returns"`
}

// end is the day on which the window is as long as configured.
func (o *windowOptions) end() returns.Date {
	if o.End != nil {
		return *o.End
	}
	return o.AsOf
}

// runWindow cuts a panel to what may be known on the as-of date and judges it:
// input panel; and, if there are, metadata, holidays and the history of the run
// before, as a digest or as its panel.
func runWindow(_ context.Context, c *engine.Call) ([]byte, error) {
	var o windowOptions
	if err := c.Options(&o); err != nil {
		return nil, err
	}
	known, findings, err := knownPanel(c, "panel", o.AsOf, o.end(), o.Returns)
	if err != nil {
		return nil, err
	}
	file, holidays, _, err := c.Named("holidays")
	if err != nil {
		return nil, err
	}
	sessions, err := o.Returns.Sessions(known.Frequency(), file, holidays)
	if err != nil {
		return nil, err
	}
	if o.Previous != nil {
		then, _, err := knownPanel(c, "previous", *o.Previous, *o.Previous, o.Returns)
		if err != nil {
			return nil, err
		}
		findings = append(findings, returns.Compare(then, known)...)
	}
	if c.Has("history") {
		b, err := c.Input("history")
		if err != nil {
			return nil, err
		}
		before, err := returns.DecodeHistory(b)
		if err != nil {
			return nil, err
		}
		changed, err := before.Compare(known)
		if err != nil {
			return nil, err
		}
		findings = append(findings, changed...)
	}
	var digest *returns.History
	if o.History {
		digest = returns.NewHistory(known, o.AsOf)
	}
	if o.Stale != "" {
		findings = append(findings, returns.Stale(o.Stale))
	}
	findings = append(findings, returns.Check(known, o.Returns, sessions)...)
	known, filled := returns.Clean(known, o.Returns)
	universe, left := returns.Universe(known, o.Returns, sessions)
	findings = append(append(findings, filled...), left...)
	tree := engine.Tree{Findings: findings}
	returns.SortFindings(tree.Findings)
	if o.History {
		b, err := json.Marshal(digest)
		if err != nil {
			return nil, err
		}
		id, err := c.Put(b)
		if err != nil {
			return nil, err
		}
		tree.Extra = []engine.Part{{Name: published.HistoryFile, Content: id}}
	}
	for j := range universe.Len() {
		series := universe.Series(j)
		t, err := series.Table()
		if err != nil {
			return nil, err
		}
		b, err := columnar.EncodeIPC(t)
		if err != nil {
			return nil, err
		}
		id, err := c.Put(b)
		if err != nil {
			return nil, err
		}
		tree.Parts = append(tree.Parts, engine.Part{Name: series.Strategy.Name, Content: id})
	}
	return tree.Encode()
}

// knownPanel decodes a panel, adds the metadata and cuts it to what may be
// known on a day.
func knownPanel(c *engine.Call, input string, asOf, end returns.Date, o returns.Options) (*returns.Panel, []returns.Finding, error) {
	table, findings, err := inputTable(c, input)
	if err != nil {
		return nil, nil, err
	}
	panel, err := returns.PanelFromTable(table)
	if err != nil {
		return nil, nil, err
	}
	if name, text, ok, err := c.Named("metadata"); err != nil {
		return nil, nil, err
	} else if ok {
		m, err := returns.ReadMetadata(name, text)
		if err != nil {
			return nil, nil, err
		}
		var more []returns.Finding
		if panel, more, err = panel.Annotate(m); err != nil {
			return nil, nil, err
		}
		findings = append(findings, more...)
	}
	known, err := returns.Known(panel, asOf, end, o)
	return known, findings, err
}

// reportOptions are the facts in the reports other than the results.
type reportOptions struct {
	AsOf      returns.Date      `json:"as_of"`
	Effective returns.Date      `json:"effective"`
	Seed      uint64            `json:"seed"`
	Bayes     bayes.Options     `json:"bayes"`
	Scenarios scenarios.Options `json:"scenarios"`
	Optimize  optimize.Options  `json:"optimize"`
	Held      *reports.Held     `json:"held,omitempty"`
	Excluded  []string          `json:"left_out"` // strategies in the file that the run could not use
	Change    []returns.Finding `json:"change"`   // against the weights before

	Severity []returns.NamedSeverity `json:"severity"`      // policy for findings
	PNG      bool                    `json:"png,omitempty"` // the charts as images, too
}

func runReports(_ context.Context, c *engine.Call) ([]byte, error) {
	var o reportOptions
	if err := c.Options(&o); err != nil {
		return nil, err
	}
	run := reports.Run{AsOf: o.AsOf, Effective: o.Effective, Seed: o.Seed, Bayes: o.Bayes, Scenarios: o.Scenarios, Optimize: o.Optimize, Excluded: o.Excluded, Findings: o.Change, Held: o.Held, Coverages: map[string]*scenarios.Coverage{}}
	for _, in := range c.Action.Inputs {
		var err error
		switch kind, name, _ := strings.Cut(in.Name, " "); kind {
		case "window":
			var b []byte
			if b, err = c.Input(in.Name); err == nil {
				var t engine.Tree
				t, err = engine.DecodeTree(b)
				run.Findings = append(run.Findings, t.Findings...)
			}
		case "series":
			var s *returns.Series
			s, err = inputSeries(c, in.Name)
			run.Series = append(run.Series, s)
		case "posterior":
			var p *bayes.Posterior
			if p, err = inputPosterior(c, in.Name); err == nil {
				run.Posteriors = append(run.Posteriors, p)
				run.Findings = append(run.Findings, p.Findings...)
			}
		case "scenarios":
			var fs []returns.Finding
			run.Set, fs, err = inputSet(c, in.Name)
			run.Findings = append(run.Findings, fs...)
		case "solution":
			var b []byte
			if b, err = c.Input(in.Name); err == nil {
				err = json.Unmarshal(b, &run.Solution)
				run.Findings = append(run.Findings, run.Solution.Findings...)
			}
		case "fan":
			var b []byte
			if b, err = c.Input(in.Name); err == nil {
				err = json.Unmarshal(b, &run.Fan)
			}
		case "holdout": // judged all together, below
			var b []byte
			if b, err = c.Input(in.Name); err == nil {
				var one *scenarios.Coverage
				err = json.Unmarshal(b, &one)
				run.Coverages[name] = one
			}
		default:
			err = fmt.Errorf("pipeline: unknown input of the reports: %q %q", kind, name)
		}
		if err != nil {
			return nil, err
		}
	}
	held, err := judgeHoldout(c)
	if err != nil {
		return nil, err
	}
	advice, err := reports.Advice(&run)
	if err != nil {
		return nil, err
	}
	run.Findings = returns.Rate(slices.Concat(run.Findings, held, advice), o.Severity)
	tree := engine.Tree{Findings: run.Findings}
	put := func(name string, b []byte) error {
		id, err := c.Put(b)
		tree.Parts = append(tree.Parts, engine.Part{Name: name, Content: id})
		return err
	}
	for _, f := range reports.Files() {
		var b bytes.Buffer
		if err := f.Write(&b, &run); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		if err := put(f.Name, b.Bytes()); err != nil {
			return nil, err
		}
	}
	if o.PNG {
		figures, err := reports.Figures(&run)
		if err != nil {
			return nil, err
		}
		for _, f := range figures {
			if err := put("figures/"+f.File, f.PNG); err != nil {
				return nil, err
			}
		}
	}
	return tree.Encode()
}
