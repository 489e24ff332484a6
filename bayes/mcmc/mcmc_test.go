package mcmc

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s is %.12g, want %.12g ± %g", what, got, want, tol)
	}
}

func sqrt1m(phi float64) float64 { return math.Sqrt(1 - phi*phi) }

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 99)) }

func apply(chains [][]float64, f func(float64) float64) [][]float64 {
	out := make([][]float64, len(chains))
	for c, x := range chains {
		for _, v := range x {
			out[c] = append(out[c], f(v))
		}
	}
	return out
}

// TestESSOfAR1 uses closed forms: integrated autocorrelation time (1+φ)/(1−φ)
// for the mean, (1+φ²)/(1−φ²) for squares, and for absolute deviations the sum
// over lags of the correlation of |X| and |Y|, (√(1−ρ²) + ρ asin ρ − 1)/(π/2 − 1)
// for normal X, Y of correlation ρ = φ^lag.
func TestESSOfAR1(t *testing.T) {
	for _, phi := range []float64{-0.5, 0, 0.3, 0.9} {
		if testing.Short() && phi != -0.5 && phi != 0.9 {
			continue
		}
		const n = 50000
		chains := ar1(newRand(7), 4, n, phi)
		s := Summarize(chains)
		near(t, fmt.Sprint("relative ESS of the mean, φ=", phi), s.ESSMean/(4*n)*(1+phi)/(1-phi), 1, 0.06)
		near(t, fmt.Sprint("relative bulk ESS, φ=", phi), s.ESSBulk/(4*n)*(1+phi)/(1-phi), 1, 0.06)
		tau := 1.0
		for lag := 1.0; lag < 500; lag++ {
			rho := math.Pow(phi, lag)
			tau += 2 * (math.Sqrt(1-rho*rho) + rho*math.Asin(rho) - 1) / (math.Pi/2 - 1)
		}
		near(t, fmt.Sprint("relative ESS of the sd, φ=", phi), s.ESSSD/(4*n)*tau, 1, 0.06)
		var w Workspace
		w.load(chains)
		near(t, fmt.Sprint("relative ESS of squares, φ=", phi), w.essSquares()/(4*n)*(1+phi*phi)/(1-phi*phi), 1, 0.08)
		near(t, "R̂", s.RHat, 1, 2e-3)
	}
}

// TestAutocovariance compares both routes with the definition.
func TestAutocovariance(t *testing.T) {
	chains := ar1(newRand(3), 3, 301, 0.8)
	var a autocovariance
	a.load(chains)
	a.transform()
	for lag := range 301 {
		var want float64
		for _, x := range chains {
			m := mean(x)
			for i := range len(x) - lag {
				want += (x[i] - m) * (x[i+lag] - m) / 301 / 3
			}
		}
		near(t, fmt.Sprint("autocovariance by transform at lag ", lag), a.byFFT[lag], want, 1e-12)
		near(t, fmt.Sprint("autocovariance at lag ", lag), a.at(lag), want, 1e-12)
	}
}

// TestESSByDefinition transcribes Geyer's estimator literally.
func TestESSByDefinition(t *testing.T) {
	for seed := range uint64(40) {
		phi := []float64{-0.7, 0, 0.5, 0.97}[seed%4]
		chains := ar1(newRand(seed), 1+int(seed%3), 60+int(seed), phi)
		var halves [][]float64
		for _, c := range chains {
			h := len(c) / 2
			halves = append(halves, c[:h], c[len(c)-h:])
		}
		n, m := len(halves[0]), float64(len(halves))
		acov := make([]float64, n)
		var means []float64
		for _, x := range halves {
			mu := mean(x)
			means = append(means, mu)
			for lag := range n {
				for i := range n - lag {
					acov[lag] += (x[i] - mu) * (x[i+lag] - mu) / float64(n) / m
				}
			}
		}
		w := acov[0] * float64(n) / float64(n-1)
		total := acov[0] + variance(means)
		rho := make([]float64, n+2)
		rho[0], rho[1] = 1, 1-(w-acov[1])/total
		even, odd := rho[0], rho[1]
		last := 0
		for last < n-5 && even+odd > 0 {
			last += 2
			even, odd = 1-(w-acov[last])/total, 1-(w-acov[last+1])/total
			if even+odd >= 0 {
				rho[last], rho[last+1] = even, odd
			}
		}
		if even > 0 {
			rho[last] = even
		}
		for i := 2; i <= last-2; i += 2 {
			if rho[i]+rho[i+1] > rho[i-2]+rho[i-1] {
				rho[i] = (rho[i-2] + rho[i-1]) / 2
				rho[i+1] = rho[i]
			}
		}
		tau := -1 + rho[last]
		for _, r := range rho[:last] {
			tau += 2 * r
		}
		size := float64(n) * m
		want := size / max(tau, 1/math.Log10(size))
		near(t, fmt.Sprint("ESS, seed ", seed), ESSMean(chains)/want, 1, 1e-9)
	}
}

