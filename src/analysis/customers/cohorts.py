"""Do customers stay? Customers by the month of their first order, and who still buys later."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from analysis.customers.gaps import purchase_days
from analysis.errors import NotApplicable
from analysis.tables.periods import Period

if TYPE_CHECKING:
    import pandas as pd

    from analysis.tables.engine import Tables


def retention(
    tables: Tables, *, as_of: date, confidence: float = 0.95, fewest: int = 10
) -> pd.DataFrame:
    """Return for each cohort and month after the first the share that bought in it.

    Parameters
    ----------
    tables
        A study's tables.
    as_of
        The first day not looked at; a month that is not over by then is left out.
    confidence
        Coverage of the Wilson intervals.
    fewest
        Smaller cohorts are left out.

    Returns
    -------
    pandas.DataFrame
        cohort (first day of the month of the first purchase), months_later (0 is the first month
        itself), customers (of the cohort), bought, share, low, high, known (False for the cohort
        of the data's first month: its customers may be of any age).
    """
    import ibis
    import pandas as pd
    from statsmodels.stats.proportion import proportion_confint

    start = tables.order_lines.ordered_at.min().to_pandas()
    if start is None or start != start or start.date() >= as_of:
        raise NotApplicable(f"There are no orders before {as_of}.")
    days = purchase_days(tables, Period(start.date(), as_of))
    month = days.ordered_on.year() * 12 + days.ordered_on.month() - 1
    days = days.mutate(month=month.cast("int64"))
    first = days.month.min().over(ibis.window(group_by=days.customer_id))
    months = days.mutate(cohort=first).select("customer_id", "cohort", "month").distinct()
    counts = months.group_by("cohort", "month").agg(bought=months.count())
    table = counts.order_by("cohort", "month").to_pandas()
    table["months_later"] = table["month"] - table["cohort"]
    table["customers"] = table.groupby("cohort")["bought"].transform("first")
    over = table["month"] < as_of.year * 12 + as_of.month - 1
    table = table[over & (table["customers"] >= fewest)].reset_index(drop=True)
    low, high = proportion_confint(
        table["bought"], table["customers"], alpha=1 - confidence, method="wilson"
    )
    known = table["cohort"] > start.year * 12 + start.month - 1
    cohort = pd.to_datetime(
        {"year": table["cohort"] // 12, "month": table["cohort"] % 12 + 1, "day": 1}
    )
    return pd.DataFrame(
        {
            "cohort": cohort,
            "months_later": table["months_later"],
            "customers": table["customers"],
            "bought": table["bought"],
            "share": table["bought"] / table["customers"],
            "low": low,
            "high": high,
            "known": known,
        }
    )


def require(kept: pd.DataFrame) -> None:
    """Raise NotApplicable where no cohort of ``retention`` can be followed for two months."""
    if not (kept["months_later"] > 1).any():
        raise NotApplicable(
            "Cohorts cannot be followed: none is large enough with a second month that is over."
        )
