package command

import (
	"bytes"
	"fmt"

	"github.com/spf13/cobra"

	"allocate/pipeline"
	"allocate/pipeline/published"
	"allocate/returns"
)

func newExportScenarios(g *global) *cobra.Command {
	var run, file, format string
	var force bool
	cmd := &cobra.Command{
		Use:     "scenarios -o FILE",
		Short:   "Export the joint scenarios of a published run",
		Example: `  allocate export scenarios -o scenarios.parquet`,
		Long: `Writes one row per scenario and one column per strategy with its simple return
over the horizon as a fraction, and a column of probabilities unless all are equal.

` + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if format, err = formatOf(format, file, "parquet", map[string]string{".parquet": "parquet", ".arrow": "arrow", ".feather": "arrow"}); err != nil {
				return err
			}
			if file == "" {
				return &usageError{fmt.Errorf("--output is required; see: allocate export scenarios --help")}
			}
			c, _, err := g.load(cmd)
			if err != nil {
				return err
			}
			if run, err = published.Find(c.Out, run); err != nil {
				return err
			}
			s, err := pipeline.OpenStore(c.Cache)
			if err != nil {
				return err
			}
			t, err := published.Scenarios(run, s)
			if err != nil {
				return err
			}
			var b bytes.Buffer
			if err := published.WriteScenarios(&b, t, format); err != nil {
				return err
			}
			if file == "-" {
				_, err := g.data.Write(b.Bytes())
				return err
			}
			if err := writeFile(file, b.Bytes(), force); err != nil {
				return err
			}
			_, err = fmt.Fprintf(g.stdout, "wrote %s to %s\n", returns.Count(t.Rows(), "scenario"), printableText(file))
			return err
		},
	}
	g.addConfigFlags(cmd, "out", "cache")
	cmd.Flags().StringVar(&run, "run", "", "published run: a date, DATE/rN, latest or a folder (default latest)")
	cmd.Flags().StringVarP(&file, "output", "o", "", "file to write; - is standard output")
	cmd.Flags().StringVar(&format, "format", "", "parquet or arrow; default: by the extension, else parquet")
	cmd.Flags().BoolVar(&force, "force", false, "overwrite an existing file")
	return cmd
}
