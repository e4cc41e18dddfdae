"""An effect: the difference of two arms, absolute and relative, with its interval and p.

Everything is arithmetic on arrays, so that one experiment and ten thousand simulated ones go
through the same code.

What a promotion whose arms were randomised brought: every arm against control, by measure.

All estimates are by assignment and come from moments of the arms (`moments`), summed in the
engine. The primary measure alone decides, adjusted for what was known before the start; its arms
are held to one another by Dunnett's method. The other measures are corrected together (Holm).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.promotions.experiments import adjustment
from analysis.promotions.experiments.adjustment import Covariates, Effect
from analysis.promotions.outcomes.moments import Moments
from analysis.promotions.outcomes.outcomes import CONTROL, COVARIATES, MEASURES, Measure
from analysis.stats import proportions
from analysis.stats.multiplicity import dunnett_p, dunnett_quantile, holm
from analysis.stats.permutation import p_value as redrawn_p
from analysis.stats.sizes import SMALL_ARM
from analysis.stats.types import Floats

NO_YARDSTICK = "the control's own figure may be zero, so there is no relative lift"
NOBODY = "nobody did in either arm"
ALL_EQUAL = "every customer has the same value"
TOO_FEW = "an arm of fewer than two customers tells nothing"
SMALL = f"fewer than {SMALL_ARM} customers in an arm: p needs a permutation test"
REDRAWN = f"fewer than {SMALL_ARM} customers in an arm: p by a permutation test"


@dataclass(frozen=True)
class Rules:
    """How a promotion is judged.

    Parameters
    ----------
    primary
        Key of the one measure that decides.
    confidence
        Coverage of intervals; the primary's hold for all arms at once.
    covariates
        Columns known before the start that means are adjusted for.
    """

    primary: str = "margin"
    confidence: float = 0.95
    covariates: tuple[str, ...] = COVARIATES


def arms_of(table: pd.DataFrame, promotion_id: str) -> dict[str, Moments]:
    """Return the arms of a promotion, control first, the others by name.

    ``table`` is ``moments.by_arm`` by promotion_id and arm. NotApplicable if there is no control
    or nothing to compare with it.
    """
    part = table[table["promotion_id"] == promotion_id]
    arms = dict(zip(part["arm"], part["moments"], strict=True))
    if CONTROL not in arms:
        raise NotApplicable(f"Promotion {promotion_id} has no arm named control.")
    if len(arms) < 2:
        raise NotApplicable(f"Promotion {promotion_id} has nobody outside control.")
    return {CONTROL: arms.pop(CONTROL), **dict(sorted(arms.items()))}


def estimate(
    arms: Mapping[str, Moments], rules: Rules, *, measures: Sequence[Measure] = MEASURES
) -> pd.DataFrame:
    """Return what every arm brought against control, by measure.

    Parameters
    ----------
    arms
        ``arms_of``.
    rules
        How it is judged.
    measures
        What is measured.

    Returns
    -------
    pandas.DataFrame
        One row a measure and arm: measure, label, kind, money, arm, n, n_control, value, control
        (of the arms; adjusted where the estimate is), difference, error, low, high, p,
        p_corrected, lift, lift_low, lift_high, primary, adjusted_for (covariates),
        not_adjusted_for (covariates left out and why), reason (why something is missing; empty
        otherwise).
    """
    rows = [_rows(arms, measure, rules) for measure in measures]
    table = pd.DataFrame([row for part in rows for row in part])
    others = ~table["primary"].to_numpy()
    corrected = table["p_corrected"].to_numpy(copy=True)
    corrected[others] = holm(table.loc[others, "p"].to_numpy())
    return table.assign(p_corrected=corrected)


def _rows(arms: Mapping[str, Moments], measure: Measure, rules: Rules) -> list[dict[str, Any]]:
    control, treated = arms[CONTROL], {k: v for k, v in arms.items() if k != CONTROL}
    head = {
        "measure": measure.key,
        "label": measure.label,
        "kind": measure.kind,
        "money": measure.money,
        "n_control": int(control.n),
        "primary": measure.key == rules.primary,
    }
    if min(float(arm.n) for arm in arms.values()) < 2:
        return [head | {"arm": k, "n": int(v.n)} | _missing(TOO_FEW) for k, v in treated.items()]
    if measure.kind == "share":
        found = [_share(arm, control, measure, rules) for arm in treated.values()]
    else:
        found = _means(treated, control, measure, rules)
    return [
        head | {"arm": name, "n": int(arm.n)} | row
        for (name, arm), row in zip(treated.items(), found, strict=True)
    ]


def _missing(reason: str) -> dict[str, Any]:
    names = ["value", "control", "difference", "error", "low", "high", "p", "p_corrected"]
    names += ["lift", "lift_low", "lift_high"]
    said = {"adjusted_for": "", "not_adjusted_for": "", "reason": reason}
    return {**dict.fromkeys(names, np.nan), **said}


def _share(arm: Moments, control: Moments, measure: Measure, rules: Rules) -> dict[str, Any]:
    from analysis.stats.multiplicity import normal_quantile

    z = normal_quantile(rules.confidence)
    n = (float(arm.n), float(control.n))
    value = (float(arm.figure(measure.key)[0]), float(control.figure(measure.key)[0]))
    counts = (round(value[0] * n[0]), n[0], round(value[1] * n[1]), n[1])
    difference, low, high = (float(v) for v in proportions.newcombe(*counts, z=z))
    lift = [float(v) for v in proportions.relative(*counts, z=z)]
    reason = NOBODY if not any(value) else NO_YARDSTICK if np.isnan(lift[0]) else ""
    p = float(proportions.p_value(*counts))
    error = float(np.sqrt(sum(v * (1 - v) / k for v, k in zip(value, n, strict=True))))
    return _row(value, (difference, error, low, high), (p, p), lift, Covariates((), {}), reason)


def _means(
    treated: Mapping[str, Moments], control: Moments, measure: Measure, rules: Rules
) -> list[dict[str, Any]]:
    effects, used = effects_of(treated, control, measure, rules.covariates)
    primary = measure.key == rules.primary
    reach, corrected = together(effects, rules.confidence) if primary else (None, None)
    smallest = min(float(arm.n) for arm in (control, *treated.values()))
    rows = []
    for i, effect in enumerate(effects):
        ends = effect.interval(rules.confidence) if reach is None else _within(effect, reach)
        p = float(effect.p())
        lift = [float(v) for v in effect.lift(rules.confidence)]
        value = (float(effect.baseline + effect.difference), float(effect.baseline))
        reason = _reason(effect, lift[0], smallest)
        gap = (float(effect.difference), float(effect.error), float(ends[0]), float(ends[1]))
        both = (p, p if corrected is None else float(corrected[i]))
        rows.append(_row(value, gap, both, lift, used, reason))
    return rows


def _reason(effect: Effect, lift: float, smallest: float) -> str:
    if effect.error == 0:
        return ALL_EQUAL
    if smallest < SMALL_ARM:
        return SMALL
    return NO_YARDSTICK if np.isnan(lift) else ""


def _within(effect: Effect, reach: float) -> tuple[Floats, Floats]:
    return effect.difference - reach * effect.error, effect.difference + reach * effect.error


def _row(
    value: tuple[float, float],
    gap: tuple[float, float, float, float],
    p: tuple[float, float],
    lift: Sequence[float],
    used: Covariates,
    reason: str,
) -> dict[str, Any]:
    return {
        **dict(zip(("value", "control"), value, strict=True)),
        **dict(zip(("difference", "error", "low", "high"), gap, strict=True)),
        "p": p[0],
        "p_corrected": p[1],
        **dict(zip(("lift", "lift_low", "lift_high"), lift, strict=True)),
        "adjusted_for": ", ".join(used.used),
        "not_adjusted_for": "; ".join(f"{name}: {why}" for name, why in used.reasons.items()),
        "reason": reason,
    }


def effects_of(
    treated: Mapping[str, Moments], control: Moments, measure: Measure, covariates: Sequence[str]
) -> tuple[list[Effect], Covariates]:
    """Return the adjusted effect of every arm on a mean or a ratio, and the covariates used."""
    used = adjustment.usable([*treated.values(), control], covariates)
    effects = []
    for arm in treated.values():
        one, two, name = arm, control, measure.key
        if measure.kind == "ratio":
            if min(arm.figure(measure.per)[0], control.figure(measure.per)[0]) <= 0:
                effects.append(_undefined())
                continue
            one, two = adjustment.as_ratio(arm, control, "net", measure.per)
            name = "ratio"
        effects.append(adjustment.regression(one, two, name, used.used))
    return effects, used


def _undefined() -> Effect:
    return Effect(*(np.asarray(np.nan) for _ in range(7)))


def together(effects: Sequence[Effect], confidence: float) -> tuple[float, Floats]:
    """Return the reach in standard errors and the p-values that hold for all arms at once."""
    variances = np.array([float(e.error**2) for e in effects])
    base = min(float(e.baseline_variance - e.shared) for e in effects)
    degrees = float(min(e.degrees for e in effects))
    if not np.all(variances > 0):
        p = np.array([float(e.p()) for e in effects])
        return 0.0, p
    weights = np.sqrt(np.clip(base / variances, 0.0, 1.0))
    statistics = np.array([float(e.difference / e.error) for e in effects])
    reach = dunnett_quantile(weights, confidence=confidence, degrees=degrees)
    return reach, dunnett_p(statistics, weights, degrees)


def with_small_arms(estimates: pd.DataFrame, people: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """Return the estimates with the p of small arms by other random assignments.

    Parameters
    ----------
    estimates
        ``estimate``.
    people
        The promotion's customers, one row each, with arm and the measures.
    seed
        Of the draws.

    Notes
    -----
    The plain difference is tested, means alone; several arms are corrected by their number.
    """
    small = estimates["reason"].eq(SMALL) & estimates["kind"].eq("mean")
    if not small.any():
        return estimates
    control = people[people["arm"] == CONTROL]
    found = estimates.copy()
    several = estimates["arm"].nunique()
    for place in np.flatnonzero(small):
        row = estimates.iloc[place]
        own = people.loc[people["arm"] == row["arm"], row["measure"]].to_numpy(dtype=float)
        p = float(redrawn_p(own, control[row["measure"]].to_numpy(dtype=float), seed=seed))
        corrected = min(1.0, p * several) if row["primary"] else row["p_corrected"]
        found.loc[found.index[place], ["p", "p_corrected"]] = p, corrected
        found.loc[found.index[place], "reason"] = REDRAWN
    others = ~found["primary"].to_numpy()
    found.loc[others, "p_corrected"] = holm(found.loc[others, "p"].to_numpy())
    return found


def primary_of(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the measure that decides."""
    return estimates[estimates["primary"]]
