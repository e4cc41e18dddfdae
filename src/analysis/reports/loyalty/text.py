"""What points, their ledger and their liability say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.reporting.notebook import words

if TYPE_CHECKING:
    from analysis.engagement.points.points_economics import Economics
    from analysis.engagement.points.points_ledger import Reconciliation
    from analysis.engagement.points.points_liability import Liability
    from analysis.reporting.notebook.report import TrustLine

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]


def title(owed: Liability | None, spent: Economics | None, currency: str) -> str:
    """Return the title: what open points will cost, and what the programme costs of the margin."""
    said = []
    if owed is not None:
        said.append(
            f"Open points should cost about {words.money(owed.cost.value, 0, currency)}; "
            f"{words.percent(owed.breakage.value, 0)} of points expire unused"
        )
    if spent is not None and np.isfinite(spent.break_even):
        said.append(f"redeemed points cost {words.percent(spent.break_even)} of members' margin")
    joined = ", and ".join(said) or "what the loyalty programme shows"
    return joined[0].upper() + joined[1:]


def books_headline(books: Reconciliation) -> str:
    """Return whether the ledger adds up."""
    flows = books.flows.set_index("flow")["points"]
    if books.holds:
        return (
            f"The ledger reconciles: {words.number(flows['earned'])} points earned are redeemed, "
            "expired, adjusted or open"
        )
    broken = books.rules[books.rules["counts"] & (books.rules["entries"] > 0)]
    return (
        f"The ledger does not reconcile: {words.count(broken['entries'].sum(), 'movement')} "
        f"{'breaks' if broken['entries'].sum() == 1 else 'break'} a rule"
    )


def books_finding(books: Reconciliation) -> Fields:
    """Return the finding on movements that break a rule."""
    broken = books.rules[books.rules["counts"]]
    listed = broken[broken["entries"] > 0]
    what = words.listing(f"{r.what[0].lower()}{r.what[1:]} ({words.number(r.entries)})"
                         for r in listed.itertuples())  # fmt: skip
    return {
        "key": "ledger_breaks",
        "sentence": "of points break a rule of the ledger; no liability is given until they are "
        f"mended: {what}" if len(listed) else "of points break a rule of the ledger: it reconciles",
        "value": float(broken["entries"].sum()), "unit": "movements",
        "n": int(books.flows["entries"].iloc[:4].sum()), "noun": "movement", "direction": "up_bad",
        "alert": not books.holds,
    }  # fmt: skip


def books_reading(books: Reconciliation) -> str:
    """Return how the ledger was read, and what it lacks."""
    said = [
        "Expiries are set against the points that had come due; redemptions use points first in, "
        "first out by the day they expire."
    ]
    if books.missing:
        said.append(
            f"The sum is off by {words.number(abs(books.missing))} points: so many left accounts "
            "that did not have them."
        )
    rules = books.rules.set_index("rule")["entries"]
    if rules["starts_in_the_middle"]:
        said.append(
            "Accounts whose first movement takes points away suggest a ledger that starts in the "
            "middle: the opening balances are missing and have to be delivered as adjustments."
        )
    if rules["twice"]:
        said.append(
            f"Posted twice for the same order: {words.count(rules['twice'], 'earning')}; this "
            "breaks no sum and may be rightly so, but is worth a look."
        )
    return " ".join(said)


def liability_finding(owed: Liability, currency: str, level: float) -> Fields:
    """Return the finding on what open points will cost."""
    return {
        "key": "points_liability",
        "sentence": f"is what the {words.number(owed.open_points)} open points are expected to "
        "cost when they are redeemed",
        "value": owed.cost.value, "low": owed.cost.low, "high": owed.cost.high, "unit": currency,
        "n": int(owed.ripe), "noun": "month", "direction": "up_bad", "level": level,
    }  # fmt: skip


def breakage_finding(owed: Liability, level: float) -> Fields:
    """Return the finding on breakage."""
    return {
        "key": "breakage",
        "sentence": "of the points earned expired unused (breakage), in months whose points have "
        "all come due",
        "value": owed.breakage.value, "low": owed.breakage.low, "high": owed.breakage.high,
        "unit": "%", "n": int(owed.ripe), "noun": "month", "level": level,
    }  # fmt: skip


def liability_headline(owed: Liability) -> str:
    """Return how many of the open points will be redeemed."""
    if not owed.open_points:
        return "No points are open"
    ends = (owed.owed.low / owed.open_points, owed.owed.high / owed.open_points)
    return (
        f"{words.percent(owed.owed.value / owed.open_points, 0)} of the open points are expected "
        f"to be redeemed ({words.interval(*ends, 0)})"
    )


def liability_reading(owed: Liability) -> str:
    """Return how the estimate was made and when not to believe it."""
    said = [
        f"Breakage of the {words.count(owed.ripe, 'month')} whose points have come due is "
        "projected to the younger ones by the chain ladder with Mack's error; months that are "
        "still open are censored, not counted as kept."
    ]
    if owed.in_turn:
        said.append("The ledger spends points first in, first out.")
    else:
        said.append(
            f"{words.number(owed.out_of_turn)} points expired although spending first in, first "
            "out would have used them before: the scheme spends in another order. Single months "
            "are therefore set off oldest first; the total does not depend on it."
        )
    if owed.drifts:
        said.append(
            "**Breakage moved over these months (p below 0.01): the younger months may not do as "
            "the older did, and the interval does not hold that.**"
        )
    return " ".join(said)


def economics_finding(spent: Economics, currency: str) -> Fields:
    """Return the finding on what redeemed points cost of members' margin."""
    return {
        "key": "points_break_even",
        "sentence": "of the contribution margin of customers with points is what redeemed points "
        "cost: so much of it the programme must have caused to pay for its points",
        "value": spent.break_even if np.isfinite(spent.break_even) else None, "unit": "%",
        "n": spent.members, "noun": "member",
        "detail": f"{words.money(spent.cost, 0, currency)} of "
        f"{words.money(spent.margin, 0, currency)} in {spent.period.days} days",
        "at_stake": spent.cost, "decimals": 2,
    }  # fmt: skip


