package reports

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"allocate/optimize"
	"allocate/returns"
	"allocate/scenarios"
)

// StressLoss is what the weights return under one of scenarios.stress.
type StressLoss struct {
	Name     string           `json:"name"`
	Strategy string           `json:"strategy,omitempty"` // of a stress of one
	Return   float64          `json:"return"`             // of the strategy under the stress, or of the first of Moves; of the portfolio where it loses what the stress says; horizon
	Moves    []scenarios.Move `json:"moves,omitempty"`    // of several strategies; of a loss of the portfolio, the means of the strategies that it most likely comes with, those that lose the most first
	Mean     float64          `json:"expected_return"`    // of the portfolio, horizon
	CVaR     float64          `json:"cvar"`               // of the portfolio under the stress, positive for a loss
	Missing  string           `json:"missing,omitempty"`  // why there is none
}

// What says what is stressed.
func (x StressLoss) What() string {
	if len(x.Moves) == 0 {
		return fmt.Sprintf("%s %+.2f%%", x.Strategy, 100*x.Return)
	}
	const most = 4
	var parts []string
	for _, m := range x.Moves[:min(most, len(x.Moves))] {
		parts = append(parts, fmt.Sprintf("%s %+.2f%%", m.Strategy, 100*m.Return))
	}
	if rest := len(x.Moves) - most; rest > 0 {
		parts = append(parts, fmt.Sprintf("%d more", rest))
	}
	return strings.Join(parts, ", ")
}

// Episode is a horizon of the past in which the weights would have lost most.
type Episode struct {
	From   returns.Date `json:"from"`
	To     returns.Date `json:"to"`
	Return float64      `json:"return"` // rebalanced every period, a strategy without a return counting as 0
}

// mostEpisodes is the number of episodes that are shown; they do not overlap.
const mostEpisodes = 3

func stresses(r *Run, outcomes []float64) ([]StressLoss, error) {
	if len(r.Scenarios.Stress) == 0 {
		return nil, nil
	}
	sets, err := r.Scenarios.Stressed(r.Set)
	if err != nil {
		return nil, fmt.Errorf("reports: %w", err) // the scenarios were made with them
	}
	var list []StressLoss
	for k, s := range r.Scenarios.Stress {
		under := sets[k]
		x := StressLoss{Name: s.Name, Strategy: s.Strategy, Moves: slices.Clone(s.Moves)}
		if s.Reverse() {
			if under, err = reversed(r, outcomes, s); err != nil {
				x.Missing = "no scenario of the forecast loses so much: " + err.Error()
				list = append(list, x)
				continue
			}
		}
		means := under.Mean()
		for i := range x.Moves {
			x.Moves[i].Return = means[slices.Index(r.Set.Names, x.Moves[i].Strategy)]
		}
		switch {
		case s.Reverse():
			x.Moves = losers(r, means)
		case len(x.Moves) > 0:
			x.Return = x.Moves[0].Return
		default:
			x.Return = means[slices.Index(r.Set.Names, s.Strategy)]
		}
		x.CVaR = scenarios.CVaR(outcomes, under.Prob, r.Optimize.Alpha)
		for i, v := range outcomes {
			x.Mean += under.Probability(i) * v
		}
		if s.Reverse() {
			x.Return = x.Mean
		}
		list = append(list, x)
	}
	return list, nil
}

// reversed is the set under a loss of the portfolio: the least that must be different for it.
func reversed(r *Run, outcomes []float64, s scenarios.Stress) (*scenarios.Set, error) {
	const portfolio = "the portfolio"
	base, err := r.Scenarios.Viewed(r.Set)
	if err != nil {
		return nil, err
	}
	of := &scenarios.Set{AsOf: r.Set.AsOf, Horizon: r.Set.Horizon, Frequency: r.Set.Frequency, Names: []string{portfolio}, Returns: outcomes, Prob: base.Prob}
	at, _, err := of.Under(scenarios.Stress{Name: s.Name, Strategy: portfolio, Return: -s.Loss})
	if err != nil {
		return nil, err
	}
	under := *r.Set
	under.Prob = at.Prob
	return &under, nil
}

