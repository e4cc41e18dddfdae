"""What sets of three say beyond their pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.reporting import words
from analysis.reporting.readings.names import brief
from analysis.reporting.sections import Missing

if TYPE_CHECKING:
    import pandas as pd

    from analysis.products.threes import Threes


def together(*levels: tuple[Threes | Missing, dict[str, str], str]) -> pd.DataFrame:
    """Return the sets that were looked at again: those that hold first, then the least q.

    Parameters
    ----------
    levels
        The sets of a level, what its items are called, and the level; what is missing is left out.
    """
    import pandas as pd

    there = [_named(f, names, level) for f, names, level in levels if not isinstance(f, Missing)]
    return pd.concat(there).sort_values(
        ["holds", "q", "second_ratio"],
        ascending=[False, True, False],
        kind="stable",
        ignore_index=True,
    )


def _named(found: Threes, names: dict[str, str], level: str) -> pd.DataFrame:
    table = found.table[found.table["second_orders"].notna()]
    items = [[names.get(i, i) for i in s] for s in table["itemset"]]
    return table.assign(
        level=level,
        itemset=table["itemset"].map(" + ".join),
        whole=[words.listing(s) for s in items],
        label=[" + ".join(brief(i, 22) for i in s) for s in items],
    )


def first(table: pd.DataFrame) -> str:
    """Say which three belong together."""
    held = table[table["holds"]]
    if held.empty:
        return "No three belong together: what is bought in threes, their pairs explain"
    row, more = held.iloc[0], len(held) - 1
    rest = (
        f", and so {'does' if more == 1 else 'do'} {words.count(more, 'more set')}" if more else ""
    )
    return (
        f"{row['whole']} belong together as three: {words.number(row['second_ratio'], 1)} times as "
        f"often as their pairs explain{rest}"
    )


def searched(products: Threes, categories: Threes | Missing) -> str:
    """Say how many sets there were, how many were tested and how many held."""
    said = [_passed(products, "products")]
    if not isinstance(categories, Missing):
        said.append(_passed(categories, "categories"))
    return " ".join([*said, _standing_for(products)])


def _passed(found: Threes, items: str) -> str:
    again = int(found.table["second_orders"].notna().sum())
    if again == 0:
        return f"No three {items} are often enough in one order to be looked at."
    held = len(found.believed)
    return (
        f"Of {words.number(len(found.table))} frequent sets of three {items}, the "
        f"{words.number(again)} furthest beyond their pairs were looked at again in the second "
        f"half: {words.number(held) if held else 'none'} {'holds' if held <= 1 else 'hold'}."
    )


def _standing_for(found: Threes) -> str:
    """Say which sets of products stand for all."""
    from analysis.products.condensed import condense

    table = condense(found.itemsets.table)
    several = table[table["size"] > 1]
    maximal, closed = (words.number(int(several[c].sum())) for c in ("maximal", "closed"))
    return (
        f"In all, {words.number(len(several))} sets of two and three products are frequent. The "
        f"{maximal} that are in no larger one (maximal sets) tell which; to tell how often, too, "
        f"takes {closed} (closed sets)."
    )


def maximal(found: Threes, names: dict[str, str]) -> pd.DataFrame:
    """Return all frequent sets with their names, and which of them are closed and maximal."""
    from analysis.products.condensed import condense

    table = condense(found.itemsets.table)
    called = [" + ".join(names.get(i, i) for i in s) for s in table["itemset"]]
    return table.assign(itemset=table["itemset"].map(" + ".join), label=called)
