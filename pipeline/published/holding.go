package published

import (
	"encoding/json"
	"math"
	"path/filepath"

	"allocate/pipeline/backtest"
	"allocate/pipeline/engine"
	"allocate/reports"
	"allocate/returns"
	"allocate/scenarios"
)

// Holding is the weights of an earlier day as they stand now: drifted by the
// returns since.
type Holding struct {
	From string // file they were read from
	Row  int    // of the last of them there
	AsOf returns.Date
	// Effective is the first day on which they count.
	Effective returns.Date
	Sum       float64 // of the weights as they were decided
	Weights   map[string]float64
	Beliefs   map[string]reports.HeldStrategy // of the run that decided them, if it is known
	Fan       *scenarios.Fan                  // its forecast of them, if it is known
	Since     backtest.Since                  // what they returned since
}

// Holding returns the weights that a revision published, and its forecasts, from
// its files or, where these are damaged, from the store.
func (v *Revision) Holding(s engine.Store) (*Holding, error) {
	path := filepath.Join(v.Dir, "weights.csv")
	b, err := v.Original("weights.csv", s)
	if err != nil {
		return nil, err
	}
	h, err := lastHolding(path, b, math.Inf(1)) // published under other limits, perhaps
	if err != nil {
		return nil, err
	}
	if b, err = v.Original("summary.json", s); err != nil {
		return nil, err
	}
	h.Beliefs, h.Fan = Beliefs(b)
	return h, nil
}

// Original returns a published file as it was published.
func (v *Revision) Original(name string, s engine.Store) ([]byte, error) {
	b, err := v.read(name)
	if err == nil {
		return b, nil
	}
	if b, failed := s.Get(v.sums[name]); failed == nil {
		return b, nil
	}
	return nil, err
}

// Beliefs reads the forecasts of a run for its strategies and for its weights from its
// summary.json.
func Beliefs(b []byte) (map[string]reports.HeldStrategy, *scenarios.Fan) {
	var s reports.Summary
	if json.Unmarshal(b, &s) != nil {
		return nil, nil
	}
	out := map[string]reports.HeldStrategy{}
	for _, x := range s.Strategies {
		h := reports.HeldStrategy{AnnualReturn: x.AnnualReturn.Mean, AnnualVolatility: x.AnnualVolatility.Mean}
		if c := x.Conditional; c != nil {
			h.ForecastVolatility = c.Forecast.Median
		}
		out[x.Name] = h
	}
	return out, s.Fan
}
