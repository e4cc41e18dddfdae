"""Tables with a column for each period, whose rows are no sales until they are turned round."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

#: Columns of periods that it takes, and the share of their cells that are numbers.
PERIODS_ACROSS, FILLED = 6, 0.9
_MONTHS = "jan|feb|mar|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez"
PERIOD = re.compile(
    rf"(19|20)\d\d([-/_. ]?(0?[1-9]|1[0-2]|q[1-4]|w\d\d?))?([-/_. ]\d\d?)?|"
    rf"\d\d?[-/_.](19|20)\d\d|({_MONTHS})[a-zäé]*[-/_. ']*(\d\d|\d{{4}})?|"
    r"(week|woche|kw|w|month|day|d|q|t)[-_ ]?\d{1,4}",
    re.IGNORECASE,
)
NUMBER = re.compile(r"[-+]?[\d.,' ]*\d[\d.,']*")


def periods_across(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the columns that hold a number for each period; none if the rows may be sales."""
    named = [name for name in header if PERIOD.fullmatch(name.strip())]
    ways = (named, numbered(header))
    return next((names for names in ways if are_periods(names, rows, header)), [])


def are_periods(names: Sequence[str], rows: Sequence[Sequence[str]], header: Sequence[str]) -> bool:
    """Tell whether columns that look alike are filled with numbers and most of the header."""
    if len(names) < PERIODS_ACROSS or 2 * len(names) < len(header):
        return False
    places = [at for at, name in enumerate(header) if name in set(names)]
    cells = [row[at].strip() for row in rows[:300] if len(row) == len(header) for at in places]
    numbers = sum(bool(NUMBER.fullmatch(cell)) for cell in cells)
    return bool(cells) and numbers >= FILLED * len(cells)


def numbered(names: Sequence[str]) -> list[str]:
    """Return the names that one stem numbers, such as ``d_1`` to ``d_200``, if most are."""
    stems = Counter(m[1] for name in names if (m := re.fullmatch(r"(\D+?)[ _-]?\d+", name.strip())))
    if not stems:
        return []
    stem = stems.most_common(1)[0][0]
    return [n for n in names if re.fullmatch(rf"{re.escape(stem)}[ _-]?\d+", n.strip())]
