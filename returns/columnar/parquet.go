package columnar

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

// arrowSchemaKey is the metadata under which Arrow-based writers keep what
// Parquet cannot say, above all the zone of a timestamp.
const arrowSchemaKey = "ARROW:schema"

// maxFooter bounds the metadata of a Parquet file; 5,000 columns in 20 row
// groups take about 15 MiB.
const maxFooter = 256 << 20

// ReadParquet reads a flat Parquet file of that size. Only columns whose name
// keep accepts are decoded, all if keep is nil; the others may be of any type.
//
//   - float, double, float16, decimal: Float64. 8- to 64-bit integers: Int64.
//   - text, enum, JSON, plain byte arrays: String, which must be UTF-8.
//   - DATE: Date. TIMESTAMP of any unit and INT96: Timestamp; one adjusted to
//     UTC has the zone that the Arrow schema in the file gives, else "UTC".
//   - booleans, times of day and nested or repeated columns are refused by name.
//
// Compression may be snappy, gzip, zstd, lz4_raw or none; encodings all but
// bit-packed levels. Page checksums are verified where there are any. Rows
// in errors count from 1. The library decodes metadata and codecs; pages are
// decoded here, because it trusts the lengths pages declare.
func ReadParquet(file string, r io.ReaderAt, size int64, keep func(name string) bool) (t *Table, err error) {
	defer guard("parquet", file, &err)
	f := parquetFile{r: r, budget: allowance(size)}
	if err := f.open(size); err != nil {
		return nil, inFile(file, err)
	}
	if err := f.plan(keep); err != nil {
		return nil, inFile(file, err)
	}
	if err := f.read(); err != nil {
		return nil, inFile(file, err)
	}
	t = &Table{Columns: f.columns}
	for _, kv := range f.meta.KeyValueMetadata {
		if kv.Key == arrowSchemaKey {
			continue
		}
		if t.Meta == nil {
			t.Meta = map[string]string{}
		}
		t.Meta[strings.Clone(kv.Key)] = strings.Clone(kv.Value)
	}
	return t, inFile(file, t.Validate())
}

func inFile(file string, err error) error {
	var cell *CellError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &cell):
		cell.File = cmp.Or(cell.File, file)
		return cell
	}
	return &CellError{File: file, Want: err.Error()}
}

type parquetFile struct {
	r       io.ReaderAt
	end     int64 // where pages end and the footer begins
	meta    format.FileMetaData
	budget  *budget
	columns []Column
	leaves  []parquetLeaf // of the kept columns
	width   int           // leaf columns in the file
}

type parquetLeaf struct {
	leaf
	index    int // among the file's leaf columns
	name     string
	physical format.Type
	optional bool
}

// open reads the footer, comparing its length with the file's first.
func (f *parquetFile) open(size int64) error {
	var tail [8]byte
	if size < 12 {
		return fmt.Errorf("%d bytes are too few for a Parquet file; write it again", size)
	}
	if _, err := f.r.ReadAt(tail[:4], 0); err != nil {
		return err
	}
	head := string(tail[:4])
	if _, err := f.r.ReadAt(tail[:], size-8); err != nil {
		return err
	}
	switch {
	case head == "PARE" || string(tail[4:]) == "PARE":
		return errors.New("the Parquet file is encrypted; write it without encryption")
	case head != "PAR1" || string(tail[4:]) != "PAR1":
		return errors.New("not a whole Parquet file (it must begin and end with PAR1); copy or write it again")
	}
	length := int64(le.Uint32(tail[:]))
	f.end = size - 8 - length
	if f.end < 4 || length > maxFooter {
		return fmt.Errorf("a footer of %d bytes in a Parquet file of %d; the file is damaged, write it again", length, size)
	}
	footer := make([]byte, length)
	if _, err := f.r.ReadAt(footer, f.end); err != nil {
		return err
	}
	_, err := unmarshal(footer, len(footer), &f.meta)
	return err
}

