package reports

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"allocate/bayes"
	"allocate/optimize"
	"allocate/returns"
	"allocate/scenarios"
)

// hostile are names that a file may hold, each an attack on some reader.
var hostile = []string{
	`<script>alert(1)</script>`, `=cmd|' /C calc'!A0`, `"; DROP TABLE x`, "a,b\nc", "../../etc/passwd", "naïve 🙂 \u202eevil", "+1", "@x", strings.Repeat("long ", 2000),
}

// sample is a run of the hostile names and CASH, made by hand.
func sample() *Run {
	r := &Run{AsOf: returns.NewDate(2022, 12, 28), Effective: returns.NewDate(2022, 12, 29), Seed: 7, Bayes: bayes.DefaultOptions(), Scenarios: scenarios.DefaultOptions(), Optimize: optimize.DefaultOptions(), Excluded: []string{"left out"}}
	r.Optimize.Cash = true
	n := len(hostile)
	r.Set = &scenarios.Set{AsOf: r.AsOf, Horizon: 21, Names: hostile, Returns: make([]float64, 200*n)}
	for i := range r.Set.Returns {
		r.Set.Returns[i] = 0.1 * math.Sin(float64(i*i))
	}
	r.Fan = &scenarios.Fan{Day: []int{7, 14, 21}, Q5: []float64{-0.01, -0.02, -0.03}, Q25: []float64{-0.005, -0.01, -0.01}, Q50: []float64{0.001, 0.002, 0.003}, Q75: []float64{0.006, 0.012, 0.013}, Q95: []float64{0.01, 0.02, 0.04}}
	r.Solution = &optimize.Solution{Names: append(append([]string(nil), hostile...), optimize.Cash), Decimals: 6, CVaR: 0.05, VaR: 0.03, Mean: 0.01}
	r.Solution.Weights = make([]float64, n+1)
	r.Solution.Weights[0], r.Solution.Weights[1], r.Solution.Weights[n] = 0.3, 0.4, 0.3
	r.Solution.Contributions = make([]float64, n+1)
	for j, name := range hostile {
		names := []string{"mu", "sigma", "nu", "sd", "sharpe"}
		p := &bayes.Posterior{Strategy: name, Model: "student_t", Names: names, Chains: 2, Draws: 2, Values: make([]float64, 20)}
		for i := range p.Values {
			p.Values[i] = 0.01 * float64(i+j+1)
		}
		for _, k := range names {
			p.Summary = append(p.Summary, bayes.Summary{Name: k, Mean: 0.1, Q5: 0.05, Q95: 0.2, RHat: bayes.Number(math.NaN())})
		}
		r.Posteriors = append(r.Posteriors, p)
		r.Series = append(r.Series, &returns.Series{Strategy: returns.Strategy{Name: name}, Returns: []float64{0.1, 0.2}})
		r.Findings = append(r.Findings, returns.Finding{Code: "data.gap", Severity: returns.Warn, Strategy: name, Sentence: name})
	}
	return r
}

func TestWeightsOfHostileNames(t *testing.T) {
	r := sample()
	var b bytes.Buffer
	if err := WriteWeights(&b, r); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != 1+len(hostile)+2 {
		t.Fatalf("%d records", len(records))
	}
	if last := records[len(records)-1]; last[2] != "CASH" || last[3] != "0.300000" {
		t.Errorf("the last row is %v, want CASH", last)
	}
	for _, rec := range records[1:] {
		if rec[0] != "2022-12-28" || rec[1] != "2022-12-29" || len(rec[3]) != 8 {
			t.Errorf("row %v", rec)
		}
		if strings.ContainsAny(rec[2][:1], "=+-@") {
			t.Errorf("a spreadsheet would run %q", rec[2])
		}
	}
}

func TestWeightsMustSumToTheBudget(t *testing.T) {
	r := sample()
	r.Solution.Weights[0] += 1e-6
	if err := WriteWeights(&bytes.Buffer{}, r); err == nil {
		t.Error("weights that do not sum to the budget were written")
	}
}

func TestTearsheetOfHostileNames(t *testing.T) {
	var b bytes.Buffer
	if err := WriteTearsheet(&b, sample()); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	if n := strings.Count(page, "<script"); n != 1 {
		t.Errorf("%d scripts, want the page's own", n)
	}
	for _, bad := range []string{"<script>alert", "http://", "https://", "NaN%", "ZgotmplZ", "src=", "url("} {
		if strings.Contains(page, bad) {
			t.Errorf("the page contains %q", bad)
		}
	}
	for _, good := range []string{"&lt;script&gt;alert(1)&lt;/script&gt;", "Weights as of 2022-12-28", `<svg role="img" aria-label="Histogram`, "default-src 'none'", "prefers-color-scheme:dark"} {
		if !strings.Contains(page, good) {
			t.Errorf("the page lacks %q", good)
		}
	}
	for _, tag := range []string{"table", "section", "svg", "main", "ul", "dl"} {
		if open, closed := strings.Count(page, "<"+tag), strings.Count(page, "</"+tag+">"); open != closed || open == 0 {
			t.Errorf("%d <%s> and %d closings", open, tag, closed)
		}
	}
}

func TestSummaryIsJSON(t *testing.T) {
	var b bytes.Buffer
	if err := WriteSummary(&b, sample()); err != nil {
		t.Fatal(err)
	}
	var s Summary
	if err := json.Unmarshal(b.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	if len(s.Strategies) != len(hostile) || s.Strategies[0].Name != hostile[0] || s.CVaR != 0.05 || s.WorstFinding != returns.Warn {
		t.Errorf("summary of %d strategies, CVaR %v, worst %v", len(s.Strategies), s.CVaR, s.WorstFinding)
	}
}
