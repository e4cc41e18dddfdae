"""What rhythm, life stage, second orders and win-backs say."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from analysis.customers.retention.lifecycle import Silence
from analysis.customers.retention.win_back import detectable_difference, difference_of_shares
from analysis.reporting.notebook import words
from analysis.reports.segmentation import text
from analysis.stats.proportions import wilson_interval
from analysis.stats.sizes import FEWEST_CUSTOMERS

#: Share of net sales of silent customers from which on somebody has to decide something.
ALERT = 0.10

#: Smaller shares are read with a decimal.
_FEW = 0.01

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]


def rhythm_headline(table: pd.DataFrame) -> str:
    """Say how many shop at regular intervals."""
    clock = table[table["group"].str.startswith("Regular")]
    if clock.empty:
        return "Nobody shops at significantly regular intervals"
    share, sales = clock["share"].sum(), text.brought(table, set(clock["group"]), "net_share")
    decimals = 1 if share < _FEW else 0
    said = f"{words.percent(share, decimals)} of customers shop at significantly regular intervals"
    return (
        f"{said}; they bring {words.percent(sales, decimals)} of sales" if sales == sales else said
    )


def regularity(common: Any) -> str:
    """Say what Wheat and Morrison's k is for everybody, if there are gaps that differ."""
    if math.isnan(common.shape):
        return "Wheat and Morrison's k cannot be given: fewer than three customers have two gaps."
    if math.isinf(common.shape):
        return (
            f"Over all customers ({words.number(common.customers)}), the last two gaps are alike: "
            "Wheat and Morrison's k is infinite, perfect regularity."
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
        f"{words.count(common.customers, 'customer')}); 1 is a shopper without memory."
    )


def rhythm_finding(table: pd.DataFrame) -> Fields:
    """Return the finding on regular shoppers."""
    clock = table[table["group"].str.startswith("Regular")]
    everybody = int(table["customers"].sum())
    low, high = share_interval(int(clock["customers"].sum()), everybody)
    return {
        "key": "by_the_clock",
        "sentence": "of customers shop significantly (95 %) more regularly than at random",
        "value": float(clock["share"].sum()), "low": low, "high": high, "unit": "%", "n": everybody,
        "noun": "customer",
        "detail": "of customers who come at random, 5 % at most would be called so",
    }  # fmt: skip


def stages_headline(found: Silence) -> str:
    """Say how many are silent beyond their own rhythm, and how many would be anyway."""
    if not found.silent:
        return "Nobody has been away longer than their own rhythm explains"
    have = "has" if found.silent == 1 else "have"
    said = (
        f"{words.count(found.silent, 'customer')} ({words.percent(found.share)}) {have} been away "
        "longer than their own rhythm explains"
    )
    if found.returned < FEWEST_CUSTOMERS:
        return said
    return f"{said}; without any loss it would be about {words.percent(found.usual)}"


def stages_title(found: Silence, days: int) -> str:
    """Return the page's title: how many are silent, and whether such customers come back."""
    silent = f"{words.percent(found.share, 0)} of customers are silent beyond their own rhythm"
    if found.returned >= FEWEST_CUSTOMERS and not more_than_usual(found):
        silent += ", not significantly more than without any loss"
    if found.followed < FEWEST_CUSTOMERS:
        return silent
    back = words.percent(found.back / found.followed, 0)
    return f"{silent}; of such customers {back} bought again within {days} days"


def more_than_usual(found: Silence) -> bool:
    """Tell whether significantly more are silent than where nobody leaves (95 %, Newcombe)."""
    if min(found.returned, found.customers) < FEWEST_CUSTOMERS:
        return False
    return (
        difference_of_shares(found.silent, found.customers, found.called, found.returned, 0.95)[1]
        > 0
    )


