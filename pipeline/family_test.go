package pipeline_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"allocate/bayes"
	"allocate/bayes/nuts"
	"allocate/config"
	"allocate/pipeline"
	"allocate/pipeline/engine"
	"allocate/reports"
	"allocate/returns"
	"allocate/scenarios"
)

// A family of return models from outside: nothing of the program knows it but by
// this file. It is autoregressive with Student-t innovations,
//
//	r_t = mu + phi (r_(t-1) - mu) + sigma e_t,  e_t ~ StudentT(nu, 0, 1)
//
// with the first day's scale sigma/sqrt(1 - phi^2). Priors, with s the sample's
// standard deviation: mu ~ Normal(0, s/4), ln(sigma/s) ~ Normal(0, 1),
// atanh phi ~ Normal(0, 1/2), nu - 2 ~ Gamma(2, 0.1).
func init() {
	bayes.Register(bayes.Family{
		Name:    "ar1_t_test",
		About:   "first-order autoregression with Student-t innovations",
		Options: []string{"horizon"},
		New: func(s *returns.Series, _ bayes.Options) (bayes.Model, error) {
			_, sd := s.Moments()
			if !(sd > 0) {
				return nil, fmt.Errorf("ar1_t_test: the %d returns do not vary", s.Len())
			}
			return &ar1{y: s.Returns, sd: sd}, nil
		},
		Predictor: func(s *returns.Series) bayes.Predictor { return ar1Predictor{s} },
	})
}

var (
	_ bayes.Initializer      = (*ar1)(nil)
	_ bayes.Reducer          = (*ar1)(nil)
	_ bayes.PriorSampler     = (*ar1)(nil)
	_ bayes.PriorDensity     = (*ar1)(nil)
	_ bayes.Replicator       = ar1Predictor{}
	_ bayes.TradingPredictor = ar1Predictor{}
	_ bayes.SharpeRatio      = ar1Predictor{}
	_ bayes.Commenter        = ar1Predictor{}
	_ bayes.Scorer           = ar1Predictor{}
)

type ar1 struct {
	y  []float64
	sd float64
}

func (m *ar1) Dim() int        { return 4 }
func (m *ar1) Names() []string { return []string{"mu", "phi", "sigma", "nu"} }

func (m *ar1) Constrain(q, theta []float64) {
	theta[0], theta[1], theta[2], theta[3] = q[0]*m.sd, math.Tanh(q[1]), m.sd*math.Exp(q[2]), 2+math.Exp(q[3])
}

func (m *ar1) LogDensity(q, grad []float64) (float64, error) {
	if math.Abs(q[1]) > 15 || math.Abs(q[2]) > 50 || math.Abs(q[3]) > 30 {
		return 0, nuts.ErrRecoverable
	}
	var theta [4]float64
	m.Constrain(q, theta[:])
	mu, phi, sigma, nu := theta[0], theta[1], theta[2], theta[3]
	rest := 1 - phi*phi
	a, _ := math.Lgamma((nu + 1) / 2)
	b, _ := math.Lgamma(nu / 2)
	n := float64(len(m.y))
	lp := n*(a-b-0.5*math.Log(nu*math.Pi)-math.Log(sigma)) + 0.5*math.Log(rest)
	dNu := n * (0.5*(mathext.Digamma((nu+1)/2)-mathext.Digamma(nu/2)) - 0.5/nu)
	dMu, dPhi, dLogSigma := 0.0, -phi/rest, -n
	before := 0.0
	for t, r := range m.y {
		d := r - mu
		e, eMu, ePhi := (d-phi*before)/sigma, -(1-phi)/sigma, -before/sigma
		if t == 0 {
			e, eMu, ePhi = d*math.Sqrt(rest)/sigma, -math.Sqrt(rest)/sigma, -d*phi/math.Sqrt(rest)/sigma
		}
		l := math.Log1p(e * e / nu)
		lp -= (nu + 1) / 2 * l
		slope := -(nu + 1) * e / (nu + e*e)
		dMu += slope * eMu
		dPhi += slope * ePhi
		dLogSigma -= slope * e
		dNu += -0.5*l + (nu+1)/2*e*e/(nu*(nu+e*e))
		before = d
	}
	prior, jacobian := m.LogPrior(theta[:])
	grad[0] = dMu*m.sd - 16*q[0]
	grad[1] = dPhi*rest - 4*q[1]
	grad[2] = dLogSigma - q[2]
	grad[3] = dNu*(nu-2) + 2 - 0.1*(nu-2)
	return lp + prior + jacobian, nil
}

