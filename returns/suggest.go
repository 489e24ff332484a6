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

// editDistance is Levenshtein's.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
