package returns

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"

	"allocate/returns/columnar"
)

// Metadata holds the metadata of strategies from a second file, by name.
type Metadata map[string]About

// About is one row of the metadata.
type About struct {
	First    *Date    // returns before it are ignored
	LiveFrom *Date    // before it the returns are a backtest
	Exit     *Date    // last day in the universe; returns after it are ignored
	Group    string   // for constraints on groups
	CostBP   *float64 // basis points per unit of turnover
}

// ReadMetadata reads a CSV with a column `strategy` and any of first_date,
// live_from, exit, group and cost_bp; other columns are ignored. A blank
// cell says nothing. Errors are *InputError.
func ReadMetadata(file string, data []byte) (Metadata, error) {
	var header []string
	table, lines, err := columnar.ReadCSV(file, bytes.NewReader(data), func(h []string) ([]columnar.Kind, error) {
		header = h
		kinds := make([]columnar.Kind, len(h))
		for i, name := range h {
			if name != "cost_bp" {
				kinds[i] = columnar.String
			}
		}
		return kinds, nil
	})
	if err != nil {
		return nil, &InputError{err}
	}
	column := func(name string) *columnar.Column {
		if i := slices.Index(header, name); i >= 0 {
			return &table.Columns[i]
		}
		return nil
	}
	names := column("strategy")
	if names == nil {
		return nil, &InputError{&columnar.CellError{File: file, Row: 1, Want: fmt.Sprintf("no column \"strategy\" among %s; expected one row per strategy", list(header))}}
	}
	m := Metadata{}
	var errs []error
	for i, name := range names.Strings {
		if _, twice := m[name]; twice || name == "" {
			errs = append(errs, &columnar.CellError{File: file, Row: lines[i], Column: "strategy", Value: name, Want: "the name is blank or repeated; expected one row per strategy"})
			continue
		}
		var a About
		for key, to := range map[string]**Date{"first_date": &a.First, "live_from": &a.LiveFrom, "exit": &a.Exit} {
			c := column(key)
			if c == nil || !c.IsValid(i) {
				continue
			}
			d, err := ParseDate(c.Strings[i])
			if err != nil {
				errs = append(errs, &columnar.CellError{File: file, Row: lines[i], Column: key, Value: c.Strings[i], Want: "not a date; expected YYYY-MM-DD, or blank"})
				continue
			}
			*to = &d
		}
		if a.First != nil && a.Exit != nil && *a.Exit < *a.First {
			errs = append(errs, &columnar.CellError{File: file, Row: lines[i], Column: "exit", Value: a.Exit.String(), Want: fmt.Sprintf("the exit is before the first date, %v", *a.First)})
		}
		if c := column("group"); c != nil && c.IsValid(i) {
			a.Group = c.Strings[i]
		}
		if c := column("cost_bp"); c != nil && c.IsValid(i) {
			cost := c.Floats[i]
			if cost < 0 {
				errs = append(errs, &columnar.CellError{File: file, Row: lines[i], Column: "cost_bp", Value: fmt.Sprint(cost), Want: "a cost below 0; expected basis points per unit of turnover"})
			}
			a.CostBP = &cost
		}
		m[name] = a
	}
	if err := errors.Join(errs...); err != nil {
		return nil, &InputError{err}
	}
	return m, nil
}

// Annotate returns the panel with what the metadata says, without returns
// before a first date or after an exit.
func (p *Panel) Annotate(m Metadata) (*Panel, []Finding, error) {
	var fs []Finding
	strategies, values := make([]Strategy, 0, p.Len()), make([][]float64, 0, p.Len())
	known := map[string]bool{}
	for j, s := range p.strategies {
		known[s.Name] = true
		about, ok := m[s.Name]
		if !ok {
			strategies, values = append(strategies, s), append(values, p.values[j])
			continue
		}
		s.LiveFrom, s.Exit, s.Group, s.CostBP = about.LiveFrom, about.Exit, about.Group, about.CostBP
		v := p.values[j]
		early, late := 0, 0
		for t, r := range v {
			if r != r {
				continue
			}
			before := about.First != nil && p.dates[t] < *about.First
			after := about.Exit != nil && p.dates[t] > *about.Exit
			if !before && !after {
				continue
			}
			if early+late == 0 {
				v = slices.Clone(v)
			}
			v[t] = math.NaN()
			if before {
				early++
			} else {
				late++
			}
		}
		if early > 0 {
			fs = append(fs, finding("data.before_first", s.Name, fmt.Sprintf("%s before the first date %v of the metadata ignored.", countIs(early, "return"), *about.First), map[string]float64{"days": float64(early)}))
		}
		if late > 0 {
			fs = append(fs, finding("data.after_exit", s.Name, fmt.Sprintf("%s after the exit %v of the metadata ignored.", countIs(late, "return"), *about.Exit), map[string]float64{"days": float64(late)}))
		}
		if !slices.ContainsFunc(v, func(r float64) bool { return r == r }) {
			fs = append(fs, finding("data.empty_strategy", s.Name, "The strategy has no return between the first date and the exit of the metadata and was excluded.", nil))
			continue
		}
		strategies, values = append(strategies, s), append(values, v)
	}
	for name := range m {
		if !known[name] {
			fs = append(fs, finding("data.metadata_only", name, "The metadata names a strategy that has no returns in the data.", nil))
		}
	}
	SortFindings(fs)
	q, err := NewPanel(p.dates, strategies, values)
	return q, fs, err
}
