package command

import (
	"fmt"
	"time"

	"allocate/pipeline/published"

	"github.com/spf13/cobra"
)

func newRetract(g *global) *cobra.Command {
	var why string
	cmd := &cobra.Command{
		Use:     "retract DATE/rN --why REASON",
		Short:   "Take a published revision out of latest, previous weights and baselines",
		Example: `  allocate retract 2022-12-28/r1 --why "prices of one provider were stale"`,
		Long: `Marks a revision as retracted. Its files are kept, and the reason is recorded
beside them and in the index. <out>/latest moves to the newest revision that is not
retracted; later runs take their previous weights from it.

` + exitHelp,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, _, err := g.load(cmd)
			if err != nil {
				return err
			}
			latest, err := published.Retract(c.Out, args[0], why, time.Now)
			if err != nil {
				return err
			}
			line := "retracted " + args[0]
			if latest != "" {
				line += "; latest is now " + latest
			}
			_, err = fmt.Fprintln(g.stdout, printableText(line))
			g.unread(err)
			return nil
		},
	}
	cmd.ValidArgsFunction = func(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return g.completeRuns(cmd, false), cobra.ShellCompDirectiveNoFileComp
	}
	g.addConfigFlags(cmd, "out")
	cmd.Flags().StringVar(&why, "why", "", "reason, recorded in the index and the folder")
	return cmd
}
