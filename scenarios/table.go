package scenarios

import (
	"encoding/json"
	"fmt"

	"allocate/returns"
	"allocate/returns/columnar"
)

type header struct {
	AsOf      returns.Date      `json:"as_of"`
	Horizon   int               `json:"horizon"`
	Frequency returns.Frequency `json:"frequency"`
	Names     []string          `json:"names"`
	Weighted  bool              `json:"weighted"`
	Findings  []returns.Finding `json:"findings"`
}

// Table converts the set, and what was noticed while making it, for storage:
// one column per strategy, and one of probabilities if they differ.
func (s *Set) Table(findings []returns.Finding) (*columnar.Table, error) {
	about, err := json.Marshal(header{s.AsOf, s.Horizon, s.Frequency, s.Names, s.Prob != nil, findings})
	if err != nil {
		return nil, fmt.Errorf("scenarios: %w", err)
	}
	t := &columnar.Table{Meta: map[string]string{"type": "scenarios.Set", "set": string(about)}}
	n := len(s.Names)
	for j, name := range s.Names {
		v := make([]float64, s.Len())
		for i := range v {
			v[i] = s.Returns[i*n+j]
		}
		t.Columns = append(t.Columns, columnar.Floats64("return:"+name, v))
	}
	if s.Prob != nil {
		t.Columns = append(t.Columns, columnar.Floats64("probability", s.Prob))
	}
	return t, nil
}

// FromTable is the inverse of Set.Table.
func FromTable(t *columnar.Table) (*Set, []returns.Finding, error) {
	var h header
	if err := json.Unmarshal([]byte(t.Meta["set"]), &h); err != nil {
		return nil, nil, fmt.Errorf("scenarios: set metadata: %w", err)
	}
	n := len(h.Names)
	s := &Set{AsOf: h.AsOf, Horizon: h.Horizon, Frequency: h.Frequency, Names: h.Names, Returns: make([]float64, t.Rows()*n)}
	for j, name := range h.Names {
		v, err := t.FloatsOf("return:" + name)
		if err != nil {
			return nil, nil, err
		}
		for i, r := range v {
			s.Returns[i*n+j] = r
		}
	}
	if h.Weighted {
		var err error
		if s.Prob, err = t.FloatsOf("probability"); err != nil {
			return nil, nil, err
		}
	}
	return s, h.Findings, s.Validate()
}
