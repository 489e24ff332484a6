package bayes

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"allocate/bayes/mcmc"
	"allocate/returns"
)

// Families are in one order whatever the order in which they were registered,
// and what cannot be one is refused.
func TestRegister(t *testing.T) {
	all := names(Families())
	if !slices.IsSorted(all) || len(all) < len(builtIn) {
		t.Errorf("families %v", all)
	}
	for _, f := range builtIn {
		if got, err := Lookup(f.Name); err != nil || got.Name != f.Name {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
	if _, err := Lookup("garch"); err == nil || !strings.Contains(err.Error(), "hurdle_skew_t, hurdle_student_t, normal, plain_t, skew_t, student_t") {
		t.Errorf("%v", err)
	}
	good := Family{Name: "new", New: normalModel.New, Predictor: normalModel.Predictor}
	for what, spoil := range map[string]func(f *Family){
		"\"normal\" is already registered": func(f *Family) { f.Name = "normal" },
		"invalid family name \"auto\"":     func(f *Family) { f.Name = "auto" },
		"invalid family name \"A b\"":      func(f *Family) { f.Name = "A b" },
		"needs New and Predictor":          func(f *Family) { f.Predictor = nil },
		"unknown option \"prior_x\"":       func(f *Family) { f.Options = []string{"prior_x"} },
	} {
		f := good
		spoil(&f)
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.Contains(text, what) {
					t.Errorf("%s: %q", what, text)
				}
			}()
			Register(f)
		}()
	}
	if doc, values := (Options{}).Describe("model"); !strings.HasSuffix(doc, "student_t") || !slices.Equal(values, append([]string{"auto"}, all...)) {
		t.Errorf("%s %v", doc, values)
	}
}

// arch is a normal model whose variance follows the last return squared, by 0.9
// of it: one day ahead the normal distribution, over many a heavy tail.
type arch struct{}

func (arch) Mean([]float64) float64       { return 0 }
func (arch) Volatility([]float64) float64 { return 0.01 }
func (arch) Idle([]float64) float64       { return 0 }
func (arch) PIT(_, y, u []float64) {
	for t := range y {
		u[t] = 0.5
	}
}

func (arch) Path(_, z, r []float64) {
	before := 0.01
	for t, v := range z {
		r[t] = v * math.Sqrt(0.1e-4+0.9*before*before)
		before = r[t]
	}
}

// replicatedArch has histories, too.
type replicatedArch struct{ arch }

func (replicatedArch) Replicate(_ []float64, rng *rand.Rand, y []float64) {
	for t := range y {
		y[t] = 0.01 * rng.NormFloat64()
	}
}

