package pipeline

import (
	"fmt"
	"io"

	"allocate/pipeline/store"
	"allocate/returns"
	"allocate/returns/columnar"
)

// RunScenarios returns the scenarios of a published run as a table: one column
// of horizon returns per strategy, and one of probabilities if they differ.
func RunScenarios(dir string, s *store.Store) (*columnar.Table, error) {
	m, err := ReadManifest(dir)
	if err != nil {
		return nil, err
	}
	for _, stage := range m.Stages {
		if stage.Name != "scenarios" || len(stage.Actions) != 1 {
			continue
		}
		b, err := s.Get(stage.Actions[0].Content)
		if err != nil {
			return nil, &returns.NotReadyError{Message: fmt.Sprintf("the scenarios of the run are no longer stored (%v); run the day again", err)}
		}
		return columnar.DecodeIPC(b)
	}
	return nil, &returns.NotReadyError{Message: fmt.Sprintf("%s names no scenarios", dir)}
}

// WriteScenarios writes the table of RunScenarios as parquet or arrow.
func WriteScenarios(w io.Writer, t *columnar.Table, format string) error {
	switch format {
	case "parquet":
		return columnar.WriteParquet(w, t)
	case "arrow":
		return columnar.WriteIPC(w, t)
	}
	return fmt.Errorf("pipeline: no format %q; expected parquet or arrow", format)
}
