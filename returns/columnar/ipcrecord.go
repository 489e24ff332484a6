package columnar

import (
	"errors"
	"fmt"
	"slices"
)

var errBuffer = errors.New("a buffer holds less than its column declares; the file is damaged, write it again")

// A record walks the nodes and buffers of one record batch in the order of
// the schema.
type record struct {
	f        *ipcFile
	body     []byte
	codec    int // -1: none, 0: lz4, 1: zstd
	nodes    vector
	buffers  vector
	variadic vector
	node     int
	buffer   int
	views    int
}

func (f *ipcFile) open(head table, body []byte) *record {
	r := &record{f: f, body: body, codec: -1, nodes: head.vector(1, 16), buffers: head.vector(2, 16), variadic: head.vector(4, 8)}
	if c := head.table(3); c.at > 0 {
		r.codec = int(c.byte(0))
	}
	return r
}

func (f *ipcFile) record(head table, body []byte) error {
	r, rows := f.open(head, body), head.long(0)
	if rows < 0 || rows > 1<<40 {
		return fmt.Errorf("a record of %d rows; the file is damaged, write it again", rows)
	}
	for i := range f.fields {
		field := &f.fields[i]
		if !field.kept {
			if err := r.skip(field.schema); err != nil {
				return err
			}
			continue
		}
		if err := r.column(field, int(rows)); err != nil {
			var cell *CellError
			if errors.As(err, &cell) {
				return err
			}
			return &CellError{Column: field.Name, Want: err.Error()}
		}
	}
	return nil
}

// dictionary adds a batch of text values to a dictionary, or replaces it.
func (f *ipcFile) dictionary(head table, body []byte) error {
	id, data := head.long(0), head.table(1)
	kind, wanted := f.kinds[id]
	if !wanted {
		return nil // of a column that is not kept
	}
	c := f.dictionaries[id]
	if c == nil || head.byte(2) == 0 {
		c = &Column{Kind: kind.kind}
		f.dictionaries[id] = c
	}
	for i := range f.fields {
		if field := &f.fields[i]; field.kept && field.indexes.width > 0 && field.dictionary == id {
			r := f.open(data, body)
			return r.texts(c, field.schema.byte(2), data.long(0))
		}
	}
	return nil
}

func (r *record) column(field *ipcField, rows int) error {
	c := &field.Column
	if field.kind == String && field.indexes.width == 0 {
		return r.texts(c, field.schema.byte(2), int64(rows))
	}
	l := &field.leaf
	if field.indexes.width > 0 {
		l = &field.indexes
	}
	present, err := r.head(rows, l.width)
	if err != nil {
		return err
	}
	raw, err := r.next()
	if err != nil {
		return err
	}
	if len(raw)/l.width < rows {
		return errBuffer
	}
	if err := r.f.budget.take(int64(rows), field.kind.bytesEach(), "rows"); err != nil {
		return err
	}
	if field.indexes.width == 0 {
		c.reserve(rows)
		return c.appendFixed(l, raw, rows, present, true)
	}
	dictionary := r.f.dictionaries[field.dictionary]
	values := make([]string, rows)
	for i := range values {
		if present != nil && !present[i] {
			continue
		}
		k, err := l.whole(raw[i*l.width:])
		if err != nil || k < 0 || dictionary == nil || k >= int64(len(dictionary.Strings)) || !dictionary.IsValid(int(k)) {
			return fmt.Errorf("entry %d is not in the column's dictionary; the file is damaged, write it again", k)
		}
		values[i] = dictionary.Strings[k]
	}
	return c.appendStrings(values, rows, present, true)
}

// head reads the node and the validity bitmap of a column of that many rows.
// The rows are compared with the buffer that must hold them before the mask
// is made.
func (r *record) head(rows, width int) ([]bool, error) {
	if n := r.nodes.long(r.node, 0); n != int64(rows) {
		return nil, fmt.Errorf("%d values in a record of %d rows; the file is damaged, write it again", n, rows)
	}
	nulls := r.nodes.long(r.node, 8)
	r.node++
	bitmap, err := r.next()
	if err != nil {
		return nil, err
	}
	if len(bitmap) == 0 {
		if nulls > 0 {
			return nil, fmt.Errorf("%d missing values without a bitmap of which; the file is damaged, write it again", nulls)
		}
		return nil, nil
	}
	if len(bitmap) < bytesFor(rows, 1) {
		return nil, errBuffer
	}
	if !hasZero(bitmap, rows) {
		return nil, nil
	}
	if err := r.f.budget.take(int64(rows), 1, "rows"); err != nil {
		return nil, err
	}
	present := make([]bool, rows)
	for i := range present {
		present[i] = bitmap[i/8]>>(i%8)&1 == 1
	}
	return present, nil
}

func hasZero(bitmap []byte, n int) bool {
	return slices.ContainsFunc(bitmap[:n/8], func(b byte) bool { return b != 0xff }) ||
		n%8 > 0 && ^bitmap[n/8]&(1<<(n%8)-1) != 0
}

