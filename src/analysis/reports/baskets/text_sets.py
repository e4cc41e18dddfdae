"""What sets of three say beyond their pairs.

How categories hang together, for shelves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.reporting.notebook import words
from analysis.reports.baskets.text import brief

if TYPE_CHECKING:
    from analysis.products.association.pairs import Pairs
    from analysis.products.association.triples import Triples


def together(*levels: tuple[Triples | None, dict[str, str], str]) -> pd.DataFrame:
    """Return the sets that were looked at again: those that hold first, then the least q.

    Parameters
    ----------
    levels
        The sets of a level, what its items are called, and the level; what is missing is left out.
    """
    there = [_named(f, names, level) for f, names, level in levels if f is not None]
    return pd.concat(there).sort_values(
        ["holds", "q", "second_ratio"],
        ascending=[False, True, False],
        kind="stable",
        ignore_index=True,
    )


def _named(found: Triples, names: dict[str, str], level: str) -> pd.DataFrame:
    table = found.table[found.table["second_orders"].notna()]
    items = [[names.get(i, i) for i in s] for s in table["itemset"]]
    return table.assign(
        level=level,
        itemset=table["itemset"].map(" + ".join),
        whole=[words.listing(s) for s in items],
        label=[" + ".join(brief(i, 22) for i in s) for s in items],
    )


def first(table: pd.DataFrame) -> str:
    """Say which three are bought together beyond their pairs."""
    held = table[table["holds"]]
    if table.empty:
        return "No three items are often enough in one order to be checked"
    if held.empty:
        return "No triple is significantly more frequent than its pairs explain"
    row, more = held.iloc[0], len(held) - 1
    rest = f"; so {'is' if more == 1 else 'are'} {words.count(more, 'more set')}" if more else ""
    return (
        f"{row['whole']} are in one order {words.number(row['second_ratio'], 1)} times as often as "
        f"their pairs explain{rest}"
    )


def searched(products: Triples, categories: Triples | None) -> str:
    """Say how many sets there were, how many were tested and how many held."""
    said = [_passed(products, "products")]
    if categories is not None:
        said.append(_passed(categories, "categories"))
    return " ".join([*said, _standing_for(products)])


def _passed(found: Triples, items: str) -> str:
    again = int(found.table["second_orders"].notna().sum())
    if again == 0:
        return f"No three {items} are often enough in one order to be checked."
    held = len(found.believed)
    which = f"the {words.number(again)} furthest beyond their pairs"
    return (
        f"Of {words.number(len(found.table))} frequent sets of three {items}, "
        f"{which if again < len(found.table) else 'all'} were checked in the second half: "
        f"{words.number(held) if held else 'none'} {'holds' if held <= 1 else 'hold'}."
    )


def _standing_for(found: Triples) -> str:
    """Say which sets of products stand for all."""
    from analysis.products.association.itemsets import condense

    table = condense(found.itemsets.table)
    several = table[table["size"] > 1]
    if several.empty:
        return "No set of two or three products is frequent."
    maximal, closed = (words.number(int(several[c].sum())) for c in ("maximal", "closed"))
    return (
        f"In all, {words.number(len(several))} sets of two and three products are frequent. The "
        f"{maximal} that are in no larger one (maximal sets) tell which; to tell how often, too, "
        f"takes {closed} (closed sets)."
    )


def maximal(found: Triples, names: dict[str, str]) -> pd.DataFrame:
    """Return all frequent sets with their names, and which of them are closed and maximal."""
    from analysis.products.association.itemsets import condense

    table = condense(found.itemsets.table)
    called = [" + ".join(names.get(i, i) for i in s) for s in table["itemset"]]
    return table.assign(itemset=table["itemset"].map(" + ".join), label=called)


def lift_square(pairs: Pairs, names: dict[str, str], *, most: int = 10) -> pd.DataFrame:
    """Return the lifts between the most frequent items, as a square by name.

    NotApplicable if no two of them are together often enough to be counted.
    """
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
    values = square.to_numpy(float)
    a, b = np.unravel_index(int(np.nanargmax(values)), values.shape)
    names = [str(name) for name in (square.index[a], square.columns[b])]
    return (
        f"Of the {len(square)} categories in most orders, {words.listing(sorted(names))} are "
        f"together most: {words.number(values[a, b], 1)} times as often as by chance"
    )


def network_edges(believed: pd.DataFrame, *, most: int = 16) -> pd.DataFrame:
    """Return the strongest believed pairs as edges: a, b, weight."""
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
