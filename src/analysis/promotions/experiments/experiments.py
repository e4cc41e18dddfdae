"""Randomised promotions: checked first, then measured, then given a verdict.

The verdict on one promotion: from its checks, the measure that decides, and what only moved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import ibis
import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.promotions.experiments import estimates as experiment
from analysis.promotions.experiments import validity_checks
from analysis.promotions.experiments.estimates import Rules
from analysis.promotions.experiments.validity_checks import Check
from analysis.promotions.outcomes import moments, outcomes
from analysis.promotions.outcomes.moments import Moments
from analysis.tables.engine import held
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

#: The one reason for all that only a randomised control can show; said once a page.
NONE_RANDOMISED = (
    "No promotion of this study was randomised, so what promotions cause cannot be shown. Hold out "
    "a randomised control from the next one."
)


@dataclass(frozen=True, repr=False)
class Trials:
    """All randomised promotions.

    Parameters
    ----------
    rows
        One row a customer and promotion, held in the engine (``measures.measured``).
    overview
        Their rows of ``outcomes.overview``.
    arms
        Moments by promotion and arm, control first.
    checks
        Checks by promotion.
    estimates
        ``experiment.estimate`` of each, with promotion_id and name.
    verdicts
        promotion_id, name, verdict, why, arm, difference, low, high (of the primary measure, the
        arm that did best; NaN without a verdict), lift, lift_low, lift_high, n (customers of that
        arm and of control; of all arms without a verdict), smallest
        (difference it would have seen), moved, moved_low, moved_high (effect on the margin of the
        category on offer, where purchases only moved; else NaN).
    """

    rows: ibis.Table
    overview: pd.DataFrame
    arms: dict[str, dict[str, Moments]]
    checks: dict[str, list[Check]]
    estimates: pd.DataFrame
    verdicts: pd.DataFrame


def judge(
    tables: Tables, spans: outcomes.Spans, rules: Rules, standards: Standards | None = None
) -> Trials:
    """Check, measure and judge every randomised promotion.

    Raises
    ------
    NotApplicable
        If the study has none with a control arm.
    """
    standards = _with_recorded_shares(tables, standards or Standards())
    overview = drawn(tables, spans)
    rows = held(outcomes.measured(outcomes.compute(tables, spans)))
    found = moments.by_arm(rows, outcomes.COLUMNS, by=["promotion_id", "arm"])
    exposed = validity_checks.count(tables)
    arms = {p: experiment.arms_of(found, p) for p in overview["promotion_id"]}
    estimates = {p: _estimates(rows, p, arms[p], rules, standards.seed) for p in arms}
    checked = {p: _checks(p, arms[p], exposed[p], estimates[p], standards) for p in arms}
    over = dict(zip(overview["promotion_id"], overview["finished"], strict=True))
    verdicts = [
        verdict(p, checked[p], estimates[p], rules, standards, finished=over[p]) for p in arms
    ]
    names = overview[["promotion_id", "name"]]
    return Trials(
        rows,
        overview,
        arms,
        checked,
        names.merge(_stacked(estimates), on="promotion_id"),
        names.merge(pd.DataFrame(verdicts), on="promotion_id"),
    )


def _with_recorded_shares(tables: Tables, standards: Standards) -> Standards:
    """Return the standards with the shares that assignments were drawn with, where they say so."""
    if not tables.has("assignments", "planned_share"):
        return standards
    given = tables.assignments.filter(tables.assignments.planned_share.notnull())
    shares = given.group_by("promotion_id", "arm").agg(share=given.planned_share.mean())
    recorded: dict[str, dict[str, float]] = {}
    for row in shares.order_by("promotion_id", "arm").to_pandas().to_dict("records"):
        recorded.setdefault(row["promotion_id"], {})[row["arm"]] = float(row["share"])
    return replace(standards, planned={**recorded, **(standards.planned or {})})


def drawn(tables: Tables, spans: outcomes.Spans) -> pd.DataFrame:
    """Return the promotions with a control arm whose arms were randomised."""
    overview = outcomes.overview(tables, spans)
    kept = overview[overview["randomised"] & overview["control"] & (overview["arms"] > 1)]
    if kept.empty:
        raise NotApplicable(NONE_RANDOMISED)
    return kept.reset_index(drop=True)


def _stacked(estimates: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(
        [table.assign(promotion_id=promotion) for promotion, table in estimates.items()],
        ignore_index=True,
    )


def _estimates(
    rows: ibis.Table, promotion: str, arms: Mapping[str, Moments], rules: Rules, seed: int
) -> pd.DataFrame:
    found = experiment.estimate(arms, rules)
    if not found["reason"].eq(experiment.SMALL).any():
        return found
    people = rows.filter(rows.promotion_id == promotion).order_by("customer_id").to_pandas()
    return experiment.with_small_arms(found, people, seed=seed)


def _checks(
    promotion: str,
    arms: Mapping[str, Moments],
    exposed: validity_checks.Exposure,
    estimates: pd.DataFrame,
    standards: Standards,
) -> list[Check]:
    alpha = standards.sample_ratio_alpha
    counts = {arm: int(m.n) for arm, m in arms.items()}
    planned = (standards.planned or {}).get(promotion)
    primary = experiment.primary_of(estimates)
    return [
        validity_checks.sample_ratio(counts, planned=planned, alpha=alpha),
        validity_checks.balance(arms, outcomes.COVARIATES, alpha=alpha),
        validity_checks.order_of_events(exposed),
        validity_checks.contamination(exposed),
        validity_checks.strength(
            smallest_seen(primary, standards.power),
            float(primary["control"].iloc[0]),
            standards.worth_finding,
        ),
    ]


class Leading(NamedTuple):
    """The arm of a promotion whose effect is the clearest."""

    promotion_id: str
    name: str
    arm: str


def leading(trials: Trials) -> Leading:
    """Return the clearest effect among those that may be judged.

    NotApplicable if no promotion passed the checks, or no interval is known.
    """
    verdicts = trials.verdicts
    judged = verdicts[verdicts["arm"] != ""]
    if judged.empty:
        raise NotApplicable("No randomised promotion passed the checks.")
    clear = judged["difference"].abs() / (judged["high"] - judged["low"])
    if clear.isna().all():
        raise NotApplicable("No randomised promotion has an effect whose interval is known.")
    row = judged.loc[clear.idxmax()]
    return Leading(str(row["promotion_id"]), str(row["name"]), str(row["arm"]))


def effects(trials: Trials) -> pd.DataFrame:
    """Return the primary measure's estimates of promotions that may be judged, arm by arm."""
    withheld = trials.verdicts["verdict"].isin(["no verdict", "still running"])
    judged = trials.verdicts.loc[~withheld, "promotion_id"]
    primary = trials.estimates[trials.estimates["primary"]]
    return primary[primary["promotion_id"].isin(judged)].reset_index(drop=True)


