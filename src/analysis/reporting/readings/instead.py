"""What is bought instead of each other, and who stays with a brand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analysis.reporting import words
from analysis.reporting.readings.names import both_named

if TYPE_CHECKING:
    import pandas as pd

    from analysis.products.substitutes import Substitutes
    from analysis.products.switching import Switching

Fields = dict[str, Any]


def substitutes(found: Substitutes) -> str:
    """Say how many pairs of a category are ordered together less often than expected."""
    n = int(found.table["substitutes"].sum())
    return (
        f"{words.count(n, 'pair')} of {words.number(found.tested)} within a category "
        f"{'is' if n == 1 else 'are'} ordered together less often than expected, though the same "
        "customers buy both"
    )


def substitutes_finding(found: Substitutes, names: dict[str, str]) -> Fields:
    """Return the finding of how many pairs may stand in for each other."""
    n = int(found.table["substitutes"].sum())
    top = found.table.iloc[0]
    pair = f"{names.get(top['a'], top['a'])} and {names.get(top['b'], top['b'])}"
    said = "hypothesis: one stands in for the other; surest"
    return {
        "key": "substitutes",
        "sentence": "product pairs of one category are ordered together less often than expected",
        "value": float(n),
        "decimals": 0,
        "n": found.tested,
        "noun": "pair",
        "detail": f"{said}: {pair}" if n else "none beyond chance within sizes, stores and weeks",
    }


def chosen_between(found: Substitutes, names: dict[str, str]) -> pd.DataFrame:
    """Return all tested pairs with their names, substitutes first."""
    return both_named(found.table, names)


def loyal(found: Switching, by: str) -> str:
    """Say which brand keeps its buyers best, beyond its size."""
    table = found.loyalty[found.loyalty["purchases"] >= 100]
    if table.empty:
        return f"{found.group} is bought again too seldom to tell who stays"
    row = table.loc[(table["loyal"] - table["usual"]).idxmax()]
    named = row["brand"] if by in ("name", "brand") else f"{by} {row['brand']}"
    return (
        f"{found.group}: after {named}, {words.percent(row['loyal'], 0)} of next "
        f"purchases stay; its share alone would give {words.percent(row['usual'], 0)}"
    )
