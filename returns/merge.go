package returns

import (
	"fmt"
	"math"
	"slices"

	"allocate/returns/columnar"
)

// merge puts blocks together: days and strategies are united, a value that
// stands in two files must be the same in both, and prices become returns.
func merge(blocks []*block, o Options) (*Panel, []Finding, error) {
	var findings []Finding
	whole := blocks[0]
	if len(blocks) > 1 {
		var err error
		if whole, err = unite(blocks); err != nil {
			return nil, nil, err
		}
	}
	for _, name := range o.Strategies {
		if !slices.Contains(whole.names, name) {
			return nil, nil, &columnar.CellError{File: whole.file, Row: 1, Want: fmt.Sprintf("returns.strategies names %q, which has no column in the data", clip(name))}
		}
	}
	if len(whole.names) == 0 {
		return nil, nil, &columnar.CellError{File: whole.file, Row: 1, Want: "no strategy has a return; expected at least one column of returns beside the date"}
	}
	if whole.repeated > 0 {
		findings = append(findings, finding("data.repeated_rows", "", fmt.Sprintf("%s repeated with the same values; each was read once.", countIs(whole.repeated, "row")), map[string]float64{"rows": float64(whole.repeated)}))
	}
	for _, name := range whole.empty {
		findings = append(findings, finding("data.empty_strategy", name, "The column has no returns and was excluded.", nil))
	}
	for _, c := range whole.left {
		findings = append(findings, finding("data.index_column", "", fmt.Sprintf("Column %q of %s was excluded: %s; name it in returns.strategies if it is a strategy.", clip(c.name), whole.file, c.why), nil))
	}
	dates := whole.dates
	var strategies []Strategy
	var values [][]float64
	for j, name := range whole.names {
		v := whole.values[j]
		if o.Kind == "prices" {
			if v = fromPrices(v); !slices.ContainsFunc(v, func(x float64) bool { return x == x }) {
				findings = append(findings, finding("data.empty_strategy", name, "The strategy has a single price, which gives no return, and was excluded.", nil))
				continue
			}
		}
		if at := slices.Index(v, -1); at >= 0 {
			findings = append(findings, finding("data.total_loss", name, fmt.Sprintf("The return of %q on %v is -100%%, a total loss; correct it, or give the strategy an exit in returns.metadata.", clip(name), dates[at]), nil).between(dates[at], dates[at]))
		}
		strategies = append(strategies, Strategy{Name: name})
		values = append(values, v)
	}
	if len(strategies) == 0 {
		return nil, nil, &columnar.CellError{File: whole.file, Want: "no strategy has two prices, which a return needs"}
	}
	p, err := NewPanel(dates, strategies, values)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", whole.file, err)
	}
	f, err := frequencyOf(dates, o.Frequency)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", whole.file, err)
	}
	return p.WithFrequency(f), findings, nil
}

// fromPrices returns the simple return since the last price before each one.
func fromPrices(prices []float64) []float64 {
	r := missing(len(prices))
	last := math.NaN()
	for t, p := range prices {
		if p == p {
			r[t] = p/last - 1
			last = p
		}
	}
	return r
}

func unite(blocks []*block) (*block, error) {
	u := &block{file: blocks[0].file}
	for _, b := range blocks {
		u.dates = append(u.dates, b.dates...)
		u.repeated += b.repeated
	}
	slices.Sort(u.dates)
	u.dates = slices.Compact(u.dates)
	at := make(map[Date]int, len(u.dates))
	for t, d := range u.dates {
		at[d] = t
	}
	index := map[string]int{}
	type origin struct{ block, j int32 }
	var from [][]origin // block + 1 and column of each value, 0 for none
	for k, b := range blocks {
		for j, name := range b.names {
			n, ok := index[name]
			if !ok {
				n = len(u.names)
				index[name] = n
				u.names = append(u.names, name)
				u.values = append(u.values, missing(len(u.dates)))
				from = append(from, make([]origin, len(u.dates)))
			}
			for t, x := range b.values[j] {
				if x != x {
					continue
				}
				to := at[b.dates[t]]
				if o := from[n][to]; o.block > 0 {
					first := blocks[o.block-1]
					if u.values[n][to] != x {
						day, _ := slices.BinarySearch(first.dates, b.dates[t])
						return nil, conflict(cell{first.file, first.row(int(o.j), day), first.column(int(o.j)), u.values[n][to]}, cell{b.file, b.row(j, t), b.column(j), x}, b.dates[t])
					}
					u.repeated++
					continue
				}
				u.values[n][to] = x
				from[n][to] = origin{int32(k + 1), int32(j)}
			}
		}
	}
	for _, b := range blocks {
		for _, c := range b.left {
			if !slices.ContainsFunc(u.left, func(l excludedColumn) bool { return l.name == c.name }) {
				u.left = append(u.left, c)
			}
		}
		for _, name := range b.empty {
			if _, ok := index[name]; !ok && !slices.Contains(u.empty, name) {
				u.empty = append(u.empty, name)
			}
		}
	}
	return u, nil
}
