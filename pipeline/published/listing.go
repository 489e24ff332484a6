package published

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"allocate/reports"
	"allocate/returns"
)

// Entry is one published revision of an output folder, as a list shows it.
type Entry struct {
	Run       string       `json:"run"` // DATE/rN
	AsOf      returns.Date `json:"as_of"`
	Revision  int          `json:"revision"`
	Dir       string       `json:"dir"`
	Latest    bool         `json:"latest"` // <out>/latest names it
	Outcome   string       `json:"outcome"`
	Retracted string       `json:"retracted,omitempty"` // why
	Damaged   string       `json:"damaged,omitempty"`   // why it cannot be read; the figures are then absent

	Figures *EntryFigures `json:"figures,omitempty"`
}

// EntryFigures are the figures of a revision.
type EntryFigures struct {
	Effective returns.Date       `json:"effective"`
	Expected  float64            `json:"expected_return"` // over the horizon
	CVaR      float64            `json:"cvar"`            // over the horizon, positive for a loss
	Horizon   string             `json:"horizon"`
	Turnover  *float64           `json:"turnover"` // null: no previous portfolio
	Positions int                `json:"positions"`
	Largest   string             `json:"largest"` // strategy with the largest absolute weight
	Warnings  int                `json:"warnings"`
	Weights   map[string]float64 `json:"weights"`
}

// BacktestEntry is one published backtest.
type BacktestEntry struct {
	Run       string          `json:"run"` // backtest/DATE/rN
	Dir       string          `json:"dir"`
	First     returns.Date    `json:"first"`
	Last      returns.Date    `json:"last"`
	Decisions int             `json:"decisions"`
	Refused   int             `json:"refused"`
	Return    reports.Number  `json:"cagr"`
	Sharpe    reports.Number  `json:"sharpe"`
	Drawdown  reports.Number  `json:"max_drawdown"`
	Damaged   string          `json:"damaged,omitempty"`
	Horizon   string          `json:"horizon"`
	Sweep     int             `json:"trials,omitempty"` // of a sweep
	PBO       *reports.Number `json:"probability_of_overfitting,omitempty"`
}

// Entries lists the revisions of an output folder, the oldest first, with those that were
// retracted and those that are damaged.
func Entries(out string) ([]Entry, error) {
	days, err := os.ReadDir(out)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, &returns.NotReadyError{Message: fmt.Sprintf("%s: the output folder cannot be read; correct out", out)}
	}
	latest, _ := os.Readlink(filepath.Join(out, "latest"))
	var list []Entry
	for _, e := range days {
		day, err := returns.ParseDate(e.Name())
		if err != nil || !e.IsDir() {
			continue
		}
		newest, err := revisions(filepath.Join(out, e.Name()))
		if err != nil {
			return nil, err
		}
		for k := 1; k <= newest; k++ {
			x := Entry{Run: fmt.Sprintf("%s/r%d", e.Name(), k), AsOf: day, Revision: k}
			x.Dir = filepath.Join(out, filepath.FromSlash(x.Run))
			if info, err := os.Stat(x.Dir); err != nil || !info.IsDir() {
				continue
			}
			x.Latest = filepath.ToSlash(filepath.Clean(latest)) == x.Run
			if r := retraction(x.Dir); r != nil {
				x.Retracted = r.Why
			}
			m, s, err := ReadSummary(x.Dir)
			if err != nil {
				x.Damaged = err.Error()
			} else {
				x.Outcome, x.Figures = m.Outcome, figuresOf(s)
			}
			list = append(list, x)
		}
	}
	return list, nil
}

func figuresOf(s *reports.Summary) *EntryFigures {
	f := &EntryFigures{Effective: s.Effective, Expected: s.ExpectedRet, CVaR: s.CVaR, Horizon: s.Over(), Weights: map[string]float64{}}
	if s.HeldFrom != nil {
		f.Turnover = &s.Turnover
	}
	largest := 0.0
	for _, x := range s.Strategies {
		if x.Weight != 0 {
			f.Weights[x.Name] = x.Weight
			f.Positions++
		}
		if w := max(x.Weight, -x.Weight); w > largest {
			largest, f.Largest = w, x.Name
		}
	}
	for _, x := range returns.Grouped(s.Findings) {
		if x.Severity >= returns.Warn {
			f.Warnings++
		}
	}
	return f
}

