"""The verdict on one promotion: from its checks, the measure that decides, and what only moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from analysis.promotions import checks, experiment
from analysis.promotions.checks import Check
from analysis.promotions.experiment import Rules

Verdict = Literal[
    "no verdict", "still running", "earned", "lost", "only moved", "no effect", "not decided"
]

#: Why an interval made for one look says nothing before the end.
RUNNING = "its days are not over, and only the daily reading holds until they are"

#: Measures of the category on offer alone, the longer one last.
_CATEGORY = ("category", "category_to_date")


@dataclass(frozen=True)
class Standards:
    """What a promotion must meet.

    Parameters
    ----------
    sample_ratio_alpha
        Below this p the arms are not as drawn, or were not alike before.
    power, worth_finding
        A promotion that would have seen a relative change of ``worth_finding`` with the chance
        ``power``, and saw none, had no effect that matters; a smaller one decides nothing.
    planned
        Weights of the arms by promotion; a promotion not named here drew equal arms.
    seed
        Of the draws that small arms are tested by.
    """

    sample_ratio_alpha: float = 0.001
    power: float = 0.8
    worth_finding: float = 0.15
    planned: Mapping[str, Mapping[str, float]] | None = None
    seed: int = 0


def verdict(
    promotion: str,
    found: list[Check],
    estimates: pd.DataFrame,
    rules: Rules,
    standards: Standards,
    *,
    finished: bool = True,
) -> dict[str, Any]:
    """Return the verdict on a promotion; fields as in ``trials.Trials.verdicts``, without name."""
    primary = experiment.primary_of(estimates)
    blocked = checks.blocked_by(found)
    empty = dict.fromkeys(("difference", "low", "high", "lift", "lift_low", "lift_high"), np.nan)
    nothing = dict.fromkeys(("moved", "moved_low", "moved_high"), np.nan)
    head = {"promotion_id": promotion, "smallest": smallest_seen(primary, standards.power)}
    head |= nothing
    head["n"] = int(primary["n"].sum() + primary["n_control"].iloc[0])  # all arms: no comparison
    if blocked:
        why = "; ".join(f"{check.name.lower()}: {check.text}" for check in blocked)
        return {**head, **empty, "verdict": "no verdict", "why": why, "arm": ""}
    if not finished:
        return {**head, **empty, "verdict": "still running", "why": RUNNING, "arm": ""}
    if primary["difference"].isna().all():
        why = str(primary["reason"].iloc[0])
        return {**head, **empty, "verdict": "not decided", "why": why, "arm": ""}
    best = primary.loc[primary["difference"].idxmax()]
    verdict, why = _said(primary, best, found)
    moved = moved_from(estimates, 1 - rules.confidence)
    if moved and (verdict in ("no effect", "not decided") or _given_back(estimates, rules)):
        verdict, why = "only moved", moved
        head |= _moved(estimates, 1 - rules.confidence)
    return {
        **head,
        **best[list(empty)].to_dict(),
        "n": int(best["n"] + best["n_control"]),
        "verdict": verdict,
        "why": why,
        "arm": best["arm"],
    }


def _said(primary: pd.DataFrame, best: pd.Series, found: list[Check]) -> tuple[Verdict, str]:
    if best["low"] > 0:
        return "earned", "the interval lies above zero"
    if (primary["high"] < 0).any():
        return "lost", "the interval lies below zero"
    if found[-1].ok:
        return "no effect", "a change worth finding would have been seen"
    return "not decided", "too few customers to see a change worth finding"


def smallest_seen(primary: pd.DataFrame, power: float) -> float:
    """Return the difference that the weakest arm would have shown with the chance ``power``."""
    from scipy.special import ndtri

    reach = (primary["high"] - primary["low"]) / 2
    return float((reach + ndtri(power) * primary["error"]).max())


def moved_from(estimates: pd.DataFrame, alpha: float) -> str:
    """Return where purchases came from that a promotion only moved; empty if it did not.

    The category's margin, which everything else a customer buys does not blur, must have fallen
    beyond chance, and with it that of other products or of the weeks after. All these are among
    the corrected measures.
    """
    measures_fallen = set(_fallen(estimates, alpha)["measure"])
    sources = {"offered_after": "the weeks after", "rivals": "other products of the category"}
    found = [words for key, words in sources.items() if key in measures_fallen]
    if not found or not measures_fallen & set(_CATEGORY):
        return ""
    return "purchases came from " + " and ".join(found)


def _given_back(estimates: pd.DataFrame, rules: Rules) -> bool:
    """Tell whether the category lost in the weeks after more than it gained in the window."""
    return _CATEGORY[-1] in set(_fallen(estimates, 1 - rules.confidence)["measure"])


def _fallen(estimates: pd.DataFrame, alpha: float) -> pd.DataFrame:
    return estimates[(estimates["difference"] < 0) & (estimates["p_corrected"] < alpha)]


def _moved(estimates: pd.DataFrame, alpha: float) -> dict[str, float]:
    """Return the effect on the category, with the weeks after where they show it too."""
    fallen = _fallen(estimates, alpha)
    rows = fallen[fallen["measure"].isin(_CATEGORY)].sort_values("measure")
    row = rows.iloc[-1]
    return {"moved": row["difference"], "moved_low": row["low"], "moved_high": row["high"]}
