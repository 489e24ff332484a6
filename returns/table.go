package returns

import (
	"encoding/json"
	"fmt"
	"math"

	"allocate/returns/columnar"
)

// Table converts the panel for storage: a date column, then one nullable
// float column per strategy; properties of the strategies are metadata.
func (p *Panel) Table() (*columnar.Table, error) {
	about, err := json.Marshal(p.strategies)
	if err != nil {
		return nil, fmt.Errorf("returns: %w", err)
	}
	t := &columnar.Table{
		Columns: make([]columnar.Column, 0, p.Len()+1),
		Meta:    map[string]string{"type": "returns.Panel", "strategies": string(about), "frequency": p.frequency.String()},
	}
	t.Columns = append(t.Columns, columnar.Days("date", toDays(p.dates)))
	for j, s := range p.strategies {
		c := columnar.Column{Name: columnName(s.Name), Kind: columnar.Float64, Floats: make([]float64, p.Days())}
		for i, r := range p.values[j] {
			if r == r {
				c.Floats[i] = r
				continue
			}
			if c.Valid == nil {
				c.Valid = make([]bool, p.Days())
				for k := range c.Valid {
					c.Valid[k] = p.values[j][k] == p.values[j][k]
				}
			}
		}
		t.Columns = append(t.Columns, c)
	}
	return t, nil
}

// PanelFromTable is the inverse of Panel.Table.
func PanelFromTable(t *columnar.Table) (*Panel, error) {
	var strategies []Strategy
	if err := json.Unmarshal([]byte(t.Meta["strategies"]), &strategies); err != nil {
		return nil, fmt.Errorf("returns: panel metadata: %w", err)
	}
	if len(t.Columns) != len(strategies)+1 {
		return nil, fmt.Errorf("returns: a panel of %d strategies in %d columns", len(strategies), len(t.Columns))
	}
	values := make([][]float64, len(strategies))
	for j := range strategies {
		c := &t.Columns[j+1]
		if c.Kind != columnar.Float64 {
			return nil, fmt.Errorf("returns: panel column %q is %v", clip(c.Name), c.Kind)
		}
		values[j] = c.Floats
		for i, ok := range c.Valid {
			if !ok {
				values[j][i] = math.NaN()
			}
		}
	}
	f, err := ParseFrequency(t.Meta["frequency"])
	if err != nil {
		return nil, err
	}
	p, err := NewPanel(fromDays(t.Columns[0].Dates), strategies, values)
	if err != nil {
		return nil, err
	}
	return p.WithFrequency(f), nil
}

// columnName keeps a strategy named "date" from colliding with the date column.
func columnName(strategy string) string { return "return:" + strategy }

func toDays(dates []Date) []int32 {
	days := make([]int32, len(dates))
	for i, d := range dates {
		days[i] = int32(d)
	}
	return days
}

func fromDays(days []int32) []Date {
	dates := make([]Date, len(days))
	for i, d := range days {
		dates[i] = Date(d)
	}
	return dates
}

// DayString formats a stored day, for columnar.WriteCSV.
func DayString(day int32) string { return Date(day).String() }
