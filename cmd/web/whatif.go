package web

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"slices"
	"sync"

	"allocate/config"
	"allocate/optimize"
	"allocate/pipeline/whatif"
	"allocate/returns"
)

const whatIfPath = "/what-if"

//go:embed assets/whatif.html
var whatIfHTML string

var whatIfTemplate = template.Must(template.New("whatif").Parse(whatIfHTML))

// decisions is the session of the latest run.
type decisions struct {
	mu      sync.Mutex
	run     string
	session *whatif.Session
}

// latest opens the latest run, once.
func (s *Server) latest() (*whatif.Session, error) {
	s.decisions.mu.Lock()
	defer s.decisions.mu.Unlock()
	if s.Open == nil {
		return nil, &returns.NotReadyError{Message: "there are no decisions here"}
	}
	run, err := s.Out.Readlink("latest")
	if err != nil {
		return nil, &returns.NotReadyError{Message: "nothing is published yet"}
	}
	if s.decisions.session == nil || s.decisions.run != run {
		x, err := s.Open("latest")
		if err != nil {
			return nil, err
		}
		s.decisions.run, s.decisions.session = run, x
	}
	return s.decisions.session, nil
}

// control is one number of the panel.
type control struct {
	Key, Label string
	Value      string // in percent where Percent, of the published decision; "" for none
	Percent    bool
	Step       string
}

// whatIfPage is the panel.
func (s *Server) whatIfPage(w http.ResponseWriter) {
	x, err := s.latest()
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	o := x.Options
	percent := func(v float64) string { return fmt.Sprintf("%.6g", 100*v) }
	optional := func(v *float64) string {
		if v == nil {
			return ""
		}
		return percent(*v)
	}
	plain := func(v float64) string { return fmt.Sprintf("%.6g", v) }
	p := struct {
		AsOf       returns.Date
		Horizon    string
		Objective  string
		Objectives []string
		Controls   []control
		Groups     []optimize.Group
		GroupsJSON []optimize.Group
		Names      []string
		CSS        template.CSS
	}{
		AsOf: x.AsOf, Horizon: x.Horizon, Objective: string(o.Objective), Groups: o.Groups, GroupsJSON: slices.Clone(o.Groups),
		Objectives: []string{string(optimize.MinCVaR), string(optimize.MinVariance), string(optimize.MaxReturn), string(optimize.Utility), string(optimize.MaxRatio), string(optimize.RiskBudget)},
		Controls: []control{
			{"alpha", "Confidence of the CVaR, %", percent(o.Alpha), true, "0.5"},
			{"max_weight", "Maximum weight, %", percent(o.MaxWeight), true, "1"},
			{"min_weight", "Minimum weight, %", percent(o.MinWeight), true, "1"},
			{"min_annual_return", "Minimum expected return a year, %", optional(o.MinAnnualReturn), true, "0.5"},
			{"max_cvar", "Maximum CVaR (max_return, utility), %", optional(o.MaxCVaR), true, "0.5"},
			{"risk_aversion", "Risk aversion (utility)", plain(o.RiskAversion), false, "0.1"},
			{"max_leverage", "Maximum gross leverage, %", optional(o.MaxLeverage), true, "10"},
			{"max_turnover", "Maximum turnover, %", optional(o.MaxTurnover), true, "1"},
			{"cost_bp", "Trading cost, basis points", plain(o.CostBP), false, "1"},
			{"max_positions", "Maximum positions, 0 for none", fmt.Sprint(o.MaxPositions), false, "1"},
			{"indifference", "No-trade tolerance, standard errors", plain(o.Indifference), false, "0.5"},
		},
	}
	for _, name := range x.Published.Names {
		if name != optimize.Cash {
			p.Names = append(p.Names, name)
		}
	}
	w.Header().Set("Content-Type", types[".html"])
	_ = whatIfTemplate.Execute(w, p)
}

// mostChange bounds the bytes of a change.
const mostChange = 1 << 16

// decide answers a change.
func (s *Server) decide(w http.ResponseWriter, r *http.Request) {
	answer, err := s.answer(r.Context(), r.Header.Get("Content-Type"), http.MaxBytesReader(w, r.Body, mostChange))
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(status(err))
		_ = json.NewEncoder(w).Encode(map[string]string{"error": err.Error()})
		return
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *Server) answer(ctx context.Context, kind string, body io.Reader) (*whatif.Answer, error) {
	if kind != "application/json" { // which a page of others cannot send unasked
		return nil, &config.Error{Err: fmt.Errorf("content type %q; expected application/json", kind)}
	}
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	var c whatif.Change
	if err := d.Decode(&c); err != nil {
		return nil, &config.Error{Err: err}
	}
	x, err := s.latest()
	if err != nil {
		return nil, err
	}
	return x.Decide(ctx, c)
}

// status is the code of an error: what the change asks for may be wrong, or impossible.
func status(err error) int {
	var (
		bad       *config.Error
		none      *optimize.InfeasibleError
		undefined *optimize.UndefinedError
		notReady  *returns.NotReadyError
	)
	switch {
	case errors.As(err, &bad):
		return http.StatusBadRequest
	case errors.As(err, &none), errors.As(err, &undefined):
		return http.StatusUnprocessableEntity
	case errors.As(err, &notReady):
		return http.StatusNotFound
	}
	return http.StatusInternalServerError
}
