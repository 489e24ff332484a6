package columnar

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go/format"
)

// The members of Arrow's Type union that matter here (Schema.fbs).
const (
	arrowInt = iota + 2
	arrowFloat
	arrowBinary
	arrowUtf8
	arrowBool
	arrowDecimal
	arrowDate
	arrowTime
	arrowTimestamp
	arrowInterval
	arrowList
	arrowStruct
	arrowUnion
	arrowFixedBinary
	arrowFixedList
	arrowMap
	arrowDuration
	arrowLargeBinary
	arrowLargeUtf8
	arrowLargeList
	arrowRunEnd
	arrowBinaryView
	arrowUtf8View
)

// DecodeIPC is ReadIPC of bytes without a name.
func DecodeIPC(b []byte) (*Table, error) { return ReadIPC("", b) }

// ReadIPC is ReadIPCColumns of every column.
func ReadIPC(file string, b []byte) (*Table, error) { return ReadIPCColumns(file, b, nil) }

// ReadIPCColumns reads an Arrow IPC file (Feather version 2) or stream of any number
// of records, plain or compressed with lz4 or zstd. Only columns whose name
// keep accepts are decoded, all if keep is nil.
//
//   - float of 16 to 64 bits and decimals: Float64. Integers: Int64.
//   - utf8, large_utf8 and utf8_view, dictionary-encoded or not: String.
//   - date32 and date64: Date. timestamp of any unit and zone: Timestamp.
//   - all others are refused by name.
//
// Nulls follow the validity bitmaps. Big-endian files are refused.
// Malformed bytes are an error, never a panic. Arrow's own reader is not
// used, because version 15 believes the lengths a file declares.
func ReadIPCColumns(file string, b []byte, keep func(name string) bool) (t *Table, err error) {
	defer guard("arrow", file, &err)
	f := ipcFile{b: b, budget: allowance(int64(len(b))), dictionaries: map[int64]*Column{}}
	switch {
	case bytes.HasPrefix(b, []byte("ARROW1")):
		err = f.file(keep)
	case bytes.HasPrefix(b, []byte("FEA1")):
		err = errors.New("the file is Feather version 1, which is not supported; write it as version 2, or as Parquet or CSV")
	default:
		err = f.stream(keep)
	}
	if err != nil {
		return nil, inFile(file, err)
	}
	t = &Table{Meta: f.meta}
	for i := range f.fields {
		if f.fields[i].kept {
			t.Columns = append(t.Columns, f.fields[i].Column)
		}
	}
	return t, inFile(file, t.Validate())
}

type ipcFile struct {
	b            []byte
	budget       *budget
	meta         map[string]string
	fields       []ipcField
	kinds        map[int64]leaf    // of dictionaries' values
	dictionaries map[int64]*Column // their values so far
	gz           inflater
}

type ipcField struct {
	Column
	leaf
	schema     table
	kept       bool
	dictionary int64 // its number, if indexes.width > 0
	indexes    leaf
}

// A message is its Flatbuffers head and the body's bytes.
type message struct {
	head table
	body []byte
	next int
}

// messageAt reads the message at a position of b. A head of no table ends a
// stream.
func messageAt(b []byte, at int) (message, error) {
	cut := errors.New("the Arrow data end within a message; the file is truncated, copy or write it again")
	if at == len(b) {
		return message{}, nil
	}
	if at < 0 || at > len(b)-4 {
		return message{}, cut
	}
	size := le.Uint32(b[at:])
	at += 4
	if size == 0xFFFFFFFF {
		if at > len(b)-4 {
			return message{}, cut
		}
		size = le.Uint32(b[at:])
		at += 4
	}
	if size == 0 {
		return message{}, nil
	}
	if int64(size) > int64(len(b)-at) || size < 8 {
		return message{}, cut
	}
	m := message{head: root(b[at : at+int(size)])}
	at += int(size)
	body := m.head.long(3)
	if body < 0 || body > int64(len(b)-at) {
		return message{}, cut
	}
	m.body = b[at : at+int(body)]
	m.next = at + int(body)
	return m, nil
}

