"""What report 06 says of the next promotion: how many customers it takes, and who they are.

What report 06 says of whom a promotion worked for, and where the next customers should go.
"""

from __future__ import annotations

import pandas as pd

from analysis.reporting.notebook import words
from analysis.reports.promotions.text import amount


def needed(plan: pd.DataFrame, primary: str, worth_finding: float, weeks: int) -> str:
    """Say how many customers the measure that decides needs, and what covariates save."""
    row = plan[plan["measure"] == primary].iloc[0]
    change = words.percent(worth_finding, 0)
    saved = max(1 - row["needed_adjusted"] / row["needed"], 0.0)
    return (
        f"To detect a change of {change} in {row['label'].lower()} within {weeks} weeks takes "
        f"{words.count(row['needed_adjusted'], 'customer')}; adjusting for what they bought "
        f"before saves {words.percent(saved, 0)} of them"
    )


def enough(plan: pd.DataFrame, primary: str) -> str:
    """Say what all the customers there are would show."""
    row = plan[plan["measure"] == primary].iloc[0]
    return (
        f"With all {words.count(row['available'], 'customer')} who could take part, half of them "
        f"treated, a change of {words.percent(row['smallest'])} would probably be detected."
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
    count = words.count(len(can), "design")
    return f"There are customers enough for {count}: {words.listing(lowered)}"


def design_notes(plan: pd.DataFrame) -> str:
    """Say why a design has no number; a sentence on stores otherwise."""
    said = [f"{r['design']}: {r['reason']}." for r in plan[plan["reason"] != ""].to_dict("records")]
    return (
        " ".join(said) or "Whole stores allow for the intra-cluster correlation of their customers."
    )


def drawn(balance: pd.DataFrame) -> str:
    """Say how the next promotion was drawn, and how alike the arms are."""
    sizes = ", ".join(
        f"{words.number(row['customers'])} {row['arm']}" for row in balance.to_dict("records")
    )
    far = balance["furthest"].max()
    return (
        f"Randomised, the next promotion would have {sizes}; their past differs by "
        f"{words.number(far, 3)} standard deviations at most"
    )


def how_drawn(seed: int) -> str:
    """Say how the arms were drawn, and what the draw is for."""
    return (
        "The draw shows how alike arms come out if everybody takes part: randomised within tenths "
        f"of past margin, the most balanced of a hundred draws; the seed {seed} gives it again. "
        "It is not kept, for nobody is contacted or left out by it: report 08 rules on each "
        "customer, and draws who is held out of its list."
    )


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
        return f"{name}: no segment differs significantly from the others"
    row = found.loc[found["p"].idxmin()].to_dict()
    than = "better" if row["against_rest"] > 0 else "worse"
    return (
        f"{name} worked {than} for {segment_label(row)} than for others: "
        f"{amount(row['shrunk'], unit)} per customer "
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
            f"({amount(best['gain'], unit)} per customer, "
            f"{words.interval(best['gain_low'], best['gain_high'], 2, unit)})"
        )
    best = offered.loc[offered["gain"].idxmax()]
    return (
        f"{name}: treating the {words.percent(best['treated'], 0)} that the {best['learner']} "
        f"picks brings {amount(best['gain'], unit)} more per customer than the better of treating "
        f"all and nobody ({words.interval(best['gain_low'], best['gain_high'], 2, unit)})"
    )


def proposal(shares: pd.DataFrame, lost: pd.DataFrame, name: str, unit: str) -> str:
    """Say where the next customers should go, and what that saves."""
    best = shares.loc[shares["share"].idxmax()]
    by = dict(zip(lost["policy"], lost["regret"], strict=True))
    return (
        f"{name}: before costs, Thompson sampling would give {words.percent(best['share'], 0)} of "
        f"the next customers to {best['arm']}; expected regret per customer "
        f"{amount(by['Thompson sampling'], unit)} with it after each batch, "
        f"{amount(by['Equal shares'], unit)} with equal shares"
    )
