package bayes

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"allocate/returns"
)

// Family is a return model for any series.
type Family struct {
	Name  string // in lower case, as bayes.model names it
	About string // in one line, for the documentation

	// Options are the keys of Options that New reads or that the Predictor
	// depends on, beside those of the sampler: prior_nu, half_life, horizon, ...
	// A fit is done again when one of them changes, and only then.
	Options []string

	// TargetAccept is the least target acceptance statistic of the step-size
	// adaptation that the posteriors of the family need; 0: that of the options.
	TargetAccept float64

	// New makes the density to sample. An error says why the series cannot be
	// modeled; the strategy is then unusable, and the others go on.
	New func(s *returns.Series, o Options) (Model, error)
	// Predictor makes what answers for the parameters of any posterior of the
	// family. It needs no posterior, and must not fail: New may have.
	Predictor func(s *returns.Series) Predictor
}

var registry struct {
	sync.RWMutex
	families []Family // by name
}

// Register adds a family of return models under its name. It is meant for init
// functions, and panics where the name is blank, auto or taken, a function is
// missing, or an option is none.
func Register(f Family) {
	switch {
	case f.Name == "" || f.Name == automatic || f.Name != strings.ToLower(f.Name) || strings.ContainsAny(f.Name, " ,\t\n"):
		panic(fmt.Sprintf("bayes: Register: invalid family name %q", f.Name))
	case f.New == nil || f.Predictor == nil:
		panic(fmt.Sprintf("bayes: Register: family %q needs New and Predictor", f.Name))
	}
	for _, key := range f.Options {
		if _, known := optionFields[key]; !known {
			panic(fmt.Sprintf("bayes: Register: family %q declares the unknown option %q", f.Name, key))
		}
	}
	registry.Lock()
	defer registry.Unlock()
	at, taken := slices.BinarySearchFunc(registry.families, f.Name, byName)
	if taken {
		panic(fmt.Sprintf("bayes: Register: family %q is already registered", f.Name))
	}
	registry.families = slices.Insert(registry.families, at, f)
}

func byName(f Family, name string) int { return cmp.Compare(f.Name, name) }

// Families returns the registered families by name.
func Families() []Family {
	registry.RLock()
	defer registry.RUnlock()
	return slices.Clone(registry.families)
}

// Lookup returns the family of that name.
func Lookup(name string) (Family, error) {
	all := Families()
	if at, found := slices.BinarySearchFunc(all, name, byName); found {
		return all[at], nil
	}
	return Family{}, fmt.Errorf("bayes: unknown return model %q; expected one of %s", name, strings.Join(names(all), ", "))
}

func names(all []Family) []string {
	var list []string
	for _, f := range all {
		list = append(list, f.Name)
	}
	return list
}

// automatic is the name that leaves the choice of families to evidence (Weigh).
const automatic = "auto"

// hurdleShare is the share of zero returns from which every model is a hurdle by
// default: below it the density of a Student-t does not yet degenerate to a spike at 0.
// hurdleRun is the run of zeros above which it is one, too: under a variance that depends
// on the days before, a run of n days that do not move at all has a density of the order of
// beta^(-n^2/4), and the posterior degenerates.
const (
	hurdleShare = 0.1
	hurdleRun   = 21
)

// outOfMarket reports a series that is not always in the market.
func outOfMarket(s *returns.Series) bool {
	if s.ZeroShare() >= hurdleShare {
		return true
	}
	run := 0
	for _, r := range s.Returns {
		if run++; r != 0 {
			run = 0
		}
		if run > hurdleRun {
			return true
		}
	}
	return false
}

// Choose returns the family of one fit that o asks for; of auto it is the one for histories
// that are too short for evidence, student_t. For a series with many days of exactly zero
// return, or many in a row, student_t, skew_t, gjr_t and ewma_t are a hurdle.
func Choose(s *returns.Series, o Options) (Family, error) {
	all, err := candidates(o.Model)
	if err != nil {
		return Family{}, err
	}
	if len(all) > 1 && outOfMarket(s) {
		return all[1], nil
	}
	return all[0], nil
}

// candidates are the families among which Choose chooses: the first, and if there is
// a second, the one for series with many days of exactly zero return.
func candidates(model string) ([]Family, error) {
	switch model {
	case automatic, studentT.Name:
		return []Family{studentT, hurdleT}, nil
	case skewStudentT.Name:
		return []Family{skewStudentT, hurdleSkewT}, nil
	case gjrT.Name:
		return []Family{gjrT, hurdleGJRT}, nil
	case ewmaT.Name:
		return []Family{ewmaT, hurdleSkewT}, nil
	}
	f, err := Lookup(model)
	return []Family{f}, err
}
