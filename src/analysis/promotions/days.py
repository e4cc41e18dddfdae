"""A promotion day by day: what each arm has brought so far, from one pass over its purchases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.errors import NotApplicable
from analysis.promotions.purchases import netted_lines
from analysis.tables.margin import MICROS

if TYPE_CHECKING:
    import ibis

    from analysis.tables.engine import Tables

Array = npt.NDArray[np.float64]

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
    total: Array
    squares: Array
    along: Array
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
    import ibis

    lines = netted_lines(tables)
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
    import ibis

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


def _filled(daily: pd.DataFrame, column: str, days: int) -> Array:
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
