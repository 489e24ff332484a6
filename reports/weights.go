package reports

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"sort"
	"strconv"
	"strings"

	"allocate/optimize"
)

// WriteWeights writes the canonical file of weights: long, one row per
// strategy sorted by name, CASH last, with the header
//
//	as_of,effective,strategy,weight
//
// Weights are fractions of capital with a fixed number of decimals; every
// strategy of the file has a row, 0 written out, and no cell is ever blank,
// since readers disagree whether a blank means hold, sell or zero. The printed
// numbers sum to the budget exactly.
func WriteWeights(w io.Writer, r *Run) error {
	s := r.Solution
	weight := map[string]float64{}
	names := append([]string(nil), r.LeftOut...)
	for i, name := range s.Names {
		weight[name] = s.Weights[i]
		if name != optimize.Cash || !r.Optimize.Cash {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	if r.Optimize.Cash {
		names = append(names, optimize.Cash)
	}
	if err := sumsExactly(s.Weights, r.Optimize.Budget, s.Decimals); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	if err := out.Write([]string{"as_of", "effective", "strategy", "weight"}); err != nil {
		return err
	}
	for _, name := range names {
		record := []string{r.AsOf.String(), r.Effective.String(), CSVText(name), strconv.FormatFloat(weight[name], 'f', s.Decimals, 64)}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// sumsExactly adds the printed decimals as whole numbers.
func sumsExactly(weights []float64, budget float64, decimals int) error {
	unit := math.Pow10(decimals)
	sum := int64(0)
	for _, w := range weights {
		sum += int64(math.Round(w * unit))
	}
	if want := int64(math.Round(budget * unit)); sum != want {
		return fmt.Errorf("reports: the printed weights sum to %d units of 1e-%d, the budget is %d", sum, decimals, want)
	}
	return nil
}

// CSVText makes text safe for a spreadsheet, which would run a cell that
// begins with =, +, -, @ or a control character as a formula: such a cell is
// preceded by an apostrophe, the spreadsheet's own mark of text.
func CSVText(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		return "'" + s
	}
	return s
}