// BacktestEntries lists the backtests of an output folder, the oldest first.
func BacktestEntries(out string) ([]BacktestEntry, error) {
	list := []BacktestEntry{}
	days, _ := os.ReadDir(filepath.Join(out, "backtest"))
	for _, e := range days {
		if _, err := returns.ParseDate(e.Name()); err != nil || !e.IsDir() {
			continue
		}
		newest, err := revisions(filepath.Join(out, "backtest", e.Name()))
		if err != nil {
			return nil, err
		}
		for k := 1; k <= newest; k++ {
			x := BacktestEntry{Run: fmt.Sprintf("backtest/%s/r%d", e.Name(), k)}
			x.Dir = filepath.Join(out, filepath.FromSlash(x.Run))
			if info, err := os.Stat(x.Dir); err != nil || !info.IsDir() {
				continue
			}
			b, err := os.ReadFile(filepath.Join(x.Dir, "backtest.json"))
			var r reports.Backtest
			if err == nil {
				err = json.Unmarshal(b, &r)
			}
			if err != nil {
				x.Damaged = err.Error()
			} else {
				x.fill(&r)
			}
			list = append(list, x)
		}
	}
	return list, nil
}

func (x *BacktestEntry) fill(r *reports.Backtest) {
	x.First, x.Last, x.Decisions, x.Horizon = r.First, r.Last, len(r.Rebalances), r.Over()
	for _, d := range r.Rebalances {
		if d.Refused != "" {
			x.Refused++
		}
	}
	for key, to := range map[string]*reports.Number{"cagr": &x.Return, "sharpe": &x.Sharpe, "max_drawdown": &x.Drawdown} {
		if m := r.Metric(key); m != nil {
			*to = m.Values[0].Value
		}
	}
	if r.Sweep != nil {
		x.Sweep = len(r.Sweep.Trials)
		if r.Sweep.Overfit != nil {
			x.PBO = &r.Sweep.Overfit.PBO
		}
	}
}

// Find returns the folder of a run by what a user calls it: a folder, DATE (its newest revision
// that is not retracted), DATE/rN, or latest.
func Find(out, run string) (string, error) {
	if info, err := os.Stat(run); err == nil && info.IsDir() {
		return run, nil
	}
	name := strings.TrimSuffix(filepath.ToSlash(run), "/")
	day, rev, revised := strings.Cut(name, "/")
	d, err := returns.ParseDate(day)
	switch {
	case name == "latest" || name == "":
		dir := filepath.Join(out, "latest")
		if _, err := os.Stat(dir); err != nil {
			return "", &returns.NotReadyError{Message: fmt.Sprintf("no run is published in %s; next: allocate run", out)}
		}
		return dir, nil
	case err != nil:
		return "", &returns.NotReadyError{Message: fmt.Sprintf("%q is not a published run; expected a folder, a date, DATE/rN or latest; see: allocate list", run)}
	case revised:
		k, err := strconv.Atoi(strings.TrimPrefix(rev, "r"))
		dir := filepath.Join(out, d.String(), "r"+strconv.Itoa(k))
		if _, missing := os.Stat(dir); err != nil || missing != nil {
			return "", &returns.NotReadyError{Message: fmt.Sprintf("no run %s in %s; see: allocate list", name, out)}
		}
		return dir, nil
	}
	list := NewList(out)
	if at := slices.IndexFunc(list, func(l Listed) bool { return l.Day == d }); at >= 0 {
		return list[at].Dir, nil
	}
	return "", &returns.NotReadyError{Message: fmt.Sprintf("no run of %v in %s; see: allocate list", d, out)}
}

// IsRun reports whether a word names a run rather than a strategy.
func IsRun(word string) bool {
	day, _, _ := strings.Cut(filepath.ToSlash(word), "/")
	if _, err := returns.ParseDate(day); err == nil || word == "latest" {
		return true
	}
	_, err := os.Stat(filepath.Join(word, ManifestFile))
	return err == nil
}
