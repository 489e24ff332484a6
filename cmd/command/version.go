package command

import (
	"encoding/json"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"allocate/pipeline"
	"allocate/pipeline/published"
)

// buildLine is the line of --version.
func buildLine() string {
	b := published.ReadBuild()
	commit := ""
	if b.Commit != "" {
		commit = " (commit " + b.Commit[:min(12, len(b.Commit))]
		if b.Time != "" {
			commit += ", " + b.Time
		}
		if b.Modified {
			commit += ", with local changes"
		}
		commit += ")"
	}
	version := b.Version
	if version == "unknown" {
		version = "(unversioned build)"
	}
	return fmt.Sprintf("allocate %s%s %s %s/%s", version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func newVersion(g *global) *cobra.Command {
	var asJSON bool
	var program string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the versions of the program and its stages",
		Example: `  allocate version
  allocate version --json
  allocate version --sbom /usr/local/bin/allocate`,
		Long: `With --json also the versions of the stages: a result of another version is computed
anew. --sbom prints the modules that a program was built from as CycloneDX JSON.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if program != "" {
				return writeSBOM(g.json, program)
			}
			if asJSON {
				stages := map[string]int{}
				for name, s := range pipeline.Stages(1) {
					stages[name] = s.Version
				}
				b := published.ReadBuild()
				return json.NewEncoder(g.json).Encode(map[string]any{"allocate": published.Version(), "commit": b.Commit, "time": b.Time, "modified": b.Modified, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH, "stages": stages})
			}
			_, err := fmt.Fprintln(g.stdout, buildLine())
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	cmd.Flags().StringVar(&program, "sbom", "", "print the modules of a program as CycloneDX JSON")
	return cmd
}
