package columnar

import "fmt"

// Arrow's metadata are Flatbuffers. These few accessors read them in place;
// Go checks every index, and guard turns a failed check into an error. The
// one thing that could cost memory, a vector's length, is checked here.

// A table is a Flatbuffers table at a position; position 0 is an absent one,
// whose fields all have their zero value.
type table struct {
	b  []byte
	at int
}

// root is the table that b begins with a reference to.
func root(b []byte) table { return table{b, int(le.Uint32(b))} }

// field is where field i is, or 0 if it is absent.
func (t table) field(i int) int {
	if t.at == 0 {
		return 0
	}
	v := t.at - int(int32(le.Uint32(t.b[t.at:])))
	if slot := 4 + 2*i; slot < int(le.Uint16(t.b[v:])) {
		if o := int(le.Uint16(t.b[v+slot:])); o > 0 {
			return t.at + o
		}
	}
	return 0
}

func (t table) byte(i int) byte {
	if at := t.field(i); at > 0 {
		return t.b[at]
	}
	return 0
}

func (t table) short(i int) int {
	if at := t.field(i); at > 0 {
		return int(int16(le.Uint16(t.b[at:])))
	}
	return 0
}

func (t table) int(i int) int {
	if at := t.field(i); at > 0 {
		return int(int32(le.Uint32(t.b[at:])))
	}
	return 0
}

func (t table) long(i int) int64 {
	if at := t.field(i); at > 0 {
		return int64(le.Uint64(t.b[at:]))
	}
	return 0
}

// refer follows the reference at a position.
func (t table) refer(at int) table {
	if at == 0 {
		return table{}
	}
	return table{t.b, at + int(le.Uint32(t.b[at:]))}
}

func (t table) table(i int) table { return t.refer(t.field(i)) }

func (t table) text(i int) string {
	v := t.vector(i, 1)
	return string(v.b[v.start : v.start+v.n])
}

// A vector is n elements of a size each, all inside b.
type vector struct {
	b        []byte
	start, n int
	size     int
}

func (t table) vector(i, size int) vector {
	v := t.table(i)
	if v.at == 0 {
		return vector{}
	}
	n, start := int(le.Uint32(v.b[v.at:])), v.at+4
	if n > (len(v.b)-start)/size {
		panic(fmt.Sprintf("a list of %d in %d bytes", n, len(v.b)))
	}
	return vector{v.b, start, n, size}
}

// long is the int64 at an offset inside element k.
func (v vector) long(k, offset int) int64 { return int64(le.Uint64(v.element(k)[offset:])) }

func (v vector) element(k int) []byte {
	if k < 0 || k >= v.n {
		panic(fmt.Sprintf("element %d of %d", k, v.n))
	}
	return v.b[v.start+k*v.size:][:v.size]
}

func (v vector) at(k int) table {
	v.element(k)
	return table{b: v.b}.refer(v.start + k*v.size)
}

func (v vector) all(yield func(int, table) bool) {
	for k := range v.n {
		if !yield(k, v.at(k)) {
			return
		}
	}
}
