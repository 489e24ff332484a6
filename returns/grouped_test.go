package returns

import (
	"fmt"
	"testing"
)

// TestGrouped keeps findings that stand alone, and puts many of one cause into
// one line at the place of the first.
func TestGrouped(t *testing.T) {
	var fs []Finding
	for i := range 9 {
		fs = append(fs, Finding{Code: "data.gap", Severity: Info, Strategy: fmt.Sprintf("s%d", i), Sentence: fmt.Sprintf("gap %d.", i)})
	}
	fs = append(fs,
		Finding{Code: "data.gap", Severity: Hold, Strategy: "s9", Sentence: "a large gap."},
		Finding{Code: "data.unit", Severity: Fail, Strategy: "s1", Sentence: "unit."},
		Finding{Code: "data.unit", Severity: Fail, Strategy: "s2", Sentence: "unit."},
		Finding{Code: "data.missing_session", Severity: Info, Sentence: "sessions."},
	)
	three := []Finding{{Code: "bayes.rhat", Strategy: "a", Sentence: "mu."}, {Code: "bayes.rhat", Strategy: "a", Sentence: "sd."}, {Code: "bayes.rhat", Strategy: "a", Sentence: "nu."}}
	if got := Grouped(three); len(got) != 3 {
		t.Errorf("three findings of one strategy: %v", got)
	}
	got := Grouped(fs)
	if len(got) != 5 {
		t.Fatalf("%d findings: %v", len(got), got)
	}
	if want := "9 strategies: s0, s1, s2, s3, s4, s5 and 3 more. For s0: gap 0."; got[0].Sentence != want || got[0].Strategy != "" || got[0].Numbers["strategies"] != 9 || got[0].Severity != Info {
		t.Errorf("%+v", got[0])
	}
	for i, f := range got[1:] {
		if f.String() != fs[9+i].String() {
			t.Errorf("%v, want %v", f, fs[9+i])
		}
	}
}