def stages_finding(found: Silence) -> Fields:
    """Return the finding on silence beyond the own rhythm."""
    low, high = share_interval(found.silent, found.customers)
    return {
        "key": "unusually_silent",
        "sentence": "of customers have been away longer than their own rhythm explains",
        "value": found.share, "low": low, "high": high, "unit": "%", "n": found.customers,
        "noun": "customer", "direction": "up_bad",
        "alert": more_than_usual(found) and found.net_share > ALERT,
        "otherwise": _by_themselves(found), "detail": _usual(found),
    }  # fmt: skip


def _by_themselves(found: Silence) -> str | None:
    """Return how many of such customers come back if nothing is done; None if it is not known."""
    if found.followed < FEWEST_CUSTOMERS:
        return None
    return f"{words.percent(found.back / found.followed, 0)} of such customers came back so far"


def slipping_finding(found: Silence, sales: pd.DataFrame | None, confidence: float) -> Fields:
    """Return the finding on the sales of customers who are silent beyond their own rhythm.

    ``sales`` is `lifecycle.silent_sales`; None where it would tell of a small stage.
    """
    value, low, high = (0.0, None, None) if not found.silent else (None, None, None)
    if sales is not None and (sales["group"] == "silent").any():
        row = sales[sales["group"] == "silent"].iloc[0]
        value, low, high = row["net_share"], row["net_share_low"], row["net_share_high"]
    back = (
        f"of such customers {words.percent(found.back / found.followed, 0)} bought again in the "
        f"weeks after an earlier day ({words.count(found.followed, 'customer')} followed)"
        if found.followed >= FEWEST_CUSTOMERS
        else "too few such customers could be followed to say how many come back"
    )
    return {
        "key": "slipping_share",
        "sentence": "of net sales came from customers who are silent beyond their own rhythm",
        "value": value, "low": low, "high": high, "unit": "%", "n": found.silent,
        "noun": "customer", "direction": "up_bad", "level": confidence, "detail": back,
    }  # fmt: skip


def _usual(found: Silence) -> str:
    if found.returned < FEWEST_CUSTOMERS:
        return "how many would be silent without any loss could not be checked"
    usual = (
        f"of {words.count(found.returned, 'customer')} who did come back, "
        f"{words.percent(found.usual)} had been called silent by the same rule"
    )
    if more_than_usual(found):
        return usual
    return (
        f"{usual}: not significantly fewer, so this share by itself is no sign of losses; report "
        "07 judges longer silences"
    )


def stages_order(followed: pd.DataFrame) -> str:
    """Say whether the stages are ordered by the chance to return, as they should be."""
    rows = text.enough(followed).set_index("group")
    known = [s for s in ("Active", "At risk", "Lapsed") if s in rows.index]
    known = [s for s in known if rows.loc[s, "customers"] >= FEWEST_CUSTOMERS]
    if len(known) < 2:
        return "Too few silent customers were followed to check the order of the stages."
    told = words.listing([f"{s.lower()} {words.percent(rows.loc[s, 'bought'], 0)}" for s in known])
    ordered = rows.loc[known, "bought"].is_monotonic_decreasing
    verdict = "in the order of the stages" if ordered else "not in the order of the stages"
    return f"Chance to buy again, as measured: {told}, {verdict}."


def transitions(table: pd.DataFrame) -> str:
    """Say what became of the customers at risk."""
    rows = table[table["was"] == "At risk"].set_index("became")[["share", "customers"]]
    if rows.empty:
        return "Nobody was at risk before; where each life stage is later"
    again = rows.reindex(["Active", "Won back", "Growing", "Declining"]).fillna(0).sum()
    known = int(rows["customers"].sum())
    if known < FEWEST_CUSTOMERS:
        were = "was" if again["customers"] == 1 else "were"
        return (
            f"{words.number(again['customers'])} of {words.count(known, 'customer')} at risk "
            f"{were} active, growing, declining or won back in the end"
        )
    return (
        f"{words.percent(again['share'], 0)} of customers at risk were active, growing, declining "
        "or won back in the end"
    )


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
        "value": row["returned"], "low": row["low"], "high": row["high"], "unit": "%",
        "n": newcomers, "noun": "newcomer", "direction": "up_good", "level": confidence,
    }  # fmt: skip


