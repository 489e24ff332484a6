package command

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"allocate/cmd/command/terminal"
	"allocate/config"
	"allocate/pipeline/published"
	"allocate/reports"
)

func newDiff(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "diff RUN [RUN]",
		Short: "Compare two published runs",
		Example: `  allocate diff 2022-12-22
  allocate diff 2022-12-22/r1 2022-12-23/r2
  allocate diff out/2022-12-22/r1 other/latest --json`,
		Long: `Prints the differences of inputs, configuration, risk, weights and posteriors. RUN is
a date (its newest revision), DATE/rN, latest (the default of the second) or a folder.
Beside the weights: those of the runs from the first date to the second.

` + exitHelp,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				args = append(args, "latest")
			}
			var c *config.Config
			var dirs [2]string
			for i, run := range args {
				if isFolder(run) { // of any output folder: no configuration is needed
					dirs[i] = run
					continue
				}
				var err error
				if c == nil {
					if c, err = g.loadFolders(cmd); err != nil {
						return err
					}
				}
				if dirs[i], err = published.Find(c.Out, run); err != nil {
					return err
				}
			}
			d, err := published.Diff(dirs[0], dirs[1])
			if err != nil {
				return err
			}
			if asJSON {
				return reports.WriteJSON(g.json, "  ", d)
			}
			var between []published.Entry
			if c != nil {
				between = runsBetween(c.Out, dirs)
			}
			return printDiff(g.screen, d, args, between)
		},
		ValidArgsFunction: func(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return g.completeRuns(cmd, false), cobra.ShellCompDirectiveDefault
		},
	}
	g.addConfigFlags(cmd, "out")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return cmd
}

// mostBetween is the number of runs whose weights a sparkline has.
const mostBetween = 24

// runsBetween lists the standing runs from one to the other, the last ones of them.
func runsBetween(out string, dirs [2]string) []published.Entry {
	a, _, err := published.ReadSummary(dirs[0])
	if err != nil {
		return nil
	}
	b, _, err := published.ReadSummary(dirs[1])
	if err != nil {
		return nil
	}
	all, err := published.Entries(out)
	if err != nil {
		return nil
	}
	from, to := min(a.AsOf, b.AsOf), max(a.AsOf, b.AsOf)
	runs := slices.DeleteFunc(standing(all), func(e published.Entry) bool { return e.Figures == nil || e.AsOf < from || e.AsOf > to })
	return runs[max(0, len(runs)-mostBetween):]
}

func printDiff(w *terminal.Screen, d *published.Difference, args []string, between []published.Entry) error {
	section := func(title string, n int) *terminal.Table {
		if n == 0 {
			return nil
		}
		return &terminal.Table{Columns: []terminal.Column{{Head: title, Name: true}, {Head: printable(args[0]), Right: true}, {Head: printable(args[1]), Right: true}, {Head: "change", Right: true}, {Head: ""}}}
	}
	first := true
	show := func(t *terminal.Table) error {
		if t == nil {
			return nil
		}
		if !first {
			_ = w.Line()
		}
		first = false
		return w.Table(t)
	}
	texts := func(title string, list []published.Pair) error {
		if len(list) == 0 {
			return nil
		}
		t := &terminal.Table{Columns: []terminal.Column{{Head: title, Name: true}, {Head: printable(args[0]), Name: true}, {Head: printable(args[1]), Name: true}}}
		for _, p := range list {
			t.Add(printable(p.Name), printable(p.A), printable(p.B))
		}
		return show(t)
	}
	figures := func(title string, list []published.NumberPair, extra func(name string) string) error {
		t := section(title, len(list))
		for _, p := range list {
			percent := !strings.HasSuffix(p.Name, ": Sharpe")
			t.Add(printable(p.Name), figure(p.A, percent), figure(p.B, percent), change(p.B-p.A, percent), extra(p.Name))
		}
		return show(t)
	}
	none := func(string) string { return "" }
	weights := slices.Clone(d.Weights)
	slices.SortStableFunc(weights, func(a, b published.NumberPair) int {
		return cmp.Compare(math.Abs(b.B-b.A), math.Abs(a.B-a.A))
	})
	line := func(name string) string {
		if len(between) < 3 {
			return ""
		}
		var v []float64
		for _, e := range between {
			v = append(v, e.Figures.Weights[name])
		}
		return terminal.Sparkline(v)
	}
	for _, err := range []error{
		texts("run", d.Run), texts("configuration", d.Config),
		figures("portfolio", d.Portfolio, none), figures("weights", weights, line), figures("posterior means", d.Posteriors, none),
	} {
		if err != nil {
			return err
		}
	}
	if first {
		return w.Line("no differences")
	}
	return nil
}

// figure prints a number of a run: a fraction in %, or a ratio; null in summary.json is -.
func figure(x float64, percent bool) string {
	switch {
	case math.IsNaN(x):
		return "-"
	case percent:
		return fmt.Sprintf("%.2f%%", math.Round(1e4*x)/100+0)
	}
	return fmt.Sprintf("%.2f", math.Round(100*x)/100+0)
}

// change prints a difference of such numbers.
func change(x float64, percent bool) string {
	switch {
	case math.IsNaN(x):
		return "-"
	case percent:
		return fmt.Sprintf("%+.2f pp", math.Round(1e4*x)/100+0)
	}
	return fmt.Sprintf("%+.2f", math.Round(100*x)/100+0)
}

// isFolder reports whether a path is a folder.
func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
