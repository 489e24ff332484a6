package published

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"allocate/optimize"
	"allocate/pipeline/backtest"
	"allocate/reports"
	"allocate/returns"
	"allocate/returns/columnar"
)

var weightsHeader = []string{"as_of", "effective", "strategy", "weight"}

type weightRow struct {
	line            int // of the file
	asOf, effective returns.Date
	strategy        string
	weight          float64
	decimals        int // as printed
}

// readWeightRows reads the text of a weights file: one day or several, rows in
// any order, the columns of weightsHeader in any order, delimited and quoted as
// files of returns are. Each row is checked alone; see dayWeights for what rows
// must be together. It is the one reader of weights, for previous weights,
// portfolios of a backtest and exports. name is for errors, which are
// *returns.InputError.
func readWeightRows(name string, text []byte) ([]weightRow, error) {
	at := make([]int, len(weightsHeader))
	table, lines, err := columnar.ReadCSV(name, bytes.NewReader(text), func(header []string) ([]columnar.Kind, error) {
		for i, want := range weightsHeader {
			at[i] = slices.IndexFunc(header, func(h string) bool { return strings.EqualFold(h, want) })
			if at[i] < 0 || len(header) != len(weightsHeader) {
				return nil, &columnar.CellError{File: name, Row: 1, Want: fmt.Sprintf("the header is %q; expected %s", strings.Join(header, ","), strings.Join(weightsHeader, ","))}
			}
		}
		kinds := make([]columnar.Kind, len(header))
		for i := range kinds {
			kinds[i] = columnar.String
		}
		return kinds, nil
	})
	if err != nil {
		return nil, &returns.InputError{Err: err}
	}
	rows := make([]weightRow, len(lines))
	for i, line := range lines {
		r := &rows[i]
		r.line = line
		cell := func(k int) string { return table.Columns[at[k]].Strings[i] }
		refuse := func(k int, format string, args ...any) error {
			return &returns.InputError{Err: &columnar.CellError{File: name, Row: line, Column: weightsHeader[k], Value: cell(k), Want: fmt.Sprintf(format, args...)}}
		}
		if r.asOf, err = returns.ParseDate(cell(0)); err != nil {
			return nil, refuse(0, "not a date; expected YYYY-MM-DD")
		}
		if r.effective, err = returns.ParseDate(cell(1)); err != nil {
			return nil, refuse(1, "not a date; expected YYYY-MM-DD")
		}
		if r.effective <= r.asOf {
			return nil, refuse(1, "not after as_of, %v; weights take effect on a later day", r.asOf)
		}
		if r.strategy = unquoteCell(cell(2)); r.strategy == "" {
			return nil, refuse(2, "the strategy is blank; expected a name in every row")
		}
		if r.weight, r.decimals, err = parseWeight(cell(3)); err != nil {
			return nil, refuse(3, "%v", err)
		}
	}
	if len(rows) == 0 {
		return nil, &returns.InputError{Err: &columnar.CellError{File: name, Want: "no weights; expected rows of " + strings.Join(weightsHeader, ",")}}
	}
	return rows, nil
}

// parseWeight reads a fraction of capital, 0.25 or 25%.
func parseWeight(text string) (w float64, decimals int, err error) {
	digits, percent := strings.CutSuffix(text, "%")
	digits = strings.TrimSpace(digits)
	w, err = strconv.ParseFloat(digits, 64)
	if err != nil || math.IsNaN(w) || math.IsInf(w, 0) || strings.Trim(digits, "0123456789.+-eE") != "" {
		return 0, 0, fmt.Errorf("not a finite number with a decimal point; expected a fraction of capital, such as 0.25 or 25%%")
	}
	_, printed, _ := strings.Cut(digits, ".")
	if percent {
		return w / 100, len(printed) + 2, nil
	}
	return w, len(printed), nil
}

type dayWeights struct {
	backtest.Target
	effective returns.Date
	line      int // the last row of the day
}

// ParseTargets returns the weights of a file by day, in order of as_of, each on
// the day before it takes effect. A day
// has one effective day, and each strategy once: a day that is there twice, such
// as after appending a revision, is an error, since nothing says which of the
// two counts. most is the largest sum of absolute weights that is accepted;
// weights in percent are above it.
func ParseTargets(name string, text []byte, most float64) ([]backtest.Target, error) {
	days, err := parseDays(name, text, most)
	out := make([]backtest.Target, len(days))
	for i, d := range days {
		out[i] = d.Target
		out[i].Day = d.effective - 1 // the last day before they count
		if i > 0 && out[i].Day <= out[i-1].Day {
			return nil, &returns.InputError{Err: &columnar.CellError{File: name, Row: d.line, Column: "effective", Value: d.effective.String(), Want: fmt.Sprintf("not after %v, the effective date of the previous as_of", days[i-1].effective)}}
		}
	}
	return out, err
}

