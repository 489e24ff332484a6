package command

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"allocate/pipeline/engine"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// view shows the progress of a run: bars on a terminal, else lines.
type view struct {
	progress string
	format   string
	quiet    bool
	verbose  bool
	events   io.Writer // receives every event as a JSON line, if not nil
}

func (v *view) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&v.progress, "progress", "auto", "progress bars: auto (on a terminal), always or never")
	f.StringVar(&v.format, "log-format", "auto", "log format on standard error: auto (console on a terminal, else json), console or json")
	f.BoolVarP(&v.quiet, "quiet", "q", false, "log warnings and errors only, no bars")
	f.BoolVarP(&v.verbose, "verbose", "v", false, "log every action")
}

// sink returns the receiver of a run's events, and what to call at its end.
func (v *view) sink(stderr io.Writer) (engine.Sink, func(), error) {
	terminal := isTerminal(stderr)
	bars := terminal
	switch v.progress {
	case "auto":
	case "always":
		bars = true
	case "never":
		bars = false
	default:
		return nil, nil, &usageError{fmt.Errorf("--progress %q is not auto, always or never", v.progress)}
	}
	bars = bars && !v.quiet
	level := zapcore.InfoLevel
	switch {
	case v.verbose:
		level = zapcore.DebugLevel
	case v.quiet:
		level = zapcore.WarnLevel
	}
	out := stderr
	var screen *barSink
	if bars {
		screen = newBars(stderr)
		out = screen.container // lines appear above the bars
		if !v.verbose {
			level = zapcore.WarnLevel // the bars say the rest
		}
	}
	encoder := zap.NewProductionEncoderConfig()
	encoder.EncodeTime = zapcore.ISO8601TimeEncoder
	encoder.EncodeDuration = zapcore.StringDurationEncoder
	lines := func(w io.Writer) zapcore.WriteSyncer { return zapcore.Lock(zapcore.AddSync(w)) }
	var core zapcore.Core
	switch format := v.format; {
	case format == "json", format == "auto" && !terminal && !bars:
		core = zapcore.NewCore(zapcore.NewJSONEncoder(encoder), lines(filter{out, escapedJSON}), level)
	case format == "console", format == "auto":
		encoder.EncodeLevel = zapcore.CapitalLevelEncoder
		encoder.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05")
		core = zapcore.NewCore(zapcore.NewConsoleEncoder(encoder), lines(filter{out, oneLine}), level)
	default:
		return nil, nil, &usageError{fmt.Errorf("--log-format %q is not auto, console or json", v.format)}
	}
	run := fmt.Sprintf("%s-%d", time.Now().UTC().Format("20060102T150405"), os.Getpid())
	log := zap.New(core).With(zap.String("run", run))
	logger := &engine.Logger{Log: log}
	sinks := engine.Tee{logger}
	if v.events != nil {
		sinks = append(sinks, &engine.JSONLines{W: v.events, Run: run})
	}
	finish := func() { logger.Flush(); _ = log.Sync() }
	if screen != nil {
		sinks = append(sinks, screen)
		finish = func() { logger.Flush(); screen.close(); _ = log.Sync() }
	}
	return sinks, finish, nil
}

// barSink shows one bar per stage. A stage of many actions counts actions, one
// of a single action counts its own steps.
type barSink struct {
	container *mpb.Progress
	mu        sync.Mutex
	bar       *mpb.Bar
	many      bool  // the stage counts actions, not steps
	total     int64 // what the bar must reach
}

func newBars(w io.Writer) *barSink {
	return &barSink{container: mpb.New(mpb.WithOutput(w), mpb.WithWidth(40), mpb.WithAutoRefresh())}
}

// Event implements engine.Sink.
func (b *barSink) Event(e engine.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e.Kind {
	case engine.StageStarted:
		b.many, b.total = e.Total > 1, int64(max(1, e.Total))
		b.bar = b.container.AddBar(b.total,
			mpb.PrependDecorators(decor.Name(e.Stage, decor.WC{W: 10, C: decor.DindentRight}), decor.CountersNoUnit("%d/%d", decor.WC{W: 13})),
			mpb.AppendDecorators(decor.Elapsed(decor.ET_STYLE_MMSS), decor.OnComplete(decor.Name(" left ", decor.WC{}), ""), decor.OnComplete(decor.AverageETA(decor.ET_STYLE_MMSS), "")),
		)
	case engine.ActionHit, engine.ActionFinished, engine.StageProgress:
		if b.many {
			b.bar.Increment()
		}
	case engine.ActionProgress:
		if !b.many && e.Done < e.Total { // the end is the stage's to tell
			b.total = int64(e.Total)
			b.bar.SetTotal(b.total, false)
			b.bar.SetCurrent(int64(e.Done))
		}
	case engine.StageFinished:
		b.bar.SetCurrent(b.total)
	}
}

// close leaves finished bars on the screen and drops an unfinished one.
func (b *barSink) close() {
	if b.bar != nil && !b.bar.Completed() {
		b.bar.Abort(false)
	}
	b.container.Wait()
}
