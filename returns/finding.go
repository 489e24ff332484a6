package returns

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"sort"
)

// Severity orders what a Finding asks for.
type Severity int

// The severities, in rising order.
const (
	Info Severity = iota // worth knowing
	Warn                 // published, but look
	Hold                 // needs a person's approval before it is published
	Fail                 // must not be published
)

var severityNames = [...]string{"info", "warn", "hold", "fail"}

func (s Severity) String() string {
	if s < Info || s > Fail {
		return fmt.Sprintf("severity(%d)", int(s))
	}
	return severityNames[s]
}

// ParseSeverity reads info, warn, hold or fail.
func ParseSeverity(name string) (Severity, error) {
	for i, n := range severityNames {
		if n == name {
			return Severity(i), nil
		}
	}
	return 0, fmt.Errorf("returns: %q is not a severity; expected info, warn, hold or fail", clip(name))
}

// MarshalText writes the severity's name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what ParseSeverity reads.
func (s *Severity) UnmarshalText(b []byte) error {
	v, err := ParseSeverity(string(b))
	if err != nil {
		return err
	}
	*s = v
	return nil
}

// Finding is one thing that a stage noticed: about data, a posterior, the
// scenarios or a solution. It is for a machine (Code, Numbers) and for a
// person (Sentence) at once.
type Finding struct {
	Code     string             `json:"code"` // stable, dotted: data.gap, bayes.rhat, optimize.gap
	Severity Severity           `json:"severity"`
	Strategy string             `json:"strategy,omitempty"` // empty: about the whole run
	From     *Date              `json:"from,omitempty"`     // first day concerned
	To       *Date              `json:"to,omitempty"`       // last day concerned
	Numbers  map[string]float64 `json:"numbers,omitempty"`  // what was measured, and the limit it met
	Sentence string             `json:"sentence"`           // one plain sentence
}

// MarshalJSON leaves out numbers that are not finite, which JSON has no form for.
func (f Finding) MarshalJSON() ([]byte, error) {
	type plain Finding
	finite := maps.Clone(f.Numbers)
	maps.DeleteFunc(finite, func(_ string, x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) })
	f.Numbers = finite
	return json.Marshal(plain(f))
}

func (f Finding) String() string {
	if f.Strategy == "" {
		return fmt.Sprintf("%s %s: %s", f.Severity, f.Code, f.Sentence)
	}
	return fmt.Sprintf("%s %s [%s]: %s", f.Severity, f.Code, f.Strategy, f.Sentence)
}

// SortFindings orders findings by falling severity, then code, strategy and
// sentence, so that every list of them reads and hashes the same.
func SortFindings(fs []Finding) {
	sort.SliceStable(fs, func(i, j int) bool {
		a, b := fs[i], fs[j]
		switch {
		case a.Severity != b.Severity:
			return a.Severity > b.Severity
		case a.Code != b.Code:
			return a.Code < b.Code
		case a.Strategy != b.Strategy:
			return a.Strategy < b.Strategy
		}
		return a.Sentence < b.Sentence
	})
}

// Worst returns the highest severity among findings, Info when there is none.
func Worst(fs []Finding) Severity {
	worst := Info
	for _, f := range fs {
		worst = max(worst, f.Severity)
	}
	return worst
}

// NamedSeverity is the severity of one code of finding.
type NamedSeverity struct {
	Code     string `mapstructure:"code" json:"code" doc:"code of a finding, such as data.gap"`
	Severity string `mapstructure:"severity" json:"severity" doc:"info, warn, hold or fail"`
}

// Rate returns the findings with the severities of a policy, sorted.
func Rate(fs []Finding, policy []NamedSeverity) []Finding {
	rated := slices.Clone(fs)
	for i := range rated {
		for _, s := range policy {
			if v, err := ParseSeverity(s.Severity); err == nil && s.Code == rated[i].Code {
				rated[i].Severity = v
			}
		}
	}
	SortFindings(rated)
	return rated
}
