package returns

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"strings"
	"time"
)

// History is a digest of what a run knew of the past, published beside it, so
// that the next run can tell whether the past has changed without any cache.
// For 30 strategies and ten years it takes 60 kB.
type History struct {
	AsOf       Date              `json:"as_of"`
	First      Date              `json:"first"`
	Last       Date              `json:"last"`
	Month      int               `json:"first_month"` // year x 12 + month - 1
	Days       string            `json:"days"`        // per month 8 hexadecimal digits: the days of the data, a bit for each day of the month
	Strategies []HistoryStrategy `json:"strategies"`
}

// HistoryStrategy is the digest of one strategy: per month 16 hexadecimal
// digits, of which 8 say on which days there is a return, and 8 are the CRC-32
// of these returns.
type HistoryStrategy struct {
	Name    string `json:"name"`
	Returns string `json:"returns"`
}

// monthOf returns a day as a month, and its bit in it.
func monthOf(d Date) (month int, bit uint32) {
	t := d.Time()
	return t.Year()*12 + int(t.Month()) - 1, 1 << (t.Day() - 1)
}

// NewHistory digests what is known of a panel on a day.
func NewHistory(known *Panel, asOf Date) *History {
	h := &History{AsOf: asOf, Strategies: []HistoryStrategy{}}
	if known.Days() == 0 {
		return h
	}
	h.First, h.Last = known.First(), known.Last()
	h.Month, _ = monthOf(h.First)
	last, _ := monthOf(h.Last)
	days := make([]uint32, last-h.Month+1)
	for t := range known.Days() {
		m, bit := monthOf(known.Date(t))
		days[m-h.Month] |= bit
	}
	var b strings.Builder
	for _, x := range days {
		fmt.Fprintf(&b, "%08x", x)
	}
	h.Days = b.String()
	for j := range known.Len() {
		b.Reset()
		for m := range days {
			there, sum := digest(known, j, h.Month+m, math.MaxUint32)
			fmt.Fprintf(&b, "%08x%08x", there, sum)
		}
		h.Strategies = append(h.Strategies, HistoryStrategy{Name: known.Strategy(j).Name, Returns: b.String()})
	}
	return h
}

// digest says on which days of a month, of those in mask, strategy j has a
// return, and sums these returns up.
func digest(p *Panel, j, month int, mask uint32) (there, sum uint32) {
	first := NewDate(month/12, time.Month(month%12+1), 1)
	at, _ := p.Find(first)
	crc := crc32.NewIEEE()
	for t := at; t < p.Days(); t++ {
		m, bit := monthOf(p.Date(t))
		if m != month {
			break
		}
		v, ok := p.At(t, j)
		if mask&bit == 0 || !ok {
			continue
		}
		there |= bit
		bits := math.Float64bits(v)
		var b [9]byte
		for k := range 8 {
			b[k] = byte(bits >> (8 * k))
		}
		b[8] = byte(p.Date(t).Time().Day())
		_, _ = crc.Write(b[:]) // never fails
	}
	return there, crc.Sum32()
}

// Compare tells how the past has changed since the digest: days and strategies
// that are gone, and returns that differ or are gone. What is new is no change.
func (h *History) Compare(now *Panel) ([]Finding, error) {
	if len(h.Days) == 0 || now.Days() == 0 {
		return nil, nil
	}
	from, to := max(h.First, now.First()), min(h.Last, now.Last())
	count := len(h.Days) / 8
	inside := make([]uint32, count) // days of the digest that both have
	gone := 0
	present := map[Date]bool{}
	for t := range now.Days() {
		present[now.Date(t)] = true
	}
	for m := range count {
		days, err := field(h.Days, 8, m)
		if err != nil {
			return nil, err
		}
		for k := range 31 {
			if days&(1<<k) == 0 {
				continue
			}
			d := NewDate((h.Month+m)/12, time.Month((h.Month+m)%12+1), k+1)
			switch {
			case d < from || d > to:
			case present[d]:
				inside[m] |= 1 << k
			default:
				gone++
			}
		}
	}
	var fs []Finding
	if gone > 0 {
		fs = append(fs, Finding{
			Code: "data.shrunk", Severity: Hold, From: &from, To: &to, Numbers: map[string]float64{"days": float64(gone)},
			Sentence: fmt.Sprintf("%s of the last run between %v and %v missing from the data; restore the rows, or approve the change with --approve.", countIs(gone, "day"), from, to),
		})
	}
	names := now.Names()
	for _, s := range h.Strategies {
		j := slices.Index(names, s.Name)
		if j < 0 {
			fs = append(fs, Finding{
				Code: "data.shrunk", Severity: Hold, Strategy: s.Name,
				Sentence: fmt.Sprintf("Strategy %q of the last run is missing from the data; restore it, or give it an exit in returns.metadata.", s.Name),
			})
			continue
		}
		var changed []string
		for m := range count {
			days, err := field(h.Days, 8, m)
			if err != nil {
				return nil, err
			}
			there, err := field(s.Returns, 16, m)
			if err != nil {
				return nil, err
			}
			sum, err := field(s.Returns[8:], 16, m)
			if err != nil {
				return nil, err
			}
			if days != inside[m] || there == 0 {
				continue // days at the edges, or gone ones: they cannot be summed up any more
			}
			if is, again := digest(now, j, h.Month+m, there); is != there || again != sum {
				changed = append(changed, fmt.Sprintf("%04d-%02d", (h.Month+m)/12, (h.Month+m)%12+1))
			}
		}
		if len(changed) > 0 {
			when := "in " + changed[0]
			if len(changed) > 1 {
				when = fmt.Sprintf("in %d months from %s to %s", len(changed), changed[0], changed[len(changed)-1])
			}
			fs = append(fs, Finding{
				Code: "data.restated", Severity: Hold, Strategy: s.Name, Numbers: map[string]float64{"months": float64(len(changed))},
				Sentence: fmt.Sprintf("Returns of %q differ from those of the last run %s; check the source, or approve the change with --approve.", s.Name, when),
			})
		}
	}
	return fs, nil
}

// field reads the m-th group of width hexadecimal digits: the first 8 of them.
func field(s string, width, m int) (uint32, error) {
	var x uint32
	if at := m * width; at+8 > len(s) {
		return 0, fmt.Errorf("returns: history: a digest of %d characters ends before month %d", len(s), m)
	} else if _, err := fmt.Sscanf(s[at:at+8], "%08x", &x); err != nil {
		return 0, fmt.Errorf("returns: history: %q is not a digest", s[at:at+8])
	}
	return x, nil
}

// DecodeHistory reads the JSON form of a History.
func DecodeHistory(b []byte) (*History, error) {
	var h History
	if err := json.Unmarshal(b, &h); err != nil {
		return nil, fmt.Errorf("returns: history: %w", err)
	}
	return &h, nil
}
