package optimize

import (
	"io"

	"allocate/returns"
	"allocate/returns/columnar"
)

// Weights is the content of a weights file: one weight per name, on one day.
type Weights struct {
	AsOf      returns.Date // last day the models saw
	Effective returns.Date // first session on which the weights hold
	Names     []string
	Values    []float64 // fractions of capital
	Decimals  int       // of a printed weight
}

// Table converts weights for storage: one row per name, with the columns
// as_of, effective, strategy and weight.
func (w *Weights) Table() *columnar.Table {
	asOf, effective := make([]int32, len(w.Names)), make([]int32, len(w.Names))
	for i := range w.Names {
		asOf[i], effective[i] = int32(w.AsOf), int32(w.Effective)
	}
	return &columnar.Table{
		Columns: []columnar.Column{
			columnar.Days("as_of", asOf), columnar.Days("effective", effective), columnar.Text("strategy", w.Names), columnar.Floats64("weight", w.Values),
		},
		Meta: map[string]string{"type": "optimize.Weights"},
	}
}

// WriteParquet writes the table as Parquet.
func (w *Weights) WriteParquet(out io.Writer) error { return columnar.WriteParquet(out, w.Table()) }
