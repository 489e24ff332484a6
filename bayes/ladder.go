package bayes

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"allocate/bayes/nuts"
	"allocate/returns"
)

// rung is one attempt at sampling. Each is more careful, and costs more, than
// the one before; suffix keeps their random numbers apart.
type rung struct {
	suffix, about string
	apply         func(n *nuts.Options)
}

// rungs is the escalation ladder. The first rung is what the options say. The
// last two keep every fourth draw of four times as many, so that slow chains
// gain effective draws at the same size.
var rungs = []rung{
	{"", "", func(*nuts.Options) {}},
	{" rung 2", "longer warm-up", longer},
	{" rung 3", "target acceptance 0.95", func(n *nuts.Options) {
		longer(n)
		n.TargetAccept = max(0.95, n.TargetAccept)
	}},
	{" rung 4", "target acceptance 0.99, 4 times the draws", func(n *nuts.Options) {
		longer(n)
		n.TargetAccept = max(0.99, n.TargetAccept)
		n.Draws *= thinning
	}},
	{" rung 5", "dense metric, target acceptance 0.99, 4 times the draws", func(n *nuts.Options) {
		longer(n)
		n.TargetAccept = max(0.99, n.TargetAccept)
		n.Draws *= thinning
		n.Metric = nuts.MetricDense
	}},
}

const thinning = 4

func longer(n *nuts.Options) {
	n.Warmup = max(2*n.Warmup, 1000)
	n.MinWarmup = n.Warmup
}

// denseDim is the largest dimension for which the last rung is tried; below
// nuts's own limit the metric was dense before.
const denseDim = 500

// climb samples on ever higher rungs until no draw diverges and every limit
// of o is kept, and returns the best attempt with a finding for each.
func climb(ctx context.Context, m Model, o Options, stream func(part string) rand.Source, progress func(done, total int)) (*Posterior, error) {
	approximation := newLaplace(m)
	if p, is := m.(preparer); is && approximation != nil {
		m = p.prepared(approximation.at, approximation.covariance)
	}
	var best *Posterior
	var account []returns.Finding
	var first error
	for i, r := range rungs {
		if i > 0 && !o.Escalate || i == len(rungs)-1 && (m.Dim() <= modeDim || m.Dim() > denseDim) {
			break
		}
		result, err := run(ctx, m, approximation.start(m, o.Chains, r.suffix, stream), o, r, stream, progress)
		if err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			if first == nil {
				first = err
			}
			var at *nuts.PointError
			if errors.As(err, &at) { // the model itself fails: more care will not help
				break
			}
			account = append(account, attempt(i, r, fmt.Sprintf("failed: %v", err), nil))
			continue
		}
		p := collect(m, o, result)
		p.Findings = judge(p, o)
		p.Sampler.Attempts = i + 1
		if i > 0 || !flawless(p) {
			account = append(account, attempt(i, r, "", p))
		}
		if best == nil || better(p, best) {
			best = p
		}
		if flawless(p) {
			break
		}
	}
	if best == nil {
		return nil, first
	}
	if len(account) > 1 {
		best.Findings = append(best.Findings, account...)
		returns.SortFindings(best.Findings)
	}
	return best, nil
}

// flawless reports draws without a divergence or a limit crossed.
func flawless(p *Posterior) bool {
	return p.Divergences() == 0 && returns.Worst(p.Findings) < returns.Warn
}

// better orders attempts by verdict, then divergences; the earlier wins a tie.
func better(p, than *Posterior) bool {
	a, b := returns.Worst(p.Findings), returns.Worst(than.Findings)
	if a != b {
		return a < b
	}
	return p.Divergences() < than.Divergences()
}

// attempt is the finding that tells of one rung.
func attempt(i int, r rung, failure string, p *Posterior) returns.Finding {
	about := r.about
	if i == 0 {
		about = "the options as given"
	}
	f := returns.Finding{Code: "bayes.attempt", Severity: returns.Info, Numbers: map[string]float64{"attempt": float64(i + 1)}}
	if p == nil {
		f.Sentence = fmt.Sprintf("Attempt %d, %s: %s", i+1, about, failure)
		return f
	}
	rhat, ess := p.worst()
	for name, v := range map[string]float64{"rhat": rhat, "ess": ess, "divergences": float64(p.Divergences())} {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			f.Numbers[name] = v
		}
	}
	f.Sentence = fmt.Sprintf("Attempt %d, %s: %d divergences, R-hat at most %.4f, effective sample size at least %.0f.", i+1, about, p.Divergences(), rhat, ess)
	return f
}
