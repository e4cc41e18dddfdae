"""Promotions whose arms were drawn by lot: checked first, then measured, then given a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from analysis.errors import NotApplicable
from analysis.promotions import checks, experiment, exposure, measures, moments, outcomes
from analysis.promotions.checks import Check
from analysis.promotions.experiment import Rules
from analysis.promotions.moments import Moments
from analysis.promotions.verdicts import Standards, smallest_seen, verdict
from analysis.tables.engine import hold
from analysis.tables.periods import Period

if TYPE_CHECKING:
    import ibis

    from analysis.tables.engine import Tables


@dataclass(frozen=True, repr=False)
class Trials:
    """All promotions whose arms were drawn by lot.

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
    """Check, measure and judge every promotion whose arms were drawn by lot.

    Raises
    ------
    NotApplicable
        If the study has none with a control arm.
    """
    from ibis.util import gen_name

    standards = standards or Standards()
    overview = drawn(tables, spans)
    rows = hold(
        tables.connection,
        gen_name("promotion_rows"),
        measures.measured(outcomes.compute(tables, spans)),
    )
    found = moments.by_arm(rows, measures.COLUMNS, by=["promotion_id", "arm"])
    exposed = exposure.count(tables)
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


def drawn(tables: Tables, spans: outcomes.Spans) -> pd.DataFrame:
    """Return the promotions with a control arm whose arms were drawn by lot."""
    overview = outcomes.overview(tables, spans)
    kept = overview[overview["randomised"] & overview["control"] & (overview["arms"] > 1)]
    if kept.empty:
        raise NotApplicable(
            "No promotion of this study drew by lot who takes part and who is left out."
        )
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
    exposed: exposure.Exposure,
    estimates: pd.DataFrame,
    standards: Standards,
) -> list[Check]:
    alpha = standards.sample_ratio_alpha
    counts = {arm: int(m.n) for arm, m in arms.items()}
    planned = (standards.planned or {}).get(promotion)
    primary = experiment.primary_of(estimates)
    return [
        checks.sample_ratio(counts, planned=planned, alpha=alpha),
        checks.balance(arms, measures.COVARIATES, alpha=alpha),
        checks.order_of_events(exposed),
        checks.contamination(exposed),
        checks.strength(
            smallest_seen(primary, standards.power),
            float(primary["control"].iloc[0]),
            standards.worth_finding,
        ),
    ]


def required(trials: Trials | None) -> Trials:
    """Return the promotions drawn by lot; NotApplicable without any."""
    if trials is None:
        raise NotApplicable("No promotion of this study was drawn by lot.")
    return trials


def leading(trials: Trials | None) -> tuple[str, str, str]:
    """Return promotion_id, name and arm of the clearest effect among those that may be judged."""
    verdicts = required(trials).verdicts
    judged = verdicts[verdicts["arm"] != ""]
    if judged.empty:
        raise NotApplicable("No promotion drawn by lot passed the checks.")
    clear = judged["difference"].abs() / (judged["high"] - judged["low"])
    if clear.isna().all():
        raise NotApplicable("No promotion drawn by lot has an effect whose interval is known.")
    row = judged.loc[clear.idxmax()]
    return str(row["promotion_id"]), str(row["name"]), str(row["arm"])


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
