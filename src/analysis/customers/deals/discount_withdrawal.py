"""Who stays when the discount goes away: weeks without offers against ordinary weeks.

Where a shop pauses its discounts, kinds of buyers show themselves: who came for the offer stays
away. Kinds are compared with each other in the same weeks, so that what a week does to everybody
(a holiday, the weather) is taken out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.resampling import percentile_interval, resampled_totals
from analysis.tables.lines import lines_in

if TYPE_CHECKING:
    from analysis.tables.engine import Tables
    from analysis.tables.periods import Period

#: A week counts as paused if its discount share is below this part of the median week's.
PAUSED = 0.10


def compare(
    tables: Tables, period: Period, kinds: pd.DataFrame, *, confidence: float = 0.95, seed: int = 0
) -> pd.DataFrame:
    """Compare how often each kind of buyer orders in weeks without discounts.

    Parameters
    ----------
    tables
        A study's tables.
    period
        The days looked at.
    kinds
        customer_id and buyer, as from ``buyers.judge``; in weeks without discounts nobody's share
        of offers can be made, so the kinds do not come from them.
    confidence
        Coverage of the intervals, from resampling whole customers.
    seed
        Seed of the resampling.

    Returns
    -------
    pandas.DataFrame
        group, customers, weeks (paused), usual and paused (orders a customer and week), stayed
        (paused over usual), low, high.

    Raises
    ------
    NotApplicable
        If no week was without discounts.
    """
    weeks, paused = _weeks(tables, period)
    orders = _orders(tables, period, paused).to_pandas()
    people = kinds[["customer_id", "buyer"]].merge(orders, on="customer_id", how="left")
    people = people.fillna({"inside": 0, "outside": 0})
    rows = []
    for name in kinds["buyer"].cat.categories:
        mine = people[people["buyer"] == name]
        if mine.empty:
            continue
        each = mine[["inside", "outside"]].to_numpy("float64")
        drawn = resampled_totals(each, seed=seed)
        scale = (weeks - len(paused)) / len(paused)
        with np.errstate(divide="ignore", invalid="ignore"):
            low, high = percentile_interval(
                drawn[:, 0] / drawn[:, 1] * scale, confidence=confidence
            )
        inside, outside = each.sum(axis=0) / len(mine)
        usual, now = outside / (weeks - len(paused)), inside / len(paused)
        stayed = now / usual if usual > 0 else np.nan
        rows.append(
            (str(name), len(mine), len(paused), usual, now, stayed, low.item(), high.item())
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


def _orders(tables: Tables, period: Period, paused: list[int]) -> ibis.Table:
    lines = _with_week(tables, period)
    known = lines.filter(lines.customer_id.notnull(), lines.week < period.days // 7)
    orders = known.select("customer_id", "order_id", "week").distinct()
    inside = orders.week.isin(paused)
    return orders.group_by("customer_id").agg(
        inside=orders.count(where=inside), outside=orders.count(where=~inside)
    )
