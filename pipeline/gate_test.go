package pipeline

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"allocate/config"
	"allocate/optimize"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/returns"
)

// Weights of half and half on Monday: a gains 10% and 20%, b loses 20% and has
// no return on the second day, so that they stand at 0.66 and 0.4, scaled to 1.
func TestHoldingDrifts(t *testing.T) {
	d := returns.NewDate(2020, 1, 6)
	p, err := returns.NewPanel([]returns.Date{d, d + 1, d + 2, d + 3},
		[]returns.Strategy{{Name: "a"}, {Name: "b"}},
		[][]float64{{9, 0.1, 0.2, 9}, {9, -0.2, math.NaN(), 9}})
	if err != nil {
		t.Fatal(err)
	}
	c := config.Default()
	c.Out = t.TempDir()
	c.Gates.Previous = filepath.Join(t.TempDir(), "weights.csv")
	text := "as_of,effective,strategy,weight\n2020-01-06,2020-01-07,a,0.500000\n2020-01-06,2020-01-07,b,0.500000\n"
	if err := os.WriteFile(c.Gates.Previous, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	h, err := holding(&c, p, d+2, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := h.Weights["a"], h.Weights["b"]; math.Abs(a-0.66/1.06) > 1e-15 || math.Abs(b-0.4/1.06) > 1e-15 {
		t.Errorf("drifted to %v and %v, want %v and %v", a, b, 0.66/1.06, 0.4/1.06)
	}
	s := &optimize.Solution{Names: []string{"a", "c"}, Weights: []float64{0.5, 0.5}}
	turnover, fs := checkChange(h, s, config.Gates{MaxTurnover: 0.4, MaxChange: 0.49})
	// a falls by 0.1226, b by 0.3774, c rises by 0.5: half their sum is 0.5.
	if math.Abs(turnover-0.5) > 1e-12 || len(fs) != 2 || fs[0].Severity != returns.Hold || fs[1].Strategy != "c" {
		t.Errorf("turnover %v, findings %v", turnover, fs)
	}
	if _, fs := checkChange(h, s, config.Gates{MaxTurnover: 0.6, MaxChange: 0.6}); returns.Worst(fs) != returns.Info {
		t.Errorf("within the limits: %v", fs)
	}

	// What rounding to 2 decimals adds to a turnover is no reason to hold: up to
	// half a unit for each of 3 positions, and no more.
	s.Decimals = 2
	for limit, want := range map[float64]returns.Severity{0.486: returns.Info, 0.484: returns.Hold} {
		if _, fs := checkChange(h, s, config.Gates{MaxTurnover: limit, MaxChange: 1}); fs[0].Severity != want {
			t.Errorf("a turnover of 50%% with a limit of %v: %v", limit, fs)
		}
	}
	s.Decimals = 0

	// Nothing published and no file: a cold start, said so.
	c.Gates.Previous = ""
	if h, err = holding(&c, p, d+2, nil, nil); h != nil || err != nil {
		t.Errorf("a cold start: %v, %v", h, err)
	}
	if _, fs := checkChange(nil, s, config.DefaultGates()); len(fs) != 1 || fs[0].Code != "run.cold_start" {
		t.Errorf("a cold start: %v", fs)
	}
}

// A finding of severity hold stops a run until it is approved, one of severity
// fail stops it all the same, by the severities of the policy; what stops it and
// what does not is told.
func TestGateStops(t *testing.T) {
	for _, c := range []struct {
		found, policy       string
		approved, publishes bool
	}{
		{"info", "", false, true},
		{"warn", "", false, true},
		{"hold", "", false, false},
		{"hold", "", true, true},
		{"fail", "", false, false},
		{"fail", "", true, false},
		{"warn", "hold", false, false},
		{"warn", "fail", true, false},
		{"fail", "info", false, true},
	} {
		var severity returns.Severity
		if err := severity.UnmarshalText([]byte(c.found)); err != nil {
			t.Fatal(err)
		}
		d := &Decision{approved: c.approved}
		if c.policy != "" {
			d.policy = []returns.NamedSeverity{{Code: "run.turnover", Severity: c.policy}}
		}
		var m engine.Memory
		err := d.gate(&runner{Runner: &engine.Runner{Sink: &m}}, "optimize", []returns.Finding{{Code: "data.gap"}, {Code: "run.turnover", Severity: severity}})
		var gate *published.GateError
		if stopped := errors.As(err, &gate); stopped == c.publishes || err != nil && !stopped {
			t.Errorf("%+v: %v", c, err)
		}
		if len(d.Findings) != 2 || m.Count(engine.Found, "optimize") != 2 {
			t.Errorf("%+v: %d findings kept, %d told", c, len(d.Findings), m.Count(engine.Found, "optimize"))
		}
	}
}
