"""Choosing a million contacts among eighty options each, beside a plain greedy of pandas.

    python -m benchmarks.targets 1    # millions of customers

Twenty offers by four channels; a budget, a cap on all contacts and the capacity of two channels.
What each brings is drawn anew in its process with one seed, before the clock starts. The bound
is the dual's: no choice can bring more. Found are gain, bound and contacts; that they differ is
what is measured.
"""

from __future__ import annotations

import sys

from benchmarks.racing import race

DRAWN = """
import json
import numpy as np
n, items = {customers}, 80
rng = np.random.default_rng(0)
gain, cost = np.empty((n, items), "float32"), np.empty((n, items), "float32")
for start in range(0, n, 50_000):
    rows = slice(start, min(start + 50_000, n))
    shape = gain[rows].shape
    gain[rows] = rng.standard_exponential(shape, "float32") * 3 - 2
    cost[rows] = 0.1 + 1.9 * rng.random(shape, "float32")
channel = np.arange(items) % 4
budget, contacts, capacity = 0.1 * n, 0.2 * n, (0.02 * n, 0.05 * n, np.inf, np.inf)
"""

OURS = (
    DRAWN
    + """
from analysis.promotions.planning.targeting.contact_knapsack import Choices, Limits, solve
few = Choices(gain[:3_000], cost[:3_000], channel)
solve(few, Limits(300.0, capacity, 600.0), method="prices")
{started}
found = solve(Choices(gain, cost, channel), Limits(budget, capacity, contacts))
print("\\\nfound", json.dumps([round(found.gain), round(found.bound), round(found.used[1])]))
"""
)

GREEDY = (
    DRAWN
    + """
import pandas as pd
{started}
best = (gain / cost).argmax(axis=1)
rows = np.arange(n)
table = pd.DataFrame(dict(gain=gain[rows, best], cost=cost[rows, best], channel=channel[best]))
table = table[table["gain"] > 0]
table = table.assign(ratio=table["gain"] / table["cost"]).sort_values("ratio", ascending=False)
table = table[table.groupby("channel").cumcount() < table["channel"].map(dict(enumerate(capacity)))]
table = table[table["cost"].cumsum() <= budget].head(int(contacts))
print("\\\nfound", json.dumps([round(float(table["gain"].sum())), None, len(table)]))
"""
)

CONTESTANTS = {"ours": OURS, "greedy by gain a unit of cost": GREEDY}


def main(millions: float = 1) -> None:
    """Measure and print."""
    facts: dict[str, object] = {"customers": int(millions * 1_000_000)}
    race(f"{millions:g} M customers x 20 offers x 4 channels", CONTESTANTS, facts)


if __name__ == "__main__":
    main(*map(float, sys.argv[1:2]))
