"""Demand as time series: what sold, by day, week or month, at any level of the business.

The sums are taken in the engine, exactly, and the calendar is laid over them there, so that a
period without a sale is a zero and not a hole. What cannot be known is missing instead: a series
before its first sale, a day on which nothing was open, a period marked as out of stock.

The sums behind demand series: every level's, by period, with the calendar laid over them.

Whole days, weeks and months of trade: which the data cover, and which days were closed.

Series of products under names that a person reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal

import ibis
import numpy as np
import pandas as pd

from analysis.errors import NotApplicable, ParamsError
from analysis.tables.lines import bought
from analysis.tables.margin import MICROS, lines_with_margin
from analysis.tables.periods import as_date

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

#: Column that all lines share, so that the total is a level like any other.
_WHOLE = "whole"


def _sums(lines: ibis.Table, keys: list[str], measure: Measure) -> ibis.Table:
    amounts: dict[str, Any] = {
        "net_amount": lambda t: (t.net_amount * 100).cast("int64").sum().cast("float64") / 100,
        "margin": lambda t: t.margin_micros.sum().cast("float64") / MICROS,
        "units": lambda t: t.counted.ifelse(t.quantity, ibis.literal(0.0)).sum(),
        "orders": lambda t: t.order_id.nunique(where=bought(t)).cast("float64"),
    }
    return lines.group_by(*keys, "period_start").agg(value=amounts[measure])


def of_level(
    tables: Tables,
    lines: ibis.Table,
    level: Level,
    measure: Measure,
    periods: tuple[date, ...],
    largest: int | None,
) -> pd.DataFrame:
    """Return a level's value for every series and period of the calendar, zero without a sale."""
    if measure == "units":
        lines = lines.filter(lines.counted)
    keys = list(level) or [_WHOLE]
    sums = _sums(lines.mutate(**{_WHOLE: ibis.literal("Total")}), keys, measure)
    calendar = ibis.memtable(pd.DataFrame({"period_start": list(periods)}))
    calendar = calendar.mutate(period_start=calendar.period_start.cast("date"))
    born = sums.group_by(keys).agg(born=sums.period_start.min(), size=sums.value.sum())
    if largest is not None:
        born = born.order_by(ibis.desc("size"), *keys).limit(largest)
    laid = born.cross_join(calendar).left_join(sums, [*keys, "period_start"])
    sold = ibis.coalesce(laid.value, 0.0)
    known = (laid.period_start >= laid.born).ifelse(sold, ibis.null("float64"))
    ordered = laid.select(*keys, "period_start", value=known).order_by(*keys, "period_start")
    return tables.connection.to_pandas(ordered)


