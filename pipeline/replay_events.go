package pipeline

import (
	"sync/atomic"
	"time"
)

// quiet passes on what a person should hear of the many small stages of a
// backtest: damage to the store.
type quiet struct{ to Sink }

// Event implements Sink.
func (q quiet) Event(e Event) {
	if e.Kind == Damaged {
		q.to.Event(e)
	}
}

// step tells of a stage of a replay that has a part for every day of decision,
// each of many small actions.
type step struct {
	sink        Sink
	now         func() time.Time
	began       time.Time
	stage, unit string
	done        atomic.Int64
	total       int
}

func (p *replay) begin(stage string, total int) *step {
	s := &step{sink: p.Sink, now: p.Now, began: p.Now(), stage: stage, unit: p.unit, total: total}
	s.sink.Event(Event{Kind: StageStarted, Stage: stage, Unit: s.unit, Total: total})
	return s
}

// one says that a part is done, from any goroutine.
func (s *step) one() {
	s.sink.Event(Event{Kind: StageProgress, Stage: s.stage, Unit: s.unit, Done: int(s.done.Add(1)), Total: s.total, Elapsed: s.now().Sub(s.began)})
}

func (s *step) end() {
	s.sink.Event(Event{Kind: StageFinished, Stage: s.stage, Unit: s.unit, Total: s.total, Elapsed: s.now().Sub(s.began)})
}
