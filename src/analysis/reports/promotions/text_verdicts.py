"""What report 06 says of every randomised promotion: one verdict, after all costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.promotions.returns import roi
from analysis.reporting.notebook import words

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]

#: Verdict to what so many promotions did, and what one did where that differs.
_COUNTED = {
    roi.PAID: ("paid for themselves", "paid for itself"),
    roi.LOST: ("cost more than they brought", "cost more than it brought"),
    roi.MOVED: ("only moved purchases", ""),
    roi.NOTHING: ("changed nothing that matters", ""),
    roi.OPEN: ("are open", "is open"),
    roi.UNKNOWN: ("earned before costs that are not stated", ""),
    roi.RUNNING: ("are still running", "is still running"),
    roi.BLOCKED: ("cannot be judged", ""),
}

_WHAT = {
    roi.PAID: "Repeat it.",
    roi.LOST: "Stop it.",
    roi.MOVED: "Change it: sales moved, they did not grow.",
    roi.NOTHING: "Save the effort.",
    roi.OPEN: "Run it again on more customers before deciding.",
    roi.UNKNOWN: "State what it cost before deciding.",
    roi.RUNNING: "Read it daily, below; end it early only where that is clear.",
    roi.BLOCKED: "Mend the log of who was assigned, then look again.",
}

_SAID = {
    roi.PAID: "paid for itself",
    roi.LOST: "cost more than it brought",
    roi.MOVED: "only moved purchases",
    roi.NOTHING: "changed nothing that matters",
    roi.OPEN: "is not decided",
    roi.UNKNOWN: "earned before its costs",
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
    if verdict == roi.BLOCKED:
        return {
            **shared,
            "sentence": f"No verdict on {row['name']}",
            "value": None,
            "alert": True,
            "otherwise": "nobody will know whether it earned what it cost",
        }
    if verdict == roi.RUNNING:
        return {**shared, "sentence": f"{row['name']} is still running", "value": None}
    alert = verdict in (roi.LOST, roi.MOVED)
    if row["net"] != row["net"]:
        return {**shared, "sentence": f"{label} {_SAID[verdict]}", "value": None, "alert": alert}
    return {
        **shared,
        "sentence": f"net return per treated customer{assumption(row)}: {label} {_SAID[verdict]}",
        "value": row["each"], "low": row["each_low"], "high": row["each_high"], "unit": currency,
        "decimals": 2, "direction": "up_good", "alert": alert, "at_stake": float(row["net"]),
        "otherwise": "a repeat would do the same again, as far as it repeats" if alert else None,
        "level": confidence,
    }  # fmt: skip


def assumption(row: Mapping[Any, Any]) -> str:
    """Return what a net return assumes, for the same sentence; empty where costs are stated."""
    return " at the assumed contact cost" if row["contact_basis"] == "assumed" else ""


def bullets(judged: pd.DataFrame, currency: str) -> str:
    """Return one bullet a promotion: the verdict, the figure and what to do."""
    return "\n".join(_bullet(row, currency) for row in judged.to_dict("records"))


def _bullet(row: Mapping[Any, Any], currency: str) -> str:
    verdict, what = row["verdict"], _WHAT[row["verdict"]]
    if verdict == roi.BLOCKED:
        return f"- **{row['name']}**: no verdict ({row['why']}). {what}"
    if verdict == roi.RUNNING:
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
    paid = judged[judged["verdict"] == roi.PAID]
    if paid.empty:
        return "No randomised promotion is shown to pay for itself"
    row = paid.loc[paid["each"].idxmax()].to_dict()
    most = f"the largest of {len(paid)} that paid" if len(paid) > 1 else "the one that paid"
    return f"{row['label']}, {most}: net return {_each(row, currency)}{assumption(row)}"
