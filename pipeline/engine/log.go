package engine

import (
	"encoding/json"
	"io"
	"sync"

	"go.uber.org/zap"

	"allocate/returns"
)

// JSONLines writes every event but the progress of single actions as one JSON
// object a line.
type JSONLines struct {
	W   io.Writer
	Run string // named in every line

	mu sync.Mutex
}

// Event implements Sink.
func (j *JSONLines) Event(e Event) {
	if e.Kind == ActionProgress {
		return
	}
	line := struct {
		Run     string           `json:"run"`
		Event   EventKind        `json:"event"`
		Stage   string           `json:"stage,omitempty"`
		Unit    string           `json:"unit,omitempty"`
		Action  ActionID         `json:"action,omitempty"`
		Content ContentID        `json:"content,omitempty"`
		Done    int              `json:"done,omitempty"`
		Total   int              `json:"total,omitempty"`
		Seconds float64          `json:"seconds,omitempty"`
		Left    *float64         `json:"left_seconds,omitempty"` // estimate
		Finding *returns.Finding `json:"finding,omitempty"`
		Error   string           `json:"error,omitempty"`
	}{Run: j.Run, Event: e.Kind, Stage: e.Stage, Unit: e.Unit, Action: e.Action, Content: e.Content, Done: e.Done, Total: e.Total, Seconds: e.Elapsed.Seconds(), Finding: e.Finding}
	if e.Kind == StageProgress {
		left := e.Left().Seconds()
		line.Left = &left
	}
	if e.Err != nil {
		line.Error = e.Err.Error()
	}
	b, err := json.Marshal(line)
	if err != nil {
		return // no field of it can fail
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	_, _ = j.W.Write(append(b, '\n')) // a reader that went away must not stop the run
}

// logged is how many lines a log has of the progress of a stage, at most.
const logged = 20

// Logger writes events as zap lines: stages, failures and findings at their
// level, single actions at debug. Findings of one cause about several strategies
// are one line: they are kept until the next event of another kind, or Flush.
type Logger struct {
	Log *zap.Logger

	mu    sync.Mutex
	stage string
	found []returns.Finding
}

// Event implements Sink.
func (l *Logger) Event(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.Kind == Found && (len(l.found) == 0 || l.stage == e.Stage) {
		l.stage, l.found = e.Stage, append(l.found, *e.Finding)
		return
	}
	l.flush()
	if e.Kind == Found {
		l.stage, l.found = e.Stage, append(l.found, *e.Finding)
		return
	}
	l.write(e)
}

// Flush writes the findings that were kept.
func (l *Logger) Flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush()
}

func (l *Logger) flush() {
	for _, f := range returns.Grouped(l.found) {
		l.write(Event{Kind: Found, Stage: l.stage, Finding: &f})
	}
	l.found = l.found[:0]
}

func (l *Logger) write(e Event) {
	fields := []zap.Field{zap.String("stage", e.Stage)}
	if e.Unit != "" {
		fields = append(fields, zap.String("unit", e.Unit))
	}
	switch e.Kind {
	case StageStarted:
		l.Log.Info("stage started", append(fields, zap.Int("actions", e.Total))...)
	case StageProgress:
		if e.Done*logged/e.Total != (e.Done-1)*logged/e.Total && e.Done < e.Total {
			l.Log.Info("stage progress", append(fields, zap.Int("done", e.Done), zap.Int("total", e.Total), zap.Duration("elapsed", e.Elapsed), zap.Duration("left", e.Left()))...)
		}
	case StageFinished:
		l.Log.Info("stage finished", append(fields, zap.Int("actions", e.Total), zap.Int("from_store", e.Done), zap.Duration("elapsed", e.Elapsed))...)
	case ActionFailed: // the run's own last line says it to everyone
		l.Log.Debug("action failed", append(fields, zap.Error(e.Err))...)
	case Damaged:
		l.Log.Warn("cached result is damaged; recomputing", append(fields, zap.Error(e.Err))...)
	case Waiting:
		l.Log.Warn("waiting for workers", append(fields, zap.Error(e.Err))...)
	case Found:
		f := e.Finding
		fields = append(fields, zap.String("code", f.Code), zap.Stringer("severity", f.Severity))
		if f.Strategy != "" {
			fields = append(fields, zap.String("strategy", f.Strategy))
		}
		switch f.Severity {
		case returns.Info:
			l.Log.Info(f.Sentence, fields...)
		case returns.Warn:
			l.Log.Warn(f.Sentence, fields...)
		default:
			l.Log.Error(f.Sentence, fields...)
		}
	case ActionProgress:
		// bars show it; a log would drown in it
	default:
		l.Log.Debug(string(e.Kind), append(fields, zap.String("action", e.Action.Short()), zap.String("content", e.Content.Short()), zap.Duration("elapsed", e.Elapsed))...)
	}
}