def economics_reading(spent: Economics, currency: str) -> str:
    """Return what a point costs, what it would if all were redeemed, and what returns keep."""
    said = [
        f"From {spent.period} members earned {words.number(spent.earned)} points and redeemed "
        f"{words.number(spent.redeemed)}. Redeemed points cost "
        f"{words.money(spent.cost, 0, currency)}; the points earned would cost "
        f"{words.money(spent.promised, 0, currency)} if every one were redeemed. Whether the "
        "programme brings more than it costs no ledger tells: members were not made members at "
        "random."
    ]
    if spent.returned_points:
        said.append(
            f"{words.number(spent.returned_points)} points of "
            f"{words.count(spent.returned_orders, 'order')} that came back, wholly or in part, "
            f"were never taken back ({words.money(spent.returned_cost, 2, currency)})."
        )
    return " ".join(said)


def economics_table(spent: Economics) -> pd.DataFrame:
    """Return the programme's year as a table of what and value."""
    rows = [
        ("Net sales of members", spent.net),
        ("Contribution margin of members", spent.margin),
        ("Cost of points redeemed", spent.cost),
        ("Cost of points earned, were all redeemed", spent.promised),
        ("Cost of points kept on returned goods", spent.returned_cost),
    ]
    return pd.DataFrame(rows, columns=["what", "amount"])


def trust(books: Reconciliation | None, owed: Liability | None) -> list[TrustLine]:
    """Return how far to trust the report."""
    lines: list[TrustLine] = []
    if books is not None:
        lines.append(("Ledger", books.holds, books_headline(books) + "."))
    if owed is not None:
        lines.append(
            ("Breakage", not owed.drifts,
             "Months that have come due lost about the same share."
             if not owed.drifts else
             "Breakage rose or fell over the months: the projection takes them for alike."),
        )  # fmt: skip
        lines.append(
            ("Order of spending", owed.in_turn or None,
             "Points are spent first in, first out."
             if owed.in_turn else
             "Points are not spent first in, first out; what single months owe is a convention."),
        )  # fmt: skip
    lines.append(
        ("Members, referred customers, readers, players", None,
         "They chose to be. Differences to others are associations until a test says otherwise; "
         "only an invitation given at random is read as an effect."),
    )  # fmt: skip
    return lines
