package command

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"allocate/pipeline/published"
	"allocate/reports"
)

func newDiff(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "diff RUN RUN",
		Short:   "Compare two published runs",
		Example: `  allocate diff out/2022-12-22/r1 out/latest`,
		Long:    "Prints the differences of weights, risk, findings and inputs. RUN is a folder such as\nout/2022-12-28/r1 or out/latest.\n\n" + exitHelp,
		Args:    cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			d, err := published.Diff(args[0], args[1])
			if err != nil {
				return err
			}
			if asJSON {
				return reports.WriteJSON(g.json, "  ", d)
			}
			return printDiff(g.stdout, d, args)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return cmd
}

func printDiff(w io.Writer, d *published.Difference, args []string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "\t%s\t%s\tchange\n", printable(args[0]), printable(args[1]))
	texts := func(title string, list []published.Pair) {
		if len(list) > 0 {
			fmt.Fprintf(table, "%s\n", title)
		}
		for _, p := range list {
			fmt.Fprintf(table, "  %s\t%s\t%s\t\n", printable(p.Name), printable(p.A), printable(p.B))
		}
	}
	figures := func(title, format string, list []published.NumberPair) {
		if len(list) > 0 {
			fmt.Fprintf(table, "%s\n", title)
		}
		for _, p := range list {
			value := func(format string, x float64) string {
				if math.IsNaN(x) {
					return "–" // null in summary.json
				}
				return fmt.Sprintf(format, x)
			}
			fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", printable(p.Name), value(format, p.A), value(format, p.B), value("%+.6f", p.B-p.A))
		}
	}
	texts("run", d.Run)
	texts("configuration", d.Config)
	figures("portfolio", "%.6f", d.Portfolio)
	figures("weights", "%.6f", d.Weights)
	figures("posterior means", "%.4f", d.Posteriors)
	return table.Flush()
}
