"""Regressors that are known before the weeks they stand for, gathered for many products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from analysis.demand.drivers import regressors
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from analysis.demand.series.sales_series import Series
    from analysis.tables.engine import Tables

#: Weeks up to a holiday in which people shop for it.
RUN_UP = 3


@dataclass(frozen=True)
class KnownAhead:
    """Regressors of every series.

    Parameters
    ----------
    names
        Regressors: ``promoted``, ``discount``, ``price``, and each holiday with the weeks before.
    kinds
        ``promotion``, ``discount``, ``price`` or ``holiday`` of each.
    values
        Series x weeks x regressors: the share of the week on offer; -log(1 - discount); the
        logarithm of the shelf price over its usual one; 1 in a holiday's week.
    shelf
        Series x weeks: shelf prices, in currency.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    values: Floats
    shelf: Floats


def gather(
    tables: Tables, series: Series, *, country: str, holidays: Sequence[str], horizon: int = 0
) -> KnownAhead:
    """Return what was known in advance about each product of ``series``.

    Parameters
    ----------
    tables
        A study's tables.
    series
        Weekly units of products.
    country, holidays
        Calendar and the holidays of it that have a run-up, as the calendar names them; Easter
        everywhere.
    horizon
        Weeks after the last one that are wanted as well: prices and discounts stay as they were
        in the last week, promotions and holidays are as planned.
    """
    products = [str(p) for p in series.keys["product_id"]]
    weeks = list(series.periods)
    weeks += [series.end + timedelta(days=7 * i) for i in range(horizon)]
    on = regressors.promoted(tables, products, weeks)
    shelf, depth = regressors.prices(tables, products, series.periods)
    usual = np.nanmedian(np.where(np.isnan(shelf), 1.0, shelf), axis=1, keepdims=True)
    price = np.log(np.where(np.isnan(shelf), usual, shelf) / usual)
    discount = -np.log1p(-np.clip(depth, 0.0, 0.95))
    own = {
        "promoted": ("promotion", on),
        "discount": ("discount", _held(discount, horizon, last=False)),
        "price": ("price", _held(price, horizon, last=True)),
    }
    marks = run_ups(weeks, country=country, names=holidays)
    shared = np.broadcast_to(marks[1], (len(products), *marks[1].shape))
    columns = np.stack([values for _, values in own.values()], axis=2)
    return KnownAhead(
        (*own, *marks[0]),
        (*(kind for kind, _ in own.values()), *("holiday" for _ in marks[0])),
        np.concatenate([columns, shared], axis=2),
        shelf,
    )


def _held(values: Floats, horizon: int, *, last: bool) -> Floats:
    """Return values with ``horizon`` more columns: the last one, or nothing."""
    future = np.repeat(values[:, -1:] if last else np.zeros((len(values), 1)), horizon, axis=1)
    return np.hstack([values, future])


def run_ups(
    weeks: Sequence[date], *, country: str, names: Sequence[str]
) -> tuple[tuple[str, ...], Floats]:
    """Return names and marks (weeks x names) of each holiday's week and the weeks before it."""
    later = [weeks[-1] + timedelta(days=7 * (i + 1)) for i in range(RUN_UP)]
    table = regressors.holiday_dummies([*weeks, *later], country=country, names=names)
    found, marks = [], []
    for name in names:
        column = table[name].to_numpy(dtype=float)
        for before in range(RUN_UP):
            found.append(name if not before else f"{name}, {before} before")
            marks.append(column[before : before + len(weeks)])
    return tuple(found), np.column_stack(marks) if marks else np.zeros((len(weeks), 0))
