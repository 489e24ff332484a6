package columnar

import (
	"errors"

	"github.com/parquet-go/parquet-go/encoding/thrift"
)

// Parquet keeps its footer and page headers in Thrift's compact protocol. The
// library's decoder allocates whatever a list says it holds and recurses as
// deep as structs nest, so each is walked here first.

const thriftDepth = 24

var errThrift = errors.New("metadata does not parse; the file is damaged, write it again")

// unmarshal decodes the compact struct at the start of b into v and returns
// its length. Lists may hold one element for each 8 bytes, which real files
// stay well below and the elements' size in memory allows.
func unmarshal(b []byte, limit int, v any) (int, error) {
	b = b[:min(len(b), limit)]
	w := thriftWalk{b: b, elements: 1024 + len(b)/8}
	w.structure(0)
	if w.bad {
		return 0, errThrift
	}
	n := len(b) - len(w.b)
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), b[:n], v); err != nil {
		return 0, errors.Join(errThrift, err)
	}
	return n, nil
}

// A thriftWalk consumes b; bad is sticky.
type thriftWalk struct {
	b        []byte
	elements int
	bad      bool
}

func (w *thriftWalk) skip(n uint64) {
	if n > uint64(len(w.b)) {
		w.bad = true
		return
	}
	w.b = w.b[n:]
}

func (w *thriftWalk) byte() byte {
	if len(w.b) == 0 {
		w.bad = true
		return 0
	}
	c := w.b[0]
	w.b = w.b[1:]
	return c
}

func (w *thriftWalk) varint() uint64 {
	v, n := uvarint(w.b)
	if n == 0 {
		w.bad = true
	}
	w.b = w.b[n:]
	return v
}

func (w *thriftWalk) structure(depth int) {
	for !w.bad {
		head := w.byte()
		if head == 0 {
			return
		}
		if head>>4 == 0 {
			w.varint() // the field's number in full
		}
		if kind := head & 15; kind > 2 { // 1 and 2 are true and false, without bytes
			w.value(kind, depth+1)
		}
	}
}

func (w *thriftWalk) value(kind byte, depth int) {
	if depth > thriftDepth {
		w.bad = true
	}
	if w.bad {
		return
	}
	switch kind {
	case 1, 2, 3: // a boolean inside a list has a byte
		w.byte()
	case 4, 5, 6:
		w.varint()
	case 7:
		w.skip(8)
	case 8:
		w.skip(w.varint())
	case 9, 10:
		head := w.byte()
		n := uint64(head >> 4)
		if n == 15 {
			n = w.varint()
		}
		w.items(n, depth, head&15)
	case 11:
		if n := w.varint(); n > 0 {
			kinds := w.byte()
			w.items(n, depth, kinds>>4, kinds&15)
		}
	case 12:
		w.structure(depth)
	case 13:
		w.skip(16)
	default:
		w.bad = true
	}
}

func (w *thriftWalk) items(n uint64, depth int, kinds ...byte) {
	if n > uint64(w.elements) {
		w.bad = true
		return
	}
	w.elements -= int(n)
	for range n {
		for _, kind := range kinds {
			w.value(kind, depth+1)
		}
		if w.bad {
			return
		}
	}
}
