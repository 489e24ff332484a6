package columnar

import (
	"compress/gzip"
	"fmt"
	"io"
)

// maxInflated is the most text a gzipped file may unfold to, if nothing else
// is asked for.
const maxInflated = 4 << 30

// An unfolding is a gzipped text being read. It also keeps the account of
// what the text becomes in memory; a nil one is a plain text, which cannot
// become much more than it is.
type unfolding struct {
	file   string
	in     counter
	gz     *gzip.Reader
	most   int64
	out    int64 // text so far
	become int64 // memory so far
}

func newUnfolding(file string, r io.Reader, most int64) (*unfolding, error) {
	u := &unfolding{file: file, in: counter{r: r}, most: most}
	var err error
	if u.gz, err = gzip.NewReader(&u.in); err != nil {
		return nil, &CellError{File: file, Want: fmt.Sprintf("the gzip file cannot be decompressed (%v); compress it again", err)}
	}
	return u, nil
}

func (u *unfolding) Read(b []byte) (int, error) {
	n, err := u.gz.Read(b)
	u.out += int64(n)
	switch {
	case u.out > u.most:
		return 0, &CellError{File: u.file, Want: fmt.Sprintf("the gzip file decompresses to more than %d MiB; decompress or split it", u.most>>20)}
	case u.out > 16<<20+200*u.in.n:
		return 0, u.bomb()
	case err != nil && err != io.EOF:
		err = &CellError{File: u.file, Want: fmt.Sprintf("the gzip file cannot be decompressed (%v); it is truncated or damaged, copy or compress it again", err)}
	}
	return n, err
}

func (u *unfolding) bomb() error {
	return &CellError{File: u.file, Want: fmt.Sprintf("%d compressed bytes decompress to an implausible size; decompress the file first if it is genuine", u.in.n)}
}

// pay accounts for n bytes of memory: at most 32 MiB and 32 for each
// compressed byte read so far.
func (u *unfolding) pay(n int64) error {
	if u == nil {
		return nil
	}
	if u.become += n; u.become > 32<<20+32*u.in.n {
		return u.bomb()
	}
	return nil
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}
