"""The form in which a planted truth is written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Counts = Mapping[str, int]


@dataclass(frozen=True)
class Planted:
    """One planted truth.

    Parameters
    ----------
    what
        What was planted, in a sentence.
    report
        Report that must find it.
    estimand
        What exactly is to be estimated, on which rows and days.
    parameters
        How it was planted.
    superpopulation
        Value that estimates from many seeds average to.
    realised
        Value in this very shop, where it can be computed: sums over its own customers.
    tables
        Truth tables that hold more, row by row.
    present
        Whether this shop is long enough to hold it.
    """

    what: str
    report: str
    estimand: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    superpopulation: dict[str, Any] = field(default_factory=dict)
    realised: dict[str, Any] = field(default_factory=dict)
    tables: tuple[str, ...] = ()
    present: bool = True


def ratio(top: float, bottom: float) -> float | None:
    """Return ``top / bottom``, None where there is nothing below."""
    return None if not bottom else top / bottom
