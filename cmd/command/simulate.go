package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/returns"
)

func newSimulate(g *global) *cobra.Command {
	s := returns.Simulation{}
	var start, panelFile, truthFile string
	var seed uint64
	var force bool
	cmd := &cobra.Command{
		Use:     "simulate",
		Short:   "Simulate daily returns with known parameters",
		Example: `  allocate simulate --strategies 20 --days 2500 -o panel.csv --truth truth.json`,
		Long: `Writes simulated daily returns in wide form, and their true parameters as JSON: mu,
sigma and nu per strategy, correlation, first date, gaps, inactive days and regime
change. Equal flags and seed give equal bytes.

` + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var err error
			if s.Start, err = returns.ParseDate(start); err != nil {
				return &usageError{fmt.Errorf("--start: %w", err)}
			}
			if err := s.Validate(); err != nil {
				return &usageError{fmt.Errorf("simulate: %w", err)}
			}
			if !force {
				for _, file := range []string{panelFile, truthFile} {
					if file == "-" {
						continue
					}
					if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
						return &usageError{fmt.Errorf("%s already exists; name another file, or use --force", file)}
					}
				}
			}
			panel, truth, err := returns.Simulate(s, engine.Streams(seed, "simulate"))
			if err != nil {
				return err
			}
			format, err := formatOf("", panelFile, "csv", map[string]string{".csv": "csv", ".parquet": "parquet", ".arrow": "arrow", ".feather": "arrow"})
			if err != nil {
				return err
			}
			text, err := published.ExportPanel(panel, format)
			if err != nil {
				return err
			}
			known, err := json.MarshalIndent(truth, "", "  ")
			if err != nil {
				return err
			}
			write := func(file string, b []byte) error {
				if file == "-" {
					_, err := g.data.Write(b)
					return err
				}
				return os.WriteFile(file, b, 0o644)
			}
			if panelFile == "-" && truthFile == "-" {
				return &usageError{errors.New("--output and --truth are both standard output; name a file for one of them")}
			}
			if err := errors.Join(write(truthFile, append(known, '\n')), write(panelFile, text)); err != nil || panelFile == "-" || truthFile == "-" {
				return err
			}
			_, err = fmt.Fprintf(g.stdout, "wrote %s (%s x %s) and %s\n", printableText(panelFile), returns.Count(panel.Days(), "day"), returns.Count(panel.Len(), "strategy"), printableText(truthFile))
			return err
		},
	}
	f := cmd.Flags()
	f.StringVarP(&panelFile, "output", "o", "panel.csv", "file for the returns: .csv, .parquet, .arrow or .feather; - is standard output")
	f.StringVar(&truthFile, "truth", "truth.json", "file for the true parameters; - is standard output")
	f.IntVar(&s.Strategies, "strategies", 8, "number of strategies")
	f.IntVar(&s.Days, "days", 1000, "number of weekdays")
	f.StringVar(&start, "start", "2019-01-01", "first day")
	f.Float64Var(&s.Correlation, "correlation", 0.3, "correlation of normal scores, in [0, 1)")
	f.Float64Var(&s.Ragged, "ragged", 0, "share of strategies that start later")
	f.Float64Var(&s.Gaps, "gaps", 0, "share of missing returns")
	f.IntVar(&s.Flat, "flat", 0, "number of strategies that trade on some weekdays only")
	f.IntVar(&s.Regime, "regime", 0, "number of strategies whose mean changes sign and whose scale doubles half-way")
	f.Uint64Var(&seed, "seed", 1, "random seed")
	f.BoolVar(&force, "force", false, "overwrite existing files")
	return cmd
}
