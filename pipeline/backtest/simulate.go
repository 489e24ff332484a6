package backtest

import (
	"fmt"
	"math"
	"slices"

	"allocate/returns"
)

// Cash is the name of capital that is not invested in weights.
const Cash = "CASH"

// Target is the weights that were decided on a day.
type Target struct {
	Day     returns.Date
	Weights map[string]float64 // fractions of capital; a missing strategy is 0
	Hold    bool               // the current weights are kept: nothing was decided, or just that
}

// Costs are the costs of trading and holding.
type Costs struct {
	PerUnit    map[string]float64 // by strategy: fraction of the traded amount
	Default    float64            // of a strategy that PerUnit does not name
	Fixed      float64            // of a rebalance, whatever is traded, fraction of capital
	Borrow     float64            // per year, fraction of the size of short positions
	CashReturn float64            // per year, of capital that is not invested
	NoTrade    float64            // turnover below which nothing is traded
	MinTrade   float64            // smallest trade
}

// Trade is the account of one rebalance.
type Trade struct {
	Decided  returns.Date       `json:"decided"`
	Traded   returns.Date       `json:"traded"`   // first session whose return the weights earn
	Turnover float64            `json:"turnover"` // half the sum of absolute changes, CASH among them
	Cost     float64            `json:"cost"`     // fraction of capital
	Weights  map[string]float64 `json:"weights"`  // after the trade
	Held     bool               `json:"held"`     // nothing was traded: no decision, one to hold, or within the no-trade band
}

// Path is a portfolio through time.
type Path struct {
	Days    []returns.Date
	Returns []float64 // of each day, after costs; simple, fractions of capital
	Gross   []float64 // before trading costs and borrowing
	Trades  []Trade
	Missing int // days on which a strategy that was held had no return: its value was kept
}

// Position is a portfolio between two trades, as fractions of capital.
type Position map[string]float64

// Grow lets positions drift by a day's returns: each grows by its own, and all
// are fractions of the capital that results. Capital that is not in a strategy
// earns cash. It returns the return of the whole.
func (p Position) Grow(of func(name string) (float64, bool), cash float64) (total float64, missing int) {
	names := p.names()
	invested := 0.0
	for _, name := range names {
		if name == Cash {
			continue
		}
		w := p[name]
		r, ok := of(name)
		if !ok {
			missing++
		}
		invested += w
		total += w * r
		p[name] = w * (1 + r)
	}
	total += (1 - invested) * cash
	for _, name := range names {
		if name != Cash {
			p[name] /= 1 + total
		}
	}
	if _, explicit := p[Cash]; explicit {
		rest := 1.0
		for _, name := range names {
			if name != Cash {
				rest -= p[name]
			}
		}
		p[Cash] = rest
	}
	return total, missing
}

// perPeriod converts an annual return to that of a period of the panel.
func perPeriod(annual float64, f returns.Frequency) float64 {
	return math.Expm1(math.Log1p(annual) / f.PeriodsPerYear())
}