func (m *ar1) LogPrior(theta []float64) (logPrior, logJacobian float64) {
	x, z, s, nu := theta[0]/m.sd, math.Atanh(theta[1]), math.Log(theta[2]/m.sd), theta[3]
	return -8*x*x - 2*z*z - s*s/2 + math.Log(nu-2) - 0.1*(nu-2), math.Log(nu - 2)
}

func (m *ar1) SamplePrior(rng *rand.Rand, q []float64) {
	nu := distuv.Gamma{Alpha: 2, Beta: 0.1, Src: rng}
	q[0], q[1], q[2], q[3] = rng.NormFloat64()/4, rng.NormFloat64()/2, rng.NormFloat64(), math.Log(nu.Rand())
}

func (m *ar1) Initialize(q []float64) { q[0], q[1], q[2], q[3] = 0, 0, -0.2, 1 }

// Reduce has nothing to reduce: an autoregression has no cheaper likelihood.
func (m *ar1) Reduce([]float64, mat.Symmetric) bayes.Model { return m }

type ar1Predictor struct{ series *returns.Series }

func (m ar1Predictor) Mean(theta []float64) float64 { return theta[0] }

func (m ar1Predictor) Volatility(theta []float64) float64 {
	return theta[2] * math.Sqrt(theta[3]/(theta[3]-2)/(1-theta[1]*theta[1]))
}

func (m ar1Predictor) Idle([]float64) float64 { return 0 }

func (m ar1Predictor) Sharpe(theta []float64) float64 {
	return m.Mean(theta) / m.Volatility(theta) * math.Sqrt(m.series.Frequency.PeriodsPerYear())
}

func (m ar1Predictor) Findings() []returns.Finding {
	return []returns.Finding{{Code: "bayes.ar1_t_test", Numbers: map[string]float64{"days": float64(m.series.Len()), "undefined": math.NaN()}, Sentence: "The returns are autoregressive."}}
}

func (m ar1Predictor) PIT(theta, y, u []float64) {
	mu, phi, nu := theta[0], theta[1], distuv.StudentsT{Sigma: 1, Nu: theta[3]}
	location, scale := mu, theta[2]/math.Sqrt(1-phi*phi)
	for t, r := range y {
		u[t] = nu.CDF((r - location) / scale)
		location, scale = mu+phi*(r-mu), theta[2]
	}
}

func (m ar1Predictor) LogScores(theta, y, score []float64) {
	location, scale := theta[0], theta[2]/math.Sqrt(1-theta[1]*theta[1])
	for t, r := range y {
		if at := t - (len(y) - len(score)); at >= 0 {
			score[at] = distuv.StudentsT{Mu: location, Sigma: scale, Nu: theta[3]}.LogProb(r)
		}
		location, scale = theta[0]+theta[1]*(r-theta[0]), theta[2]
	}
}

func (m ar1Predictor) step(theta []float64, before, z float64) float64 {
	return max(-1, theta[0]+theta[1]*(before-theta[0])+theta[2]*tOfNormal(z, theta[3]))
}

