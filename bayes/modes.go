package bayes

import (
	"fmt"
	"math"
	"strings"

	"allocate/bayes/nuts"
	"allocate/returns"
)

// codeModes is the finding of a density with several modes. It is information
// where little of the mass is outside the largest mode or where the chains,
// which start at different modes, move between them often enough to know their
// shares. Else the mass beside the largest mode of those that they hardly visit
// decides, by the approximations or by the draws, whichever is more: from
// largeStake on a warning, from hugeStake on a failure, whatever R-hat says;
// chains that have all left a mode agree with each other.
const codeModes = "bayes.modes"

const (
	fewVisits  = 20   // visits to a mode, over all chains, below which its share is not known
	largeStake = 0.01 // of the mass
	hugeStake  = 0.05
)

// visits counts, over all chains, how often a chain comes to each mode, the
// start included, and tells the share of the draws there. A draw belongs to the mode whose approximation has the highest
// density there.
func (l *modeSearch) visits(r *nuts.Result) (count []int, drawn []float64) {
	count, drawn = make([]int, len(l.modes)), make([]float64, len(l.modes))
	all := 0.0
	constant := make([]float64, len(l.modes))
	for k, mode := range l.modes {
		constant[k] = math.Log(l.share[k])
		for i := range mode.at {
			constant[k] -= math.Log(mode.lower.At(i, i))
		}
	}
	for _, draws := range r.Draws {
		before := -1
		for t := 0; t < len(draws); t += r.Dim {
			now, top := 0, math.Inf(-1)
			for k, mode := range l.modes {
				if v := constant[k] - mode.distance2(draws[t:t+r.Dim])/2; v > top {
					now, top = k, v
				}
			}
			if now != before {
				count[now]++
			}
			before = now
			drawn[now]++
			all++
		}
	}
	for k := range drawn {
		drawn[k] /= all
	}
	return count, drawn
}

// apart reports that the chains do not move between modes with a noticeable
// share of the mass: more care does not make them.
func (l *modeSearch) apart(fs []returns.Finding) bool {
	for _, f := range fs {
		if f.Code == codeModes && f.Severity == returns.Fail {
			return true
		}
	}
	return false
}

// findings reports several modes, and whether the draws determine their shares.
func (l *modeSearch) findings(r *nuts.Result) []returns.Finding {
	if len(l.modes)+l.minor < 2 {
		return nil
	}
	f := returns.Finding{
		Code: codeModes, Severity: returns.Info,
		Numbers: map[string]float64{"modes": float64(len(l.modes) + l.minor), "largest_share": l.share[0]},
	}
	var said []string
	if len(l.modes) > 1 {
		var shares []string
		for _, s := range l.share {
			shares = append(shares, fmt.Sprintf("%.3g%%", 100*s))
		}
		said = append(said, fmt.Sprintf("The posterior has %d modes with %s of the mass (normal approximations); the chains start at all of them.", len(l.modes), strings.Join(shares, ", ")))
		stake := 0.0
		count, drawn := l.visits(r)
		for k := 1; k < len(count); k++ {
			if count[k] < fewVisits {
				stake += max(l.share[k], drawn[k])
			}
		}
		f.Numbers["stake"] = stake
		if stake > 0 {
			said = append(said, fmt.Sprintf("The chains rarely visit %.3g%% of the mass, so that the draws do not determine the shares of the modes.", 100*stake))
		}
		switch {
		case stake >= hugeStake:
			f.Severity = returns.Fail
		case stake >= largeStake:
			f.Severity = returns.Warn
		}
	}
	switch {
	case l.minor == 1:
		said = append(said, fmt.Sprintf("A mode with less than %.2g%% of the mass is ignored.", 100*minorShare))
	case l.minor > 1:
		said = append(said, fmt.Sprintf("%d modes with less than %.2g%% of the mass are ignored.", l.minor, 100*minorShare))
	}
	f.Sentence = strings.Join(said, " ")
	return []returns.Finding{f}
}
