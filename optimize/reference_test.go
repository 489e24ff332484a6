package optimize

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"gonum.org/v1/gonum/mat"

	"allocate/scenarios"
)

// reference reads a file of published or exactly computed answers, which are
// kept beside the project and not in it.
func reference(t *testing.T, path ...string) []byte {
	t.Helper()
	name := filepath.Join(append([]string{"..", "..", "shared", "reference", "cvar"}, path...)...)
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("no reference answers here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rat is an exact fraction such as "57/5000".
type rat float64

func (r *rat) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	q, ok := new(big.Rat).SetString(s)
	if !ok {
		return errors.New("not a fraction: " + s)
	}
	f, _ := q.Float64()
	*r = rat(f)
	return nil
}

func floats(rs []rat) []float64 {
	out := make([]float64, len(rs))
	for i, r := range rs {
		out[i] = float64(r)
	}
	return out
}

// TestTinyExact solves small programs whose rational optima and optimal
// vertices are known exactly: integer and fractional tails, tails of less than
// one scenario, ties, duplicate strategies, weighted probabilities, short
// positions.
func TestTinyExact(t *testing.T) {
	var cases []struct {
		Name       string
		N          int
		R          [][]rat
		P          []rat
		Alpha      rat
		Lb, Ub     []rat
		Budget     rat
		Lambda     rat
		Mu         []rat
		Kappa      rat
		W0         []rat
		Mean_Floor *rat
		Turnover   *rat
		Result     struct {
			Status    string
			Obj       rat
			Weights   [][]rat
			Cvar, Var rat
		}
	}
	if err := json.Unmarshal(reference(t, "tiny_exact.json"), &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 36 {
		t.Errorf("%d instances, want 36", len(cases))
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			set := &scenarios.Set{Horizon: 1, Prob: floats(c.P)}
			for i := range c.Lb {
				set.Names = append(set.Names, strconv.Itoa(i))
			}
			for _, row := range c.R {
				set.Returns = append(set.Returns, floats(row)...)
			}
			p := &Problem{Set: set, Alpha: float64(c.Alpha), Budget: float64(c.Budget), Lower: floats(c.Lb), Upper: floats(c.Ub), Decimals: 6}
			if c.Mean_Floor != nil {
				p.Constraints = []Constraint{{Name: "floor", Coef: floats(c.Mu), Lower: float64(*c.Mean_Floor), Upper: math.Inf(1)}}
			}
			// The file's objective is lambda CVaR - (1-lambda) mu'w, in full.
			unit := 1.0
			if c.Lambda != 1 {
				unit = 1 - float64(c.Lambda)
				p.Objective, p.Aversion, p.Mean = Utility, float64(c.Lambda)/unit, floats(c.Mu)
			}
			if c.Kappa != 0 {
				p.Previous, p.Cost = floats(c.W0), fill(c.N, float64(c.Kappa))
			}
			if c.Turnover != nil {
				p.Distances = []Distance{{Name: "turnover", Weight: fill(c.N, 1), Center: floats(c.W0), Limit: float64(*c.Turnover)}}
			}
			equal := true
			for _, q := range c.P {
				equal = equal && q == c.P[0]
			}
			// Equal probabilities may be given or left out: two code paths, one answer.
			for _, prob := range [][]float64{set.Prob, nil} {
				if prob == nil && !equal {
					continue
				}
				set.Prob = prob
				s, err := Solve(t.Context(), p)
				if c.Result.Status == "infeasible" {
					if infeasible := new(InfeasibleError); !errors.As(err, &infeasible) {
						t.Fatalf("got %v, want an InfeasibleError", err)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				near(t, "objective", unit*s.Certificate.ExactPrimal, float64(c.Result.Obj), 1e-15)
				near(t, "exact gap", s.Certificate.ExactGap, 0, 1e-14)
				r, err := Evaluate(set, s.Exact, p.Alpha)
				if err != nil {
					t.Fatal(err)
				}
				if len(c.Result.Weights) == 1 {
					near(t, "VaR", r.VaR, float64(c.Result.Var), 1e-14)
				}
				hull := fromHull(c.Result.Weights, s.Exact)
				near(t, "distance to the face of optimal vertices", hull, 0, 1e-12)
			}
		})
	}
}

// fromHull is the distance of w from the convex hull of points, the square
// root of a convex quadratic of two or three shares that is scanned ever finer.
func fromHull(points [][]rat, w []float64) float64 {
	at := func(share []float64) float64 {
		worst := 0.0
		for i := range w {
			x := 0.0
			for k, p := range points {
				x += share[k] * float64(p[i])
			}
			worst = max(worst, math.Abs(x-w[i]))
		}
		return worst
	}
	share := make([]float64, len(points))
	share[0] = 1
	best := at(share)
	for step := 0.5; step > 1e-15; {
		better := false
		for from := range share {
			for to := range share {
				try := slices.Clone(share)
				move := min(step, try[from])
				try[from] -= move
				try[to] += move
				if d := at(try); d < best {
					best, share, better = d, try, true
				}
			}
		}
		if !better {
			step /= 2
		}
	}
	return best
}

// TestPyPortfolioOpt reproduces the CVaR values that PyPortfolioOpt's tests
// publish for 20 stocks.
func TestPyPortfolioOpt(t *testing.T) {
	var file struct {
		Cases []struct {
			Name        string
			Bounds      [2]float64
			Budget      float64
			L2          float64
			Mean_Floor  *float64
			Mu          string
			CVaR        *float64 `json:"cvar"`
			Ours        *float64
			Cvar_Limit  *float64
			Max_Mean    float64
			Status      string
			Description string
		}
	}
	if err := json.Unmarshal(reference(t, "pypfopt", "expected.json"), &file); err != nil {
		t.Fatal(err)
	}
	header, values := table(t, "pypfopt", "returns.csv")
	set := &scenarios.Set{Horizon: 1, Names: header}
	for _, row := range values {
		set.Returns = append(set.Returns, row...)
	}
	means, mu := table(t, "pypfopt", "mu.csv")
	column := map[string][]float64{}
	for k, name := range means {
		for _, row := range mu {
			column[name] = append(column[name], row[k])
		}
	}

	solved, skipped := 0, 0
	for _, c := range file.Cases {
		if c.L2 != 0 {
			skipped++ // a quadratic term is for the bundle method
			continue
		}
		solved++
		t.Run(c.Name, func(t *testing.T) {
			n := len(set.Names)
			p := &Problem{Set: set, Alpha: 0.95, Budget: c.Budget, Lower: fill(n, c.Bounds[0]), Upper: fill(n, c.Bounds[1]), Decimals: 6}
			if c.Mean_Floor != nil {
				coef := column[c.Mu]
				if c.Mu == "" {
					coef = column["mu_cagr_common_sample"]
				}
				p.Constraints = []Constraint{{Name: "floor", Coef: coef, Lower: *c.Mean_Floor, Upper: math.Inf(1)}}
			}
			if c.Cvar_Limit != nil {
				p.Objective, p.MaxCVaR, p.Mean = MaxReturn, *c.Cvar_Limit, column[c.Mu]
				if c.Mu == "" {
					p.Mean = column["mu_cagr_common_sample"]
				}
				s, err := Solve(t.Context(), p)
				if c.Status == "infeasible" {
					if infeasible := new(InfeasibleError); !errors.As(err, &infeasible) {
						t.Errorf("got %v, want an InfeasibleError", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				near(t, "exact gap", s.Certificate.ExactGap, 0, 1e-13)
				near(t, "highest mean", -s.Certificate.ExactPrimal, c.Max_Mean, 1e-9)
				return
			}
			s := solve(t, p)
			near(t, "exact gap", s.Certificate.ExactGap, 0, 1e-13)
			if c.Ours != nil {
				near(t, "CVaR", s.Certificate.ExactPrimal, *c.Ours, 1e-9)
			} else {
				near(t, "CVaR", s.Certificate.ExactPrimal, *c.CVaR, 1e-6)
			}
		})
	}
	if solved != 9 || skipped != 3 {
		t.Errorf("solved %d and skipped %d cases; expected 9 and 3", solved, skipped)
	}
}

// TestRockafellarUryasev2000 samples the three normal assets of that paper,
// whose optimum is known in closed form, and expects the sampled optimum near
// it: tables 2 and 5 there differ by as much.
func TestRockafellarUryasev2000(t *testing.T) {
	var ru struct {
		Assets        []string
		Mean          []float64
		Cov           [][]float64
		Target_Return float64
		Recomputed    struct {
			Weights   []float64
			VaR, CVaR map[string]float64
		}
	}
	if err := json.Unmarshal(reference(t, "ru2000.json"), &ru); err != nil {
		t.Fatal(err)
	}
	cov := mat.NewSymDense(3, nil)
	for i := range 3 {
		for j := range 3 {
			cov.SetSym(i, j, ru.Cov[i][j])
		}
	}
	var chol mat.Cholesky
	if !chol.Factorize(cov) {
		t.Fatal("covariance is not positive definite")
	}
	var l mat.TriDense
	chol.LTo(&l)
	const m = 40_000
	set := &scenarios.Set{Horizon: 1, Names: ru.Assets, Returns: make([]float64, 3*m)}
	rng := rand.New(rand.NewPCG(2000, 1))
	for j := 0; j < m; j += 2 { // antithetic pairs: the sample mean is exact
		z := mat.NewVecDense(3, []float64{rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()})
		z.MulVec(&l, z)
		for i := range 3 {
			set.Row(j)[i], set.Row(j + 1)[i] = ru.Mean[i]+z.AtVec(i), ru.Mean[i]-z.AtVec(i)
		}
	}
	for _, alpha := range []float64{0.9, 0.95, 0.99} {
		key := strconv.FormatFloat(alpha, 'g', -1, 64)
		r, err := Evaluate(set, ru.Recomputed.Weights, alpha)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "VaR "+key, r.VaR, ru.Recomputed.VaR[key], 0.003)
		near(t, "CVaR "+key, r.CVaR, ru.Recomputed.CVaR[key], 0.003)

		p := &Problem{
			Set: set, Alpha: alpha, Budget: 1, Lower: fill(3, 0), Upper: fill(3, 1), Decimals: 6,
			Constraints: []Constraint{{Name: "target", Coef: ru.Mean, Lower: ru.Target_Return, Upper: math.Inf(1)}},
		}
		s := solve(t, p)
		near(t, "least CVaR "+key, s.Certificate.ExactPrimal, ru.Recomputed.CVaR[key], 0.003)
		if s.Certificate.ExactPrimal > r.CVaR+1e-15 {
			t.Errorf("alpha %v: solved CVaR %v is above %v of the closed-form weights", alpha, s.Certificate.ExactPrimal, r.CVaR)
		}
	}
}

// table reads a CSV file whose first column is a label.
func table(t *testing.T, path ...string) (header []string, values [][]float64) {
	t.Helper()
	name := filepath.Join(append([]string{"..", "..", "shared", "reference", "cvar"}, path...)...)
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range records[1:] {
		row := make([]float64, len(rec)-1)
		for k, cell := range rec[1:] {
			if row[k], err = strconv.ParseFloat(cell, 64); err != nil {
				t.Fatal(err)
			}
		}
		values = append(values, row)
	}
	return records[0][1:], values
}

func fill(n int, x float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = x
	}
	return out
}

func distance(a, b []float64) float64 {
	d := 0.0
	for i := range a {
		d = max(d, math.Abs(a[i]-b[i]))
	}
	return d
}

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s: got %.17g, want %.17g within %g", what, got, want, tol)
	}
}
