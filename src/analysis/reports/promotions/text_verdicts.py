"""What report 06 says of every randomised promotion: one verdict, after all costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.promotions.returns import after_costs
from analysis.reporting.notebook import words

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]

#: Verdict to what so many promotions did, and what one did where that differs.
_COUNTED = {
    after_costs.PAID: ("paid for themselves", "paid for itself"),
    after_costs.LOST: ("cost more than they brought", "cost more than it brought"),
    after_costs.MOVED: ("only moved purchases", ""),
    after_costs.NOTHING: ("changed nothing that matters", ""),
    after_costs.OPEN: ("are open", "is open"),
    after_costs.UNKNOWN: ("earned before costs that are not stated", ""),
    after_costs.RUNNING: ("are still running", "is still running"),
    after_costs.BLOCKED: ("cannot be judged", ""),
}

_WHAT = {
    after_costs.PAID: "Repeat it.",
    after_costs.LOST: "Stop it.",
    after_costs.MOVED: "Change it: sales moved, they did not grow.",
    after_costs.NOTHING: "Save the effort.",
    after_costs.OPEN: "Run it again on more customers before deciding.",
    after_costs.UNKNOWN: "State what it cost before deciding.",
    after_costs.RUNNING: "Read it daily, below; end it early only where that is clear.",
    after_costs.BLOCKED: "Mend the log of who was assigned, then look again.",
}

_SAID = {
    after_costs.PAID: "paid for itself",
    after_costs.LOST: "cost more than it brought",
    after_costs.MOVED: "only moved purchases",
    after_costs.NOTHING: "changed nothing that matters",
    after_costs.OPEN: "is not decided",
    after_costs.UNKNOWN: "earned before its costs",
}


def title(judged: pd.DataFrame) -> str:
    """Return the page's title: how many promotions did what, after all costs."""
    counts = judged["verdict"].value_counts()
    parts = []
    for verdict, (many, one) in _COUNTED.items():
        n = int(counts.get(verdict, 0))
        if n:
            parts.append(f"{n} {one or many if n == 1 else many}")
    tested = words.count(len(judged), "randomised promotion")
    return f"Of {tested}, {words.listing(parts)}"


def findings(judged: pd.DataFrame, currency: str, confidence: float) -> list[Fields]:
    """Return one finding a promotion: its verdict, on the net return per treated customer."""
    return [_finding(row, currency, confidence) for row in judged.to_dict("records")]


def _finding(row: Mapping[Any, Any], currency: str, confidence: float) -> Fields:
    verdict, label = row["verdict"], row["label"]
    shared = {"key": f"promotion_{row['promotion_id'].lower()}", "n": int(row["n"])}
    shared |= {"noun": "customer", "detail": row["why"] or None}
    if verdict == after_costs.BLOCKED:
        return {
            **shared,
            "sentence": f"No verdict on {row['name']}",
            "value": None,
            "alert": True,
            "otherwise": "nobody will know whether it earned what it cost",
        }
    if verdict == after_costs.RUNNING:
        return {**shared, "sentence": f"{row['name']} is still running", "value": None}
    alert = verdict in (after_costs.LOST, after_costs.MOVED)
    if row["net"] != row["net"]:
        return {**shared, "sentence": f"{label} {_SAID[verdict]}", "value": None, "alert": alert}
    return {
        **shared,
        "sentence": f"net return per treated customer{assumption(row)}: {label} {_SAID[verdict]}",
        "value": row["each"],
        "low": row["each_low"],
        "high": row["each_high"],
        "unit": currency,
        "decimals": 2,
        "direction": "up_good",
        "alert": alert,
        "at_stake": float(row["net"]),
        "otherwise": "a repeat would do the same again, as far as it repeats" if alert else None,
        "level": confidence,
    }


def assumption(row: Mapping[Any, Any]) -> str:
    """Return what a net return assumes, for the same sentence; empty where costs are stated."""
    return " at the assumed contact cost" if row["contact_basis"] == "assumed" else ""


def bullets(judged: pd.DataFrame, currency: str) -> str:
    """Return one bullet a promotion: the verdict, the figure and what to do."""
    return "\n".join(_bullet(row, currency) for row in judged.to_dict("records"))


def _bullet(row: Mapping[Any, Any], currency: str) -> str:
    verdict, what = row["verdict"], _WHAT[row["verdict"]]
    if verdict == after_costs.BLOCKED:
        return f"- **{row['name']}**: no verdict ({row['why']}). {what}"
    if verdict == after_costs.RUNNING:
        return f"- **{row['name']}** is still running: {row['why']}. {what}"
    figure = ""
    if row["net"] == row["net"]:
        figure = f" Net return {_each(row, currency)}{assumption(row)}."
    return f"- **{row['label']}** {_SAID[verdict]}: {row['why']}.{figure} {what}"


def _each(row: Mapping[Any, Any], currency: str) -> str:
    ends = words.interval(row["each_low"], row["each_high"], 2, "")
    return f"{words.money(row['each'], 2, currency)} per treated customer ({ends})"


def best(judged: pd.DataFrame, currency: str) -> str:
    """Say which promotion paid most, or that none is shown to."""
    paid = judged[judged["verdict"] == after_costs.PAID]
    if paid.empty:
        return "No randomised promotion is shown to pay for itself"
    row = paid.loc[paid["each"].idxmax()].to_dict()
    most = f"the largest of {len(paid)} that paid" if len(paid) > 1 else "the one that paid"
    return f"{row['label']}, {most}: net return {_each(row, currency)}{assumption(row)}"
