package columnar

import (
	"bufio"
	"bytes"
	"io"
	"strconv"
	"time"
)

// WriteCSV writes the table as comma-separated text with a header, LF line
// ends, missing values blank (NA in a table of one column, where a blank would
// be a blank line), dates as YYYY-MM-DD through format, timestamps in RFC 3339
// (with Z if they are instants), and floats in the shortest form that reads
// back to the same bits. Text that would be read otherwise is quoted. Metadata
// is not written.
func WriteCSV(w io.Writer, t *Table, format func(day int32) string) error {
	if err := t.Validate(); err != nil {
		return err
	}
	if len(t.Columns) == 0 {
		return nil
	}
	out := bufio.NewWriterSize(w, 1<<16)
	var line []byte
	for i := range t.Columns {
		if i > 0 {
			line = append(line, ',')
		}
		line = appendQuoted(line, t.Columns[i].Name)
	}
	line = append(line, '\n')
	for row := range t.Rows() {
		if _, err := out.Write(line); err != nil {
			return err
		}
		line = line[:0]
		for i := range t.Columns {
			if i > 0 {
				line = append(line, ',')
			}
			line = t.Columns[i].appendCell(line, row, format)
		}
		if len(line) == 0 {
			line = append(line, "NA"...)
		}
		line = append(line, '\n')
	}
	if _, err := out.Write(line); err != nil {
		return err
	}
	return out.Flush()
}

func (c *Column) appendCell(line []byte, row int, format func(day int32) string) []byte {
	switch {
	case !c.IsValid(row):
		return line
	case c.Kind == Float64:
		return strconv.AppendFloat(line, c.Floats[row], 'g', -1, 64)
	case c.Kind == Int64:
		return strconv.AppendInt(line, c.Ints[row], 10)
	case c.Kind == String:
		return appendQuoted(line, c.Strings[row])
	case c.Kind == Date:
		return appendQuoted(line, format(c.Dates[row]))
	}
	layout := "2006-01-02T15:04:05.999999999"
	if c.Zone != "" {
		layout += "Z"
	}
	return time.Unix(0, c.Times[row]).UTC().AppendFormat(line, layout)
}

// appendQuoted adds text, in quotes if bare text would not be read back as it
// stands: it is blank or a word for missing, has a delimiter, a quote, a blank
// at an end, or a byte that is no printable ASCII and so may be trimmed.
func appendQuoted(line []byte, text string) []byte {
	b := []byte(text)
	bare := !isMissing(b) && len(trim(b)) == len(b) && !bytes.ContainsAny(b, ",;\t\"\r\n\x00") && b[0] != 0xef
	if bare {
		return append(line, b...)
	}
	line = append(line, '"')
	for _, c := range b {
		if c == '"' {
			line = append(line, '"')
		}
		line = append(line, c)
	}
	return append(line, '"')
}
