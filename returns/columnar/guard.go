package columnar

import "fmt"

// A file may lie about its own size: eight bytes can claim a gigabyte, and a
// decoder that believes them ends the program, for Go's out-of-memory error
// cannot be caught. So every reader here follows three rules.
//
//  1. A length, offset or count is compared with the bytes that are there
//     before anything is allocated for it.
//  2. What a small file may legally unfold to (runs of one value, compressed
//     pages, dictionaries) is paid from a budget made of the file's size.
//  3. What still panics becomes an error. No reader starts a goroutine, where
//     a panic could not be caught.
//
// A file under 1 MiB therefore never costs more than 256 MiB.

// A budget is the memory a file may still unfold to.
type budget struct{ left int64 }

// allowance is the budget of a file of that many bytes: 48 MiB and 64 bytes
// for each byte. Real files need 1 to 20 bytes for each; a wide panel that is
// almost all one value may need 50.
func allowance(size int64) *budget { return &budget{left: 48<<20 + 64*size} }

// take pays n units of the given bytes each, or returns an error that names the implausible size.
func (b *budget) take(n, each int64, what string) error {
	switch {
	case n < 0 || each < 0:
		return fmt.Errorf("%d %s; the file is damaged, write it again", n, what)
	case each > 0 && n > b.left/each:
		return fmt.Errorf("%d %s would take %s, implausible for a file of this size; it is damaged or built to exhaust memory; if neither, split it", n, what, quantity(n, each))
	}
	b.left -= n * each
	return nil
}

// quantity is n*each in mebibytes, safe from overflow.
func quantity(n, each int64) string {
	return fmt.Sprintf("%.0f MiB", float64(n)*float64(each)/(1<<20))
}

// grow returns scratch memory of n bytes, paying only for what is new.
func (b *budget) grow(buf []byte, n int) ([]byte, error) {
	if n <= cap(buf) {
		return buf[:n], nil
	}
	if err := b.take(int64(n), 1, "bytes of scratch"); err != nil {
		return nil, err
	}
	return make([]byte, n), nil
}

// guard turns a panic into an error that names the format and the file.
func guard(format, file string, err *error) {
	if r := recover(); r != nil {
		*err = &CellError{File: file, Want: fmt.Sprintf("malformed %s; the file is damaged, write it again", format)}
	}
}
