"""Reference weights of the compared allocators: see README.md.

    /usr/bin/python3 reference.py        writes returns.csv and values.csv
"""

import csv
import itertools
import os
import warnings

import numpy as np
import pandas as pd
import scipy.cluster.hierarchy as sch
from sklearn.covariance import LedoitWolf, empirical_covariance

HERE = os.path.dirname(os.path.abspath(__file__))
DAYS, STRATEGIES = 500, 8


def generate():
    """Correlated Student-t returns: two clusters, a hedge, volatilities from 0.2 % to 2 % a day."""
    rng = np.random.default_rng(20160523)
    common = rng.standard_t(5, size=(DAYS, 3)) / np.sqrt(5 / 3)
    loading = np.array(
        [[0.8, 0.3, 0], [0.7, 0.4, 0], [0.8, 0.1, 0.2], [0, 0.9, 0.1], [0.1, 0.8, 0], [-0.5, 0, 0.3], [0.1, 0, 0.7], [0, 0.1, 0.1]]
    )
    own = rng.standard_t(5, size=(DAYS, STRATEGIES)) / np.sqrt(5 / 3)
    x = common @ loading.T + own * np.sqrt(np.maximum(0.05, 1 - (loading**2).sum(axis=1)))
    sd = np.array([0.012, 0.02, 0.008, 0.01, 0.015, 0.009, 0.002, 0.006])
    return 0.0003 + x * sd


def long_only_min_variance(cov):
    """The optimum of min w'Sw, w >= 0, sum 1 by its KKT conditions, over all supports."""
    n = len(cov)
    found = []
    for k in range(1, n + 1):
        for support in itertools.combinations(range(n), k):
            i = list(support)
            x = np.linalg.solve(cov[np.ix_(i, i)], np.ones(k))
            w = np.zeros(n)
            w[i] = x / x.sum()
            if (w[i] <= 0).any():
                continue
            marginal = cov @ w
            if (marginal >= (w @ marginal) * (1 - 1e-12)).all():
                found.append(w)
    assert len(found) == 1, found  # a positive definite matrix has one optimum
    return found[0]


# The functions of Lopez de Prado 2016, "Building diversified portfolios that
# outperform out of sample", appendix, restated for Python 3 and this pandas.


def inverse_variance(cov):
    ivp = 1.0 / np.diag(cov)
    return ivp / ivp.sum()


def cluster_variance(cov, items):
    block = cov.loc[items, items]
    w = inverse_variance(block).reshape(-1, 1)
    return (w.T @ block.values @ w)[0, 0]


def quasi_diagonal(link):
    link = link.astype(int)
    order = pd.Series([link[-1, 0], link[-1, 1]])
    items = link[-1, 3]
    while order.max() >= items:
        order.index = range(0, order.shape[0] * 2, 2)
        clusters = order[order >= items]
        i, j = clusters.index, clusters.values - items
        order[i] = link[j, 0]
        order = pd.concat([order, pd.Series(link[j, 1], index=i + 1)]).sort_index()
        order.index = range(order.shape[0])
    return order.tolist()


def bisection(cov, order):
    w = pd.Series(1.0, index=order)
    groups = [order]
    while groups:
        groups = [g[a:b] for g in groups for a, b in ((0, len(g) // 2), (len(g) // 2, len(g))) if len(g) > 1]
        for k in range(0, len(groups), 2):
            left, right = groups[k], groups[k + 1]
            v0, v1 = cluster_variance(cov, left), cluster_variance(cov, right)
            share = 1 - v0 / (v0 + v1)
            w[left] *= share
            w[right] *= 1 - share
    return w


def hierarchical_risk_parity(x):
    frame = pd.DataFrame(x)
    cov, corr = frame.cov(), frame.corr()
    dist = ((1 - corr) / 2.0) ** 0.5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # rows are meant to be observations: Euclidean distances of the distances
        link = sch.linkage(dist.values, "single")
    order = quasi_diagonal(link)
    return order, bisection(cov, order).sort_index().values


def main():
    with open(os.path.join(HERE, "returns.csv"), "w", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow([f"s{j + 1}" for j in range(STRATEGIES)])
        out.writerows([[repr(float(v)) for v in row] for row in generate()])
    x = np.loadtxt(os.path.join(HERE, "returns.csv"), delimiter=",", skiprows=1)

    with open(os.path.join(HERE, "values.csv"), "w", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(["days", "what", "i", "j", "value"])
        # The second has fewer days than the matrix has entries, so that much is shrunk.
        for days in (DAYS, 12):
            y = x[:days]
            row = lambda what, i, j, v: out.writerow([days, what, i, j, repr(float(v))])
            sample = empirical_covariance(y)  # divisor T
            shrunk = LedoitWolf().fit(y)
            order, hrp = hierarchical_risk_parity(y)
            row("shrinkage", 0, 0, shrunk.shrinkage_)
            for i in range(STRATEGIES):
                for j in range(STRATEGIES):
                    row("covariance", i, j, sample[i, j])
                    row("ledoit_wolf", i, j, shrunk.covariance_[i, j])
            inverse = 1 / y.std(axis=0, ddof=1)
            for what, w in (
                ("inverse_volatility", inverse / inverse.sum()),
                ("min_variance", long_only_min_variance(shrunk.covariance_)),
                ("hrp_order", order),
                ("hrp", hrp),
            ):
                for i, v in enumerate(w):
                    row(what, i, 0, v)


main()
