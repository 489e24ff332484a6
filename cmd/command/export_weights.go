package command

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"allocate/pipeline/published"
	"allocate/reports"
	"allocate/returns"
)

func newExportWeights(g *global) *cobra.Command {
	var run, file, format string
	var force bool
	cmd := &cobra.Command{
		Use:     "weights",
		Short:   "Export the weights of a published run",
		Example: `  allocate export weights --format ibkr -o rebalance.csv`,
		Long: `Formats (--format):

  long     as_of,effective,strategy,weight: as published
  wide     date and a column per strategy
  parquet  the columns of long
  ibkr     rebalance file of Interactive Brokers' TWS, in percent of net value
  lean     yyyyMMdd,symbol,weight, as custom data of QuantConnect LEAN

` + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, _, err := g.load(cmd)
			if err != nil {
				return err
			}
			if run, err = published.Find(c.Out, run); err != nil {
				return err
			}
			if format, err = formatOf(format, file, reports.LongWeights, map[string]string{".csv": reports.LongWeights, ".parquet": "parquet"}); err != nil {
				return err
			}
			if !slices.Contains(reports.WeightForms(), format) {
				return &usageError{fmt.Errorf("--format %q is not one of %s", format, strings.Join(reports.WeightForms(), ", "))}
			}
			w, err := published.Weights(run)
			if err != nil {
				return err
			}
			var b bytes.Buffer
			if err := reports.EncodeWeights(&b, w, format); err != nil {
				return err
			}
			if file == "-" {
				_, err := g.data.Write(b.Bytes())
				return err
			}
			if err := writeFile(file, b.Bytes(), force); err != nil {
				return err
			}
			_, err = fmt.Fprintf(g.stdout, "wrote %s (%s as of %v)\n", printableText(file), returns.Count(len(w.Names), "weight"), w.AsOf)
			return err
		},
	}
	g.addConfigFlags(cmd, "out")
	cmd.Flags().StringVar(&run, "run", "", "published run: a date, DATE/rN, latest or a folder (default latest)")
	cmd.Flags().StringVarP(&file, "output", "o", "-", "file to write; - is standard output")
	cmd.Flags().StringVar(&format, "format", "", strings.Join(reports.WeightForms(), ", ")+"; default: by the extension, else long")
	cmd.Flags().BoolVar(&force, "force", false, "overwrite an existing file")
	return cmd
}
