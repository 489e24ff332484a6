"""Follows the weights file of a backtest with pandas alone, as bt's WeighTarget and Rebalance do, and compares with its returns.

usage: rebalance.py panel.csv weights.csv returns.csv

A target is traded on the first day of the data that is not before `effective`, before that day's return; between
targets positions drift. Without costs every day's return must be that of the backtest.
"""
import sys

import pandas as pd

panel, weights, returns = sys.argv[1:]
r = pd.read_csv(panel, index_col=0, parse_dates=True)
w = pd.read_csv(weights, parse_dates=["as_of", "effective"])
targets = w.pivot(index="effective", columns="strategy", values="weight").fillna(0.0)
ours = pd.read_csv(returns, index_col=0, parse_dates=True)["allocate"]

position, due, worst, traded = None, list(targets.index), 0.0, 0
for day in ours.index:
    while due and due[0] <= day:
        position, traded = targets.loc[due.pop(0)], traded + 1
    moves = r.loc[day].reindex(position.index).fillna(0.0)  # CASH and what has no return stay
    got = (position * moves).sum()
    position = position * (1 + moves) / (1 + got)
    worst = max(worst, abs(got - ours[day]))
print(f"{len(ours)} days, {traded} rebalances, largest difference of a day's return {worst:.2g}")
sys.exit(worst > 1e-12 or traded != len(targets))
