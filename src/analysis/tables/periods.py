"""Half-open spans of days that every analysis is computed over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from analysis.errors import ParamsError


def as_date(value: date | str) -> date:
    """Return ``value`` as a date, reading ISO text; ParamsError if it is none."""
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ParamsError(f"{value!r} is not a date; write it as YYYY-MM-DD") from None


@dataclass(frozen=True)
class Period:
    """The days from ``start`` (inclusive) to ``end`` (exclusive)."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise ParamsError(f"A period must end after it starts: {self.start} to {self.end}")

    @classmethod
    def before(cls, as_of: date | str, *, days: int) -> Period:
        """Return the ``days`` days that end just before ``as_of``."""
        end = as_date(as_of)
        return cls(end - timedelta(days=days), end)

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.end - self.start).days

    @property
    def last_day(self) -> date:
        """The last day inside."""
        return self.end - timedelta(days=1)

    def previous(self) -> Period:
        """Return the period of the same length that ends where this one starts."""
        return Period(self.start - timedelta(days=self.days), self.start)

    def weeks(self) -> list[Period]:
        """Return the whole weeks inside, counted back from ``end``, earliest first."""
        count = self.days // 7
        first = self.end - timedelta(days=7 * count)
        starts = [first + timedelta(days=7 * i) for i in range(count)]
        return [Period(s, s + timedelta(days=7)) for s in starts]

    def __str__(self) -> str:
        """Return both ends inclusive, as a reader expects them: 2 Jan 2017 to 31 Dec 2017."""
        return f"{written(self.start)} to {written(self.last_day)}"


def written(day: date) -> str:
    """Return a date as it is read: ``31 Dec 2017``."""
    return f"{day.day} {day:%b %Y}"
