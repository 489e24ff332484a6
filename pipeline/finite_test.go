package pipeline

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/reports"
	"allocate/returns"
)

// TestBacktestOfOneDay: a backtest with one decision and one day has all its
// files, valid JSON, and notes where charts would be.
func TestBacktestOfOneDay(t *testing.T) {
	c := quickBacktest(t)
	c.AsOf, c.Bayes.Draws, c.Bayes.Warmup, c.Bayes.MinESS, c.Scenarios.Count, c.Scenarios.Holdout = "2022-12-23", 100, 100, 10, 300, new(int)
	c.Backtest.Start, c.Backtest.Every = "2022-12-22", 30
	files := folder(t, tested(t, c).Dir)
	if n := strings.Count(files["returns.csv"], "\n"); n != 2 {
		t.Fatalf("returns.csv has %d lines", n)
	}
	for name, text := range files {
		if strings.HasSuffix(name, ".json") && !json.Valid([]byte(text)) {
			t.Errorf("%s is no JSON", name)
		}
	}
	if !strings.Contains(files["tearsheet.html"], "No chart") {
		t.Error("no note of the charts that are left out")
	}
}

// TestNonFiniteNumbersInOutput: findings and numbers that are not finite
// break none of what is stored, published or printed for a machine.
func TestNonFiniteNumbersInOutput(t *testing.T) {
	for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		f := returns.Finding{Code: "data.gap", Numbers: map[string]float64{"x": x, "y": 1}, Sentence: "s"}
		fs := []returns.Finding{f}
		for what, v := range map[string]any{
			"run.json": &published.Manifest{Findings: fs, Stages: []published.ManifestStage{{Seconds: x, PeakMiB: x, Actions: []published.ManifestAction{{Seconds: x}}}}},
			"check":    &Checked{Findings: fs},
			"diff":     &published.Difference{Weights: []published.NumberPair{{Name: "a", A: x, B: x}}},
			"prior":    []Prior{{Strategy: "a"}},
			"outcome":  map[string]any{"cvar": x, "metrics": []reports.MetricRow{{Values: []reports.Estimate{{}}}}},
		} {
			var b bytes.Buffer
			if err := reports.WriteJSON(&b, "  ", v); err != nil || !json.Valid(b.Bytes()) {
				t.Errorf("%s of %v: %v", what, x, err)
			}
		}
		b, err := (engine.Tree{Findings: fs}).Encode()
		if err != nil {
			t.Fatal(err)
		}
		if read, err := engine.DecodeTree(b); err != nil || len(read.Findings[0].Numbers) != 1 || read.Findings[0].Numbers["y"] != 1 {
			t.Errorf("a stored tree: %+v, %v", read, err)
		}
		var lines bytes.Buffer
		(&engine.JSONLines{W: &lines}).Event(engine.Event{Kind: engine.Found, Stage: "window", Finding: &f, Elapsed: time.Second})
		if !json.Valid(lines.Bytes()) {
			t.Errorf("an event: %q", lines.String())
		}
		if f.Numbers["y"] != 1 || len(f.Numbers) != 2 {
			t.Error("writing has changed the finding")
		}
	}
}
