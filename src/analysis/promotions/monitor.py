"""Reading a promotion on any day: an interval that holds at all of them at once.

An interval made for one look is wrong too often when it is looked at daily. A confidence sequence
is not: with the chance ``confidence`` it holds the truth on every day, so a promotion may be
stopped, for benefit or for harm, whenever it says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.promotions.days import Days, required
from analysis.promotions.outcomes import CONTROL

Array = npt.NDArray[np.float64]
Advice = Literal["stop for benefit", "stop for harm", "go on", "planned end"]

#: Customers in an arm below which the mean is not yet normal enough for a sequence.
FEWEST = 50


@dataclass(frozen=True)
class Path:
    """The difference of an arm and control so far, at the end of each day."""

    difference: Array
    error: Array
    information: Array


def path(treated: Days, control: Days) -> Path:
    """Return the adjusted difference day by day.

    The covariate's slope is that of both arms together up to that day, as in
    `adjustment.cuped`; information is the spread of what customers brought so far.
    """
    n = treated.n + control.n
    mean = (treated.covariate + control.covariate) / n
    xx = treated.covariate_squares + control.covariate_squares - n * mean**2
    xy = treated.along + control.along - mean * (treated.total + control.total)
    slope = xy / xx if xx > 0 else np.zeros(len(treated.total))
    (one, v1), (two, v2) = (_adjusted(arm, slope, mean) for arm in (treated, control))
    information = (v1 * treated.n + v2 * control.n) / n
    return Path(one - two, np.sqrt(v1 / treated.n + v2 / control.n), information)


def _adjusted(arm: Days, slope: Array, centre: float) -> tuple[Array, Array]:
    y, x = arm.total / arm.n, arm.covariate / arm.n
    yy = arm.squares / arm.n - y**2
    xx = arm.covariate_squares / arm.n - x**2
    xy = arm.along / arm.n - x * y
    variance = np.maximum(yy - 2 * slope * xy + slope**2 * xx, 0.0)
    return y - slope * (x - centre), variance * arm.n / max(arm.n - 1, 1)


def reach(information: npt.ArrayLike, *, planned: npt.ArrayLike, confidence: float) -> Array:
    """Return how many standard errors the sequence reaches to either side.

    Parameters
    ----------
    information
        Variance accumulated so far, in any unit.
    planned
        What it is expected to be at the planned end, where the sequence is tightest; fixed
        before the start.
    confidence
        Chance that it holds at all times at once.

    Notes
    -----
    Robbins' normal mixture: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), Annals of
    Statistics 52(6), 2613-2640, theorem 2.2, their width at rho from equation 2.8. It is built
    for customers who come one after another. Here all are there from the first day and bring
    more on each: who brought much so far tends to bring much tomorrow, so that days resemble
    each other more than assumed, and the guarantee is kept with room to spare (Slepian 1962,
    Bell System Technical Journal 41, 463-501).
    """
    a = 1 - confidence
    best = -2 * np.log(a) + np.log(-2 * np.log(a) + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = np.asarray(information, dtype=float) * best / np.asarray(planned, dtype=float)
        width = np.sqrt((1 + 1 / scaled) * np.log((scaled + 1) / a**2))
    return np.where(scaled > 0, width, np.inf)


def follow(
    arms: Mapping[str, Days], *, planned: float, planned_days: int, confidence: float = 0.95
) -> pd.DataFrame:
    """Return what could be said at the end of each day, arm by arm.

    Parameters
    ----------
    arms
        ``days.by_arm``.
    planned
        Variance a customer is expected to have at the planned end, from before the start.
    planned_days
        Length of the promotion.
    confidence
        Of all arms and all days together (Bonferroni over arms).

    Returns
    -------
    pandas.DataFrame
        arm, day (1 is the first), difference, error, low, high (always valid), naive_low,
        naive_high (valid for one look only), advice (up to and including that day; once it says
        stop it stays), first (the day on which the advice was given first).

    Raises
    ------
    NotApplicable
        Without a control arm.
    """
    required(dict(arms), CONTROL)
    treated = sorted(set(arms) - {CONTROL})
    level = 1 - (1 - confidence) / len(treated)
    parts = []
    for name in treated:
        found = path(arms[name], arms[CONTROL])
        small = min(arms[name].n, arms[CONTROL].n) < FEWEST
        with np.errstate(invalid="ignore"):  # where nobody differs yet, `_told` knows no interval
            wide = reach(found.information, planned=planned, confidence=level) * found.error
        parts.append(_told(name, found, np.inf if small else wide, level, planned_days))
    return pd.concat(parts, ignore_index=True)


def _told(
    name: str, found: Path, wide: Array | float, level: float, planned_days: int
) -> pd.DataFrame:
    from analysis.discoveries import normal_quantile

    wide = np.where(found.error > 0, wide, np.inf)
    low, high = found.difference - wide, found.difference + wide
    narrow = normal_quantile(level) * found.error
    advice, first = _advice(low, high, planned_days)
    return pd.DataFrame(
        {
            "arm": name,
            "day": np.arange(1, len(low) + 1),
            "difference": found.difference,
            "error": found.error,
            "low": low,
            "high": high,
            "naive_low": found.difference - narrow,
            "naive_high": found.difference + narrow,
            "advice": advice,
            "first": first,
        }
    )


def _advice(low: Array, high: Array, planned_days: int) -> tuple[list[Advice], list[int]]:
    advice: list[Advice] = []
    first: list[int] = []
    for day, (down, up) in enumerate(zip(low, high, strict=True), start=1):
        said: Advice = "go on" if day < planned_days else "planned end"
        if advice and advice[-1].startswith("stop"):
            said = advice[-1]
        elif down > 0:
            said = "stop for benefit"
        elif up < 0:
            said = "stop for harm"
        first.append(first[-1] if advice and said == advice[-1] else day)
        advice.append(said)
    return advice, first
