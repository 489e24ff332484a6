package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"allocate/pipeline"
	"allocate/pipeline/published"
	"allocate/returns"
)

func newExport(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Export returns, weights, draws or scenarios",
		Example: `  allocate export weights --format ibkr -o rebalance.csv
  allocate export scenarios -o scenarios.parquet`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newExportPanel(g), newExportDraws(g), newExportScenarios(g), newExportWeights(g))
	return cmd
}

func newExportPanel(g *global) *cobra.Command {
	var file, format string
	var force bool
	v := view{progress: "never", quiet: true, silent: true}
	cmd := &cobra.Command{
		Use:     "panel",
		Short:   "Export the returns as read: simple, fractions, one column per strategy",
		Example: `  allocate export panel -o panel.parquet`,
		Long: `Writes all simple returns as fractions in wide form, sorted by date and strategy;
missing values are blank or null. Equal data give equal bytes. Findings are printed
on standard error.

` + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, _, err := g.load(cmd)
			if err != nil {
				return err
			}
			if format == "" {
				format = map[string]string{".csv": "csv", ".parquet": "parquet", ".arrow": "arrow", ".feather": "arrow"}[strings.ToLower(filepath.Ext(file))]
			}
			if format != "csv" && format != "parquet" && format != "arrow" {
				return &usageError{fmt.Errorf("%s: unknown format; set --format to csv, parquet or arrow", file)}
			}
			sink, finish, err := v.sink(g.stderr)
			if err != nil {
				return err
			}
			panel, err := pipeline.Panel(cmd.Context(), c, sink, time.Now)
			if err != nil {
				finish(err)
				return err
			}
			checked, err := pipeline.Check(cmd.Context(), c, sink, time.Now)
			finish(err)
			var gate *published.GateError
			if err != nil && !errors.As(err, &gate) {
				return err
			}
			for _, f := range returns.Grouped(checked.Findings) { // the file is written all the same: it shows what is wrong
				if f.Severity >= returns.Warn {
					fmt.Fprintln(g.stderr, "allocate: "+printableText(f.String()))
				}
			}
			b, err := published.ExportPanel(panel, format)
			if err != nil {
				return err
			}
			if file == "-" {
				_, err := g.data.Write(b)
				return err
			}
			if err := writeFile(file, b, force); err != nil {
				return err
			}
			_, err = fmt.Fprintf(g.stdout, "wrote %s (%s x %s)\n", printableText(file), returns.Count(panel.Days(), "day"), returns.Count(panel.Len(), "strategy"))
			return err
		},
	}
	g.addConfigFlags(cmd)
	cmd.Flags().StringVarP(&file, "output", "o", "-", "file to write; - is standard output")
	cmd.Flags().StringVar(&format, "format", "", "csv, parquet or arrow; default: by the extension")
	cmd.Flags().BoolVar(&force, "force", false, "overwrite an existing file")
	return cmd
}

// formatOf returns the format that was asked for, else that of the file's ending,
// else the usual one. An ending that is known and another format contradict each
// other, but for CSV, of which there are many kinds.
func formatOf(format, file, usual string, endings map[string]string) (string, error) {
	ending := strings.ToLower(filepath.Ext(file))
	by, known := endings[ending]
	switch {
	case file == "-" || file == "":
		by, known = usual, true
	case format == "" && ending != "" && !known:
		return "", &usageError{fmt.Errorf("--output %s: unknown extension; set --format", file)}
	}
	if format != "" {
		if known && file != "-" && file != "" && ending != ".csv" && by != format {
			return "", &usageError{fmt.Errorf("--output %s implies %s, but --format is %s; change one of them", file, by, format)}
		}
		return format, nil
	}
	if known {
		return by, nil
	}
	return usual, nil
}

// writeFile writes a file that a user asked for. One that exists is kept,
// unless forced.
func writeFile(file string, b []byte, force bool) error {
	flags := os.O_CREATE | os.O_WRONLY | os.O_EXCL
	if force {
		flags = os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	}
	f, err := os.OpenFile(file, flags, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return &usageError{fmt.Errorf("%s already exists; name another file, or use --force", file)}
	}
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}
