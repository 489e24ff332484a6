package published

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"sort"

	"allocate/pipeline/engine"
	"allocate/reports"
)

// Difference is two published runs side by side: only what differs.
type Difference struct {
	Run        []Pair       `json:"run"`        // as-of date, seed, versions, inputs
	Config     []Pair       `json:"config"`     // keys
	Portfolio  []NumberPair `json:"portfolio"`  // risk and return of the whole
	Weights    []NumberPair `json:"weights"`    // by strategy
	Posteriors []NumberPair `json:"posteriors"` // Sharpe and volatility, by strategy
}

// Pair is one text in both runs.
type Pair struct {
	Name string `json:"name"`
	A    string `json:"a"`
	B    string `json:"b"`
}

// NumberPair is one number in both runs.
type NumberPair struct {
	Name string  `json:"name"`
	A    float64 `json:"a"`
	B    float64 `json:"b"`
}

// Diff compares two folders of published runs.
func Diff(a, b string) (*Difference, error) {
	ma, sa, err := ReadSummary(a)
	if err != nil {
		return nil, err
	}
	mb, sb, err := ReadSummary(b)
	if err != nil {
		return nil, err
	}
	d := &Difference{}
	d.Run = pairs(aboutRun(ma), aboutRun(mb))
	ca, err := json.Marshal(ma.Config)
	if err != nil {
		return nil, err
	}
	cb, err := json.Marshal(mb.Config)
	if err != nil {
		return nil, err
	}
	d.Config = pairs(engine.Flatten(ca), engine.Flatten(cb))
	d.Portfolio = numbers(
		map[string]float64{"expected return": sa.ExpectedRet, "CVaR": sa.CVaR, "VaR": sa.VaR, "probability of loss": sa.ProbLoss},
		map[string]float64{"expected return": sb.ExpectedRet, "CVaR": sb.CVaR, "VaR": sb.VaR, "probability of loss": sb.ProbLoss})
	wa, pa := byStrategy(sa)
	wb, pb := byStrategy(sb)
	d.Weights, d.Posteriors = numbers(wa, wb), numbers(pa, pb)
	return d, nil
}

// ReadSummary reads run.json and summary.json of a published run, verified.
func ReadSummary(dir string) (*Manifest, *reports.Summary, error) {
	v, err := Open(dir)
	if err != nil {
		return nil, nil, err
	}
	b, err := v.read("summary.json")
	if err != nil {
		return nil, nil, err
	}
	var s reports.Summary
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, nil, v.broken("summary.json")
	}
	return v.Manifest, &s, nil
}

func aboutRun(m *Manifest) map[string]string {
	about := map[string]string{"as_of": m.AsOf.String(), "effective": m.Effective.String(), "seed": fmt.Sprint(m.Seed)}
	for name, v := range m.Versions {
		about["version of "+name] = v
	}
	for _, in := range m.Inputs {
		about["input "+filepath.Base(in.Path)] = in.SHA256.Short()
	}
	for _, s := range m.Stages {
		about["stage "+s.Name] = fmt.Sprintf("version %d", s.Version)
	}
	return about
}

func byStrategy(s *reports.Summary) (weights, posteriors map[string]float64) {
	weights, posteriors = map[string]float64{}, map[string]float64{}
	for _, st := range s.Strategies {
		weights[st.Name] = st.Weight
		posteriors[st.Name+": Sharpe"] = float64(st.Sharpe.Mean)
		posteriors[st.Name+": volatility"] = float64(st.AnnualVolatility.Mean)
	}
	return weights, posteriors
}

func pairs(a, b map[string]string) []Pair {
	list := []Pair{}
	for _, name := range union(a, b) {
		if a[name] != b[name] {
			list = append(list, Pair{name, a[name], b[name]})
		}
	}
	return list
}

func numbers(a, b map[string]float64) []NumberPair {
	list := []NumberPair{}
	for _, name := range union(a, b) {
		if math.Float64bits(a[name]) != math.Float64bits(b[name]) {
			list = append(list, NumberPair{name, a[name], b[name]})
		}
	}
	return list
}

// union returns the keys of both maps, sorted.
func union[V any](a, b map[string]V) []string {
	keys := make([]string, 0, len(a)+len(b))
	for k := range a {
		keys = append(keys, k)
	}
	for k := range b {
		if _, both := a[k]; !both {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	return keys
}