// plan chooses the columns and checks what the footer says of their sizes.
func (f *parquetFile) plan(keep func(string) bool) error {
	schema := f.meta.Schema
	if len(schema) == 0 || !schema[0].NumChildren.Valid {
		return errors.New("the Parquet file has no schema; write it again")
	}
	zones := f.zones()
	for i := 1; i < len(schema); {
		e := &schema[i]
		name := strings.Clone(e.Name)
		leaves, next, err := subtree(schema, i)
		if err != nil {
			return err
		}
		if keep == nil || keep(name) {
			l, err := parquetType(e, leaves)
			if err != nil {
				return &CellError{Column: name, Want: err.Error()}
			}
			if zone := zones[name]; l.kind == Timestamp && l.zone != "" && zone != "" {
				l.zone = zone
			}
			f.leaves = append(f.leaves, parquetLeaf{leaf: l, index: f.width, name: name, physical: e.Type.V, optional: e.RepetitionType.V == format.Optional})
		}
		f.width += leaves
		i = next
	}
	rows, bytes := int64(0), int64(0)
	for g := range f.meta.RowGroups {
		group := &f.meta.RowGroups[g]
		if len(group.Columns) != f.width || group.NumRows < 0 || rows+group.NumRows < rows {
			return fmt.Errorf("row group %d has %d columns and %d rows, the schema %d columns; the file is damaged, write it again", g, len(group.Columns), group.NumRows, f.width)
		}
		rows += group.NumRows
		for c := range group.Columns {
			if bytes += max(0, group.Columns[c].MetaData.TotalCompressedSize); bytes > f.end {
				return fmt.Errorf("the column chunks declare more bytes than the file has (%d); it is damaged, write it again", f.end)
			}
		}
	}
	if rows != f.meta.NumRows {
		return fmt.Errorf("the file declares %d rows, its row groups %d; it is damaged, write it again", f.meta.NumRows, rows)
	}
	f.columns = make([]Column, len(f.leaves))
	for i := range f.leaves {
		l := &f.leaves[i]
		if err := f.budget.take(rows, l.kind.bytesEach(), "rows"); err != nil {
			return err
		}
		f.columns[i] = Column{Name: l.name, Kind: l.kind, Zone: l.zone}
		f.columns[i].reserve(int(rows))
	}
	return nil
}

// subtree returns how many leaves element i of the schema has below it (itself,
// if it is one) and where the next sibling is.
func subtree(schema []format.SchemaElement, i int) (leaves, next int, err error) {
	for open := int64(1); open > 0; i++ {
		if i >= len(schema) || schema[i].NumChildren.V < 0 {
			return 0, 0, errors.New("the schema is inconsistent; the file is damaged, write it again")
		}
		if schema[i].Type.Valid {
			leaves++
		} else {
			open += int64(schema[i].NumChildren.V)
		}
		open--
	}
	return leaves, i, nil
}

// zones reads the zones of timestamps from an embedded Arrow schema, if any.
func (f *parquetFile) zones() (zones map[string]string) {
	defer func() { _ = recover() }() // a hint only
	for _, kv := range f.meta.KeyValueMetadata {
		if kv.Key != arrowSchemaKey {
			continue
		}
		b, err := base64.StdEncoding.DecodeString(kv.Value)
		if err != nil {
			return nil
		}
		m, err := messageAt(b, 0)
		if err != nil {
			return nil
		}
		zones = map[string]string{}
		for _, field := range m.head.table(2).vector(1, 4).all {
			if field.byte(2) == arrowTimestamp {
				zones[field.text(0)] = field.table(3).text(1)
			}
		}
	}
	return zones
}

// parquetType maps a schema element to a leaf.
func parquetType(e *format.SchemaElement, leaves int) (leaf, error) {
	const refused = "; write it as a number, a text, a date or a timestamp, or leave it out"
	switch {
	case !e.Type.Valid:
		return leaf{}, fmt.Errorf("a nested column of %d parts is not supported%s", leaves, refused)
	case e.RepetitionType.V == format.Repeated:
		return leaf{}, errors.New("a repeated column is not supported" + refused)
	}
	converted := deprecated.ConvertedType(-1)
	if e.ConvertedType.Valid {
		converted = e.ConvertedType.V
	}
	scale, isDecimal := int(e.Scale.V), converted == deprecated.Decimal
	logical := e.LogicalType.Value
	if d, ok := logical.(*format.DecimalType); ok {
		scale, isDecimal = int(d.Scale), true
	}
	if isDecimal && (scale < 0 || scale > 300) {
		return leaf{}, fmt.Errorf("a decimal of scale %d is not supported; write it as a double", scale)
	}
	_, isTime := logical.(*format.TimeType)
	if isTime || converted == deprecated.TimeMillis || converted == deprecated.TimeMicros {
		return leaf{}, errors.New("a time of day is not supported" + refused)
	}
	switch kind := e.Type.V; kind {
	case format.Boolean:
		return leaf{}, errors.New("a boolean is not a return; write 0 and 1 as numbers if that is meant, or leave the column out")
	case format.Float:
		return single(), nil
	case format.Double:
		return double(), nil
	case format.Int96:
		return instant96(), nil
	case format.Int32, format.Int64:
		width := 4
		if kind == format.Int64 {
			width = 8
		}
		if isDecimal {
			return decimal(width, scale, false), nil
		}
		return wholeType(width, logical, converted)
	case format.ByteArray:
		if isDecimal {
			return leaf{}, errors.New("a decimal of varying length is not supported; write it as a double")
		}
		return text(), nil
	case format.FixedLenByteArray:
		width := int(e.TypeLength.V)
		if _, ok := logical.(*format.Float16Type); ok && width == 2 {
			return half(), nil
		}
		if isDecimal && width > 0 && width <= 64 {
			return decimal(width, scale, true), nil
		}
		return leaf{}, fmt.Errorf("%d raw bytes a cell are not supported%s", width, refused)
	}
	return leaf{}, fmt.Errorf("the physical type %v is not supported%s", e.Type.V, refused)
}

