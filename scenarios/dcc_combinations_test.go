package scenarios

import (
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"

	"allocate/returns"
)

// TestDCCWithOtherOptions makes scenarios of moving correlations of strategies that are
// hard: of a short history, the same twice, opposite, one that starts late and shares few
// days, out of the market on most days, alone; over a year, and with a view and a stress.
func TestDCCWithOtherOptions(t *testing.T) {
	score, _ := dccTruth(6, 4, 1500, 0.04, 0.94, 6)
	nan := func(row []float64, from, to int) []float64 {
		row = slices.Clone(row)
		for k := from; k < to; k++ {
			row[k] = math.NaN()
		}
		return row
	}
	negative := slices.Clone(score[0])
	for k := range negative {
		negative[k] *= -1
	}
	flat := make([]float64, 1500)
	for k := range flat {
		if k%5 == 0 {
			flat[k] = 0.01 * score[3][k]
		}
	}
	short := [][]float64{score[0][:80], score[1][:80], score[2][:80]}
	for name, c := range map[string]struct {
		s     []Strategy
		o     func(o *Options)
		moves bool
	}{
		"ordinary":      {s: ofScores(t, score), moves: true},
		"short":         {s: ofScores(t, short)},
		"alone":         {s: ofScores(t, score[:1])},
		"twice":         {s: ofScores(t, [][]float64{score[0], score[0], score[1]}), moves: true},
		"opposite":      {s: ofScores(t, [][]float64{score[0], negative, score[1]}), moves: true},
		"late":          {s: ofScores(t, [][]float64{score[0], nan(score[1], 0, 1460), nan(score[2], 300, 500)}), moves: true},
		"never at once": {s: ofScores(t, [][]float64{nan(score[0], 750, 1500), nan(score[1], 0, 750)})},
		"out":           {s: append(ofScores(t, score[:2]), hurdle(t, "z", flat, 0.2)), moves: true},
		"only out":      {s: []Strategy{hurdle(t, "y", flat, 0.2), hurdle(t, "z", flat, 0.2)}},
		"a year":        {s: ofScores(t, score), o: func(o *Options) { o.Horizon, o.Count = 366, min(300, o.Count/4) }, moves: true},
		"a day":         {s: ofScores(t, score), o: func(o *Options) { o.Horizon = 1 }, moves: true},
		"view, stress": {s: ofScores(t, score), o: func(o *Options) {
			o.Views = []View{{Name: "v", Strategy: "s000", Kind: Mean, Relation: AtMost, Value: -0.01}}
			o.Stress = []Stress{{Name: "x", Strategy: "s001", Return: -0.05}}
			o.Condition = "x"
		}, moves: true},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && (name == "a day" || name == "twice" || name == "only out") {
				t.Skip("ordinary, opposite and out are like it")
			}
			o := options(21, 2000)
			o.Dependence = DCC
			if testing.Short() {
				o.Count = 500
			}
			if c.o != nil {
				c.o(&o)
			}
			set, findings, err := Generate(t.Context(), 0, c.s, o, stream(1), 2, nil)
			if err != nil {
				t.Fatal(err)
			}
			if set.Len() != o.Count {
				t.Errorf("%d scenarios", set.Len())
			}
			i := slices.IndexFunc(findings, func(f returns.Finding) bool { return f.Code == "scenarios.dependence" })
			if len(c.s) == 1 {
				return
			}
			if i < 0 {
				t.Fatalf("no account of the dependence: %v", findings)
			}
			if moves := strings.Contains(findings[i].Sentence, "half-life"); moves != c.moves {
				t.Errorf("%s", findings[i].Sentence)
			}
			a, b := column(set, 0), column(set, 1)
			switch name {
			case "twice":
				if r := stat.Correlation(a, b, nil); r < 0.99 {
					t.Errorf("the same strategy twice: its returns correlate by %.4f", r)
				}
			case "opposite":
				if r := stat.Correlation(a, b, nil); r > -0.95 {
					t.Errorf("opposite strategies: their returns correlate by %.4f", r)
				}
			}
		})
	}
}
