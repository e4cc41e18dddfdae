"""Numbers as a reader meets them in a sentence.

Shares are fractions (0.351) everywhere in the package and become per cent only here. A number
that is missing or cannot be given reads as an en dash. Spaces are plain; the page keeps a number
and its unit on one line.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date
from typing import TypeGuard

from analysis.tables.periods import written

#: What stands for a number that is not there.
MISSING = "–"

#: Signs of the common currencies; any other currency is written by its code.
CURRENCY_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "CNY": "¥", "JPY": "¥", "TWD": "NT$"}

#: Unit of a share or a relative change: the value is a fraction and reads as per cent.
PERCENT = "%"

#: Unit of a difference of two shares: the value is a fraction and reads as percentage points.
POINTS = "points"

_SIGNS = frozenset(CURRENCY_SIGNS.values())


def number(value: float | None, decimals: int = 0, *, signed: bool = False) -> str:
    """Return ``value`` with thousands separators: ``1,615,240``, ``−0.35``, ``+2.1``."""
    if not _there(value):
        return MISSING
    rounded = f"{abs(value):,.{decimals}f}"
    if not any(digit in "123456789" for digit in rounded):
        return rounded
    return ("−" if value < 0 else "+" if signed else "") + rounded


def percent(value: float | None, decimals: int = 1, *, signed: bool = False) -> str:
    """Return the fraction ``value`` in per cent: 0.35 is ``35.0 %``."""
    return quantity(value, PERCENT, decimals, signed=signed)


def chance(value: float | None, decimals: int = 3) -> str:
    """Return a p-value or a false discovery rate: ``0.031``; ``< 0.001``, never ``0.000``."""
    least = 10.0**-decimals
    if _there(value) and 0 <= value < least:
        return f"< {number(least, decimals)}"
    return number(value, decimals)


def points(value: float | None, decimals: int = 1, *, signed: bool = True) -> str:
    """Return a difference of two shares in percentage points: 0.012 is ``+1.2 points``."""
    return quantity(value, POINTS, decimals, signed=signed)


def money(
    value: float | None, decimals: int = 0, currency: str = "USD", *, signed: bool = False
) -> str:
    """Return an amount with its currency sign: ``$ 1,615,240``, ``−$ 900``."""
    written = number(value, decimals, signed=signed)
    if written == MISSING:
        return written
    sign = written[0] if written[0] in "−+" else ""
    return f"{sign}{currency_sign(currency)} {written.removeprefix(sign)}"


def currency_sign(currency: str) -> str:
    """Return the sign of a currency code, or the code where it has none."""
    return CURRENCY_SIGNS.get(currency, currency)


def count(n: int | float | None, noun: str, plural: str | None = None) -> str:
    """Return a count with its noun: ``1 household``, ``2,469 households``."""
    return f"{number(n)} {noun if n == 1 else plural or _plural(noun)}"


#: Amounts of money below this are written with their cents.
_SMALL_CHANGE = 10.0
#: Digits after the point at most that are shown to tell the ends of an interval apart.
_MOST_DIGITS = 4


def interval(
    low: float | None,
    high: float | None,
    decimals: int | None = None,
    unit: str = PERCENT,
    *,
    signed: bool = False,
) -> str:
    """Return an interval with its unit said once: ``33.8 to 36.3 %``, ``−900 to 9,300``.

    ``unit`` is as in `quantity`; a currency is left out, since the estimate beside it has it. The
    interval of a difference, which is ``signed`` or begins below zero, has more digits where an
    end would read as zero and is not: whether it is significant is read off that end.
    """
    if not _there(low) and not _there(high):
        return MISSING
    scale, suffix = _scale(unit)
    if decimals is None:
        decimals = _telling_apart(low, high, unit)
    if _there(low) and _there(high) and (signed or low < 0):
        ends = [scale * end for end in (low, high) if end]
        digits = range(decimals, _MOST_DIGITS)
        told = (d for d in digits if all(round(end, d) for end in ends))
        decimals = next(told, decimals)
    said = [number(end * scale if _there(end) else None, decimals) for end in (low, high)]
    return f"{said[0]} to {said[1]}{suffix}"


def _telling_apart(low: float | None, high: float | None, unit: str) -> int:
    """Return the usual digits of an interval's lower end, more where its ends would read alike."""
    decimals = usual_decimals(low if _there(low) else high, unit)
    if _there(low) and _there(high) and low != high:
        scale = _scale(unit)[0]
        while decimals < _MOST_DIGITS and number(low * scale, decimals) == number(
            high * scale, decimals
        ):
            decimals += 1
    return decimals


def quantity(
    value: float | None, unit: str = "", decimals: int | None = None, *, signed: bool = False
) -> str:
    """Return a value with its unit.

    Parameters
    ----------
    value
        The value; a fraction where the unit is ``%`` or ``points``.
    unit
        ``%``, ``points``, a currency code or sign, another word that follows the number
        (``days``), or nothing.
    decimals
        Digits after the point; by default what the unit and the size ask for.
    signed
        Write the plus of a positive value.
    """
    if not _there(value):
        return MISSING
    decimals = usual_decimals(value, unit) if decimals is None else decimals
    if is_currency(unit):
        return money(value, decimals, unit, signed=signed)
    scale, suffix = _scale(unit)
    return number(value * scale, decimals, signed=signed) + suffix


def usual_decimals(value: float | None, unit: str = "") -> int:
    """Return the digits after the point that a value of this unit and size usually has."""
    if unit in (PERCENT, POINTS):
        return 1
    if not _there(value):
        return 0
    if is_currency(unit):
        return 2 if 0 < abs(value) < _SMALL_CHANGE else 0
    if float(value).is_integer() or abs(value) >= 100:
        return 0
    return 1 if abs(value) >= 10 else 2


def is_currency(unit: str) -> bool:
    """Return whether ``unit`` is a currency: a sign, or a code of three capitals."""
    return unit in _SIGNS or (len(unit) == 3 and unit.isascii() and unit.isupper())


def day(value: date) -> str:
    """Return a date as it is read: ``31 Dec 2017``."""
    return written(value)


def unsure(low: float | None, high: float | None) -> str:
    """Return what follows a difference whose interval holds zero: it is not significant."""
    return ", not significant" if _there(low) and _there(high) and low <= 0 <= high else ""


def listing(items: Iterable[object]) -> str:
    """Return items as an English list: ``a, b and c``."""
    *first, last = [str(item) for item in items] or [MISSING]
    return f"{', '.join(first)} and {last}" if first else last


def _there(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def _scale(unit: str) -> tuple[float, str]:
    if unit in (PERCENT, POINTS):
        return 100.0, f" {unit}"
    return 1.0, "" if not unit or is_currency(unit) else f" {unit}"


def _plural(noun: str) -> str:
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")
