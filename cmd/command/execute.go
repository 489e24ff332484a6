package command

import (
	"os"

	"github.com/spf13/cobra"

	"allocate/pipeline"
)

// newExecute is for this program's own use: see executor: process.
func newExecute(g *global) *cobra.Command {
	return &cobra.Command{
		Use:    pipeline.ExecuteCommand,
		Short:  "Execute one action for another process of this program",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return pipeline.Execute(cmd.Context(), os.Stdin, g.data)
		},
	}
}