// tOfNormal is the quantile of a Student-t with nu degrees of freedom at the
// probability of a normal score z: Hill (1970), Algorithm 396, with one step of
// Newton's method. It takes a tenth of the time of the inverse of the incomplete
// beta function, which most of these tests' time would be spent on.
func tOfNormal(z, nu float64) float64 {
	p, x := math.Erfc(math.Abs(z)/math.Sqrt2), -math.Abs(z) // of both tails
	a := 1 / (nu - 0.5)
	b := 48 / (a * a)
	c := ((20700*a/b-98)*a-16)*a + 96.36
	d := ((94.5/(b+c)-3)/b + 1) * math.Sqrt(a*math.Pi/2) * nu
	y := math.Pow(d*p, 2/nu)
	if y > 0.05+a {
		if y = x * x; nu < 5 {
			c += 0.3 * (nu - 4.5) * (x + 0.6)
		}
		c += (((0.05*d*x-5)*x-7)*x-2)*x + b
		y = (((((0.4*y+6.3)*y+36)*y+94.5)/c-y-3)/b + 1) * x
		y = math.Expm1(a * y * y)
	} else {
		y = ((1/(((nu+6)/(nu*y)-0.089*d-0.822)*(nu+2)*3)+0.5/(nu+4))*y-1)*(nu+1)/(nu+2) + 1/y
	}
	e := math.Sqrt(nu * y)
	t := distuv.StudentsT{Sigma: 1, Nu: nu}
	if density := t.Prob(e); density > 0 {
		e += (t.Survival(e) - p/2) / density
	}
	return math.Copysign(e, z)
}

func TestStudentTOfNormal(t *testing.T) {
	for _, nu := range []float64{2.01, 2.5, 3, 4.7, 8, 30, 400} {
		for z := -5.0; z <= 5; z += 0.25 {
			want := distuv.StudentsT{Sigma: 1, Nu: nu}.Quantile(0.5 * math.Erfc(-z/math.Sqrt2))
			if got := tOfNormal(z, nu); math.Abs(got-want) > 1e-6*max(1, math.Abs(want)) {
				t.Errorf("nu %v, z %v: %v, want %v", nu, z, got, want)
			}
		}
	}
}

func (m ar1Predictor) Path(theta, z, r []float64) {
	before := m.series.Returns[m.series.Len()-1]
	for t, v := range z {
		r[t] = m.step(theta, before, v)
		before = r[t]
	}
}

func (m ar1Predictor) PathTrading(theta []float64, trades []bool, z, r []float64) {
	before := m.series.Returns[m.series.Len()-1]
	for t, v := range z {
		r[t] = 0
		if trades[t] {
			r[t] = m.step(theta, before, v)
		}
		before = r[t]
	}
}

func (m ar1Predictor) Replicate(theta []float64, rng *rand.Rand, y []float64) {
	e := distuv.StudentsT{Sigma: 1, Nu: theta[3], Src: rng}
	for t := range y {
		if t == 0 {
			y[t] = theta[0] + theta[2]/math.Sqrt(1-theta[1]*theta[1])*e.Rand()
			continue
		}
		y[t] = theta[0] + theta[1]*(y[t-1]-theta[0]) + theta[2]*e.Rand()
	}
}

// truth are the parameters of the simulated strategies.
var truth = []float64{0.0005, 0.4, 0.008, 5}

// autoregressive are weekdays of several strategies whose innovations have the
// given correlation; the last day of the first is a loss of 5%.
func autoregressive(n, days int, rho float64) []*returns.Series {
	rng := rand.New(rand.NewPCG(21, 22))
	all := make([]*returns.Series, n)
	for j := range all {
		all[j] = &returns.Series{Strategy: returns.Strategy{Name: string(rune('a' + j))}}
	}
	day := returns.NewDate(2019, 1, 1)
	for range days {
		for day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
			day++
		}
		common := rng.NormFloat64()
		for _, s := range all {
			z := math.Sqrt(rho)*common + math.Sqrt(1-rho)*rng.NormFloat64()
			before := truth[0]
			if s.Len() > 0 {
				before = s.Returns[s.Len()-1]
			}
			s.Dates, s.Returns = append(s.Dates, day), append(s.Returns, ar1Predictor{}.step(truth, before, z))
		}
		day++
	}
	all[0].Returns[days-1] = -0.05
	return all
}

