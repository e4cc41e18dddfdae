"""What the profiling report says about weeks, weekdays and hours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.reporting import words

if TYPE_CHECKING:
    import pandas as pd


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
        f"Half of all orders fall in {needed} of the {of} hours open a week; "
        f"the busiest starts {peak['name']} {int(peak['hour'])}:00"
    )


def hours_alt(hours: pd.DataFrame) -> str:
    """Describe the heat map of the week."""
    busy = hours.sort_values("orders_an_hour", ascending=False).head(3)
    named = [f"{name} {hour}:00" for name, hour in zip(busy["name"], busy["hour"], strict=True)]
    return f"Heat map of orders by weekday and hour; busiest: {words.listing(named)}"
