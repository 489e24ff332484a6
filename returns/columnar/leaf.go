package columnar

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"unicode/utf8"
)

// A leaf says how the bytes of one foreign column become values of a Column.
// Parquet and Arrow both store fixed-width values as packed little-endian
// bytes, so one leaf serves both.
type leaf struct {
	kind  Kind
	zone  string
	width int                         // bytes of one value; 0 for text
	float func([]byte) float64        // for Float64
	whole func([]byte) (int64, error) // for Int64, Date and Timestamp
}

var le = binary.LittleEndian

func text() leaf { return leaf{kind: String} }

func double() leaf {
	return leaf{kind: Float64, width: 8, float: func(b []byte) float64 { return math.Float64frombits(le.Uint64(b)) }}
}

func single() leaf {
	return leaf{kind: Float64, width: 4, float: func(b []byte) float64 { return float64(math.Float32frombits(le.Uint32(b))) }}
}

// half is the IEEE 754 binary16.
func half() leaf {
	return leaf{kind: Float64, width: 2, float: func(b []byte) float64 {
		h := le.Uint16(b)
		sign, exp, frac := h>>15, int(h>>10&31), float64(h&1023)
		v := math.Ldexp(1024+frac, exp-25)
		switch {
		case exp == 0:
			v = math.Ldexp(frac, -24)
		case exp == 31 && frac == 0:
			v = math.Inf(1)
		case exp == 31:
			return math.NaN()
		}
		if sign == 1 {
			v = -v
		}
		return v
	}}
}

// integer is a whole number stored in width bytes. A packed Parquet int8 is
// stored in 4; its sign is already extended.
func integer(width int, signed bool) leaf {
	return leaf{kind: Int64, width: width, whole: func(b []byte) (int64, error) {
		v := int64(0)
		switch width {
		case 1:
			v = int64(b[0])
		case 2:
			v = int64(le.Uint16(b))
		case 4:
			v = int64(le.Uint32(b))
		default:
			v = int64(le.Uint64(b))
			if !signed && v < 0 {
				return 0, errors.New("above 9223372036854775807; store it as a double")
			}
		}
		if signed {
			shift := 64 - 8*width
			v = v << shift >> shift
		}
		return v, nil
	}}
}

// days is a civil day, as a count of days or of milliseconds.
func days(width int) leaf {
	in := integer(width, true).whole
	return leaf{kind: Date, width: width, whole: func(b []byte) (int64, error) {
		v, err := in(b)
		if width == 8 {
			if v%86_400_000 != 0 {
				return 0, errors.New("a date with a time of day; store whole days")
			}
			v /= 86_400_000
		}
		if v != int64(int32(v)) {
			return 0, errors.New("a date out of range; correct the cell")
		}
		return v, err
	}}
}

// instant is a timestamp counted in units of so many nanoseconds.
func instant(unit int64, zone string) leaf {
	in := integer(8, true).whole
	return leaf{kind: Timestamp, zone: zone, width: 8, whole: func(b []byte) (int64, error) {
		v, err := in(b)
		if v > math.MaxInt64/unit || v < math.MinInt64/unit {
			return 0, errors.New("a timestamp outside the years 1678 to 2261; correct the cell")
		}
		return v * unit, err
	}}
}

// instant96 is the 96-bit timestamp of Impala and old Spark: nanoseconds of
// the day and a Julian day number, without a zone.
func instant96() leaf {
	return leaf{kind: Timestamp, width: 12, whole: func(b []byte) (int64, error) {
		const day, epoch = 86_400_000_000_000, 2_440_588
		julian, nanos := int64(int32(le.Uint32(b[8:]))), int64(le.Uint64(b))
		if julian < epoch-106_751 || julian > epoch+106_750 || nanos < 0 || nanos >= day {
			return 0, errors.New("a timestamp outside the years 1678 to 2261; correct the cell")
		}
		return (julian-epoch)*day + nanos, nil
	}}
}

// decimal is a scaled integer of width bytes; the result is the float64
// nearest to the decimal number.
func decimal(width, scale int, bigEndian bool) leaf {
	suffix := "e" + strconv.Itoa(-scale)
	return leaf{kind: Float64, width: width, float: func(b []byte) float64 {
		be := slices.Clone(b[:width])
		if !bigEndian {
			slices.Reverse(be)
		}
		n := new(big.Int).SetBytes(be)
		if be[0]&0x80 != 0 {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*width)))
		}
		v, err := strconv.ParseFloat(n.String()+suffix, 64)
		if err != nil {
			return math.NaN()
		}
		return v
	}}
}