func parseDays(name string, text []byte, most float64) ([]dayWeights, error) {
	rows, err := readWeightRows(name, text)
	if err != nil {
		return nil, err
	}
	days, effective := map[returns.Date]*dayWeights{}, map[returns.Date]returns.Date{}
	for _, r := range rows {
		refuse := func(column, value, format string, args ...any) error {
			return &returns.InputError{Err: &columnar.CellError{File: name, Row: r.line, Column: column, Value: value, Want: fmt.Sprintf(format, args...)}}
		}
		d := days[r.asOf]
		if d == nil {
			d = &dayWeights{Target: backtest.Target{Day: r.asOf, Weights: map[string]float64{}}}
			days[r.asOf], effective[r.asOf] = d, r.effective
			d.effective = r.effective
		}
		if effective[r.asOf] != r.effective {
			return nil, refuse("effective", r.effective.String(), "%v has two effective dates, %v and %v; keep one", r.asOf, effective[r.asOf], r.effective)
		}
		if _, twice := d.Weights[r.strategy]; twice {
			return nil, refuse("strategy", r.strategy, "duplicate row on %v; remove one", r.asOf)
		}
		d.Weights[r.strategy], d.line = r.weight, r.line
	}
	var out []dayWeights
	for _, day := range slices.Sorted(maps.Keys(days)) {
		d := days[day]
		sum, gross := 0.0, 0.0
		for _, strategy := range slices.Sorted(maps.Keys(d.Weights)) {
			sum += d.Weights[strategy]
			gross += math.Abs(d.Weights[strategy])
		}
		if gross > most {
			hint := fmt.Sprintf("the maximum accepted is %.4g", most)
			if math.Abs(sum-100) < 2 {
				hint = "they look like percentages; write fractions of capital, or add a % sign to each"
			}
			return nil, &returns.InputError{Err: &columnar.CellError{File: name, Row: d.line, Column: "weight", Want: fmt.Sprintf("the weights of %v sum to %.6g, in absolute value to %.6g times the capital: %s", day, sum, gross, hint)}}
		}
		out = append(out, *d)
	}
	return out, nil
}

// AnyGross is the largest plausible sum of absolute weights of a portfolio with
// unknown limits.
const AnyGross = 10

// ReadWeights reads the weights of the last day of the file that gates.previous
// names; every row must be of the as-of date or before it.
func ReadWeights(path string, most float64, asOf returns.Date) (*Holding, error) {
	b, err := returns.ReadRegular(path)
	var odd *returns.InputError
	switch {
	case errors.As(err, &odd):
		return nil, &returns.InputError{Err: fmt.Errorf("gates.previous: %w", err)}
	case errors.Is(err, fs.ErrNotExist):
		return nil, &returns.NotReadyError{Message: fmt.Sprintf("gates.previous: no such file: %s", path)}
	case err != nil:
		return nil, &returns.NotReadyError{Message: fmt.Sprintf("gates.previous: %v", err)}
	}
	h, err := lastHolding(path, b, most)
	if err != nil {
		return nil, err
	}
	if h.AsOf > asOf {
		return nil, &returns.InputError{Err: &columnar.CellError{File: path, Row: h.Row, Column: "as_of", Value: h.AsOf.String(), Want: fmt.Sprintf("these weights are of a date after the as-of date, %v; set gates.previous to weights of that date or earlier", asOf)}}
	}
	if h.Effective > asOf.AddDays(10) {
		return nil, &returns.InputError{Err: &columnar.CellError{File: path, Row: h.Row, Column: "effective", Value: h.Effective.String(), Want: fmt.Sprintf("these weights take effect long after the as-of date, %v; they are not current", asOf)}}
	}
	return h, nil
}

// lastHolding is the weights of the last day of a weights file.
func lastHolding(path string, text []byte, most float64) (*Holding, error) {
	days, err := parseDays(path, text, most)
	if err != nil {
		return nil, err
	}
	last := days[len(days)-1]
	h := &Holding{From: path, AsOf: last.Day, Row: last.line, Effective: last.effective, Weights: last.Weights}
	for _, name := range slices.Sorted(maps.Keys(last.Weights)) {
		h.Sum += last.Weights[name]
	}
	return h, nil
}

// Weights reads the weights of a published run, in the order of its file.
func Weights(dir string) (*optimize.Weights, error) {
	path := filepath.Join(dir, "weights.csv")
	v, err := Open(dir)
	if err != nil {
		return nil, err
	}
	b, err := v.read("weights.csv")
	if err != nil {
		return nil, err
	}
	rows, err := readWeightRows(path, b)
	if err != nil {
		return nil, err
	}
	w := &optimize.Weights{AsOf: rows[0].asOf, Effective: rows[0].effective}
	for _, r := range rows {
		if r.asOf != w.AsOf {
			return nil, &returns.InputError{Err: &columnar.CellError{File: path, Row: r.line, Column: "as_of", Value: r.asOf.String(), Want: fmt.Sprintf("the previous rows are of %v; expected the weights of one date", w.AsOf)}}
		}
		w.Decimals = cmp.Or(w.Decimals, r.decimals)
		w.Names, w.Values = append(w.Names, r.strategy), append(w.Values, r.weight)
	}
	return w, nil
}

// unquoteCell undoes reports.CSVText.
func unquoteCell(s string) string { return reports.CSVName(s) }
