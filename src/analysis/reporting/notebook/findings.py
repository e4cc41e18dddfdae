"""Findings: the headlines of a report, and how they moved since the last run.

A finding is one number that a stakeholder can act on, with its interval and the number of
observations behind it. A report's findings are one JSON file, ``findings/<report>.json``::

    {"report": "03_deciles", "title": "...", "findings": [{"key": "top_tenth", ...}]}
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypedDict

from analysis.errors import AnalysisError
from analysis.reporting.notebook import words
from analysis.reporting.store.atomic import write_json
from analysis.reporting.store.run_record import read_record

Direction = Literal["up_good", "up_bad"]

#: What a finding without an interval counts, against one that is beyond doubt.
_UNMEASURED = 0.5

#: A share beyond this is taken for one given in per cent by mistake.
_LARGEST_SHARE = 20.0


class FindingParts(TypedDict, total=False):
    """What a finding may carry besides its key, sentence and value; see `Finding`."""

    low: float | None
    high: float | None
    unit: str
    n: int | None
    noun: str | None
    direction: Direction | None
    alert: bool
    detail: str | None
    decimals: int | None
    level: float
    at_stake: float | None
    otherwise: str | None
    observational: bool


@dataclass(frozen=True)
class Finding:
    """One headline with its uncertainty.

    Parameters
    ----------
    key
        Name that stays the same from run to run, so that runs can be compared.
    sentence
        What the number says; it is read straight after the number.
    value
        The number, a fraction where the unit is ``%`` or ``points``. None where it cannot be
        given honestly; ``detail`` then says why.
    low, high
        Ends of its interval, in the same unit.
    unit
        ``%``, ``points``, a currency code, another word that follows the number, or nothing.
    n
        Number of observations behind it.
    noun
        What was observed (``"customer"``); written after ``n``.
    direction
        Whether a rise is good, bad, or (None) neither.
    alert
        Whether somebody has to decide something.
    detail
        One more clause in small print.
    decimals
        Digits after the point; by default what unit and size ask for.
    level
        Coverage of the interval.
    at_stake
        Amount of money in all that the decision is about: no mean per customer.
    otherwise
        What happens if nothing is decided, as far as the report knows.
    observational
        Whether the money is that of an effect which nothing randomised has shown.
    """

    key: str
    sentence: str
    value: float | None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    n: int | None = None
    noun: str | None = None
    direction: Direction | None = None
    alert: bool = False
    detail: str | None = None
    decimals: int | None = None
    level: float = 0.95
    at_stake: float | None = None
    otherwise: str | None = None
    observational: bool = False

    def __post_init__(self) -> None:
        for name in ("value", "low", "high", "at_stake"):
            object.__setattr__(self, name, _finite(getattr(self, name)))
        if self.n is not None:
            object.__setattr__(self, "n", int(self.n))
        object.__setattr__(self, "alert", bool(self.alert))
        problem = self._problem()
        if problem:
            raise AnalysisError(f"Finding {self.key!r}: {problem}")

    @property
    def number(self) -> str:
        """The value as it is read."""
        return words.quantity(self.value, self.unit, self.digits)

    @property
    def interval(self) -> str | None:
        """The interval as it is read, or None."""
        if self.low is None and self.high is None:
            return None
        return words.interval(self.low, self.high, self.digits, self.unit)

    @property
    def digits(self) -> int:
        """Digits after the point of the value, its interval and its change."""
        usual = words.usual_decimals(self.value, self.unit)
        return usual if self.decimals is None else self.decimals

    @property
    def observations(self) -> str | None:
        """The number of observations as it is read, or None."""
        if self.n is None:
            return None
        return words.count(self.n, self.noun) if self.noun else f"n = {words.number(self.n)}"

    @property
    def standard_error(self) -> float | None:
        """Standard error that the interval stands for, taken as normal; None without both ends."""
        from analysis.stats.multiplicity import normal_quantile  # a notebook opens without it

        if self.low is None or self.high is None:
            return None
        return (self.high - self.low) / 2 / normal_quantile(self.level)

    @property
    def weight(self) -> float:
        """What the decision is about times how sure that is, to rank decisions by.

        The amount is what is at stake; 0 where none is stated. It counts as far as the interval
        bears it: by the part of the value that the end nearer to zero still has, none where the
        interval holds zero, half where there is no interval, or where it is that of an association.
        """
        return (self.stake or 0.0) * self._evidence

    @property
    def stake(self) -> float | None:
        """The amount of money that the decision is about; None where none is stated."""
        return None if self.at_stake is None else abs(self.at_stake)

    @property
    def _evidence(self) -> float:
        if not self.value or self.low is None or self.high is None:
            return _UNMEASURED
        nearer = self.low if self.value > 0 else self.high
        most = _UNMEASURED if self.observational else 1.0
        return min(max(nearer / self.value, 0.0), most)

    def _problem(self) -> str | None:
        if not self.key or not self.sentence.strip():
            return "needs a key and a sentence"
        if self.value is None and not self.detail:
            return "has no value and no detail that says why"
        if self.low is not None and self.high is not None and self.low > self.high:
            return f"its interval ends before it starts ({self.low} to {self.high})"
        if self.unit == words.PERCENT and abs(self.value or 0.0) > _LARGEST_SHARE:
            return f"{self.value} is not a share; give 35 % as 0.35"
        return None


@dataclass(frozen=True)
class Findings:
    """All findings of one report, and the report's title."""

    report: str
    title: str | None = None
    items: tuple[Finding, ...] = field(default=())

    def with_finding(self, finding: Finding) -> Findings:
        """Return these findings with ``finding`` added, or replaced where its key is known."""
        if all(known.key != finding.key for known in self.items):
            return Findings(self.report, self.title, (*self.items, finding))
        items = tuple(finding if known.key == finding.key else known for known in self.items)
        return Findings(self.report, self.title, items)

    def with_title(self, title: str) -> Findings:
        """Return these findings under another title."""
        return Findings(self.report, title, self.items)

    @property
    def alerts(self) -> tuple[Finding, ...]:
        """The findings that need a decision."""
        return tuple(finding for finding in self.items if finding.alert)

    def by_key(self) -> dict[str, Finding]:
        """Return the findings by key."""
        return {finding.key: finding for finding in self.items}

    def write(self, path: Path) -> None:
        """Write the findings to ``path``, whole or not at all."""
        content: dict[str, Any] = {
            "report": self.report,
            "title": self.title,
            "findings": [asdict(finding) for finding in self.items],
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, content)

    @classmethod
    def read(cls, path: Path) -> Findings:
        """Return the findings in ``path``; those of a report that wrote none are empty.

        AnalysisError if the file is damaged.
        """
        if not path.exists():
            return cls(path.stem)
        content = read_record(_Written, path, "the findings of a report")
        return cls(content.report, content.title, content.findings)


@dataclass(frozen=True)
class _Written:
    """The findings as the file has them."""

    report: str
    title: str | None
    findings: tuple[Finding, ...]


def _finite(value: float | None) -> float | None:
    if value is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else None