// losers are the positions by what they contribute to a loss, the most first.
func losers(r *Run, means []float64) []scenarios.Move {
	type position struct {
		scenarios.Move
		part float64
	}
	var list []position
	for j, name := range r.Set.Names {
		if w := r.Solution.Weights[j]; w != 0 {
			list = append(list, position{scenarios.Move{Strategy: name, Return: means[j]}, w * means[j]})
		}
	}
	slices.SortStableFunc(list, func(a, b position) int { return cmp.Compare(a.part, b.part) })
	var moves []scenarios.Move
	for _, p := range list {
		moves = append(moves, p.Move)
	}
	return moves
}

// episodes are the horizons of the history in which the weights would have lost most.
func episodes(r *Run) []Episode {
	days, daily := backcast(r, math.MaxInt/2)
	h := r.Set.Horizon
	if h <= 0 || len(daily) < 4*h {
		return nil
	}
	log := make([]float64, len(daily)+1)
	for i, x := range daily {
		if x <= -1 {
			return nil // nothing is left to compound
		}
		log[i+1] = log[i] + math.Log1p(x)
	}
	free := make([]bool, len(daily)-h+1)
	for i := range free {
		free[i] = true
	}
	var list []Episode
	for len(list) < mostEpisodes {
		worst := -1
		for i := range free {
			if free[i] && (worst < 0 || log[i+h]-log[i] < log[worst+h]-log[worst]) {
				worst = i
			}
		}
		if worst < 0 || log[worst+h] >= log[worst] {
			break
		}
		list = append(list, Episode{From: days[worst], To: days[worst+h-1], Return: math.Expm1(log[worst+h] - log[worst])})
		for i := max(0, worst-h+1); i < min(len(free), worst+h); i++ {
			free[i] = false
		}
	}
	return list
}

// volatility is the standard deviation of the outcomes over the horizon.
func volatility(r *Run, outcomes []float64) float64 {
	mean, square := 0.0, 0.0
	for i, x := range outcomes {
		mean += r.Set.Probability(i) * x
	}
	for i, x := range outcomes {
		square += r.Set.Probability(i) * (x - mean) * (x - mean)
	}
	return math.Sqrt(square)
}

// sentence is the decision in a sentence: how much is traded, of what, and what that needed.
func sentence(r *Run, s *Summary) string {
	before := ""
	switch worst := returns.Worst(r.Findings); {
	case s.Status == optimize.Fallback:
		before = "Fallback: the optimum is not certified. "
	case worst == returns.Hold:
		before = "Published with approval. " // without, nothing is published
	}
	if r.Held == nil {
		largest, at, positions := 0.0, -1, 0
		for j, w := range r.Solution.Weights {
			if w != 0 {
				positions++
			}
			if math.Abs(w) > largest {
				largest, at = math.Abs(w), j
			}
		}
		if at < 0 {
			return before + "First portfolio: no position."
		}
		return before + fmt.Sprintf("First portfolio: %s, the largest %s with %.1f%%.", returns.Count(positions, "position"), r.Solution.Names[at], 100*r.Solution.Weights[at])
	}
	unit := math.Pow10(-r.Solution.Decimals)
	if kept := noTrade(r.Solution.Findings); kept != "" {
		return before + kept
	}
	if s.Turnover < unit {
		return before + fmt.Sprintf("No trade: the weights of %v are kept.", r.Held.AsOf)
	}
	type change struct {
		name string
		by   float64
	}
	var changes []change
	for j, name := range r.Solution.Names {
		if by := r.Solution.Weights[j] - r.Held.Weights[name]; math.Abs(by) >= unit {
			changes = append(changes, change{name, by})
		}
	}
	for name, w := range r.Held.Weights {
		if !slices.Contains(r.Solution.Names, name) && math.Abs(w) >= unit {
			changes = append(changes, change{name, -w})
		}
	}
	slices.SortFunc(changes, func(a, b change) int {
		switch x, y := math.Abs(a.by), math.Abs(b.by); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return strings.Compare(a.name, b.name)
	})
	const most = 3
	digits := 1
	if s.Turnover < 1e-3 {
		digits = 2
	}
	var parts []string
	for _, c := range changes[:min(most, len(changes))] {
		parts = append(parts, fmt.Sprintf("%s %+.*f pp", c.name, digits, 100*c.by))
	}
	if rest := len(changes) - most; rest > 0 {
		parts = append(parts, returns.Count(rest, "smaller change"))
	}
	return before + fmt.Sprintf("Trade %.*f%% of capital: %s.", digits, 100*s.Turnover, strings.Join(parts, ", "))
}

