package optimize

import (
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

var (
	highs     = flag.Int("highs", 0, "number of random problems to compare with HiGHS (needs python3-scipy)")
	highsFrom = flag.Uint64("highsfrom", 0, "seed of the first of them")
)

// highsTol is how far objectives may be apart, relative to the larger of the
// objective and the mean absolute return. HiGHS keeps to its rows within 1e-10
// in that unit; a limit on the risk that binds makes a multiple of it.
const highsTol = 1e-9

type highsRow struct {
	Coef  []float64 `json:"coef"`
	Lower *float64  `json:"lower"`
	Upper *float64  `json:"upper"`
}

type highsDistance struct {
	Weight   []float64 `json:"weight"`
	Center   []float64 `json:"center"`
	Coef     []float64 `json:"coef"`
	Short    []float64 `json:"short"`
	Constant float64   `json:"constant"`
	Limit    float64   `json:"limit"`
}

// highsProblem is what testdata/reference/highs/solve.py reads.
type highsProblem struct {
	Returns      [][]float64     `json:"returns"`
	Prob         []float64       `json:"prob"`
	Levels       []Level         `json:"levels"`
	Mean         []float64       `json:"mean"`
	M            float64         `json:"m"`
	Rho          float64         `json:"rho"`
	Lower        []float64       `json:"lower"`
	Upper        []float64       `json:"upper"`
	Rows         []highsRow      `json:"rows"`
	Distances    []highsDistance `json:"distances"`
	Previous     []float64       `json:"previous"`
	Cost         []float64       `json:"cost"`
	Borrow       []float64       `json:"borrow"`
	Radius       float64         `json:"radius"`
	Norm         Norm            `json:"norm"`
	MaxRisk      *float64        `json:"max_risk"`
	MinPosition  float64         `json:"min_position"`
	MaxPositions int             `json:"max_positions"`
}

func forHiGHS(p *Problem) highsProblem {
	h := highsProblem{
		Prob: p.Set.Prob, Levels: p.levels(), Mean: p.means(), Lower: p.Lower, Upper: p.Upper, Rows: []highsRow{}, Distances: []highsDistance{},
		Previous: p.Previous, Cost: p.Cost, Borrow: p.Borrow, Radius: p.Radius, Norm: p.Norm, MinPosition: p.MinPosition, MaxPositions: p.MaxPositions,
	}
	for j := range p.Set.Len() {
		h.Returns = append(h.Returns, p.Set.Row(j))
	}
	switch p.objective() {
	case MinCVaR:
		h.Rho = 1
	case Utility:
		h.M, h.Rho = 1, p.Aversion
	case MaxReturn:
		h.M = 1
	}
	if p.limited() {
		h.MaxRisk = &p.MaxCVaR
	}
	for _, c := range p.rows() {
		row := highsRow{Coef: c.Coef}
		if !math.IsInf(c.Lower, -1) {
			row.Lower = &c.Lower
		}
		if !math.IsInf(c.Upper, 1) {
			row.Upper = &c.Upper
		}
		h.Rows = append(h.Rows, row)
	}
	for _, d := range p.Distances {
		h.Distances = append(h.Distances, highsDistance{d.Weight, d.Center, d.Coef, d.Short, d.Constant, d.Limit})
	}
	return h
}

// value is what p minimizes, and excess the largest amount by which w breaks
// something, both straight from the definitions at Problem.
func value(p *Problem, w []float64) (value, excess float64) {
	mean, risk := -p.cost(w)-p.Radius*p.dualNorm(w), p.cost(w)+p.ballRisk()*p.dualNorm(w)
	for i, x := range p.means() {
		mean += x * w[i]
	}
	for _, l := range p.levels() {
		risk += l.Weight * newTail(p.Set, l.Alpha).risk(p.Set, w).CVaR
	}
	excess, _ = p.violation(w)
	for _, d := range p.Distances {
		excess = max(excess, d.of(w)-d.Limit)
	}
	if p.limited() {
		excess = max(excess, risk-p.MaxCVaR)
	}
	positions := 0
	for _, x := range w {
		if math.Abs(x) > 1e-9 {
			positions++
			excess = max(excess, p.MinPosition-math.Abs(x))
		}
	}
	if p.MaxPositions > 0 && positions > p.MaxPositions {
		excess = math.Inf(1)
	}
	switch p.objective() {
	case Utility:
		return p.Aversion*risk - mean, excess
	case MaxReturn:
		return -mean, excess
	}
	return risk, excess
}

type highsAnswer struct {
	Status    string    `json:"status"`
	Objective float64   `json:"objective"`
	Weights   []float64 `json:"weights"`
	Seconds   float64   `json:"seconds"`
}

// TestHiGHS compares the least value of random problems of all kinds, and
// whether there is one, with an independent solver and an independent statement
// of the problem.
func TestHiGHS(t *testing.T) {
	if *highs == 0 {
		t.Skip("no -highs")
	}
	var problems []*Problem
	var kinds []string
	var questions []highsProblem
	for k := range uint64(*highs) {
		p, kind := randomProblem(*highsFrom + k)
		if k%2 == 1 {
			p, kind = degenerate(*highsFrom + k)
		}
		problems, kinds, questions = append(problems, p), append(kinds, kind), append(questions, forHiGHS(p))
	}
	answers := askHiGHS(t, questions)

	infeasible, seconds, worst, restated, broken := 0, 0.0, 0.0, 0.0, 0.0
	refuted := 0
	for k, p := range problems {
		a := answers[k]
		seconds += a.Seconds
		scale := max(math.Abs(a.Objective), meanAbsolute(p.Set))
		switch a.Status {
		case "infeasible":
			infeasible++
		case "optimal":
			// Their weights by our definitions: do both speak of one problem?
			v, excess := value(p, a.Weights)
			restated = max(restated, math.Abs(v-a.Objective)/scale)
			if !(math.Abs(v-a.Objective) <= highsTol*scale) || excess > 1e-8 {
				t.Errorf("seed %d, %s: HiGHS's weights have the value %.12g, not %.12g, and break something by %.2g", *highsFrom+uint64(k), kinds[k], v, a.Objective, excess)
			}
			broken = max(broken, excess)
		default:
			t.Errorf("seed %d, %s: HiGHS says %q", *highsFrom+uint64(k), kinds[k], a.Status)
			continue
		}
		s, err := Solve(t.Context(), p)
		none := new(InfeasibleError)
		switch {
		case errors.As(err, &none):
			if a.Status != "infeasible" {
				t.Errorf("seed %d, %s: infeasible here, %q there with %v: %v", *highsFrom+uint64(k), kinds[k], a.Status, a.Objective, err)
			}
			continue
		case err != nil:
			t.Errorf("seed %d, %s: %v", *highsFrom+uint64(k), kinds[k], err)
			continue
		case a.Status != "optimal":
			t.Errorf("seed %d, %s: %v here, %q there", *highsFrom+uint64(k), kinds[k], s.Certificate.ExactPrimal, a.Status)
			continue
		}
		apart := (s.Certificate.ExactPrimal - a.Objective) / scale
		if v, excess := value(p, s.Exact); p.discrete() && apart < -highsTol && math.Abs(v-s.Certificate.ExactPrimal) <= 1e-12*scale && excess <= 1e-12 {
			// An admissible portfolio below the claimed optimum refutes the claim.
			t.Logf("seed %d, %s: %.12g here is admissible and below HiGHS's %.12g", *highsFrom+uint64(k), kinds[k], v, a.Objective)
			refuted++
			continue
		}
		worst = max(worst, math.Abs(apart))
		if !(math.Abs(apart) <= highsTol) {
			t.Errorf("seed %d, %s: %.12g here, %.12g there: %.2g apart", *highsFrom+uint64(k), kinds[k], s.Certificate.ExactPrimal, a.Objective, apart)
		}
	}
	t.Logf("%d problems, of which %d infeasible; %d where HiGHS missed the optimum of a search over positions; the others are at most %.2g apart; HiGHS's own weights restate its value to %.2g and break something by %.2g at most; it took %.1f s",
		len(problems), infeasible, refuted, worst, restated, broken, seconds)
}

func askHiGHS(t *testing.T, questions []highsProblem) (answers []highsAnswer) {
	t.Helper()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "problems.json"), filepath.Join(dir, "answers.json")
	b, err := json.Marshal(questions)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(in, b, 0o600); err != nil {
		t.Fatal(err)
	}
	// Debian's Python has scipy; another one that comes first may not.
	command := exec.CommandContext(t.Context(), "/usr/bin/python3", filepath.Join("..", "testdata", "reference", "highs", "solve.py"), in, out)
	if text, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if b, err = os.ReadFile(out); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &answers); err != nil {
		t.Fatal(err)
	}
	if len(answers) != len(questions) {
		t.Fatalf("%d answers to %d questions", len(answers), len(questions))
	}
	return answers
}
