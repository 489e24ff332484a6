package command

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"allocate/pipeline"
	"allocate/pipeline/engine"
	"allocate/returns"
)

func newCache(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cache",
		Short: "Inspect, verify and prune the cache",
		Example: `  allocate cache ls
  allocate cache trim --days 14`,
		Long: "A run recomputes results that are missing, so these commands are safe at any time.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newCacheList(g), newCacheVerify(g), newCacheTrim(g))
	return cmd
}

func (g *global) openCache(cmd *cobra.Command) (engine.Maintainer, error) {
	c, _, err := g.load(cmd)
	if err != nil {
		return nil, err
	}
	return pipeline.OpenStore(c.Cache)
}

func newCacheList(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "Print the size of the cache by stage",
		Example: `  allocate cache ls
  allocate cache ls --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := g.openCache(cmd)
			if err != nil {
				return err
			}
			usage, err := engine.Usage(s)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(g.json).Encode(usage)
			}
			for _, u := range usage {
				fmt.Fprintf(g.stdout, "%-10s %6d results %10s   last used %s\n", u.Stage, u.Results, size(u.Bytes), u.LastUsed.Format("2006-01-02 15:04"))
			}
			return nil
		},
	}
	g.addConfigFlags(cmd, "cache")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return cmd
}

func newCacheVerify(g *global) *cobra.Command {
	var remove bool
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Verify every cached result against its hash",
		Example: `  allocate cache verify
  allocate cache verify --remove`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := g.openCache(cmd)
			if err != nil {
				return err
			}
			checked, damaged, err := s.Verify(remove)
			if err != nil {
				return err
			}
			for _, id := range damaged {
				fmt.Fprintf(g.stdout, "damaged %s\n", id)
			}
			fmt.Fprintf(g.stdout, "%d checked, %d damaged\n", checked, len(damaged))
			if len(damaged) > 0 && !remove {
				return fmt.Errorf("damaged results in the cache: %d; runs recompute them, --remove deletes them", len(damaged))
			}
			return nil
		},
	}
	g.addConfigFlags(cmd, "cache")
	cmd.Flags().BoolVar(&remove, "remove", false, "delete damaged results")
	return cmd
}

func newCacheTrim(g *global) *cobra.Command {
	var days int
	var most int64
	cmd := &cobra.Command{
		Use:   "trim",
		Short: "Delete results unused for some days, or the least recently used above a size",
		Example: `  allocate cache trim --days 14
  allocate cache trim --max-mb 5000`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if days < 0 || most < 0 {
				return &usageError{fmt.Errorf("--days and --max-mb must be at least 0")}
			}
			c, _, err := g.load(cmd)
			if err != nil {
				return err
			}
			s, err := pipeline.OpenStore(c.Cache)
			if err != nil {
				return err
			}
			removed, freed, err := pipeline.Trim(c, s, time.Now(), time.Now().Add(-time.Duration(days)*24*time.Hour), most<<20)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(g.stdout, "removed %s, %s\n", returns.Count(removed, "file"), size(freed))
			return err
		},
	}
	g.addConfigFlags(cmd, "out", "cache")
	cmd.Flags().IntVar(&days, "days", 30, "delete results unused for this many days")
	cmd.Flags().Int64Var(&most, "max-mb", 0, "then delete the least recently used above this many MiB; 0: no limit")
	return cmd
}

// size prints bytes for a person.
func size(bytes int64) string {
	switch {
	case bytes >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
	case bytes >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%.1f KiB", float64(bytes)/(1<<10))
}
