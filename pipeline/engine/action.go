// Package engine executes actions. An Action is only data: the stage, its
// options, the contents that it reads, a seed. A Stage is the function that does
// it, an Executor the place where it is done, a Store remembers the result, and a
// Runner brings them together. Caching, resuming after an interruption, lineage
// and distribution are this one mechanism. The package knows no finance and no
// configuration.
package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"allocate/pipeline/store"
)

// ContentID is the hash of a result; ActionID is the hash of an Action.
type (
	ContentID = store.ID
	ActionID  = store.ID
)

// Action is one planned execution of a stage. It is all that the result
// depends on: two equal Actions have equal results, on any machine of the
// same architecture and with any number of workers.
type Action struct {
	Stage   string          `json:"stage"`
	Version int             `json:"version"` // raised by hand when the stage's results change
	Unit    string          `json:"unit"`    // a strategy, or blank
	Options json.RawMessage `json:"options"` // those that affect the result, canonical JSON
	Inputs  []Input         `json:"inputs"`
	Seed    uint64          `json:"seed"` // 0 where the stage draws no random numbers
	Arch    string          `json:"arch"` // rounding may differ between architectures and compilers
}

// Input is a named content that an Action reads.
type Input struct {
	Name    string    `json:"name"`
	Content ContentID `json:"content"`
}

// ID returns the hash of the action, under which the store also has its
// encoding.
func (a Action) ID() ActionID { return store.Sum(a.Encode()) }

// Encode returns the canonical encoding of the action.
func (a Action) Encode() []byte {
	b, err := json.Marshal(a)
	if err != nil {
		panic(fmt.Sprintf("engine: the options of an action are not JSON: %v", err)) // the caller's bug
	}
	return b
}

func decodeAction(b []byte) (Action, error) {
	var a Action
	if err := json.Unmarshal(b, &a); err != nil {
		return a, fmt.Errorf("engine: action: %w", err)
	}
	return a, nil
}

func (a Action) String() string {
	if a.Unit == "" {
		return a.Stage
	}
	return a.Stage + " " + a.Unit
}

// Arch names what determines the rounding of results: the architecture and the
// version of Go. A compiler may fuse other multiplications and additions, and
// math, sort and the linear algebra may round or break ties in another way.
func Arch() string { return runtime.GOARCH + "/" + amd64Level() + " " + runtime.Version() }

// Canonical writes options as JSON with the fields in the order of the struct.
func Canonical(options any) (json.RawMessage, error) {
	b, err := json.Marshal(options)
	if err != nil {
		return nil, fmt.Errorf("engine: options: %w", err)
	}
	return b, nil
}

// Changes lists the fields in which two actions of a stage and unit differ,
// each as "field: old -> new".
func Changes(before, now Action) []string {
	var why []string
	differ := func(field string, a, b any) {
		if x, y := fmt.Sprint(a), fmt.Sprint(b); x != y {
			why = append(why, fmt.Sprintf("%s: %s -> %s", field, x, y))
		}
	}
	differ("stage version", before.Version, now.Version)
	differ("seed", before.Seed, now.Seed)
	differ("architecture", before.Arch, now.Arch)
	was, is := Flatten(before.Options), Flatten(now.Options)
	var keys []string
	for k := range was {
		keys = append(keys, k)
	}
	for k := range is {
		if _, both := was[k]; !both {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		a, b := was[k], is[k]
		if a == "" {
			a = "(absent)"
		}
		if b == "" {
			b = "(absent)"
		}
		differ(k, a, b)
	}
	content := map[string]ContentID{}
	for _, in := range before.Inputs {
		content[in.Name] = in.Content
	}
	for _, in := range now.Inputs {
		old, ok := content[in.Name]
		delete(content, in.Name)
		switch {
		case !ok:
			why = append(why, fmt.Sprintf("input %s: (absent) -> %s", in.Name, in.Content.Short()))
		case old != in.Content:
			why = append(why, fmt.Sprintf("input %s: %s -> %s", in.Name, old.Short(), in.Content.Short()))
		}
	}
	for _, in := range before.Inputs {
		if _, gone := content[in.Name]; gone {
			why = append(why, fmt.Sprintf("input %s: %s -> (absent)", in.Name, in.Content.Short()))
		}
	}
	return why
}

// Flatten writes JSON as dotted keys with their values as text.
func Flatten(raw json.RawMessage) map[string]string {
	out := map[string]string{}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return out
	}
	var walk func(prefix string, v any)
	walk = func(prefix string, v any) {
		if object, ok := v.(map[string]any); ok {
			for k, x := range object {
				walk(strings.TrimPrefix(prefix+"."+k, "."), x)
			}
			return
		}
		b, _ := json.Marshal(v)
		out[prefix] = string(b)
	}
	walk("", v)
	return out
}
