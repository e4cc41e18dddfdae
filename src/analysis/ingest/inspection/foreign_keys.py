"""Files that belong together: those of one kind, and those whose rows another kind's refer to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from analysis.ingest.inspection.column_names import OF_IDS, plain
from analysis.ingest.inspection.file_scans import values_held
from analysis.ingest.inspection.sniff import Look, ideas_in

#: Share of values that must be there for a column of the same name, or of another, to be a key.
SAME_NAME, OTHER_NAME = 0.5, 0.95
#: Rows a value of a key stands in, at most, on average.
UNIQUE = 0.99
#: Columns that two headers share to be of one kind.
ALIKE = 0.8


@dataclass(frozen=True)
class Kind:
    """Files of one kind.

    Parameters
    ----------
    name
        What the mapping calls them.
    looks
        A look at each, in the order given.
    """

    name: str
    looks: tuple[Look, ...]

    @cached_property
    def pooled(self) -> Look:
        """Return the rows of all files, under the header that all share."""
        first = self.looks[0]
        if len(self.looks) == 1:
            return first
        rows = [row for each in self.looks for row in _under(each, first.header)]
        whole = all(each.whole for each in self.looks)
        pooled = replace(first, rows=rows, whole=whole)
        return replace(pooled, columns=ideas_in(pooled))

    def lacking(self) -> list[str]:
        """Return the columns of the first file that another lacks."""
        headers = [set(each.header) for each in self.looks]
        return [n for n in self.looks[0].header if any(n not in h for h in headers)]


def _under(found: Look, header: list[str]) -> list[list[str]]:
    if found.header == header:
        return found.rows
    places = [found.header.index(n) if n in found.header else -1 for n in header]
    width = len(found.header)
    return [["" if p < 0 else row[p] for p in places] for row in found.rows if len(row) == width]


def kinds_of(looks: Sequence[Look]) -> list[Kind]:
    """Return the files by kind: those with the same header, or nearly, and the same format."""
    groups: list[list[Look]] = []
    for each in looks:
        fitting = (g for g in groups if _alike(g[0], each))
        group = next(fitting, None)
        if group is None:
            groups.append([each])
        else:
            group.append(each)
    if len(groups) == 1:
        return [Kind("sales", tuple(_widest(groups[0])))]
    names: list[str] = []
    for group in groups:
        names.append(_name(group[0].path, names))
    return [Kind(n, tuple(_widest(g))) for n, g in zip(names, groups, strict=True)]


def _alike(one: Look, other: Look) -> bool:
    a, b = set(one.header), set(other.header)
    same_form = (one.kind, one.baskets, one.header_line == 0) == (
        other.kind,
        other.baskets,
        other.header_line == 0,
    )
    return same_form and len(a & b) >= ALIKE * max(len(a), len(b))


def _widest(group: list[Look]) -> list[Look]:
    """Return the looks with the one of most columns first, so that its names hold for all."""
    first = max(group, key=lambda each: len(each.header))
    return [first, *(each for each in group if each is not first)]


def _name(path: Path, taken: list[str]) -> str:
    stem = re.sub(r"[\W\d]+", "_", path.name.partition(".")[0].casefold()).strip("_") or "files"
    name, number = stem, 2
    while name in taken:
        name, number = f"{stem}_{number}", number + 1
    return name


@dataclass(frozen=True)
class Reference:
    """A column whose values are the key of another kind of file.

    Parameters
    ----------
    match, key
        The column, and the other kind's column.
    other
        The other kind.
    joined, of
        Different values that are found there, of how many.
    """

    match: str
    other: Kind
    key: str
    joined: int
    of: int


def references(lines: Kind, others: Sequence[Kind]) -> list[Reference]:
    """Return, for each other kind, the column of ``lines`` that refers to it best, if one does."""
    found: list[Reference] = []
    if not others:
        return found
    own = {column: set(lines.pooled.values(column)) for column in lines.pooled.header}
    for other in others:
        pooled = other.pooled
        if pooled.baskets:
            continue
        candidates = [
            Reference(match, other, key, len(values & held), len(values))
            for key in _keys(pooled)
            for match, values in own.items()
            if values
            for held in [_held(other, key, match, values)]
            if _refers(match, values, key, held, other.name)
        ]
        if candidates:
            found.append(max(candidates, key=lambda r: _rank(r)))
    return found


def _rank(reference: Reference) -> tuple[bool, bool, float, int]:
    is_id = any(plain(reference.match).endswith(word) for word in OF_IDS)
    share = reference.joined / reference.of
    return share >= SAME_NAME, is_id, share, reference.joined


def _held(other: Kind, key: str, match: str, values: set[str]) -> set[str]:
    """Return which of ``values`` the key holds; of files looked at in part, if names tell so."""
    if other.pooled.whole or not same_thing(match, key, other.name):
        return values & set(other.pooled.values(key))
    found: set[str] = set()
    for each in other.looks:
        if key in each.header:
            found |= values_held(each, key, values - found)
    return found


def _keys(found: Look) -> list[str]:
    """Return the columns with another value in every row."""
    keys = []
    for column in found.header:
        values = found.values(column)
        held = set(values)
        if values and len(held) >= UNIQUE * len(values) and len(values) >= 0.9 * len(found.rows):
            keys.append(column)
    return keys


def _refers(match: str, values: set[str], key: str, held: set[str], other: str) -> bool:
    share = len(values & held) / len(values)
    if same_thing(match, key, other):
        return share > 0
    telling = sum(len(v) >= 4 and not re.fullmatch(r"[\d.,]+", v) for v in values)
    return share >= OTHER_NAME and telling > len(values) / 2 and len(values) > 2


def same_thing(match: str, key: str, other: str) -> bool:
    """Tell whether ``match`` names the ``key`` of the kind ``other``: the same, or its thing's."""
    ours, theirs = plain(match), plain(key)
    if ours == theirs:
        return True
    things = {re.sub(r"(e?s)$", "", plain(other)), plain(other)}
    of_thing = {thing + suffix for thing in things for suffix in ("", *OF_IDS, "name", "nameid")}
    return theirs in {"id", "recordid", "no", "nr", "code", *of_thing} and ours in of_thing


def joined(lines: Look, found: Sequence[Reference]) -> Look:
    """Return the look with the columns looked up behind its own, named ``kind.Column``."""
    if not found:
        return lines
    header, rows = list(lines.header), [list(row) for row in lines.rows]
    for reference in found:
        other = reference.other.pooled
        place, key = lines.header.index(reference.match), other.header.index(reference.key)
        width = len(other.header)
        by_key = {row[key].strip(): row for row in other.rows if len(row) == width}
        nothing = [""] * width
        header += [f"{reference.other.name}.{name}" for name in other.header]
        rows = [
            row + by_key.get(row[place].strip(), nothing) if len(row) > place else row
            for row in rows
        ]
    names = [reference.other.name for reference in found]
    every = replace(lines, header=header, rows=rows)
    return replace(every, columns=ideas_in(every, names))
