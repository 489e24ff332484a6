package command

import (
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"allocate/config"
)

func newConfig(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Inspect configurations: values and origins, manual, schema",
		Example: `  allocate config show --origin
  allocate config docs | less`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newConfigInit(g), newConfigShow(g), newConfigSchema(g), newConfigDocs(g))
	return cmd
}

// fromFolder returns a path of the working folder as the configuration file
// has to name it, relative to its own folder.
func fromFolder(file, path string) string {
	dir := filepath.Dir(file)
	if file == "-" || filepath.IsAbs(path) || strings.Contains(path, "://") || dir == "." {
		return path
	}
	from, err := filepath.Abs(dir)
	if err != nil {
		return path
	}
	to, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	rel, err := filepath.Rel(from, to)
	if err != nil {
		return to
	}
	return rel
}

func newConfigShow(g *global) *cobra.Command {
	var origin bool
	cmd := &cobra.Command{
		Use:     "show",
		Short:   "Print every value, and its origin with --origin",
		Example: `  allocate config show --origin`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, origins, err := g.load(cmd)
			if err != nil {
				return err
			}
			table := tabwriter.NewWriter(g.stdout, 0, 0, 2, ' ', 0)
			for _, f := range config.Values(c) {
				if origin {
					fmt.Fprintf(table, "%s\t%s\t%s\n", f.Key, printableText(c.Hide(config.FormatValue(f.Default))), printableText(origins[f.Key].String()))
				} else {
					fmt.Fprintf(table, "%s\t%s\n", f.Key, printableText(c.Hide(config.FormatValue(f.Default))))
				}
			}
			return table.Flush()
		},
	}
	g.addConfigFlags(cmd)
	cmd.Flags().BoolVar(&origin, "origin", false, "print the origin of each value: default, preset, file and line, environment, --set or flag")
	return cmd
}

func newConfigSchema(g *global) *cobra.Command {
	var of string
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON schema of the configuration, or of a result",
		Example: `  allocate config schema > allocate.schema.json
  allocate config schema --of summary`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := config.WriteSchema(g.stdout, of); err != nil {
				return &usageError{err}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&of, "of", "config", "config, summary (summary.json) or backtest (backtest.json)")
	return cmd
}

func newConfigDocs(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "docs",
		Short: "Print the manual of the configuration as Markdown",
		Example: `  allocate config docs | less
  allocate config docs | grep -A 3 max_weight`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return config.WriteDocs(g.stdout) },
	}
}
