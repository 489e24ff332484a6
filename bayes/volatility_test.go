package bayes

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"allocate/returns"
)

var (
	_ Conditional = gjrPredictor{}
	_ Conditional = ewmaPredictor{}
	_ Conditional = hurdleGJRPredictor{}
)

// remembering are the models with memory, with parameters as daily returns have them.
func remembering() map[string]struct {
	of    func(*returns.Series) Predictor
	theta []float64
} {
	gjr := gjrTruth(-0.2, 0.03, 0.15, 0.96, -0.1, 6)
	gjr[gjrRMS] = 0.01
	ewma := ewmaTruth(-0.2, 0.95, 0.1, 6)
	return map[string]struct {
		of    func(*returns.Series) Predictor
		theta []float64
	}{
		"gjr_t":        {gjrT.Predictor, gjr},
		"ewma_t":       {ewmaT.Predictor, ewma},
		"hurdle_gjr_t": {hurdleGJRT.Predictor, hurdleGJRTruth(true)},
	}
}

// Models without memory must not say that their forecast depends on the state.
func TestConditionalIsNotExchangeable(t *testing.T) {
	for _, f := range Families() {
		m := f.Predictor(seriesOf(nil))
		_, conditional := m.(Conditional)
		if _, exchangeable := m.(Exchangeable); conditional == exchangeable {
			t.Errorf("%s: conditional %v, exchangeable %v", f.Name, conditional, exchangeable)
		}
	}
}

// TestVolatilitiesFollowTheDefinition compares with the recursions as the models' documentation
// has them: of gjr_t with coefficients of gains and losses, of the hurdle with the
// moments of the mixture.
func TestVolatilitiesFollowTheDefinition(t *testing.T) {
	for name, c := range remembering() {
		rng := rand.New(rand.NewPCG(31, 7))
		y := make([]float64, 400)
		for i := range y {
			if y[i] = 0.012 * rng.NormFloat64(); name == "hurdle_gjr_t" && i%3 > 0 {
				y[i] = []float64{0, -0.0005}[i%2]
			}
		}
		m := c.of(seriesOf(y)).(Conditional)
		sd := make([]float64, len(y))
		next := m.Volatilities(c.theta, y, sd)

		th := c.theta
		skew := newSkewT(th[gjrNu], th[gjrLambda]) // not of ewma_t
		up := upperHalf(&skew)
		mu, v := th[0], th[1]*th[1]
		h := 0.0
		traded := slices.DeleteFunc(slices.Clone(y), func(r float64) bool { return r == 0 || r == -0.0005 })
		weight := 1.0
		weights := 0.0
		for _, r := range traded[:75] {
			h += weight * r * r
			weights += weight
			weight *= 0.94
		}
		h /= weights
		for i := range len(y) + 1 {
			got := next
			if i < len(y) {
				got = sd[i]
			}
			want := math.Sqrt(h)
			mean := mu
			switch name {
			case "hurdle_gjr_t": // no kappa
				p, pays, cost := th[activeShape], (1-th[activeShape])*th[activeShape+3], th[activeShape+4]
				first := p*mean + pays*cost
				want = math.Sqrt(p*(h+mean*mean) + pays*cost*cost - first*first)
			case "gjr_t":
				mean += th[gjrKappa] * (h - th[gjrRMS]*th[gjrRMS]) / th[gjrRMS]
			case "ewma_t":
				mean += th[ewmaKappa] * (h - v) / math.Sqrt(v)
			}
			if !(math.Abs(got-want) <= 1e-9*want) { // as exact as the integral
				t.Fatalf("%s, day %d: %v, the recursion says %v", name, i, got, want)
			}
			if i == len(y) || name == "hurdle_gjr_t" && (y[i] == 0 || y[i] == -0.0005) {
				continue
			}
			e := y[i] - mean
			if name == "ewma_t" {
				h = (1-th[ewmaDecay])*e*e + th[ewmaDecay]*h
				continue
			}
			gains, losses, persistence := th[gjrGains], th[gjrLosses], th[gjrP]
			coefficient := losses
			if e > 0 {
				coefficient = gains
			}
			h = v*(1-persistence) + coefficient*e*e + (persistence-gains*up-losses*(1-up))*h
		}
	}
}