def assembled(
    parts: list[pd.DataFrame], levels: Sequence[Level], names: Sequence[str], columns: int
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return keys and values of all levels, without series that were never sold."""
    named = list(dict.fromkeys(c for level in levels for c in level))
    keys, values = [], []
    for part, level, called in zip(parts, levels, names, strict=True):
        block = part["value"].to_numpy(dtype=float).reshape(-1, columns)
        head = part.iloc[::columns][list(level)].reset_index(drop=True)
        label = head.astype(str).agg(" / ".join, axis=1) if level else pd.Series(["Total"])
        keys.append(head.reindex(columns=named).assign(level=called, name=label))
        values.append(block)
    table = pd.concat(keys, ignore_index=True)[["level", "name", *named]]
    whole = np.vstack(values)
    alive = ~np.isnan(whole).all(axis=1)
    return table[alive].reset_index(drop=True), whole[alive]


Frequency = Literal["day", "week", "month"]


def following(start: date, frequency: Frequency) -> date:
    """Return the first day of the period after the one that begins on ``start``."""
    if frequency == "month":
        return (start.replace(day=1) + timedelta(days=32)).replace(day=1)
    return start + timedelta(days=7 if frequency == "week" else 1)


def trading_days(lines: ibis.Table) -> list[date]:
    """Return the days with a line, earliest first."""
    days = lines.select(day=lines.ordered_at.date()).distinct().to_pandas()["day"]
    return sorted(d.date() if hasattr(d, "date") else d for d in days)


def _start(day: date, frequency: Frequency) -> date:
    if frequency == "month":
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if frequency == "week" else day


def whole_periods(
    days: list[date], frequency: Frequency, end: date
) -> tuple[tuple[date, ...], tuple[date, ...]]:
    """Return the whole periods, and those at either end that the data cover in part.

    A day missing at an end matters only if its weekday is one that is ever traded.
    """
    traded = {day.weekday() for day in days}
    starts = [_start(days[0], frequency)]
    while following(starts[-1], frequency) <= min(days[-1], end - timedelta(days=1)):
        starts.append(following(starts[-1], frequency))

    def missing(first: date, until: date) -> bool:
        gap = (first + timedelta(days=i) for i in range((until - first).days))
        return any(day.weekday() in traded for day in gap)

    cut = []
    if missing(starts[0], days[0]):
        cut.append(starts.pop(0))
    if starts and missing(days[-1] + timedelta(days=1), following(starts[-1], frequency)):
        cut.append(starts.pop())
    if not starts:
        raise NotApplicable(f"The data cover no whole {frequency}.")
    return tuple(starts), tuple(cut)


def closed_days(
    days: list[date], periods: tuple[date, ...], frequency: Frequency
) -> tuple[tuple[date, ...], np.ndarray]:
    """Return the days inside on which nothing sold, and each period's number of the others."""
    span = (following(periods[-1], frequency) - periods[0]).days
    every = {periods[0] + timedelta(days=i) for i in range(span)}
    counts = dict.fromkeys(periods, 0)
    for day in every & set(days):
        counts[_start(day, frequency)] += 1
    return tuple(sorted(every - set(days))), np.array(list(counts.values()))


Measure = Literal["net_amount", "margin", "units", "orders"]

Level = tuple[str, ...]

_UNITS: dict[Frequency, Literal["D", "W", "M"]] = {"day": "D", "week": "W", "month": "M"}

#: The levels whose sums must add up, top first.
LEVELS: tuple[Level, ...] = ((), ("department",), ("department", "category"))

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
    lines = lines_with_margin(tables)
    lines = lines.filter(lines.ordered_at < ibis.timestamp(as_date(as_of).isoformat()))
    _check_levels(lines, levels)
    days = trading_days(lines)
    if not days:
        raise NotApplicable(f"There are no order lines before {as_of}.")
    periods, cut = whole_periods(days, frequency, as_date(as_of))
    stamped = lines.mutate(period_start=lines.ordered_at.truncate(_UNITS[frequency]).date())
    parts = [of_level(tables, stamped, lvl, measure, periods, largest) for lvl in levels]
    names = [level_name(level) for level in levels]
    keys, values = assembled(parts, levels, names, len(periods))
    closed, open_days = closed_days(days, periods, frequency)
    if frequency == "day":
        values[:, open_days == 0] = np.nan
    found = Series(keys, values, periods, open_days, measure, frequency, cut, closed)
    return found if unavailable is None else censor(found, unavailable)


def best_sellers(tables: Tables, *, as_of: date | str, count: int) -> Series:
    """Return weekly units of the products that sold most, by readable names (`named`).

    Of the ``count`` largest, those of departments that are no merchandise are left out.
    """
    sold = fetch(tables, as_of=as_of, levels=[("product_id",)], measure="units", largest=count)
    called = named(sold, tables)
    return called.where(merchandise(called, tables))


def merchandise(series: Series, tables: Tables) -> np.ndarray:
    """Return which series are goods, not what the study's params call ``not_merchandise``."""
    return np.asarray(~series.keys["department"].isin(list(tables.manifest.not_merchandise)))


def censor(series: Series, unavailable: pd.DataFrame) -> Series:
    """Return ``series`` without the values of periods that ``unavailable`` marks out of stock."""
    from dataclasses import replace

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


def _check_levels(lines: ibis.Table, levels: Sequence[Level]) -> None:
    for column in (c for level in levels for c in level):
        if column not in LEVEL_COLUMNS or column not in lines.columns:
            known = ", ".join(c for c in LEVEL_COLUMNS if c in lines.columns)
            raise ParamsError(f"There are no series by {column!r}; there are {known}")


def named(series: Series, tables: Tables) -> Series:
    """Return series of products with readable names, each still a name of its own.

    A product is called by its name, else its subcategory, else its category; its key follows
    where several are called the same. ``keys`` keeps product_id and gains department and, where
    the catalogue has it, category.
    """
    products = tables.products
    words = [c for c in ("name", "subcategory", "category") if c in products.columns]
    chosen = products[words[0]].coalesce(*(products[c] for c in words[1:]), "(no name)")
    groups = [c for c in ("department", "category") if c in products.columns]
    wanted = products.filter(products.product_id.isin(series.keys["product_id"].tolist()))
    table = tables.connection.to_pandas(wanted.select("product_id", *groups, called=chosen))
    keys = series.keys.drop(columns=[c for c in groups if c in series.keys])
    keys = keys.merge(table, on="product_id", how="left", validate="many_to_one")
    keys = keys.fillna({"called": "(not in the catalogue)"})
    shared = keys["called"].duplicated(keep=False)
    own = keys["called"] + (" " + keys["product_id"]).where(shared, "")
    return replace(series, keys=keys.assign(name=own).drop(columns="called"))
