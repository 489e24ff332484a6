package bayes

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"allocate/returns/columnar"
)

// WriteCmdStan writes one chain, from 1, in the form of CmdStan's output
// files, which cmdstanr, cmdstanpy, R's rstan, ArviZ and ShinyStan read: comment
// lines with the configuration, a header, the adaptation, and the draws.
//
// CmdStan writes the number of draws that it was asked for; so does this.
// Numbers have the digits that read back as the same float64.
func (p *Posterior) WriteCmdStan(w io.Writer, chain int) error {
	if chain < 1 || chain > p.Chains {
		return fmt.Errorf("bayes: chain %d of %d", chain, p.Chains)
	}
	b := bufio.NewWriter(w)
	s := &p.Sampler
	model := p.Model
	if model == "" {
		model = "model"
	}
	// The reader of R's rstan takes these keys; those that do not apply have
	// CmdStan's defaults.
	fmt.Fprintf(b, "# stan_version_major = 2\n# stan_version_minor = 35\n# stan_version_patch = 0\n")
	fmt.Fprintf(b, "# model = %s\n# method = sample (Default)\n#   sample\n", strings.ReplaceAll(model, " ", "_"))
	fmt.Fprintf(b, "#     num_samples = %d\n#     num_warmup = %d\n#     save_warmup = 0 (Default)\n#     thin = 1 (Default)\n", p.Draws, s.Warmup)
	fmt.Fprintf(b, "#     adapt\n#       engaged = 1 (Default)\n#     algorithm = hmc (Default)\n#       hmc\n#         engine = nuts (Default)\n#         metric = diag_e (Default)\n")
	fmt.Fprintf(b, "# id = %d\n", chain)
	for k, c := range p.Components {
		fmt.Fprintf(b, "# family %d = %s\n", k, c.Family)
	}
	if u := p.Updated; u != nil {
		fmt.Fprintf(b, "# draws given the returns up to %v, resampled by the likelihood of %d more\n", u.From, u.Days)
	}
	header := []string{"lp__", "accept_stat__", "stepsize__", "treedepth__", "n_leapfrog__", "divergent__", "energy__"}
	for _, name := range p.Names {
		header = append(header, strings.ReplaceAll(name, ",", "."))
	}
	fmt.Fprintln(b, strings.Join(header, ","))
	var line []byte
	if len(s.Metric) > 0 {
		fmt.Fprintf(b, "# Adaptation terminated\n# Step size = %s\n# Diagonal elements of inverse mass matrix:\n# ", short(s.Step))
		for i, v := range s.Metric {
			if i > 0 {
				line = append(line, ", "...)
			}
			line = strconv.AppendFloat(line, v, 'g', -1, 64)
		}
		b.Write(line)
		fmt.Fprintln(b)
	}
	for t := range p.Draws {
		i := (chain-1)*p.Draws + t
		line = line[:0]
		for _, v := range []float64{s.LogDensity[i], s.Accept[i], s.StepSize[i]} {
			line = append(strconv.AppendFloat(line, v, 'g', -1, 64), ',')
		}
		for _, v := range []int64{s.Depth[i], s.Leapfrogs[i], s.Divergent[i]} {
			line = append(strconv.AppendInt(line, v, 10), ',')
		}
		line = strconv.AppendFloat(line, s.Energy[i], 'g', -1, 64)
		for _, v := range p.Theta(i) {
			line = strconv.AppendFloat(append(line, ','), v, 'g', -1, 64)
		}
		b.Write(append(line, '\n'))
	}
	// The library keeps no clock.
	fmt.Fprintf(b, "# \n#  Elapsed Time: 0 seconds (Warm-up)\n#                0 seconds (Sampling)\n#                0 seconds (Total)\n# \n")
	if err := b.Flush(); err != nil {
		return fmt.Errorf("bayes: chain %d: %w", chain, err)
	}
	return nil
}

func short(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// WriteParquet writes all draws as Parquet with the columns of Table, the
// draws_df of R's posterior: .chain, .iteration, .draw, the parameters and
// Stan's sampler statistics.
func (p *Posterior) WriteParquet(w io.Writer) error {
	t, err := p.Table()
	if err != nil {
		return err
	}
	return columnar.WriteParquet(w, t)
}
