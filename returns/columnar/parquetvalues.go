package columnar

import (
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go/format"
)

// plainDictionary is the older name of RLE_DICTIONARY in a data page.
const plainDictionary format.Encoding = 2

// decodeFixed returns n values of fixed width back to back, valid until the
// next call.
func (p *pageReader) decodeFixed(l *parquetLeaf, b []byte, encoding format.Encoding, n int) ([]byte, error) {
	w := l.width
	if encoding == format.Plain {
		return b, nil // appendFixed compares the length
	}
	var err error
	if p.raw, err = p.budget.grow(p.raw, n*w); err != nil {
		return nil, err
	}
	switch encoding {
	case plainDictionary, format.RLEDictionary:
		if err := p.lookups(b, n, len(p.dictionary)/w); err != nil {
			return nil, err
		}
		for i, k := range p.indexes {
			copy(p.raw[i*w:(i+1)*w], p.dictionary[int(k)*w:])
		}
		return p.raw, nil
	case format.DeltaBinaryPacked:
		if l.physical != format.Int32 && l.physical != format.Int64 {
			break
		}
		_, err := deltas(b, n, func(i int, v int64) {
			if w == 4 {
				le.PutUint32(p.raw[4*i:], uint32(v))
			} else {
				le.PutUint64(p.raw[8*i:], uint64(v))
			}
		})
		return p.raw, err
	case format.ByteStreamSplit:
		if len(b) < n*w {
			return nil, errPage
		}
		for k := range w {
			for i, v := range b[k*n : (k+1)*n] {
				p.raw[i*w+k] = v
			}
		}
		return p.raw, nil
	case format.DeltaByteArray:
		if l.physical != format.FixedLenByteArray {
			break
		}
		texts, err := p.deltaTexts(b, n)
		if err != nil {
			return nil, err
		}
		for i, s := range texts {
			if len(s) != w {
				return nil, errPage
			}
			copy(p.raw[i*w:], s)
		}
		return p.raw, nil
	}
	return nil, fmt.Errorf("values encoded as %v are not supported; write the column with plain or dictionary encoding", encoding)
}

func (p *pageReader) decodeTexts(b []byte, encoding format.Encoding, n int) (_ []string, err error) {
	switch encoding {
	case format.Plain:
		p.texts, err = p.plainTexts(p.texts[:0], b, n)
		return p.texts, err
	case plainDictionary, format.RLEDictionary:
		if err := p.lookups(b, n, len(p.dictionaryTexts)); err != nil {
			return nil, err
		}
		if p.texts, err = p.room(p.texts, n); err != nil {
			return nil, err
		}
		for _, k := range p.indexes {
			p.texts = append(p.texts, p.dictionaryTexts[k])
		}
		return p.texts, nil
	case format.DeltaLengthByteArray:
		if err := p.budget.take(int64(n), 8, "lengths"); err != nil {
			return nil, err
		}
		lengths := make([]int64, 0, n)
		used, err := deltas(b, n, func(_ int, v int64) { lengths = append(lengths, v) })
		if err != nil {
			return nil, err
		}
		return p.slices(b[used:], lengths)
	case format.DeltaByteArray:
		return p.deltaTexts(b, n)
	}
	return nil, fmt.Errorf("text encoded as %v is not supported; write the column with plain or dictionary encoding", encoding)
}

// room empties texts and makes it hold n.
func (p *pageReader) room(texts []string, n int) ([]string, error) {
	if n > cap(texts) {
		if err := p.budget.take(int64(n), 16, "text cells"); err != nil {
			return nil, err
		}
		texts = make([]string, 0, n)
	}
	return texts[:0], nil
}

// plainTexts reads n values, each after its length in 4 bytes.
func (p *pageReader) plainTexts(texts []string, b []byte, n int) (_ []string, err error) {
	if n < 0 || n > len(b)/4 {
		return nil, errPage
	}
	if texts, err = p.room(texts, n); err != nil {
		return nil, err
	}
	if err := p.budget.take(int64(len(b)), 1, "bytes of text"); err != nil {
		return nil, err
	}
	all := string(b)
	for range n {
		if len(all) < 4 {
			return nil, errPage
		}
		size := int64(all[0]) | int64(all[1])<<8 | int64(all[2])<<16 | int64(all[3])<<24
		if size > int64(len(all)-4) {
			return nil, errPage
		}
		texts = append(texts, all[4:4+size])
		all = all[4+size:]
	}
	return texts, nil
}

// slices cuts b into texts of those lengths.
func (p *pageReader) slices(b []byte, lengths []int64) (_ []string, err error) {
	if p.texts, err = p.room(p.texts, len(lengths)); err != nil {
		return nil, err
	}
	if err := p.budget.take(int64(len(b)), 1, "bytes of text"); err != nil {
		return nil, err
	}
	all := string(b)
	for _, n := range lengths {
		if n < 0 || n > int64(len(all)) {
			return nil, errPage
		}
		p.texts = append(p.texts, all[:n])
		all = all[n:]
	}
	return p.texts, nil
}

