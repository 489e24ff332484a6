package pipeline

import (
	"allocate/bayes"
	"allocate/config"
)

// known reports overrides of strategies and groups that are not in the panel and
// its metadata.
func (in *day) known(o bayes.Options) error {
	var groups []string
	for _, s := range in.about {
		groups = append(groups, s.Group)
	}
	if err := o.Known(in.all, groups); err != nil {
		return &config.Error{Err: err} // only the data could tell
	}
	return nil
}

// settings are the options of the fits of all parts: those of the section, and
// the resolved ones of strategies that have their own.
func (in *day) settings(o bayes.Options, parts []Part) map[string]bayes.Settings {
	all := map[string]bayes.Settings{"": {Options: o.For("", "")}}
	if len(o.Of) == 0 {
		return all
	}
	for _, p := range parts {
		all[p.Name] = bayes.Settings{Options: o.For(p.Name, in.about[p.Name].Group)}
	}
	return all
}
