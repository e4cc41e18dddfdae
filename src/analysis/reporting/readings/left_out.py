"""Which promotions are not looked at, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.errors import NotApplicable
from analysis.reporting import words

if TYPE_CHECKING:
    import pandas as pd


def outside(table: pd.DataFrame) -> str:
    """Say which promotions are left out; NotApplicable if none is."""
    if table.empty:
        raise NotApplicable("All promotions are of days that are known.")
    why = {"earlier": "ended before the first order", "later": "had not begun"}
    named = [f"{row['name']} ({why[row['when']]})" for row in table.to_dict("records")]
    return f"Left out: {words.listing(named)}."
