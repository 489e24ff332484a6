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
}

// Textfile returns the metrics in the text exposition format of Prometheus,
// version 0.0.4, by name.
func Textfile(m Metrics) []byte {
	families := map[string]string{} // text by name
	family := func(name, help, label string, values map[string]float64) {
		var b strings.Builder
		name = "allocate_" + name
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name)
		for _, key := range slices.Sorted(maps.Keys(values)) {
			b.WriteString(name)
			if label != "" { // Go's quoting of the names of stages and severities is that of Prometheus
				fmt.Fprintf(&b, "{%s=%q}", label, key)
			}
			b.WriteString(" " + strconv.FormatFloat(values[key], 'g', -1, 64) + "\n")
		}
		families[name] = b.String()
	}
	gauge := func(name, help string, value float64) {
		if !math.IsNaN(value) {
			family(name, help, "", map[string]float64{"": value})
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
	if len(m.StageSeconds) > 0 {
		family("run_duration_seconds", "Duration of each stage of the last run.", "stage", m.StageSeconds)
	}
	severities := map[string]float64{}
	for _, s := range []string{"info", "warn", "hold", "fail"} {
		severities[s] = float64(m.Findings[s])
	}
	family("findings", "Findings of the last run by severity.", "severity", severities)
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(families)) {
		text.WriteString(families[name])
	}
	return []byte(text.String())
}
