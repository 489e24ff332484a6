package pipeline

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"allocate/pipeline/backtest"
	"allocate/reports"
	"allocate/returns"
)

// weightsHeader is the first row of a weights file.
var weightsHeader = []string{"as_of", "effective", "strategy", "weight"}

// readWeights reads the weights of the last day of a weights.csv.
func readWeights(path string) (*Holding, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, &returns.NotReadyError{Message: fmt.Sprintf("previous weights: %v", err)}
	}
	targets, err := parseTargets(path, b)
	if err != nil {
		return nil, err
	}
	last := targets[len(targets)-1]
	return &Holding{From: path, AsOf: last.Day, Weights: last.Weights}, nil
}

// parseTargets reads the text of a weights file of one or several days, and
// returns them in order of as_of. Rows may come in any order. A day has one
// effective day, later than itself, and each strategy once: a day that is there
// twice, such as after appending a revision, is an error, since nothing says
// which of the two counts. name is for errors.
func parseTargets(name string, text []byte) ([]backtest.Target, error) {
	refuse := func(row int, format string, args ...any) error {
		return &returns.InputError{Err: fmt.Errorf("%s: row %d"+format, append([]any{name, row}, args...)...)}
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff")))) // spreadsheets begin with it
	r.FieldsPerRecord = -1                                                        // told below, with the row
	records, err := r.ReadAll()
	if err != nil {
		return nil, &returns.InputError{Err: fmt.Errorf("%s: %w", name, err)}
	}
	days, effective := map[returns.Date]map[string]float64{}, map[returns.Date]returns.Date{}
	for i, cells := range records {
		row := i + 1
		if i == 0 {
			if !slices.Equal(cells, weightsHeader) {
				return nil, refuse(row, ": the header is %q; expected %s", strings.Join(cells, ","), strings.Join(weightsHeader, ","))
			}
			continue
		}
		if len(cells) != len(weightsHeader) {
			return nil, refuse(row, ": %d cells; expected %s", len(cells), strings.Join(weightsHeader, ","))
		}
		day, err := returns.ParseDate(cells[0])
		if err != nil {
			return nil, refuse(row, ", column as_of: %w", err)
		}
		next, err := returns.ParseDate(cells[1])
		if err != nil {
			return nil, refuse(row, ", column effective: %w", err)
		}
		if next <= day {
			return nil, refuse(row, ", column effective: %v is not after as_of, %v", next, day)
		}
		if before, there := effective[day]; there && before != next {
			return nil, refuse(row, ", column effective: %v is there with %v and with %v; keep the rows of one of them", day, before, next)
		}
		strategy := unquoteCell(cells[2])
		if strategy == "" {
			return nil, refuse(row, ", column strategy: is blank")
		}
		w, err := strconv.ParseFloat(cells[3], 64)
		if err != nil || math.IsNaN(w) || math.IsInf(w, 0) {
			return nil, refuse(row, ", column weight: %q; expected a finite number", cells[3])
		}
		if _, twice := days[day][strategy]; twice {
			return nil, refuse(row, ": %q is there twice on %v; remove one", strategy, day)
		}
		if days[day] == nil {
			days[day], effective[day] = map[string]float64{}, next
		}
		days[day][strategy] = w
	}
	if len(days) == 0 {
		return nil, &returns.InputError{Err: fmt.Errorf("%s: no weights; expected rows of %s", name, strings.Join(weightsHeader, ","))}
	}
	var out []backtest.Target
	for _, day := range slices.Sorted(maps.Keys(days)) {
		out = append(out, backtest.Target{Day: day, Weights: days[day]})
	}
	return out, nil
}

// unquoteCell undoes reports.CSVText.
func unquoteCell(s string) string { return reports.CSVName(s) }
