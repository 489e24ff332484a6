package terminal

import (
	"strings"
)

// Column is a column of a table.
type Column struct {
	Head  string
	Right bool // numbers
	Name  bool // is cut where the table is wider than the terminal
	Prose bool // the last column: is wrapped there
	Spare bool // is left out there, the last such column first
}

// Table is a table for people.
type Table struct {
	Columns []Column
	rows    [][]Span
}

// Add appends a row of strings and spans; missing cells are blank.
func (t *Table) Add(row ...any) {
	cells := make([]Span, len(t.Columns))
	for i, v := range row {
		cells[i] = span(v)
		cells[i].Text = Text(cells[i].Text)
	}
	t.rows = append(t.rows, cells)
}

// Len is the number of rows.
func (t *Table) Len() int { return len(t.rows) }

// gap is the space between two columns.
const gap = 2

// leastName is the least width of a column of names, leastProse that of prose, and easyProse the
// width that is worth more than a spare column.
const (
	leastName  = 12
	easyProse  = 44
	leastProse = 24
)

// Table writes a table. On a terminal that is too narrow for it prose is wrapped, spare columns
// are left out and names are cut, in this order.
func (s *Screen) Table(t *Table) error {
	shown, widths := t.fit(s.Width)
	var b strings.Builder
	write := func(row []Span) {
		lines := 1
		parts := make([][]string, len(shown))
		for k, j := range shown {
			parts[k] = []string{row[j].Text}
			switch {
			case t.Columns[j].Prose && cells(row[j].Text) > widths[k]:
				parts[k] = wrap(row[j].Text, widths[k], 0)
			case cells(row[j].Text) > widths[k]:
				parts[k] = []string{cut(row[j].Text, widths[k])}
			}
			lines = max(lines, len(parts[k]))
		}
		for i := range lines {
			var line strings.Builder
			blank := 0 // not written yet: no line ends in blanks
			for k, j := range shown {
				text := ""
				if i < len(parts[k]) {
					text = parts[k][i]
				}
				pad := max(0, widths[k]-cells(text))
				if t.Columns[j].Right {
					blank += pad
				}
				if text != "" {
					line.WriteString(strings.Repeat(" ", blank))
					line.WriteString(s.paint(row[j].Style, text))
					blank = 0
				}
				if !t.Columns[j].Right {
					blank += pad
				}
				blank += gap
			}
			b.WriteString(line.String() + "\n")
		}
	}
	heads := make([]Span, len(t.Columns))
	any := false
	for j, c := range t.Columns {
		heads[j] = Span{Faint, Text(c.Head)}
		any = any || c.Head != ""
	}
	if any {
		write(heads)
	}
	for _, row := range t.rows {
		write(row)
	}
	_, err := s.W.Write([]byte(b.String()))
	return err
}

// Fits reports whether a table is no wider than the terminal.
func (s *Screen) Fits(t *Table) bool {
	_, widths := t.fit(0)
	sum := -gap
	for _, w := range widths {
		sum += w + gap
	}
	return s.Width == 0 || sum <= s.Width
}

// fit returns the columns that are shown and their widths.
func (t *Table) fit(room int) (shown, widths []int) {
	natural := make([]int, len(t.Columns))
	for j, c := range t.Columns {
		natural[j] = cells(Text(c.Head))
		for _, row := range t.rows {
			natural[j] = max(natural[j], cells(row[j].Text))
		}
		shown = append(shown, j)
	}
	width := func() int {
		sum := -gap
		for _, j := range shown {
			sum += natural[j] + gap
		}
		return sum
	}
	shrink := func(least int, is func(c Column) bool) {
		for _, j := range shown {
			if over := width() - room; over > 0 && is(t.Columns[j]) {
				natural[j] = max(min(natural[j], least), natural[j]-over)
			}
		}
	}
	if room > 0 {
		shrink(easyProse, func(c Column) bool { return c.Prose })
		for k := len(shown) - 1; k >= 0 && width() > room; k-- {
			if t.Columns[shown[k]].Spare {
				shown = append(shown[:k], shown[k+1:]...)
			}
		}
		shrink(leastName, func(c Column) bool { return c.Name })
		shrink(leastProse, func(c Column) bool { return c.Prose })
	}
	for _, j := range shown {
		widths = append(widths, natural[j])
	}
	return shown, widths
}