// noTrade is the finding that the current weights are kept; "" where they are not.
func noTrade(fs []returns.Finding) string {
	for _, f := range fs {
		if f.Code == "optimize.indifference" && strings.HasPrefix(f.Sentence, "No trade") {
			return f.Sentence
		}
	}
	return ""
}

// active are the views, the condition, the overrides and the limits that make the decision
// another than that of data and objective alone.
func active(r *Run) []string {
	var list []string
	for _, v := range r.Scenarios.Views {
		list = append(list, "View "+describe(v))
	}
	if r.Scenarios.Condition != "" {
		list = append(list, "Weights are optimized under the stress "+r.Scenarios.Condition)
	}
	if r.Scenarios.Mean != "" && r.Scenarios.Mean != scenarios.PosteriorMean {
		list = append(list, "Expected returns: "+r.Scenarios.Mean)
	}
	for _, f := range r.Findings {
		if f.Code == "run.override" {
			list = append(list, strings.TrimSuffix(f.Sentence, "."))
		}
	}
	const most = 8
	prices := slices.DeleteFunc(slices.Clone(r.Solution.ShadowPrices), func(p optimize.ShadowPrice) bool {
		j := slices.Index(r.Solution.Names, p.Name)
		return p.Name == "optimize.budget" || p.Name == "optimize.indifference" || j >= 0 && r.Solution.Weights[j] == 0 // weights always sum to it; a strategy is not held
	})
	slices.SortStableFunc(prices, func(a, b optimize.ShadowPrice) int {
		switch x, y := math.Abs(a.Price), math.Abs(b.Price); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	for i, p := range prices {
		if i == most {
			list = append(list, returns.Count(len(prices)-most, "more active limit"))
			break
		}
		list = append(list, fmt.Sprintf("%s is at its %s limit", p.Name, p.Side))
	}
	return list
}

func describe(v scenarios.View) string {
	relation := map[string]string{scenarios.Equal: "is", scenarios.AtLeast: "is at least", scenarios.AtMost: "is at most"}[v.Relation]
	of := v.Strategy
	if v.Versus != "" {
		of += " less " + v.Versus
	}
	value := fmt.Sprintf("%.2f%%", 100*v.Value)
	var what string
	switch v.Kind {
	case scenarios.Mean:
		what = "the expected return of " + of
	case scenarios.Volatility:
		what = "the standard deviation of " + of
	case scenarios.Probability:
		what = fmt.Sprintf("the probability of a return of %s below %.2f%%", of, 100*v.Below)
	case scenarios.TailLoss:
		what = fmt.Sprintf("the CVaR %.4g%% of %s", 100*v.Level(), of)
	case scenarios.Correlation:
		what, value = fmt.Sprintf("the correlation of %s and %s", v.Strategy, v.Versus), fmt.Sprintf("%.2f", v.Value)
	}
	text := fmt.Sprintf("%s: %s over the horizon %s %s", v.Name, what, relation, value)
	if v.Confidence != 0 && v.Confidence != 1 {
		text += fmt.Sprintf(", confidence %.0f%%", 100*v.Confidence)
	}
	return text
}
