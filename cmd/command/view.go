package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"allocate/cmd/command/terminal"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/returns"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// view shows a command at work on standard error. By default these are the findings, when it is
// over, and on a terminal progress bars until then; a log is for those who ask for it.
type view struct {
	progress string
	format   string
	quiet    bool
	verbose  int
	events   io.Writer // receives every event as a JSON line, if not nil
	silent   bool      // the command prints the findings itself
}

func (v *view) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&v.progress, "progress", "auto", "progress bars: auto (on a terminal), always or never")
	f.StringVar(&v.format, "log-format", "auto", "log on standard error: auto (findings only; a log with -v), console or json (a line per stage and finding)")
	f.BoolVarP(&v.quiet, "quiet", "q", false, "print warnings and errors only, no bars")
	f.CountVarP(&v.verbose, "verbose", "v", "log stages and all findings; -vv: every action, too")
}

// level is the least level of the log, and whether there is one.
func (v *view) level() (level zapcore.Level, log bool) {
	verbose := v.verbose
	switch {
	case v.format != "auto":
		verbose++ // who names a format wants a log
	case verbose == 0:
		return 0, false
	}
	switch {
	case verbose > 1:
		return zapcore.DebugLevel, true
	case v.quiet:
		return zapcore.WarnLevel, true
	}
	return zapcore.InfoLevel, true
}

// sink returns the receiver of a command's events, and what to call with its error at its end.
func (v *view) sink(stderr io.Writer) (engine.Sink, func(error), error) {
	bars := terminal.Is(stderr)
	switch v.progress {
	case "auto", "":
	case "always":
		bars = true
	case "never":
		bars = false
	default:
		return nil, nil, &usageError{fmt.Errorf("--progress %q is not auto, always or never", v.progress)}
	}
	if v.format == "" {
		v.format = "auto"
	}
	if v.format != "auto" && v.format != "console" && v.format != "json" {
		return nil, nil, &usageError{fmt.Errorf("--log-format %q is not auto, console or json", v.format)}
	}
	run := fmt.Sprintf("%s-%d", time.Now().UTC().Format("20060102T150405"), os.Getpid())
	sinks := engine.Tee{}
	if v.events != nil {
		sinks = append(sinks, &engine.JSONLines{W: v.events, Run: run})
	}
	screen := screenOf(stderr)
	closeBars := func() {}
	if bars && !v.quiet {
		width := screen.Width
		if width == 0 {
			width = 80
		}
		shown := terminal.NewBars(stderr, width, runtime.GOMAXPROCS(0), time.Now)
		sinks, closeBars = append(sinks, shown), shown.Close
		screen.W = shown // lines appear above the bars
	}
	level, logged := v.level()
	if !logged {
		found := &terminal.Findings{Screen: screen, Quiet: v.quiet}
		return append(sinks, found), func(err error) {
			closeBars()
			screen.W = stderr
			found.Print(func(f returns.Finding) bool { return v.silent || reported(err, f) })
		}, nil
	}
	logger := &engine.Logger{Log: newLog(v.format, screen.W, level).With(zap.String("run", run))}
	return append(sinks, logger), func(error) {
		logger.Flush()
		closeBars()
		_ = logger.Log.Sync()
	}, nil
}

// newLog returns a log of lines that a person reads, or of JSON.
func newLog(format string, w io.Writer, level zapcore.Level) *zap.Logger {
	encoder := zap.NewProductionEncoderConfig()
	encoder.EncodeTime = zapcore.ISO8601TimeEncoder
	encoder.EncodeDuration = zapcore.StringDurationEncoder
	lines := func(show func(string) string) zapcore.WriteSyncer {
		return zapcore.Lock(zapcore.AddSync(terminal.Filter{W: w, Show: show}))
	}
	if format == "json" {
		return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(encoder), lines(terminal.JSON), level))
	}
	encoder.EncodeLevel = zapcore.CapitalLevelEncoder
	encoder.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05")
	return zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(encoder), lines(terminal.LogLine), level))
}

// reported reports a finding that the last line of the command, its error, has anyway.
func reported(err error, f returns.Finding) bool {
	var gate *published.GateError
	return errors.As(err, &gate) && f.Severity >= returns.Hold
}
