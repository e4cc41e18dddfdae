"""From all follow-ups to the few worth acting on, each against matched customers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from analysis.discoveries import selected_confidence
from analysis.errors import NotApplicable
from analysis.products.cumulative import Design, Followed, compare
from analysis.products.follow_ups import FollowUps

if TYPE_CHECKING:
    import pandas as pd

    from analysis.products.events import Events


@dataclass(frozen=True)
class Following:
    """The surest follow-ups, looked at closely.

    Parameters
    ----------
    table
        One row a pair: ``Followed.summary``, the largest difference first.
    curves
        One row a pair and day: first, then and ``Followed.curve``.
    confidence
        Coverage of the intervals: higher than asked for where pairs were picked out of many.
    """

    table: pd.DataFrame
    curves: pd.DataFrame
    confidence: float


def closest(
    events: Events, screened: FollowUps, *, design: Design, fdr: float = 0.05, most: int = 12
) -> Following:
    """Compare the surest pairs of a screening with matched customers.

    Parameters
    ----------
    events
        Purchases by customer, day and item.
    screened
        All pairs.
    design
        Matching and intervals.
    fdr
        False discovery rate over all pairs screened.
    most
        Pairs to look at.
    """
    import pandas as pd

    found = screened.table[(screened.table["q"] <= fdr) & (screened.table["difference"] > 0)]
    confidence = selected_confidence(screened.table["q"], fdr=fdr)
    chosen = replace(design, confidence=max(design.confidence, min(confidence, 0.99)))
    followed: list[Followed] = []
    for first, then in zip(found["first"], found["then"], strict=True):
        if len(followed) == most:
            break
        try:
            followed.append(compare(events, first, then, chosen))
        except NotApplicable:  # too few could be matched: the next pair takes its place
            continue
    if not followed:
        raise NotApplicable(
            f"No product follows another within {design.window} days beyond chance, or too few "
            "customers could be matched."
        )
    table = pd.concat([f.summary for f in followed]).sort_values("difference", ascending=False)
    curves = [
        f.curve.assign(first=f.summary["first"][0], then=f.summary["then"][0]) for f in followed
    ]
    return Following(
        table.reset_index(drop=True), pd.concat(curves, ignore_index=True), chosen.confidence
    )
