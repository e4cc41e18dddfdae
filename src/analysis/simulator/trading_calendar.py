"""The shop's clock: weeks, opening hours, holidays and closed days.

Processes run on an operational clock in weeks since the first Monday. Within a week it is bent
to the shop's weekdays and hours, so weekly counts stay those of the process and only the time
within the week takes the shop's shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
from dateutil.easter import easter

from analysis.simulator.shop import Shop
from analysis.stats.types import Floats, Integers

DAY_US = 86_400_000_000
EPOCH = date(1970, 1, 1)
WEEKS_A_YEAR = 365.2425 / 7

OPENS = 7
#: Share of orders by hour from opening on, and by weekday from Monday on (not normalised).
HOURS = (19, 27, 39, 54, 65, 67, 71, 75, 85, 96, 97, 86, 71, 54, 34, 20)
WEEKDAYS = (141, 134, 132, 133, 139, 158, 163)


@dataclass(frozen=True)
class Calendar:
    """Time of one shop.

    Parameters
    ----------
    start
        First day, a Monday.
    days
        Days of history.
    """

    start: date
    days: int

    @classmethod
    def of(cls, shop: Shop) -> Calendar:
        """Return the calendar of ``shop``."""
        return cls(shop.start, shop.history_days)

    @property
    def span(self) -> float:
        """Length of the history in weeks."""
        return self.days / 7

    @property
    def weeks(self) -> int:
        """Number of weeks that the history touches."""
        return -(-self.days // 7)

    def holds(self, first_week: int, weeks: int) -> bool:
        """Tell whether the ``weeks`` weeks from ``first_week`` on lie inside the history."""
        return 7 * (first_week + weeks) <= self.days

    def day_of(self, when: date) -> int:
        """Return the number of days from the start to ``when``."""
        return (when - self.start).days

    def date_of(self, day: int) -> date:
        """Return the date ``day`` days after the start."""
        return self.start + timedelta(days=int(day))

    def yearly(self, month: int, day: int) -> tuple[int, ...]:
        """Return the day numbers of a fixed date in each year of the history."""
        years = range(self.start.year, self.date_of(self.days).year + 1)
        found = (self.day_of(date(year, month, day)) for year in years)
        return tuple(d for d in found if 0 <= d < self.days)

    @cached_property
    def easters(self) -> tuple[int, ...]:
        """Day numbers of Easter Sunday."""
        years = range(self.start.year, self.date_of(self.days).year + 1)
        found = (self.day_of(easter(year)) for year in years)
        return tuple(d for d in found if 0 <= d < self.days)

    @cached_property
    def closed(self) -> tuple[int, ...]:
        """Day numbers on which nothing is sold anywhere: 25 December and Easter Sunday."""
        found = {*self.yearly(12, 25), *self.easters}
        return tuple(sorted(found)) if self.days > 7 else ()

    def holiday_weeks(self, name: str) -> tuple[int, ...]:
        """Return the weeks of a holiday: three up to Christmas Day, two up to Easter."""
        ends = self.yearly(12, 25) if name == "christmas" else self.easters
        length = 3 if name == "christmas" else 2
        weeks = {day // 7 - back for day in ends for back in range(length)}
        return tuple(sorted(w for w in weeks if w >= 0))

    def stamps(self, moments: Floats) -> Integers:
        """Return microseconds since 1970 (local time) of operational times in weeks.

        Orders of a closed day are made the day before, or the day after if it is a Monday, so
        that they stay in their week.
        """
        week = np.floor(moments)
        hour = _bent(moments - week)
        day = week.astype(np.int64) * 7 + (hour // 24).astype(np.int64)
        for closed in self.closed:
            day[day == closed] += 1 if closed % 7 == 0 else -1
        second = ((hour % 24) * 3600).astype(np.int64)
        return ((self.start - EPOCH).days + day) * DAY_US + second * 1_000_000

    def days_since_start(self, stamps: Integers) -> Integers:
        """Return day numbers of stamps."""
        return stamps // DAY_US - (self.start - EPOCH).days

    def stamp_of_day(self, day: int) -> int:
        """Return the stamp of the midnight that begins ``day``."""
        return ((self.start - EPOCH).days + int(day)) * DAY_US


def _hour_table() -> tuple[Floats, Floats]:
    weights = np.outer(np.array(WEEKDAYS), np.array(HOURS)).ravel() / sum(WEEKDAYS) / sum(HOURS)
    begins = (24 * np.arange(7)[:, None] + OPENS + np.arange(len(HOURS))[None, :]).ravel()
    return np.cumsum(weights), begins.astype(np.float64)


_UNTIL, _BEGINS = _hour_table()


def _bent(share: Floats) -> Floats:
    """Return the hour of the week at which ``share`` of the week's orders have been made."""
    at = np.minimum(np.searchsorted(_UNTIL, share, side="right"), len(_UNTIL) - 1)
    before = np.where(at > 0, _UNTIL[at - 1], 0.0)
    inside = (share - before) / (_UNTIL[at] - before)
    return _BEGINS[at] + np.clip(inside, 0.0, 0.999_999)
