package scenarios

import "testing"

func TestDegreesOfFreedom(t *testing.T) {
	grid := nuGrid()
	end := grid[len(grid)-1]
	for _, c := range []struct {
		nu, low, high float64
		want          string
	}{
		{5.53, 4.51, 6.76, "5.5 degrees of freedom (90% CI 4.5 to 6.8)"},
		{5.53, 5.53, 5.53, "5.5 degrees of freedom"},
		{60, 45.6, end, "60.0 degrees of freedom (90% CI 45.6 to 77 or more)"},
		{end, end, end, "77 or more degrees of freedom, nearly Gaussian"},
	} {
		if got := degreesOfFreedom(c.nu, c.low, c.high); got != c.want {
			t.Errorf("%v: %q, want %q", c, got, c.want)
		}
	}
}
