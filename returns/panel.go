package returns

import (
	"errors"
	"fmt"
	"math"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Panel is T periods x N strategies of simple returns per period, as fractions,
// with a presence mask; a period is a trading day unless Frequency says
// otherwise. Days are strictly rising; strategies are sorted by name, so
// that the order of a file's columns can change no result. A Panel is
// immutable: every method that narrows it shares or copies, never writes.
type Panel struct {
	dates      []Date
	strategies []Strategy
	values     [][]float64 // one slice of T per strategy; NaN marks an absent day and never leaves this file
	frequency  Frequency
}

// Strategy is the metadata of one column of a panel.
type Strategy struct {
	Name     string `json:"name"`
	Entry    Date   `json:"entry"`               // first day with a return
	Last     Date   `json:"last"`                // last day with a return
	LiveFrom *Date  `json:"live_from,omitempty"` // before it the returns are a backtest
	Exit     *Date  `json:"exit,omitempty"`      // last day in the universe, if it left

	Group  string   `json:"group,omitempty"`   // for constraints on groups
	CostBP *float64 `json:"cost_bp,omitempty"` // basis points per unit of turnover
}

// NewPanel builds a panel. values[j][t] is the return of strategies[j] on
// dates[t], NaN where there is none; Entry and Last are derived. It panics if
// the shapes disagree, and reports unsorted days, blank or duplicate names,
// infinite returns and strategies without any return as errors.
func NewPanel(dates []Date, strategies []Strategy, values [][]float64) (*Panel, error) {
	if len(strategies) != len(values) {
		panic("returns: strategies and values differ in length")
	}
	for t := 1; t < len(dates); t++ {
		if dates[t] <= dates[t-1] {
			return nil, fmt.Errorf("returns: dates are not strictly rising at %v", dates[t])
		}
	}
	order := make([]int, len(strategies))
	for j := range order {
		order[j] = j
	}
	sort.SliceStable(order, func(a, b int) bool { return strategies[order[a]].Name < strategies[order[b]].Name })
	p := &Panel{dates: dates, strategies: make([]Strategy, 0, len(order)), values: make([][]float64, 0, len(order))}
	for k, j := range order {
		s, v := strategies[j], values[j]
		if len(v) != len(dates) {
			panic("returns: a strategy's values and the dates differ in length")
		}
		if err := checkName(s.Name); err != nil {
			return nil, fmt.Errorf("returns: strategy %q: %w", clip(s.Name), err)
		}
		if k > 0 && s.Name == p.strategies[k-1].Name {
			return nil, fmt.Errorf("returns: duplicate strategy name %q", clip(s.Name))
		}
		first, last := -1, -1
		for t, r := range v {
			if math.IsInf(r, 0) {
				return nil, fmt.Errorf("returns: return of %q on %v is %v", clip(s.Name), dates[t], r)
			}
			if r == r {
				if first < 0 {
					first = t
				}
				last = t
			}
		}
		if first < 0 {
			return nil, fmt.Errorf("returns: strategy %q has no return at all", clip(s.Name))
		}
		s.Entry, s.Last = dates[first], dates[last]
		p.strategies = append(p.strategies, s)
		p.values = append(p.values, v)
	}
	return p, nil
}

// longestName is the most bytes a strategy's name may have.
const longestName = 256

// checkName reports a name that files, pages and terminals cannot carry
// safely. Anything that is merely odd, such as ../, =cmd() or <b>, is carried
// as text.
func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("the name is blank; name the strategy")
	case name == "CASH":
		return errors.New("CASH is reserved for uninvested capital; rename the strategy")
	case strings.TrimSpace(name) != name:
		return errors.New("the name begins or ends with a blank, which weights files do not preserve; rename it")
	case len(name) > longestName:
		return fmt.Errorf("the name has %d bytes, more than %d; shorten it", len(name), longestName)
	case !utf8.ValidString(name):
		return errors.New("the name is not UTF-8; rename it")
	case strings.ContainsFunc(name, unicode.IsControl):
		return errors.New("the name has a control character, such as a line end or NUL; rename it")
	}
	return nil
}

// WithFrequency returns the panel with another frequency.
func (p *Panel) WithFrequency(f Frequency) *Panel {
	q := *p
	q.frequency = f
	return &q
}

// Frequency says how often the panel has a row.
func (p *Panel) Frequency() Frequency { return p.frequency }

// Days returns T.
func (p *Panel) Days() int { return len(p.dates) }

// Len returns N.
func (p *Panel) Len() int { return len(p.strategies) }

// Date returns day t.
func (p *Panel) Date(t int) Date { return p.dates[t] }

// Strategy returns the metadata of strategy j.
func (p *Panel) Strategy(j int) Strategy { return p.strategies[j] }

// Names returns the N names, sorted.
func (p *Panel) Names() []string {
	names := make([]string, len(p.strategies))
	for j, s := range p.strategies {
		names[j] = s.Name
	}
	return names
}

// At returns the return of strategy j on day t, and whether there is one.
func (p *Panel) At(t, j int) (float64, bool) {
	r := p.values[j][t]
	return r, r == r
}

// Find returns the row of day d, and whether the panel has it.
func (p *Panel) Find(d Date) (int, bool) {
	t := sort.Search(len(p.dates), func(t int) bool { return p.dates[t] >= d })
	return t, t < len(p.dates) && p.dates[t] == d
}

// First and Last return the first and last day. They panic on an empty panel.
func (p *Panel) First() Date { return p.dates[0] }

// Last returns the last day.
func (p *Panel) Last() Date { return p.dates[len(p.dates)-1] }

// Window returns the days from..to, both included, and the strategies that
// have a return among them.
func (p *Panel) Window(from, to Date) *Panel {
	a, _ := p.Find(from)
	b, ok := p.Find(to)
	if ok {
		b++
	}
	w := &Panel{frequency: p.frequency}
	if a >= b {
		return w
	}
	w.dates = p.dates[a:b:b]
	for j, s := range p.strategies {
		v := p.values[j][a:b:b]
		first, last := -1, -1
		for t, r := range v {
			if r == r {
				if first < 0 {
					first = t
				}
				last = t
			}
		}
		if first < 0 {
			continue
		}
		s.Entry, s.Last = w.dates[first], w.dates[last]
		w.strategies = append(w.strategies, s)
		w.values = append(w.values, v)
	}
	return w
}

// AsOf returns the panel as it was known on day d: nothing after it.
func (p *Panel) AsOf(d Date) *Panel {
	if p.Days() == 0 {
		return p
	}
	return p.Window(p.First(), d)
}

// Series returns the days on which strategy j has a return.
func (p *Panel) Series(j int) *Series {
	s := &Series{Strategy: p.strategies[j], Frequency: p.frequency}
	for t, r := range p.values[j] {
		if r == r {
			s.Dates = append(s.Dates, p.dates[t])
			s.Returns = append(s.Returns, r)
		}
	}
	return s
}
