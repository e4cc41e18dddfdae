"""Whether order numbers tell orders apart: they may restart, or stand in files that overlap."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

#: Days that the lines of one order may lie apart.
APART = 1
#: Share of the numbers of several lines that stand on days apart before they are said to restart.
RESTARTED, SETTLED = 0.05, 0.01
#: Numbers of several orders that it takes to say that they restart.
TELLING = 3


class Line(NamedTuple):
    """What one line says of its order."""

    order: str
    day: date
    store: str
    file: int
    customer: str = ""


#: Parts of a key that may tell apart orders of the same number, the coarsest first.
PARTS: Mapping[str, Callable[[Line], str]] = {
    "store": lambda line: line.store,
    "month": lambda line: f"{line.day:%Y-%m}",
    "day": lambda line: line.day.isoformat(),
}


@dataclass(frozen=True)
class Numbers:
    """What was seen of the order numbers.

    Parameters
    ----------
    shared
        Numbers that stand in several files, on the same day in each: the files overlap.
    restarted
        Numbers that stand on days apart, in one file or several.
    of
        Numbers with several lines.
    joined_by
        What tells their orders apart, beside the number: of store, month and day, the coarsest.
    """

    shared: int = 0
    restarted: int = 0
    of: int = 0
    joined_by: tuple[str, ...] = ()

    @property
    def restart(self) -> bool:
        """Tell whether the numbers restart."""
        return _restart(self.restarted, self.of)


def judge(lines: Sequence[Line]) -> Numbers:
    """Return what the ``lines`` of one kind of file say of its order numbers."""
    restarted, of = _apart(lines, ())
    shared = _shared(lines)
    if not _restart(restarted, of):
        return Numbers(shared, restarted, of)
    for parts in _ways(lines):
        left, _ = _apart(lines, parts)
        if left <= SETTLED * of:
            return Numbers(0, restarted, of, parts)
    return Numbers(0, restarted, of, ("day",))


def _restart(restarted: int, of: int) -> bool:
    return restarted >= TELLING and restarted > RESTARTED * of


def _ways(lines: Sequence[Line]) -> list[tuple[str, ...]]:
    stores = len({line.store for line in lines}) > 1
    names = ["store", "month", "day"] if stores else ["month", "day"]
    ways: list[tuple[str, ...]] = [(name,) for name in names]
    ways += [pair for pair in itertools.combinations(names, 2) if "store" in pair]
    return ways


def _apart(lines: Sequence[Line], parts: tuple[str, ...]) -> tuple[int, int]:
    """Return how many numbers of several lines are several orders, of how many.

    They are where their lines stand on days apart, in several stores, or on another day in each
    of several files; not where all are of one known customer, whose order may come in parts.
    """
    orders: dict[tuple[str, ...], list[Line]] = defaultdict(list)
    for line in lines:
        orders[line.order, *(PARTS[part](line) for part in parts)].append(line)
    several = [found for found in orders.values() if len(found) > 1]
    return sum(map(_are_several, several), 0), len(several)


def _are_several(lines: list[Line]) -> bool:
    customers = {line.customer for line in lines}
    if len(customers) == 1 and customers != {""}:
        return False
    days = [line.day for line in lines]
    first: dict[int, date] = {}
    for line in lines:
        first[line.file] = min(line.day, first.get(line.file, line.day))
    in_files = len(set(first.values())) > 1
    return in_files or (max(days) - min(days)).days > APART or len({n.store for n in lines}) > 1


def _shared(lines: Sequence[Line]) -> int:
    """Return how many numbers stand in several files on the same day."""
    files: dict[tuple[str, date], set[int]] = defaultdict(set)
    for line in lines:
        files[line.order, line.day].add(line.file)
    return len({order for (order, _), found in files.items() if len(found) > 1})


def month_pattern(form: str) -> str:
    """Return what finds year and month in a day of this format; empty if no one pattern does."""
    if form == "iso" or form.startswith("%Y"):
        return r"^\d{4}\D?\d{1,2}"
    found = re.match(r"%d(\W)%m\W%[Yy]", form)
    return rf"\d{{1,2}}\{found.group(1)}(\d{{1,2}}\{found.group(1)}\d+)" if found else ""