func fitAR1(t *testing.T, s *returns.Series) scenarios.Strategy {
	t.Helper()
	o := bayes.DefaultOptions()
	if o.Model, o.Draws, o.MinESS, o.Horizon = "ar1_t_test", 500, 200, 21; testing.Short() {
		o.Chains, o.Draws, o.MinESS, o.Replicates = 2, 400, 100, 100
	}
	p, err := bayes.Fit(t.Context(), s, o, engine.Streams(1, "bayes "+s.Strategy.Name), nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.Predictor(s)
	if err != nil {
		t.Fatal(err)
	}
	return scenarios.Strategy{Series: s, Posterior: p, Predictor: m}
}

// TestRegisteredFamily fits the family, and asks it everything that the rest of
// the program asks a family.
func TestRegisteredFamily(t *testing.T) {
	all := autoregressive(2, 1500, 0.7)
	s := fitAR1(t, all[0])
	p := s.Posterior
	if p.Model != "ar1_t_test" || p.Method != bayes.NUTS || p.Verdict() == bayes.Unusable {
		t.Fatalf("model %s, method %s, verdict %s: %v", p.Model, p.Method, p.Verdict(), p.Findings)
	}
	for k, q := range p.Summary {
		if math.Abs(float64(q.Mean)-truth[k]) > 3.5*float64(q.SD) {
			t.Errorf("%s is %v, the posterior says %v (standard deviation %v)", q.Name, truth[k], q.Mean, q.SD)
		}
	}
	if len(p.Sensitivity) == 0 || len(p.Checks) == 0 || math.IsNaN(float64(p.LossTail)) {
		t.Errorf("%d sensitivities, %d checks, loss tail %v", len(p.Sensitivity), len(p.Checks), p.LossTail)
	}
	commented := false
	for _, f := range p.Findings {
		commented = commented || f.Code == "bayes.ar1_t_test"
		if strings.HasPrefix(f.Code, "bayes.check_") && f.Severity >= returns.Warn {
			t.Errorf("a check of the right model: %v", f) // a replicated history has the autocorrelation, too
		}
	}
	if table, err := p.Table(); !commented || err != nil {
		t.Errorf("the model's own finding is there: %v; table: %v %v", commented, table, err)
	}

	// Days given the past are independent and uniform; the returns are not.
	u, err := s.PIT(nil, all[0].Returns)
	if err != nil {
		t.Fatal(err)
	}
	lag := func(x []float64) float64 { return stat.Correlation(x[1:], x[:len(x)-1], nil) }
	if r := lag(all[0].Returns); r < 0.3 {
		t.Errorf("autocorrelation of the returns %.2f", r)
	}
	if r := lag(u); math.Abs(r) > 0.08 {
		t.Errorf("autocorrelation of the PITs %.2f", r)
	}
	var below [4]int
	for _, v := range u {
		below[min(3, int(4*v))]++
	}
	for k, n := range below {
		if math.Abs(float64(n)-375) > 60 { // standard deviation 17
			t.Errorf("quarter %d has %d of 1500 PITs", k+1, n)
		}
	}
	// Days after the series go on from it.
	after, err := s.PIT(all[0].Returns, []float64{-0.015, 0})
	if err != nil || math.Abs(after[0]-0.5) > 0.35 {
		t.Errorf("the day after a loss of 5%%: %v, %v", after, err)
	}

	// Paths go on from the last day: after -5% the median is about -2%.
	z, theta := make([]float64, 3), p.Theta(7)
	s.Predictor.Path(theta, z, z)
	if want := theta[0] + theta[1]*(-0.05-theta[0]); math.Abs(z[0]-want) > 1e-12 || z[0] > -0.01 {
		t.Errorf("median of the first day %v, want %v", z[0], want)
	}
	// Dependence is that of the innovations.
	o := scenarios.DefaultOptions()
	o.Horizon, o.Count = 1, 2000
	set, found, err := scenarios.Generate(t.Context(), all[0].Dates[1499], []scenarios.Strategy{s, fitAR1(t, all[1])}, o, engine.Streams(1, "scenarios"), 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if f.Code == "scenarios.pit" || f.Code == "scenarios.tail" {
			t.Errorf("%v", f)
		}
	}
	if mean := set.Mean()[0]; math.Abs(mean+0.02) > 0.006 {
		t.Errorf("expected return of the next day %.4f, want about -0.02", mean)
	}
}

// TestRegisteredFamilyInNightlyRun runs the family from the file of returns to the
// published page, with one strategy by another model.
func TestRegisteredFamilyInNightlyRun(t *testing.T) {
	dir := t.TempDir()
	days := 900
	if testing.Short() {
		days = 600
	}
	all := autoregressive(3, days, 0.5)
	var csv strings.Builder
	csv.WriteString("date,a,b,c\n")
	for i, day := range all[0].Dates {
		fmt.Fprintf(&csv, "%v,%.9f,%.9f,%.9f\n", day, all[0].Returns[i], all[1].Returns[i], all[2].Returns[i])
	}
	if err := os.WriteFile(filepath.Join(dir, "returns.csv"), []byte(csv.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	c := config.Default()
	c.Returns.Path, c.Out, c.Cache = filepath.Join(dir, "returns.csv"), filepath.Join(dir, "out"), filepath.Join(dir, "cache")
	c.AsOf, c.Workers, c.Scenarios.Count, c.Scenarios.Horizon = all[0].Dates[days-1].String(), 2, 1000, 1
	if c.Bayes.Model, c.Bayes.Draws, c.Bayes.MinESS = "ar1_t_test", 300, 100; testing.Short() {
		c.Bayes.Chains, c.Bayes.Draws, c.Bayes.MinESS, c.Bayes.MaxRHat, c.Bayes.Replicates, c.Scenarios.Count = 2, 200, 50, 1.1, 50, 300
	}
	normal := "normal"
	c.Bayes.Of = []bayes.Override{{Name: "c", Model: &normal}}
	done, err := pipeline.Run(context.Background(), &c, pipeline.RunOptions{Approve: true}, new(engine.Memory), func() time.Time { return time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC) })
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(done.Dir, "summary.json"))
	if err != nil {
		t.Fatal(err)
	}
	var s reports.Summary
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	codes := map[string]int{}
	for _, f := range s.Findings {
		codes[f.Code]++
	}
	if codes["bayes.ar1_t_test"] != 2 || codes["scenarios.holdout"] != 1 || codes["scenarios.pit"]+codes["scenarios.holdout_pit"] != 0 {
		t.Errorf("findings %v", codes)
	}
	want := ar1Predictor{}.Volatility(truth) * math.Sqrt(252)
	for _, x := range s.Strategies {
		model := map[string]string{"a": "ar1_t_test", "b": "ar1_t_test", "c": "normal"}[x.Name]
		if x.Model != model || x.Verdict == bayes.Unusable || x.Consistency == nil {
			t.Errorf("%s: model %s, verdict %s, consistency %v", x.Name, x.Model, x.Verdict, x.Consistency)
		}
		if v := float64(x.AnnualVolatility.Mean); math.Abs(v/want-1) > 0.2 {
			t.Errorf("%s: volatility %.3f, want about %.3f", x.Name, v, want)
		}
		if ratio := float64(x.AnnualReturn.Mean) / float64(x.AnnualVolatility.Mean); math.Abs(ratio-float64(x.Sharpe.Mean)) > 0.1 {
			t.Errorf("%s: return over volatility %.2f, Sharpe ratio %v", x.Name, ratio, x.Sharpe.Mean)
		}
	}
	if e := s.Strategies[0].ExpectedHorizon; math.Abs(e+0.02) > 0.007 {
		t.Errorf("a: expected return of the next day %.4f, want about -0.02", e)
	}
	page, err := os.ReadFile(filepath.Join(done.Dir, "tearsheet.html"))
	if err != nil || !strings.Contains(string(page), "ar1_t_test") || !strings.Contains(string(page), "Return model of c") {
		t.Errorf("the page lacks the model: %v", err)
	}
}

// TestPriorOfRegisteredFamily describes the prior as allocate check does.
func TestPriorOfRegisteredFamily(t *testing.T) {
	s := autoregressive(1, 300, 0)[0]
	f, err := bayes.Lookup("ar1_t_test")
	if err != nil {
		t.Fatal(err)
	}
	m, err := f.New(s, bayes.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	q, err := bayes.PriorPredictive(m, f.Predictor(s), returns.Daily, 252, 500, rand.NewPCG(1, 1))
	if err != nil || q[1].Name != "phi" || math.Abs(float64(q[1].Median)) > 0.1 {
		t.Errorf("%v, %v", q, err)
	}
}
