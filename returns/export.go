package returns

import (
	"io"

	"allocate/returns/columnar"
)

// wide is the panel as others read it: a date column, then one column per
// strategy under its own name.
func (p *Panel) wide() (*columnar.Table, error) {
	t, err := p.Table()
	if err != nil {
		return nil, err
	}
	for j, s := range p.strategies {
		t.Columns[j+1].Name = s.Name
	}
	t.Meta = nil
	return t, t.Validate()
}

// WriteCSV writes the panel as a wide file that Read reads back to the same
// panel: a date column, then one column per strategy, blank where there is no
// return.
func (p *Panel) WriteCSV(w io.Writer) error {
	t, err := p.wide()
	if err != nil {
		return err
	}
	return columnar.WriteCSV(w, t, DayString)
}

// WriteParquet writes what WriteCSV writes as Parquet.
func (p *Panel) WriteParquet(w io.Writer) error {
	t, err := p.wide()
	if err != nil {
		return err
	}
	return columnar.WriteParquet(w, t)
}

// WriteArrow writes what WriteCSV writes as an Arrow IPC file (Feather 2).
func (p *Panel) WriteArrow(w io.Writer) error {
	t, err := p.wide()
	if err != nil {
		return err
	}
	return columnar.WriteIPC(w, t)
}
