package optimize

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"testing"

	"allocate/scenarios"
)

// TestBundleTinyExact reaches the rational optima of all instances, those with
// a utility, costs or a limit on the turnover included.
func TestBundleTinyExact(t *testing.T) {
	var cases []struct {
		Name       string
		R          [][]rat
		P          []rat
		Alpha      rat
		Lb, Ub, W0 []rat
		Budget     rat
		Lambda     rat
		Mu         []rat
		Kappa      rat
		Mean_Floor *rat
		Turnover   *rat
		Result     struct {
			Status string
			Obj    rat
		}
	}
	if err := json.Unmarshal(reference(t, "tiny_exact.json"), &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 36 {
		t.Errorf("%d instances; expected 36", len(cases))
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			set := &scenarios.Set{Horizon: 1, Prob: floats(c.P)}
			for i, row := range c.R {
				if i < len(c.Lb) {
					set.Names = append(set.Names, strconv.Itoa(i))
				}
				set.Returns = append(set.Returns, floats(row)...)
			}
			n := len(c.Lb)
			p := &Problem{
				Set: set, Alpha: float64(c.Alpha), Budget: float64(c.Budget), Lower: floats(c.Lb), Upper: floats(c.Ub), Decimals: 6,
				Mean: floats(c.Mu), Previous: floats(c.W0), Cost: fill(n, float64(c.Kappa)),
			}
			unit := 1.0 // of F in the objective of the instance
			if c.Lambda != 1 {
				unit = 1 - float64(c.Lambda)
				p.Objective, p.Aversion = Utility, float64(c.Lambda)/unit
			}
			if c.Mean_Floor != nil {
				p.Constraints = []Constraint{{Name: "floor", Coef: p.Mean, Lower: float64(*c.Mean_Floor), Upper: math.Inf(1)}}
			}
			if c.Turnover != nil {
				p.Distances = []Distance{{Name: "turnover", Weight: fill(n, 1), Center: p.Previous, Limit: float64(*c.Turnover)}}
			}
			b := bundle(t, p, 1e-9)
			if b.Infeasible != (c.Result.Status == "infeasible") {
				t.Fatalf("infeasible is %v; expected %s", b.Infeasible, c.Result.Status)
			}
			if !b.Infeasible {
				near(t, "objective", unit*b.Value, float64(c.Result.Obj), 1e-10)
				near(t, "bound", unit*b.Bound, float64(c.Result.Obj), 1e-10)
			}
		})
	}
}

// TestBundlePyPortfolioOpt reproduces all values that PyPortfolioOpt's tests
// publish for 20 stocks, those with limits on the risk and with an L2 term
// included: the latter is l2 sum w^2, added to what is minimized, be it the
// CVaR or minus the mean.
func TestBundlePyPortfolioOpt(t *testing.T) {
	var file struct {
		Cases []struct {
			Name               string
			Bounds             [2]float64
			Budget, L2         float64
			Mean_Floor         *float64
			Mu, Status         string
			CVaR               *float64 `json:"cvar"`
			Ours               *float64
			Cvar_Limit         *float64
			Max_Mean           *float64
			Mean               *float64
			Mean_Common_Sample *float64
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
	names, rows := table(t, "pypfopt", "mu.csv")
	column := func(name string) []float64 {
		var mu []float64
		for _, row := range rows {
			mu = append(mu, row[slices.Index(names, name)])
		}
		return mu
	}
	for i, c := range file.Cases {
		t.Run(c.Name, func(t *testing.T) {
			if testing.Short() && i%3 != 0 {
				t.Skip("a third of the cases in -short")
			}
			n := len(set.Names)
			p := &Problem{
				Set: set, Alpha: 0.95, Budget: c.Budget, Lower: fill(n, c.Bounds[0]), Upper: fill(n, c.Bounds[1]), Decimals: 6,
				Mean: column("mu_cagr_common_sample"), Ridge: c.L2,
			}
			if c.Mu != "" {
				p.Mean = column(c.Mu)
			}
			if c.Mean_Floor != nil {
				p.Constraints = []Constraint{{Name: "floor", Coef: p.Mean, Lower: *c.Mean_Floor, Upper: math.Inf(1)}}
			}
			if c.Cvar_Limit != nil {
				p.Objective, p.MaxCVaR = MaxReturn, *c.Cvar_Limit
			}
			b := bundle(t, p, 1e-8)
			if b.Infeasible != (c.Status == "infeasible") {
				t.Fatalf("infeasible is %v; expected status %q", b.Infeasible, c.Status)
			}
			if b.Infeasible {
				return
			}
			mean := 0.0
			for i, x := range b.W {
				mean += p.Mean[i] * x
			}
			r, err := Evaluate(set, b.W, p.Alpha)
			if err != nil {
				t.Fatal(err)
			}
			tol := 1e-7
			if c.Name == "efficient_return_0.25_l2_1" {
				tol = 1e-5 // published with the accuracy of its solver
			}
			if c.Name == "efficient_risk_0.03_l2_1" {
				// Published is what the solver left in its variables for the
				// CVaR, which is slack between the CVaR and the limit.
				if !(r.CVaR <= *c.CVaR && *c.CVaR <= *c.Cvar_Limit) {
					t.Errorf("CVaR %v, published %v, limit %v are not in this order", r.CVaR, *c.CVaR, *c.Cvar_Limit)
				}
				c.CVaR = nil
			}
			if c.Ours != nil {
				c.CVaR = c.Ours // more digits
			}
			for _, x := range []struct {
				what string
				got  float64
				want *float64
			}{{"CVaR", r.CVaR, c.CVaR}, {"mean", mean, c.Max_Mean}, {"mean", mean, c.Mean}, {"mean", mean, c.Mean_Common_Sample}} {
				if x.want != nil {
					near(t, x.what, x.got, *x.want, tol)
				}
			}
		})
	}
	if len(file.Cases) != 12 {
		t.Errorf("%d cases; expected 12", len(file.Cases))
	}
}