func TestRHatByHand(t *testing.T) {
	// Chain means 2 and 3, variances 1: B = 3·0.5, W = 1.
	near(t, "basic R̂", RHatBasic([][]float64{{1, 2, 3}, {2, 3, 4}}), math.Sqrt((1.5+2)/3), 1e-14)
	// Superchain means 2.5 and 7: within 0.5+1 and 0+1, between 4.5²/2.
	got := NestedRHat([][]float64{{1, 2, 3}, {2, 3, 4}, {6, 7, 8}, {6, 7, 8}}, []int{4, 4, 9, 9})
	near(t, "nested R̂", got, math.Sqrt(1+10.125/1.25), 1e-14)
}

func TestRHatSeesDisagreement(t *testing.T) {
	iid := ar1(newRand(1), 4, 1000, 0)
	near(t, "R̂ of iid draws", RHat(iid), 1, 0.005)
	shifted := slices.Clone(iid)
	shifted[2] = apply(iid[2:3], func(x float64) float64 { return x + 1 })[0]
	// A quarter of the normal scores shifted: about sqrt(1 + 1/4/(1+…)).
	if r := RHat(shifted); r < 1.05 {
		t.Errorf("R̂ of a shifted chain is %g", r)
	}
	scaled := slices.Clone(iid)
	scaled[1] = apply(iid[1:2], func(x float64) float64 { return 4 * x })[0]
	if r, basic := RHat(scaled), RHatBasic(scaled); r < 1.05 || basic > 1.01 {
		t.Errorf("R̂ of a wider chain is %g, basic %g", r, basic)
	}
	trend := make([][]float64, 4)
	for c := range trend {
		for i := range 1000 {
			trend[c] = append(trend[c], iid[c][i]+float64(i)/300)
		}
	}
	if r := RHat(trend); r < 1.05 {
		t.Errorf("R̂ of drifting chains is %g", r)
	}
	stuck := slices.Clone(iid)
	stuck[3] = make([]float64, 1000)
	if r := RHat(stuck); r < 1.01 {
		t.Errorf("R̂ with a stuck chain is %g", r)
	}
}

func TestInvariances(t *testing.T) {
	chains := ar1(newRand(5), 4, 501, 0.6)
	s := Summarize(chains)
	swapped := [][]float64{chains[2], chains[0], chains[3], chains[1]}
	p := Summarize(swapped)
	near(t, "R̂ after swapping chains", p.RHat, s.RHat, 1e-12)
	near(t, "bulk ESS after swapping chains", p.ESSBulk/s.ESSBulk, 1, 1e-10)
	near(t, "tail ESS after swapping chains", p.ESSTail/s.ESSTail, 1, 1e-10)

	monotone := Summarize(apply(chains, func(x float64) float64 { return math.Exp(3 * x) }))
	near(t, "bulk ESS of exp(3x)", monotone.ESSBulk, s.ESSBulk, 1e-9*s.ESSBulk)
	near(t, "tail ESS of exp(3x)", monotone.ESSTail, s.ESSTail, 1e-9*s.ESSTail)

	affine := Summarize(apply(chains, func(x float64) float64 { return 1e6 - 20*x }))
	near(t, "R̂ of an affine map", affine.RHat, s.RHat, 1e-9)
	near(t, "MCSE of the mean of an affine map", affine.MCSEMean/s.MCSEMean, 20, 1e-6)
	near(t, "MCSE of the sd of an affine map", affine.MCSESD/s.MCSESD, 20, 1e-6)

	var w Workspace // reused after other shapes, and each alone
	w.Summarize(ar1(newRand(6), 2, 90, 0))
	if got := w.Summarize(chains); got != s {
		t.Errorf("a used workspace gives %+v, a new one %+v", got, s)
	}
	for name, pair := range map[string][2]float64{
		"RHat":     {RHat(chains), s.RHat},
		"ESSBulk":  {ESSBulk(chains), s.ESSBulk},
		"ESSTail":  {ESSTail(chains), s.ESSTail},
		"ESSMean":  {ESSMean(chains), s.ESSMean},
		"ESSSD":    {ESSSD(chains), s.ESSSD},
		"MCSEMean": {MCSEMean(chains), s.MCSEMean},
		"MCSESD":   {MCSESD(chains), s.MCSESD},
		"MCSEQ95":  {MCSEQuantile(chains, 0.95), s.MCSEQ95},
		"tail":     {min(ESSQuantile(chains, 0.05), ESSQuantile(chains, 0.95)), s.ESSTail},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s alone %g, in the summary %g", name, pair[0], pair[1])
		}
	}
}

