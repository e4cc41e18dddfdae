"""What the profiling report says about who the customers are.

What the profiling report says about weeks, weekdays and hours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis.reporting.notebook import words
from analysis.reports.profiling.charts import words_of
from analysis.reports.profiling.text import Fields, too_few

if TYPE_CHECKING:
    from analysis.customers.segments.profile import Portrait


def known_headline(known: pd.DataFrame) -> str:
    """State how the customers of whom something is known differ from the others."""
    row = known.iloc[0]
    said = f"Attributes are known of {words.percent(row['share'], 0)} of customers"
    return f"{said}, who bring {_part(row)}" if pd.notna(row["net_share"]) else said


def _part(row: pd.Series) -> str:
    return f"{words.percent(row['net_share'], 0)} of customers' net sales"


def known_paragraph(known: pd.DataFrame, skipped: list[str]) -> str:
    """Say what the selection does to the index tables, and which attributes make no groups."""
    row = known.iloc[0]
    left = (
        f" Left out, for making no groups: {words.listing(map(_lower, skipped))}."
        if skipped
        else ""
    )
    if not row["share"] < 1:
        return f"Something is known of every customer who bought.{left}"
    if pd.isna(row["ratio"]):
        return f"Too few customers are known, or unknown, to compare the two.{left}"
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
        "sentence": "of customers have any known attribute"
        + (f"; they bring {_part(row)}." if pd.notna(row["net_share"]) else "."),
        "value": row["share"], "unit": "%", "n": int(known["customers"].sum()), "noun": "customer",
        "direction": "up_good", "detail": "index tables speak of them alone",
    }  # fmt: skip


def portrait_headline(found: Portrait, fdr: float) -> str:
    """State which attribute separates spending most, and how little that may be."""
    best = found.attributes.iloc[0]
    if best["explained"] != best["explained"]:
        return "No attribute has two groups large enough to compare"
    real = found.attributes[found.attributes["q"] <= fdr]
    if real.empty:
        return "No attribute separates spending significantly"
    best = real.iloc[0]
    return (
        f"{words_of(str(best['attribute']))} separates spending most, yet explains only "
        f"{words.percent(best['explained'])} of its differences (by rank)"
        if best["explained"] < 0.25
        else f"{words_of(str(best['attribute']))} explains {words.percent(best['explained'])} of "
        "the differences in spending (by rank)"
    )


def portrait_paragraph(found: Portrait, minimum_group: int, fdr: float) -> str:
    """Say what is withheld and how many of the indices stand out."""
    few = int(found.attributes["withheld"].sum())
    customers = words.count(int(found.attributes["customers_withheld"].sum()), "customer")
    left = (
        f"{words.count(few, 'group')} with {customers}, in all attributes together, "
        f"{'is' if few == 1 else 'are'} withheld, {too_few(minimum_group)}."
        if few
        else f"No group has fewer than {minimum_group} customers."
    )
    real, searched = int((found.indices["q"] <= fdr).sum()), int(found.indices["q"].count())
    return (
        f"{left} {real} of {searched} indices differ from 100 by more than "
        f"chance (at most {words.percent(fdr, 0)} of them falsely); they stand in full colour."
    )


def portrait_chart(leading: pd.DataFrame) -> dict[str, str]:
    """Return alt text and caption of the chart of indices."""
    names = words.listing(words_of(str(name)).lower() for name in leading["attribute"].unique())
    caption = (
        f"Net sales per customer, 100 the average, by {names}: the attributes that separate "
        "spending most. Grey: not significant."
    )
    return {"alt": _portrait_alt(leading), "caption": caption}


def _portrait_alt(leading: pd.DataFrame) -> str:
    if leading.empty:
        return "An empty chart: no group is large enough"
    ranked = leading.sort_values("index")
    low, high = ranked.iloc[0], ranked.iloc[-1]
    lowest, highest = (
        f"{_lower(row['attribute'])} {row['level']} ({words.number(row['index'])})"
        for row in (low, high)
    )
    return (
        f"Dots with intervals, net sales per customer as an index: lowest {lowest}, highest "
        f"{highest}"
    )


def _lower(column: object) -> str:
    return words_of(str(column)).lower()


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Return ``table`` with what its rows are about as it is read, in ``label``."""
    label = table["attribute"].map(words_of)
    return table.assign(label=label + ": " + table["level"] if "level" in table else label)


def weeks_alt(weeks: pd.DataFrame, currency: str) -> str:
    """Describe the chart of weekly sales."""
    low, high = (
        words.money(value, 0, currency)
        for value in (weeks["net_amount"].min(), weeks["net_amount"].max())
    )
    return f"Line chart of net sales in {len(weeks)} weeks, between {low} and {high}"


def weeks_headline(weeks: pd.DataFrame) -> str:
    """State how far the best week lies above the average one."""
    best = weeks.iloc[int(weeks["net_amount"].to_numpy().argmax())]
    if not weeks["net_amount"].mean() > 0:
        return "Net of returns the average week sold nothing"
    if weeks["net_amount"].nunique() == 1:
        return "Every week sold the same"
    above = best["net_amount"] / weeks["net_amount"].mean() - 1
    return (
        f"The best week, from {words.day(best['week_start'])}, sold "
        f"{words.percent(above, 0, signed=True)} against the average week"
    )


def rhythm_headline(weekdays: pd.DataFrame) -> str:
    """State the strongest and the weakest day of the week."""
    if weekdays["index"].isna().all():
        return "Net of returns the average day sold nothing, so that no weekday stands out"
    if len(weekdays) == 1:
        return f"Only {weekdays['name'].iloc[0]}s saw orders"
    if weekdays["index"].round(2).nunique() == 1:
        return "Every weekday sells the same"
    best, worst = (
        weekdays.loc[weekdays["index"] == chosen].iloc[0]
        for chosen in (weekdays["index"].max(), weekdays["index"].min())
    )
    return (
        f"{best['name']} sells {words.percent(best['index'] / 100 - 1, 0, signed=True)} against "
        f"the average day, {worst['name']} "
        f"{words.percent(worst['index'] / 100 - 1, 0, signed=True)}"
    )


def hours_headline(hours: pd.DataFrame, needed: int, of: int) -> str:
    """State the busiest hour and how concentrated the week is."""
    peak = hours.iloc[int(hours["orders_an_hour"].to_numpy().argmax())]
    return (
        f"Half of all orders fall in {needed} of the {of} hours of a week with any; "
        f"the busiest starts {peak['name']} {int(peak['hour'])}:00"
    )


def hours_alt(hours: pd.DataFrame) -> str:
    """Describe the heat map of the week."""
    busy = hours.sort_values("orders_an_hour", ascending=False).head(3)
    named = [f"{name} {hour}:00" for name, hour in zip(busy["name"], busy["hour"], strict=True)]
    return f"Heat map of orders by weekday and hour; busiest: {words.listing(named)}"
