"""Solves portfolio problems with HiGHS, through scipy, in the primal form of Rockafellar and Uryasev (2000).

usage: solve.py problems.json answers.json

Every problem is
    minimise  -m return(w) + rho risk(w)
    return(w) = mean'w - cost(w) - radius |w|
    risk(w)   = sum_k weight_k (CVaR_k(w) + radius/(1-alpha_k) |w|) + cost(w)
over lower <= w <= upper, rows, distances, risk(w) <= max_risk and the rules on positions. |w| is the largest absolute
weight for norm l1 and the sum of absolute weights for linf. Written from these formulas, not from any solver's code.

Fields of a problem: returns (S x N), prob (S or null), levels [{alpha, weight}], mean (N), m, rho, lower, upper (N),
rows [{coef, lower|null, upper|null}], distances [{weight, center, constant, limit, coef, short}] (coef and short may be null; short is per unit short), previous, cost, borrow (N or null; borrow is paid per unit short),
radius, norm, max_risk (or null), min_position, max_positions (0: no rule).
Fields of an answer: status (optimal, infeasible, or what HiGHS said), objective, weights, seconds.
"""
import json
import sys
import time

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import coo_matrix, csr_matrix, diags, eye, vstack

INF = np.inf


class Program:
    """Columns and sparse rows of lower <= A x <= upper, grown block by block."""

    def __init__(self):
        self.cost, self.low, self.up, self.integer = [], [], [], []
        self.blocks, self.sides = [], []

    def columns(self, count, low=0.0, up=INF, cost=0.0, integer=0):
        first = len(self.cost)
        for values, x in ((self.cost, cost), (self.low, low), (self.up, up), (self.integer, integer)):
            values.extend(np.broadcast_to(np.asarray(x, float), count).tolist())
        return np.arange(first, first + count)

    def rows(self, parts, lower=-INF, upper=INF):
        """parts: pairs of columns and a matrix with one column for each of them."""
        height = parts[0][1].shape[0]
        self.blocks.append((height, parts))
        self.sides.append((np.broadcast_to(np.asarray(lower, float), height), np.broadcast_to(np.asarray(upper, float), height)))

    def row(self, parts, lower=-INF, upper=INF):
        self.rows([(at, csr_matrix(np.atleast_2d(values))) for at, values in parts], lower, upper)

    def matrix(self):
        width, rows, cols, data, first = len(self.cost), [], [], [], 0
        for height, parts in self.blocks:
            for at, values in parts:
                entries = coo_matrix(values)
                rows.append(entries.row + first)
                cols.append(np.asarray(at)[entries.col])
                data.append(entries.data)
            first += height
        return csr_matrix((np.concatenate(data), (np.concatenate(rows), np.concatenate(cols))), shape=(first, width))


def absolute(lp, w, center, n):
    """Columns a >= |w - center|."""
    a = lp.columns(n)
    one = eye(n, format="csr")
    lp.rows([(a, one), (w, -one)], lower=-np.asarray(center, float))
    lp.rows([(a, one), (w, one)], lower=np.asarray(center, float))
    return a