// TestMCSEOfIID uses the closed forms for independent normal draws: 1/√S,
// 1/√(2S) and √(p(1−p)/S)/φ(z_p).
func TestMCSEOfIID(t *testing.T) {
	s := Summarize(ar1(newRand(2), 4, 25000, 0))
	root := math.Sqrt(100000)
	near(t, "MCSE of the mean", s.MCSEMean*root, 1, 0.05)
	near(t, "MCSE of the sd", s.MCSESD*root, math.Sqrt(0.5), 0.05)
	density := distuv.UnitNormal.Prob(distuv.UnitNormal.Quantile(0.95))
	near(t, "MCSE of the 95 % quantile", s.MCSEQ95*root, math.Sqrt(0.95*0.05)/density, 0.3)
	near(t, "mean", s.Mean, 0, 0.02)
	near(t, "sd", s.SD, 1, 0.02)
	near(t, "5 % quantile", s.Q05, -1.6449, 0.03)
}

func TestUnusable(t *testing.T) {
	same := [][]float64{{2, 2, 2, 2, 2, 2, 2, 2}, {2, 2, 2, 2, 2, 2, 2, 2}}
	missing := ar1(newRand(1), 2, 100, 0)
	missing[1][17] = math.NaN()
	infinite := ar1(newRand(1), 2, 100, 0)
	infinite[0][3] = math.Inf(-1)
	short := [][]float64{{1, 2, 3}, {3, 2, 1}}
	for name, chains := range map[string][][]float64{"constant": same, "NaN": missing, "Inf": infinite, "short": short, "empty": nil} {
		s := Summarize(chains)
		for what, v := range map[string]float64{
			"bulk ESS": s.ESSBulk, "tail ESS": s.ESSTail, "MCSE of the mean": s.MCSEMean, "MCSE of the sd": s.MCSESD,
			"MCSE of a quantile": MCSEQuantile(chains, 0.5), "ESS of a quantile": ESSQuantile(chains, 0.3),
		} {
			if !math.IsNaN(v) {
				t.Errorf("%s draws: %s is %g", name, what, v)
			}
		}
		if name != "short" && !math.IsNaN(RHat(chains)) {
			t.Errorf("%s draws: R̂ is %g", name, RHat(chains))
		}
	}
	if !math.IsNaN(EBFMI([]float64{1, 1, 1, 1})) || !math.IsNaN(RHatBasic(same)) {
		t.Error("constant energy or chains judged")
	}
	defer func() {
		if recover() == nil {
			t.Error("ragged chains accepted")
		}
	}()
	RHat([][]float64{{1, 2, 3, 4}, {1, 2}})
}

func TestRankNormalize(t *testing.T) {
	z := RankNormalize([][]float64{{-1, 7}, {math.Copysign(0, -1), 0}})
	phi := func(r float64) float64 { return distuv.UnitNormal.Quantile((r - 0.375) / 4.25) }
	for i, want := range []float64{phi(1), phi(4), phi(2.5), phi(2.5)} {
		near(t, fmt.Sprint("score ", i), z[i/2][i%2], want, 1e-14)
	}
}

