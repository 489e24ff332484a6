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
	arrays := make([]arrow.Array, len(t.Columns))
	for i := range t.Columns {
		a := t.Columns[i].toArrow()
		defer a.Release()
		arrays[i] = a
	}
	schema := t.arrowSchema()
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

// arrowSchema describes the table, its metadata in sorted order.
func (t *Table) arrowSchema() *arrow.Schema {
	fields := make([]arrow.Field, len(t.Columns))
	for i := range t.Columns {
		c := &t.Columns[i]
		fields[i] = arrow.Field{Name: c.Name, Type: c.arrowType(), Nullable: c.Valid != nil}
	}
	keys := t.metaKeys()
	values := make([]string, len(keys))
	for i, k := range keys {
		values[i] = t.Meta[k]
	}
	meta := arrow.NewMetadata(keys, values)
	return arrow.NewSchema(fields, &meta)
}

func (c *Column) arrowType() arrow.DataType {
	switch c.Kind {
	case Float64:
		return arrow.PrimitiveTypes.Float64
	case Int64:
		return arrow.PrimitiveTypes.Int64
	case String:
		return arrow.BinaryTypes.String
	case Timestamp:
		return &arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: c.Zone}
	default:
		return arrow.PrimitiveTypes.Date32
	}
}

// EncodeIPC returns what WriteIPC writes.
func EncodeIPC(t *Table) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(t.Rows()*len(t.Columns)*8 + 1<<10*(1+len(t.Columns)))
	if err := WriteIPC(&b, t); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// toArrow is the column as an Arrow array, which shares the column's values
// where their layout is the same.
func (c *Column) toArrow() arrow.Array {
	var raw []byte
	switch c.Kind {
	case Float64:
		raw = arrow.Float64Traits.CastToBytes(c.Floats)
	case Int64:
		raw = arrow.Int64Traits.CastToBytes(c.Ints)
	case Date:
		raw = arrow.Int32Traits.CastToBytes(c.Dates)
	case Timestamp:
		raw = arrow.Int64Traits.CastToBytes(c.Times)
	default:
		b := array.NewStringBuilder(memory.DefaultAllocator)
		defer b.Release()
		b.AppendValues(c.Strings, c.Valid)
		return b.NewArray()
	}
	buffers, nulls := []*memory.Buffer{nil, memory.NewBufferBytes(raw)}, 0
	if c.Valid != nil {
		bitmap := make([]byte, bytesFor(len(c.Valid), 1))
		for i, ok := range c.Valid {
			if ok {
				bitmap[i/8] |= 1 << (i % 8)
			}
		}
		buffers[0], nulls = memory.NewBufferBytes(bitmap), len(c.Valid)-countTrue(c.Valid)
	}
	data := array.NewData(c.arrowType(), c.Len(), buffers, nil, nulls, 0)
	defer data.Release()
	return array.MakeFromData(data)
}

// positioned counts the bytes it passes on; only Seek(0, io.SeekCurrent) works.
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
