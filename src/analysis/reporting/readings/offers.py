"""What bundles need, what offers take from other products, what first baskets foretell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analysis.reporting import words
from analysis.reporting.readings.names import brief

if TYPE_CHECKING:
    import pandas as pd

    from analysis.products.first_baskets import FirstBaskets

Fields = dict[str, Any]


def named(table: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Return a table of offers with readable products."""
    offered, other = ([brief(names.get(i, i)) for i in table[c]] for c in ("offered", "other"))
    return table.assign(offered_name=offered, other_name=other)


def taken(table: pd.DataFrame, fdr: float) -> str:
    """Say in the weeks of how many offers another product sells less."""
    found = table[(table["q"] <= fdr) & (table["lost"] > 0)]
    looked = words.number(len(table))
    if found.empty:
        return f"In weeks of none of {looked} offers the other product is seen to sell less"
    return f"In weeks of {len(found)} of {looked} offers the other product sells less"


def finding(table: pd.DataFrame, names: dict[str, str], fdr: float) -> Fields:
    """Return the finding of how many offers another product sold less under."""
    found = table[(table["q"] <= fdr) & (table["lost"] > 0)]
    return {
        "key": "cannibalising_offers",
        "sentence": "offers in whose weeks the other product, seldom ordered with it, sold less",
        "value": float(len(found)),
        "decimals": 0,
        "n": len(table),
        "noun": "offer",
        "direction": "up_bad",
        "detail": _most(found.iloc[0], names) if len(found) else "none beyond chance",
    }


def _most(row: pd.Series, names: dict[str, str]) -> str:
    offered, other = (names.get(row[c], row[c]) for c in ("offered", "other"))
    ends = words.interval(row["lost_low"], row["lost_high"], 0, "")
    return (
        f"most: in {int(row['weeks'])} weeks of {offered}, {other} had {ends} orders fewer (no "
        "causal proof)"
    )


def foretold(
    found: FirstBaskets, fdr: float, names: dict[str, str], currency: str, items: str
) -> str:
    """Say which first purchase foretells most."""
    sure = found.table[found.table["q"] <= fdr]
    if sure.empty:
        return (
            f"What a first order holds foretells nothing: none of {len(found.table)} {items} "
            "differs beyond chance"
        )
    row = sure.loc[sure["difference"].abs().idxmax()]
    more = "more" if row["difference"] > 0 else "less"
    name = names.get(row["item"], row["item"])
    worth = words.money(abs(row["difference"]), 0, currency)
    return f"{name} in the first order foretells {worth} {more} margin in {found.days} days"


def first_orders(found: FirstBaskets, currency: str) -> str:
    """Say whose first orders were looked at."""
    return (
        f"{found.known_by} {words.count(found.customers, 'such customer')} could be followed for "
        f"{found.days} days and brought {words.money(found.mean, 2, currency)} margin on average "
        "after the first order. Each difference is to a first order of the same size with the same "
        "else in it."
    )


def with_names(found: FirstBaskets, names: dict[str, str]) -> pd.DataFrame:
    """Return the items with readable names."""
    return found.table.assign(name=[names.get(i, i) for i in found.table["item"]])


def bundle(table: pd.DataFrame, discount: float) -> str:
    """Say whether bundles pay."""
    off = words.percent(discount, 0)
    median = table["break_even"].median()
    return (
        f"At {off} off, the median bundle must sell {words.percent(median, 0)} more before it "
        "costs nothing"
    )
