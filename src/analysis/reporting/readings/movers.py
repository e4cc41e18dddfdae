"""What the profiling report says about departments, stores and products."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.reporting import words
from analysis.reporting.charts.forest import shortened
from analysis.reporting.readings.profiling import Fields

if TYPE_CHECKING:
    import pandas as pd

    from analysis.demand.movers import Movers


def groups_headline(found: Movers, *, noun: str, nouns: str) -> str:
    """State how many groups of a kind changed beyond chance, and the one that changed most."""
    real = found.sure
    if found.table.empty:
        return f"No {noun} has {found.minimum_group} customers, so that none is compared"
    if real.empty:
        return f"No {noun} changed by more than chance"
    continued = real[real["growth"].notna()]
    new = int((real["status"] == "launched").sum())
    count = f"{len(real)} of {words.count(len(found.table), noun, nouns)} changed beyond chance"
    count += f", {new} of them new" if new else ""
    if continued.empty:
        return count
    largest = continued.sort_values("change", key=abs).iloc[-1]
    name = largest["group"] if noun == "department" else f"{noun} {largest['group']}"
    return f"{count}; most {name}, {words.percent(largest['growth'], 0, signed=True)}"


def growth_alt(found: Movers, *, top: int) -> str:
    """Describe the chart of growth by group."""
    drawn = found.table.head(top)
    parts = [
        f"{group} {words.percent(growth, 0, signed=True)}"
        for group, growth in zip(drawn["group"], drawn["growth"], strict=True)
    ]
    return f"Dots with intervals, growth of net sales: {', '.join(parts)}"


def withheld(found: Movers, currency: str, *, nouns: str) -> str:
    """Say what the table of groups leaves out."""
    if not found.withheld:
        return f"All {nouns} have at least {found.minimum_group} customers."
    change = words.money(found.withheld_change, 0, currency, signed=True)
    if found.withheld == 1:
        return (
            f"One of the {nouns} has fewer than {found.minimum_group} customers and is withheld; "
            f"it changed by {change}."
        )
    return (
        f"{words.number(found.withheld)} {nouns} with fewer than {found.minimum_group} customers "
        f"are withheld; together they changed by {change}."
    )


def movers_headline(found: Movers) -> str:
    """State how many products moved beyond chance."""
    real = found.sure
    if found.table.empty:
        return f"No product has {found.minimum_group} customers, so that none is searched"
    if real.empty:
        return "No product moved by more than chance"
    up = int((real["change"] > 0).sum())
    return (
        f"{words.count(up, 'product')} rose and {words.number(len(real) - up)} fell beyond chance, "
        f"of {words.number(len(found.table))} searched"
    )


def movers_paragraph(found: Movers, currency: str) -> str:
    """Say what the search guards against, and what it cannot tell."""
    if found.table.empty:
        return withheld(found, currency, nouns="products")
    if found.sure.empty:
        return (
            f"None of {words.count(len(found.table), 'product')} moved by more than searching so "
            f"many would bring about by chance. {withheld(found, currency, nouns='products')}"
        )
    launched, gone = ((found.sure["status"] == s).sum() for s in ("launched", "delisted"))
    share = words.number(int((found.table["share_q"] <= found.fdr).sum()))
    return (
        f"Of the products called risen or fallen, at most {words.percent(found.fdr, 0)} are "
        "expected to be chance, and as many of the intervals to miss. "
        f"{words.number(launched)} had no sales before (new), {words.number(gone)} have none now "
        "(gone). The two periods lie in different seasons, and seasonal goods move every year. A "
        "share of all sales takes out the season of the total, not that of the product; by share, "
        f"{share} moved. {withheld(found, currency, nouns='products')}"
    )


def moved_products(found: Movers) -> Fields:
    """Return the finding on products that moved beyond chance."""
    real = found.sure
    return {
        "key": "moved_products",
        "sentence": f"products rose or fell beyond chance, of "
        f"{words.number(len(found.table))} searched"
        + ("; many with the season." if len(real) else "."),
        "value": len(real),
        "detail": f"at most {words.percent(found.fdr, 0)} of them by chance"
        if len(real)
        else None
        if len(found.table)
        else f"none has {found.minimum_group} customers",
    }


def name_stores(table: pd.DataFrame) -> pd.DataFrame:
    """Return ``table``, whose groups are stores, with a ``name``."""
    return table.assign(name="Store " + table["group"].astype("str"))


def label_products(table: pd.DataFrame) -> pd.DataFrame:
    """Return ``table`` with ``short``, the name cut to fit, and ``label``, shorter with number."""
    name = table["name"].astype("str").str.capitalize()
    number = table["group"].astype("str")
    return table.assign(
        short=[shortened(text, 26) for text in name],
        label=[f"{shortened(t, 18)} {n}" for t, n in zip(name, number, strict=True)],
    )


def movers_alt(largest: pd.DataFrame, currency: str) -> str:
    """Describe the chart of the largest movers."""
    if largest.empty:
        return "An empty chart: nothing moved beyond chance"
    first, last = largest.iloc[0], largest.iloc[-1]
    if len(largest) == 1:
        change = words.money(first["change"], 0, currency, signed=True)
        return f"Bar chart of one change, of {first['name']} ({change})"
    return (
        f"Bar chart of the {len(largest)} largest changes, from {first['name']} "
        f"({words.money(first['change'], 0, currency, signed=True)}) to {last['name']} "
        f"({words.money(last['change'], 0, currency, signed=True)})"
    )
