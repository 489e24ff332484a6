// Package optimize turns scenarios into weights: the best portfolio within a
// budget, bounds, named linear constraints, limits on turnover, leverage and the
// distance to a benchmark, and rules on positions, together with a proof of how
// good it is.
//
// # Problem
//
// Loss is minus return. With losses l_j(w) = -r_j'w, probabilities p_j and
// confidence alpha, Rockafellar and Uryasev (2000, theorem 1) write
//
//	CVaR(w) = min over t of  t + 1/(1-alpha) sum_j p_j (l_j(w) - t)+
//
// so that minimizing CVaR is a linear program in (w, t). Several levels have a t
// each. Problem says what return and risk are with costs and with a
// Wasserstein ball; every objective is a blend -ret x return + risk x risk, or a
// search for the right blend (objective.go): a limit on the risk, the best
// ratio, the frontier.
//
// # Solver
//
// The program has as many rows as scenarios but only n+1 unknowns, and its
// optimum is a vertex: n+1 hyperplanes among bounds, constraints, kinks of
// costs and scenario ties. hinge.go walks from vertex to vertex along the
// steepest edge and lets every step run through all the kinks at which the
// objective still falls, as Barrodale and Roberts (1973) do for regression; the
// iterate is always a portfolio that may be held. Seen from the dual this is the
// bounded simplex method with long steps, and its basis has n+1 rows whatever
// the number of scenarios. limit.go adds limits on sums of absolute values
// without a variable for each of them. aggregate.go makes the walk short: it starts
// from the answer for a thin sample, or from an earlier answer, and keeps
// explicit only the scenarios whose side of the VaR is in doubt (Portnoy and
// Koenker 1997). branch.go searches over positions, riskbudget.go is the one
// objective that is not a blend.
//
// # Certificate
//
// certificate.go trusts none of this. It repairs the multipliers into a
// feasible dual point, whatever produced them, and reads a lower bound from
// the unscaled scenarios; the gap is printed with the weights. What is exported
// is rounded to a fixed number of decimals that sum to the budget exactly, and
// is certified again after rounding. bundle.go solves the same problems by a
// method that shares nothing with the walk: tests compare the two, and
// fallback.go falls back on it.
//
// # Determinism
//
// Sums in index order, ties to the lower index; goroutines share work by rows
// whose sums do not depend on it. When several portfolios are optimal the
// answer is the one nearest to the weights held (nearest.go).
package optimize
