package returns

import (
	"fmt"
	"strings"
	"time"
)

// ZeroReturns describes the days on which a series is exactly 0: a strategy that is
// out of the market by a rule, not bad data.
type ZeroReturns struct {
	Share      float64    // of all days
	LongestRun int        // most flat days in a row
	Trailing   int        // flat days in a row up to the last day
	Earlier    int        // longest run before the trailing one
	Trading    [5]float64 // share of Mondays ... Fridays that are not flat
	Pattern    string     // what the trading days look like, for a sentence
}

// ZeroReturns examines the series.
func (s *Series) ZeroReturns() ZeroReturns {
	f := ZeroReturns{Share: s.ZeroShare()}
	var days, trades [5]float64
	run := 0
	for t, r := range s.Returns {
		if w := s.Dates[t].Weekday(); w >= time.Monday && w <= time.Friday {
			days[w-1]++
			if r != 0 {
				trades[w-1]++
			}
		}
		if r == 0 {
			run++
			f.LongestRun = max(f.LongestRun, run)
			continue
		}
		f.Earlier = max(f.Earlier, run)
		run = 0
	}
	f.Trailing = run
	for w := range days {
		if days[w] > 0 {
			f.Trading[w] = trades[w] / days[w]
		}
	}
	f.Pattern = f.pattern(s)
	return f
}

func (f ZeroReturns) pattern(s *Series) string {
	var always []string
	clear := true
	for w, share := range f.Trading {
		switch {
		case share > 0.9:
			always = append(always, (time.Monday+time.Weekday(w)).String()+"s")
		case share > 0.15:
			clear = false
		}
	}
	if clear && len(always) > 0 && len(always) < 5 {
		return "the strategy trades on " + strings.Join(always, " and ")
	}
	if share, ok := s.turnOfMonth(); ok {
		return fmt.Sprintf("%.0f%% of its active days are within four sessions of a month's end", 100*share)
	}
	return "its active days follow neither weekday nor turn of the month"
}

// turnOfMonth returns the share of trading days within four sessions of a
// change of month, and whether that is most of them.
func (s *Series) turnOfMonth() (float64, bool) {
	n := s.Len()
	month := func(t int) time.Month { return s.Dates[t].Time().Month() }
	near, trades := 0, 0
	for t, r := range s.Returns {
		if r == 0 {
			continue
		}
		trades++
		if month(max(0, t-4)) != month(t) || month(min(n-1, t+4)) != month(t) {
			near++
		}
	}
	if trades == 0 {
		return 0, false
	}
	share := float64(near) / float64(trades)
	return share, share > 0.8
}
