package returns

import (
	"math"
	"testing"
)

// TestVolatilityRatios compares with the two standard deviations of a day.
func TestVolatilityRatios(t *testing.T) {
	y := make([]float64, 80)
	for i := range y {
		y[i] = 0.01 * float64(1-2*(i%2))
		if i >= 50 {
			y[i] *= 3
		}
	}
	got := VolatilityRatios(&Series{Returns: y}, 60)
	// Of day 75, the 21 days before: all of size 0.03, one more below than above.
	n, up, m := 75.0, 0.03*0.03, 0.0
	for _, v := range y[:75] {
		m += v / n
	}
	all := math.Sqrt((50*0.01*0.01 + 25*up - n*m*m) / (n - 1))
	last := math.Sqrt((21*up - 21*math.Pow(0.03/21, 2)) / 20)
	if math.Abs(got[15]-last/all) > 1e-12 {
		t.Errorf("%v, want %v", got[15], last/all)
	}
	if got := VolatilityRatios(&Series{Returns: make([]float64, 70)}, 60); got[0] != 1 {
		t.Errorf("a history that does not vary: %v", got[0])
	}
	for ratio, want := range map[float64]State{0.66: Calm, 0.67: Middle, 1.33: Middle, 1.34: High} {
		if got := StateOf(ratio); got != want {
			t.Errorf("%v is %v, want %v", ratio, got, want)
		}
	}
	if recent(SevenDay) != 30 || recent(Monthly) != 12 {
		t.Error("days of the state of another frequency")
	}
}
