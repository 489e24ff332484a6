package published

import (
	"encoding/json"
	"fmt"
	"runtime"
	"time"

	"allocate/pipeline/engine"
	"allocate/returns"
)

// Manifest is run.json: where every published number comes from.
type Manifest struct {
	Format    int               `json:"format"` // of the folder: see manifestFormat
	AsOf      returns.Date      `json:"as_of"`
	Effective returns.Date      `json:"effective"`
	Revision  int               `json:"revision"`
	Outcome   string            `json:"outcome"` // published
	Started   time.Time         `json:"started"`
	Finished  time.Time         `json:"finished"`
	Seed      uint64            `json:"seed"`
	Versions  map[string]string `json:"versions"`
	Inputs    []ManifestInput   `json:"inputs"`
	Config    any               `json:"config"`
	Stages    []ManifestStage   `json:"stages"`
	Files     []engine.Part     `json:"files"`
	History   engine.ContentID  `json:"history,omitempty"` // of history.json, of a nightly run
	Findings  []returns.Finding `json:"findings"`
}

// ManifestInput is a file that the run read.
type ManifestInput struct {
	Path   string           `json:"path"`
	SHA256 engine.ContentID `json:"sha256"`
	Bytes  int64            `json:"bytes"`
}

// ManifestStage is the account of one stage.
type ManifestStage struct {
	Name      string           `json:"name"`
	Version   int              `json:"version"`
	Seconds   float64          `json:"seconds"`
	FromStore int              `json:"from_store"`
	Made      int              `json:"made"`
	PeakMiB   float64          `json:"peak_mib"` // largest resident memory of the process by the end of the stage
	Actions   []ManifestAction `json:"actions"`
}

// ManifestAction is one action and the result it has.
type ManifestAction struct {
	Unit    string           `json:"unit,omitempty"`
	Action  engine.ActionID  `json:"action"`
	Content engine.ContentID `json:"content"`
	Seconds float64          `json:"seconds"`
}

// Versions are those of the program, of Go and of the architecture.
func Versions() map[string]string {
	return map[string]string{"allocate": Version(), "go": runtime.Version(), "architecture": engine.Arch()}
}

// StoredAction returns the action of a stage of a run that has one.
func StoredAction(m *Manifest, stage string, s engine.Store) (engine.Action, error) {
	for _, st := range m.Stages {
		if st.Name != stage || len(st.Actions) != 1 {
			continue
		}
		b, err := s.Get(st.Actions[0].Action)
		if err != nil {
			return engine.Action{}, &returns.NotReadyError{Message: fmt.Sprintf("the actions of the run are no longer cached (%v); run that date again", err)}
		}
		var a engine.Action
		return a, json.Unmarshal(b, &a)
	}
	return engine.Action{}, &returns.NotReadyError{Message: fmt.Sprintf("the run has no stage %s", stage)}
}