// upperHalf is E[e^2; e > 0] by integration.
func upperHalf(s *skewT) (sum float64) {
	const steps, far = 400_000, 400.
	for i := range steps {
		e := (float64(i) + 0.5) / steps
		x := far * e * e * e // dense where the mass is
		sum += x * x * s.density(x) * 3 * far * e * e / steps
	}
	return sum
}

// TestVolatilityAhead: the day after the series is the last of Volatilities, whether
// the parameters hold it or not; a prefix has the same volatilities but for the start of
// the recursion, which the first 75 traded days give; y may be sd.
func TestVolatilityAhead(t *testing.T) {
	for name, c := range remembering() {
		y := make([]float64, 600)
		fill(name, c.theta, y)
		s := seriesOf(y)
		m := c.of(s).(Conditional)
		sd := make([]float64, len(y))
		next := m.Volatilities(c.theta, y, sd)
		if got := m.VolatilityAhead(c.theta); math.Abs(got/next-1) > 1e-12 {
			t.Errorf("%s: ahead %v, the history ends in %v", name, got, next)
		}
		at := map[string]int{"gjr_t": gjrNext, "ewma_t": ewmaNext, "hurdle_gjr_t": activeNext}[name]
		theta := slices.Clone(c.theta)
		theta[at] = 0.034
		want := 0.034
		if name == "hurdle_gjr_t" {
			g := activeOf(theta)
			want = g.mixed(theta, 0.034*0.034)
		}
		own := m.(anchored).anchor().(Conditional)
		if got := own.VolatilityAhead(theta); !(math.Abs(got-want) <= 1e-15) {
			t.Errorf("%s: ahead %v of a draw that holds %v", name, got, want)
		}
		const some = 500
		part := make([]float64, some)
		if got := m.Volatilities(c.theta, y[:some], part); !(math.Abs(got/sd[some]-1)+math.Abs(part[some/2]/sd[some/2]-1) <= 1e-12) {
			t.Errorf("%s: %v after %d days, %v on the day after", name, got, some, sd[some])
		}
		if got := m.Volatilities(c.theta, y, y); got != next || !slices.Equal(y, sd) {
			t.Errorf("%s: in place %v, want %v", name, got, next)
		}
	}
}

// fill writes a history of a model of remembering.
func fill(name string, theta, y []float64) {
	rng := rand.New(rand.NewPCG(3, 4))
	switch name {
	case "gjr_t":
		newGJRPredictor(nil).Replicate(theta, rng, y)
	case "ewma_t":
		replicateEWMA(theta, rng, y)
	default:
		newHurdleGJR(nil).Replicate(theta, rng, y)
	}
}

// TestVolatilitiesScale: returns in another unit have volatilities in that unit.
func TestVolatilitiesScale(t *testing.T) {
	places := map[string][]int{
		"gjr_t": {gjrMu, gjrSD, gjrRMS}, "ewma_t": {ewmaMu, ewmaSD},
		"hurdle_gjr_t": {activeMu, activeSD, activeRMS, activeShape + 1, activeShape + 4},
	}
	for name, c := range remembering() {
		y, scaled, theta := make([]float64, 300), make([]float64, 300), slices.Clone(c.theta)
		fill(name, c.theta, y)
		for i, r := range y {
			scaled[i] = 3 * r
		}
		for _, k := range places[name] {
			theta[k] *= 3
		}
		m := c.of(seriesOf(y)).(Conditional)
		sd, other := make([]float64, 300), make([]float64, 300)
		m.Volatilities(c.theta, y, sd)
		m.Volatilities(theta, scaled, other)
		for i := range sd {
			if !(math.Abs(other[i]-3*sd[i]) <= 1e-12) {
				t.Fatalf("%s, day %d: %v, of thrice the returns %v", name, i, sd[i], other[i])
			}
		}
	}
}

