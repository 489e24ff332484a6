package reports

import (
	"math"
	"strings"
	"testing"
)

// TestTextfile compares with what prometheus/client_golang 1.25.0 writes for these
// metrics (WriteToTextfile).
func TestTextfile(t *testing.T) {
	const want = `# HELP allocate_cache_hits Cached actions of the last run.
# TYPE allocate_cache_hits gauge
allocate_cache_hits 12
# HELP allocate_cache_misses Executed actions of the last run.
# TYPE allocate_cache_misses gauge
allocate_cache_misses 0
# HELP allocate_certified_gap Certified relative gap of the optimum.
# TYPE allocate_certified_gap gauge
allocate_certified_gap 3e-15
# HELP allocate_cvar_predicted Predicted CVaR of the published weights over the horizon, a fraction.
# TYPE allocate_cvar_predicted gauge
allocate_cvar_predicted 0.0246
# HELP allocate_data_age_days Days from the as-of date of the last run to its end.
# TYPE allocate_data_age_days gauge
allocate_data_age_days 1.5
# HELP allocate_divergences Divergent transitions of the last run.
# TYPE allocate_divergences gauge
allocate_divergences 0
# HELP allocate_ess_min Minimum bulk or tail effective sample size of the last run.
# TYPE allocate_ess_min gauge
allocate_ess_min +Inf
# HELP allocate_exit_code Exit code of the last run.
# TYPE allocate_exit_code gauge
allocate_exit_code 3
# HELP allocate_findings Findings of the last run by severity.
# TYPE allocate_findings gauge
allocate_findings{severity="fail"} 0
allocate_findings{severity="hold"} 0
allocate_findings{severity="info"} 30
allocate_findings{severity="warn"} 2
# HELP allocate_last_run_timestamp_seconds Time at which the last run ended.
# TYPE allocate_last_run_timestamp_seconds gauge
allocate_last_run_timestamp_seconds 1.6696800125e+09
# HELP allocate_last_success_timestamp_seconds Time of the last run that published, or found its result published.
# TYPE allocate_last_success_timestamp_seconds gauge
allocate_last_success_timestamp_seconds 1.6696800125e+09
# HELP allocate_run_duration_seconds Duration of each stage of the last run.
# TYPE allocate_run_duration_seconds gauge
allocate_run_duration_seconds{stage="bayes"} 1.25e-07
allocate_run_duration_seconds{stage="scenarios"} 3e+21
allocate_run_duration_seconds{stage="window"} 12
# HELP allocate_run_seconds Duration of the last run.
# TYPE allocate_run_seconds gauge
allocate_run_seconds 12.25
`
	got := string(Textfile(Metrics{
		ExitCode: 3, Started: 1669680000.25, Finished: 1669680012.5, LastSuccess: 1669680012.5,
		StageSeconds: map[string]float64{"bayes": 1.25e-7, "window": 12, "scenarios": 3e21},
		CacheHits:    12, DataAgeDays: 1.5, RHatMax: math.NaN(), ESSMin: math.Inf(1), CVaR: 0.0246, Gap: 3e-15, Turnover: math.NaN(),
		Findings: map[string]int{"warn": 2, "info": 30},
	}))
	if got != want {
		t.Errorf("%s", got)
	}
}

// TestTextfileLabels compares labels, with what in names has to be escaped, with the exposition
// format: backslash, quotation mark and line end; nothing else.
func TestTextfileLabels(t *testing.T) {
	got := string(Textfile(Metrics{
		Portfolio: "a\"b", DataAgeDays: math.NaN(), RHatMax: math.NaN(), ESSMin: math.NaN(), Divergences: math.NaN(), CVaR: math.NaN(), Gap: math.NaN(), Turnover: math.NaN(),
		Outcome: "held", Build: map[string]string{"version": "v1", "commit": ""}, Universe: 3,
		Codes:   []FindingCount{{"run.turnover", "hold", 1}},
		Weights: map[string]float64{"a\\b\n\"c\"": 0.25, "é\u202e\xff": 0.75},
	}))
	for _, want := range []string{
		`allocate_exit_code{portfolio="a\"b"} 0` + "\n",
		`allocate_weight{portfolio="a\"b",strategy="a\\b\n\"c\""} 0.25` + "\n",
		`allocate_weight{portfolio="a\"b",strategy="é` + "\u202e\ufffd" + `"} 0.75` + "\n",
		`allocate_findings_by_code{portfolio="a\"b",code="run.turnover",severity="hold"} 1` + "\n",
		`allocate_outcome{portfolio="a\"b",outcome="held"} 1` + "\n",
		`allocate_build_info{portfolio="a\"b",commit="",version="v1"} 1` + "\n",
		`allocate_strategies{portfolio="a\"b"} 3` + "\n", `allocate_positions{portfolio="a\"b"} 2` + "\n",
		`allocate_findings{portfolio="a\"b",severity="fail"} 0` + "\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}
