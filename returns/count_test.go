package returns

import "testing"

func TestCount(t *testing.T) {
	for _, c := range []struct {
		n    int
		noun string
		want string
	}{
		{1, "strategy", "1 strategy"},
		{0, "strategy", "0 strategies"},
		{2, "day", "2 days"},
		{1, "loss", "1 loss"},
		{3, "loss", "3 losses"},
		{999, "row", "999 rows"},
		{1000, "row", "1,000 rows"},
		{10_000, "scenario", "10,000 scenarios"},
		{1_234_567, "draw", "1,234,567 draws"},
		{-1000, "unit", "-1,000 units"},
		{-100, "unit", "-100 units"},
	} {
		if got := Count(c.n, c.noun); got != c.want {
			t.Errorf("Count(%d, %q) = %q, want %q", c.n, c.noun, got, c.want)
		}
	}
}
