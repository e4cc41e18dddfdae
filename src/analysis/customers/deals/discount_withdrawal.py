"""Who stays when the discount goes away: weeks without offers against the weeks around them.

Where a shop pauses its discounts, kinds of buyers show themselves: who came for the offer stays
away. Kinds are compared with each other in the same weeks, so that what a week does to everybody
(a holiday, the weather) is taken out. They are formed on the year before: whoever bought much in
the weeks without offers would by that alone seem to care little for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.resampling import percentile_interval, resampled_totals
from analysis.stats.sizes import FEWEST_CUSTOMERS
from analysis.tables.lines import lines_in
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

#: A week counts as paused if its discount share is below this part of the median week's.
PAUSED = 0.10


@dataclass(frozen=True)
class Pause:
    """Weeks without discounts, and what they are compared with.

    Parameters
    ----------
    period
        The days looked at; weeks are counted from its start.
    weeks
        Weeks without discounts to speak of.
    usual
        As many weeks before the first of them and after the last.
    formed_on
        The days before all these, on which kinds of buyers are to be formed.
    """

    period: Period
    weeks: tuple[int, ...]
    usual: tuple[int, ...]
    formed_on: Period


def find(tables: Tables, period: Period, *, days: int = 365) -> Pause:
    """Find the weeks of ``period`` without discounts; kinds are formed on ``days`` before.

    Raises
    ------
    NotApplicable
        If no week was without discounts.
    """
    count, paused = _weeks(tables, period)
    n = len(paused)
    around = [*range(paused[0] - n, paused[0]), *range(paused[-1] + 1, paused[-1] + 1 + n)]
    start = period.start + timedelta(days=7 * (paused[0] - n))
    usual = tuple(week for week in around if 0 <= week < count)
    return Pause(period, tuple(paused), usual, Period(start - timedelta(days=days), start))


def compare(
    tables: Tables, pause: Pause, kinds: pd.DataFrame, *, confidence: float = 0.95, seed: int = 0
) -> pd.DataFrame:
    """Compare how often each kind of buyer orders in weeks without discounts.

    Parameters
    ----------
    tables
        A study's tables.
    pause
        `find`.
    kinds
        customer_id and buyer, as from ``buyers.judge`` on ``pause.formed_on``.
    confidence
        Coverage of the intervals, from resampling whole customers.
    seed
        Seed of the resampling.

    Returns
    -------
    pandas.DataFrame
        A kind with enough customers a row: group, customers, weeks (paused), usual and paused
        (orders a customer and week), stayed (paused over usual), low, high.

    Raises
    ------
    NotApplicable
        If no kind has enough customers.
    """
    orders = _orders(tables, pause).to_pandas()
    people = kinds[["customer_id", "buyer"]].merge(orders, on="customer_id", how="left")
    people = people.fillna({"inside": 0, "outside": 0})
    rows = []
    for name in kinds["buyer"].cat.categories:
        each = people.loc[people["buyer"] == name, ["inside", "outside"]].to_numpy("float64")
        if len(each) < FEWEST_CUSTOMERS:
            continue
        weekly = each / [len(pause.weeks), max(1, len(pause.usual))]
        drawn = resampled_totals(weekly, seed=seed)
        now, usual = weekly.mean(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            low, high = percentile_interval(drawn[:, 0] / drawn[:, 1], confidence=confidence)
        stayed = now / usual if usual > 0 else np.nan
        ends = (low.item(), high.item())
        rows.append((str(name), len(each), len(pause.weeks), usual, now, stayed, *ends))
    if not rows:
        raise NotApplicable(
            f"No kind of buyer of {pause.formed_on} has {FEWEST_CUSTOMERS} customers to follow "
            "into the weeks without discounts."
        )
    columns = ["group", "customers", "weeks", "usual", "paused", "stayed", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def _with_week(tables: Tables, period: Period) -> ibis.Table:

    lines = lines_in(tables, period)
    if "discount_amount" not in lines.columns:
        raise NotApplicable("No weeks without discounts: the study knows no discounts.")
    lines = lines.filter(lines.quantity >= 0)
    days = lines.ordered_at.date().delta(ibis.date(period.start.isoformat()), unit="day")
    return lines.mutate(
        week=days.cast("int64") // 7,
        off=(ibis.coalesce(lines.discount_amount, 0) * 100).cast("int64"),
        net=(lines.net_amount * 100).cast("int64"),
    )


def _weeks(tables: Tables, period: Period) -> tuple[int, list[int]]:
    """Return how many whole weeks there are, and which of them had no discounts to speak of."""
    lines = _with_week(tables, period)
    sums = lines.group_by("week").agg(off=lines.off.sum(), net=lines.net.sum())
    found = sums.filter(sums.week < period.days // 7).order_by("week").to_pandas()
    share = found["off"] / (found["off"] + found["net"]).clip(lower=1)
    paused = found.loc[share < PAUSED * share.median(), "week"].tolist()
    if not paused:
        raise NotApplicable(f"There was no week without discounts from {period}.")
    return len(found), paused


def _orders(tables: Tables, pause: Pause) -> ibis.Table:
    lines = _with_week(tables, pause.period)
    known = lines.filter(lines.customer_id.notnull())
    orders = known.select("customer_id", "order_id", "week").distinct()
    return orders.group_by("customer_id").agg(
        inside=orders.count(where=orders.week.isin(pause.weeks)),
        outside=orders.count(where=orders.week.isin(pause.usual)),
    )
