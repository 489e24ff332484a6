package returns

import (
	"fmt"
	"strings"
)

// longestWord is how long a word may be that is compared, in bytes.
const longestWord = 200

// Suggest returns the known word nearest to an unknown one, as a clause to
// append to a message, or nothing if none is near. Nothing is near to a text of
// many words.
func Suggest(unknown string, known []string) string {
	if len(unknown) > longestWord {
		return ""
	}
	best, distance := "", len(unknown)/2+1
	for _, k := range known {
		if d := editDistance(strings.ToLower(unknown), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", best)
}

// editDistance counts the insertions, deletions, substitutions and transpositions of neighbors
// that turn one word into the other (optimal string alignment).
func editDistance(a, b string) int {
	before, row := make([]int, len(b)+1), make([]int, len(b)+1) // of the first i-1 and i letters of a
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(row[j]+cost, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