def estimates_of(trials: Trials, promotion_id: str) -> pd.DataFrame:
    """Return all estimates of one promotion, the primary measure first."""
    own = trials.estimates[trials.estimates["promotion_id"] == promotion_id]
    return own.sort_values("primary", ascending=False, kind="stable").reset_index(drop=True)


def cost_of(trials: Trials, promotion_id: str) -> float:
    """Return what contacting a customer of a promotion costs; zero where unknown."""
    cost = trials.overview.set_index("promotion_id").loc[promotion_id, "contact_cost"]
    return 0.0 if cost != cost else float(cost)


def with_arms_to_choose(trials: Trials) -> pd.DataFrame:
    """Return the primary estimates of the last promotion with several treated arms.

    NotApplicable if none that may be judged has several.
    """
    found = effects(trials)
    counts = found.groupby("promotion_id", sort=False)["arm"].size()
    several = counts[counts > 1]
    if several.empty:
        raise NotApplicable("No promotion that may be judged tried several offers.")
    return found[found["promotion_id"] == several.index[-1]].reset_index(drop=True)


def before(trials: Trials, promotion_id: str, days: int) -> Period:
    """Return the days before a promotion's first day."""
    first = trials.overview.set_index("promotion_id").loc[promotion_id, "starts_on"]
    return Period.before(first, days=days)


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
        Weights of the arms by promotion, before what the assignments record (``planned_share``); a
        promotion that neither names drew equal arms.
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
    blocked = validity_checks.blocked_by(found)
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
