package scenarios

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/mathext"

	"allocate/returns"
)

// split cuts strategies of normal scores into their first days and those after.
func split(t *testing.T, score [][]float64, at int) (strategies []Strategy, after []*returns.Series) {
	head := make([][]float64, len(score))
	for j := range score {
		head[j] = score[j][:at]
	}
	strategies = ofScores(t, head)
	for j, s := range strategies {
		days := *s.Series
		days.Dates, days.Returns = nil, nil
		for k, z := range score[j][at:] {
			if !math.IsNaN(z) {
				days.Dates, days.Returns = append(days.Dates, returns.Date(at+k)), append(days.Returns, 0.01*tQuantile(z))
			}
		}
		after = append(after, &days)
	}
	return strategies, after
}

// tQuantile is of five degrees of freedom, as the posteriors of ofScores have them.
func tQuantile(z float64) float64 { return mapFor(5).student(z) }

// TestDependenceIsScored scores days whose dependence is known: a copula's log score is
// near the one of the truth, that moves where it does, and independence has 0.
func TestDependenceIsScored(t *testing.T) {
	const n, at, days = 6, 2000, 3000
	score, path := dccTruth(21, n, days, 0.05, 0.93, 7)
	score[2][at+5] = math.NaN()
	s, after := split(t, score, at)
	mean := map[string]float64{}
	for _, kind := range []string{DCC, TCopula, Gaussian, Independent} {
		got, err := ScoreDependence(t.Context(), s, after, kind, stream(2), 1)
		if err != nil || len(got) != days-at || got[5].Strategies != n-1 {
			t.Fatalf("%s: %d days, %v", kind, len(got), err)
		}
		for _, d := range got {
			mean[kind] += d.LogScore / float64(days-at)
		}
	}
	truth := 0.0
	for k := at; k < days; k++ {
		if k == at+5 {
			continue
		}
		l := append([]float64(nil), path[k]...)
		cholesky(l, n)
		logDet := 0.0
		for i := range n {
			logDet += 2 * math.Log(l[i*n+i])
		}
		x := make([]float64, n)
		for i := range x {
			x[i] = mapFor(7).student(score[i][k])
		}
		truth += copulaDensity(x, l, logDet, 7) / (days - at)
	}
	t.Logf("%v, the truth %.4f", mean, truth)
	// Over other seeds estimation costs 0.02 to 0.07, where correlations are so persistent.
	if d := mean[DCC] - truth; d > 0.01 || d < -0.07 {
		t.Errorf("DCC scores %.4f, the truth %.4f", mean[DCC], truth)
	}
	if mean[DCC] < mean[TCopula]+0.1 || mean[TCopula] < mean[Gaussian]+0.02 || mean[Independent] != 0 {
		t.Errorf("%v", mean)
	}
	if _, err := ScoreDependence(t.Context(), s, after, Empirical, stream(2), 1); err == nil {
		t.Error("empirical ranks were scored")
	}
}

// TestScoresAreOfInnovations smooths two strategies of a common factor, whose innovations
// of a day say more of each other than their scores do: the score is that of the
// innovations, the first of which goes on from the last day of history.
func TestScoresAreOfInnovations(t *testing.T) {
	const at, days, phi, rho = 2000, 4000, 0.6, 0.5
	score, _ := dccTruth(3, 2, days, 0, 0, 1000)
	for k := range score[0] {
		score[1][k] = rho*score[0][k] + math.Sqrt(1-rho*rho)*score[1][k]
	}
	smooth, plain := make([]float64, days), score[1]
	before := 0.0
	for k, e := range score[0] {
		before = phi*before + math.Sqrt(1-phi*phi)*e
		smooth[k] = before
	}
	mean := func(rows [][]float64) (m float64) {
		s, after := split(t, rows, at)
		got, err := ScoreDependence(t.Context(), s, after, Gaussian, stream(2), 1)
		if err != nil {
			t.Fatal(err)
		}
		// The first day by hand.
		d, _, err := newDependence(s, Gaussian, stream(2), inLine)
		if err != nil {
			t.Fatal(err)
		}
		_, z, err := scoresAfter(s, after)
		if err != nil {
			t.Fatal(err)
		}
		e := make([]float64, 2)
		for j, a := range d.ranks.serial {
			e[j] = (z[j][0] - a.phi*a.last) / math.Sqrt(1-a.phi*a.phi)
		}
		r := d.long.At(0, 1)
		l := []float64{1, 0, r, 1}
		cholesky(l, 2)
		if want := density(e, l, math.Log(1-r*r), math.Inf(1)); math.Abs(got[0].LogScore-want) > 1e-9 {
			t.Errorf("the first day scores %v, want %v", got[0].LogScore, want)
		}
		for _, d := range got {
			m += d.LogScore / float64(len(got))
		}
		return m
	}
	// The innovations of the one that is smooth are as near to the other as they were.
	want, got := mean([][]float64{score[0], plain}), mean([][]float64{smooth, plain})
	t.Logf("log score %.4f, of the innovations %.4f", got, want)
	if math.Abs(got-want) > 0.015 || want < 0.1 {
		t.Errorf("log score %.4f, of the innovations %.4f", got, want)
	}
}

