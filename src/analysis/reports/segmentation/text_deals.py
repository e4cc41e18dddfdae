"""What price buyers and relationship customers say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.reporting.notebook import words
from analysis.reports.segmentation import text
from analysis.stats.proportions import wilson_interval

if TYPE_CHECKING:
    from analysis.customers.deals.deal_proneness import Buyers

#: Kinds that buy significantly more on offer than the threshold.
_ON_OFFER = ("Price buyer", "Valuable deal seeker")

#: Smaller shares are read with a decimal.
_FEW = 0.02

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]


def buyers_headline(table: pd.DataFrame, threshold: float) -> str:
    """Say how many buy significantly more on offer than the threshold, and what they bring."""
    share = float(table.loc[table["group"].isin(_ON_OFFER), "share"].sum())
    margin = text.brought(table, _ON_OFFER, "margin_share")
    said = (
        f"{_percent(share)} of customers buy significantly (95 %) more than "
        f"{words.percent(threshold, 0)} of their lines on offer"
    )
    return f"{said}; they bring {_percent(margin)} of margin" if margin == margin else said


def _percent(share: float) -> str:
    """Return a share, with a decimal where it is small: a loss must not read as nothing."""
    return words.percent(share, 1 if abs(share) < _FEW else 0)


def buyers_rule(found: Buyers) -> str:
    """Disclose the threshold, the certainty asked for, and what shrinks the shares."""
    a, b = found.prior
    return (
        f"A price buyer buys more than {words.percent(found.threshold)} of lines on offer with a "
        f"certainty of {words.percent(found.certainty, 0)} or more; on average customers buy "
        f"{words.percent(a / (a + b))} on offer. Much margin means belonging to those who "
        f"together bring the first {words.percent(found.top_margin, 0)}. Lines of one order say as "
        f"much as one line in {words.number(found.design_effect, 1)}; each share is drawn towards "
        f"the average with the weight of {words.number(a + b, 0)} such lines."
    )


def buyers_finding(found: Buyers) -> Fields:
    """Return the finding on price buyers."""
    called = found.table["buyer"].isin(_ON_OFFER)
    low, high = (float(end.item()) for end in wilson_interval(called.sum(), len(called)))
    unsure = (found.table["buyer"] == "Uncertain").mean()
    return {
        "key": "price_buyers",
        "sentence": "of customers buy significantly more on offer than "
        f"{words.percent(found.threshold, 0)} of their lines",
        "value": float(called.mean()), "low": low, "high": high, "unit": "%", "n": len(found.table),
        "noun": "customer",
        "detail": f"{words.percent(float(unsure), 0)} cannot be called either way",
    }  # fmt: skip


def buyers_next(table: pd.DataFrame) -> str:
    """Say who stayed in the time after."""
    rows = text.enough(table).dropna(subset="bought").set_index("group")
    if not {"Price buyer", "Relationship customer"} <= set(rows.index):
        return "What each kind of buyer did in the time after"
    price, loyal = rows.loc["Price buyer"], rows.loc["Relationship customer"]
    return (
        f"Of price buyers {words.percent(price['bought'], 0)} bought again, of relationship "
        f"customers {words.percent(loyal['bought'], 0)}"
    )


def paused(table: pd.DataFrame) -> str:
    """Say who ordered as usual when there were no discounts."""
    ranked = table.sort_values("stayed")
    least, most = ranked.iloc[0], ranked.iloc[-1]
    weeks = words.count(int(table["weeks"].iloc[0]), "week")
    if len(table) < 2 or least["high"] >= most["low"]:
        return (
            f"In {weeks} without discounts no kind of buyer kept significantly fewer of its usual "
            "orders than another"
        )
    one, other = (
        f"{str(row['group']).lower()}s placed {words.percent(row['stayed'], 0)} of their usual "
        f"orders ({words.interval(row['low'], row['high'], 0)})"
        for row in (least, most)
    )
    return f"In {weeks} without discounts {one}, {other}"


def reaction(table: pd.DataFrame) -> str:
    """Say whose part of a category is larger where discounts are deeper."""
    clear = table[table["low"] > 0]
    if clear.empty:
        return "No kind of buyer buys significantly more of a category where discounts are deeper"
    row = clear.loc[clear["reaction"].idxmax()]
    others = table[table["group"] != row["group"]]["high"]
    most = "most" if row["low"] > others.max() or others.empty else "largest estimate"
    return (
        f"{row['group']}s' part of a category is {words.percent(row['reaction'], 1)} larger where "
        f"its discount is ten points deeper ({most} of all kinds)"
    )


def stocked(table: pd.DataFrame) -> str:
    """Say who takes more units of deeper offers."""
    clear = table[table["low"] > 0]
    if clear.empty:
        return "No kind of buyer takes significantly more units of what is cut deeper"
    row = clear.loc[clear["more"].idxmax()]
    others = table[table["group"] != row["group"]]["high"]
    if row["low"] <= others.max():
        least, most = (words.percent(clear["more"].agg(end), 0) for end in ("min", "max"))
        of = (
            "" if len(clear) == len(table) else f" for {len(clear)} of {len(table)} kinds of buyers"
        )
        return (
            f"Offers ten points deeper go with {least}{'' if most == least else f' to {most}'} "
            f"more units beyond the first{of}; kinds of buyers cannot be told apart in it"
        )
    return (
        f"{row['group']}s take most of deeper offers: {words.percent(row['more'], 0)} more units "
        "beyond the first where an offer is ten points deeper"
    )
