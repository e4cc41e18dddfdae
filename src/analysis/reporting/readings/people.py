"""What the profiling report says about who the customers are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.reporting import words
from analysis.reporting.charts.profiling import words_of
from analysis.reporting.readings.profiling import Fields

if TYPE_CHECKING:
    import pandas as pd

    from analysis.customers.portrait import Portrait


def known_headline(known: pd.DataFrame) -> str:
    """State how the customers of whom something is known differ from the others."""
    row = known.iloc[0]
    return (
        f"We know who {words.percent(row['share'], 0)} of customers are; "
        f"they bring {words.percent(row['net_share'], 0)} of sales"
    )


def known_paragraph(known: pd.DataFrame, skipped: list[str]) -> str:
    """Say what the selection does to the index tables, and which attributes make no groups."""
    row = known.iloc[0]
    left = f" Left out, for they make no groups: {words.listing(skipped)}." if skipped else ""
    if not row["share"] < 1:
        return f"Something is known of every customer who bought.{left}"
    return (
        f"A known customer spends {words.number(row['ratio'], 1)} times as much as an unknown one "
        f"({words.interval(row['low'], row['high'], 1, '')}). So the indices below compare known "
        f"customers with each other; they do not describe the rest.{left}"
    )


def known_share(known: pd.DataFrame) -> Fields:
    """Return the finding on how few customers are known."""
    row = known.iloc[0]
    return {
        "key": "known_share",
        "sentence": f"of customers have any known attribute; they bring "
        f"{words.percent(row['net_share'], 0)} of net sales.",
        "value": row["share"],
        "unit": "%",
        "n": int(known["customers"].sum()),
        "noun": "customer",
        "direction": "up_good",
        "detail": "index tables speak of them alone",
    }


def portrait_headline(found: Portrait) -> str:
    """State which attribute separates spending most, and how little that may be."""
    best = found.attributes.iloc[0]
    if best["explained"] != best["explained"]:
        return "No attribute has two groups large enough to compare"
    return (
        f"{words_of(str(best['attribute']))} separates spending most, yet explains only "
        f"{words.percent(best['explained'])} of its differences"
        if best["explained"] < 0.25
        else f"{words_of(str(best['attribute']))} explains {words.percent(best['explained'])} of "
        "the differences in spending"
    )


def portrait_paragraph(found: Portrait, minimum_group: int, fdr: float) -> str:
    """Say what is withheld and how many of the indices stand out."""
    groups = words.count(int(found.attributes["withheld"].sum()), "group")
    customers = words.count(int(found.attributes["customers_withheld"].sum()), "customer")
    real, searched = int((found.indices["q"] <= fdr).sum()), int(found.indices["q"].count())
    return (
        f"Groups of fewer than {minimum_group} customers are withheld: {groups}, {customers} in "
        f"all attributes together. {real} of {searched} indices differ from 100 by more than "
        f"chance (at most {words.percent(fdr, 0)} of them falsely); they stand in full colour."
    )


def portrait_chart(leading: pd.DataFrame) -> dict[str, str]:
    """Return alt text and caption of the chart of indices."""
    names = words.listing(words_of(str(name)).lower() for name in leading["attribute"].unique())
    caption = (
        f"Net sales a customer, 100 the average, by {names}: the attributes that separate spending "
        "most. Grey: no more than chance."
    )
    return {"alt": _portrait_alt(leading), "caption": caption}


def _portrait_alt(leading: pd.DataFrame) -> str:
    if leading.empty:
        return "An empty chart: no group is large enough"
    ranked = leading.sort_values("index")
    low, high = ranked.iloc[0], ranked.iloc[-1]
    return (
        f"Dots with intervals, net sales a customer as an index: lowest {low['attribute']} "
        f"{low['level']} ({words.number(low['index'])}), highest {high['attribute']} "
        f"{high['level']} ({words.number(high['index'])})"
    )


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Return ``table`` with what its rows are about as it is read, in ``label``."""
    label = table["attribute"].map(words_of)
    return table.assign(label=label + ": " + table["level"] if "level" in table else label)
