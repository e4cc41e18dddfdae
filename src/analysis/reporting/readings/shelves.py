"""How categories hang together, for shelves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.errors import NotApplicable
from analysis.reporting import words

if TYPE_CHECKING:
    import pandas as pd

    from analysis.products.pairs import Pairs


def lift_square(pairs: Pairs, names: dict[str, str], *, most: int = 10) -> pd.DataFrame:
    """Return the lifts between the most frequent items, as a square by name.

    NotApplicable if no two of them are together often enough to be counted.
    """
    import numpy as np
    import pandas as pd

    shares = dict(
        zip(pairs.itemsets.table["itemset"], pairs.itemsets.table["support"], strict=True)
    )
    items = [i for i in pairs.first.items["item"].head(most) if (i,) in shares]
    square = [[_lift(shares, a, b) if a != b else np.nan for b in items] for a in items]
    labels = [names[i] for i in items]
    if np.isnan(np.array(square, dtype=float)).all():
        raise NotApplicable("No two of the largest categories are in one order often enough.")
    return pd.DataFrame(square, index=labels, columns=labels)


def _lift(shares: dict[tuple[str, ...], float], a: str, b: str) -> float:
    pair = tuple(sorted((a, b)))
    return shares.get(pair, float("nan")) / (shares[a,] * shares[b,])


def largest(square: pd.DataFrame) -> str:
    """Say which two of the most frequent items are together most."""
    import numpy as np

    values = square.to_numpy(float)
    a, b = np.unravel_index(int(np.nanargmax(values)), values.shape)
    names = [str(name) for name in (square.index[a], square.columns[b])]
    return (
        f"Of the {len(square)} largest categories, {words.listing(sorted(names))} are together "
        f"most: {words.number(values[a, b], 1)} times as often as by chance"
    )


def network_edges(believed: pd.DataFrame, *, most: int = 16) -> pd.DataFrame:
    """Return the strongest believed pairs as edges: a, b, weight."""
    import numpy as np

    table = believed.head(most)
    return table[["a", "b"]].assign(weight=np.log(table["or_least"].to_numpy(float)))


def shelves(table: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Return shelf groups, a row a group: members, orders with two of them, the strongest odds."""
    named = table.assign(members=[names.get(i, i) for i in table["item"]])
    groups = named.groupby("group", sort=True)
    found = groups.agg(members=("members", _some), orders=("orders", "max"), odds=("odds", "max"))
    return found.reset_index()


def _some(members: pd.Series, most: int = 5) -> str:
    """Return the members as text, the last ones of many counted only."""
    if len(members) <= most:
        return ", ".join(members)
    return f"{', '.join(members.head(most - 1))} and {len(members) - most + 1} more"
