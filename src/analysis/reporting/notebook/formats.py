"""How the columns of a shown table are written.

What a table shows is said once: the names of its columns, in the order in which they stand::

    deciles = Columns("decile 0: Tenth | customers | share 0.0 % ± | margin_share 0.0 %: Of margin")

    report.table(table, name="deciles", columns=deciles(report.interval))

Columns are parted by ``|``. Each is ``name pattern ±: Heading``, of which only the name must stand:

- The pattern shows how a value reads: ``0``, ``0.00``, ``0.0 %`` or ``0.0 points`` (both given as
  fractions), ``$ 0`` (in the study's currency), ``#`` (as exact as its size asks), ``p`` (a p- or
  q-value, never 0), ``[unit]`` (in the unit that the row has in the column unit), ``day`` (a date),
  ``✓`` (yes or no), ``text``. A plus before a figure, ``+0.0 %``, writes the plus of positive
  values.
- ``±`` puts the interval beside an estimate, as exact as the estimate: for ``share 0.0 % ±`` it is
  from share_low to share_high, for ``share 0.0 % ± low`` from low to high. An interval with another
  heading, or with no estimate, is a column of its own: ``low..high 0.0 %: Usual change``.
- The heading is the name in words if none is given. Words in braces come with the call.

Columns that mean the same in every report need no pattern (`WELL_KNOWN`); any other is text.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import Any, Literal

import pandas as pd

from analysis.errors import AnalysisError
from analysis.reporting.notebook import words

Kind = Literal["text", "date", "mark", "number", "percent", "points", "money", "p", "figure"]

#: Columns that mean the same in every report, with a heading where the name in words is none.
WELL_KNOWN = {
    "customer_id": "text: Customer",
    "customers": "0", "orders": "0", "messages": "0", "sessions": "0", "answers": "0", "texts": "0",
    "net_amount": "$ 0: Net sales", "amount": "$ 0", "at_risk": "$ 0",
    "basket_value": "$ 0.00: Basket",
    "share": "0.0 %", "net_share": "0.0 %: Of sales", "margin_share": "0.0 %: Of margin",
    "discount_share": "0.0 %: Discount",
    "starts_on": "day: From", "cutoff": "day: Cut-off",
    "lift": "0.0", "ratio": "0.00", "auc": "0.000: AUC", "p": "p: p", "q": "p: q",
    "holds": "✓",
}  # fmt: skip


@dataclass(frozen=True)
class Format:
    """How one column is written.

    Parameters
    ----------
    kind
        What the values are. Per cent and points come as fractions.
    label
        Column heading; by default the column name in words.
    decimals
        Digits after the point; None for as many as unit and size ask for.
    signed
        Write the plus of positive values, as for changes.
    high
        Column that holds the upper ends, if this one holds the lower ends of intervals.
    unit_of
        Column that holds the unit of each row, where rows are measured in different ones.
    """

    kind: Kind
    label: str | None = None
    decimals: int | None = 0
    signed: bool = False
    high: str | None = None
    unit_of: str | None = None

    @property
    def is_estimate(self) -> bool:
        """Whether it is a figure that an interval can surround."""
        return self.high is None and self.kind not in ("text", "date", "mark", "p")

    @property
    def align(self) -> Literal["left", "right", "center"]:
        """Side the column is aligned to: figures right, words left, marks in the middle."""
        sides: dict[str, Literal["left", "center"]] = {
            "text": "left",
            "date": "left",
            "mark": "center",
        }
        return sides.get(self.kind, "right")

    def write(self, frame: pd.DataFrame, column: str, *, currency: str) -> list[str]:
        """Return ``column`` of ``frame`` as it is read, cell by cell."""
        if self.high is None and self.unit_of is None:
            return [self._cell(value, currency) for value in frame[column]]
        usual = [_UNITS.get(self.kind, "")] * len(frame)
        units = usual if self.unit_of is None else [str(unit) for unit in frame[self.unit_of]]
        values = [_number(value) for value in frame[column]]
        if self.high is None:
            return [words.quantity(each, unit) for each, unit in zip(values, units, strict=True)]
        ends = zip(values, map(_number, frame[self.high]), units, strict=True)
        return [words.interval(*e[:2], self.decimals, e[2], signed=self.signed) for e in ends]

    def _cell(self, value: object, currency: str) -> str:
        if _absent(value):
            return words.MISSING
        if self.kind == "text":
            return str(value)
        if self.kind == "mark":
            return "✓" if value else words.MISSING
        if self.kind == "date":
            # A date in three lines of a narrow column is hard to read.
            whole = words.day(value) if isinstance(value, date) else str(value)
            return whole.replace(" ", "\u00a0")
        if self.kind == "money":
            return words.money(_number(value), self.decimals or 0, currency, signed=self.signed)
        if self.kind == "p":
            return words.chance(_number(value))
        unit = _UNITS.get(self.kind, "")
        return words.quantity(_number(value), unit, self.decimals, signed=self.signed)


#: What a pattern of each kind has in it; any has the last, and is a plain number.
_SIGNS: dict[str, Kind] = {
    "[": "figure", "text": "text", "day": "date", "✓": "mark", "%": "percent", "points": "points",
    "$": "money", "p": "p", "": "number",
}  # fmt: skip

#: Units of the kinds that have one.
_UNITS: dict[Kind, str] = {"percent": words.PERCENT, "points": words.POINTS}

_COLUMN = re.compile(
    r"(?P<name>[\w{} ]+?)(?:\.\.(?P<high>\S+))?"
    r"(?: (?P<pattern>text|day|✓|p|#|\[\w+\]|\+?(?:\$ )?0(?:\.0+)?(?: %| points)?))?"
    r"(?: ±(?P<interval> \w+)?)?(?P<heading>:.*)?"
)


class Columns:
    """The columns of a table, described as above; AnalysisError if that cannot be read."""

    def __init__(self, described: str) -> None:
        self._formats: dict[str, Format] = {}
        for column in filter(None, map(str.strip, re.split(r"[|\n]", described))):
            self._add(column)

    def __call__(
        self,
        interval: str = "95 % interval",
        /,
        *,
        without: Collection[str] = (),
        among: Iterable[str] | None = None,
        **given: object,
    ) -> dict[str, Format]:
        """Return the formats.

        Parameters
        ----------
        interval
            Heading of the intervals that have no other.
        without
            Columns to leave out.
        among
            Columns there are; others are left out.
        given
            Words that stand in braces.
        """

        def filled(text: str | None) -> str | None:
            return text and text.format(interval=interval, **given)

        names = self._formats.keys() if among is None else set(among)
        return {
            name.format(**given): replace(each, label=filled(each.label), high=filled(each.high))
            for name, each in self._formats.items()
            if name in names and name not in without
        }

    def _add(self, column: str) -> None:
        """Add one described column, and the column of its interval where it has one."""
        read = _COLUMN.fullmatch(column)
        if read is None:
            raise AnalysisError(f"{column!r} describes no column; one is: share 0.0 % ±: Share")
        name = read["name"]
        usual_pattern, _, usual_heading = WELL_KNOWN.get(name, "text").partition(": ")
        pattern = read["pattern"] or usual_pattern
        heading = usual_heading or None if read["heading"] is None else read["heading"][1:].strip()
        kind = next(kind for sign, kind in _SIGNS.items() if sign in pattern)
        decimals = None if pattern[0] in "#[" else pattern.partition(".")[2].count("0")
        unit_of = pattern[1:-1] if kind == "figure" else None
        signed = pattern.startswith("+")
        estimate = Format(kind, heading, decimals, signed, read["high"], unit_of)
        self._formats[name] = estimate
        if "±" in column.partition(":")[0]:
            low = (read["interval"] or f"{name}_low").strip()
            high = low.removesuffix("low") + "high"
            self._formats[low] = replace(estimate, label="{interval}", high=high)


def usual(frame: pd.DataFrame) -> dict[str, Format]:
    """Return a format for every column of ``frame``, by what it holds."""
    return {name: _usual(frame[name]) for name in frame.columns}


def shown(frame: pd.DataFrame, columns: Mapping[str, Format] | None) -> dict[str, Format]:
    """Return the formats to show ``frame`` with; AnalysisError if a column is not in it."""
    chosen = dict(columns) if columns is not None else usual(frame)
    beside = (column for f in chosen.values() for column in (f.high, f.unit_of) if column)
    named = [*chosen, *beside]
    absent = [name for name in named if name not in frame.columns]
    if absent:
        raise AnalysisError(
            f"The table has no column {words.listing(absent)}; "
            f"it has {words.listing(frame.columns)}"
        )
    return chosen


def beside_estimates(chosen: Mapping[str, Format]) -> dict[str, Format]:
    """Return the formats with every interval right after its estimate.

    The interval ``x_low`` belongs to ``x``; one of another name to the figure before it.
    """
    ordered = [name for name in chosen if _named_estimate(name, chosen) is None]
    for name in chosen:
        estimate = _named_estimate(name, chosen)
        if estimate is not None:
            ordered.insert(ordered.index(estimate) + 1, name)
    return {name: chosen[name] for name in ordered}


def intervals(chosen: Mapping[str, Format]) -> list[int]:
    """Return the places of the columns that are the interval of the column before them."""
    pairs = enumerate(pairwise(chosen.values()), start=1)
    return [n for n, (one, next_) in pairs if one.is_estimate and next_.high]


def _named_estimate(name: str, chosen: Mapping[str, Format]) -> str | None:
    stem = name.removesuffix("_low")
    known = chosen[name].high and stem != name and stem in chosen
    return stem if known and chosen[stem].is_estimate else None


def heading(column: str, chosen: Format) -> str:
    """Return a column's heading: its label, or its name in words."""
    if chosen.label is not None:
        return chosen.label
    spaced = column.replace("_", " ")
    return spaced[:1].upper() + spaced[1:]


def _usual(column: pd.Series) -> Format:
    kinds: dict[str, Kind] = {"b": "mark", "i": "number", "u": "number", "f": "number", "M": "date"}
    kind = column.dtype.kind
    return Format(kinds.get(kind, "text"), decimals=2 if kind == "f" else 0)


def _absent(value: Any) -> bool:
    return value is None or bool(pd.isna(value))


def _number(value: object) -> float:
    return float("nan") if _absent(value) else float(value)  # type: ignore[arg-type]