// The tail of losses is that of the horizon. Without memory it does not depend on
// it, not even by its random numbers; with memory it is heavier, and what a
// history looks like cannot be told without a Replicator.
func TestLossTailOfTheHorizon(t *testing.T) {
	y := benchmarkReturns(200)
	p := &Posterior{Names: []string{"mu", "sigma", "nu", "sd", "sharpe"}, Chains: 4, Draws: 1000}
	for range p.Len() {
		p.Values = append(p.Values, 0, 0.01, 4, 0.0141, 0)
	}
	tail := func(m Predictor, horizon int) float64 {
		o := DefaultOptions()
		o.Horizon = horizon
		p.Findings, p.Checks = nil, nil
		p.predict(m, y, o, testStream(1))
		return float64(p.LossTail)
	}
	if a, b := tail(studentTPredictor{}, 0), tail(studentTPredictor{}, 250); a != b || len(p.Checks) == 0 {
		t.Errorf("without memory %v for a day, %v for a year; %d checks", a, b, len(p.Checks))
	}
	day, month := tail(arch{}, 1), tail(arch{}, 21)
	if !(day < 0.15) || !(month > day+0.15) {
		t.Errorf("with memory %v for a day, %v for a month", day, month)
	}
	if len(p.Checks) != 0 {
		t.Errorf("%d checks of a model that cannot replicate", len(p.Checks))
	}
	if again := tail(replicatedArch{}, 21); again != month || len(p.Checks) == 0 {
		t.Errorf("with histories the tail is %v, without %v; %d checks", again, month, len(p.Checks))
	}
	prior, err := newNormal(newDays(benchmarkReturns(100), nil), DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	q, err := PriorPredictive(prior, arch{}, returns.Daily, 10, 10, rand.NewPCG(1, 1))
	if err != nil || len(q) != len(prior.Names()) {
		t.Errorf("%d quantities of a model that cannot replicate, %v; expected its parameters", len(q), err)
	}
}

// What PIT, CDF and the long-run moments of the families say fits what they draw.
func TestPredictorsAgree(t *testing.T) {
	for name, theta := range map[string][]float64{
		"student_t":        {0.001, 0.01, 8, 0.01 * math.Sqrt(8./6), 0},
		"normal":           {0.001, 0.01, 0},
		"hurdle_student_t": {0.001, 0.01, 8, 0.4, 0, 0, 0.25, -0.0005},
		"skew_t":           {0.001, 0.01, 8, -0.5, 0, 0},
		"hurdle_skew_t":    {0.001, 0.01, 8, -0.5, 0.4, 0, 0, 0.25, -0.0005},
	} {
		if testing.Short() && name != "student_t" && name != "hurdle_skew_t" {
			continue
		}
		skewed := newJonesFaddy(8, -0.5)
		variance := 0.0001 * 8 * jfVariance(&skewed)

		f, err := Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		m := f.Predictor(seriesOf(make([]float64, 10))).(Exchangeable)
		// As Constrain has it.
		switch name {
		case "skew_t":
			theta[4] = math.Sqrt(variance)
		case "hurdle_student_t":
			square := 0.4*(0.0001*8/6+1e-6) + 0.6*0.25*0.0005*0.0005
			theta[4] = math.Sqrt(square - m.Mean(theta)*m.Mean(theta))
		case "hurdle_skew_t":
			square := 0.4*(variance+1e-6) + 0.6*0.25*0.0005*0.0005
			theta[5] = math.Sqrt(square - m.Mean(theta)*m.Mean(theta))
		}
		const n = 200_000
		y, u := make([]float64, n), make([]float64, n)
		replicator(m)(theta, rand.New(rand.NewPCG(1, 2)), y)
		m.PIT(theta, y, u)
		zeros, mean, square, pit := 0.0, 0.0, 0.0, 0.0
		for i, r := range y {
			if r == 0 {
				zeros++
			}
			if u[i] != m.CDF(theta, r) {
				t.Fatalf("%s: PIT %v, CDF %v", name, u[i], m.CDF(theta, r))
			}
			mean, square, pit = mean+r/n, square+r*r/n, pit+u[i]/n
		}
		if math.Abs(zeros/n-m.Idle(theta)) > 0.005 || math.Abs(mean-m.Mean(theta)) > 1e-4 || math.Abs(math.Sqrt(square-mean*mean)/m.Volatility(theta)-1) > 0.01 || math.Abs(pit-0.5) > 0.003 {
			t.Errorf("%s: zeros %.4f (%.4f), mean %v (%v), sd %v (%v), mean PIT %v", name, zeros/n, m.Idle(theta), mean, m.Mean(theta), math.Sqrt(square-mean*mean), m.Volatility(theta), pit)
		}
	}
}

// The standard deviation of a model is what its predictor says, the median as the
// posterior's summary has it, whatever the parameters are called.
func TestModelSD(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for _, draws := range []int{100, 101} {
		p := &Posterior{Names: []string{"mu", "width", "ratio"}, Chains: 1, Draws: draws}
		for range draws {
			p.Values = append(p.Values, 0, 0.03+0.001*rng.NormFloat64(), 0)
		}
		found := p.modelSD(normalPredictor{}, 0.01)
		if len(found) != 1 || found[0].Code != codeModelSD {
			t.Fatalf("%v", found)
		}
		if want := new(mcmc.Workspace).Summarize(p.Parameter(1)).Median; found[0].Numbers["value"] != want {
			t.Errorf("%d draws: %v, the posterior's median is %v", draws, found[0].Numbers["value"], want)
		}
		if found := p.modelSD(normalPredictor{}, 0.02); len(found) != 0 {
			t.Errorf("a factor of 1.5: %v", found)
		}
	}
}

// jfVariance is E u^2 by moments of gamma variates, E X/Y - 2 + E Y/X over 4, less
// the mean squared.
func jfVariance(f *jonesFaddy) float64 {
	return (f.a/(f.b-1)-2+f.b/(f.a-1))/4 - f.mean*f.mean
}

// Where at least a tenth of the returns are 0, or more than 21 in a row, each model is its
// hurdle.
func TestChoose(t *testing.T) {
	y := benchmarkReturns(100)
	flat := append(make([]float64, 20), y...)
	for model, want := range map[string][2]string{
		"auto": {"student_t", "hurdle_student_t"}, "skew_t": {"skew_t", "hurdle_skew_t"}, "gjr_t": {"gjr_t", "hurdle_gjr_t"}, "ewma_t": {"ewma_t", "hurdle_skew_t"},
		"student_t": {"student_t", "hurdle_student_t"}, "normal": {"normal", "normal"}, "hurdle_skew_t": {"hurdle_skew_t", "hurdle_skew_t"},
	} {
		o := DefaultOptions()
		o.Model = model
		paused := append(append(slices.Clone(y), make([]float64, 22)...), benchmarkReturns(300)...)
		for i, returns := range [][]float64{y, flat, append(paused[:121:121], paused[122:]...), paused} {
			if f, err := Choose(seriesOf(returns), o); err != nil || f.Name != want[i%2] {
				t.Errorf("%s: %s, %v; want %s", model, f.Name, err, want[i])
			}
		}
	}
}