// deltaTexts reads texts that each repeat a prefix of the one before.
func (p *pageReader) deltaTexts(b []byte, n int) ([]string, error) {
	var prefixes, lengths []int64
	for _, list := range []*[]int64{&prefixes, &lengths} {
		if err := p.budget.take(int64(n), 8, "prefixes"); err != nil {
			return nil, err
		}
		*list = make([]int64, 0, n)
		used, err := deltas(b, n, func(_ int, v int64) { *list = append(*list, v) })
		if err != nil {
			return nil, err
		}
		b = b[used:]
	}
	suffixes, err := p.slices(b, lengths)
	if err != nil {
		return nil, err
	}
	last := ""
	for i, suffix := range suffixes {
		if k := prefixes[i]; k < 0 || k > int64(len(last)) {
			return nil, errPage
		} else if k > 0 {
			if err := p.budget.take(k+int64(len(suffix)), 1, "bytes of text"); err != nil {
				return nil, err
			}
			suffix = last[:k] + suffix
		}
		suffixes[i], last = suffix, suffix
	}
	return suffixes, nil
}

// lookups decodes n indexes into a dictionary of that size.
func (p *pageReader) lookups(b []byte, n, size int) (err error) {
	p.indexes = p.indexes[:0]
	if n == 0 {
		return nil
	}
	if !p.hasDictionary || len(b) == 0 {
		return errors.New("a page refers to a dictionary that is not there; the file is damaged, write it again")
	}
	if p.indexes, err = p.hybrid(b[1:], n, int(b[0])); err != nil {
		return err
	}
	for _, k := range p.indexes {
		if int64(k) >= int64(size) {
			return fmt.Errorf("entry %d of a dictionary of %d; the file is damaged, write it again", k, size)
		}
	}
	return nil
}

// hybrid decodes n numbers of that many bits from runs and bit-packed groups.
func (p *pageReader) hybrid(b []byte, n, width int) ([]uint32, error) {
	if width > 32 {
		return nil, errPage
	}
	if n > cap(p.indexes) {
		if err := p.budget.take(int64(n), 4, "indexes"); err != nil {
			return nil, err
		}
		p.indexes = make([]uint32, 0, n)
	}
	out := p.indexes[:0]
	for len(out) < n {
		head, used := uvarint(b)
		if used == 0 {
			return nil, errPage
		}
		b = b[used:]
		left := n - len(out)
		if head&1 == 0 {
			size := (width + 7) / 8
			if len(b) < size {
				return nil, errPage
			}
			v := uint32(0)
			for i := size - 1; i >= 0; i-- {
				v = v<<8 | uint32(b[i])
			}
			if width < 32 && v>>width != 0 {
				return nil, errPage
			}
			b = b[size:]
			for range min(head>>1, uint64(left)) {
				out = append(out, v)
			}
			continue
		}
		groups := head >> 1
		count := min(groups, uint64(left+7)/8) * 8
		take := min(int(count), left)
		if bytesFor(take, width) > len(b) {
			return nil, errPage
		}
		for i := range take {
			out = append(out, uint32(bitsAt(b, i*width, width)))
		}
		b = b[min(len(b), bytesFor(int(count), width)):]
	}
	return out, nil
}

// bitsAt reads up to 64 bits, the lowest first.
func bitsAt(b []byte, at, width int) uint64 {
	v := uint64(0)
	for got := 0; got < width; {
		i, shift := (at+got)/8, (at+got)%8
		v |= uint64(b[i]) >> shift << got
		got += 8 - shift
	}
	if width < 64 {
		v &= 1<<width - 1
	}
	return v
}

// deltas decodes exactly n numbers of DELTA_BINARY_PACKED and returns how many
// bytes they took.
func deltas(b []byte, n int, emit func(i int, v int64)) (used int, err error) {
	whole := len(b)
	next := func() uint64 {
		v, k := uvarint(b)
		if k == 0 {
			err = errPage
		}
		b = b[k:]
		return v
	}
	zigzag := func() int64 { v := next(); return int64(v>>1) ^ -int64(v&1) }
	block, minis, total := next(), next(), next()
	v := zigzag()
	if err != nil || total != uint64(n) || block == 0 || block > 1<<20 || minis == 0 || block%minis != 0 || block/minis%8 != 0 {
		return 0, errPage
	}
	if n > 0 {
		emit(0, v)
	}
	per := int(block / minis)
	for i := 1; i < n; {
		least := zigzag()
		if err != nil || len(b) < int(minis) {
			return 0, errPage
		}
		widths := b[:minis]
		b = b[minis:]
		for _, width := range widths {
			if i >= n {
				break // what follows the last value has no bytes
			}
			size := bytesFor(per, int(width))
			if width > 64 || size > len(b) {
				return 0, errPage
			}
			for k := 0; k < per && i < n; k++ {
				v += least + int64(bitsAt(b, k*int(width), int(width)))
				emit(i, v)
				i++
			}
			b = b[size:]
		}
	}
	return whole - len(b), nil
}
