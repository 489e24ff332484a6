package returns

import (
	"fmt"
	"strings"
)

// fewestGrouped is the number of strategies with the same finding from which
// they share one sentence.
const fewestGrouped = 3

// mostNamed is the number of strategies that such a sentence names.
const mostNamed = 6

// Grouped puts findings of one code and severity about several strategies into
// one, in the place of the first: one cause is one line for a reader. Its
// Strategy is blank, Numbers has their count, and its sentence names them and
// quotes the first. Files for machines keep every finding.
func Grouped(fs []Finding) []Finding {
	type key struct {
		code     string
		severity Severity
	}
	members := map[key][]int{} // of each strategy the first
	seen := map[key]map[string]bool{}
	for i, f := range fs {
		k := key{f.Code, f.Severity}
		if f.Strategy == "" || seen[k][f.Strategy] {
			continue
		}
		if seen[k] == nil {
			seen[k] = map[string]bool{}
		}
		seen[k][f.Strategy] = true
		members[k] = append(members[k], i)
	}
	var out []Finding
	for i, f := range fs {
		of := members[key{f.Code, f.Severity}]
		if f.Strategy == "" || len(of) < fewestGrouped {
			out = append(out, f)
			continue
		}
		if of[0] != i {
			continue
		}
		var names []string
		for _, j := range of[:min(mostNamed, len(of))] {
			names = append(names, clip(fs[j].Strategy))
		}
		list := strings.Join(names, ", ")
		if more := len(of) - len(names); more > 0 {
			list += fmt.Sprintf(" and %d more", more)
		}
		out = append(out, Finding{
			Code: f.Code, Severity: f.Severity, Numbers: map[string]float64{"strategies": float64(len(of))},
			Sentence: fmt.Sprintf("%d strategies: %s. For %s: %s", len(of), list, clip(f.Strategy), f.Sentence),
		})
	}
	return out
}
