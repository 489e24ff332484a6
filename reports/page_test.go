package reports

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"html"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"allocate/bayes"
	"allocate/optimize"
	"allocate/returns"
	"allocate/scenarios"
)

var update = flag.Bool("update", false, "write the golden files again")

// plausible is a run of n strategies with numbers of usual size.
func plausible(n int) *Run {
	r := &Run{
		AsOf: returns.NewDate(2022, 12, 28), Effective: returns.NewDate(2022, 12, 29), Seed: 7, Bayes: bayes.DefaultOptions(), Scenarios: scenarios.DefaultOptions(),
		Optimize: optimize.DefaultOptions(), Coverages: map[string]*scenarios.Coverage{}, Held: &Held{AsOf: returns.NewDate(2022, 11, 30), Weights: map[string]float64{}, Beliefs: map[string]HeldStrategy{}},
	}
	wave := func(i, j int) float64 { return math.Sin(float64(i*7919+j*104729) * 0.618) }
	r.Set = &scenarios.Set{AsOf: r.AsOf, Horizon: 21}
	for j := range n {
		r.Set.Names = append(r.Set.Names, fmt.Sprintf("strategy_%03d", j))
	}
	const count = 400
	for i := range count {
		for j := range n {
			r.Set.Returns = append(r.Set.Returns, 0.002+0.03*wave(i, j))
		}
	}
	r.Solution = &optimize.Solution{
		Names: r.Set.Names, Decimals: 6, Method: "vertex", CVaR: 0.0312, VaR: 0.0214, Mean: 0.0034, Cost: 0.0001,
		Certificate: optimize.Certificate{Primal: 0.0313, DualBound: 0.0312999, ExactPrimal: 0.0313, ExactGap: 2e-15, Gap: 3e-8, Scale: 0.03},
	}
	r.Solution.Weights, r.Solution.Contributions = make([]float64, n), make([]float64, n)
	for j := range min(8, n) {
		r.Solution.Weights[j] = 0.125
		r.Solution.Contributions[j] = 0.0039
		r.Held.Weights[r.Set.Names[j]] = 0.1 + 0.005*float64(j)
		r.Held.Beliefs[r.Set.Names[j]] = HeldStrategy{AnnualReturn: 0.05, AnnualVolatility: 0.1}
	}
	r.Solution.ShadowPrices = []optimize.ShadowPrice{{Name: "optimize.budget", Side: "lower", Price: 0.031}}
	r.Solution.Frontier = &optimize.Frontier{Points: []optimize.FrontierPoint{{Return: 0.001, Risk: 0.02}, {Return: 0.004, Risk: 0.05}}, Complete: true}
	for j, name := range r.Set.Names {
		names := []string{"mu", "sigma", "nu", "sd", "sharpe"}
		p := &bayes.Posterior{Strategy: name, Model: "student_t", Names: names, Chains: 4, Draws: 100, Values: make([]float64, 5*400)}
		for i := range 400 {
			sd, sharpe := 0.011+0.0004*wave(i, j), 0.5+0.4*wave(i, j+1)
			copy(p.Values[5*i:], []float64{sharpe * sd / math.Sqrt(252), 0.01, 6, sd, sharpe})
		}
		for k, q := range names {
			p.Summary = append(p.Summary, bayes.Summary{Name: q, Mean: bayes.Number(p.Values[k]), SD: 0.1, Q5: bayes.Number(p.Values[k] * 0.9), Q95: bayes.Number(p.Values[k] * 1.1), RHat: 1.0012, ESSBulk: 3210, ESSTail: 2987})
		}
		r.Posteriors = append(r.Posteriors, p)
		s := &returns.Series{Strategy: returns.Strategy{Name: name}}
		for i := range 300 {
			s.Dates, s.Returns = append(s.Dates, returns.NewDate(2021, 10, 1)+returns.Date(i)), append(s.Returns, 0.01*wave(i, j))
		}
		r.Series = append(r.Series, s)
		r.Findings = append(r.Findings, returns.Finding{Code: "data.gap", Severity: returns.Info, Strategy: name, Sentence: "A day is missing."})
	}
	return r
}

