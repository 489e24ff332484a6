package scenarios

import (
	"math"
	"math/rand/v2"
	"testing"

	"allocate/bayes"
	"allocate/returns"
)

// hurdle is a strategy that trades on some days, with one posterior draw.
func hurdle(t testing.TB, name string, y []float64, p float64) Strategy {
	t.Helper()
	s := &returns.Series{Strategy: returns.Strategy{Name: name}, Returns: y}
	for i := range y {
		s.Dates = append(s.Dates, returns.Date(i))
	}
	family, err := bayes.Lookup("hurdle_student_t")
	if err != nil {
		t.Fatal(err)
	}
	m, err := family.New(s, bayes.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	post := &bayes.Posterior{Strategy: name, Model: family.Name, Names: m.Names(), Chains: 1, Draws: 1}
	post.Values = make([]float64, len(post.Names))
	post.Values[0], post.Values[1], post.Values[2], post.Values[3] = 0.001, 0.01, 5, p
	return Strategy{Series: s, Posterior: post, Predictor: family.Predictor(s)}
}

// Two strategies trade on every fifth day, the same one, and a third on
// another; the first two then earn nearly the same. So must they in scenarios:
// in every week, one day, together.
func TestJointTradingDays(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 8))
	y := make([][]float64, 4)
	for i := range 3000 {
		x := rng.NormFloat64()
		r := [4]float64{0.01 * x, 0.01 * (0.9*x + math.Sqrt(1-0.81)*rng.NormFloat64()), 0.01 * rng.NormFloat64(), 0.01 * x}
		for j := range y {
			if j < 2 && i%5 != 0 || j == 2 && i%5 != 3 {
				r[j] = 0
			}
			y[j] = append(y[j], r[j])
		}
	}
	s := []Strategy{hurdle(t, "a", y[0], 0.2), hurdle(t, "b", y[1], 0.2), hurdle(t, "c", y[2], 0.2), fixed(t, "always", y[3], [][3]float64{{0, 0.01, 5}})}
	kinds := []string{TCopula, Empirical, DCC, Gaussian}
	if testing.Short() {
		kinds = kinds[:2]
	}
	for _, kind := range kinds {
		o := options(1, 20000)
		o.Dependence = kind
		set := generate(t, s, o, 2)
		var both, ac, n, sign, trades float64
		for i := range set.Len() {
			r := set.Row(i)
			n++
			if r[0] != 0 {
				trades++
				if r[1] != 0 {
					both++
				}
				if r[2] != 0 {
					ac++
				}
				if r[0]*r[3] > 0 {
					sign++
				}
			}
		}
		// 4,000 trading days: standard errors below 0.008.
		if math.Abs(trades/n-0.2) > 0.012 || both/trades < 0.98 || ac/trades > 0.02 {
			t.Errorf("%s: a trades on %.3f of days, b on %.3f of those, c on %.3f", kind, trades/n, both/trades, ac/trades)
		}
		// a earns what the strategy that always trades earns; only the middle differs.
		if sign/trades < 0.93 {
			t.Errorf("%s: a and the market it trades have the same sign on %.3f of days", kind, sign/trades)
		}
	}
	// In five days there is exactly one trading day (but for blocks of history that join).
	o := options(5, 5000)
	o.Dependence = TCopula
	set := generate(t, s, o, 2)
	flat := 0
	for _, r := range column(set, 0) {
		if r == 0 {
			flat++
		}
	}
	if flat > 25 { // drawn day by day 0.8^5 = 33% of weeks would be flat
		t.Errorf("%d of 5000 weeks have no trading day", flat)
	}
}

// The distribution of a hurdle strategy's day is the model's own, whatever the
// calendar: below 0, at 0 and above.
func TestHurdleMarginalsAreExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 9))
	var y, x []float64
	for i := range 2000 {
		r := 0.01 * rng.NormFloat64()
		x = append(x, r)
		if i%4 != 0 {
			r = 0
		}
		y = append(y, r)
	}
	// The posterior's share of trading days need not be history's.
	s := []Strategy{hurdle(t, "a", y, 0.31), fixed(t, "b", x, [][3]float64{{0, 0.01, 5}})}
	for _, kind := range []string{DCC, TCopula, Gaussian, Empirical, Independent} {
		const n = 20000
		o := options(1, n)
		o.Dependence = kind
		set := generate(t, s, o, 2)
		theta := s[0].Posterior.Theta(0)
		u := make([]float64, 0, n)
		day := s[0].Predictor.(bayes.Exchangeable)
		below, jump := day.CDF(theta, -tiny), day.CDF(theta, tiny)-day.CDF(theta, -tiny)
		for _, r := range column(set, 0) {
			v := day.CDF(theta, r)
			if r == 0 {
				v = below + jump*rng.Float64()
			}
			u = append(u, v)
		}
		if d := kolmogorov(u); d > 1.95/math.Sqrt(n) { // 0.1% point
			t.Errorf("%s: Kolmogorov distance %.4f, limit %.4f", kind, d, 1.95/math.Sqrt(n))
		}
	}
}

// Student-t and normal models under every dependence, one day ahead.
func TestMarginalsUnderEveryDependence(t *testing.T) {
	s := simulated(t, 3, 1500, 4, 0.5)
	for _, family := range []string{"normal"} {
		f, err := bayes.Lookup(family)
		if err != nil {
			t.Fatal(err)
		}
		m, err := f.New(s[2].Series, bayes.DefaultOptions())
		if err != nil {
			t.Fatal(err)
		}
		s[2].Predictor = f.Predictor(s[2].Series)
		s[2].Posterior = &bayes.Posterior{Strategy: "s2", Model: family, Names: m.Names(), Chains: 1, Draws: 1, Values: []float64{0.001, 0.012, 0.1}}
	}
	for _, kind := range []string{DCC, TCopula, Gaussian, Empirical, Independent} {
		if testing.Short() && kind != TCopula && kind != Empirical {
			continue
		}
		n := 20000
		if testing.Short() {
			n = 4000
		}
		o := options(1, n)
		o.Dependence = kind
		set := generate(t, s, o, 2)
		for j := range s {
			u := make([]float64, 0, n)
			for _, r := range column(set, j) {
				sum := 0.0
				for k := range 64 {
					sum += s[j].Predictor.(bayes.Exchangeable).CDF(s[j].Posterior.Theta((2*k+1)*s[j].Posterior.Len()/128), r)
				}
				u = append(u, sum/64)
			}
			// 0.1% point, and what 64 of the draws leave of the mixture.
			if d := kolmogorov(u); d > 1.95/math.Sqrt(float64(n))+0.004 {
				t.Errorf("%s, strategy %d: Kolmogorov distance %.4f", kind, j, d)
			}
		}
	}
}
