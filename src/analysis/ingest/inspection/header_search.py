"""Find how a text table is laid out: its delimiter, and the line with the names.

A table with a column for each period is told as well: its rows are no sales until it is turned
round.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from analysis.ingest.inspection.column_names import NAMES, plain
from analysis.ingest.readers.delimited import SEPARATOR, as_wide, cells, guess_delimiter
from analysis.ingest.readers.staged_table import header_names

CANDIDATES = (",", ";", "\t", "|")
#: Lines that are looked at, and lines above the names that are.
LOOKED_AT, TITLES = 400, 20
#: A table's lines have one number of cells; a basket file's have many.
ONE_WIDTH = 0.6
NUMBER = re.compile(r"[£$€¥]?\s*[-+(]?[\d.,' ]*\d[\d.,']*\)?%?")
DATE = re.compile(r"\d{1,4}[-/.年]\d{1,2}([-/.月]\d{1,4}日?)?([ T]\d{1,2}:\d{2}.*)?")
KNOWN = frozenset(name for known in NAMES.values() for name in known)


@dataclass(frozen=True)
class Layout:
    """How a text table is laid out.

    Parameters
    ----------
    delimiter
        One character, or ``whitespace``.
    header_line
        Number of the line with the names; 0 if there is none.
    names
        The columns' names; ``column 1`` and so on where the file has none.
    baskets
        Each line is a basket of its own length.
    above
        Lines above that ingest does not count: the one in which spreadsheets name the delimiter.
    """

    delimiter: str
    header_line: int
    names: list[str]
    baskets: bool = False
    above: int = 0


def find_layout(lines: list[bytes]) -> Layout | None:
    """Return how the file that begins with ``lines`` is laid out; None if it is empty."""
    shown = lines[:LOOKED_AT]
    if not any(line.strip() for line in shown):
        return None
    named = SEPARATOR.fullmatch(shown[0])
    if named is not None:
        below = find_layout(shown[1:])
        return below and replace(below, delimiter=named[1].decode(), above=1)
    delimiter = _delimiter(shown)
    rows = [cells(line, delimiter) for line in shown]
    if _is_baskets(rows):
        return Layout(delimiter, 0, ["item"], baskets=True)
    place = header_row(rows)
    if place < 0:
        width = _usual_width(rows)
        return Layout(delimiter, 0, [f"column {i}" for i in range(1, width + 1)])
    names = rows[place]
    if _is_numbered(names) and not are_periods(numbered(names), rows[place + 1 :], names):
        return Layout(delimiter, place + 1, ["item"], baskets=True)
    record = next((row for row in rows[place + 1 :] if any(cell.strip() for cell in row)), names)
    return Layout(delimiter, place + 1, header_names(as_wide(names, record)))


def _is_numbered(names: list[str]) -> bool:
    """Tell whether a header counts the products of a basket: ``Item 1``, ``Item 2`` and so on."""
    return len(numbered(names)) >= max(3, 0.8 * (len(names) - 1))


def _delimiter(lines: list[bytes]) -> str:
    """Return the delimiter that cuts most lines into the same number of cells, more than one."""
    filled = [line for line in lines if line.strip()]
    scores = {}
    there = b"".join(filled)
    for delimiter in (*CANDIDATES, "whitespace"):
        if delimiter != "whitespace" and delimiter.encode() not in there:
            scores[delimiter] = (False, 1.0, 1)
            continue
        rows = [cells(line, delimiter) for line in filled]
        width = _usual_width(rows)
        share = sum(len(row) == width for row in rows) / len(rows)
        scores[delimiter] = (width > 1, share if delimiter != "whitespace" else share - 0.05, width)
    best = max(scores, key=lambda d: scores[d])
    if best == "whitespace" and not _mostly_values(filled):
        best = max(CANDIDATES, key=lambda d: scores[d])
    if not scores[best][0] or scores[best][1] < ONE_WIDTH:  # baskets, or a single column
        return guess_delimiter(max(filled, key=len))
    return best


def _mostly_values(lines: list[bytes]) -> bool:
    """Tell whether half of what stands between blanks are numbers and dates, not words."""
    cut = [cell for line in lines[1:] for cell in cells(line, "whitespace")]
    return 2 * sum(map(_is_value, cut)) >= len(cut) > 0


def _usual_width(rows: list[list[str]]) -> int:
    widths = Counter(len(row) for row in rows)
    return max(widths, key=lambda w: (widths[w], w)) if widths else 0


def _is_baskets(rows: list[list[str]]) -> bool:
    """Tell whether lines are baskets: of many lengths, the same words again and again."""
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    widths = Counter(len(row) for row in filled)
    if len(filled) < 3 or len(widths) < 3 or widths.most_common(1)[0][1] > ONE_WIDTH * len(filled):
        return False
    cut = [cell.strip() for row in filled for cell in row if cell.strip()]
    dates = sum(bool(DATE.fullmatch(cell)) for cell in cut)
    return dates < len(filled) / 10 and len(set(cut)) < 0.8 * len(cut)


def header_row(rows: list[list[str]]) -> int:
    """Return the place of the row with the names, below titles; -1 if no row is one."""
    width = _usual_width([_without_blanks(row) for row in rows[:LOOKED_AT] if any(row)])
    for place, row in enumerate(rows[:TITLES]):
        filled = [cell.strip() for cell in row if cell.strip()]
        if not filled or len(filled) < max(1, 0.6 * width):
            continue
        if any(plain(cell) in KNOWN for cell in filled):
            return place
        return -1 if any(_is_value(cell) for cell in filled) else place
    return 0


def _without_blanks(row: list[str]) -> list[str]:
    filled = list(row)
    while filled and not filled[-1].strip():
        filled.pop()
    return filled


def _is_value(cell: str) -> bool:
    """Tell whether a cell is a number or a date, as a name never is."""
    text = cell.strip()
    return bool(NUMBER.fullmatch(text) or DATE.fullmatch(text))


#: Columns of periods that it takes, and the share of their cells that are numbers.
PERIODS_ACROSS, FILLED = 6, 0.9
_MONTHS = "jan|feb|mar|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez"
PERIOD = re.compile(
    rf"(19|20)\d\d([-/_. ]?(0?[1-9]|1[0-2]|q[1-4]|w\d\d?))?([-/_. ]\d\d?)?|"
    rf"\d\d?[-/_.](19|20)\d\d|({_MONTHS})[a-zäé]*[-/_. ']*(\d\d|\d{{4}})?|"
    r"(week|woche|kw|w|month|day|d|q|t)[-_ ]?\d{1,4}",
    re.IGNORECASE,
)
AMOUNT = re.compile(r"[-+]?[\d.,' ]*\d[\d.,']*")


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
    numbers = sum(bool(AMOUNT.fullmatch(cell)) for cell in cells)
    return bool(cells) and numbers >= FILLED * len(cells)


def numbered(names: Sequence[str]) -> list[str]:
    """Return the names that one stem numbers, such as ``d_1`` to ``d_200``, if most are."""
    stems = Counter(m[1] for name in names if (m := re.fullmatch(r"(\D+?)[ _-]?\d+", name.strip())))
    if not stems:
        return []
    stem = stems.most_common(1)[0][0]
    return [n for n in names if re.fullmatch(rf"{re.escape(stem)}[ _-]?\d+", n.strip())]
