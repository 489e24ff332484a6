// Package columnar is the single bridge between the project's types and the
// file formats of the world: CSV, Arrow IPC and Parquet. It knows named, typed
// columns and nothing of finance, and it is the only package that touches the
// Arrow and Parquet libraries.
package columnar

import (
	"fmt"
	"sort"
	"strconv"
	"unicode/utf8"
)

// Kind is the type of a column.
type Kind int

// The kinds of column.
const (
	Float64 Kind = iota
	Int64
	String
	Date      // int32 days since 1970-01-01
	Timestamp // int64 nanoseconds since 1970-01-01T00:00:00; see Column.Zone
)

func (k Kind) String() string {
	switch k {
	case Float64:
		return "float64"
	case Int64:
		return "int64"
	case String:
		return "string"
	case Date:
		return "date"
	case Timestamp:
		return "timestamp"
	}
	return fmt.Sprintf("kind(%d)", int(k))
}

// Column is one named column. Exactly the slice of its Kind is used.
type Column struct {
	Name    string
	Kind    Kind
	Floats  []float64
	Ints    []int64
	Strings []string
	Dates   []int32
	Times   []int64 // instants if Zone is set, else the wall clock read as if it were UTC
	Zone    string  // of a Timestamp: "", "UTC", "+02:00" or a name such as "Europe/London"
	Valid   []bool  // nil: every value is present; else false marks a missing value
}

// Len returns the number of values, present or missing.
func (c *Column) Len() int {
	switch c.Kind {
	case Float64:
		return len(c.Floats)
	case Int64:
		return len(c.Ints)
	case String:
		return len(c.Strings)
	case Timestamp:
		return len(c.Times)
	default:
		return len(c.Dates)
	}
}

// IsValid reports whether value i is present.
func (c *Column) IsValid(i int) bool { return c.Valid == nil || c.Valid[i] }

// Floats64 makes a column of float64 without missing values.
func Floats64(name string, v []float64) Column { return Column{Name: name, Kind: Float64, Floats: v} }

// Ints64 makes a column of int64 without missing values.
func Ints64(name string, v []int64) Column { return Column{Name: name, Kind: Int64, Ints: v} }

// Text makes a column of strings without missing values.
func Text(name string, v []string) Column { return Column{Name: name, Kind: String, Strings: v} }

// Days makes a column of civil days without missing values.
func Days(name string, v []int32) Column { return Column{Name: name, Kind: Date, Dates: v} }

// Instants makes a column of timestamps without missing values; zone is as in
// Column.Zone.
func Instants(name, zone string, v []int64) Column {
	return Column{Name: name, Kind: Timestamp, Zone: zone, Times: v}
}

// Table is named columns of equal length, with text metadata.
type Table struct {
	Columns []Column
	Meta    map[string]string
}

// Rows returns the common length of the columns.
func (t *Table) Rows() int {
	if len(t.Columns) == 0 {
		return 0
	}
	return t.Columns[0].Len()
}

// Column returns the column of that name.
func (t *Table) Column(name string) (*Column, error) {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i], nil
		}
	}
	return nil, fmt.Errorf("columnar: no column %q", name)
}

// FloatsOf returns the values of the float64 column of that name.
func (t *Table) FloatsOf(name string) ([]float64, error) {
	c, err := t.Column(name)
	if err != nil {
		return nil, err
	}
	if c.Kind != Float64 {
		return nil, fmt.Errorf("columnar: column %q is %v, expected float64", name, c.Kind)
	}
	return c.Floats, nil
}

// IntsOf returns the values of the int64 column of that name.
func (t *Table) IntsOf(name string) ([]int64, error) {
	c, err := t.Column(name)
	if err != nil {
		return nil, err
	}
	if c.Kind != Int64 {
		return nil, fmt.Errorf("columnar: column %q is %v, expected int64", name, c.Kind)
	}
	return c.Ints, nil
}

// Validate reports ragged columns, a mask of the wrong length, duplicate names
// and text that is not UTF-8, each of which an encoder or a reader cannot handle.
func (t *Table) Validate() error {
	rows := t.Rows()
	seen := make(map[string]bool, len(t.Columns))
	for i := range t.Columns {
		c := &t.Columns[i]
		switch {
		case c.Kind < Float64 || c.Kind > Timestamp:
			return fmt.Errorf("columnar: column %q has the unknown %v", clip(c.Name), c.Kind)
		case c.Len() != rows:
			return fmt.Errorf("columnar: column %q has %d values, expected %d", clip(c.Name), c.Len(), rows)
		case c.Valid != nil && len(c.Valid) != rows:
			return fmt.Errorf("columnar: column %q has a mask of %d, expected %d", clip(c.Name), len(c.Valid), rows)
		case seen[c.Name]:
			return fmt.Errorf("columnar: two columns are named %q; rename one", clip(c.Name))
		case !utf8.ValidString(c.Name) || !utf8.ValidString(c.Zone):
			return fmt.Errorf("columnar: column %s is not named in UTF-8; correct the name", strconv.QuoteToASCII(clip(c.Name)))
		}
		seen[c.Name] = true
		for row, s := range c.Strings {
			if !utf8.ValidString(s) {
				return &CellError{Row: row + 1, Column: c.Name, Value: s, Want: "not UTF-8 text; correct the cell or the program that wrote it"}
			}
		}
	}
	return nil
}

// metaKeys returns the metadata keys in sorted order, so that encoders write
// the same bytes every time.
func (t *Table) metaKeys() []string {
	keys := make([]string, 0, len(t.Meta))
	for k := range t.Meta {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