def build(p):
    R = np.array(p["returns"], float)
    S, n = R.shape
    prob = np.full(S, 1 / S) if p["prob"] is None else np.array(p["prob"], float) / np.sum(p["prob"])
    # HiGHS has absolute tolerances: returns are counted in units in which they are of order one, the objective too.
    unit = np.abs(R).mean() or 1.0
    m, rho = p["m"], p["rho"]
    lp = Program()
    w = lp.columns(n, p["lower"], p["upper"], -m * np.array(p["mean"], float) / unit)
    ones = np.ones(n)

    risk = []  # pairs of columns and coefficients, in units
    for level in p["levels"]:
        alpha, weight = round(1 - level["alpha"], 12), level["weight"]
        t = lp.columns(1, low=-INF)
        keep = np.flatnonzero(prob > 0)
        u = lp.columns(len(keep))
        lp.rows([(u, eye(len(keep), format="csr")), (t, csr_matrix(np.ones((len(keep), 1)))), (w, csr_matrix(R[keep] / unit))], lower=0)
        risk += [(t, np.array([weight])), (u, weight * prob[keep] / alpha)]
    certain = []  # costs
    if p["cost"] is not None and p["previous"] is not None:
        certain = [(absolute(lp, w, p["previous"], n), np.array(p["cost"], float) / unit)]
    if p["borrow"] is not None:
        short = lp.columns(n)  # short >= -w
        lp.rows([(short, eye(n, format="csr")), (w, eye(n, format="csr"))], lower=0)
        certain.append((short, np.array(p["borrow"], float) / unit))
    ball = None
    if p["radius"] > 0:
        a = absolute(lp, w, np.zeros(n), n)
        ball = lp.columns(1)
        if p["norm"] == "linf":
            lp.row([(ball, [1.0]), (a, -ones)], lower=0)
        else:
            lp.rows([(ball, csr_matrix(np.ones((n, 1)))), (a, -eye(n, format="csr"))], lower=0)
        more = sum(level["weight"] / round(1 - level["alpha"], 12) for level in p["levels"])
        risk.append((ball, np.array([p["radius"] * more / unit])))
    risk += certain

    cost = np.array(lp.cost)
    for at, values in risk:
        cost[at] += rho * values
    for at, values in certain:
        cost[at] += m * values
    if ball is not None:
        cost[ball] += m * p["radius"] / unit
    lp.cost = cost.tolist()
    if p["max_risk"] is not None:
        lp.row(risk, upper=p["max_risk"] / unit)

    for r in p["rows"]:
        size = np.abs(r["coef"]).max() or 1.0
        lp.row([(w, np.array(r["coef"], float) / size)], -INF if r["lower"] is None else r["lower"] / size, INF if r["upper"] is None else r["upper"] / size)
    for d in p["distances"]:
        a = absolute(lp, w, d["center"], n)
        size = 1.0
        if d.get("coef") is not None:
            size = max(np.abs(d["coef"]).max(), np.abs(d["weight"]).max()) or 1.0
        parts = [(a, np.array(d["weight"], float) / size)]
        if d.get("coef") is not None:
            parts.append((w, np.array(d["coef"], float) / size))
        if d.get("short") is not None:
            shorts = lp.columns(n)  # shorts >= -w
            lp.rows([(shorts, eye(n, format="csr")), (w, eye(n, format="csr"))], lower=0)
            parts.append((shorts, np.array(d["short"], float) / size))
        lp.row(parts, upper=(d["limit"] - d["constant"]) / size)

    held = None
    if p["min_position"] > 0 or p["max_positions"] > 0:
        # Long or short or neither; either is at least min_position away from 0.
        low, up, least = np.array(p["lower"], float), np.array(p["upper"], float), p["min_position"]
        long = lp.columns(n, 0, 1, integer=1)
        short = lp.columns(n, 0, 1, integer=1)
        one = eye(n, format="csr")
        lp.rows([(w, one), (long, -diags(up)), (short, least * one)], upper=0)
        lp.rows([(w, one), (long, -least * one), (short, -diags(low))], lower=0)
        lp.rows([(long, one), (short, one)], upper=1)
        if p["max_positions"] > 0:
            lp.row([(long, ones), (short, ones)], upper=p["max_positions"])
        held = np.concatenate([long, short])
    return lp, w, unit, held


def solve_lp(lp, low, up):
    A = lp.matrix()
    lower, upper = np.concatenate([s[0] for s in lp.sides]), np.concatenate([s[1] for s in lp.sides])
    equal = lower == upper
    below, above = (~equal) & (upper < INF), (~equal) & (lower > -INF)
    # Seldom HiGHS cannot keep to its tightest tolerance; then another method, then the next tolerance.
    for method, tolerance in (("highs-ds", 1e-10), ("highs-ipm", 1e-10), ("highs-ds", 1e-9), ("highs-ds", 1e-7)):
        r = linprog(
            lp.cost,
            A_ub=vstack([A[below], -A[above]], format="csr"), b_ub=np.concatenate([upper[below], -lower[above]]),
            A_eq=A[equal] if equal.any() else None, b_eq=lower[equal] if equal.any() else None,
            bounds=np.column_stack([low, up]), method=method,
            options={"primal_feasibility_tolerance": tolerance, "dual_feasibility_tolerance": tolerance},
        )
        if r.status in (0, 2):
            break
    return r


def solve(p):
    lp, w, unit, held = build(p)
    low, up = np.array(lp.low), np.array(lp.up)
    if held is not None:
        # The absolute gap at which HiGHS stops is 1e-6 and cannot be set from here: a larger objective makes it small.
        enlarge = 1e4
        lower, upper = np.concatenate([s[0] for s in lp.sides]), np.concatenate([s[1] for s in lp.sides])
        first = milp(enlarge * np.array(lp.cost), integrality=np.array(lp.integer), bounds=Bounds(low, up),
                     constraints=LinearConstraint(lp.matrix(), lower, upper), options={"mip_rel_gap": 0})
        if first.status != 0:
            return first, None
        # With the positions fixed the program is linear, and has tight tolerances.
        low[held] = up[held] = np.round(first.x[held])
    r = solve_lp(lp, low, up)
    if r.status != 0:
        return r, None
    return r, {"objective": float(r.fun * unit), "weights": r.x[w].tolist()}


def main():
    with open(sys.argv[1]) as f:
        problems = json.load(f)
    answers = []
    for p in problems:
        start = time.perf_counter()
        r, found = solve(p)
        answer = {"status": {0: "optimal", 2: "infeasible"}.get(r.status, r.message), "objective": 0.0, "weights": []}
        answer.update(found or {})
        answer["seconds"] = time.perf_counter() - start
        answers.append(answer)
    with open(sys.argv[2], "w") as f:
        json.dump(answers, f)


if __name__ == "__main__":
    main()
