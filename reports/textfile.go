package reports

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Metrics are the metrics of a run for the textfile collector of Prometheus' node exporter.
// A NaN is left out.
type Metrics struct {
	ExitCode     int
	Started      float64 // seconds since 1970
	Finished     float64 // seconds since 1970
	LastSuccess  float64 // seconds since 1970; 0: not known
	StageSeconds map[string]float64
	CacheHits    int
	CacheMisses  int
	DataAgeDays  float64
	RHatMax      float64
	ESSMin       float64
	Divergences  float64
	CVaR         float64
	Gap          float64
	Turnover     float64
	Findings     map[string]int // by severity

	Portfolio string             // label of every metric; "": none
	Build     map[string]string  // version, commit, go
	Outcome   string             // published, degraded, held, refused, infeasible, not_ready, locked, interrupted or failed; "": left out
	Codes     []FindingCount     // of severity warn and above
	Weights   map[string]float64 // published weights other than 0; nil where nothing was decided
	Universe  int                // strategies of the decision
}

// FindingCount is how often the last run found something.
type FindingCount struct {
	Code, Severity string
	Count          int
}

// label is a label of a sample.
type label struct{ name, value string }

// Textfile returns the metrics in the text exposition format of Prometheus,
// version 0.0.4, by name.
func Textfile(m Metrics) []byte {
	t := textfile{families: map[string]string{}}
	if m.Portfolio != "" {
		t.common = []label{{"portfolio", m.Portfolio}}
	}
	gauge := func(name, help string, value float64) {
		if !math.IsNaN(value) {
			t.family(name, help, point{nil, value})
		}
	}
	gauge("exit_code", "Exit code of the last run.", float64(m.ExitCode))
	gauge("last_run_timestamp_seconds", "Time at which the last run ended.", m.Finished)
	if m.LastSuccess > 0 {
		gauge("last_success_timestamp_seconds", "Time of the last run that published, or found its result published.", m.LastSuccess)
	}
	gauge("run_seconds", "Duration of the last run.", m.Finished-m.Started)
	gauge("cache_hits", "Cached actions of the last run.", float64(m.CacheHits))
	gauge("cache_misses", "Executed actions of the last run.", float64(m.CacheMisses))
	gauge("data_age_days", "Days from the as-of date of the last run to its end.", m.DataAgeDays)
	gauge("rhat_max", "Maximum R-hat of the last run.", m.RHatMax)
	gauge("ess_min", "Minimum bulk or tail effective sample size of the last run.", m.ESSMin)
	gauge("divergences", "Divergent transitions of the last run.", m.Divergences)
	gauge("cvar_predicted", "Predicted CVaR of the published weights over the horizon, a fraction.", m.CVaR)
	gauge("certified_gap", "Certified relative gap of the optimum.", m.Gap)
	gauge("turnover", "Turnover against the drifted previous weights, a fraction of capital.", m.Turnover)
	t.family("run_duration_seconds", "Duration of each stage of the last run.", byLabel("stage", m.StageSeconds)...)
	severities := map[string]float64{}
	for _, s := range []string{"info", "warn", "hold", "fail"} {
		severities[s] = float64(m.Findings[s])
	}
	t.family("findings", "Findings of the last run by severity.", byLabel("severity", severities)...)
	if m.Outcome != "" {
		t.family("outcome", "Outcome of the last run, 1.", point{[]label{{"outcome", m.Outcome}}, 1})
	}
	var codes []point
	for _, c := range m.Codes {
		codes = append(codes, point{[]label{{"code", c.Code}, {"severity", c.Severity}}, float64(c.Count)})
	}
	t.family("findings_by_code", "Findings of the last run of severity warn and above: the reasons why it was held or refused.", codes...)
	if m.Weights != nil {
		gauge("strategies", "Strategies of the last decision.", float64(m.Universe))
		gauge("positions", "Strategies with a weight other than 0.", float64(len(m.Weights)))
		t.family("weight", "Published weights other than 0, fractions of capital.", byLabel("strategy", m.Weights)...)
	}
	if len(m.Build) > 0 {
		var labels []label
		for _, name := range slices.Sorted(maps.Keys(m.Build)) {
			labels = append(labels, label{name, m.Build[name]})
		}
		t.family("build_info", "What the program of the last run was built from, 1.", point{labels, 1})
	}
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(t.families)) {
		text.WriteString(t.families[name])
	}
	return []byte(text.String())
}

// point is a value with its labels.
type point struct {
	labels []label
	value  float64
}

// byLabel returns samples with one label, by its value.
func byLabel(name string, values map[string]float64) (list []point) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		list = append(list, point{[]label{{name, key}}, values[key]})
	}
	return list
}

// textfile are metric families by name; common are labels of every sample.
type textfile struct {
	families map[string]string
	common   []label
}

// escapedLabel writes a label as Prometheus reads it: only these three characters are escaped.
var escapedLabel = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// family adds the samples of a metric; none without samples.
func (t *textfile) family(name, help string, samples ...point) {
	if len(samples) == 0 {
		return
	}
	var b strings.Builder
	name = "allocate_" + name
	fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name)
	for _, s := range samples {
		b.WriteString(name)
		for i, l := range slices.Concat(t.common, s.labels) {
			b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
			b.WriteString(l.name + `="` + escapedLabel.Replace(strings.ToValidUTF8(l.value, "\ufffd")) + `"`)
		}
		if len(t.common)+len(s.labels) > 0 {
			b.WriteString("}")
		}
		b.WriteString(" " + strconv.FormatFloat(s.value, 'g', -1, 64) + "\n")
	}
	t.families[name] = b.String()
}
