package terminal

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"allocate/pipeline/engine"
)

// Bars shows one bar per stage while it lasts. A stage of many actions counts actions, one of a
// single action counts its own steps.
type Bars struct {
	container *mpb.Progress
	width     int
	workers   int
	now       func() time.Time

	events sync.Mutex // one event at a time
	bar    *mpb.Bar

	mu    sync.Mutex // of what a bar shows; never held while its methods are called, which wait for it
	stage *progress
}

// NewBars writes bars to a terminal of a width. workers is how many actions run at once.
func NewBars(w io.Writer, width, workers int, now func() time.Time) *Bars {
	return &Bars{container: mpb.New(mpb.WithOutput(w), mpb.WithAutoRefresh()), width: width, workers: max(1, workers), now: now}
}

// Write writes lines above the bars.
func (b *Bars) Write(p []byte) (int, error) { return b.container.Write(p) }

// Columns of a line of progress.
const (
	stageColumns = 11
	countColumns = 12
	barColumns   = 20
)

// Event implements engine.Sink.
func (b *Bars) Event(e engine.Event) {
	b.events.Lock()
	defer b.events.Unlock()
	if e.Kind == engine.StageStarted {
		stage := &progress{began: b.now(), many: e.Total > 1, total: max(1, e.Total), workers: b.workers}
		b.mu.Lock()
		b.stage = stage
		b.mu.Unlock()
		b.bar = b.container.New(int64(stage.total), mpb.BarStyle().Lbound("").Filler("━").Tip("").Padding("╌").Rbound(""),
			mpb.BarRemoveOnComplete(), mpb.BarWidth(barColumns),
			mpb.PrependDecorators(decor.Name(cut(Text(e.Stage), stageColumns-1), decor.WC{W: stageColumns, C: decor.DindentRight}), decor.CountersNoUnit("%d/%d ", decor.WC{W: countColumns})),
			mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return b.status(stage) })),
		)
		return
	}
	if b.bar == nil {
		return
	}
	b.mu.Lock()
	b.stage.event(e)
	done, total := int64(b.stage.done), int64(b.stage.total)
	b.mu.Unlock()
	switch {
	case e.Kind == engine.StageFinished:
		b.bar.SetTotal(total, false)
		b.bar.SetCurrent(total)
		b.bar = nil
	case done < total: // the end is the stage's to tell
		b.bar.SetTotal(total, false)
		b.bar.SetCurrent(done)
	}
}

// status is the text of elapsed and remaining time, and the strategy or date at work as far as
// there is room for it.
func (b *Bars) status(stage *progress) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	elapsed := b.now().Sub(stage.began)
	text := " " + clock(elapsed)
	if left, ok := stage.left(elapsed); ok {
		text += ", " + clock(left) + " left"
	}
	room := b.width - stageColumns - countColumns - barColumns - cells(text) - 4
	if stage.unit != "" && room >= leastName {
		text += "  " + cut(Text(stage.unit), room)
	}
	return text
}

// Close drops an unfinished bar and waits for the last line.
func (b *Bars) Close() {
	b.events.Lock()
	if b.bar != nil {
		b.bar.Abort(true)
	}
	b.events.Unlock()
	b.container.Wait()
}

// progress counts what a stage has done.
type progress struct {
	began       time.Time
	many        bool // the stage counts actions, not steps
	done, total int
	computed    int // done without the results that were cached
	workers     int
	unit        string // that was started last
}

func (p *progress) event(e engine.Event) {
	switch e.Kind {
	case engine.ActionStarted:
		p.unit = e.Unit
	case engine.ActionHit:
		if p.many {
			p.done++
		}
	case engine.ActionFinished, engine.StageProgress:
		if p.many {
			p.done++
			p.computed++
		}
	case engine.ActionProgress:
		if e.Unit != "" {
			p.unit = e.Unit
		}
		if !p.many && e.Total > 0 {
			p.done, p.total, p.computed = e.Done, e.Total, e.Done
		}
	}
}

// left estimates the time that is left from the pace so far. There is no estimate (ok is false)
// before there is a pace: in the first two seconds, before every worker has finished twice, or
// before a twentieth of the steps of a single action.
func (p *progress) left(elapsed time.Duration) (left time.Duration, ok bool) {
	fewest := 2 * p.workers
	if !p.many {
		fewest = (p.total + 19) / 20
	}
	if elapsed < 2*time.Second || p.computed < max(1, fewest) || p.done >= p.total {
		return 0, false
	}
	return time.Duration(float64(elapsed) / float64(p.computed) * float64(p.total-p.done)), true
}

// clock writes a duration for a person: 8 s, 3:05, 1:02:03.
func clock(d time.Duration) string {
	s := int(d.Round(time.Second) / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}
