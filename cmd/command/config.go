package command

import (
	"bytes"
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
		Short: "Create and inspect configurations",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newConfigInit(g), newConfigShow(g), newConfigSchema(g), newConfigDocs(g))
	return cmd
}

func newConfigInit(g *global) *cobra.Command {
	var path, asOf, preset string
	var force bool
	cmd := &cobra.Command{
		Use:     "init [FILE]",
		Short:   "Write a commented configuration with all defaults",
		Example: `  allocate config init --returns my_returns.csv my.yaml`,
		Long:    "Writes " + defaultConfig + ", or FILE; - is standard output. An existing file is kept unless --force.\n\n" + exitHelp,
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			file := defaultConfig
			if len(args) == 1 {
				file = args[0]
			}
			var text bytes.Buffer
			if err := config.WriteTemplate(&text, preset, map[string]string{"returns.path": fromFolder(file, path), "as_of": asOf}); err != nil {
				return err
			}
			if file == "-" {
				_, err := g.data.Write(text.Bytes())
				return err
			}
			if err := writeFile(file, text.Bytes(), force); err != nil {
				return err
			}
			_, err := fmt.Fprintf(g.stdout, "wrote %s; set returns.path in it, then: allocate run --config %s\n", printableText(file), printableText(file))
			return err
		},
	}
	cmd.Flags().StringVar(&path, "returns", "returns.csv", "value of returns.path, relative to the working folder")
	cmd.Flags().StringVar(&asOf, "as-of", "", "value of as_of")
	cmd.Flags().StringVar(&preset, "preset", config.Static, "defaults to write: static or adaptive")
	cmd.Flags().BoolVar(&force, "force", false, "overwrite an existing file")
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
					fmt.Fprintf(table, "%s\t%s\t%s\n", f.Key, printableText(config.FormatValue(f.Default)), printableText(origins[f.Key].String()))
				} else {
					fmt.Fprintf(table, "%s\t%s\n", f.Key, printableText(config.FormatValue(f.Default)))
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
		Args:  cobra.NoArgs,
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
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return config.WriteDocs(g.stdout) },
	}
}
