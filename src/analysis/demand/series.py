"""Demand as time series: what sold, by day, week or month, at any level of the business.

The sums are taken in the engine, exactly, and the calendar is laid over them there, so that a
period without a sale is a zero and not a hole. What cannot be known is missing instead: a series
before its first sale, a day on which nothing was open, a period marked as out of stock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

import numpy as np

from analysis.demand import sums
from analysis.demand.calendar import (
    Frequency,
    closed_days,
    following,
    trading_days,
    whole_periods,
)
from analysis.errors import NotApplicable, ParamsError
from analysis.tables.margin import lines_with_margin
from analysis.tables.periods import as_date

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from analysis.tables.engine import Tables

Measure = Literal["net_amount", "margin", "units", "orders"]
Level = tuple[str, ...]

_UNITS: dict[Frequency, Literal["D", "W", "M"]] = {"day": "D", "week": "W", "month": "M"}

#: Columns that may make up a level.
LEVEL_COLUMNS = ("department", "category", "store_id", "channel", "brand", "product_id")

#: Measures whose total is the sum of its parts; an order may hold several departments.
ADDITIVE: tuple[Measure, ...] = ("net_amount", "margin", "units")


@dataclass(frozen=True)
class Series:
    """Series side by side.

    Parameters
    ----------
    keys
        One row a series: level (``total``, ``department``, ``department x category``), name,
        and the columns of every level asked for (missing where a level lacks them).
    values
        One row a series, one column a period; NaN before a series' first sale, on closed
        days and where stock was out.
    periods
        First day of each period.
    open_days
        Days of each period on which anything was sold anywhere.
    measure, frequency
        What is counted, by what.
    cut
        Periods left out at either end because the data cover them in part.
    closed
        Days inside on which nothing was sold anywhere.
    censored
        Number of values left out as out of stock.
    """

    keys: pd.DataFrame
    values: np.ndarray
    periods: tuple[date, ...]
    open_days: np.ndarray
    measure: Measure
    frequency: Frequency
    cut: tuple[date, ...]
    closed: tuple[date, ...]
    censored: int = 0

    def at(self, level: str) -> Series:
        """Return the series of one level."""
        return self.where(np.asarray(self.keys["level"] == level))

    def where(self, chosen: np.ndarray) -> Series:
        """Return the series that ``chosen`` marks."""
        from dataclasses import replace

        keys = self.keys[chosen].reset_index(drop=True)
        return replace(self, keys=keys, values=self.values[chosen])

    @property
    def end(self) -> date:
        """First day after the last period."""
        return following(self.periods[-1], self.frequency)

    def history(self, level: str, name: str) -> pd.DataFrame:
        """Return one series: period_start, value."""
        found = self.where(np.asarray((self.keys["level"] == level) & (self.keys["name"] == name)))
        return found.to_frame()[["period_start", "value"]]

    def to_frame(self) -> pd.DataFrame:
        """Return one row a series and period: level, name, period_start, value."""
        import pandas as pd

        columns = len(self.periods)
        starts = pd.to_datetime(list(self.periods)).as_unit("us")
        return pd.DataFrame(
            {
                "level": np.repeat(self.keys["level"].to_numpy(), columns),
                "name": np.repeat(self.keys["name"].to_numpy(), columns),
                "period_start": np.tile(starts, len(self.keys)),
                "value": self.values.ravel(),
            }
        )


def fetch(
    tables: Tables,
    *,
    as_of: date | str,
    levels: Sequence[Level] = ((),),
    measure: Measure = "net_amount",
    frequency: Frequency = "week",
    unavailable: pd.DataFrame | None = None,
    largest: int | None = None,
) -> Series:
    """Return the series of every level up to ``as_of``.

    Parameters
    ----------
    tables
        A study's tables; needs order_lines and products.
    as_of
        The first day not looked at.
    levels
        Columns of each level, out of `LEVEL_COLUMNS`: ``()`` is the total, ``("department",)``,
        ``("department", "store_id")`` and so on.
    measure
        ``net_amount`` and ``margin`` (currency), ``units`` (of products whose quantity counts
        units), ``orders`` (distinct ones with a line in the series).
    frequency
        Days, weeks from Monday, or calendar months.
    unavailable
        Periods known to be out of stock: columns of a level and ``period_start``.
    largest
        Keep only this many series a level, those with the largest sums; None keeps all.

    Raises
    ------
    NotApplicable
        If there are no order lines before ``as_of``, or no whole period of them.
    ParamsError
        If a level names a column that order lines do not have.
    """
    lines = _before(lines_with_margin(tables), as_date(as_of))
    _check_levels(lines, levels)
    days = trading_days(lines)
    if not days:
        raise NotApplicable(f"There are no order lines before {as_of}.")
    periods, cut = whole_periods(days, frequency, as_date(as_of))
    stamped = lines.mutate(period_start=lines.ordered_at.truncate(_UNITS[frequency]).date())
    parts = [sums.of_level(tables, stamped, lvl, measure, periods, largest) for lvl in levels]
    names = [level_name(level) for level in levels]
    keys, values = sums.assembled(parts, levels, names, len(periods))
    closed, open_days = closed_days(days, periods, frequency)
    if frequency == "day":
        values[:, open_days == 0] = np.nan
    found = Series(keys, values, periods, open_days, measure, frequency, cut, closed)
    return found if unavailable is None else censor(found, unavailable)


def censor(series: Series, unavailable: pd.DataFrame) -> Series:
    """Return ``series`` without the values of periods that ``unavailable`` marks out of stock."""
    from dataclasses import replace

    import pandas as pd

    columns = [c for c in unavailable.columns if c != "period_start"]
    marks = unavailable.assign(period_start=pd.to_datetime(unavailable["period_start"]).dt.date)
    rows = series.keys[columns].assign(row=np.arange(len(series.keys)))
    found = marks.merge(rows, on=columns)
    column = {start: i for i, start in enumerate(series.periods)}
    found = found[found["period_start"].isin(list(column))]
    values = series.values.copy()
    values[found["row"], [column[p] for p in found["period_start"]]] = np.nan
    return replace(series, values=values, censored=len(found))


def ahead(series: Series, horizon: int) -> tuple[date, ...]:
    """Return the first days of the ``horizon`` periods after the last one."""
    starts = [series.end]
    for _ in range(horizon - 1):
        starts.append(following(starts[-1], series.frequency))
    return tuple(starts)


def level_name(level: Level) -> str:
    """Return how a level is called: its columns, or ``total``."""
    return " x ".join(level) if level else "total"


def _before(lines: ibis.Table, end: date) -> ibis.Table:
    import ibis

    return lines.filter(lines.ordered_at < ibis.timestamp(end.isoformat()))


def _check_levels(lines: ibis.Table, levels: Sequence[Level]) -> None:
    for column in (c for level in levels for c in level):
        if column not in LEVEL_COLUMNS or column not in lines.columns:
            known = ", ".join(c for c in LEVEL_COLUMNS if c in lines.columns)
            raise ParamsError(f"There are no series by {column!r}; there are {known}")