func (r *record) next() ([]byte, error) {
	offset, size := r.buffers.long(r.buffer, 0), r.buffers.long(r.buffer, 8)
	r.buffer++
	if size == 0 {
		return nil, nil
	}
	if offset < 0 || size < 0 || offset > int64(len(r.body)) || size > int64(len(r.body))-offset {
		return nil, fmt.Errorf("bytes %d to %d of a record of %d; the file is damaged, write it again", offset, offset+size, len(r.body))
	}
	return r.f.inflate(r.body[offset:offset+size], r.codec)
}

// texts appends a column of text in any of its three layouts.
func (r *record) texts(c *Column, kind byte, rows64 int64) error {
	if rows64 < 0 || rows64 > 1<<40 {
		return errBuffer
	}
	rows := int(rows64)
	present, err := r.head(rows, 4)
	if err != nil {
		return err
	}
	first, err := r.next()
	if err != nil {
		return err
	}
	width := map[byte]int{arrowUtf8: 4, arrowLargeUtf8: 8, arrowUtf8View: 16}[kind]
	if rows > 0 && len(first)/width < rows {
		return errBuffer
	}
	if err := r.f.budget.take(int64(rows), 2*String.bytesEach(), "rows of text"); err != nil {
		return err
	}
	var values []string
	if kind == arrowUtf8View {
		values, err = r.viewed(first, rows, present)
	} else {
		values, err = r.sliced(first, rows, width)
	}
	if err != nil {
		return err
	}
	c.reserve(rows)
	return c.appendStrings(values, rows, present, true)
}

// whole copies the next buffer into one string, which the values share.
func (r *record) whole() (string, error) {
	b, err := r.next()
	if err == nil {
		err = r.f.budget.take(int64(len(b)), 1, "bytes of text")
	}
	return string(b), err
}

// sliced cuts the values at rows+1 rising offsets.
func (r *record) sliced(offsets []byte, rows, width int) ([]string, error) {
	data, err := r.whole()
	if err != nil || rows == 0 {
		return nil, err
	}
	if len(offsets)/width < rows+1 {
		return nil, errBuffer
	}
	at := func(i int) int64 {
		if width == 4 {
			return int64(int32(le.Uint32(offsets[4*i:])))
		}
		return int64(le.Uint64(offsets[8*i:]))
	}
	values := make([]string, rows)
	for i := range values {
		from, to := at(i), at(i+1)
		if from < 0 || to < from || to > int64(len(data)) {
			return nil, errBuffer
		}
		values[i] = data[from:to]
	}
	return values, nil
}

// viewed reads the view layout: 16 bytes each, short text inside them, longer
// text in one of several buffers.
func (r *record) viewed(views []byte, rows int, present []bool) ([]string, error) {
	n := int(r.variadic.long(r.views, 0))
	r.views++
	if n < 0 || n > r.buffers.n {
		return nil, errBuffer
	}
	data := make([]string, n)
	for i := range data {
		var err error
		if data[i], err = r.whole(); err != nil {
			return nil, err
		}
	}
	short := string(views[:16*rows])
	values := make([]string, rows)
	for i := range values {
		if present != nil && !present[i] {
			continue
		}
		v := views[16*i:]
		size, buffer, offset := int64(int32(le.Uint32(v))), int64(int32(le.Uint32(v[8:]))), int64(int32(le.Uint32(v[12:])))
		switch {
		case size >= 0 && size <= 12:
			values[i] = short[16*i+4:][:size]
		case size < 0 || buffer < 0 || buffer >= int64(n) || offset < 0 || size > int64(len(data[buffer]))-offset:
			return nil, errBuffer
		default:
			values[i] = data[buffer][offset : offset+size]
		}
	}
	return values, nil
}

// skip passes over the nodes and buffers of a column that is not kept. Each
// field read consumes a node, so a schema that refers to itself comes to an
// end.
func (r *record) skip(schema table) error {
	r.nodes.element(r.node)
	r.node++
	buffers := 2
	kind := schema.byte(2)
	if schema.table(4).at > 0 {
		kind = arrowInt
	}
	switch kind {
	case 1:
		buffers = 0
	case arrowBinary, arrowUtf8, arrowLargeBinary, arrowLargeUtf8:
		buffers = 3
	case arrowBinaryView, arrowUtf8View:
		buffers += int(r.variadic.long(r.views, 0))
		r.views++
	case arrowStruct, arrowFixedList:
		buffers = 1
	case arrowUnion, arrowRunEnd:
		return &CellError{Column: schema.text(0), Want: "a union or run-end encoded column cannot be skipped; write the file without it"}
	}
	r.buffer += buffers
	if buffers < 0 || r.buffer > r.buffers.n {
		return errBuffer
	}
	if kind == arrowInt {
		return nil
	}
	for _, child := range schema.vector(5, 4).all {
		if err := r.skip(child); err != nil {
			return err
		}
	}
	return nil
}
