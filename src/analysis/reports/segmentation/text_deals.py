"""What price buyers and relationship customers say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.reporting.notebook import words

if TYPE_CHECKING:
    from analysis.customers.deals.deal_proneness import Buyers

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]


def buyers_headline(table: pd.DataFrame) -> str:
    """Say who significantly buys on offer and who does not, and what both bring."""
    rows = table.set_index("group")
    price = rows.reindex(["Price buyer", "Valuable deal seeker"]).fillna(0)
    return (
        f"{words.percent(price['share'].sum(), 0)} of customers significantly (95 %) buy on offer; "
        f"they bring {words.percent(price['margin_share'].sum(), 0)} of margin"
    )


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
    called = found.table["buyer"].isin(["Price buyer", "Valuable deal seeker"])
    unsure = (found.table["buyer"] == "Uncertain").mean()
    return {
        "key": "price_buyers",
        "sentence": "of customers buy significantly more on offer than "
        f"{words.percent(found.threshold, 0)} of their lines",
        "value": float(called.mean()),
        "unit": "%",
        "n": len(found.table),
        "noun": "customer",
        "detail": f"{words.percent(float(unsure), 0)} cannot be called either way",
    }


def buyers_next(table: pd.DataFrame) -> str:
    """Say who stayed in the time after."""
    rows = table.set_index("group")
    if not {"Price buyer", "Relationship customer"} <= set(rows.index):
        return "What each kind of buyer did in the time after"
    price, loyal = rows.loc["Price buyer"], rows.loc["Relationship customer"]
    return (
        f"Of price buyers {words.percent(price['bought'], 0)} bought again, of relationship "
        f"customers {words.percent(loyal['bought'], 0)}"
    )


def paused(table: pd.DataFrame) -> str:
    """Say who stayed when there were no discounts."""
    rows = table.set_index("group")["stayed"]
    low, high = rows.idxmin(), rows.idxmax()
    return (
        f"Without discounts, {low.lower()}s kept {words.percent(rows[low], 0)} of their orders, "
        f"{high.lower()}s {words.percent(rows[high], 0)}"
    )


def reaction(table: pd.DataFrame) -> str:
    """Say who reacts to deeper discounts."""
    clear = table[table["low"] > 0]
    if clear.empty:
        return "No kind of buyer reacts significantly to deeper discounts"
    row = clear.loc[clear["reaction"].idxmax()]
    return (
        f"{row['group']}s react most: ten points more discount raise their part of a category by "
        f"{words.percent(row['reaction'], 1)}"
    )


def stocked(table: pd.DataFrame) -> str:
    """Say who takes more units of deeper offers."""
    clear = table[table["low"] > 0]
    if clear.empty:
        return "No kind of buyer takes significantly more units of what is cut deeper"
    row = clear.loc[clear["more"].idxmax()]
    others = table[table["group"] != row["group"]]["more"]
    if row["low"] <= others.max():
        least, most = clear["more"].min(), clear["more"].max()
        return (
            "Deeper offers fill the basket of all kinds alike: ten points more, "
            f"{words.percent(least, 0)} to {words.percent(most, 0)} more units beyond the first"
        )
    return (
        f"{row['group']}s stock up most: ten points deeper, they take "
        f"{words.percent(row['more'], 0)} more units beyond the first"
    )
