package returns

import (
	"fmt"
	"math"

	"allocate/returns/columnar"
)

// notLevels refuses numbers that are prices, or an equity curve, where returns
// were expected: they are all positive, and either mostly above 2 in a file of
// fractions, or each within a tenth of the one before at a level that no
// return has. A yield or a money-market return is as steady, and smaller. v are
// the returns of one strategy, NaN where there is none; column is where they
// stand.
func (t *text) notLevels(strategy, column string, v []float64) error {
	if t.options.Kind == "prices" {
		return nil
	}
	raw := make([]float64, 0, len(v)) // as the file has them
	for _, x := range v {
		if x != x {
			continue
		}
		if t.options.Kind == logReturns {
			x = math.Log1p(x)
		}
		if x /= unitScale[t.options.Unit]; !(x > 0) {
			return nil
		}
		raw = append(raw, x)
	}
	if len(raw) == 0 {
		return nil
	}
	refuse := func(want string) error {
		e := &columnar.CellError{File: t.file, Column: column, Want: want}
		if strategy != column {
			e.Want = fmt.Sprintf("strategy %q: %s", clip(strategy), want)
		}
		return e
	}
	level := Median(raw)
	if t.options.Unit == "fraction" && level > 2 {
		return refuse("all values are positive and most are above 2, as prices are; set returns.kind to prices")
	}
	if len(raw) < fewestRows || level < leastLevel[t.options.Unit] {
		return nil
	}
	var steps []float64
	for i := 1; i < len(raw); i++ {
		if d := math.Abs(raw[i]/raw[i-1] - 1); d != 0 {
			steps = append(steps, d)
		}
	}
	if 2*len(steps) < len(raw) || Median(steps) > 0.1 {
		return nil
	}
	unit := ""
	if t.options.Unit != "fraction" {
		unit = " and returns.unit to fraction"
	}
	return refuse(fmt.Sprintf("all values are positive, about %.3g, and close to the previous one, as prices and equity curves are; set returns.kind to prices%s", level, unit))
}

// unitScale converts a number of the unit to a fraction, and leastLevel is the
// level from which steady positive numbers are no interest.
var (
	unitScale  = map[string]float64{"fraction": 1, "percent": 1e-2, "bp": 1e-4}
	leastLevel = map[string]float64{"fraction": 0.05, "percent": 0.3, "bp": 20}
)

// levels refuses a block one of whose strategies has levels for returns.
func (t *text) levels(b *block) error {
	for j, name := range b.names {
		if err := t.notLevels(name, b.column(j), b.values[j]); err != nil {
			return err
		}
	}
	return nil
}
