package command

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"allocate/config"
	"allocate/pipeline"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/reports"
	"allocate/returns"
)

// portfolio is the label of a configuration's metrics.
func (g *global) portfolio(c *config.Config) string {
	if c.Gates.Portfolio != "" {
		return c.Gates.Portfolio
	}
	file := cmp.Or(g.file, defaultConfig)
	return strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
}

// writeTextfile tells Prometheus of a run, published (o is its outcome) or not
// (o is nil, and failed says why). The time of the last success is kept from the file before.
func writeTextfile(gates config.Gates, portfolio string, code int, started, finished time.Time, o *pipeline.Outcome, failed error, account *engine.Memory) error {
	nan := math.NaN()
	build := published.ReadBuild()
	m := reports.Metrics{
		ExitCode: code, Started: seconds(started), Finished: seconds(finished),
		DataAgeDays: nan, RHatMax: nan, ESSMin: nan, Divergences: nan, CVaR: nan, Gap: nan, Turnover: nan,
		CacheHits: account.Count(engine.ActionHit, ""), CacheMisses: account.Count(engine.ActionFinished, ""),
		StageSeconds: map[string]float64{}, Findings: map[string]int{},
		Portfolio: portfolio, Outcome: outcomeOf(code),
		Build: map[string]string{"version": build.Version, "commit": build.Commit, "go": runtime.Version()},
	}
	var found []returns.Finding
	for _, e := range account.Events() {
		switch e.Kind {
		case engine.StageFinished:
			m.StageSeconds[e.Stage] = e.Elapsed.Seconds()
		case engine.Found:
			m.Findings[e.Finding.Severity.String()]++
			found = append(found, *e.Finding)
		}
	}
	var gate *published.GateError
	if errors.As(failed, &gate) && len(found) == 0 {
		found = gate.Findings
	}
	m.Codes = countCodes(found)
	if o == nil {
		m.LastSuccess = lastSuccess(gates.Textfile)
		return published.ReplaceFile(gates.Textfile, reports.Textfile(m))
	}
	m.LastSuccess = m.Finished
	d := o.Decision
	m.DataAgeDays = finished.Sub(d.AsOf.Time()).Hours() / 24
	m.CVaR, m.Gap = d.Solution.CVaR, d.Solution.Certificate.ExactGap
	if d.Held != nil {
		m.Turnover = d.Turnover
	}
	m.Weights, m.Universe = map[string]float64{}, len(d.Solution.Names)
	for j, name := range d.Solution.Names {
		if w := d.Solution.Weights[j]; w != 0 {
			m.Weights[name] = w
		}
	}
	var s reports.Summary
	if b, err := os.ReadFile(filepath.Join(o.Dir, "summary.json")); err == nil && json.Unmarshal(b, &s) == nil {
		m.RHatMax, m.ESSMin, m.Divergences = 0, math.Inf(1), 0
		for _, st := range s.Strategies {
			rhat, ess := worstOf(st.Posterior)
			m.RHatMax, m.ESSMin = max(m.RHatMax, rhat), min(m.ESSMin, ess)
			m.Divergences += float64(st.Divergent)
		}
	}
	return published.ReplaceFile(gates.Textfile, reports.Textfile(m))
}

// outcomeOf names an exit code for a label.
func outcomeOf(code int) string {
	names := map[int]string{exitOK: "published", exitDegraded: "degraded", exitNotReady: "not_ready", exitRefused: "refused", exitInfeasible: "infeasible", exitHeld: "held", exitLocked: "locked", exitInterrupted: "interrupted"}
	return cmp.Or(names[code], "failed")
}

// countCodes counts findings of severity warn and above.
func countCodes(found []returns.Finding) (list []reports.FindingCount) {
	for _, f := range found {
		if f.Severity < returns.Warn {
			continue
		}
		at := slices.IndexFunc(list, func(c reports.FindingCount) bool { return c.Code == f.Code && c.Severity == f.Severity.String() })
		if at < 0 {
			at = len(list)
			list = append(list, reports.FindingCount{Code: f.Code, Severity: f.Severity.String()})
		}
		list[at].Count++
	}
	slices.SortFunc(list, func(a, b reports.FindingCount) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Severity, b.Severity))
	})
	return list
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// lastSuccess reads the time of the last success from an earlier textfile.
func lastSuccess(path string) float64 {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		rest, ok := strings.CutPrefix(lines.Text(), "allocate_last_success_timestamp_seconds")
		if !ok {
			continue
		}
		if at := strings.LastIndex(rest, "} "); strings.HasPrefix(rest, "{") && at > 0 {
			rest = rest[at+1:]
		}
		v, _ := strconv.ParseFloat(strings.TrimSpace(rest), 64)
		return v
	}
	return 0
}
