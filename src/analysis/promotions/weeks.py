"""Weekly contribution margin around a promotion, customer by customer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.promotions.purchases import netted_lines
from analysis.tables.margin import MICROS

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from analysis.tables.engine import Tables
    from analysis.tables.periods import Period

    Floats = NDArray[np.float64]


def weekly_margin(tables: Tables, customers: pd.Series, period: Period) -> Floats:
    """Return customers x whole weeks of contribution margin in the currency.

    Parameters
    ----------
    tables
        A study's tables.
    customers
        ``customer_id`` by row; whoever bought nothing has zeros.
    period
        Days covered; weeks are counted from its start, and the last one is left out unless whole.

    Notes
    -----
    Refunds count in the week of the order they undo, as in `outcomes`.
    """
    import ibis

    weeks = period.days // 7
    lines = netted_lines(tables)
    start, end = (ibis.timestamp(day.isoformat()) for day in (period.start, period.end))
    lines = lines.filter(lines.ordered_at >= start, lines.ordered_at < end)
    days = lines.ordered_at.date().delta(ibis.date(period.start.isoformat()), unit="day")
    weekly = lines.mutate(week=days.cast("int64") // 7)
    sums = weekly.group_by("customer_id", "week").agg(margin=weekly.margin.sum().cast("int64"))
    found = sums.to_pandas()
    at = customers.reset_index(drop=True).reset_index().set_index("customer_id")["index"]
    rows = found["customer_id"].map(at)
    inside = (rows.notna() & (found["week"] < weeks)).to_numpy()
    laid = np.zeros((len(customers), weeks))
    laid[rows[inside].to_numpy("int64"), found.loc[inside, "week"].to_numpy("int64")] = (
        found.loc[inside, "margin"].to_numpy("float64") / MICROS
    )
    return laid
