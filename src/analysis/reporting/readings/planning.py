"""What report 06 says of the next promotion: how many customers it takes, and who they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.reporting import words

if TYPE_CHECKING:
    import pandas as pd


def needed(plan: pd.DataFrame, primary: str, worth_finding: float, weeks: int) -> str:
    """Say how many customers the measure that decides needs, and what covariates save."""
    row = plan[plan["measure"] == primary].iloc[0]
    change = words.percent(worth_finding, 0)
    saved = 1 - row["needed_adjusted"] / row["needed"]
    return (
        f"To see a change of {change} in {row['label'].lower()} within {weeks} weeks takes "
        f"{words.count(row['needed_adjusted'], 'customer')}; knowing what they bought before "
        f"saves {words.percent(saved, 0)} of them"
    )


def enough(plan: pd.DataFrame, primary: str) -> str:
    """Say what all the customers there are would show."""
    row = plan[plan["measure"] == primary].iloc[0]
    return (
        f"With all {words.count(row['available'], 'customer')} who could take part, half of them "
        f"treated, a change of {words.percent(row['smallest'])} would be seen."
    )


def without_plan(plan: pd.DataFrame) -> str:
    """Say which measures have no number of customers, and why; empty if all have one."""
    left = plan[plan["reason"] != ""]
    return " ".join(f"{r['label']}: {r['reason']}." for r in left.to_dict("records"))


def designs(plan: pd.DataFrame) -> str:
    """Say which designs there are customers enough for."""
    can = list(plan.loc[plan["enough"], "design"])
    if not can:
        return "There are too few customers for any of these designs"
    lowered = [name[:1].lower() + name[1:] for name in can]
    return f"There are customers enough where {words.listing(lowered)}"


def design_notes(plan: pd.DataFrame) -> str:
    """Say why a design has no number; a sentence on stores otherwise."""
    said = [f"{r['design']}: {r['reason']}." for r in plan[plan["reason"] != ""].to_dict("records")]
    return " ".join(said) or "Whole stores allow for customers of a store resembling each other."


def drawn(balance: pd.DataFrame) -> str:
    """Say how the next promotion was drawn, and how alike the arms are."""
    sizes = ", ".join(
        f"{words.number(row['customers'])} {row['arm']}" for row in balance.to_dict("records")
    )
    far = balance["furthest"].max()
    return (
        f"Drawn for the next promotion: {sizes}; their past differs by "
        f"{words.number(far, 3)} standard deviations at most"
    )


def how_drawn(seed: int) -> str:
    """Say how the arms were drawn, and what to do with them."""
    return (
        "The table of assignments can be loaded as it is. It was drawn within tenths of past "
        f"margin, the most balanced of a hundred draws; the seed {seed} gives it again. Whoever "
        "is in control must be left out of every message of the promotion."
    )
