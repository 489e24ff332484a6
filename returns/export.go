package returns

import (
	"io"

	"allocate/returns/columnar"
)

// WriteCSV writes the panel as a wide file that Read reads back to the same
// panel: a date column, then one column per strategy, blank where there is no
// return.
func (p *Panel) WriteCSV(w io.Writer) error {
	t, err := p.Table()
	if err != nil {
		return err
	}
	for j, s := range p.strategies {
		t.Columns[j+1].Name = s.Name
	}
	return columnar.WriteCSV(w, t, DayString)
}
