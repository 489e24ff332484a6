package columnar

import (
	"bytes"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// WriteIPC writes the table as one uncompressed record of an Arrow IPC file
// (also known as Feather version 2). Equal tables give equal bytes.
func WriteIPC(w io.Writer, t *Table) error {
	if err := t.Validate(); err != nil {
		return err
	}
	fields := make([]arrow.Field, len(t.Columns))
	arrays := make([]arrow.Array, len(t.Columns))
	for i := range t.Columns {
		c := &t.Columns[i]
		a := c.toArrow()
		defer a.Release()
		arrays[i] = a
		fields[i] = arrow.Field{Name: c.Name, Type: a.DataType(), Nullable: c.Valid != nil}
	}
	keys := t.metaKeys()
	values := make([]string, len(keys))
	for i, k := range keys {
		values[i] = t.Meta[k]
	}
	meta := arrow.NewMetadata(keys, values)
	schema := arrow.NewSchema(fields, &meta)
	record := array.NewRecord(schema, arrays, int64(t.Rows()))
	defer record.Release()

	// The writer wants a WriteSeeker only to ask where it stands.
	out := &positioned{w: w}
	fw, err := ipc.NewFileWriter(out, ipc.WithSchema(schema), ipc.WithAllocator(memory.DefaultAllocator))
	if err != nil {
		return fmt.Errorf("columnar: arrow: %w", err)
	}
	if err := fw.Write(record); err != nil {
		return fmt.Errorf("columnar: arrow: %w", err)
	}
	if err := fw.Close(); err != nil {
		return fmt.Errorf("columnar: arrow: %w", err)
	}
	return nil
}

// EncodeIPC returns what WriteIPC writes.
func EncodeIPC(t *Table) ([]byte, error) {
	var b bytes.Buffer
	if err := WriteIPC(&b, t); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// DecodeIPC reads a table from the bytes of an Arrow IPC file of any number
// of records. Malformed bytes are an error, never a panic.
func DecodeIPC(b []byte) (t *Table, err error) {
	defer guard("arrow", &err)
	r, err := ipc.NewFileReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("columnar: arrow: %w", err)
	}
	defer r.Close()
	schema := r.Schema()
	t = &Table{Columns: make([]Column, len(schema.Fields()))}
	for i, f := range schema.Fields() {
		kind, err := kindOf(f.Type)
		if err != nil {
			return nil, fmt.Errorf("columnar: column %q: %w", f.Name, err)
		}
		t.Columns[i] = Column{Name: f.Name, Kind: kind}
	}
	if meta := schema.Metadata(); meta.Len() > 0 {
		t.Meta = meta.ToMap()
	}
	for i := range r.NumRecords() {
		record, err := r.Record(i)
		if err != nil {
			return nil, fmt.Errorf("columnar: arrow record %d: %w", i, err)
		}
		for j := range t.Columns {
			if err := t.Columns[j].appendArrow(record.Column(j)); err != nil {
				return nil, fmt.Errorf("columnar: column %q: %w", t.Columns[j].Name, err)
			}
		}
	}
	return t, t.Validate()
}

func (c *Column) toArrow() arrow.Array {
	mem := memory.DefaultAllocator
	switch c.Kind {
	case Float64:
		b := array.NewFloat64Builder(mem)
		defer b.Release()
		b.AppendValues(c.Floats, c.Valid)
		return b.NewArray()
	case Int64:
		b := array.NewInt64Builder(mem)
		defer b.Release()
		b.AppendValues(c.Ints, c.Valid)
		return b.NewArray()
	case String:
		b := array.NewStringBuilder(mem)
		defer b.Release()
		b.AppendValues(c.Strings, c.Valid)
		return b.NewArray()
	default:
		b := array.NewDate32Builder(mem)
		defer b.Release()
		days := make([]arrow.Date32, len(c.Dates))
		for i, d := range c.Dates {
			days[i] = arrow.Date32(d)
		}
		b.AppendValues(days, c.Valid)
		return b.NewArray()
	}
}

func kindOf(t arrow.DataType) (Kind, error) {
	switch t.ID() {
	case arrow.FLOAT64:
		return Float64, nil
	case arrow.INT64:
		return Int64, nil
	case arrow.STRING:
		return String, nil
	case arrow.DATE32:
		return Date, nil
	}
	return 0, fmt.Errorf("arrow type %v is not read; expected float64, int64, utf8 or date32", t)
}

func (c *Column) appendArrow(a arrow.Array) error {
	before := c.Len()
	switch a := a.(type) {
	case *array.Float64:
		c.Floats = append(c.Floats, a.Float64Values()...)
	case *array.Int64:
		c.Ints = append(c.Ints, a.Int64Values()...)
	case *array.String:
		for i := range a.Len() {
			c.Strings = append(c.Strings, string([]byte(a.Value(i))))
		}
	case *array.Date32:
		for _, d := range a.Date32Values() {
			c.Dates = append(c.Dates, int32(d))
		}
	default:
		return fmt.Errorf("unexpected arrow array %T", a)
	}
	if a.NullN() == 0 && c.Valid == nil {
		return nil
	}
	if c.Valid == nil {
		c.Valid = make([]bool, before)
		for i := range c.Valid {
			c.Valid[i] = true
		}
	}
	for i := range a.Len() {
		c.Valid = append(c.Valid, a.IsValid(i))
	}
	return nil
}

// positioned counts what it passes on; only Seek(0, io.SeekCurrent) works.
type positioned struct {
	w   io.Writer
	pos int64
}

func (p *positioned) Write(b []byte) (int, error) {
	n, err := p.w.Write(b)
	p.pos += int64(n)
	return n, err
}

func (p *positioned) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence != io.SeekCurrent {
		return 0, fmt.Errorf("columnar: the arrow writer tried to seek")
	}
	return p.pos, nil
}
