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

// Weights lists what a weights file of a run says: every strategy of the
// universe and of the file, sorted by name, CASH last.
func (r *Run) Weights() (*optimize.Weights, error) {
	s := r.Solution
	weight := map[string]float64{}
	names := append([]string(nil), r.Excluded...)
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
		return nil, err
	}
	w := &optimize.Weights{AsOf: r.AsOf, Effective: r.Effective, Names: names, Decimals: s.Decimals}
	for _, name := range names {
		w.Values = append(w.Values, weight[name])
	}
	return w, nil
}

// The forms of a weights file.
const (
	LongWeights    = "long"    // as_of,effective,strategy,weight: canonical
	WideWeights    = "wide"    // date (effective) and a column per strategy
	ParquetWeights = "parquet" // the columns of long
	IBKRWeights    = "ibkr"    // rebalance file of Interactive Brokers' TWS: percent of net liquidation, last column
	LEANWeights    = "lean"    // yyyyMMdd,symbol,weight, as custom data of QuantConnect LEAN
)

// WeightForms lists the forms.
func WeightForms() []string {
	return []string{LongWeights, WideWeights, ParquetWeights, IBKRWeights, LEANWeights}
}

// EncodeWeights writes weights in a form.
func EncodeWeights(out io.Writer, w *optimize.Weights, form string) error {
	if form == ParquetWeights {
		return w.WriteParquet(out)
	}
	var rows [][]string
	value := func(i int) string { return strconv.FormatFloat(w.Values[i], 'f', w.Decimals, 64) }
	switch form {
	case LongWeights:
		rows = append(rows, []string{"as_of", "effective", "strategy", "weight"})
		for i, name := range w.Names {
			rows = append(rows, []string{w.AsOf.String(), w.Effective.String(), CSVText(name), value(i)})
		}
	case WideWeights:
		header, row := []string{"date"}, []string{w.Effective.String()}
		for i, name := range w.Names {
			header, row = append(header, CSVText(name)), append(row, value(i))
		}
		rows = append(rows, header, row)
	case IBKRWeights:
		for i, name := range w.Names {
			if name != optimize.Cash { // what is not named is cash there
				rows = append(rows, []string{"DES", CSVText(name), "STK", "SMART", "", "", "", "", "", strconv.FormatFloat(100*w.Values[i], 'f', max(0, w.Decimals-2), 64)})
			}
		}
	case LEANWeights:
		day := strings.ReplaceAll(w.Effective.String(), "-", "")
		for i, name := range w.Names {
			if name != optimize.Cash {
				rows = append(rows, []string{day, CSVText(name), value(i)})
			}
		}
	default:
		return fmt.Errorf("reports: unknown format of weights %q; expected one of %s", form, strings.Join(WeightForms(), ", "))
	}
	c := csv.NewWriter(out)
	return c.WriteAll(rows)
}

// WriteWeights writes the canonical file of weights: long, one row per
// strategy sorted by name, CASH last, with the header
//
//	as_of,effective,strategy,weight
//
// Weights are fractions of capital with a fixed number of decimals; every
// strategy of the file has a row, 0 written out, and no cell is ever blank,
// since readers disagree whether a blank means hold, sell or zero. The printed
// numbers sum to the budget exactly.
func WriteWeights(out io.Writer, r *Run) error { return writeWeights(LongWeights)(out, r) }

// writeWeights writes the weights of a run in a form.
func writeWeights(form string) func(io.Writer, *Run) error {
	return func(out io.Writer, r *Run) error {
		w, err := r.Weights()
		if err != nil {
			return err
		}
		return EncodeWeights(out, w, form)
	}
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
// preceded by an apostrophe, the spreadsheet's own mark of text. So is one that
// begins with an apostrophe, so that CSVName has the text back in every case.
func CSVText(s string) string {
	if s != "" && strings.ContainsRune(quotedStarts, rune(s[0])) {
		return "'" + s
	}
	return s
}

// quotedStarts are the first characters of a cell that CSVText marks as text.
const quotedStarts = "=+-@\t\r\n'"

// CSVName undoes CSVText.
func CSVName(cell string) string {
	if len(cell) > 1 && cell[0] == '\'' && strings.ContainsRune(quotedStarts, rune(cell[1])) {
		return cell[1:]
	}
	return cell
}
