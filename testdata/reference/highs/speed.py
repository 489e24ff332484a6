"""Least CVaR by HiGHS, through scipy, in the form that is fastest for it: the dual, with as many rows as strategies.

usage: speed.py scenarios.npy alpha cap [repeats]
       speed.py scenarios.npy alpha cap positions smallest seconds

For the weights 0 <= w <= cap that sum to 1, with a multiplier y of the budget and s_i of the caps:
    maximise  y - cap sum_i s_i
    subject to  y - s_i + sum_j q_j r_ji <= 0 for every strategy i,  sum_j q_j = 1,  0 <= q_j <= 1/((1-alpha) S),  s >= 0
The weights are the multipliers of the rows. Dual simplex and interior point (with crossover), each timed from the
matrices in memory to the answer; the least time of all repeats.

With at most so many positions, none smaller than smallest: the mixed-integer program in the primal form of Rockafellar and
Uryasev, by HiGHS's branch and bound for so many seconds; what it has by then, and its gap.
"""
import sys
import time

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_matrix, hstack, identity, vstack

R, alpha, cap = np.load(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
repeats = int(sys.argv[4]) if len(sys.argv) > 4 else 1
S, n = R.shape
most = 1 / (round(1 - alpha, 12) * S)
if len(sys.argv) > 6:
    positions, smallest, limit = int(sys.argv[4]), float(sys.argv[5]), float(sys.argv[6])
    # Columns: weights, held (0 or 1), VaR, losses beyond it.
    free, one_row = csr_matrix((n, S + 1)), np.zeros(S + 1)
    A = vstack([
        hstack([csr_matrix(R), csr_matrix((S, n)), np.ones((S, 1)), identity(S)]),
        hstack([identity(n), -cap * identity(n), free]),
        hstack([identity(n), -smallest * identity(n), free]),
        csr_matrix(np.concatenate([np.ones(n), np.zeros(n), one_row])),
        csr_matrix(np.concatenate([np.zeros(n), np.ones(n), one_row])),
    ]).tocsr()
    low = np.concatenate([np.zeros(S), np.full(n, -np.inf), np.zeros(n), [1], [0]])
    high = np.concatenate([np.full(S, np.inf), np.zeros(n), np.full(n, np.inf), [1], [positions]])
    scale = 1e4  # HiGHS stops at an absolute gap of 1e-6
    start = time.perf_counter()
    r = milp(
        scale * np.concatenate([np.zeros(2 * n), [1], np.full(S, most)]),
        integrality=np.concatenate([np.zeros(n), np.ones(n), one_row]),
        bounds=Bounds(np.concatenate([np.zeros(2 * n), [-np.inf], np.zeros(S)]), np.concatenate([np.full(n, cap), np.ones(n), np.full(S + 1, np.inf)])),
        constraints=LinearConstraint(A, low, high),
        options={"time_limit": limit, "mip_rel_gap": 1e-3},
    )
    print(f"{time.perf_counter() - start:.1f} s: {r.message}")
    if r.x is not None:
        print(f"CVaR {r.fun / scale:.15g}, bound {r.mip_dual_bound / scale:.15g}, gap {r.mip_gap:.3g}, {int(round(r.x[n:2 * n].sum()))} positions")
    sys.exit()
cost = np.concatenate([[-1], np.full(n, cap), np.zeros(S)])
A = np.hstack([np.ones((n, 1)), -np.eye(n), R.T])
one = np.concatenate([np.zeros(1 + n), np.ones(S)])[None, :]
bounds = np.vstack([[(-np.inf, np.inf)], np.tile((0, np.inf), (n, 1)), np.tile((0, most), (S, 1))])
for method in ("highs-ds", "highs-ipm"):
    seconds = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        r = linprog(cost, A_ub=A, b_ub=np.zeros(n), A_eq=one, b_eq=[1], bounds=bounds, method=method)
        seconds = min(seconds, time.perf_counter() - start)
    if r.status != 0:
        print(f"{method}: {r.message}")
        continue
    weights = -r.ineqlin.marginals
    print(f"{method}: {seconds:.3f} s, CVaR {-r.fun:.15g}, weights sum to {weights.sum():.12g} and reach {weights.max():.6g}")
