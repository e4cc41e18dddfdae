"""What report 06 says of promotions whose arms were drawn by lot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.reporting import words

if TYPE_CHECKING:
    import pandas as pd


def kinds(promotions: pd.DataFrame) -> str:
    """Say how many promotions there are, and how many of them were drawn by lot."""
    if promotions.empty:
        return "No promotion started before the day of this report"
    drawn = int(promotions["randomised"].sum())
    assigned = int((promotions["customers"] > 0).sum())
    chosen = assigned - drawn
    by_lot = f"{drawn} drew their customers by lot" if drawn else "none drew its customers by lot"
    return f"{words.count(len(promotions), 'promotion')}: {by_lot}, {chosen} chose them" + (
        f", {len(promotions) - assigned} were open to all" if assigned < len(promotions) else ""
    )
