// Package optimize turns scenarios into weights: the portfolio with the least
// conditional value at risk over a budget, bounds per strategy and named
// linear constraints, together with a proof of how good it is.
//
// # Problem
//
// Loss is minus return. With losses l_j(w) = -r_j'w, probabilities p_j and
// confidence alpha, Rockafellar and Uryasev (2000, theorem 1) write
//
//	CVaR(w) = min over t of  t + 1/(1-alpha) sum_j p_j (l_j(w) - t)+
//
// so that minimising CVaR is a linear program in (w, t).
//
// # Solver
//
// The program has as many rows as scenarios but only n+1 unknowns, and its
// optimum is a vertex: n+1 hyperplanes among bounds, constraints and scenario
// ties. hinge.go walks from vertex to vertex along the steepest edge and lets
// every step run through all the kinks at which the objective still falls, as
// Barrodale and Roberts (1973) do for regression; the iterate is always a
// portfolio that may be held. Seen from the dual this is the bounded simplex
// method with long steps, and its basis has n+1 rows whatever the number of
// scenarios. glob.go makes the walk short: it starts from the
// answer for a thin sample, and keeps explicit only the scenarios whose side of
// the VaR is in doubt (Portnoy and Koenker 1997).
//
// # Certificate
//
// certificate.go trusts none of this. It repairs the multipliers into a
// feasible dual point, whatever produced them, and reads a lower bound from
// the unscaled scenarios; the gap to the CVaR is printed with the weights.
// What is exported is rounded to a fixed number of decimals that sum to the
// budget exactly, and is certified again after rounding.
//
// # Determinism
//
// One goroutine, sums in index order, ties to the lower index. When several
// portfolios are optimal the answer is the vertex that this walk reaches: the
// same bytes for the same problem, not otherwise distinguished.
package optimize
