package pipeline

import (
	"encoding/json"
	"time"

	"allocate/config"
	"allocate/pipeline/store"
)

// Trim deletes stored results that were not used since before, and then the
// longest unused until at most mostBytes are left (0: no limit). It spares what
// the last published run names, and whatever runs at work may be using.
func Trim(c *config.Config, s *store.Store, now, before time.Time, mostBytes int64) (removed int, freed int64, err error) {
	return s.Trim(now, before, mostBytes, named(c.Out, s))
}

// named lists what the last published run names: its actions, their results,
// and the parts of these.
func named(out string, s *store.Store) map[store.ID]bool {
	keep := map[store.ID]bool{}
	const end = 1 << 30
	dir, _ := lastPublished(out, end)
	if dir == "" {
		return keep
	}
	m, err := ReadManifest(dir)
	if err != nil {
		return keep // a damaged run keeps nothing alive
	}
	for _, stage := range m.Stages {
		for _, a := range stage.Actions {
			keep[a.Action], keep[a.Content] = true, true
			if !Stages(1)[stage.Name].Tree {
				continue
			}
			var t Tree
			if b, err := s.Get(a.Content); err == nil && json.Unmarshal(b, &t) == nil {
				for _, p := range t.Parts {
					keep[p.Content] = true
				}
				keep[t.History] = true
			}
		}
	}
	for _, f := range m.Files {
		keep[f.Content] = true
	}
	keep[m.History] = true
	if b, err := readRegular(dir + "/" + manifestFile); err == nil {
		keep[store.Sum(b)] = true
	}
	return keep
}
