package returns

import (
	"fmt"
	"math"
	"slices"

	"allocate/returns/columnar"
)

// block is the returns, or prices, of one file, aligned on its own days.
type block struct {
	file     string
	dates    []Date // strictly rising
	names    []string
	values   [][]float64        // per name, per date; NaN where there is none
	row      func(j, t int) int // row of the file that a value came from
	column   func(j int) string // its column
	repeated int                // cells or rows that stood twice with the same value
	empty    []string           // columns without any value
	left     []excludedColumn   // columns that hold no returns
}

func (t *text) block() (*block, error) {
	dates, err := t.dates()
	if err != nil {
		return nil, err
	}
	if t.long {
		return t.longBlock(dates)
	}
	return t.wideBlock(dates)
}

func (t *text) wanted(name string) bool {
	return len(t.options.Strategies) == 0 || slices.Contains(t.options.Strategies, name)
}

func (t *text) wideBlock(dates []Date) (*block, error) {
	b := &block{file: t.file}
	if err := t.checkBars(); err != nil {
		return nil, err
	}
	order := byDate(dates)
	var kept, again []int // rows of distinct dates; rows that repeat the one kept before them
	var of []int
	for _, i := range order {
		if n := len(kept); n > 0 && dates[kept[n-1]] == dates[i] {
			again, of = append(again, i), append(of, kept[n-1])
			continue
		}
		kept = append(kept, i)
		b.dates = append(b.dates, dates[i])
	}
	b.repeated = len(again)
	sorted := slices.IsSorted(kept) && len(kept) == len(dates)
	for k := range t.table.Columns {
		c := &t.table.Columns[k]
		if k == t.dateAt || !t.wanted(c.Name) {
			continue
		}
		if why := t.notReturns(k, dates); why != "" {
			b.left = append(b.left, excludedColumn{c.Name, why})
			continue
		}
		if c.Name == "" {
			return nil, &columnar.CellError{File: t.file, Row: 1, Want: fmt.Sprintf("column %d has no name; give it one or remove it", k+1)}
		}
		if err := checkName(c.Name); err != nil {
			return nil, &columnar.CellError{File: t.file, Row: 1, Column: clip(c.Name), Want: err.Error()}
		}
		v, err := t.numbers(c)
		if err != nil {
			return nil, err
		}
		for n, i := range again {
			if !equal(v[of[n]], v[i]) {
				return nil, conflict(cell{t.file, t.lines[of[n]], c.Name, v[of[n]]}, cell{t.file, t.lines[i], c.Name, v[i]}, dates[i])
			}
		}
		if !sorted {
			ordered := make([]float64, len(kept))
			for at, i := range kept {
				ordered[at] = v[i]
			}
			v = ordered
		}
		if !slices.ContainsFunc(v, func(x float64) bool { return x == x }) {
			b.empty = append(b.empty, c.Name)
			continue
		}
		b.names, b.values = append(b.names, c.Name), append(b.values, v)
	}
	b.row = func(_, at int) int { return t.lines[kept[at]] }
	b.column = func(j int) string { return b.names[j] }
	return b, t.levels(b)
}

func (t *text) longBlock(dates []Date) (*block, error) {
	b := &block{file: t.file}
	c, err := t.table.Column(t.options.ReturnColumn)
	if err != nil {
		return nil, &columnar.CellError{File: t.file, Row: 1, Want: fmt.Sprintf("no column %q; set returns.return_column", clip(t.options.ReturnColumn))}
	}
	nameOf, err := t.strategyNames()
	if err != nil {
		return nil, err
	}
	v, err := t.numbers(c)
	if err != nil {
		return nil, err
	}
	b.dates = slices.Clone(dates)
	slices.Sort(b.dates)
	b.dates = slices.Compact(b.dates)
	at := make(map[Date]int, len(b.dates))
	for i, d := range b.dates {
		at[d] = i
	}
	index := map[string]int{}
	var origin [][]int32 // row of the table + 1 that filled each cell, 0 for none
	for i := range dates {
		name, err := nameOf(i)
		if err != nil {
			return nil, err
		}
		if !t.wanted(name) {
			continue
		}
		j, ok := index[name]
		if !ok {
			if err := checkName(name); err != nil {
				return nil, &columnar.CellError{File: t.file, Row: t.lines[i], Column: t.options.StrategyColumn, Value: clip(name), Want: err.Error()}
			}
			j = len(b.names)
			index[name] = j
			b.names = append(b.names, name)
			b.values = append(b.values, missing(len(b.dates)))
			origin = append(origin, make([]int32, len(b.dates)))
		}
		k := at[dates[i]]
		if first := int(origin[j][k]) - 1; first >= 0 {
			if !equal(v[first], v[i]) {
				return nil, conflict(cell{t.file, t.lines[first], c.Name, v[first]}, cell{t.file, t.lines[i], c.Name, v[i]}, dates[i])
			}
			b.repeated++
			continue
		}
		origin[j][k] = int32(i + 1)
		b.values[j][k] = v[i]
	}
	for j := len(b.names) - 1; j >= 0; j-- {
		if !slices.ContainsFunc(b.values[j], func(x float64) bool { return x == x }) {
			b.empty = append(b.empty, b.names[j])
			b.names, b.values, origin = slices.Delete(b.names, j, j+1), slices.Delete(b.values, j, j+1), slices.Delete(origin, j, j+1)
		}
	}
	b.row = func(j, k int) int { return t.lines[origin[j][k]-1] }
	b.column = func(int) string { return c.Name }
	return b, t.levels(b)
}

// missing returns n NaN.
func missing(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = math.NaN()
	}
	return v
}

// equal holds two missing values for equal.
func equal(a, b float64) bool { return a == b || a != a && b != b }

type cell struct {
	file   string
	row    int
	column string
	value  float64
}

func (c cell) text() string {
	if c.value != c.value {
		return "blank"
	}
	return fmt.Sprint(c.value)
}

func conflict(first, second cell, day Date) error {
	where := fmt.Sprintf("row %d", first.row)
	if first.file != second.file {
		where += " of " + first.file
	}
	return &columnar.CellError{File: second.file, Row: second.row, Column: second.column, Value: second.text(), Want: fmt.Sprintf("%v appears twice with different values; %s has %s; keep one of the two", day, where, first.text())}
}
