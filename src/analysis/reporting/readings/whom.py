"""What report 06 says of whom a promotion worked for, and where the next customers should go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.reporting import words
from analysis.reporting.readings.promotions import amount

if TYPE_CHECKING:
    import pandas as pd


def segment_label(row: dict[str, object]) -> str:
    """Return a segment as a reader sees it: attribute and level."""
    return f"{str(row['attribute']).replace('_', ' ')}: {row['segment']}"


def labelled(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table of segments with the column label."""
    return table.assign(label=[segment_label(row) for row in table.to_dict("records")])


def segments(table: pd.DataFrame, name: str, unit: str, fdr: float) -> str:
    """Say for whom a promotion worked better or worse than for all others."""
    found = table[table["q"] <= fdr]
    if found.empty:
        return f"{name} worked for all alike: no segment differs beyond chance"
    row = found.loc[found["p"].idxmin()].to_dict()
    than = "better" if row["against_rest"] > 0 else "worse"
    return (
        f"{name} worked {than} for {segment_label(row)} than for others: "
        f"{amount(row['shrunk'], unit)} a customer "
        f"({words.interval(row['low'], row['high'], 2, unit)})"
    )


def searched(table: pd.DataFrame, fdr: float) -> str:
    """Say how many segments were searched, and how many differ."""
    found = int((table["q"] <= fdr).sum())
    differ = "differs" if found == 1 else "differ"
    return (
        f"Of {words.count(len(table), 'segment')} searched, {found} {differ} from the rest at a "
        f"false discovery rate of {words.percent(fdr, 0)}. They overlap, and were not planned for: "
        "a hint for the next promotion, no proof."
    )


def targeting(judged: pd.DataFrame, name: str, unit: str) -> str:
    """Say whether choosing customers by predicted effect beats treating all, or nobody."""
    offered = judged[judged["offered"]]
    if offered.empty:
        best = judged.loc[judged["gain"].idxmax()]
        return (
            f"{name}: choosing whom to treat by a model is not better than treating all or nobody "
            f"({amount(best['gain'], unit)} a customer, "
            f"{words.interval(best['gain_low'], best['gain_high'], 2, unit)})"
        )
    best = offered.loc[offered["gain"].idxmax()]
    return (
        f"{name}: treating the {words.percent(best['treated'], 0)} that the {best['learner']} "
        f"picks brings {amount(best['gain'], unit)} more a customer than the better of treating "
        f"all and nobody ({words.interval(best['gain_low'], best['gain_high'], 2, unit)})"
    )


def proposal(shares: pd.DataFrame, lost: pd.DataFrame, name: str, unit: str) -> str:
    """Say where the next customers should go, and what that saves."""
    best = shares.loc[shares["share"].idxmax()]
    by = dict(zip(lost["policy"], lost["regret"], strict=True))
    return (
        f"{name}: give {words.percent(best['share'], 0)} of the next customers to {best['arm']}; "
        f"shared out anew after each batch, {amount(by['Thompson sampling'], unit)} a customer is "
        f"lost against always using the best, {amount(by['Equal shares'], unit)} with equal shares"
    )
