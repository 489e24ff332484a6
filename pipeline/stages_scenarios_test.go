package pipeline

import (
	"math/rand/v2"
	"testing"

	"allocate/pipeline/engine"
	"allocate/returns"
)

// TestScenarioStream: every as-of date and every part has numbers of its own, the same each time.
func TestScenarioStream(t *testing.T) {
	first := func(day returns.Date, part string) uint64 {
		return rand.New(scenarioStream(day, engine.Streams(1, "scenarios"))(part)).Uint64()
	}
	a, b := returns.NewDate(2022, 12, 27), returns.NewDate(2022, 12, 28)
	once := first(a, "days")
	if again := first(a, "days"); once != again {
		t.Error("a date has other numbers the second time")
	}
	if first(a, "days") == first(b, "days") || first(a, "days") == first(a, "copula") {
		t.Error("two dates, or two parts, have the same numbers")
	}
}
