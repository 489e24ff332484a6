package pipeline

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strconv"

	"allocate/config"
	"allocate/optimize"
	"allocate/pipeline/backtest"
	"allocate/pipeline/store"
	"allocate/reports"
	"allocate/returns"
)

// Holding is the weights of an earlier day as they stand now: drifted by the
// returns since.
type Holding struct {
	From string // file they were read from
	AsOf returns.Date
	Sum  float64 // of the weights as they were decided
	line int     // last row of them in the file

	effective returns.Date
	Weights   map[string]float64
	Beliefs   map[string]reports.HeldStrategy // of the run that decided them, if it is known
}

// before is what reports say of the current weights.
func (in *day) before() *reports.Held {
	if in.held == nil {
		return nil
	}
	return &reports.Held{AsOf: in.held.AsOf, Weights: in.held.Weights, Beliefs: in.held.Beliefs}
}

// holding returns the weights that a revision published, and its beliefs, from
// its files or, where these are damaged, from the store.
func (v *revision) holding(s *store.Store) (*Holding, error) {
	path := filepath.Join(v.dir, "weights.csv")
	b, err := v.original("weights.csv", s)
	if err != nil {
		return nil, err
	}
	h, err := lastHolding(path, b, math.Inf(1)) // published under other limits, perhaps
	if err != nil {
		return nil, err
	}
	if b, err = v.original("summary.json", s); err != nil {
		return nil, err
	}
	h.Beliefs = beliefs(b)
	return h, nil
}

// original returns a published file as it was published.
func (v *revision) original(name string, s *store.Store) ([]byte, error) {
	b, err := v.read(name)
	if err == nil {
		return b, nil
	}
	if b, failed := s.Get(v.sums[name]); failed == nil {
		return b, nil
	}
	return nil, err
}

// beliefs reads what a run believed of its strategies from its summary.json.
func beliefs(b []byte) map[string]reports.HeldStrategy {
	var s reports.Summary
	if json.Unmarshal(b, &s) != nil {
		return nil
	}
	out := map[string]reports.HeldStrategy{}
	for _, x := range s.Strategies {
		out[x.Name] = reports.HeldStrategy{AnnualReturn: x.AnnualReturn.Mean, AnnualVolatility: x.AnnualVolatility.Mean}
	}
	return out
}

// lastPublished returns the newest revision that was not taken back of the last
// day before asOf that has one, "" if there is none.
func lastPublished(out string, asOf returns.Date) (dir string, day returns.Date) {
	entries, err := os.ReadDir(out)
	if err != nil {
		return "", 0
	}
	for _, e := range entries {
		d, err := returns.ParseDate(e.Name())
		if err != nil || !e.IsDir() || d >= asOf || dir != "" && d <= day {
			continue
		}
		if valid, _, err := standing(filepath.Join(out, e.Name())); err == nil && len(valid) > 0 {
			dir, day = filepath.Join(out, e.Name(), "r"+strconv.Itoa(valid[len(valid)-1])), d
		}
	}
	return dir, day
}

// holding reads the weights that were last published, or those of the file the
// configuration names, and lets them drift by the returns of the days after
// theirs up to asOf, as a backtest does. nil means a cold start.
func holding(c *config.Config, panel *returns.Panel, asOf returns.Date, last *revision, s *store.Store) (*Holding, error) {
	var h *Holding
	var err error
	switch {
	case c.Gates.Previous != "":
		if h, err = readWeights(c.Gates.Previous, mostGross(c.Optimize), asOf); err != nil {
			return nil, err
		}
		if b, err := readRegular(filepath.Join(filepath.Dir(c.Gates.Previous), "summary.json")); err == nil {
			h.Beliefs = beliefs(b)
		}
	case last == nil:
		return nil, nil
	default:
		if h, err = last.holding(s); err != nil {
			return nil, err
		}
	}
	if h.AsOf >= asOf && c.Gates.Previous == "" {
		return nil, nil
	}
	h.Weights = backtest.Drift(h.Weights, panel, h.AsOf, asOf, cashReturn(c))
	return h, nil
}

// checkChange compares a solution with the current weights: total turnover, half the
// sum of absolute changes, and the largest change of one position.
func checkChange(held *Holding, s *optimize.Solution, g config.Gates) (turnover float64, fs []returns.Finding) {
	if held == nil {
		return 0, []returns.Finding{{Code: "run.cold_start", Severity: returns.Info, Sentence: "No weights were published before this day; there is nothing to compare with."}}
	}
	change := map[string]float64{}
	for name, w := range held.Weights {
		change[name] -= w
	}
	for j, name := range s.Names {
		change[name] += s.Weights[j]
	}
	names := make([]string, 0, len(change))
	for name := range change {
		names = append(names, name)
	}
	sort.Strings(names)
	largest, who := 0.0, ""
	for _, name := range names {
		turnover += math.Abs(change[name]) / 2
		if math.Abs(change[name]) > math.Abs(largest) {
			largest, who = change[name], name
		}
	}
	f := returns.Finding{
		Code: "run.turnover", Severity: returns.Info, Numbers: map[string]float64{"turnover": turnover, "limit": g.MaxTurnover},
		Sentence: fmt.Sprintf("Turnover against the drifted weights of %v is %.1f%%.", held.AsOf, 100*turnover),
	}
	rounding := 0.0 // weights are rounded after they were chosen within optimize.max_turnover
	if s.Decimals > 0 {
		rounding = float64(len(names)) * math.Pow10(-s.Decimals) / 2
	}
	if turnover > g.MaxTurnover+rounding {
		f.Severity = returns.Hold
		f.Sentence = fmt.Sprintf("Turnover against the drifted weights of %v is %.1f%%, above %.1f%%; look at it, then run again with --approve, or raise gates.max_turnover.", held.AsOf, 100*turnover, 100*g.MaxTurnover)
	}
	fs = append(fs, f)
	if math.Abs(largest) > g.MaxChange {
		fs = append(fs, returns.Finding{
			Code: "run.change", Severity: returns.Hold, Strategy: who, Numbers: map[string]float64{"change": largest, "limit": g.MaxChange},
			Sentence: fmt.Sprintf("The weight of %q changes by %+.1f%% of capital, more than %.1f%%; look at it, then run again with --approve, or raise gates.max_change.", who, 100*largest, 100*g.MaxChange),
		})
	}
	return turnover, fs
}