// TestDayScoreFollowsTheFormula is the density of two strategies by its formula, of a copula without
// tail dependence.
func TestDayScoreFollowsTheFormula(t *testing.T) {
	const rho, a, b = 0.6, 1.2, -0.4
	l := []float64{1, 0, rho, 1}
	cholesky(l, 2)
	got := density([]float64{a, b}, l, math.Log(1-rho*rho), math.Inf(1))
	if want := -0.5*math.Log(1-rho*rho) - (rho*rho*(a*a+b*b)-2*rho*a*b)/(2*(1-rho*rho)); math.Abs(got-want) > 1e-12 {
		t.Errorf("%v, want %v", got, want)
	}
	// The t copula of many degrees of freedom is near.
	nu := 5000.0
	if far := density([]float64{a, b}, l, math.Log(1-rho*rho), nu); math.Abs(got-far) > 2e-3 {
		t.Errorf("%v with %v degrees of freedom", far, nu)
	}
}

// TestIdleDaysTakeNoPart has a strategy that is out of the market on two days of three:
// the others' correlation with it is scored on the third, on which its score is that among
// traded days.
func TestIdleDaysTakeNoPart(t *testing.T) {
	score, _ := dccTruth(5, 2, 1500, 0, 0, 8)
	y := make([]float64, 1200)
	for k := range y {
		if k%3 == 0 {
			y[k] = 0.01 * score[0][k]
		}
	}
	s := []Strategy{hurdle(t, "flat", y, 1.0/3), ofScores(t, [][]float64{score[1][:1200]})[0]}
	var after []*returns.Series
	for j := range s {
		days := *s[j].Series
		days.Dates, days.Returns = nil, nil
		for k := 1200; k < 1500; k++ {
			r := 0.01 * score[j][k]
			if j == 0 && k%3 > 0 {
				r = 0
			}
			days.Dates, days.Returns = append(days.Dates, returns.Date(k)), append(days.Returns, r)
		}
		after = append(after, &days)
	}
	got, err := ScoreDependence(t.Context(), s, after, TCopula, stream(2), 1)
	if err != nil || len(got) != 100 {
		t.Fatalf("%d days, %v", len(got), err)
	}
	_, rows, err := scoresAfter(s, after)
	if err != nil {
		t.Fatal(err)
	}
	var z []float64
	for _, v := range rows[0] {
		if !math.IsNaN(v) {
			z = append(z, mathext.NormalQuantile(math.Min(0.999, math.Max(0.001, normalCDF(v)))))
		}
	}
	mean, square := 0.0, 0.0
	for _, v := range z {
		mean += v / float64(len(z))
		square += v * v / float64(len(z))
	}
	if len(z) != 100 || math.Abs(mean) > 0.35 || square < 0.4 || square > 2 {
		t.Errorf("%d scores of traded days, mean %.2f, mean square %.2f", len(z), mean, square)
	}
}

// TestNonlinearShrinkage is nearer to the truth than the sample and than a constant
// correlation, where there are many strategies; the same strategy twice stays so.
func TestNonlinearShrinkage(t *testing.T) {
	for _, c := range []struct{ n, days int }{{12, 500}, {30, 300}, {100, 2520}, {120, 100}} {
		score, path := dccTruth(uint64(c.n), c.n, c.days, 0, 0, 1000)
		p := newPairs(score)
		loss := func(r *mat.SymDense) (sum float64) {
			for i := range c.n {
				for j := range i {
					d := r.At(i, j) - path[0][i*c.n+j]
					sum += d * d
				}
			}
			return sum
		}
		r, _, _ := p.complete(false)
		linear, _, _ := p.complete(true)
		ours := nonlinear(r, p.overlap())
		if a, b, c := loss(ours), loss(r), loss(linear); a > 0.8*b || a > 0.8*c {
			t.Errorf("squared error %.3f, of the sample %.3f, of linear shrinkage %.3f", a, b, c)
		}
		var eigen mat.EigenSym
		if !eigen.Factorize(ours, false) || eigen.Values(nil)[0] < eigenFloor/2 {
			t.Errorf("least eigenvalue %v", eigen.Values(nil)[0])
		}
	}
	twice := mat.NewSymDense(3, []float64{1, 1, 0.3, 1, 1, 0.3, 0.3, 0.3, 1})
	if r := nonlinear(twice, 2520); r.At(0, 1) < 0.999 || math.Abs(r.At(0, 2)-0.3) > 0.02 {
		t.Errorf("the same strategy twice: %v", mat.Formatted(r))
	}
}
