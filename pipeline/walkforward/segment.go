package walkforward

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"allocate/returns"
	"allocate/scenarios"
)

// Options select the models, the evaluated days and the dates of the fits.
type Options struct {
	Models []string // families as bayes.model names them; the first is the reference
	// Dependences are evaluated on all strategies together, as scenarios.dependence names
	// them; the first is the reference. None: strategies are evaluated one by one only.
	Dependences []string

	Start      returns.Date // earliest day of evaluation; 0: none
	MinHistory int          // periods before the first fit; 0: five years
	Refit      int          // periods from one fit to the next; 0: a year
}

// densities are the forms of dependence that have one.
var densities = []string{scenarios.DCC, scenarios.TCopula, scenarios.Gaussian, scenarios.Independent}

// fewest is the least history of a fit; the state of volatility needs it as well.
const fewest = 60

// For returns the options with what depends on the frequency of the panel filled in.
func (o Options) For(f returns.Frequency) Options {
	if o.MinHistory == 0 {
		o.MinHistory = max(5*f.Year(), fewest)
	}
	if o.Refit == 0 {
		o.Refit = f.Year()
	}
	return o
}

// Validate reports every problem at once. horizon is in periods, and o filled in.
func (o Options) Validate(horizon int) error {
	var errs []error
	if len(o.Models) == 0 {
		errs = append(errs, errors.New("--models: is blank; expected one or more return models, such as student_t,gjr_t"))
	}
	for i, m := range o.Models {
		if slices.Index(o.Models, m) != i {
			errs = append(errs, fmt.Errorf("--models: duplicate model %q", m))
		}
	}
	for i, d := range o.Dependences {
		switch {
		case slices.Index(o.Dependences, d) != i:
			errs = append(errs, fmt.Errorf("--dependence: duplicate dependence %q", d))
		case !slices.Contains(densities, d):
			errs = append(errs, fmt.Errorf("--dependence: %q; expected one or more of %s", d, strings.Join(densities, ", ")))
		}
	}
	if o.MinHistory < fewest {
		errs = append(errs, fmt.Errorf("--min-history: is %d; expected at least %d periods, or 0 for five years", o.MinHistory, fewest))
	}
	if o.Refit < horizon {
		errs = append(errs, fmt.Errorf("--refit: is %d; expected at least the horizon of %d periods, or 0 for a year", o.Refit, horizon))
	}
	return errors.Join(errs...)
}

// Segment is one fit of a series and its test: the model is fitted to days From to
// At-1 and tested on days At to End-1.
type Segment struct{ From, At, End int }

// Segments are the fits of a series; none where it is too short. A fit sees window
// up to the day before its test.
func (o Options) Segments(s *returns.Series, window returns.Period) ([]Segment, error) {
	var all []Segment
	first := sort.Search(s.Len(), func(i int) bool { return s.Dates[i] >= o.Start })
	for at := max(o.MinHistory, first); at < s.Len(); at += o.Refit {
		start, err := window.Start(s.Dates[at-1], s.Dates[0])
		if err != nil {
			return nil, fmt.Errorf("returns.window: %w", err)
		}
		from := sort.Search(at, func(i int) bool { return s.Dates[i] >= start })
		all = append(all, Segment{from, at, min(at+o.Refit, s.Len())})
	}
	return all, nil
}
