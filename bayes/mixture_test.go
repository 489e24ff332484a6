package bayes

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"allocate/returns"
)

// mixedOf fits auto to ten years of a GARCH with weights as given, the memoryless first.
func mixedOf(t *testing.T, o Options, weights ...float64) (*returns.Series, *Posterior) {
	t.Helper()
	s := weekdaySeries(gjrSeries(4, 1300, gjrTruth(-0.1, 0.03, 0.12, 0.96, 0, 6)).Returns)
	e := &Evidence{}
	for k, name := range []string{"student_t", "gjr_t", "ewma_t"}[:len(weights)] {
		e.Families = append(e.Families, FamilyEvidence{Family: name, Weight: weights[k], Days: 800, Difference: Number(-10 * float64(len(weights)-1-k)), SE: 3})
	}
	p, err := FitMixed(t.Context(), s, o, e, nil, testStream(3), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s, p
}

func mixedOptions() Options {
	o := DefaultOptions()
	o.Model, o.Draws, o.MinESS, o.Replicates = "auto", 400, 100, 20
	return o
}

// TestMixedPosterior has draws of every family by its weight, in every part of every chain;
// asks the family of a draw what its own predictor says, to the bit; and is the same after
// it was stored.
func TestMixedPosterior(t *testing.T) {
	s, p := mixedOf(t, mixedOptions(), 0.15, 0.6, 0.25)
	if p.Verdict() == Unusable || p.Model != "auto" || p.Len() != 1600 || len(p.Components) != 3 {
		t.Fatalf("%s of %d draws: %v, %v", p.Model, p.Len(), p.Verdict(), p.Findings)
	}
	table, err := p.Table()
	if err != nil {
		t.Fatal(err)
	}
	stored, err := FromTable(table)
	if err != nil {
		t.Fatal(err)
	}
	m, err := stored.Predictor(s)
	if err != nil {
		t.Fatal(err)
	}
	count, early := make([]int, 3), make([]int, 3)
	z := []float64{0.3, -1.2, 2, -0.4}
	for i := range p.Len() {
		theta := stored.Theta(i)
		k := int(theta[0])
		if count[k]++; i%p.Draws < 100 {
			early[k]++
		}
		if i%37 > 0 {
			continue
		}
		c := p.Components[k]
		one := &Posterior{Model: c.Family, Fitted: p.Fitted}
		f, err := one.Predictor(s)
		if err != nil {
			t.Fatal(err)
		}
		var own []float64
		for _, x := range c.Summary {
			own = append(own, theta[p.Index(x.Name)])
		}
		if slices.ContainsFunc(own, math.IsNaN) {
			t.Fatalf("draw %d of %s: %v", i, c.Family, own)
		}
		a, b := make([]float64, len(z)), make([]float64, len(z))
		f.Path(own, z, a)
		m.Path(theta, z, b)
		u, v := make([]float64, s.Len()), make([]float64, s.Len())
		f.PIT(own, s.Returns, u)
		m.PIT(theta, s.Returns, v)
		if !slices.Equal(a, b) || !slices.Equal(u, v) || f.Mean(own) != m.Mean(theta) || f.Volatility(own) != m.Volatility(theta) || f.Idle(own) != m.Idle(theta) {
			t.Errorf("draw %d: not what %s says", i, c.Family)
		}
		f.(Scorer).LogScores(own, s.Returns, u)
		m.(Scorer).LogScores(theta, s.Returns, v)
		if !slices.Equal(u, v) {
			t.Errorf("draw %d: not the log scores of %s", i, c.Family)
		}
		_, _, sharpe := Annual(f, own, 252)
		if _, _, mixed := Annual(m, theta, 252); math.Abs(mixed-sharpe) > 1e-9 {
			t.Errorf("draw %d: Sharpe ratio %v, of %s %v", i, mixed, c.Family, sharpe)
		}
		ahead := m.(Conditional).VolatilityAhead(theta)
		if next := m.(Conditional).Volatilities(theta, s.Returns, v); math.Abs(ahead/next-1) > 1e-9 {
			t.Errorf("draw %d of %s: volatility ahead %v, after the history %v", i, c.Family, ahead, next)
		}
	}
	for k, want := range []int{240, 960, 400} {
		if count[k] != want || p.Components[k].Draws != want {
			t.Errorf("family %d has %d draws (%d said), want %d", k, count[k], p.Components[k].Draws, want)
		}
		if share := float64(want) / 4; math.Abs(float64(early[k])-share) > 5*math.Sqrt(share) {
			t.Errorf("family %d has %d of the first 400 draws, expected %v", k, early[k], share)
		}
	}
	// The mean of a stratified sample is the weighted mean of the families'.
	for _, x := range p.Summary {
		want := 0.0
		for _, c := range p.Components {
			at := slices.IndexFunc(c.Summary, func(y Summary) bool { return y.Name == x.Name })
			want += c.Weight * float64(c.Summary[at].Mean)
		}
		if math.Abs(float64(x.Mean)-want) > 4*float64(x.MCSEMean) || !(x.ESSBulk > 100) || !(x.RHat < 1.05) {
			t.Errorf("%+v, the families' mean is %v", x, want)
		}
	}
	if got := p.WeighedBy(); !strings.HasPrefix(got, "gjr_t 60% (-10.0 ± 3.0), ewma_t 25%") || !strings.Contains(got, "of 800 returns") {
		t.Error(got)
	}
	var text strings.Builder
	if err := p.WriteCmdStan(&text, 1); err != nil || !strings.Contains(text.String(), "# family 1 = gjr_t\n") {
		t.Errorf("%v in\n%.600s", err, text.String())
	}
	if !(p.LossTail < 0.7) || p.LossTail == 0 || len(p.Checks) == 0 {
		t.Errorf("loss tail %v, %d checks", p.LossTail, len(p.Checks))
	}
}

// TestMixedWithoutAFamily: one that cannot be fitted gives its weight to the others, which
// a finding says; without evidence, or without any family, there is student_t.
func TestMixedWithoutAFamily(t *testing.T) {
	few := weekdaySeries(benchmarkReturns(59)) // too few for gjr_t
	p, err := FitMixed(t.Context(), few, mixedOptions(), &Evidence{Families: []FamilyEvidence{{Family: "student_t", Weight: 0.6}, {Family: "gjr_t", Weight: 0.4}}}, nil, testStream(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(p.Findings, func(f returns.Finding) bool { return f.Code == "bayes.family" })
	if p.Model != "auto" || len(p.Components) != 1 || p.Components[0].Weight != 1 || p.Components[0].Draws != p.Len() || at < 0 || p.Findings[at].Severity != returns.Warn {
		t.Errorf("%s, %d families, %v", p.Model, len(p.Components), p.Findings)
	}
	s := weekdaySeries(benchmarkReturns(300))
	for _, e := range []*Evidence{nil, {Families: []FamilyEvidence{{Family: "student_t", Failed: "the fit failed"}}}} {
		p, err := FitMixed(t.Context(), s, mixedOptions(), e, nil, testStream(1), nil)
		if err != nil || p.Model != "student_t" || !slices.ContainsFunc(p.Findings, func(f returns.Finding) bool { return f.Code == "bayes.family" }) {
			t.Errorf("%v, %s, %v", err, p.Model, p.Findings)
		}
	}
}

// TestMixedFallsBack on the mixture of an earlier fit where no family can be fitted, and says
// so; without one the strategy is unusable.
func TestMixedFallsBack(t *testing.T) {
	_, last := mixedOf(t, mixedOptions(), 0.5, 0.5)
	flat := weekdaySeries(make([]float64, 400))
	for i := range flat.Returns {
		flat.Returns[i] = 0.001
	}
	e := &Evidence{Families: []FamilyEvidence{{Family: "student_t", Weight: 0.5}, {Family: "gjr_t", Weight: 0.5}}}
	for _, before := range []*Posterior{last, nil} {
		p, err := FitMixed(t.Context(), flat, mixedOptions(), e, before, testStream(1), nil)
		if err != nil {
			t.Fatal(err)
		}
		isStale := slices.ContainsFunc(p.Findings, func(f returns.Finding) bool { return f.Code == "bayes.stale" && f.Severity == returns.Warn })
		if (before != nil) != (p.Method == Stale && isStale && p.Verdict() != Unusable && len(p.Components) == 2) || before == nil && p.Verdict() != Unusable {
			t.Errorf("%s, %s: %v", p.Method, p.Verdict(), p.Findings)
		}
	}
}

// TestMixedHurdle: of a strategy that has left the market since its models were weighed,
// each family is its hurdle.
func TestMixedHurdle(t *testing.T) {
	y := gjrSeries(4, 1300, gjrTruth(-0.1, 0.03, 0.12, 0.96, 0, 6)).Returns
	for i := range 200 {
		y[6*i] = 0
	}
	p, err := FitMixed(t.Context(), weekdaySeries(y), mixedOptions(), &Evidence{Families: []FamilyEvidence{{Family: "student_t", Weight: 0.5}, {Family: "gjr_t", Weight: 0.5}}}, nil, testStream(1), nil)
	if err != nil || len(p.Components) != 2 {
		t.Fatal(err, p.Findings)
	}
	for k, want := range []string{"hurdle_student_t", "hurdle_gjr_t"} {
		if got := p.Components[k].Family; got != want {
			t.Errorf("family %d is %s, want %s", k, got, want)
		}
	}
	m, err := p.Predictor(weekdaySeries(y))
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.Len() {
		if idle := m.Idle(p.Theta(i)); math.Abs(idle-200./1300) > 0.08 {
			t.Fatalf("draw %d: idle on %v of days", i, idle)
		}
	}
}

// TestMixedHalfLife: weights of returns are those of the family that has them.
func TestMixedHalfLife(t *testing.T) {
	o := mixedOptions()
	o.HalfLife = 250
	_, p := mixedOf(t, o, 0.5, 0.5)
	if p.Verdict() == Unusable || len(p.Components) != 2 {
		t.Error(p.Findings)
	}
}

// TestMixedLeaveFutureOut: the draws before the last year keep the shares of the families.
func TestMixedLeaveFutureOut(t *testing.T) {
	s, p := mixedOf(t, mixedOptions(), 0.1, 0.9)
	before, k, limit := p.LeaveFuture(s, 120)
	if before == nil || !(k <= limit) || before.Len() != 800 {
		t.Fatalf("k %v, limit %v", k, limit)
	}
	n := 0
	for i := range before.Len() {
		if before.Theta(i)[0] == 0 {
			n++
		}
	}
	if n != 80 {
		t.Errorf("%d of %d draws are student_t's, want a tenth", n, before.Len())
	}
	train := *s
	train.Dates, train.Returns = s.Dates[:1180], s.Returns[:1180]
	m, err := before.Predictor(&train)
	if err != nil {
		t.Fatal(err)
	}
	rng, z := rand.New(rand.NewPCG(1, 1)), make([]float64, 21)
	for i := range before.Len() {
		for t := range z {
			z[t] = rng.NormFloat64()
		}
		m.Path(before.Theta(i), z, z)
		if slices.ContainsFunc(z, math.IsNaN) {
			t.Fatalf("draw %d has no path", i)
		}
	}
}
