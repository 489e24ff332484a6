package command

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"allocate/pipeline"
	"allocate/pipeline/published"
)

func newReport(g *global) *cobra.Command {
	var dir string
	var force, png bool
	v := view{progress: "never", quiet: true}
	cmd := &cobra.Command{
		Use:     "report [RUN]",
		Short:   "Rewrite the pages of a published run from the cache",
		Example: `  allocate report 2022-12-28 -o report --png`,
		Long: `Writes the tear sheet and the other files of a run with this version of the program,
from the cached results that run.json lists. RUN is a date, DATE/rN, latest (the
default) or a folder; its files are not changed. --png also
writes every chart to figures/, with captions in figures.csv.

` + exitHelp,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, _, err := g.load(cmd)
			if err != nil {
				return err
			}
			run := ""
			if len(args) == 1 {
				run = args[0]
			}
			if run, err = published.Find(c.Out, run); err != nil {
				return err
			}
			sink, finish, err := v.sink(g.stderr)
			if err != nil {
				return err
			}
			defer func() { finish(err) }()
			s, err := pipeline.OpenStore(c.Cache)
			if err != nil {
				return err
			}
			files, err := pipeline.Rebuild(cmd.Context(), run, png, s, sink, time.Now)
			if err != nil {
				return err
			}
			for _, f := range files {
				path := filepath.Join(dir, filepath.FromSlash(f.Name))
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					return err
				}
				if err := writeFile(path, f.Data, force); err != nil {
					return err
				}
				fmt.Fprintln(g.stdout, "wrote "+printableText(path))
			}
			return nil
		},
	}
	g.addConfigFlags(cmd, "out", "cache")
	cmd.Flags().StringVarP(&dir, "output", "o", "report", "folder to write to")
	cmd.Flags().BoolVar(&png, "png", false, "also write the charts as PNG")
	cmd.Flags().BoolVar(&force, "force", false, "overwrite existing files")
	return cmd
}
