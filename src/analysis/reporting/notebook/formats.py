"""How the columns of a shown table are written.

A format is given for each column that is to be shown::

    report.table(table, name="deciles", columns={
        "decile": formats.text("Tenth"),
        "net_amount": formats.money(0, label="Net sales"),
        "share": formats.percent(1, label="Share"),
        "share_low": formats.interval("share_high", label="95 % interval"),
    })
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, Literal

import pandas as pd

from analysis.errors import AnalysisError
from analysis.reporting.notebook import words

Kind = Literal[
    "text", "integer", "number", "percent", "points", "money", "figure", "date", "interval", "mark"
]


@dataclass(frozen=True)
class Format:
    """How one column is written.

    Parameters
    ----------
    kind
        What the values are. Per cent, points and their intervals come as fractions.
    label
        Column heading; by default the column name in words.
    decimals
        Digits after the point.
    signed
        Write the plus of positive values, as for changes.
    currency
        Currency code of money; by default the study's.
    unit
        Unit of a number or an interval, as in `words.quantity`.
    high
        Column that holds the upper ends, for an interval.
    unit_of
        Column that holds the unit of each row, where rows are measured in different ones.
    """

    kind: Kind
    label: str | None = None
    decimals: int = 0
    signed: bool = False
    currency: str | None = None
    unit: str = ""
    high: str | None = None
    unit_of: str | None = None

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
        if self.unit_of is not None:
            return self._each_in_its_unit(frame, column)
        if self.kind == "interval":
            ends = zip(frame[column], frame[self.high], strict=True)
            unit = self.unit
            return [words.interval(_number(a), _number(b), self.decimals, unit) for a, b in ends]
        return [self._cell(value, self.currency or currency) for value in frame[column]]

    def _each_in_its_unit(self, frame: pd.DataFrame, column: str) -> list[str]:
        units, values = map(str, frame[self.unit_of]), map(_number, frame[column])
        if self.kind == "interval":
            highs = map(_number, frame[self.high])
            every = zip(values, highs, units, strict=True)
            return [words.interval(low, high, None, unit) for low, high, unit in every]
        return [words.quantity(value, unit) for value, unit in zip(values, units, strict=True)]

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
        return self._figure(_number(value), currency)

    def _figure(self, value: float, currency: str) -> str:
        if self.kind == "money":
            return words.money(value, self.decimals, currency, signed=self.signed)
        unit = {"percent": words.PERCENT, "points": words.POINTS}.get(self.kind, self.unit)
        return words.quantity(value, unit, self.decimals, signed=self.signed)


def text(label: str | None = None) -> Format:
    """Return the format of words and codes."""
    return Format("text", label)


def integer(label: str | None = None, *, signed: bool = False) -> Format:
    """Return the format of counts: ``2,469``."""
    return Format("integer", label, signed=signed)


def number(
    decimals: int = 2, label: str | None = None, *, unit: str = "", signed: bool = False
) -> Format:
    """Return the format of any other number, with a unit after it if it has one."""
    return Format("number", label, decimals, signed, unit=unit)


def percent(decimals: int = 1, label: str | None = None, *, signed: bool = False) -> Format:
    """Return the format of shares and relative changes, given as fractions."""
    return Format("percent", label, decimals, signed)


def points(decimals: int = 1, label: str | None = None, *, signed: bool = True) -> Format:
    """Return the format of differences of shares, given as fractions."""
    return Format("points", label, decimals, signed)


def money(
    decimals: int = 0,
    label: str | None = None,
    *,
    currency: str | None = None,
    signed: bool = False,
) -> Format:
    """Return the format of amounts, in the study's currency unless another is named."""
    return Format("money", label, decimals, signed, currency)


def figure(unit_of: str, label: str | None = None) -> Format:
    """Return the format of figures of several kinds: each row's unit is in column ``unit_of``."""
    return Format("figure", label, unit_of=unit_of)


def interval(
    high: str,
    decimals: int = 1,
    label: str | None = None,
    *,
    unit: str = words.PERCENT,
    unit_of: str | None = None,
) -> Format:
    """Return the format of lower ends, shown with the upper ends in the column ``high``."""
    return Format("interval", label, decimals, unit=unit, high=high, unit_of=unit_of)


def day(label: str | None = None) -> Format:
    """Return the format of dates: ``31 Dec 2017``."""
    return Format("date", label)


def mark(label: str | None = None) -> Format:
    """Return the format of yes and no: a tick or a dash."""
    return Format("mark", label)


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


#: What an estimate is: a figure that an interval can surround.
_FIGURES = frozenset({"integer", "number", "percent", "points", "money", "figure"})


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
    kinds = [each.kind for each in chosen.values()]
    pairs = enumerate(pairwise(kinds), start=1)
    return [n for n, (one, next_) in pairs if next_ == "interval" and one in _FIGURES]


def _named_estimate(name: str, chosen: Mapping[str, Format]) -> str | None:
    stem = name.removesuffix("_low")
    known = chosen[name].kind == "interval" and stem != name and stem in chosen
    return stem if known and chosen[stem].kind in _FIGURES else None


def heading(column: str, chosen: Format) -> str:
    """Return a column's heading: its label, or its name in words."""
    if chosen.label is not None:
        return chosen.label
    spaced = column.replace("_", " ")
    return spaced[:1].upper() + spaced[1:]


def _usual(column: pd.Series) -> Format:
    kind = column.dtype.kind
    if kind == "b":
        return mark()
    if kind in "iu":
        return integer()
    if kind == "f":
        return number(2)
    return day() if kind == "M" else text()


def _absent(value: Any) -> bool:

    return value is None or bool(pd.isna(value))


def _number(value: object) -> float:
    return float("nan") if _absent(value) else float(value)  # type: ignore[arg-type]
