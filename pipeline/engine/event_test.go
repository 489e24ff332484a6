package engine

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"allocate/returns"
)

// TestRemainingTime expects what is left to take as long as what is done.
func TestRemainingTime(t *testing.T) {
	for _, c := range []struct {
		done, total   int
		elapsed, want time.Duration
	}{
		{0, 10, time.Second, 0},
		{1, 10, time.Second, 9 * time.Second},
		{4, 10, 2 * time.Second, 3 * time.Second},
		{10, 10, time.Minute, 0},
	} {
		e := Event{Kind: StageProgress, Done: c.done, Total: c.total, Elapsed: c.elapsed}
		if got := e.Left(); got != c.want {
			t.Errorf("%d of %d after %v: %v left, want %v", c.done, c.total, c.elapsed, got, c.want)
		}
	}
}

// TestProgressLines expects a JSON line for every part of a stage and none for
// the steps of an action, and at most twenty lines in a log.
func TestProgressLines(t *testing.T) {
	var lines, log bytes.Buffer
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(&log), zapcore.InfoLevel)
	sink := Tee{&JSONLines{W: &lines, Run: "r"}, &Logger{Log: zap.New(core)}}
	const parts = 250
	for k := range parts {
		sink.Event(Event{Kind: StageProgress, Stage: "forecasts", Done: k + 1, Total: parts, Elapsed: time.Duration(k+1) * time.Second})
		sink.Event(Event{Kind: ActionProgress, Stage: "forecasts", Done: k + 1, Total: parts})
	}
	if n := strings.Count(lines.String(), "\n"); n != parts {
		t.Errorf("%d JSON lines, want %d", n, parts)
	}
	if want := `{"run":"r","event":"stage_progress","stage":"forecasts","done":100,"total":250,"seconds":100,"left_seconds":150}`; !strings.Contains(lines.String(), want+"\n") {
		t.Errorf("no line %s", want)
	}
	if n := strings.Count(log.String(), "\n"); n != logged-1 {
		t.Errorf("%d lines in the log, want %d:\n%s", n, logged-1, log.String())
	}
}

// TestLoggerGroupsFindings expects one line of a cause in many strategies, where
// it was found, and nothing lost at the end.
func TestLoggerGroupsFindings(t *testing.T) {
	var log bytes.Buffer
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(&log), zapcore.InfoLevel)
	l := &Logger{Log: zap.New(core)}
	find := func(stage, code, strategy string) {
		l.Event(Event{Kind: Found, Stage: stage, Finding: &returns.Finding{Code: code, Strategy: strategy, Sentence: "so."}})
	}
	for _, s := range []string{"a", "b", "c", "d"} {
		find("window", "data.gap", s)
	}
	find("bayes", "data.gap", "e")
	l.Event(Event{Kind: StageFinished, Stage: "bayes"})
	find("bayes", "bayes.rhat", "f")
	l.Flush()
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 4 || !strings.Contains(lines[0], "4 strategies: a, b, c, d. For a:") || !strings.Contains(lines[1], `"strategy":"e"`) || !strings.Contains(lines[2], "stage finished") || !strings.Contains(lines[3], `"strategy":"f"`) {
		t.Errorf("%q", lines)
	}
}
