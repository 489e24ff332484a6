package walkforward

import (
	"maps"
	"slices"
	"sort"

	"allocate/bayes"
	"allocate/returns"
	"allocate/scenarios"
)

// Period is an estimate of a dependence and its test: it is estimated from the days
// before From, by the models fitted last, and tested on the days up to To-1.
type Period struct {
	From, To returns.Date
	Members  []Member
}

// Member is a strategy of a period: fit Segment, history days First to At-1, tested days
// At to End-1.
type Member struct{ Strategy, Segment, First, At, End int }

// Periods are those between the fits of the strategy that has most; of the strategies
// that have a fit by then, a return after it and a history in the window up to it.
func (o Options) Periods(strategies []Strategy, window returns.Period) ([]Period, error) {
	var fits []returns.Date
	for _, s := range strategies {
		if len(s.Segments) > len(fits) {
			fits = fits[:0]
			for _, segment := range s.Segments {
				fits = append(fits, s.Days[segment.At])
			}
		}
	}
	var all []Period
	for k, from := range fits {
		p := Period{From: from, To: 1 << 30}
		if k+1 < len(fits) {
			p.To = fits[k+1]
		}
		for j, s := range strategies {
			m := Member{Strategy: j, Segment: sort.Search(len(s.Segments), func(i int) bool { return s.Days[s.Segments[i].At] > from }) - 1}
			m.At = sort.Search(len(s.Days), func(i int) bool { return s.Days[i] >= from })
			m.End = sort.Search(len(s.Days), func(i int) bool { return s.Days[i] >= p.To })
			if m.Segment < 0 || m.At == m.End {
				continue
			}
			start, err := window.Start(s.Days[m.At-1], s.Days[0])
			if err != nil {
				return nil, err
			}
			if m.First = sort.Search(m.At, func(i int) bool { return s.Days[i] >= start }); m.At-m.First >= fewest {
				p.Members = append(p.Members, m)
			}
		}
		if len(p.Members) > 1 {
			all = append(all, p)
		}
	}
	return all, nil
}

// JointRow is how a dependence predicted the strategies together, given a model of each.
type JointRow struct {
	Model      string `json:"model"`
	Dependence string `json:"dependence"`
	Strategies int    `json:"strategies"` // the most on a day
	// LogScore is the mean difference of the copula's log score per period from that of
	// the reference, under the same models.
	LogScore Difference `json:"log_score"`
	Years    []Year     `json:"years"`
}

// Year is a difference of log scores over the days of a year.
type Year struct {
	Year int `json:"year"`
	Difference
}

// Joint sums up the scores of dependences by model. scores[k][d] are the days under model
// k and dependence d of Options; the reference is dependence 0.
func Joint(o Options, scores [][][]scenarios.JointDay) (rows []JointRow) {
	for k, model := range o.Models {
		reference := map[returns.Date]scenarios.JointDay{}
		for _, day := range scores[k][0] {
			reference[day.Date] = day
		}
		for d, name := range o.Dependences {
			row := JointRow{Model: model, Dependence: name}
			all, years := blocks{}, map[int]blocks{}
			for _, day := range scores[k][d] {
				of, known := reference[day.Date]
				if !known || of.Strategies != day.Strategies {
					continue
				}
				row.Strategies = max(row.Strategies, day.Strategies)
				q := quarter(day.Date)
				if years[q/4] == nil {
					years[q/4] = blocks{}
				}
				x := block{sum: excluded(bayes.Number(day.LogScore)) - excluded(bayes.Number(of.LogScore)), days: 1}
				all.add(blocks{q: x})
				years[q/4].add(blocks{q: x})
			}
			row.LogScore = all.difference()
			for _, y := range slices.Sorted(maps.Keys(years)) {
				row.Years = append(row.Years, Year{y, years[y].difference()})
			}
			rows = append(rows, row)
		}
	}
	return rows
}
