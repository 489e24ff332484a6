// Package scenarios turns posteriors into joint futures: a Set of horizon
// returns in which parameter uncertainty is held over the whole path and the
// dependence of the strategies is kept.
//
// Generate estimates the dependence from the ranks of history (history.go,
// correlation.go), as a t copula by default (tcopula.go, ttable.go), on common
// factors for many strategies (mixer.go), or takes history's days in blocks
// (empirical.go). Strategies that are not always in the market trade on the
// days on which history had them trade (calendar.go). Scenarios are spread
// evenly over the directions that carry most risk (lattice.go), and made block
// by block: daily paths of all scenarios are never in memory at once.
//
// Faults are findings (check.go): return models that do not fit
// their history, a CVaR with a large Monte Carlo error. Views and stresses change the
// scenarios' probabilities, not the scenarios (views.go, pooling.go).
package scenarios
