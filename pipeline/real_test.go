package pipeline

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"testing"

	"allocate/config"
	"allocate/pipeline/engine"
	"allocate/returns"
)

// realReturns are 29 rule-based strategies on 20 US stocks.
var realReturns = filepath.Join("..", "..", "shared", "data", "strategies", "returns.csv")

// TestRealStrategies is the main job as users have it: 29 strategies, ten
// years, nothing set but the file and the day. The only findings are those of the
// two trend followers whose mean a symmetric model has far above the sample's.
func TestRealStrategies(t *testing.T) {
	if _, err := os.Stat(realReturns); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("no %s beside the repository", realReturns)
	}
	c := config.Default()
	c.Returns.Path, c.AsOf, c.Workers = realReturns, "2022-12-28", 2
	c.Out, c.Cache = filepath.Join(t.TempDir(), "out"), t.TempDir()
	if testing.Short() {
		c.Bayes.Draws, c.Bayes.Replicates, c.Scenarios.Count, c.Scenarios.Holdout = 400, 100, 6000, new(int)
	}
	fits := 29
	if testing.Short() {
		c.Returns.Strategies = []string{"trend_ma200", "vol_target_10", "turn_of_month", "friday_only"}
		fits = len(c.Returns.Strategies)
	}
	o, m := run(t, &c)
	d := o.Decision
	if n := m.Count(engine.ActionFinished, "bayes"); n != fits {
		t.Errorf("%d posteriors, want %d", n, fits)
	}
	if d.AsOf.String() != "2022-12-28" || d.Effective.String() != "2022-12-29" {
		t.Errorf("as of %v, effective %v", d.AsOf, d.Effective)
	}
	asymmetric := map[string]bool{"trend_ma200": true, "vol_target_10": true}
	for _, f := range d.Findings {
		switch {
		case f.Code == "bayes.check_mean" && f.Severity == returns.Warn && asymmetric[f.Strategy]:
			delete(asymmetric, f.Strategy)
		case f.Severity > returns.Info:
			t.Errorf("finding: %v", f)
		}
	}
	if len(asymmetric) > 0 {
		t.Errorf("no finding of the mean of %v", asymmetric)
	}
	s := d.Solution
	if gap := s.Certificate.ExactGap; !(math.Abs(gap) < 1e-12) || s.Certificate.MaxViolation > 1e-12 {
		t.Errorf("gap %v, violation %v", gap, s.Certificate.MaxViolation)
	}
	sum := 0.0
	for _, x := range s.Contributions {
		sum += x
	}
	if math.Abs(sum-s.CVaR) > 1e-12 {
		t.Errorf("contributions sum to %v, CVaR is %v", sum, s.CVaR)
	}
	t.Logf("expected %.4f, CVaR %.4f, VaR %.4f, gap %.1g", s.Mean, s.CVaR, s.VaR, s.Certificate.ExactGap)
}
