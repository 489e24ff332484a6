package columnar

import (
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/parquet-go/parquet-go/format"
)

var errPage = errors.New("a page holds less than it declares; the file is damaged, write it again")

// A pageReader decodes the pages of column chunks, one chunk after another,
// reusing its memory. The encodings are those of the Parquet format's
// Encodings.md.
type pageReader struct {
	budget   *budget
	inflater inflater
	plain    []byte   // a decompressed page
	raw      []byte   // fixed-width values gathered from a dictionary or deltas
	texts    []string // the same for text
	indexes  []uint32
	present  []bool
	header   format.PageHeader

	dictionary      []byte
	dictionaryTexts []string
	hasDictionary   bool
}

// chunk appends the values of one column chunk to c.
func (p *pageReader) chunk(l *parquetLeaf, c *Column, b []byte, codec format.CompressionCodec, values int) error {
	p.hasDictionary = false
	for read := 0; read < values; {
		p.header = format.PageHeader{}
		used, err := unmarshal(b, 1<<20, &p.header)
		if err != nil {
			return fmt.Errorf("page header: %w", err)
		}
		h := &p.header
		b = b[used:]
		size := int(h.CompressedPageSize)
		if size < 0 || size > len(b) || h.UncompressedPageSize < 0 {
			return errPage
		}
		body := b[:size]
		b = b[size:]
		if h.CRC != 0 && uint32(h.CRC) != crc32.ChecksumIEEE(body) {
			return errors.New("a page's checksum does not match its bytes; the file is damaged, copy or write it again")
		}
		switch h.Type {
		case format.DictionaryPage:
			if p.hasDictionary {
				return errors.New("two dictionaries in one column chunk; the file is damaged, write it again")
			}
			body, err = p.inflate(codec, body, int(h.UncompressedPageSize))
			if err == nil {
				err = p.readDictionary(l, body, int(h.DictionaryPageHeader.V.NumValues))
			}
		case format.DataPage:
			n := int(h.DataPageHeader.V.NumValues)
			if n < 0 || n > values-read {
				return errPage
			}
			read += n
			if body, err = p.inflate(codec, body, int(h.UncompressedPageSize)); err == nil {
				err = p.pageV1(l, c, body, &h.DataPageHeader.V)
			}
		case format.DataPageV2:
			n := int(h.DataPageHeaderV2.V.NumValues)
			if n < 0 || n > values-read {
				return errPage
			}
			read += n
			err = p.pageV2(l, c, body, codec, int(h.UncompressedPageSize), &h.DataPageHeaderV2.V)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// inflate returns the page's plain bytes, valid until the next call.
func (p *pageReader) inflate(codec format.CompressionCodec, b []byte, size int) ([]byte, error) {
	if codec == format.Uncompressed {
		return b, nil
	}
	var err error
	if p.plain, err = p.budget.grow(p.plain, size); err != nil {
		return nil, err
	}
	return p.plain, p.inflater.inflate(codec, p.plain, b)
}

func (p *pageReader) readDictionary(l *parquetLeaf, b []byte, n int) (err error) {
	p.hasDictionary = true
	if l.kind == String {
		p.dictionaryTexts, err = p.plainTexts(nil, b, n)
		return err
	}
	if n < 0 || n > len(b)/l.width {
		return errPage
	}
	if err := p.budget.take(int64(n), int64(l.width), "dictionary entries"); err != nil {
		return err
	}
	p.dictionary = append([]byte(nil), b[:n*l.width]...)
	return nil
}

func (p *pageReader) pageV1(l *parquetLeaf, c *Column, b []byte, h *format.DataPageHeader) error {
	n, present := int(h.NumValues), []bool(nil)
	if l.optional {
		if h.DefinitionLevelEncoding != format.RLE {
			return fmt.Errorf("levels encoded as %v are not supported; write the file with a current library", h.DefinitionLevelEncoding)
		}
		if len(b) < 4 || int64(le.Uint32(b)) > int64(len(b)-4) {
			return errPage
		}
		size := int(le.Uint32(b))
		var err error
		if present, err = p.levels(b[4:4+size], n); err != nil {
			return err
		}
		b = b[4+size:]
	}
	return p.values(l, c, b, h.Encoding, n, present)
}

func (p *pageReader) pageV2(l *parquetLeaf, c *Column, b []byte, codec format.CompressionCodec, size int, h *format.DataPageHeaderV2) error {
	rep, def := int(h.RepetitionLevelsByteLength), int(h.DefinitionLevelsByteLength)
	if rep < 0 || def < 0 || rep > len(b) || def > len(b)-rep || size < rep+def {
		return errPage
	}
	n, present := int(h.NumValues), []bool(nil)
	var err error
	if l.optional {
		if present, err = p.levels(b[rep:rep+def], n); err != nil {
			return err
		}
	}
	b = b[rep+def:]
	if (!h.IsCompressed.Valid || h.IsCompressed.V) && len(b) > 0 {
		if b, err = p.inflate(codec, b, size-rep-def); err != nil {
			return err
		}
	}
	return p.values(l, c, b, h.Encoding, n, present)
}

// levels decodes n definition levels of a flat column: 1 is present.
func (p *pageReader) levels(b []byte, n int) ([]bool, error) {
	var err error
	if p.indexes, err = p.hybrid(b, n, 1); err != nil {
		return nil, err
	}
	if cap(p.present) < n {
		if err := p.budget.take(int64(n), 1, "levels"); err != nil {
			return nil, err
		}
		p.present = make([]bool, n)
	}
	p.present = p.present[:n]
	for i, level := range p.indexes {
		p.present[i] = level == 1
	}
	return p.present, nil
}

// values decodes the values that are present and appends n rows to the column.
func (p *pageReader) values(l *parquetLeaf, c *Column, b []byte, encoding format.Encoding, n int, present []bool) error {
	count := n
	if present != nil {
		count = countTrue(present)
	}
	if l.kind == String {
		texts, err := p.decodeTexts(b, encoding, count)
		if err != nil {
			return err
		}
		return c.appendStrings(texts, n, present, false)
	}
	raw, err := p.decodeFixed(l, b, encoding, count)
	if err != nil {
		return err
	}
	return c.appendFixed(&l.leaf, raw, n, present, false)
}
