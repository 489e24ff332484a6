package columnar

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// An inflater decompresses the pages of one file. It never writes more than
// the caller's dst holds, and never lets a library do so.
type inflater struct{ gz *gzip.Reader }

var errCompressed = errors.New("the compressed bytes do not hold what the file declares; the file is damaged, write it again")

// inflate fills dst, which has the declared length, from src.
func (f *inflater) inflate(codec format.CompressionCodec, dst, src []byte) error {
	switch codec {
	case format.Uncompressed:
		if len(src) != len(dst) {
			return errCompressed
		}
		copy(dst, src)
		return nil
	case format.Gzip:
		return f.gunzip(dst, src)
	case format.Lz4Raw:
		n, err := lz4Block(dst[:0], src)
		if err == nil && len(n) != len(dst) {
			err = errCompressed
		}
		return err
	case format.Snappy:
		// A snappy block begins with its length, which the library allocates.
		n, used := uvarint(src)
		if used <= 0 || n != uint64(len(dst)) {
			return errCompressed
		}
	case format.Zstd:
		if err := zstdBound(src, len(dst)); err != nil {
			return err
		}
	default:
		return fmt.Errorf("compressed with %v, which is not supported; write the file with snappy, gzip, zstd, lz4_raw or no compression", codec)
	}
	out, err := parquet.LookupCompressionCodec(codec).Decode(dst, src)
	switch {
	case err != nil:
		return fmt.Errorf("%w (%w)", errCompressed, err)
	case len(out) != len(dst):
		return errCompressed
	case len(out) > 0 && &out[0] != &dst[0]:
		copy(dst, out)
	}
	return nil
}

func (f *inflater) gunzip(dst, src []byte) error {
	if len(dst) == 0 {
		return nil
	}
	var err error
	if in := bytes.NewReader(src); f.gz == nil {
		f.gz, err = gzip.NewReader(in)
	} else {
		err = f.gz.Reset(in)
	}
	if err != nil {
		f.gz = nil
		return errCompressed
	}
	if _, err := io.ReadFull(f.gz, dst); err != nil {
		return errCompressed
	}
	var one [1]byte
	if n, err := f.gz.Read(one[:]); n != 0 || err != io.EOF {
		return errCompressed
	}
	return nil
}

// zstdBound walks the frames and blocks of src (RFC 8878, section 3.1) without
// decoding them. The library stops at a frame's content size if one is
// given; else only the number of blocks bounds what comes out.
func zstdBound(src []byte, want int) error {
	most := int64(0)
	for len(src) > 0 {
		if len(src) < 6 || le.Uint32(src) != 0xFD2FB528 {
			return errCompressed
		}
		flags := src[4]
		src = src[5:]
		single := flags >> 5 & 1
		skip := int(1-single) + []int{0, 1, 2, 4}[flags&3]
		size := []int{int(single), 2, 4, 8}[flags>>6]
		if len(src) < skip+size {
			return errCompressed
		}
		content := uint64(0)
		for i := size - 1; i >= 0; i-- {
			content = content<<8 | uint64(src[skip+i])
		}
		if size == 2 {
			content += 256
		}
		src = src[skip+size:]
		blocks := int64(0)
		for last := false; !last; {
			if len(src) < 3 {
				return errCompressed
			}
			head := int(src[0]) | int(src[1])<<8 | int(src[2])<<16
			last = head&1 == 1
			length := head >> 3
			switch head >> 1 & 3 {
			case 0:
				blocks += int64(length)
			case 1:
				blocks += int64(length)
				length = 1
			case 2:
				blocks += 128 << 10
			default:
				return errCompressed
			}
			if len(src) < 3+length {
				return errCompressed
			}
			src = src[3+length:]
		}
		if size > 0 {
			if content > uint64(want) {
				return errCompressed
			}
			blocks = int64(content)
		}
		most += blocks
		if flags>>2&1 == 1 {
			if len(src) < 4 {
				return errCompressed
			}
			src = src[4:]
		}
	}
	if most > 4*int64(want)+8<<20 {
		return errCompressed
	}
	return nil
}

// lz4Block appends one LZ4 block to dst, never beyond its capacity. Matches
// may reach back into what dst held before.
func lz4Block(dst, src []byte) ([]byte, error) {
	length := func(n int) (int, bool) {
		if n < 15 {
			return n, true
		}
		for len(src) > 0 {
			b := src[0]
			src = src[1:]
			n += int(b)
			if b != 255 {
				return n, true
			}
		}
		return 0, false
	}
	for len(src) > 0 {
		token := int(src[0])
		src = src[1:]
		n, ok := length(token >> 4)
		if !ok || n > len(src) || n > cap(dst)-len(dst) {
			return nil, errCompressed
		}
		dst = append(dst, src[:n]...)
		src = src[n:]
		if len(src) == 0 {
			return dst, nil
		}
		if len(src) < 2 {
			return nil, errCompressed
		}
		back := int(le.Uint16(src))
		src = src[2:]
		n, ok = length(token & 15)
		n += 4
		if !ok || back == 0 || back > len(dst) || n > cap(dst)-len(dst) {
			return nil, errCompressed
		}
		for n > 0 { // overlapping matches repeat the bytes just written
			k := min(n, back)
			dst = append(dst, dst[len(dst)-back:len(dst)-back+k]...)
			n -= k
		}
	}
	return dst, nil
}

// lz4Frames fills dst from LZ4 frames, the form Arrow uses.
func lz4Frames(dst, src []byte) error {
	out := dst[:0:len(dst)]
	for len(src) > 0 {
		if len(src) < 7 || le.Uint32(src) != 0x184D2204 {
			return errCompressed
		}
		flags := src[4]
		head := 7 + 8*int(flags>>3&1) + 4*int(flags&1)
		if len(src) < head {
			return errCompressed
		}
		src = src[head:]
		for {
			if len(src) < 4 {
				return errCompressed
			}
			size := int(le.Uint32(src) &^ (1 << 31))
			plain := src[3]>>7 == 1
			src = src[4:]
			if size == 0 {
				break
			}
			if size > len(src) {
				return errCompressed
			}
			var err error
			if !plain {
				out, err = lz4Block(out, src[:size])
			} else if size > cap(out)-len(out) {
				err = errCompressed
			} else {
				out = append(out, src[:size]...)
			}
			if err != nil {
				return err
			}
			src = src[min(len(src), size+4*int(flags>>4&1)):]
		}
		src = src[min(len(src), 4*int(flags>>2&1)):]
	}
	if len(out) != len(dst) {
		return errCompressed
	}
	return nil
}

// uvarint reads an unsigned LEB128; used is 0 if there is none.
func uvarint(b []byte) (v uint64, used int) {
	for i := 0; i < len(b) && i < 10; i++ {
		if i == 9 && b[i] > 1 {
			return 0, 0
		}
		v |= uint64(b[i]&0x7f) << (7 * i)
		if b[i] < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}

// bytesFor is how many bytes hold n values of that many bits.
func bytesFor(n, width int) int {
	hi, lo := bits.Mul64(uint64(n), uint64(width))
	if hi != 0 || lo > 1<<62 {
		return 1 << 60
	}
	return int((lo + 7) / 8)
}
