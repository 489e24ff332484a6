package engine

import (
	"encoding/json"
	"sort"
	"time"

	"allocate/pipeline/store"
)

// StageUsage is the number and size of a stage's results in a store.
type StageUsage struct {
	Stage    string    `json:"stage"`
	Results  int       `json:"results"`
	Bytes    int64     `json:"bytes"`
	LastUsed time.Time `json:"last_used"`
}

// Usage sums up a store by stage, through the actions it remembers. What no
// remembered action leads to (parts of trees, the actions themselves) is
// counted as "other".
func Usage(s interface {
	Store
	List() ([]store.Entry, error)
},
) ([]StageUsage, error) {
	list, err := s.List()
	if err != nil {
		return nil, err
	}
	content := map[ContentID]store.Entry{}
	for _, e := range list {
		if !e.Index {
			content[e.ID] = e
		}
	}
	total := map[string]*StageUsage{}
	add := func(stage string, e store.Entry) {
		u := total[stage]
		if u == nil {
			u = &StageUsage{Stage: stage}
			total[stage] = u
		}
		u.Results++
		u.Bytes += e.Bytes
		if e.Used.After(u.LastUsed) {
			u.LastUsed = e.Used
		}
	}
	for _, e := range list {
		if !e.Index {
			continue
		}
		stage := "other"
		if b, err := s.Get(e.ID); err == nil {
			var a Action
			if json.Unmarshal(b, &a) == nil {
				stage = a.Stage
			}
		}
		to, err := s.Lookup(e.ID)
		if err != nil {
			continue
		}
		if c, ok := content[to]; ok {
			add(stage, c)
			delete(content, to)
		}
	}
	for _, e := range content {
		add("other", e)
	}
	var usage []StageUsage
	for _, u := range total {
		usage = append(usage, *u)
	}
	sort.Slice(usage, func(i, j int) bool { return usage[i].Stage < usage[j].Stage })
	return usage, nil
}
