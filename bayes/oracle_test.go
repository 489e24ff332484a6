package bayes

import (
	"context"
	"encoding/csv"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"allocate/returns"
)

// realReturns reads the shared strategies from a first day on: name to daily
// returns of the days present.
func realReturns(t testing.TB, from string) (names []string, series map[string][]float64) {
	t.Helper()
	f, err := os.Open("../../shared/data/strategies/returns.csv")
	if err != nil {
		t.Skipf("no shared strategies: %v", err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	series = map[string][]float64{}
	names = rows[0][1:]
	for _, row := range rows[1:] {
		if row[0] < from {
			continue
		}
		for j, cell := range row[1:] {
			if cell == "" {
				continue
			}
			v, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				t.Fatal(err)
			}
			series[names[j]] = append(series[names[j]], v)
		}
	}
	return names, series
}

// modeOf approximates a return model at the mode above its initial point.
func modeOf(m *studentTModel) *laplace {
	from := make([]float64, m.Dim())
	m.Initialize(from)
	return newLaplace(m, from, newtonSteps)
}

// oracle integrates the posterior of a Student-t model by the trapezoidal rule
// on a tensor grid along the axes of its Laplace approximation, which
// converges geometrically for such a density. It returns mean and standard
// deviation of every parameter.
func oracle(m *studentTModel, reach, step float64) (mean, sd []float64) {
	plain := *m
	plain.plain, plain.fast = true, nil
	l := modeOf(&plain)
	names := m.Names()
	n := int(reach / step)
	var total float64
	first, second := make([]float64, len(names)), make([]float64, len(names))
	q, z, grad, theta := make([]float64, 3), make([]float64, 3), make([]float64, 3), make([]float64, len(names))
	top, _ := plain.LogDensity(l.at, grad)
	for i := -n; i <= n; i++ {
		for j := -n; j <= n; j++ {
			for k := -n; k <= n; k++ {
				z[0], z[1], z[2] = float64(i)*step, float64(j)*step, float64(k)*step
				l.move(q, z, 1)
				lp, err := plain.LogDensity(q, grad)
				if err != nil || lp-top < -40 {
					continue
				}
				w := math.Exp(lp - top)
				m.Constrain(q, theta)
				total += w
				for p, v := range theta {
					first[p] += w * v
					second[p] += w * v * v
				}
			}
		}
	}
	for p := range names {
		mu := first[p] / total
		mean = append(mean, mu)
		sd = append(sd, math.Sqrt(second[p]/total-mu*mu))
	}
	return mean, sd
}

// The posterior that the oracle integrates, against the textbook form: a log
// density of each day, distributions of sharpe, ln sd and nu, and the Jacobian
// by differences. Equal up to one constant.
func TestStudentTAgainstTextbook(t *testing.T) {
	rng := rand.New(rand.NewPCG(41, 42))
	y := simulateT(rng, 80, 0.001, 0.01, 4)
	o := DefaultOptions()
	o.PriorSharpe, o.PriorLogSD, o.PriorNu = "student_t(4, 0.2, 0.7)", "normal(0.1, 0.8)", "gamma(3, 0.2)"
	m, err := newStudentT(newDays(y, nil), o)
	if err != nil {
		t.Fatal(err)
	}
	robust := math.Log(robustSD(y))
	textbook := func(q []float64) float64 {
		var theta [5]float64
		m.Constrain(q, theta[:])
		mu, sigma, nu, sd, sharpe := theta[0], theta[1], theta[2], theta[3], theta[4]
		a, _ := math.Lgamma((nu + 1) / 2)
		b, _ := math.Lgamma(nu / 2)
		lp := 0.0
		for _, v := range y {
			r := (v - mu) / sigma
			lp += a - b - math.Log(nu*math.Pi)/2 - math.Log(sigma) - (nu+1)/2*math.Log1p(r*r/nu)
		}
		lp += -2.5 * math.Log1p(math.Pow((sharpe-0.2)/0.7, 2)/4)
		lp -= math.Pow((math.Log(sd)-robust-0.1)/0.8, 2) / 2
		lp += 2*math.Log(nu-2) - 0.2*(nu-2)
		// |d(sharpe, ln sd, nu)/dq| by central differences.
		var jacobian [3][3]float64
		for i := range 3 {
			const h = 1e-5
			var up, down [5]float64
			x := append([]float64(nil), q...)
			x[i] += h
			m.Constrain(x, up[:])
			x[i] -= 2 * h
			m.Constrain(x, down[:])
			jacobian[0][i] = (up[4] - down[4]) / (2 * h)
			jacobian[1][i] = (math.Log(up[3]) - math.Log(down[3])) / (2 * h)
			jacobian[2][i] = (up[2] - down[2]) / (2 * h)
		}
		j := jacobian
		det := j[0][0]*(j[1][1]*j[2][2]-j[1][2]*j[2][1]) - j[0][1]*(j[1][0]*j[2][2]-j[1][2]*j[2][0]) + j[0][2]*(j[1][0]*j[2][1]-j[1][1]*j[2][0])
		return lp + math.Log(math.Abs(det))
	}
	grad := make([]float64, 3)
	var constant float64
	for i := range 50 {
		q := []float64{rng.NormFloat64(), math.Log(0.01) + 0.3*rng.NormFloat64(), 1 + rng.NormFloat64()}
		lp, err := m.LogDensity(q, grad)
		if err != nil {
			t.Fatal(err)
		}
		if d := lp - textbook(q); i == 0 {
			constant = d
		} else if math.Abs(d-constant) > 1e-6 { // differences: 1e-10 relative, h^2 and rounding
			t.Fatalf("at %v: log density differs by %v, elsewhere by %v", q, d, constant)
		}
	}
}

// Posterior means and standard deviations of 20 series against the quadrature,
// to 4 Monte Carlo standard errors, which a right sampler exceeds somewhere
// among the 160 comparisons in 1% of seeds.
func TestAgainstQuadrature(t *testing.T) {
	type example struct {
		name string
		y    []float64
	}
	var series []example
	rng := rand.New(rand.NewPCG(51, 52))
	for i, n := range []int{40, 60, 60, 120, 149, 250, 500, 1000, 2520, 8000} {
		nu := []float64{2.3, 4, 30, 3, 6, 1000, 2.5, 5, 4, 8}[i]
		series = append(series, example{"simulated " + strconv.Itoa(n), simulateT(rng, n, 0.0005*rng.NormFloat64(), 0.01, nu)})
	}
	t.Run("simulated", func(t *testing.T) {
		if testing.Short() {
			series = series[:2]
		}
		for _, s := range series {
			compare(t, s.name, s.y)
		}
	})
	t.Run("real", func(t *testing.T) {
		if testing.Short() {
			t.Skip("simulated series suffice in -short")
		}
		_, all := realReturns(t, "1990")
		var names []string
		for name, y := range all {
			zeros := 0
			for _, r := range y {
				if r == 0 {
					zeros++
				}
			}
			if 10*zeros < len(y) {
				names = append(names, name)
			}
		}
		sort.Strings(names)
		lengths := []int{8000, 5000, 2520, 2520, 2520, 1260, 504, 252, 126, 63}
		for i, n := range lengths {
			y := all[names[i*len(names)/len(lengths)]]
			compare(t, names[i*len(names)/len(lengths)], y[max(0, len(y)-n):])
		}
	})
}

func compare(t *testing.T, name string, y []float64) {
	t.Helper()
	m, err := newStudentT(newDays(y, nil), DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	reach, step := 20.0, 0.5
	if len(y) >= 400 {
		reach, step = 10, 0.6
	}
	mean, sd := oracle(m, reach, step)
	p, err := SampleWith(context.Background(), m, DefaultOptions(), testStream(uint64(len(y))), nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, s := range p.Summary {
		if s.Name == "sd" { // its square has no variance where nu may be near 2
			continue
		}
		z := (float64(s.Mean) - mean[k]) / float64(s.MCSEMean)
		zsd := (float64(s.SD) - sd[k]) / float64(s.MCSESD)
		if math.Abs(z) > 4 || math.Abs(zsd) > 4 {
			t.Errorf("%s, %d days: %s is %.6g +- %.4g, by quadrature %.6g +- %.4g: %.1f and %.1f standard errors", name, len(y), s.Name, s.Mean, s.SD, mean[k], sd[k], z, zsd)
		}
	}
}

// The quadrature has converged: half the step moves nothing by 1e-4 of a
// standard deviation, a fiftieth of the Monte Carlo error of 4,000 draws.
func TestQuadratureConverges(t *testing.T) {
	days := []int{40, 500}
	if testing.Short() {
		days = days[1:]
	}
	for _, n := range days {
		m, err := newStudentT(newDays(benchmarkReturns(n), nil), DefaultOptions())
		if err != nil {
			t.Fatal(err)
		}
		reach, step := 20.0, 0.5
		if n >= 400 {
			reach, step = 10, 0.6
		}
		mean, sd := oracle(m, reach, step)
		mean2, sd2 := oracle(m, reach, step/2)
		for k, name := range m.Names() {
			if math.Abs(mean[k]-mean2[k]) > 1e-4*sd2[k] || math.Abs(sd[k]-sd2[k]) > 1e-4*sd2[k] {
				t.Errorf("%d days, %s: %v +- %v, with half the step %v +- %v", n, name, mean[k], sd[k], mean2[k], sd2[k])
			}
		}
	}
}

// Every real strategy over its last ten years, without a setting changed: the
// limits of the verdict, no divergence, the hurdle where it belongs, and asymmetry
// that moves the mean where losses are the longer tail. With the skewness estimated
// nothing is left of that.
func TestRealStrategies(t *testing.T) {
	names, all := realReturns(t, "2013-01-01")
	asymmetric := []string{"trend_ma200", "vol_target_10"}
	for i, name := range names {
		if testing.Short() && i%12 != 0 && !slices.Contains(asymmetric, name) {
			continue
		}
		for _, model := range []string{automatic, "skew_t"} {
			s := seriesOf(all[name])
			s.Strategy.Name = name
			o := DefaultOptions()
			o.Model = model
			p, err := Fit(context.Background(), s, o, testStream(uint64(i)), nil)
			if err != nil {
				t.Fatal(err)
			}
			want := OK
			if model == automatic && slices.Contains(asymmetric, name) {
				want = Doubtful
			}
			found := slices.ContainsFunc(p.Findings, func(f returns.Finding) bool { return f.Code == codeMean })
			rhat, ess := p.worst()
			if p.Verdict() != want || found != (want == Doubtful) || p.Divergences() > 0 || !(rhat < 1.01) || !(ess > 400) {
				t.Errorf("%s: verdict %s, R-hat %.4f, ESS %.0f, %d divergences: %v", name, p.Verdict(), rhat, ess, p.Divergences(), p.Findings)
			}
			if flat := name == "turn_of_month" || name == "friday_only"; flat != strings.HasPrefix(p.Model, "hurdle") {
				t.Errorf("%s is fitted by %s", name, p.Model)
			}
			t.Logf("%-16s %s %d days, attempt %d, R-hat %.4f, ESS %.0f, Pareto k %.2f", name, p.Model, s.Len(), p.Sampler.Attempts, rhat, ess, p.LossTail)
		}
	}
}
