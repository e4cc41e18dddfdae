"""What rhythm, life stage, second orders and win-backs say."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from analysis.customers.segments.group_summary import FEWEST
from analysis.reporting.notebook import words

#: Smaller shares are read with a decimal.
_FEW = 0.01

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]


def rhythm_headline(table: pd.DataFrame) -> str:
    """Say how many shop by the clock."""
    clock = table[table["group"].str.startswith("By the clock")]
    if clock.empty:
        return "Nobody surely shops by the clock"
    share, sales = clock["share"].sum(), clock["net_share"].sum()
    decimals = 1 if share < _FEW else 0
    return (
        f"{words.percent(share, decimals)} of customers surely shop by the clock; they "
        f"bring {words.percent(sales, decimals)} of sales"
    )


def regularity(common: Any) -> str:
    """Say what Wheat and Morrison's k is for everybody, if there are gaps that differ."""
    if math.isnan(common.shape):
        return "Wheat and Morrison's k cannot be given: fewer than three customers have two gaps."
    if math.isinf(common.shape):
        return (
            f"Over all customers ({words.number(common.customers)}), the last two gaps are alike: "
            "Wheat and Morrison's k has no end, a clock's."
        )
    if math.isinf(common.high):
        return (
            f"Over all customers, Wheat and Morrison's k is {words.number(common.shape, 2)} (at "
            f"least {words.number(common.low, 2)}, {words.count(common.customers, 'customer')}); 1 "
            "would be a shopper without memory."
        )
    return (
        f"Over all customers, Wheat and Morrison's k is {words.number(common.shape, 2)} "
        f"({words.interval(common.low, common.high, 2, '')}, "
        f"{words.count(common.customers, 'customer')}); 1 would be a shopper without memory."
    )


def rhythm_finding(table: pd.DataFrame) -> Fields:
    """Return the finding on customers who shop by the clock."""
    clock = table[table["group"].str.startswith("By the clock")]
    return {
        "key": "by_the_clock",
        "sentence": "of customers shop more regularly than by lot, beyond doubt",
        "value": float(clock["share"].sum()),
        "unit": "%",
        "n": int(table["customers"].sum()),
        "noun": "customer",
    }


def stages_headline(table: pd.DataFrame) -> str:
    """Say how many have been away longer than their own rhythm explains."""
    away = table[table["group"].isin(["At risk", "Lapsed"])]
    if away.empty:
        return "Nobody has been away longer than their own rhythm explains"
    have = "has" if away["customers"].sum() == 1 else "have"
    return (
        f"{words.count(away['customers'].sum(), 'customer')} {have} been away longer than their "
        f"own rhythm explains; they brought {words.percent(away['net_share'].sum(), 0)} of sales"
    )


def stages_finding(table: pd.DataFrame) -> Fields:
    """Return the finding on unusual silence."""
    away = table[table["group"].isin(["At risk", "Lapsed"])]
    return {
        "key": "unusually_silent",
        "sentence": "of customers have been away longer than their own rhythm explains",
        "value": float(away["share"].sum()),
        "unit": "%",
        "n": int(table["customers"].sum()),
        "noun": "customer",
        "direction": "up_bad",
        "alert": bool(away["net_share"].sum() > 0.10),
        "detail": f"they brought {words.percent(float(away['net_share'].sum()))} of sales",
    }


def transitions(table: pd.DataFrame) -> str:
    """Say what became of the customers at risk."""
    rows = table[table["was"] == "At risk"].set_index("became")[["share", "customers"]]
    if rows.empty:
        return "Nobody was at risk before; where each life stage is later"
    again = rows.reindex(["Active", "Won back", "Growing", "Declining"]).fillna(0).sum()
    known = int(rows["customers"].sum())
    if known < FEWEST:
        were = "was" if again["customers"] == 1 else "were"
        return (
            f"{words.number(again['customers'])} of {words.count(known, 'customer')} at risk "
            f"{were} buying again later"
        )
    return f"{words.percent(again['share'], 0)} of customers at risk were buying again later"


def second(row: pd.Series, newcomers: int) -> str:
    """Say how many newcomers come back."""
    return (
        f"{words.percent(row['returned'], 0)} of {words.count(newcomers, 'newcomer')} came back "
        f"within {row.name} days ({words.interval(row['low'], row['high'], 0)})"
    )


def second_finding(row: pd.Series, newcomers: int, confidence: float) -> Fields:
    """Return the finding on the second order."""
    return {
        "key": "second_order",
        "sentence": f"of newcomers placed a second order within {row.name} days",
        "value": row["returned"],
        "low": row["low"],
        "high": row["high"],
        "unit": "%",
        "n": newcomers,
        "noun": "newcomer",
        "direction": "up_good",
        "level": confidence,
    }


def win_back(table: pd.DataFrame) -> str:
    """Say what contacting silent customers went with, and that it is no effect."""
    row = table.iloc[0]
    who = f"{row['stage']} customers who were contacted came back"
    if not row["low"] > 0:
        return f"{who} no more often than others, as far as can be told"
    points = words.points(row["difference"], 0, signed=False)
    return f"{who} more often by {points}; they were chosen, so this is no effect"


def tested(table: pd.DataFrame) -> str:
    """Say what offers drawn by lot brought back."""
    row = table.loc[table["low"].idxmax()]
    points = words.points(row["difference"], 0, signed=False)
    known = words.interval(row["low"], row["high"], 0, "points")
    if not row["low"] > 0:
        return "No offer drawn by lot surely brought silent customers back"
    return f"Drawn by lot, {row['promotion_id']} brought back {points} more ({known})"


def as_grid(moves: pd.DataFrame) -> pd.DataFrame:
    """Return transitions with a row a stage before and a column a stage later."""
    order = list(dict.fromkeys(moves["became"]))
    rows = list(dict.fromkeys(moves["was"]))
    wide = moves.pivot(index="was", columns="became", values="share").loc[rows, order]
    return wide.loc[:, wide.sum() > 0]


def as_triangle(kept: pd.DataFrame, *, most: int = 14) -> pd.DataFrame:
    """Return retention with a row a cohort and a column a month later, the last cohorts."""
    later = kept[kept["months_later"] > 0]
    wide = later.pivot(index="cohort", columns="months_later", values="share")
    wide.index = [f"{day:%b %Y}" for day in wide.index]
    return wide.tail(most).dropna(axis="columns", how="all")


def retention(kept: pd.DataFrame) -> str:
    """Say how many of a cohort buy a quarter later."""
    rows = kept[kept["known"] & (kept["months_later"] == 3)]
    if rows.empty:
        return "No newcomers can be seen a quarter later yet"
    share = rows["bought"].sum() / rows["customers"].sum()
    return f"{words.percent(share, 0)} of newcomers buy in the third month after their first"
