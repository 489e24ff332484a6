package command

import (
	"encoding/json"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"allocate/pipeline"
	"allocate/pipeline/published"
)

func newVersion(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the versions of the program and its stages",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				stages := map[string]int{}
				for name, s := range pipeline.Stages(1) {
					stages[name] = s.Version
				}
				return json.NewEncoder(g.json).Encode(map[string]any{"allocate": published.Version(), "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH, "stages": stages})
			}
			_, err := fmt.Fprintf(g.stdout, "allocate %s %s %s/%s\n", published.Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return cmd
}
