"""How a finding moved since an earlier run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from analysis.reporting import words
from analysis.reporting.findings import Finding

Tone = Literal["good", "bad", "plain"]

#: Widest reach of the strip beyond the interval, in widths of the interval.
_REACH = 2.0


@dataclass(frozen=True)
class Change:
    """The change of one finding.

    Parameters
    ----------
    text
        The change as it is read, with the run it is measured from.
    tone
        Whether it is good or bad news; plain where it is neither, or too small to tell.
    moved
        Whether the earlier value lies outside today's interval, or there is no interval and the
        number reads differently.
    before
        The earlier value.
    """

    text: str
    tone: Tone
    moved: bool
    before: float | None


def compare(now: Finding, before: Finding | None, *, since: str = "last run") -> Change:
    """Return how ``now`` differs from the finding of the same key in an earlier run.

    A change is called good or bad only where the finding says which way is which and the earlier
    value lies outside today's interval; a smaller one may be chance and says so.

    Parameters
    ----------
    now
        Today's finding.
    before
        The earlier one, or None if that run had no finding of this key.
    since
        Name of the earlier run, for the text.
    """
    if before is None or before.unit != now.unit:
        return Change(f"new since {since}", "plain", True, None)
    if now.value is None or before.value is None:
        known = "value" if now.value is not None else "no value"
        same = now.value is before.value
        text = f"{known} as in {since}" if same else f"{known} now, unlike {since}"
        return Change(text, "plain", not same, before.value)
    if now.number == words.quantity(before.value, now.unit, now.digits):
        return Change(f"unchanged since {since}", "plain", False, before.value)
    return _moved(now, now.value, before.value, since)


def strip(finding: Finding, before: float | None = None) -> dict[str, float] | None:
    """Return where the interval lies on a strip, in per cent of the strip's width.

    Parameters
    ----------
    finding
        The finding.
    before
        Value in the earlier run; left out where it is too far away to be drawn.

    Returns
    -------
    dict or None
        ``left`` and ``width`` of the interval, ``value``, and, where they fall on the strip,
        ``before`` and ``zero``. None without an interval of two ends.
    """
    low, high = finding.low, finding.high
    if low is None or high is None or finding.value is None or low == high:
        return None
    span = high - low
    near = [
        x for x in (before,) if x is not None and low - _REACH * span <= x <= high + _REACH * span
    ]
    first = min(low, finding.value, *near) - span / 3
    last = max(high, finding.value, *near) + span / 3
    scale = 100 / (last - first)
    marks = {"value": finding.value, "before": near[0] if near else None, "zero": 0.0}
    placed = {k: round((x - first) * scale, 1) for k, x in marks.items() if x is not None}
    shown = {k: x for k, x in placed.items() if 0 <= x <= 100}
    return {"left": round((low - first) * scale, 1), "width": round(span * scale, 1), **shown}


def _moved(now: Finding, value: float, before: float, since: str) -> Change:
    by = value - before
    arrow = "▲" if by > 0 else "▼"
    inside = now.low is not None and now.high is not None and now.low <= before <= now.high
    text = f"{arrow} {_size(now, by, before)} since {since}"
    if inside:
        return Change(f"{text}, within the interval", "plain", False, before)
    if now.direction is None:
        return Change(text, "plain", True, before)
    good = (by > 0) == (now.direction == "up_good")
    return Change(text, "good" if good else "bad", True, before)


def _size(now: Finding, by: float, before: float) -> str:
    """Return the size of a change: shares in points, other values in per cent of the earlier."""
    if now.unit in (words.PERCENT, words.POINTS):
        return words.points(abs(by), max(now.digits, 1), signed=False)
    if before > 0:
        return words.percent(abs(by) / before)
    return words.quantity(abs(by), now.unit, now.digits)
