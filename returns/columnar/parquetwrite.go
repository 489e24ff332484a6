package columnar

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/parquet-go/parquet-go"
)

// rowsPerGroup bounds the writer's buffer of each column.
const rowsPerGroup = 1 << 20

// WriteParquet writes the table as a Parquet file: plain encoding, snappy
// compression, columns in their order, metadata as key and value. A column
// with a mask is optional, another required. Equal tables give equal bytes,
// and ReadParquet gives back every bit of every value that is present. A
// table without columns is an error: Parquet has no such file.
func WriteParquet(w io.Writer, t *Table) error {
	if err := t.Validate(); err != nil {
		return err
	}
	if len(t.Columns) == 0 {
		return errors.New("columnar: a table without columns cannot be written as Parquet; give it one")
	}
	options := []parquet.WriterOption{
		parquet.NewSchema("table", parquetSchema{columns: t.Columns}), parquet.Compression(&parquet.Snappy),
		parquet.CreatedBy("allocate", "1", "columnar"), parquet.MaxRowsPerRowGroup(rowsPerGroup),
	}
	for _, key := range t.metaKeys() {
		options = append(options, parquet.KeyValueMetadata(key, t.Meta[key]))
	}
	zoned := false
	for i := range t.Columns {
		zone := t.Columns[i].Zone
		zoned = zoned || zone != "" && zone != "UTC"
	}
	if zoned {
		value, err := t.embeddedSchema()
		if err != nil {
			return fmt.Errorf("columnar: %w", err)
		}
		options = append(options, parquet.KeyValueMetadata(arrowSchemaKey, value))
	}
	out := parquet.NewGenericWriter[any](w, options...)
	values := make([]parquet.Value, 0, min(1<<12, t.Rows()))
	for from := 0; from < t.Rows(); from += rowsPerGroup {
		to := min(from+rowsPerGroup, t.Rows())
		for i, cw := range out.ColumnWriters() {
			for row := from; row < to; row += len(values) {
				values = t.Columns[i].parquetValues(values[:0], i, row, min(row+cap(values), to))
				if _, err := cw.WriteRowValues(values); err != nil {
					return fmt.Errorf("columnar: column %q: %w", clip(t.Columns[i].Name), err)
				}
			}
		}
		if err := out.Flush(); err != nil {
			return fmt.Errorf("columnar: parquet: %w", err)
		}
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("columnar: parquet: %w", err)
	}
	return nil
}

// embeddedSchema is the Arrow schema as Arrow-based writers embed it, which
// alone can carry the zones of timestamps.
func (t *Table) embeddedSchema() (string, error) {
	var b bytes.Buffer
	w := ipc.NewWriter(&b, ipc.WithSchema((&Table{Columns: t.Columns}).arrowSchema()))
	if err := w.Close(); err != nil {
		return "", err
	}
	whole := b.Bytes()
	return base64.StdEncoding.EncodeToString(whole[:len(whole)-8]), nil // without the end of stream
}

func (c *Column) parquetValues(values []parquet.Value, column, from, to int) []parquet.Value {
	level := 0
	if c.Valid != nil {
		level = 1
	}
	for row := from; row < to; row++ {
		var v parquet.Value
		switch {
		case !c.IsValid(row):
			values = append(values, v.Level(0, 0, column))
			continue
		case c.Kind == Float64:
			v = parquet.DoubleValue(c.Floats[row])
		case c.Kind == Int64:
			v = parquet.Int64Value(c.Ints[row])
		case c.Kind == String:
			v = parquet.ByteArrayValue([]byte(c.Strings[row]))
		case c.Kind == Date:
			v = parquet.Int32Value(c.Dates[row])
		default:
			v = parquet.Int64Value(c.Times[row])
		}
		values = append(values, v.Level(0, level, column))
	}
	return values
}

// A parquetSchema is a group whose fields keep the table's order, where the
// library's own group sorts them.
type parquetSchema struct {
	parquet.Group
	columns []Column
}

func (s parquetSchema) Fields() []parquet.Field {
	fields := make([]parquet.Field, len(s.columns))
	for i := range s.columns {
		fields[i] = parquetField{Node: s.columns[i].parquetNode(), name: s.columns[i].Name}
	}
	return fields
}

type parquetField struct {
	parquet.Node
	name string
}

func (f parquetField) Name() string { return f.name }
func (f parquetField) Value(reflect.Value) reflect.Value {
	panic("columnar: write columns, not rows")
}

func (c *Column) parquetNode() parquet.Node {
	var node parquet.Node
	switch c.Kind {
	case Float64:
		node = parquet.Leaf(parquet.DoubleType)
	case Int64:
		node = parquet.Int(64)
	case String:
		node = parquet.String()
	case Date:
		node = parquet.Date()
	default:
		node = parquet.TimestampAdjusted(parquet.Nanosecond, c.Zone != "")
	}
	node = parquet.Encoded(node, &parquet.Plain)
	if c.Valid != nil {
		node = parquet.Optional(node)
	}
	return node
}