// wholeType is the leaf of a 32- or 64-bit integer by its annotation, the
// newer logical type before the older converted one.
func wholeType(width int, logical format.LogicalTypeValue, converted deprecated.ConvertedType) (leaf, error) {
	switch l := logical.(type) {
	case *format.DateType:
		converted = deprecated.Date
	case *format.TimestampType:
		unit := int64(0)
		switch l.Unit.Value.(type) {
		case *format.MilliSeconds:
			unit = 1e6
		case *format.MicroSeconds:
			unit = 1e3
		case *format.NanoSeconds:
			unit = 1
		}
		zone := ""
		if l.IsAdjustedToUTC {
			zone = "UTC"
		}
		if width != 8 || unit == 0 {
			return leaf{}, errors.New("a timestamp of 32 bits or of an unknown unit is not supported; write it in milli-, micro- or nanoseconds")
		}
		return instant(unit, zone), nil
	case *format.IntType:
		return integer(width, l.IsSigned), nil
	}
	switch converted {
	case deprecated.Date:
		if width != 4 {
			return leaf{}, errors.New("a date of 64 bits is not supported; write it as 32")
		}
		return days(4), nil
	case deprecated.TimestampMillis, deprecated.TimestampMicros:
		if width != 8 {
			return leaf{}, errors.New("a timestamp of 32 bits is not supported; write it as 64")
		}
		if converted == deprecated.TimestampMillis {
			return instant(1e6, "UTC"), nil
		}
		return instant(1e3, "UTC"), nil
	case deprecated.Uint8, deprecated.Uint16, deprecated.Uint32, deprecated.Uint64:
		return integer(width, false), nil
	}
	return integer(width, true), nil
}

// read decodes every chunk of every kept column.
func (f *parquetFile) read() error {
	p := pageReader{budget: f.budget}
	var raw []byte
	for g := range f.meta.RowGroups {
		group := &f.meta.RowGroups[g]
		for i := range f.leaves {
			l := &f.leaves[i]
			chunk := &group.Columns[l.index]
			m := &chunk.MetaData
			start := m.DataPageOffset
			if d := m.DictionaryPageOffset; d > 0 && d < start {
				start = d
			}
			length := m.TotalCompressedSize
			switch {
			case chunk.FilePath != "":
				return &CellError{Column: l.name, Want: "its values are in another file; write one whole file"}
			case chunk.CryptoMetadata.Value != nil:
				return &CellError{Column: l.name, Want: "the column is encrypted; write it without encryption"}
			case m.Type != l.physical || !slices.Equal(m.PathInSchema, []string{l.name}) || m.NumValues != group.NumRows:
				return &CellError{Column: l.name, Want: fmt.Sprintf("row group %d describes another column, or other than %d rows; the file is damaged, write it again", g, group.NumRows)}
			case start < 4 || length < 0 || length > f.end-start:
				return &CellError{Column: l.name, Want: fmt.Sprintf("its bytes %d to %d are not inside the file's %d; the file is damaged or truncated, copy or write it again", start, start+length, f.end)}
			}
			raw = slices.Grow(raw[:0], int(length))[:length]
			if _, err := f.r.ReadAt(raw, start); err != nil {
				return fmt.Errorf("column %q: %w", clip(l.name), err)
			}
			if err := p.chunk(l, &f.columns[i], raw, m.Codec, int(m.NumValues)); err != nil {
				var cell *CellError
				if errors.As(err, &cell) {
					return err
				}
				return &CellError{Column: l.name, Want: err.Error()}
			}
		}
	}
	return nil
}