func (c *Column) reserve(n int) {
	switch c.Kind {
	case Float64:
		c.Floats = slices.Grow(c.Floats, n)
	case Int64:
		c.Ints = slices.Grow(c.Ints, n)
	case String:
		c.Strings = slices.Grow(c.Strings, n)
	case Date:
		c.Dates = slices.Grow(c.Dates, n)
	default:
		c.Times = slices.Grow(c.Times, n)
	}
}

// bytesEach is the memory of one value of the kind, its mask included.
func (k Kind) bytesEach() int64 {
	if k == String {
		return 17
	}
	return 9
}

// mask appends n presences to the column; nil is all present. A column whose
// values are all present keeps a nil mask.
func (c *Column) mask(present []bool, n int) {
	before := c.Len()
	if present == nil && c.Valid == nil {
		return
	}
	if c.Valid == nil {
		if !slices.Contains(present, false) {
			return
		}
		c.Valid = make([]bool, before, before+n)
		for i := range c.Valid {
			c.Valid[i] = true
		}
	}
	if present == nil {
		for range n {
			c.Valid = append(c.Valid, true)
		}
		return
	}
	c.Valid = append(c.Valid, present...)
}

// appendFixed adds n values. raw holds those present back to back, or, if
// sparse, one slot for each of the n. Missing values become zero.
func (c *Column) appendFixed(l *leaf, raw []byte, n int, present []bool, sparse bool) error {
	w := l.width
	need := n
	if present != nil && !sparse {
		need = countTrue(present)
	}
	if len(raw)/w < need {
		return fmt.Errorf("%d values declared, %d found; the file is damaged, write it again", need, len(raw)/w)
	}
	first := c.Len()
	c.mask(present, n)
	for i := range n {
		if present != nil && !present[i] {
			c.appendZero()
			if sparse {
				raw = raw[w:]
			}
			continue
		}
		if l.float != nil {
			c.Floats = append(c.Floats, l.float(raw))
			raw = raw[w:]
			continue
		}
		v, err := l.whole(raw)
		if err != nil {
			return &CellError{Row: first + i + 1, Column: c.Name, Value: strconv.FormatInt(int64FromAny(raw[:w]), 10), Want: err.Error()}
		}
		raw = raw[w:]
		switch c.Kind {
		case Int64:
			c.Ints = append(c.Ints, v)
		case Date:
			c.Dates = append(c.Dates, int32(v))
		default:
			c.Times = append(c.Times, v)
		}
	}
	return nil
}

// appendStrings is appendFixed for text.
func (c *Column) appendStrings(values []string, n int, present []bool, sparse bool) error {
	need := n
	if present != nil && !sparse {
		need = countTrue(present)
	}
	if len(values) < need {
		return fmt.Errorf("%d values declared, %d found; the file is damaged, write it again", need, len(values))
	}
	first := c.Len()
	c.mask(present, n)
	for i := range n {
		if present != nil && !present[i] {
			c.appendZero()
			if sparse {
				values = values[1:]
			}
			continue
		}
		s := values[0]
		if !utf8.ValidString(s) {
			return &CellError{Row: first + i + 1, Column: c.Name, Value: s, Want: "not UTF-8 text; correct the cell or the program that wrote it"}
		}
		c.Strings = append(c.Strings, s)
		values = values[1:]
	}
	return nil
}

func (c *Column) appendZero() {
	switch c.Kind {
	case Float64:
		c.Floats = append(c.Floats, 0)
	case Int64:
		c.Ints = append(c.Ints, 0)
	case String:
		c.Strings = append(c.Strings, "")
	case Date:
		c.Dates = append(c.Dates, 0)
	default:
		c.Times = append(c.Times, 0)
	}
}

func countTrue(mask []bool) int {
	n := 0
	for _, ok := range mask {
		if ok {
			n++
		}
	}
	return n
}

// int64FromAny shows a stored value of 4 to 12 bytes in an error message.
func int64FromAny(b []byte) int64 {
	v, _ := integer(min(8, len(b)), true).whole(b)
	return v
}
