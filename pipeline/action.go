// Package pipeline conducts a run: returns, bayes, scenarios, optimize,
// reports. A run is a sequence of Actions, which are only data; a Stage does
// an Action; a store remembers the result. Caching, resuming after an
// interruption and lineage are this one mechanism and nothing else.
package pipeline

import (
	"encoding/json"
	"fmt"
	"runtime"

	"allocate/pipeline/store"
)

// ContentID is the hash of a result; ActionID the hash of what was asked.
type (
	ContentID = store.ID
	ActionID  = store.ID
)

// Action is one planned execution of a stage. It is all that the result
// depends on: two equal Actions have equal results, on any machine of the
// same architecture, by any number of workers, today or next year.
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

// ID returns the hash of the action: the ID under which the store has its
// encoding.
func (a Action) ID() ActionID { return store.Sum(a.encode()) }

func (a Action) encode() []byte {
	b, err := json.Marshal(a)
	if err != nil {
		panic(fmt.Sprintf("pipeline: an action that cannot be written: %v", err)) // Options is not JSON: a caller's bug
	}
	return b
}

func (a Action) String() string {
	if a.Unit == "" {
		return a.Stage
	}
	return a.Stage + " " + a.Unit
}

// arch names what compiles to the instructions that results depend on: the
// architecture, and the version of Go. A compiler may fuse other multiplications
// and additions, and math, sort and the linear algebra behind it may round or
// break ties in another way; nothing promises that they do not.
func arch() string { return runtime.GOARCH + "/" + amd64Level() + " " + runtime.Version() }