// cells returns the texts of the cells of every row of the table after a
// heading.
func cells(t *testing.T, page, id string) [][]string {
	t.Helper()
	_, rest, found := strings.Cut(page, `id="`+id+`"`)
	if !found {
		t.Fatalf("no section %s", id)
	}
	_, rest, _ = strings.Cut(rest, "<tbody>")
	body, _, _ := strings.Cut(rest, "</tbody>")
	var rows [][]string
	tags := regexp.MustCompile(`<br>`)
	other := regexp.MustCompile(`<[^>]*>`)
	for _, tr := range strings.Split(body, "</tr>") {
		var row []string
		for _, td := range regexp.MustCompile(`(?s)<t[hd][^>]*>(.*?)</t[hd]>`).FindAllStringSubmatch(tr, -1) {
			row = append(row, html.UnescapeString(other.ReplaceAllString(tags.ReplaceAllString(td[1], " | "), "")))
		}
		if row != nil {
			rows = append(rows, row)
		}
	}
	return rows
}

// TestPageMatchesPublishedFiles reads the tear sheet back and compares every number of
// its tables and figures with summary.json and weights.csv.
func TestPageMatchesPublishedFiles(t *testing.T) {
	r := plausible(12)
	for i := range r.Set.Returns {
		r.Set.Returns[i] *= 10 // errors of a size that is seen
	}
	shift := 0.05 * r.Solution.CVaR // shares that differ from the weights are shown
	r.Solution.Contributions[0] += shift
	r.Solution.Contributions[1] -= shift
	var page, summary, weights bytes.Buffer
	for w, f := range map[*bytes.Buffer]func() error{
		&page: func() error { return WriteTearsheet(&page, r) }, &summary: func() error { return WriteSummary(&summary, r) }, &weights: func() error { return WriteWeights(&weights, r) },
	} {
		if err := f(); err != nil {
			t.Fatal(w, err)
		}
	}
	var s Summary
	if err := json.Unmarshal(summary.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(&weights).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	file := map[string]string{}
	for _, rec := range records[1:] {
		file[rec[2]] = rec[3]
	}
	by := map[string]StrategySummary{}
	for _, x := range s.Strategies {
		by[x.Name] = x
	}
	text := page.String()
	pct := func(digits int, x float64) string { return fmt.Sprintf("%.*f%%", digits, 100*x) }
	signed := func(x float64) string { return fmt.Sprintf("%+.2f%%", 100*x) }
	span := func(digits int, i Interval) string {
		return pct(digits, float64(i.Mean)) + " | " + pct(digits, float64(i.Q5)) + " to " + pct(digits, float64(i.Q95))
	}
	rows := cells(t, text, "weights")
	if len(rows) != 8 {
		t.Errorf("%d rows of weights, want the 8 that are or were held", len(rows))
	}
	for _, row := range rows {
		x := by[row[0]]
		printed, _ := strconv.ParseFloat(file[row[0]], 64)
		want := []string{row[0], pct(2, printed), pct(2, x.Held), fmt.Sprintf("%+.2f pp", 100*(x.Weight-x.Held)), chance(x.ProbMeanPositive), pct(2, x.RiskContribution/s.CVaR), signed(x.ExpectedHorizon)}
		for k, cell := range want {
			if row[k] != cell {
				t.Errorf("weights of %s: cell %d is %q, the artifact has %q", row[0], k, row[k], cell)
			}
		}
	}
	for k, row := range cells(t, text, "strategies") {
		x := s.Strategies[k]
		want := []string{
			x.Name, span(2, x.AnnualReturn), span(2, x.AnnualVolatility),
			fmt.Sprintf("%.2f | %.2f to %.2f", x.Sharpe.Mean, x.Sharpe.Q5, x.Sharpe.Q95), chance(x.ProbMeanPositive), "–", fmt.Sprint(x.Days),
		}
		for i := range want {
			if row[i] != want[i] {
				t.Errorf("strategy %s: cell %d is %q, the artifact has %q", x.Name, i, row[i], want[i])
			}
		}
	}
	for k, row := range cells(t, text, "sampler") {
		x := s.Strategies[k]
		want := []string{x.Name, x.Model, string(x.Verdict), fmt.Sprintf("%.4f", float64(x.MaxRHat)), fmt.Sprintf("%.0f", float64(x.MinESSBulk)), fmt.Sprintf("%.0f", float64(x.MinESSTail)), fmt.Sprint(x.Divergent)}
		for i := range want {
			if row[i] != want[i] {
				t.Errorf("sampler of %s: cell %d is %q, the artifact has %q", x.Name, i, row[i], want[i])
			}
		}
	}
	for _, want := range []string{
		"<dd>" + signed(s.ExpectedRet), "<dd>" + pct(2, s.Volatility), "<dd>" + pct(2, s.CVaR), "VaR " + pct(2, s.VaR), "MC interval " + pct(2, s.CVaR-1.6448536*s.CVaRError) + " to " + pct(2, s.CVaR+1.6448536*s.CVaRError), s.Verdict, "P(loss) " + chance(s.ProbLoss),
		"<dd>" + pct(2, s.Turnover), fmt.Sprintf("<dd>%.8f</dd>", s.Certificate.Primal), fmt.Sprintf("<dd>%.8f</dd>", s.Certificate.DualBound),
	} {
		if !strings.Contains(text, html.EscapeString(want)) && !strings.Contains(text, strings.ReplaceAll(want, "+", "&#43;")) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// TestLargePage bears five hundred strategies.
func TestLargePage(t *testing.T) {
	var b bytes.Buffer
	if err := WriteTearsheet(&b, plausible(500)); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 8<<20 {
		t.Errorf("a page of 500 strategies has %d bytes", b.Len())
	}
	if n := strings.Count(b.String(), "<details "); n != mostDetails || !strings.Contains(b.String(), "Charts of 440 strategies omitted") {
		t.Errorf("%d strategies have charts", n)
	}
}

// TestGolden compares what a page is made of, without its charts' coordinates,
// and the bytes of the weights, with what was reviewed.
func TestGolden(t *testing.T) {
	r := plausible(4)
	r.Solution.Weights = []float64{0.5, 0.25, 0.25, 0}
	var page, weights, wide bytes.Buffer
	for _, err := range []error{WriteTearsheet(&page, r), WriteWeights(&weights, r), writeWeights(WideWeights)(&wide, r)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	replay := published(t, replayed())
	for name, got := range map[string]string{
		"tearsheet.html": structure(page.String()), "weights.csv": weights.String(), "weights_wide.csv": wide.String(),
		"backtest.html": structure(replay["tearsheet.html"].String()), "backtest_weights.csv": replay["weights.csv"].String(), "rebalances.csv": replay["rebalances.csv"].String(),
	} {
		path := filepath.Join("..", "testdata", "golden", name)
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(want) != got {
			t.Errorf("%s is not what was reviewed; look at the difference, then: go test ./reports -run Golden -update", name)
		}
	}
}

// structure is a page without its style, its script and the coordinates of its
// charts.
func structure(page string) string {
	page = regexp.MustCompile(`(?s)<style>.*?</style>`).ReplaceAllString(page, "<style></style>")
	page = regexp.MustCompile(`(?s)<script>.*?</script>`).ReplaceAllString(page, "<script></script>")
	return regexp.MustCompile(`(?s)(<svg role="img" aria-label="[^"]*").*?</svg>`).ReplaceAllString(page, "$1></svg>")
}

func BenchmarkTearsheet(b *testing.B) {
	for _, n := range []int{29, 500} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := plausible(n)
			var page bytes.Buffer
			for b.Loop() {
				page.Reset()
				if err := WriteTearsheet(&page, r); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(page.Len())/(1<<20), "MiB")
		})
	}
}

// TestProbabilitiesAreNeverCertain never rounds a probability to certainty.
func TestProbabilitiesAreNeverCertain(t *testing.T) {
	for p, want := range map[float64]string{0: "<0.1%", 1: ">99.9%", 0.99996: ">99.9%", 0.00004: "<0.1%", 0.5: "50.0%", 0.999: "99.9%"} {
		if got := chance(p); got != want {
			t.Errorf("%v is %s, want %s", p, got, want)
		}
	}
}