// file reads the blocks that the footer lists: dictionaries, then records.
func (f *ipcFile) file(keep func(string) bool) error {
	tail := len(f.b) - 10
	if tail < 8 || string(f.b[tail+4:]) != "ARROW1" {
		return errors.New("the Arrow file does not end in ARROW1; it is truncated, copy or write it again")
	}
	size := int64(le.Uint32(f.b[tail:]))
	if size < 8 || size > int64(tail-8) {
		return fmt.Errorf("a footer of %d bytes in an Arrow file of %d; the file is damaged, write it again", size, len(f.b))
	}
	footer := root(f.b[tail-int(size) : tail])
	if err := f.schema(footer.table(1), keep); err != nil {
		return err
	}
	for _, blocks := range []vector{footer.vector(2, 24), footer.vector(3, 24)} {
		end := 8
		for k := range blocks.n {
			at := int(blocks.long(k, 0))
			m, err := messageAt(f.b, at)
			if err != nil {
				return err
			}
			if at < end || m.head.at == 0 {
				return errors.New("the footer lists overlapping messages; the file is damaged, write it again")
			}
			end = m.next
			if err := f.message(m); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *ipcFile) stream(keep func(string) bool) error {
	m, err := messageAt(f.b, 0)
	if err != nil || m.head.byte(1) != 1 {
		return errors.New("neither an Arrow IPC file nor a stream; expected Feather version 2, write it again")
	}
	if err := f.schema(m.head.table(2), keep); err != nil {
		return err
	}
	for {
		if m, err = messageAt(f.b, m.next); err != nil || m.head.at == 0 {
			return err
		}
		if err := f.message(m); err != nil {
			return err
		}
	}
}

func (f *ipcFile) message(m message) error {
	switch head := m.head.table(2); m.head.byte(1) {
	case 2:
		return f.dictionary(head, m.body)
	case 3:
		return f.record(head, m.body)
	}
	return errors.New("an Arrow message that is neither a record nor a dictionary; the file is damaged, write it again")
}

// schema chooses the columns.
func (f *ipcFile) schema(s table, keep func(string) bool) error {
	if s.at == 0 {
		return errors.New("the Arrow file has no schema; write it again")
	}
	if s.short(0) != 0 {
		return errors.New("the Arrow file is big-endian, which is not supported; write it on a little-endian machine")
	}
	f.kinds = map[int64]leaf{}
	fields := s.vector(1, 4)
	if err := f.budget.take(int64(fields.n), 400, "columns"); err != nil {
		return err
	}
	f.fields = make([]ipcField, fields.n)
	for i, schema := range fields.all {
		name := schema.text(0)
		field := &f.fields[i]
		*field = ipcField{Column: Column{Name: name}, schema: schema, kept: keep == nil || keep(name)}
		if err := f.budget.take(int64(len(name)), 4, "bytes of names"); err != nil {
			return err
		}
		if !field.kept {
			continue
		}
		l, err := arrowType(schema)
		if err == nil {
			field.leaf, field.Kind, field.Zone = l, l.kind, l.zone
			if d := schema.table(4); d.at > 0 {
				field.dictionary, field.indexes = d.long(0), arrowIndex(d.table(1))
				f.kinds[field.dictionary] = l
				if l.kind != String {
					err = errors.New("a dictionary of other than text is not supported; write the column plain")
				}
			}
		}
		if err != nil {
			return &CellError{Column: name, Want: err.Error()}
		}
	}
	for _, kv := range s.vector(2, 4).all {
		if f.meta == nil {
			f.meta = map[string]string{}
		}
		key, value := kv.text(0), kv.text(1)
		if err := f.budget.take(int64(len(key)+len(value)), 2, "bytes of metadata"); err != nil {
			return err
		}
		f.meta[key] = value
	}
	return nil
}

// arrowIndex is the leaf of dictionary indexes: int32 unless said otherwise.
func arrowIndex(t table) leaf {
	if t.at == 0 {
		return integer(4, true)
	}
	return integer(t.int(0)/8, t.byte(1) != 0)
}

// arrowType maps a schema field to a leaf.
func arrowType(field table) (leaf, error) {
	t := field.table(3)
	switch kind := field.byte(2); kind {
	case arrowInt:
		if w := t.int(0); w == 8 || w == 16 || w == 32 || w == 64 {
			return integer(w/8, t.byte(1) != 0), nil
		}
	case arrowFloat:
		switch t.short(0) {
		case 0:
			return half(), nil
		case 1:
			return single(), nil
		case 2:
			return double(), nil
		}
	case arrowUtf8, arrowLargeUtf8, arrowUtf8View:
		return text(), nil
	case arrowDecimal:
		width := t.int(2)
		if t.field(2) == 0 {
			width = 128
		}
		if scale := t.int(1); (width == 32 || width == 64 || width == 128 || width == 256) && scale >= -300 && scale <= 300 {
			return decimal(width/8, scale, false), nil
		}
	case arrowDate:
		if t.field(0) > 0 && t.short(0) == 0 {
			return days(4), nil
		}
		return days(8), nil
	case arrowTimestamp:
		if u := t.short(0); u >= 0 && u <= 3 {
			return instant([]int64{1e9, 1e6, 1e3, 1}[u], t.text(1)), nil
		}
	case arrowBool:
		return leaf{}, errors.New("a boolean is not a return; write 0 and 1 as numbers if that is meant, or leave the column out")
	case arrowList, arrowLargeList, arrowFixedList, arrowStruct, arrowMap, arrowUnion, arrowRunEnd:
		return leaf{}, errors.New("a nested column is not supported; write it as a number, a text, a date or a timestamp, or leave it out")
	}
	return leaf{}, fmt.Errorf("the Arrow type %d is not supported; write the column as a number, a text, a date or a timestamp, or leave it out", field.byte(2))
}

// inflate returns the bytes of one buffer.
func (f *ipcFile) inflate(b []byte, codec int) ([]byte, error) {
	if codec < 0 || len(b) == 0 {
		return b, nil
	}
	if len(b) < 8 {
		return nil, errCompressed
	}
	n := int64(le.Uint64(b))
	b = b[8:]
	if n == -1 {
		return b, nil
	}
	if err := f.budget.take(n, 1, "decompressed bytes"); err != nil {
		return nil, err
	}
	dst := make([]byte, n)
	if codec == 1 {
		return dst, f.gz.inflate(format.Zstd, dst, b)
	}
	return dst, lz4Frames(dst, b)
}
