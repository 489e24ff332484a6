package returns

import (
	"fmt"
	"math"
)

// Compare looks for history that changed between two runs: then is the panel
// that an earlier run saw, now the present one, both as known on their days.
// Values on days that both have must be the same, and no day or strategy may
// be gone. Restated history is the commonest silent fault of a nightly feed.
func Compare(then, now *Panel) []Finding {
	var fs []Finding
	if then.Days() == 0 || now.Days() == 0 {
		return nil
	}
	index := map[string]int{}
	for j, s := range now.strategies {
		index[s.Name] = j
	}
	from, to := max(then.First(), now.First()), min(then.Last(), now.Last())
	gone := 0
	for t := range then.Days() {
		if d := then.dates[t]; d >= from && d <= to {
			if _, ok := now.Find(d); !ok {
				gone++
			}
		}
	}
	if gone > 0 {
		fs = append(fs, finding("data.shrunk", "", fmt.Sprintf("%s of the last run between %v and %v missing from the data; restore the rows, or approve the change with --approve.", countIs(gone, "day"), from, to), map[string]float64{"days": float64(gone)}).between(from, to))
	}
	for i, s := range then.strategies {
		j, ok := index[s.Name]
		if !ok {
			fs = append(fs, finding("data.shrunk", s.Name, fmt.Sprintf("Strategy %q of the last run is missing from the data; restore it, or give it an exit in returns.metadata.", clip(s.Name)), nil))
			continue
		}
		changed, largest := 0, 0.0
		var first, last Date
		for t, a := range then.values[i] {
			d := then.dates[t]
			if d < from || d > to || a != a {
				continue
			}
			k, ok := now.Find(d)
			if !ok {
				continue
			}
			if b := now.values[j][k]; a != b {
				if changed == 0 {
					first = d
				}
				last = d
				changed++
				if b == b {
					largest = max(largest, math.Abs(a-b))
				}
			}
		}
		if changed > 0 {
			fs = append(fs, finding("data.restated", s.Name, fmt.Sprintf("%s of %q differ from the last run, the first on %v, by up to %.3g; check the source, or approve the change with --approve.", Count(changed, "return"), clip(s.Name), first, largest), map[string]float64{"days": float64(changed), "largest": largest}).between(first, last))
		}
	}
	return fs
}