// Every kind of values is put in order, equal ones in theirs: spread over many
// magnitudes, beside one far out, of a range that overflows or is subnormal,
// with infinities, and all equal.
func TestArgsort(t *testing.T) {
	rng := newRand(4)
	var s radixSort
	for name, draw := range map[string]func(i int) float64{
		"normal":      func(int) float64 { return rng.NormFloat64() },
		"magnitudes":  func(int) float64 { return math.Exp(30*rng.NormFloat64()) * float64(rng.IntN(3)-1) },
		"ties":        func(int) float64 { return float64(rng.IntN(20)) },
		"far out":     func(i int) float64 { return rng.NormFloat64() + 1e30*float64(i/2999) },
		"descending":  func(i int) float64 { return -float64(i) },
		"overflow":    func(int) float64 { return 1.7e308 * float64(rng.IntN(9)-4) / 4 },
		"subnormal":   func(int) float64 { return 5e-324 * float64(rng.IntN(100)) },
		"infinite":    func(int) float64 { return math.Log(float64(rng.IntN(5))) },
		"signed zero": func(int) float64 { return math.Copysign(0, rng.NormFloat64()) },
		"equal":       func(int) float64 { return 0.1 },
	} {
		x, order := make([]float64, 3000), make([]int32, 3000)
		for i := range x {
			x[i] = draw(i)
		}
		s.argsort(order, x)
		for i := 1; i < len(order); i++ {
			if a, b := order[i-1], order[i]; x[a] > x[b] || x[a] == x[b] && a >= b {
				t.Fatalf("%s, position %d: %g before %g", name, i, x[a], x[b])
			}
		}
	}
}

// TestEBFMI uses the closed form 2(1−φ) for AR(1) energies, and numbers.
func TestEBFMI(t *testing.T) {
	near(t, "E-BFMI by hand", EBFMI([]float64{1, 3, 2, 6}), 7/(14.0/3), 1e-14)
	near(t, "E-BFMI of AR(1)", EBFMI(ar1(newRand(8), 1, 100000, 0.9)[0]), 0.2, 0.01)
}

func TestSummarizeAllocatesNothing(t *testing.T) {
	chains := ar1(newRand(9), 4, 400, 0.95) // long lags: through the transform
	var w Workspace
	if n := testing.AllocsPerRun(20, func() { w.Summarize(chains) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func ExampleSummarize() {
	chains := ar1(newRand(1), 4, 1000, 0)
	s := Summarize(chains)
	fmt.Printf("R̂ below 1.01: %v, tail ESS above 400: %v\n", s.RHat < 1.01, s.ESSTail > 400)
	// Output: R̂ below 1.01: true, tail ESS above 400: true
}

// The diagnostics of a single quantity have the names and definitions of R's
// package posterior.
func ExampleRHat() {
	chains := ar1(newRand(1), 4, 1000, 0)
	fmt.Printf("R-hat %.2f, without ranks and splits %.2f\n", RHat(chains), RHatBasic(chains))
	fmt.Printf("ESS: bulk %.0f, tail %.0f, mean %.0f, sd %.0f, median %.0f\n", ESSBulk(chains), ESSTail(chains), ESSMean(chains), ESSSD(chains), ESSQuantile(chains, 0.5))
	fmt.Printf("MCSE: mean %.3f, sd %.3f, median %.3f\n", MCSEMean(chains), MCSESD(chains), MCSEQuantile(chains, 0.5))
	z := RankNormalize([][]float64{{10, 30}, {20, 1000}})
	fmt.Printf("normal scores %.2f\n", z)
	// Output:
	// R-hat 1.00, without ranks and splits 1.00
	// ESS: bulk 3876, tail 4066, mean 3873, sd 3775, median 3923
	// MCSE: mean 0.016, sd 0.011, median 0.020
	// normal scores [[-1.05 0.30] [-0.30 1.05]]
}

// The ranks of uniform draws stay within a simultaneous envelope of their ECDF.
func ExampleNewEnvelope() {
	e, err := NewEnvelope(100, 11, 0.95)
	if err != nil {
		panic(err)
	}
	even, skewed := make([]int, 100), make([]int, 100)
	for i := range even {
		even[i] = i % 11
	}
	fmt.Println(e.Contains(even), e.Contains(skewed))
	// Output: true false
}

// MAD is 1.4826 times the median distance from the median, for one chain
// whose R-hat does not exist too.
func TestMAD(t *testing.T) {
	x := []float64{1, 2, 4, 8, 16, 32, 64, 128, 3, 5, 7, 9, 11, 13}
	// median 8.5; distances 7.5 6.5 4.5 0.5 7.5 23.5 55.5 119.5 5.5 3.5 1.5 0.5
	// 2.5 4.5; in order 0.5 0.5 1.5 2.5 3.5 4.5 4.5 5.5 6.5 7.5 ...: median 5
	if got := Summarize([][]float64{x}).MAD; math.Abs(got-1.4826*5) > 1e-12 {
		t.Errorf("MAD %v, want %v", got, 1.4826*5)
	}
}
