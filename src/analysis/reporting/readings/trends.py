"""What trends, shifts, launches and levers say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analysis.reporting import words

if TYPE_CHECKING:
    import pandas as pd

    from analysis.demand.scenarios import Scenario

#: Why there is nothing to search for a trend.
_UNSEARCHED = "each is too short, never varies, or came or went"

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]


def rhythm(strength: dict[str, float]) -> str:
    """Say how much of the daily ups and downs the day of the week explains."""
    return (
        f"The day of the week explains {words.percent(strength['weekly'], 0)} of the daily ups "
        "and downs that trend does not"
    )


def trend_counts(table: pd.DataFrame) -> str:
    """Say how many categories rise and fall."""
    up = int((table["direction"] == "rising").sum())
    down = int((table["direction"] == "falling").sum())
    searched = int(table["p"].notna().sum())
    if not searched:
        return f"No series is searched for a trend: {_UNSEARCHED}"
    if not up and not down:
        return f"None of {words.number(searched)} series searched rises or falls beyond chance"
    return f"{up} rise and {down} fall beyond chance, of {words.number(searched)} searched"


def trend_finding(table: pd.DataFrame, fdr: float) -> Fields:
    """Return how many series have a trend."""
    found = table[table["direction"].isin(["rising", "falling"])]
    top = found.sort_values("size", ascending=False).head(2)["name"]
    names = words.listing([str(n).rsplit(" / ", 1)[-1] for n in top])
    searched = int(table["p"].notna().sum())
    nothing = "nothing rises or falls beyond chance" if searched else _UNSEARCHED
    return {
        "key": "trends",
        "sentence": "series with a trend beyond chance",
        "value": float(len(found)),
        "n": searched,
        "detail": f"largest: {names}; {words.percent(fdr, 0)} at most expected to be false"
        if len(found)
        else nothing,
        "decimals": 0,
    }


def shift_counts(table: pd.DataFrame) -> str:
    """Say how many series moved to another level, and name the largest."""
    moved = table[table["shifted"]]
    if moved.empty:
        return "No series moved to another level"
    largest = moved.sort_values("size", ascending=False).iloc[0]
    name = str(largest["name"]).rsplit(" / ", 1)[-1]
    change = words.percent(largest["change"], 0, signed=True)
    when = words.day(largest["period_start"])
    others = words.count(len(moved), "series", "series")
    return f"{others} moved to another level; the largest, {name}, {change} from {when}"


def stood_out(table: pd.DataFrame) -> str:
    """Say how many single weeks stood out, and how many of them lead up to an occasion."""
    if table.empty:
        return "No week of a series stood out alone"
    told = int((table["holiday"] != "").sum())
    weeks = words.count(len(table), "week")
    if len(table) == 1:
        before = f"{'' if told else 'not '}before a holiday or occasion"
    else:
        before = f"{told or 'none'} of them before a holiday or occasion"
    return f"{weeks} of a series stood out alone, {before}"


def came_and_went(table: pd.DataFrame) -> str:
    """Say how many products were launched and ended."""
    launched = int(table["status"].str.contains("launched").sum())
    ended = int(table["status"].str.contains("ended").sum())
    rare = int((table["status"] == "too rare to tell").sum())
    if rare == len(table):
        return "No product sells often enough to tell whether it came or went"
    if not launched and not ended:
        told = "Of {} none surely came or went".format(words.count(len(table), "best seller"))
        return f"{told}; {words.number(rare)} sell too rarely to tell" if rare else told
    return (
        f"Of the {words.number(len(table))} best sellers {launched} came and {ended} went: "
        "not trends, and left out of them"
    )


def lever_counts(table: pd.DataFrame) -> str:
    """Say where displays and mailers show an effect."""
    found = table[table["found"]]
    searched = words.number(table["name"].nunique())
    if found.empty:
        return f"Neither displays nor mailers show an effect in the {searched} largest categories"
    names = found["name"].nunique()
    return f"Displays or mailers move {names} of the {searched} largest categories beyond chance"


def plan(compared: Scenario, row: pd.Series, horizon: int, currency: str) -> str:
    """Say what the plan would bring."""
    name = str(row["name"]).rsplit(" / ", 1)[-1]
    what = "mailer places" if row["regressor"] == "mailed" else "displays"
    extra = words.money(compared.difference, 0, currency, signed=True)
    ends = words.interval(compared.low, compared.high, 0, currency)
    return f"Twice the {what} for {name} over {horizon} weeks: {extra} ({ends})"
