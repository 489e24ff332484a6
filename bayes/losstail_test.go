package bayes

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// skewed has one tail of Pareto shape 0.9, of losses (sign -1) or of gains (1),
// and one that is half normal.
type skewed struct {
	arch
	sign float64
}

func (m skewed) Path(_, z, r []float64) {
	for t, v := range z {
		if r[t] = -0.01 * m.sign * math.Abs(v); v*m.sign > 0 {
			r[t] = 0.01 * m.sign * math.Pow(2*distuv.UnitNormal.Survival(math.Abs(v)), -0.9)
		}
	}
}

// The gate on the tail judges losses: gains may be as heavy as they like.
func TestLossTailIgnoresGains(t *testing.T) {
	for _, c := range []struct {
		sign     float64
		low, top float64
		reported bool
	}{{-1, 0.75, 1.1, true}, {1, -1, 0.2, false}} {
		p := &Posterior{Names: []string{"mu"}, Chains: 4, Draws: 1000, Values: make([]float64, 4000)}
		o := DefaultOptions()
		o.Horizon, o.Replicates = 1, 0
		p.predict(skewed{sign: c.sign}, benchmarkReturns(200), o, testStream(1))
		reported := len(p.Findings) == 1 && p.Findings[0].Code == "bayes.pareto_k"
		if k := float64(p.LossTail); !(k > c.low && k < c.top) || reported != c.reported {
			t.Errorf("heavy tail of sign %v: Pareto k of losses %.2f, findings %v", c.sign, k, p.Findings)
		}
	}
}
