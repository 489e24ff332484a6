package pipeline

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"allocate/optimize"
	"allocate/returns"
)

// RunWeights reads the weights of a published run.
func RunWeights(dir string) (*optimize.Weights, error) {
	path := filepath.Join(dir, "weights.csv")
	v, err := openPublished(dir)
	if err != nil {
		return nil, err
	}
	text, err := v.read("weights.csv")
	if err != nil {
		return nil, err
	}
	records, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil || len(records) < 2 || len(records[0]) != 4 {
		return nil, &returns.InputError{Err: fmt.Errorf("%s: expected rows of as_of,effective,strategy,weight (%v)", path, err)}
	}
	w := &optimize.Weights{}
	for i, r := range records[1:] {
		day, err := returns.ParseDate(r[0])
		if err != nil {
			return nil, &returns.InputError{Err: fmt.Errorf("%s: row %d: %w", path, i+2, err)}
		}
		next, err := returns.ParseDate(r[1])
		if err != nil {
			return nil, &returns.InputError{Err: fmt.Errorf("%s: row %d: %w", path, i+2, err)}
		}
		if i > 0 && day != w.AsOf {
			return nil, &returns.InputError{Err: fmt.Errorf("%s: row %d is of %v, the rows before of %v; expected the weights of one day", path, i+2, day, w.AsOf)}
		}
		x, err := strconv.ParseFloat(r[3], 64)
		if err != nil {
			return nil, &returns.InputError{Err: fmt.Errorf("%s: row %d: %w", path, i+2, err)}
		}
		_, decimals, _ := strings.Cut(r[3], ".")
		w.AsOf, w.Effective, w.Decimals = day, next, len(decimals)
		w.Names, w.Values = append(w.Names, unquoteCell(r[2])), append(w.Values, x)
	}
	return w, nil
}
