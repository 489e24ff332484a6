package command

import (
	"bufio"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"allocate/pipeline"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/reports"
)

// writeTextfile tells Prometheus of a run, published (o is its outcome) or not
// (o is nil). The time of the last success is kept from the file before.
func writeTextfile(path string, code int, started, finished time.Time, o *pipeline.Outcome, account *engine.Memory) error {
	nan := math.NaN()
	m := reports.Metrics{
		ExitCode: code, Started: seconds(started), Finished: seconds(finished),
		DataAgeDays: nan, RHatMax: nan, ESSMin: nan, Divergences: nan, CVaR: nan, Gap: nan, Turnover: nan,
		CacheHits: account.Count(engine.ActionHit, ""), CacheMisses: account.Count(engine.ActionFinished, ""),
		StageSeconds: map[string]float64{}, Findings: map[string]int{},
	}
	for _, e := range account.Events() {
		switch e.Kind {
		case engine.StageFinished:
			m.StageSeconds[e.Stage] = e.Elapsed.Seconds()
		case engine.Found:
			m.Findings[e.Finding.Severity.String()]++
		}
	}
	if o == nil {
		m.LastSuccess = lastSuccess(path)
		return published.ReplaceFile(path, reports.Textfile(m))
	}
	m.LastSuccess = m.Finished
	d := o.Decision
	m.DataAgeDays = finished.Sub(d.AsOf.Time()).Hours() / 24
	m.CVaR, m.Gap = d.Solution.CVaR, d.Solution.Certificate.ExactGap
	if d.Held != nil {
		m.Turnover = d.Turnover
	}
	var s reports.Summary
	if b, err := os.ReadFile(filepath.Join(o.Dir, "summary.json")); err == nil && json.Unmarshal(b, &s) == nil {
		m.RHatMax, m.ESSMin, m.Divergences = 0, math.Inf(1), 0
		for _, st := range s.Strategies {
			m.RHatMax = max(m.RHatMax, float64(st.MaxRHat))
			m.ESSMin = min(m.ESSMin, float64(st.MinESSBulk), float64(st.MinESSTail))
			m.Divergences += float64(st.Divergent)
		}
	}
	return published.ReplaceFile(path, reports.Textfile(m))
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
		if text, ok := strings.CutPrefix(lines.Text(), "allocate_last_success_timestamp_seconds "); ok {
			v, _ := strconv.ParseFloat(text, 64)
			return v
		}
	}
	return 0
}