def win_back(table: pd.DataFrame) -> str:
    """Say what contacting silent customers went with, and that it is no effect."""
    known = table[table[["contacted", "not_contacted"]].min(axis=1) >= FEWEST_CUSTOMERS]
    if known.empty:
        most = words.count(int(table["contacted"].max()), "contacted customer")
        return (
            f"Whether contacting helps cannot be told: at most {most} in a stage, "
            f"{FEWEST_CUSTOMERS} of each kind are needed"
        )
    told = [_contacted(row) for _, row in known.iterrows()]
    clear = (known["low"] > 0) | (known["high"] < 0)
    chosen = "; they were chosen, so this is no effect" if clear.any() else ""
    rest = [f"{said[0].lower()}{said[1:]}" for said in told[1:]]
    return "; ".join([*told[:1], *rest]) + chosen


def _contacted(row: pd.Series) -> str:
    """Say whether contacted customers of one stage came back more often."""
    who = f"{row['stage']} customers who were contacted"
    if row["low"] <= 0 <= row["high"]:
        seen = words.points(detectable_difference(row), 0, signed=False)
        return (
            f"{who} came back neither significantly more nor less often than others (with so "
            f"many a difference of {seen} or more would probably have been seen)"
        )
    points = words.points(abs(row["difference"]), 0, signed=False)
    more = "more" if row["low"] > 0 else "less"
    return f"{who} came back {more} often by {points}"


def known_returns(table: pd.DataFrame) -> pd.DataFrame:
    """Return the comparison with contacted customers, withheld where either side has too few."""
    few = table[["contacted", "not_contacted"]].min(axis=1) < FEWEST_CUSTOMERS
    figures = ["returned_contacted", "returned_not", "difference", "low", "high"]
    return table.assign(**{name: table[name].mask(few) for name in figures})


def tested(table: pd.DataFrame) -> str:
    """Say what randomised offers brought back."""
    row = table.loc[table["low"].idxmax()]
    points = words.points(row["difference"], 0, signed=False)
    known = words.interval(row["low"], row["high"], 0, "points")
    if not row["low"] > 0:
        most = words.points(float(table["high"].max()), 0, signed=False)
        return (
            "No randomised offer brought significantly more silent customers back; the intervals "
            f"reach up to {most}"
        )
    return f"Randomised: {row['promotion']} brought back {points} more ({known})"


def as_grid(moves: pd.DataFrame) -> pd.DataFrame:
    """Return transitions with a row a stage of enough customers before, a column a stage later."""
    moves = moves[moves.groupby("was")["customers"].transform("sum") >= FEWEST_CUSTOMERS]
    order = list(dict.fromkeys(moves["became"]))
    rows = list(dict.fromkeys(moves["was"]))
    wide = moves.pivot(index="was", columns="became", values="share").loc[rows, order]
    return wide.loc[:, wide.sum() > 0]


def as_triangle(kept: pd.DataFrame, *, most: int = 14) -> pd.DataFrame:
    """Return retention with a row a cohort and a column a month later, the last cohorts."""
    later = kept[kept["months_later"] > 0]
    wide = later.pivot(index="cohort", columns="months_later", values="share")
    wide.index = [f"{day:%b %Y}" for day in wide.index]
    return wide.tail(most).dropna(axis="columns", how="all").iloc[:, :most]


def share_interval(part: int, of: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of a share."""
    low, high = (float(end.item()) for end in wilson_interval(part, of))
    return float(low), float(high)


def retention(kept: pd.DataFrame) -> str:
    """Say how many of a cohort buy a quarter later."""
    rows = kept[kept["known"] & (kept["months_later"] == 3)]
    if rows["customers"].sum() < FEWEST_CUSTOMERS:
        return "No newcomers can be seen a quarter later yet"
    share = rows["bought"].sum() / rows["customers"].sum()
    return (
        f"{words.percent(share, 0)} of {words.count(rows['customers'].sum(), 'customer')} first "
        "seen after the first month of the data bought in the third month after their own first"
    )
