package reports

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics is what a run tells a Prometheus node exporter's textfile collector.
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

// WriteTextfile writes the metrics whole or not at all.
func WriteTextfile(path string, m Metrics) error {
	registry := prometheus.NewRegistry()
	gauge := func(name, help string, value float64) {
		if value != value {
			return
		}
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "allocate_" + name, Help: help})
		g.Set(value)
		registry.MustRegister(g)
	}
	gauge("exit_code", "Exit code of the last run.", float64(m.ExitCode))
	gauge("last_run_timestamp_seconds", "When the last run ended.", m.Finished)
	if m.LastSuccess > 0 {
		gauge("last_success_timestamp_seconds", "When a run last published, or found its result published.", m.LastSuccess)
	}
	gauge("run_seconds", "How long the last run took.", m.Finished-m.Started)
	gauge("cache_hits", "Actions of the last run whose result was stored.", float64(m.CacheHits))
	gauge("cache_misses", "Actions that the last run did.", float64(m.CacheMisses))
	gauge("data_age_days", "Days from the as-of day of the last run to its end.", m.DataAgeDays)
	gauge("rhat_max", "Largest R-hat of the last run.", m.RHatMax)
	gauge("ess_min", "Least bulk or tail effective sample size of the last run.", m.ESSMin)
	gauge("divergences", "Divergent draws of the last run.", m.Divergences)
	gauge("cvar_predicted", "Predicted CVaR of the published weights over the horizon, a fraction.", m.CVaR)
	gauge("certified_gap", "Certified relative gap of the optimum.", m.Gap)
	gauge("turnover", "Turnover against the drifted previous weights, a fraction of capital.", m.Turnover)
	if len(m.StageSeconds) > 0 {
		v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "allocate_run_duration_seconds", Help: "How long each stage of the last run took."}, []string{"stage"})
		for stage, s := range m.StageSeconds {
			v.WithLabelValues(stage).Set(s)
		}
		registry.MustRegister(v)
	}
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "allocate_findings", Help: "Findings of the last run by severity."}, []string{"severity"})
	for _, s := range []string{"info", "warn", "hold", "fail"} {
		v.WithLabelValues(s).Set(float64(m.Findings[s]))
	}
	registry.MustRegister(v)
	if err := prometheus.WriteToTextfile(path, registry); err != nil {
		return fmt.Errorf("reports: textfile: %w", err)
	}
	return nil
}
