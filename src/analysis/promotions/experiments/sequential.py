"""Reading a promotion on any day: an interval that holds at all of them at once.

An interval made for one look is wrong too often when it is looked at daily. A confidence sequence
is not: with the chance ``confidence`` it holds the truth on every day, so a promotion may be
stopped, for benefit or for harm, whenever it says so.

A promotion day by day: what each arm has brought so far, from one pass over its purchases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.errors import NotApplicable
from analysis.promotions.outcomes.outcomes import CONTROL
from analysis.promotions.outcomes.purchases import netted_lines
from analysis.stats.sizes import FEWEST_IN_SEQUENCE
from analysis.stats.types import Floats
from analysis.tables.margin import MICROS

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

Advice = Literal["stop for benefit", "stop for harm", "go on", "planned end"]


@dataclass(frozen=True)
class Path:
    """The difference of an arm and control so far, at the end of each day."""

    difference: Floats
    error: Floats
    information: Floats


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


def _adjusted(arm: Days, slope: Floats, centre: float) -> tuple[Floats, Floats]:
    y, x = arm.total / arm.n, arm.covariate / arm.n
    yy = arm.squares / arm.n - y**2
    xx = arm.covariate_squares / arm.n - x**2
    xy = arm.along / arm.n - x * y
    variance = np.maximum(yy - 2 * slope * xy + slope**2 * xx, 0.0)
    return y - slope * (x - centre), variance * arm.n / max(arm.n - 1, 1)


def reach(information: npt.ArrayLike, *, planned: npt.ArrayLike, confidence: float) -> Floats:
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
        small = min(arms[name].n, arms[CONTROL].n) < FEWEST_IN_SEQUENCE
        with np.errstate(invalid="ignore"):  # where nobody differs yet, `_told` knows no interval
            wide = reach(found.information, planned=planned, confidence=level) * found.error
        parts.append(_told(name, found, np.inf if small else wide, level, planned_days))
    return pd.concat(parts, ignore_index=True)


def _told(
    name: str, found: Path, wide: Floats | float, level: float, planned_days: int
) -> pd.DataFrame:
    from analysis.stats.multiplicity import normal_quantile

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


def _advice(low: Floats, high: Floats, planned_days: int) -> tuple[list[Advice], list[int]]:
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


_CENTS = 100


@dataclass(frozen=True)
class Days:
    """One arm up to the end of each day.

    Parameters
    ----------
    n
        Customers.
    total, squares
        Sum over customers of what each brought so far, and of its square.
    along
        Sum of the product of what each brought so far and the covariate.
    covariate, covariate_squares
        Sums of the covariate, known before the start.
    """

    n: float
    total: Floats
    squares: Floats
    along: Floats
    covariate: float
    covariate_squares: float


def purchases(tables: Tables, *, people: ibis.Table, first: date, last: date) -> ibis.Table:
    """Return margin by customer and day, for customers of a promotion.

    Parameters
    ----------
    tables
        A study's tables.
    people
        customer_id, arm and before (the covariate).
    first, last
        Days of the promotion, both inclusive.

    Returns
    -------
    ibis.Table
        customer_id, arm, before, day (0 is the first), cents.
    """
    lines = tables.once("netted_lines", netted_lines)
    start = ibis.timestamp(first.isoformat())
    end = ibis.timestamp((last + timedelta(days=1)).isoformat())
    lines = lines.filter(lines.ordered_at >= start, lines.ordered_at < end)
    both = people.select("customer_id", "arm", "before").join(lines, "customer_id")
    day = both.ordered_at.date().delta(ibis.date(first.isoformat()), unit="day").cast("int64")
    daily = both.mutate(day=day).group_by("customer_id", "arm", "before", "day")
    sums = daily.agg(micros=both.margin.sum().cast("int64"))
    return sums.mutate(cents=(sums.micros / (MICROS // _CENTS)).round().cast("int64"))


def by_arm(people: ibis.Table, bought: ibis.Table, *, days: int) -> dict[str, Days]:
    """Sum up every arm to the end of each of ``days`` days.

    Parameters
    ----------
    people
        customer_id, arm, before: everybody assigned, also who never bought.
    bought
        customer_id, arm, before, day, cents: one row a customer and day with purchases.
    days
        Number of days.

    Notes
    -----
    What a customer brought so far changes only on days with a purchase, and so do its square and
    its product with the covariate. Summing these changes by arm and day takes one pass, whatever
    the number of days, in integers, so the sums are exact.
    """
    window = ibis.window(group_by="customer_id", order_by="day", rows=(None, 0))
    so_far = bought.mutate(so_far=bought.cents.sum().over(window).cast("int64"))
    whole, before = so_far.cents.cast("decimal(38, 0)"), so_far.so_far - so_far.cents
    change = so_far.select(
        "arm",
        "day",
        cents=so_far.cents,
        squares=whole * (so_far.so_far + before).cast("decimal(38, 0)"),
        along=whole * _in_cents(so_far.before),
    )
    sums = change.group_by("arm", "day").agg(
        cents=change.cents.sum(), squares=change.squares.sum(), along=change.along.sum()
    )
    daily = sums.order_by("arm", "day").to_pandas()
    prior = people.select("arm", x=_in_cents(people.before))
    prior = prior.mutate(xx=prior.x * prior.x)
    heads = prior.group_by("arm").agg(n=prior.count(), x=prior.x.sum(), xx=prior.xx.sum())
    return {
        row["arm"]: _days(row, daily[daily["arm"] == row["arm"]], days)
        for row in heads.order_by("arm").to_pandas().to_dict("records")
    }


def _in_cents(amount: ibis.Value) -> ibis.Value:
    return (amount.cast("float64") * _CENTS).round().cast("int64").cast("decimal(38, 0)")


def _days(head: dict[str, object], daily: pd.DataFrame, days: int) -> Days:
    total, squares, along = (_filled(daily, c, days) for c in ("cents", "squares", "along"))
    return Days(
        n=float(head["n"]),  # type: ignore[arg-type]
        total=total / _CENTS,
        squares=squares / _CENTS**2,
        along=along / _CENTS**2,
        covariate=float(head["x"]) / _CENTS,  # type: ignore[arg-type]
        covariate_squares=float(head["xx"]) / _CENTS**2,  # type: ignore[arg-type]
    )


def _filled(daily: pd.DataFrame, column: str, days: int) -> Floats:
    """Return the running sum of a column over all days, exact until the last step."""
    changes: Sequence[int] = [0] * days
    running = list(changes)
    for day, value in zip(daily["day"], daily[column], strict=True):
        running[int(day)] += int(value)
    for day in range(1, days):
        running[day] += running[day - 1]
    return np.array(running, dtype=float)


def required(arms: dict[str, Days], control: str) -> None:
    """Raise NotApplicable unless there is a control and something to compare with it."""
    if control not in arms or len(arms) < 2:
        raise NotApplicable("There is no control to compare with day by day.")
