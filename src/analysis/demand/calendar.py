"""Whole days, weeks and months of trade: which the data cover, and which days were closed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

import numpy as np

from analysis.errors import NotApplicable

if TYPE_CHECKING:
    import ibis

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
