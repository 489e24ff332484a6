package published

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"slices"

	"allocate/bayes"
	"allocate/config"
	"allocate/pipeline/engine"
	"allocate/reports"
	"allocate/returns"
	"allocate/returns/columnar"
)

// Scenarios returns the scenarios of a published run as a table: one column
// of horizon returns per strategy, and one of probabilities if they differ.
func Scenarios(dir string, s engine.Store) (*columnar.Table, error) {
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
			return nil, &returns.NotReadyError{Message: fmt.Sprintf("the scenarios of the run are no longer cached (%v); run that date again", err)}
		}
		return columnar.DecodeIPC(b)
	}
	return nil, &returns.NotReadyError{Message: fmt.Sprintf("%s has no scenarios", dir)}
}

// WriteScenarios writes the table of Scenarios as parquet or arrow.
func WriteScenarios(w io.Writer, t *columnar.Table, format string) error {
	switch format {
	case "parquet":
		return columnar.WriteParquet(w, t)
	case "arrow":
		return columnar.WriteIPC(w, t)
	}
	return fmt.Errorf("published: unknown format %q; expected parquet or arrow", format)
}

// Posterior returns the posterior of a strategy as a published run used it.
func Posterior(dir string, s engine.Store, strategy string) (*bayes.Posterior, error) {
	m, err := ReadManifest(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	var found *bayes.Posterior
	for _, stage := range m.Stages {
		if stage.Name != "bayes" {
			continue
		}
		for _, a := range stage.Actions {
			names = append(names, a.Unit)
			if a.Unit != strategy {
				continue
			}
			b, err := s.Get(a.Content)
			if err != nil {
				return nil, &returns.NotReadyError{Message: fmt.Sprintf("the draws of %q are no longer cached (%v); run that date again", strategy, err)}
			}
			if found, err = decodePosterior(b); err != nil { // a second try comes later and wins
				return nil, err
			}
		}
	}
	if found == nil {
		return nil, &config.Error{Err: fmt.Errorf("--strategy: the run has no posterior of %q%s", strategy, returns.Suggest(strategy, names))}
	}
	return found, nil
}

// WriteDraws writes draws as parquet, arrow or cmdstan; for cmdstan chain says
// which, from 1, as CmdStan has one file for each.
func WriteDraws(w io.Writer, p *bayes.Posterior, format string, chain int) error {
	switch format {
	case "parquet":
		return p.WriteParquet(w)
	case "cmdstan":
		return p.WriteCmdStan(w, chain)
	case "arrow":
		t, err := p.Table()
		if err != nil {
			return err
		}
		return columnar.WriteIPC(w, t)
	}
	return fmt.Errorf("published: unknown format %q; expected parquet, arrow or cmdstan", format)
}

func decodePosterior(b []byte) (*bayes.Posterior, error) {
	t, err := columnar.DecodeIPC(b)
	if err != nil {
		return nil, err
	}
	return bayes.FromTable(t)
}

// ExportPanel encodes a panel as csv, parquet or arrow; equal panels give
// equal bytes.
func ExportPanel(p *returns.Panel, format string) ([]byte, error) {
	var b bytes.Buffer
	var err error
	switch format {
	case "csv":
		if err = p.WriteCSV(&b); err == nil {
			return safeHeader(b.Bytes())
		}
	case "parquet":
		err = p.WriteParquet(&b)
	case "arrow":
		err = p.WriteArrow(&b)
	default:
		err = fmt.Errorf("published: unknown format %q; expected csv, parquet or arrow", format)
	}
	return b.Bytes(), err
}

// safeHeader marks names in the header of a CSV as text where a spreadsheet
// would run them.
func safeHeader(text []byte) ([]byte, error) {
	r := csv.NewReader(bytes.NewReader(text))
	header, err := r.Read()
	if err != nil {
		return nil, err
	}
	safe := make([]string, len(header))
	for i, name := range header {
		safe[i] = reports.CSVText(name)
	}
	if slices.Equal(safe, header) {
		return text, nil
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.Write(safe); err != nil {
		return nil, err
	}
	w.Flush()
	b.Write(text[r.InputOffset():])
	return b.Bytes(), nil
}
