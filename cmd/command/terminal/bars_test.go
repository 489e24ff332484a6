package terminal

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"allocate/pipeline/engine"
	"allocate/returns"
)

// There is no estimate before there is a pace: not in the first two seconds, not of cached results
// alone, and not before every worker has finished twice.
func TestEstimate(t *testing.T) {
	p := &progress{many: true, total: 100, workers: 4}
	give := func(kind engine.EventKind, n int) {
		for range n {
			p.event(engine.Event{Kind: kind})
		}
	}
	none := func(elapsed time.Duration, why string) {
		t.Helper()
		if left, ok := p.left(elapsed); ok {
			t.Errorf("%s: %v left", why, left)
		}
	}
	none(time.Hour, "nothing is done")
	give(engine.ActionHit, 50)
	none(time.Hour, "all of it was cached")
	give(engine.ActionFinished, 7)
	none(time.Hour, "fewer than two of each worker")
	give(engine.ActionFinished, 3)
	none(time.Second, "the first two seconds")
	if left, ok := p.left(20 * time.Second); !ok || left != 80*time.Second { // 10 in 20 s, 40 are left
		t.Errorf("%v left", left)
	}
	give(engine.ActionFinished, 40)
	none(time.Hour, "all is done")

	single := &progress{total: 1, workers: 4}
	single.event(engine.Event{Kind: engine.ActionProgress, Done: 1, Total: 40})
	if _, ok := single.left(time.Minute); ok {
		t.Error("an estimate from a fortieth of an action")
	}
	single.event(engine.Event{Kind: engine.ActionProgress, Done: 10, Total: 40, Unit: "a"})
	if left, ok := single.left(time.Minute); !ok || left != 3*time.Minute || single.unit != "a" {
		t.Errorf("%v left of %q", left, single.unit)
	}
}

func TestClock(t *testing.T) {
	for d, want := range map[time.Duration]string{400 * time.Millisecond: "0 s", 59 * time.Second: "59 s", 65 * time.Second: "1:05", time.Hour + 2*time.Minute + 3*time.Second: "1:02:03"} {
		if got := clock(d); got != want {
			t.Errorf("%v: %s", d, got)
		}
	}
}

// Bars take events from many goroutines, with their decorators at work, and end.
func TestBarsEnd(t *testing.T) {
	var out bytes.Buffer
	now := time.Now()
	b := NewBars(&out, 80, 2, func() time.Time { return now })
	b.Event(engine.Event{Kind: engine.ActionFinished}) // before any stage
	for _, stage := range []string{"bayes", "scenarios"} {
		b.Event(engine.Event{Kind: engine.StageStarted, Stage: stage, Total: 50})
		done := make(chan bool)
		for range 50 {
			go func() {
				b.Event(engine.Event{Kind: engine.ActionStarted, Unit: "a"})
				b.Event(engine.Event{Kind: engine.ActionFinished, Unit: "a"})
				done <- true
			}()
		}
		for range 50 {
			<-done
		}
		b.Event(engine.Event{Kind: engine.StageFinished, Stage: stage})
	}
	b.Event(engine.Event{Kind: engine.StageStarted, Stage: "optimize", Total: 1}) // is interrupted
	ended := make(chan bool)
	go func() { b.Close(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("the bars do not end")
	}
}

func TestCharts(t *testing.T) {
	for want, values := range map[string][]float64{
		"▁▅█":  {0, 0.5, 1},
		"▄▄":   {3, 3},
		"▁ █":  {1, math.NaN(), 2},
		"":     nil,
		"█▁▁█": {2, 1, 1, 2},
	} {
		if got := Sparkline(values); got != want {
			t.Errorf("%v: %q, want %q", values, got, want)
		}
	}
	if got := Histogram([]float64{0, 0, 0, 0, 1, 9}, 0, 2, 4); got != "█ ▂ " {
		t.Errorf("%q", got) // 4 and 1 of 4; 9 is outside
	}
	if got := Histogram([]float64{1, 1}, 1, 1, 3); strings.TrimSpace(got) != "" {
		t.Errorf("a constant: %q", got)
	}
}

// Findings are printed once, by cause and severity; those that the error has are left out.
func TestFindings(t *testing.T) {
	s, b := screenOf(0, false)
	f := &Findings{Screen: s}
	found := func(severity returns.Severity, code, strategy, sentence string) {
		f.Event(engine.Event{Kind: engine.Found, Finding: &returns.Finding{Code: code, Severity: severity, Strategy: strategy, Sentence: sentence}})
	}
	found(returns.Info, "data.gap", "a", "One.")
	found(returns.Info, "data.gap", "b", "One.")
	for _, name := range []string{"a", "b", "c"} {
		found(returns.Warn, "data.late", name, "Late.")
		found(returns.Warn, "data.late", name, "Late.")
	}
	found(returns.Hold, "run.turnover", "", "Large.")
	found(returns.Hold, "data.restated", "", "Told.")
	f.Event(engine.Event{Kind: engine.Damaged, Stage: "bayes"})
	f.Event(engine.Event{Kind: engine.Damaged, Stage: "bayes"})
	f.Print(func(x returns.Finding) bool { return x.Code == "data.restated" })
	f.Print(func(returns.Finding) bool { return false }) // nothing is left
	const want = `allocate: warning: bayes: cached result is damaged; recomputing
allocate: hold: run.turnover: Large.
allocate: warning: data.late: 3 strategies: a, b, c. For a: Late.
allocate: 2 informational findings; -v prints them
`
	if b.String() != want {
		t.Errorf("%s", b.String())
	}
}
