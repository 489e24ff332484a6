package command

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"allocate/pipeline"
	"allocate/pipeline/published"
	"allocate/returns"
)

func newExportDraws(g *global) *cobra.Command {
	var run, strategy, file, format string
	var force bool
	cmd := &cobra.Command{
		Use:   "draws --strategy NAME -o FILE",
		Short: "Export the posterior draws of a strategy",
		Example: `  allocate export draws --strategy momentum -o draws.parquet
  allocate export draws --strategy momentum --format cmdstan -o draws`,
		Long: `Writes the draws as Parquet or Arrow with the columns of R's package posterior
(.chain, .iteration, .draw, the parameters, Stan's sampler statistics), or as CmdStan
CSV with one file per chain: FILE_1.csv, FILE_2.csv, ...

` + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if format, err = formatOf(format, file, "parquet", map[string]string{".parquet": "parquet", ".arrow": "arrow", ".feather": "arrow", ".csv": "cmdstan"}); err != nil {
				return err
			}
			if format != "parquet" && format != "arrow" && format != "cmdstan" {
				return &usageError{fmt.Errorf("--format %q is not parquet, arrow or cmdstan", format)}
			}
			if file == "" || strategy == "" {
				return &usageError{fmt.Errorf("--strategy and --output are required; see: allocate export draws --help")}
			}
			c, _, err := g.load(cmd)
			if err != nil {
				return err
			}
			if run, err = published.Find(c.Out, run); err != nil {
				return err
			}
			s, err := pipeline.OpenStore(c.Cache)
			if err != nil {
				return err
			}
			p, err := published.Posterior(run, s, strategy)
			if err != nil {
				return err
			}
			if file == "-" {
				if format == "cmdstan" && p.Chains > 1 {
					return &usageError{fmt.Errorf("--output - is a single file, but CmdStan CSV has one file for each of %d chains; name a file", p.Chains)}
				}
				var b bytes.Buffer
				if err := published.WriteDraws(&b, p, format, 1); err != nil {
					return err
				}
				_, err := g.data.Write(b.Bytes())
				return err
			}
			file = strings.TrimSuffix(file, map[bool]string{true: ".csv"}[format == "cmdstan"])
			files := map[string]int{file: 1}
			if format == "cmdstan" {
				files = map[string]int{}
				for chain := range p.Chains {
					files[fmt.Sprintf("%s_%d.csv", file, chain+1)] = chain + 1
				}
			}
			for name, chain := range files {
				var b bytes.Buffer
				if err := published.WriteDraws(&b, p, format, chain); err != nil {
					return err
				}
				if err := writeFile(name, b.Bytes(), force); err != nil {
					return err
				}
			}
			_, err = fmt.Fprintf(g.stdout, "wrote %s of %s in %s\n", returns.Count(p.Len(), "draw"), printable(strategy), returns.Count(len(files), "file"))
			return err
		},
	}
	g.addConfigFlags(cmd, "out", "cache")
	cmd.Flags().StringVar(&run, "run", "", "published run: a date, DATE/rN, latest or a folder (default latest)")
	cmd.Flags().StringVar(&strategy, "strategy", "", "strategy")
	cmd.Flags().StringVarP(&file, "output", "o", "", "file to write; - is standard output")
	cmd.Flags().StringVar(&format, "format", "", "parquet, arrow or cmdstan; default: by the extension (.csv: cmdstan), else parquet")
	cmd.Flags().BoolVar(&force, "force", false, "overwrite an existing file")
	return cmd
}
