"""Least CVaR by HiGHS, through scipy, in the form that is fastest for it: the dual, with as many rows as strategies.

usage: speed.py scenarios.npy alpha cap [repeats]

For the weights 0 <= w <= cap that sum to 1, with a multiplier y of the budget and s_i of the caps:
    maximise  y - cap sum_i s_i
    subject to  y - s_i + sum_j q_j r_ji <= 0 for every strategy i,  sum_j q_j = 1,  0 <= q_j <= 1/((1-alpha) S),  s >= 0
The weights are the multipliers of the rows. Dual simplex and interior point (with crossover), each timed from the
matrices in memory to the answer; the least time of all repeats.
"""
import sys
import time

import numpy as np
from scipy.optimize import linprog

R, alpha, cap = np.load(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
repeats = int(sys.argv[4]) if len(sys.argv) > 4 else 1
S, n = R.shape
most = 1 / (round(1 - alpha, 12) * S)
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
