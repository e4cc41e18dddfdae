"""Which decimal mark the numbers of a file are written with, decided once over all its columns.

``1,250`` kilograms stand beside a price of ``3,20``: alone, ``1,250`` would do for a thousand and
more. So every numeric column of a file is looked at, what is certain in one (``3,20`` has a decimal
comma, ``1,234.50`` a point) decides the others, and what nothing decides is refused, not guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import ibis

from analysis.errors import DataError
from analysis.ingest.mapping import values
from analysis.ingest.mapping.arithmetic import totals_of
from analysis.ingest.mapping.file_mapping import FileSpec
from analysis.ingest.mapping.model import TableSpec
from analysis.ingest.mapping.value_mapping import Condition, Value, kind_of, leaves
from analysis.ingest.readers.staged_table import LINE, Staged
from analysis.tables.engine import builtin

#: Rows looked at first; the rest only if these decide nothing.
FIRST_ROWS = 50_000
#: Share of a column's marked numbers that must be certain before it may differ from its file.
OWN = 0.1
#: Share of marked numbers that speak against the decision, from which what is uncertain is
#: refused.
MIXED = 0.05

_SIDE = r"(?:[A-Za-zА-Яа-я]\.|[^\d.,])*"
#: A number that a decimal point and a decimal comma both make a number, but not the same one.
UNCERTAIN = rf"^{_SIDE}[1-9]\d{{0,2}}[.,]\d{{3}}{_SIDE}$"
_NUMERIC = {"money", "number", "integer"}


@dataclass(frozen=True)
class Mark:
    """How a column's numbers are read.

    Parameters
    ----------
    decimal
        The decimal mark.
    refuse_uncertain
        Numbers such as ``1,234``, which the other mark would make another number, are refused.
    """

    decimal: str = "."
    refuse_uncertain: bool = False


@dataclass(frozen=True)
class _Evidence:
    """Numbers of a column: certain of a point, certain of a comma, possible with both."""

    point: int
    comma: int
    uncertain: int

    @property
    def own(self) -> str:
        """Return the mark of the column by itself; empty if it does not tell."""
        certain = max(self.point, self.comma)
        if self.point == self.comma or certain < OWN * (certain + self.uncertain):
            return ""
        return "." if self.point > self.comma else ","


def decide(
    staged: Staged, tables: Sequence[TableSpec], spec: FileSpec
) -> tuple[dict[str, Mark], tuple[str, ...]]:
    """Return how each numeric column of a file is read, and sentences about what was decided.

    Parameters
    ----------
    staged
        The file as text.
    tables
        Every table that is made of it.
    spec
        How the mapping describes the file.

    Returns
    -------
    tuple
        Marks by the column's name in the mapping. Columns whose ``decimal:`` is stated are not
        among them, but their statement counts as evidence for the others.
    """
    stated: set[str] = {v.decimal for v in _numbers(tables) if v.decimal is not None}
    open_columns, looked_up = _open_columns(staged, tables, spec)
    found = _evidence(staged, open_columns, spec, FIRST_ROWS)
    if found and not stated and not any(e.own for e in found.values()):
        found = _evidence(staged, open_columns, spec, None)
    whole = _of_the_file(found, stated)
    marks = {name: _mark(each, whole) for name, each in found.items()}
    marks |= {name: _mark(_Evidence(0, 0, 0), whole) for name in looked_up}
    commas = [name for name, mark in marks.items() if mark.decimal == ","]
    note = f"{staged.label}: {', '.join(commas)} read with a decimal comma, as the numbers show."
    return marks, (note,) if commas else ()


def uncertain(text: ibis.Value) -> ibis.Value:
    """Tell whether a text is a number by either mark, and not the same one."""
    return text.re_search(UNCERTAIN)


def _of_the_file(found: dict[str, _Evidence], stated: set[str]) -> str:
    """Return the mark that the columns together show; empty if they show none."""
    if len(stated) == 1:
        return next(iter(stated))
    point, comma = (sum(getattr(e, n) for e in found.values()) for n in ("point", "comma"))
    return "" if point == comma else "." if point > comma else ","


def _mark(found: _Evidence, whole: str) -> Mark:
    decimal = found.own or whole
    if not decimal:
        return Mark(".", refuse_uncertain=True)
    against = found.comma if decimal == "." else found.point
    marked = found.point + found.comma + found.uncertain
    return Mark(decimal, refuse_uncertain=against > MIXED * marked)


def _evidence(
    staged: Staged, names: list[str], spec: FileSpec, rows: int | None
) -> dict[str, _Evidence]:
    if not names:
        return {}
    looked_at = staged.rows if rows is None else staged.rows.filter(staged.rows[LINE] <= rows)
    trim = builtin("trim", ("string", "string"), "string")
    texts = looked_at.select(
        **{f"n{i}": trim(staged.column(n, spec), values.BLANKS + "'") for i, n in enumerate(names)}
    )
    texts = texts.mutate(**{c: values.plain_digits(texts[c]) for c in texts.columns})
    sums = {
        f"{column}_{kind}": texts[column].re_search(pattern).sum()
        for column in texts.columns
        for kind, pattern in _PATTERNS.items()
    }
    (counted,) = texts.agg(**sums).to_pyarrow().to_pylist()
    return {
        name: _Evidence(*(int(counted[f"n{i}_{kind}"] or 0) for kind in _PATTERNS))
        for i, name in enumerate(names)
    }


def _certain(mark: str, groups: str) -> str:
    """Return the pattern of numbers that only the decimal mark ``mark`` makes numbers."""
    grouped = rf"\d{{1,3}}(?:[{groups} ']\d{{3}})+"
    ends = (
        rf"(?:\d+|{grouped})?{mark}(?:\d{{1,2}}|\d{{4,}})",
        rf"(?:0*|\d{{4,}}|{grouped}){mark}\d{{3}}",
        rf"\d{{1,3}}(?:[{groups}]\d{{3}}){{2,}}",
    )
    return "^" + _SIDE + "(?:" + "|".join(ends) + ")" + _SIDE + "$"


_INDIAN = r"\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d*)?"
_PATTERNS = {
    "point": rf"{_certain(chr(92) + '.', ',')}|^{_SIDE}{_INDIAN}{_SIDE}$",
    "comma": _certain(",", "."),
    "uncertain": UNCERTAIN,
}


def _open_columns(
    staged: Staged, tables: Sequence[TableSpec], spec: FileSpec
) -> tuple[list[str], list[str]]:
    """Return the text columns read as numbers without a stated mark: the file's own, looked up."""
    looked_up = {n for each in staged.lookups.values() for n in each.columns}
    computed = totals_of(spec)
    names = {str(v.column): None for v in _numbers(tables) if v.decimal is None}
    names |= {name: None for table in tables for name in _compared(table)}
    own = [n for n in names if n not in looked_up | computed and _is_text(staged, n, spec)]
    return own, [n for n in names if n in looked_up]


def _is_text(staged: Staged, name: str, spec: FileSpec) -> bool:
    try:
        return bool(staged.column(name, spec).type().is_string())
    except DataError:  # the rows' own reading says what is missing, all of it in one order
        return False


def _numbers(tables: Sequence[TableSpec]) -> Iterator[Value]:
    """Yield the columns of the file that are read as numbers."""
    for table in tables:
        for name, value in table.columns.items():
            for leaf, kind in leaves(value, kind_of(name, table.table)):
                if kind in _NUMERIC:
                    yield leaf


def _compared(table: TableSpec) -> Iterator[str]:
    """Yield the columns that a condition holds against a number."""
    conditions = [*(d.when for d in table.drop), *(r.when for r in table.reject)]
    for condition in conditions + ([table.returns] if table.returns else []):
        yield from _in_condition(condition)


def _in_condition(condition: Condition) -> Iterator[str]:
    if condition.column is not None and (condition.below, condition.above) != (None, None):
        yield condition.column
    for inner in (*(condition.any or ()), *(condition.all or ())):
        yield from _in_condition(inner)
    if condition.no is not None:
        yield from _in_condition(condition.no)
