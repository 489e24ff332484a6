package engine

import (
	"sync"
	"time"

	"allocate/returns"
)

// EventKind says what happened.
type EventKind string

// The kinds of event.
const (
	StageStarted   EventKind = "stage_started"   // Total actions are about to be looked up or done
	StageProgress  EventKind = "stage_progress"  // Done of its Total parts are, after Elapsed; for stages of many small actions
	StageFinished  EventKind = "stage_finished"  // all of them are
	ActionHit      EventKind = "action_hit"      // the store had the result
	ActionStarted  EventKind = "action_started"  // the result is being made
	ActionProgress EventKind = "action_progress" // Done of Total steps of it
	ActionFinished EventKind = "action_finished" // it is made and stored
	ActionFailed   EventKind = "action_failed"   // it could not be made
	Damaged        EventKind = "store_damaged"   // a stored result was not what had been written
	Waiting        EventKind = "waiting"         // nothing is done, for the reason that Err gives
	Found          EventKind = "finding"
)

// Event is one thing a run did: plain data for logs, bars and tests.
type Event struct {
	Kind    EventKind
	Stage   string
	Unit    string
	Action  ActionID
	Content ContentID
	Done    int
	Total   int
	Elapsed time.Duration
	Finding *returns.Finding
	Err     error
}

// Left estimates the time until a stage is finished from a progress event: the
// parts that are left take as long as those that are done took on average. 0
// where nothing is done.
func (e Event) Left() time.Duration {
	if e.Done < 1 {
		return 0
	}
	return time.Duration(float64(e.Elapsed) / float64(e.Done) * float64(e.Total-e.Done)).Round(time.Millisecond)
}

// Sink receives events, from several goroutines at once.
type Sink interface{ Event(Event) }

// Tee sends each event to every sink.
type Tee []Sink

// Event implements Sink.
func (t Tee) Event(e Event) {
	for _, s := range t {
		s.Event(e)
	}
}

// Memory keeps every event, for tests and for the account in run.json.
type Memory struct {
	mu     sync.Mutex
	events []Event
}

// Event implements Sink.
func (m *Memory) Event(e Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events = append(m.events, e)
}

// Events returns a copy of the recorded events, in order.
func (m *Memory) Events() []Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Event(nil), m.events...)
}

// Count returns the number of events of a kind in a stage; a blank stage
// counts all.
func (m *Memory) Count(kind EventKind, stage string) int {
	n := 0
	for _, e := range m.Events() {
		if e.Kind == kind && (stage == "" || e.Stage == stage) {
			n++
		}
	}
	return n
}
