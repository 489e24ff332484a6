package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/plot"
)

// examples draws one of each, with names that attack a page.
func examples(t *testing.T) map[string]*Chart {
	t.Helper()
	const evil = `<script>alert("1")</script> & ' 🙂`
	wave := func(n int, f float64) []float64 {
		y := make([]float64, n)
		for i := range y {
			y[i] = 0.05 * math.Sin(f*float64(i))
		}
		return y
	}
	days := make([]int32, 5000)
	for i := range days {
		days[i] = int32(12000 + i)
	}
	x := make([]float64, 30)
	for i := range x {
		x[i] = float64(12000 + 10*i)
	}
	up := func(by float64) []float64 {
		y := make([]float64, len(x))
		for i := range y {
			y[i] = by * float64(i)
		}
		return y
	}
	out := map[string]*Chart{}
	add := func(name string, c *Chart, err error) {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = c
	}
	c, err := Histogram(wave(5000, 1), nil, -0.03, []Mark{{"expected", 0}, {"VaR", -0.03}, {"CVaR", -0.04}}, evil, evil)
	add("histogram", c, err)
	c, err = Histogram(make([]float64, 100), nil, 0, nil, "constant", "constant")
	add("constant histogram", c, err)
	c, err = Density(wave(400, 1), evil, true, evil)
	add("density", c, err)
	c, err = Ranks([][]float64{wave(400, 1), wave(400, 2)}, evil)
	add("ranks", c, err)
	c, err = Lines([]Line{{evil, days, wave(5000, 0.01)}, {"two", days, wave(5000, 0.02)}}, "growth", true, evil)
	add("lines", c, err)
	c, err = Stack([]Line{{evil, days, wave(5000, 0.01)}, {"two", days, wave(5000, 0.02)}, {"three", days, make([]float64, 5000)}}, days[len(days)-1]+30, "weight", evil)
	add("stack", c, err)
	c, err = Fan(Bands{X: x, Q5: up(-2e-3), Q25: up(-1e-3), Q50: up(0), Q75: up(1e-3), Q95: up(2e-3), PastX: x, Past: up(5e-4)}, true, "", evil)
	add("fan", c, err)
	level := 0.03
	c, err = Through(Course{Name: evil, Days: x, Y: up(1e-3), Q5: up(5e-4), Q95: up(2e-3), Now: 0.02, Until: x[len(x)-1] + 1, NowName: evil, Level: &level, LevelName: evil}, evil, true, evil)
	add("through", c, err)
	c, err = Underwater(days, wave(5000, 0.01), evil)
	add("underwater", c, err)
	c, err = Bars([]Bar{{evil, 0.2}, {"negative", -0.1}}, "share", evil)
	add("bars", c, err)
	c, err = Frontier([]float64{0.01, 0.02, 0.05}, []float64{0, 0.01, 0.02}, [2]float64{0.02, 0.01}, [][2]float64{{0.03, 0.005}, {9, 0}}, "risk", "return", evil)
	add("frontier", c, err)
	c, err = Matrix([]string{evil, "b"}, [][]float64{{0.5, 0.7}, {0.3, 0.5}}, evil)
	add("matrix", c, err)
	return out
}

// TestSVG expects well-formed elements that ask for nothing, run nothing, take
// the page's colors and are the same on repeat.
func TestSVG(t *testing.T) {
	again := examples(t)
	for name, c := range examples(t) {
		svg, err := c.SVG()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if other, _ := again[name].SVG(); other != svg {
			t.Errorf("%s differs on repeat", name)
		}
		d := xml.NewDecoder(strings.NewReader(svg))
		for {
			_, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s is not well-formed: %v", name, err)
			}
		}
		for _, bad := range []string{"<script", "http", "url(", "NaN", "#0072B2", "#000000;"} {
			if strings.Contains(svg, bad) && !(bad == "http" && !strings.Contains(svg, "http:") && !strings.Contains(svg, "https:")) {
				t.Errorf("%s contains %q", name, bad)
			}
		}
		if n := strings.Count(svg, "<text "); n != strings.Count(svg, ` textLength="`) {
			t.Errorf("%s: only %d of %d texts have a width", name, strings.Count(svg, ` textLength="`), n)
		}
		for _, good := range []string{`role="img"`, "aria-label=", "viewBox=", "var(--"} {
			if !strings.Contains(svg, good) {
				t.Errorf("%s lacks %q", name, good)
			}
		}
		most := 60_000
		if name == "stack" { // steps have two ends and areas two sides
			most = 100_000
		}
		if len(svg) > most {
			t.Errorf("%s has %d bytes", name, len(svg))
		}
		png, err := c.PNG()
		if err != nil || !strings.HasPrefix(string(png), "\x89PNG") {
			t.Errorf("%s as PNG: %d bytes, %v", name, len(png), err)
		}
	}
}

// TestThin keeps the ends and the peak of a long line.
func TestThin(t *testing.T) {
	x, y := make([]float64, 10_000), make([]float64, 10_000)
	for i := range x {
		x[i] = float64(i)
	}
	y[4321] = 1
	tx, ty := thin(x, y, 100)
	if len(tx) != 100 || tx[0] != 0 || tx[99] != 9999 {
		t.Errorf("%d points from %v to %v", len(tx), tx[0], tx[len(tx)-1])
	}
	peak := 0.0
	for _, v := range ty {
		peak = max(peak, v)
	}
	if peak != 1 {
		t.Error("the peak is gone")
	}
}

func BenchmarkLines(b *testing.B) {
	days, y := make([]int32, 5000), make([]float64, 5000)
	for i := range days {
		days[i], y[i] = int32(i), math.Sin(float64(i)/100)
	}
	for b.Loop() {
		c, err := Lines([]Line{{"a", days, y}}, "", true, "")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.SVG(); err != nil {
			b.Fatal(err)
		}
	}
}

// TestTicks expects labels that differ, on spans of days and of decades, and of
// numbers close to each other.
func TestTicks(t *testing.T) {
	for _, c := range []struct {
		marker interface {
			Ticks(low, high float64) []plot.Tick
		}
		low, high float64
	}{
		{yearTicks{}, 19348, 19354},
		{yearTicks{}, 19000, 19060},
		{yearTicks{}, 19000, 19190},
		{yearTicks{}, 12000, 19190},
		{yearTicks{}, 0, 19190},
		{plainTicks{}, 2.408, 2.511},
		{plainTicks{}, 0, 3},
		{percentTicks{}, 0.0218, 0.0221},
	} {
		seen, labels := map[string]bool{}, 0
		for _, tick := range c.marker.Ticks(c.low, c.high) {
			if tick.Label == "" || tick.Value < c.low || tick.Value > c.high {
				continue
			}
			if labels++; seen[tick.Label] {
				t.Errorf("%T from %v to %v: %q twice", c.marker, c.low, c.high, tick.Label)
			}
			seen[tick.Label] = true
		}
		if labels < 2 || labels > 12 {
			t.Errorf("%T from %v to %v: %d labels", c.marker, c.low, c.high, labels)
		}
	}
}

// A text is as wide as what is read, not as its escapes in the page.
func TestTextWidthOfEscapes(t *testing.T) {
	text := func(s string) string {
		return fitted(`<text x="1" style="font-family:Liberation Sans;font-size:10px">` + s + `</text>`)
	}
	width := func(s string) string {
		_, rest, _ := strings.Cut(text(s), `textLength="`)
		w, _, _ := strings.Cut(rest, `"`)
		return w
	}
	if a, b := width("A&amp;A"), width("A&#38;A"); a == "" || a != b {
		t.Errorf("the same text is %q and %q wide", a, b)
	}
}
