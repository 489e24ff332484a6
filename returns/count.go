package returns

import (
	"strconv"
	"strings"
)

// Count writes a number of things, with a comma between thousands and the noun
// in the singular or the plural: "1 strategy", "2 losses", "10,000 scenarios".
func Count(n int, noun string) string { return Thousands(n) + " " + Plural(n, noun) }

// Plural is a noun for n things.
func Plural(n int, noun string) string {
	switch {
	case n == 1:
		return noun
	case len(noun) > 1 && noun[len(noun)-1] == 'y' && !strings.ContainsRune("aeiou", rune(noun[len(noun)-2])):
		return strings.TrimSuffix(noun, "y") + "ies"
	case strings.HasSuffix(noun, "ss"):
		return noun + "es"
	}
	return noun + "s"
}

// Thousands writes a whole number with a comma between thousands.
func Thousands(n int) string {
	s := strconv.Itoa(n)
	first := 0
	if n < 0 {
		first = 1
	}
	for i := len(s) - 3; i > first; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// countIs is Count with the verb: "1 row is", "2 rows are".
func countIs(n int, noun string) string {
	if n == 1 {
		return Count(n, noun) + " is"
	}
	return Count(n, noun) + " are"
}