// TestPersistence compares with the mean variance of many paths: what is left of its
// distance from the long run, day by day. Of ewma_t all is left.
func TestPersistence(t *testing.T) {
	for name, c := range remembering() {
		y := make([]float64, 200)
		fill(name, c.theta, y)
		for i := 190; i < 200; i++ { // a turbulent end
			y[i] = 0.04 * float64(2*(i%2)-1)
		}
		m := c.of(seriesOf(y)).(Conditional)
		const paths, ahead = 4000, 15
		rng := rand.New(rand.NewPCG(5, 5))
		squares, r := 0.0, make([]float64, ahead)
		longer, sd := slices.Concat(y, r), make([]float64, len(y)+ahead)
		for range paths {
			for i := range r {
				r[i] = rng.NormFloat64()
			}
			m.Path(c.theta, r, longer[len(y):])
			next := m.Volatilities(c.theta, longer, sd)
			squares += next * next / paths
		}
		now, far := m.VolatilityAhead(c.theta), 0.0
		if name != "ewma_t" {
			far = m.Volatility(c.theta)
		}
		got := (squares - far*far) / (now*now - far*far)
		if want := math.Pow(m.Persistence(c.theta), ahead); !(math.Abs(got/want-1) <= 0.1) {
			t.Errorf("%s: after %d days %v of a shock is left, the persistence says %v", name, ahead, got, want)
		}
	}
	for p, want := range map[float64]float64{0.5: 1, 1: math.Inf(1), 0: 0} {
		if got := HalfLife(p); got != want {
			t.Errorf("half-life of %v is %v, want %v", p, got, want)
		}
	}
	if got := math.Pow(0.97, HalfLife(0.97)); math.Abs(got-0.5) > 1e-12 {
		t.Errorf("after the half-life of 0.97 %v is left", got)
	}
}

// Short histories have a volatility for each of their days.
func TestVolatilitiesOfShortHistories(t *testing.T) {
	for name, c := range remembering() {
		m := c.of(seriesOf([]float64{0.01, -0.02})).(Conditional)
		sd := []float64{0}
		if next := m.Volatilities(c.theta, []float64{0.013}, sd); !(next > 0) || !(sd[0] > 0) {
			t.Errorf("%s: %v, then %v", name, sd, next)
		}
	}
}

// TestVolatilityCovered: the true volatility of a simulated history is within the 90%
// band of the posterior on about 90% of the days; one history is one draw of that share,
// which moves since days are dependent.
func TestVolatilityCovered(t *testing.T) {
	if testing.Short() {
		t.Skip("fits several histories")
	}
	truth := gjrTruth(-0.1, 0.04, 0.12, 0.96, 0, 7)
	const histories, days = 8, 1000
	inside := 0.0
	for k := range histories {
		s := gjrSeries(uint64(100+k), days, truth)
		o := DefaultOptions()
		o.Model, o.Draws, o.Replicates = "gjr_t", 250, 0
		p, err := Fit(t.Context(), s, o, testStream(uint64(k)), nil)
		if err != nil || p.Model != "gjr_t" || p.Len() == 0 {
			t.Fatalf("history %d: %v", k, err)
		}
		predictor, err := p.Predictor(s)
		if err != nil {
			t.Fatal(err)
		}
		m := predictor.(Conditional)
		want := make([]float64, days)
		m.Volatilities(truth, s.Returns, want)
		draws := make([][]float64, days)
		sd := make([]float64, days)
		for i := range p.Len() {
			m.Volatilities(p.Theta(i), s.Returns, sd)
			for t, v := range sd {
				draws[t] = append(draws[t], v)
			}
		}
		for t := 100; t < days; t++ { // after the start that all draws share
			slices.Sort(draws[t])
			n := len(draws[t])
			if draws[t][n/20] <= want[t] && want[t] <= draws[t][n-1-n/20] {
				inside += 1. / (days - 100) / histories
			}
		}
	}
	if inside < 0.8 || inside > 0.97 {
		t.Errorf("the band has the true volatility on %.1f%% of the days, want about 90%%", 100*inside)
	}
}
