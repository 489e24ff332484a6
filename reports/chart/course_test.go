package chart

import (
	"math"
	"strings"
	"testing"
)

// TestCourse draws what it can, and refuses what has no place in a chart.
func TestCourse(t *testing.T) {
	course := func() Course {
		level := 0.1
		return Course{
			Name: "line", Days: []float64{1, 2, 3}, Y: []float64{0.1, 0.2, 0.3}, Q5: []float64{0.05, 0.1, 0.2}, Q95: []float64{0.2, 0.3, 0.5},
			Now: 0.25, Until: 4, NowName: "today 25%", Level: &level, LevelName: "long run 10%",
		}
	}
	for what, spoil := range map[string]func(s *Course){
		"one day":    func(s *Course) { s.Days, s.Y, s.Q5, s.Q95 = s.Days[:1], s.Y[:1], s.Q5[:1], s.Q95[:1] },
		"no day":     func(s *Course) { s.Days, s.Y, s.Q5, s.Q95 = nil, nil, nil, nil },
		"short line": func(s *Course) { s.Y = s.Y[:2] },
		"short band": func(s *Course) { s.Q95 = s.Q95[:2] },
		"NaN":        func(s *Course) { s.Y[1] = math.NaN() },
		"NaN band":   func(s *Course) { s.Q95[1] = math.NaN() },
		"no level":   func(s *Course) { *s.Level = math.Inf(1) },
		"no today":   func(s *Course) { s.Now = math.NaN() },
		"no bound":   func(s *Course) { s.Now = math.Inf(1) },
	} {
		s := course()
		spoil(&s)
		if _, err := Through(s, "", true, ""); err == nil {
			t.Errorf("%s: drawn", what)
		}
	}
	for what, change := range map[string]func(s *Course){
		"all":      func(*Course) {},
		"no band":  func(s *Course) { s.Q5, s.Q95 = nil, nil },
		"no level": func(s *Course) { s.Level = nil },
		"a panel":  func(s *Course) { s.Panel = true },
	} {
		s := course()
		change(&s)
		c, err := Through(s, "volatility", true, "about")
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		svg, err := c.SVG()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		for text, want := range map[string]bool{">line<": true, ">today 25%<": true, ">long run 10%<": s.Level != nil, `fill-opacity`: s.Q5 != nil, `viewBox="-6 -2 392 194"`: s.Panel, ">0%<": true} {
			if got := strings.Contains(svg, text); got != want {
				t.Errorf("%s: %q in the chart: %v", what, text, got)
			}
		}
	}
}

// TestThinPlaces takes the same points as the line that it thins.
func TestThinPlaces(t *testing.T) {
	x, y := make([]float64, 1000), make([]float64, 1000)
	for i := range x {
		x[i], y[i] = float64(i), math.Sin(float64(i*i))
	}
	places := Thin(x, y, 50)
	tx, ty := thin(x, y, 50)
	if len(places) != 50 || len(tx) != 50 {
		t.Fatalf("%d places, %d points", len(places), len(tx))
	}
	for k, i := range places {
		if tx[k] != x[i] || ty[k] != y[i] || k > 0 && i <= places[k-1] {
			t.Errorf("point %d is %v, of place %d", k, tx[k], i)
		}
	}
	if all := Thin(x[:40], y[:40], 50); len(all) != 40 || all[39] != 39 {
		t.Errorf("of 40 points there are %v", all)
	}
}
