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

// attemptSpec is one attempt of the fallback sequence. Each takes more care,
// and more time, than the previous one. suffix separates their random streams.
type attemptSpec struct {
	suffix, about string
	apply         func(n *nuts.Options)
}

// attemptSpecs is the fallback sequence. The first attempt uses the options as
// they are. The last one draws four times as many and keeps every fourth, so
// that slow chains gain effective draws at the same size. A dense metric
// precedes the smallest steps: posteriors of correlated parameters need it.
var attemptSpecs = []attemptSpec{
	{"", "", func(*nuts.Options) {}},
	{" rung 2", "longer warm-up", longer},
	{" rung 3", "target acceptance 0.95", func(n *nuts.Options) {
		longer(n)
		n.TargetAccept = max(0.95, n.TargetAccept)
	}},
	{denseAttempt, "dense metric, target acceptance 0.95", func(n *nuts.Options) {
		longer(n)
		n.TargetAccept = max(0.95, n.TargetAccept)
		n.Metric = nuts.MetricDense
	}},
	{" rung 5", "target acceptance 0.99, 4 times the draws", func(n *nuts.Options) {
		longer(n)
		n.TargetAccept = max(0.99, n.TargetAccept)
		n.Draws *= thinning
	}},
}

// surrogateAttempts are the attempts before the first with a Valuer. The second keeps
// every fourth of four times as many draws: a chain that is slow costs less so than
// the gradients of NUTS.
var surrogateAttempts = []struct {
	attemptSpec
	every int
}{
	{attemptSpec{about: "polynomial surrogate with delayed acceptance"}, 1},
	{attemptSpec{about: "polynomial surrogate, 4 times the draws"}, thinning},
}

const denseAttempt = " rung 4"

const thinning = 4

func longer(n *nuts.Options) {
	n.Warmup = max(2*n.Warmup, 1000)
	n.MinWarmup = n.Warmup
}

// denseDim is the largest dimension for which the dense metric is tried; up to
// nuts's own limit the metric was dense before.
const (
	nutsDenseDim = 50
	denseDim     = 500
)

// sampleWithFallback goes through the fallback sequence until an attempt has no
// divergence and keeps every limit of o, or the gradient budget is exhausted.
// It returns the best attempt with a finding for each. Sampler.Gradients counts
// all attempts, the mode search and the gradient check.
func sampleWithFallback(ctx context.Context, m Model, o Options, stream func(part string) rand.Source, progress func(done, total int)) (*Posterior, error) {
	wrong, spent := checkGradient(m, stream("gradient check"))
	if wrong != nil {
		return nil, wrong
	}
	view := searchModes(m, o, stream)
	m = view.model
	var best *Posterior
	var account []returns.Finding
	var first error
	exhausted := false
	counted := 0 // of the view's gradients
	tried := 0
	if v, is := m.(Valuer); is {
		for _, r := range surrogateAttempts {
			p, err := delayed(ctx, v, view, o, r.every, o.MaxGradients-spent-view.gradients, stream, progress)
			if err != nil && ctx.Err() != nil {
				return nil, err
			}
			if p == nil {
				break
			}
			tried++
			spent += p.Sampler.Gradients
			p.Sampler.Attempts = tried
			if best == nil || better(p, best) {
				best = p
			}
			if flawless(p) {
				break
			}
			account = append(account, attempt(tried-1, r.attemptSpec, "", p))
			if inaccurate(p) {
				break // a longer chain is as slow
			}
		}
		if best != nil && flawless(best) {
			best.Sampler.Gradients = spent + view.gradients
			best.Findings = append(best.Findings, account...)
			returns.SortFindings(best.Findings)
			return best, nil
		}
	}
	for i, r := range attemptSpecs {
		if r.suffix == denseAttempt && (m.Dim() <= nutsDenseDim || m.Dim() > denseDim) {
			continue
		}
		begin := view.start(m, o.Chains, r.suffix, stream)
		spent += view.gradients - counted
		counted = view.gradients
		result, err := run(ctx, m, begin, o, r, max(1, o.MaxGradients-spent), stream, progress)
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
			account = append(account, attempt(tried+i, r, fmt.Sprintf("failed: %v", err), nil))
			if exhausted = errors.Is(err, nuts.ErrBudget); exhausted {
				spent = o.MaxGradients
				break
			}
			continue
		}
		p := collect(m, o, result)
		spent += result.Gradients
		p.Findings = append(judge(p, o), view.findings(result)...)
		p.Sampler.Attempts = tried + i + 1
		exhausted = p.Draws < o.Draws
		if tried+i > 0 || !flawless(p) {
			account = append(account, attempt(tried+i, r, "", p))
		}
		if best == nil || better(p, best) {
			best = p
		}
		if exhausted || flawless(p) || view.apart(p.Findings) || deepest(p, o) > p.Len()/2 || onlyNonFinite(p) {
			break
		}
	}
	if best == nil {
		return nil, first
	}
	best.Sampler.Gradients = spent
	if exhausted {
		best.Findings = append(best.Findings, returns.Finding{
			Code: codeBudget, Severity: returns.Warn, Numbers: map[string]float64{"limit": float64(o.MaxGradients), "draws": float64(best.Draws)},
			Sentence: fmt.Sprintf("The gradient budget (%s) is exhausted; the draws are those of attempt %d, %s per chain. Raise bayes.max_gradients.", returns.Thousands(o.MaxGradients), best.Sampler.Attempts, returns.Thousands(best.Draws)),
		})
	}
	if len(account) > 1 {
		best.Findings = append(best.Findings, account...)
	}
	returns.SortFindings(best.Findings)
	return best, nil
}

// codeBudget is the finding of a sequence of attempts that the gradient budget
// ended before one was flawless: a warning, since the draws kept are judged for
// themselves.
const codeBudget = "bayes.budget"

// flawless reports draws without a divergence or a limit crossed.
func flawless(p *Posterior) bool {
	return p.Divergences() == 0 && returns.Worst(p.Findings) < returns.Warn
}

// onlyNonFinite reports draws with no other fault than trajectories that ended
// where the density is not finite, which they would with smaller steps, too.
func onlyNonFinite(p *Posterior) bool {
	if p.Divergences() > 0 {
		return false
	}
	for _, f := range p.Findings {
		if f.Severity >= returns.Warn && f.Code != codeNonFinite {
			return false
		}
	}
	return !flawless(p)
}

// better orders attempts by verdict, then divergences; the earlier wins a tie.
func better(p, than *Posterior) bool {
	a, b := returns.Worst(p.Findings), returns.Worst(than.Findings)
	if a != b {
		return a < b
	}
	return p.Divergences() < than.Divergences()
}

func attempt(i int, r attemptSpec, failure string, p *Posterior) returns.Finding {
	about := r.about
	if about == "" {
		about = "configured options"
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
	f.Sentence = fmt.Sprintf("Attempt %d, %s: %s, maximum R-hat %.4f, minimum ESS %.0f.", i+1, about, returns.Count(p.Divergences(), "divergent transition"), rhat, ess)
	return f
}