// names lists the positions in order, so that sums have one.
func (p Position) names() []string {
	names := make([]string, 0, len(p))
	for name := range p {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Drift returns positions as they stand at the close of day to, after they
// were right at the close of from. cash is the annual return of what is not
// invested. since is what they returned.
func Drift(held map[string]float64, panel *returns.Panel, from, to returns.Date, cash float64) (drifted map[string]float64, since Since) {
	cash = perPeriod(cash, panel.Frequency())
	p := Position{}
	for name, w := range held {
		p[name] = w
	}
	index := indexOf(panel)
	t, _ := panel.Find(from + 1)
	since.By = map[string]float64{}
	value := 1.0
	for ; t < panel.Days() && panel.Date(t) <= to; t++ {
		of := func(name string) (float64, bool) { return at(panel, index, t, name) }
		for name, w := range p {
			if r, _ := of(name); name != Cash {
				since.By[name] += value * w * r
			}
		}
		total, missing := p.Grow(of, cash)
		value *= 1 + total
		since.Periods++
		since.Missing += missing
	}
	since.Return = value - 1
	return p, since
}

// Since is what positions returned between two days, without trades.
type Since struct {
	Periods int
	Missing int                // returns that were missing, and count as 0
	Return  float64            // of the capital at the beginning
	By      map[string]float64 // of each strategy; cash is the rest
}

func indexOf(panel *returns.Panel) map[string]int {
	index := map[string]int{}
	for j, name := range panel.Names() {
		index[name] = j
	}
	return index
}

// at is the return of a strategy on day t, 0 where there is none.
func at(panel *returns.Panel, index map[string]int, t int, name string) (float64, bool) {
	if j, ok := index[name]; ok {
		if r, ok := panel.At(t, j); ok {
			return r, true
		}
	}
	return 0, false
}

// Simulator follows targets through a panel, one day after another.
type Simulator struct {
	panel   *returns.Panel
	costs   Costs
	delay   int
	index   map[string]int
	cash    float64 // per period
	pos     Position
	next    int       // first day that is not simulated yet
	end     int       // the day after the last one
	pending []pending // decided and not yet traded, in order
	path    Path
}

type pending struct {
	target Target
	at     int // the day whose return it earns first
}

// NewSimulator begins with nothing but cash after the close of day first, and
// ends with day last.
func NewSimulator(panel *returns.Panel, costs Costs, delay int, first, last returns.Date) *Simulator {
	s := &Simulator{panel: panel, costs: costs, delay: delay, index: indexOf(panel), pos: Position{}, cash: perPeriod(costs.CashReturn, panel.Frequency())}
	s.next, _ = panel.Find(first + 1)
	s.end, _ = panel.Find(last + 1)
	return s
}

// Held returns the positions after the last day that was simulated, nil before
// the first trade. Decided weights that wait for their session do not count.
func (s *Simulator) Held() map[string]float64 {
	if len(s.path.Trades) == 0 {
		return nil
	}
	return copied(s.pos)
}

// Add takes a target, to be traded before the return of the first session after
// its day, or delay sessions later. Of several for one session the last one
// counts.
func (s *Simulator) Add(target Target) {
	at, _ := s.panel.Find(target.Day + 1)
	at += s.delay
	if n := len(s.pending); n > 0 && s.pending[n-1].at >= at {
		s.pending = s.pending[:n-1]
	}
	s.pending = append(s.pending, pending{target, at})
}

// Until simulates the days up to and including d, and trades what is due on
// them. It sees no return after d.
func (s *Simulator) Until(d returns.Date) error {
	for ; s.next < s.end && s.panel.Date(s.next) <= d; s.next++ {
		cost := 0.0
		for len(s.pending) > 0 && s.pending[0].at <= s.next {
			t := s.rebalance(s.pending[0].target)
			t.Decided, t.Traded = s.pending[0].target.Day, s.panel.Date(s.next)
			s.path.Trades = append(s.path.Trades, t)
			cost += t.Cost
			s.pending = s.pending[1:]
		}
		if err := s.day(cost); err != nil {
			return err
		}
	}
	return nil
}

// RuinError is a portfolio that has lost all its capital.
type RuinError struct {
	Day    returns.Date
	Return float64
}

func (e *RuinError) Error() string {
	return fmt.Sprintf("backtest: total loss on %v: the portfolio returns %.4g; lower the leverage or the costs", e.Day, e.Return)
}

// day simulates one day, at the begin of which cost was paid for trading.
func (s *Simulator) day(cost float64) error {
	short := 0.0
	for _, name := range s.pos.names() {
		if w := s.pos[name]; w < 0 && name != Cash {
			short -= w
		}
	}
	t := s.next
	gross, missing := s.pos.Grow(func(name string) (float64, bool) { return at(s.panel, s.index, t, name) }, s.cash)
	net := (1-cost)*(1+gross) - 1 - s.costs.Borrow*short/s.panel.Frequency().PeriodsPerYear()
	if !(net > -1) {
		return &RuinError{s.panel.Date(t), net}
	}
	s.path.Days = append(s.path.Days, s.panel.Date(t))
	s.path.Gross = append(s.path.Gross, gross)
	s.path.Returns = append(s.path.Returns, net)
	s.path.Missing += missing
	return nil
}

// rebalance moves the positions to the target's, as far as the rules on trades
// say. What a trade that is too small leaves is in cash.
func (s *Simulator) rebalance(target Target) Trade {
	after := Position{}
	for name, w := range target.Weights {
		if w != 0 {
			after[name] = w
		}
	}
	union := Position{}
	for name := range s.pos {
		union[name] = 0
	}
	for name := range after {
		union[name] = 0
	}
	t := Trade{Held: target.Hold}
	moved, before, now := 0.0, 0.0, 0.0
	for _, name := range union.names() {
		if name == Cash {
			continue
		}
		moved += math.Abs(after[name] - s.pos[name])
		before += s.pos[name]
		now += after[name]
	}
	if !t.Held && (moved+math.Abs(before-now))/2 < s.costs.NoTrade {
		t.Held = true
	}
	if t.Held {
		t.Weights = copied(s.pos)
		return t
	}
	moved, before, now = 0, 0, 0
	for _, name := range union.names() {
		if name == Cash {
			continue
		}
		change := after[name] - s.pos[name]
		if math.Abs(change) < s.costs.MinTrade && after[name] != 0 { // what is given up is sold whole
			change = 0
			if s.pos[name] != 0 {
				after[name] = s.pos[name]
			} else {
				delete(after, name)
			}
		}
		before += s.pos[name]
		now += after[name]
		if change != 0 {
			moved += math.Abs(change)
			unit, ok := s.costs.PerUnit[name]
			if !ok {
				unit = s.costs.Default
			}
			t.Cost += unit * math.Abs(change)
		}
	}
	if moved > 0 {
		t.Cost += s.costs.Fixed
	}
	t.Turnover = (moved + math.Abs(before-now)) / 2
	if _, explicit := after[Cash]; explicit || now < 1-1e-12 && s.pos[Cash] != 0 {
		after[Cash] = 1 - now
	}
	s.pos = after
	t.Weights = copied(after)
	return t
}

func copied(p Position) map[string]float64 {
	out := map[string]float64{}
	for name, w := range p {
		out[name] = w
	}
	return out
}

// Path returns the path simulated so far.
func (s *Simulator) Path() *Path { return &s.path }
