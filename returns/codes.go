package returns

// The codes of what can be found in data, with the severity each has unless
// gates.severity says otherwise.
var severities = []struct {
	code     string
	severity Severity
}{
	{"data.after_exit", Warn},      // returns after the metadata's exit; ignored
	{"data.before_first", Warn},    // returns before the metadata's first date; ignored
	{"data.constant", Fail},        // never moves
	{"data.empty_strategy", Warn},  // a column without any return
	{"data.filled", Warn},          // missing days were set to 0, as configured
	{"data.flat_days", Info},       // exactly 0 on many days: described to the model
	{"data.flat_stretch", Warn},    // many days in a row exactly 0
	{"data.gap", Info},             // missing days inside a history
	{"data.identical", Warn},       // two strategies with the same returns
	{"data.late", Hold},            // no return on the as-of day yet
	{"data.metadata_only", Info},   // in the metadata but not in the data
	{"data.missing_session", Warn}, // a session without a row (info where the calendar is weekdays)
	{"data.no_longer", Info},       // ended some time ago
	{"data.no_session", Warn},      // a row on a day that is no session
	{"data.no_strategy", Fail},     // nothing is left to model
	{"data.outlier", Warn},         // far beyond the strategy's own spread
	{"data.repeated_rows", Info},   // the same row twice
	{"data.repeated_value", Warn},  // the same return other than 0 many days in a row
	{"data.restated", Hold},        // history differs from the last run's
	{"data.short_history", Fail},   // too few returns
	{"data.shrunk", Hold},          // fewer rows or strategies than the last run had
	{"data.stale", Fail},           // the data ends before the expected session
	{"data.stopped", Hold},         // exactly 0 for longer than ever before, up to the as-of day
	{"data.total_loss", Fail},      // a return of -100%
	{"data.unit", Fail},            // moves as if the unit were wrong
}

func codes() []string {
	list := make([]string, len(severities))
	for i, s := range severities {
		list[i] = s.code
	}
	return list
}

// finding makes a Finding of a code at its usual severity.
func finding(code, strategy, sentence string, numbers map[string]float64) Finding {
	for _, s := range severities {
		if s.code == code {
			return Finding{Code: code, Severity: s.severity, Strategy: strategy, Sentence: sentence, Numbers: numbers}
		}
	}
	panic("returns: no such code: " + code)
}

// between adds the days a finding is about.
func (f Finding) between(from, to Date) Finding {
	f.From, f.To = &from, &to
	return f
}

// Codes lists the codes of what can be found in data.
func Codes() []string { return codes() }
