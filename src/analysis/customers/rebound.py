"""What comes back by itself: how much of a fall regained, without a new contact.

Customers picked for having fallen were partly just unlucky, and some of the others recover
anyway. Whoever counts that as the success of a contact pays for what was free.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.customers.fading import moved_with_total, permuted
from analysis.customers.intervals import Estimates, Sampling, estimate_totals, without_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.customers.weekly import Value, WeeklyAmounts

    Floats = NDArray[np.float64]


def rebound(
    weekly: WeeklyAmounts,
    *,
    threshold: float,
    drop: float,
    value: Value = "margin_amount",
    sampling: Sampling | None = None,
) -> Estimates:
    """Measure how much of such a fall comes back in the quarter after it.

    Customers are called by the same bar (``threshold`` and ``drop``) from one quarter to the
    next, twice over the weeks given, and looked at again a quarter later. What comes back is
    regression to the mean, natural recovery and whatever the retailer usually does; it cannot be
    credited to a new contact. Quarters are noisier than halves, so it is rather too large.

    Parameters
    ----------
    weekly
        Weekly totals; their four quarters are used.
    threshold, drop
        The bar, as in ``Fading``.
    value
        What to judge.
    sampling
        How the interval is made: by resampling whole customers.

    Returns
    -------
    Estimates
        One estimate: what came back, as a share of what was lost; NaN with a reason where too
        few customers fell, or where all customers together brought nothing in a quarter.

    Raises
    ------
    NotApplicable
        If the halves cannot be compared.
    """
    weekly.require()
    sampling = sampling or Sampling()
    first, second, third, last = _quarters(weekly.of(value))
    if min(quarter.sum() for quarter in (first, second, third, last)) <= 0:
        return _not_measured("a quarter brought nothing")
    passed = _Bar(threshold, drop, sampling)
    lost = _lost_and_regained((first, second, third), passed)
    lost += _lost_and_regained((second, third, last), passed)
    fell = lost[lost[:, 0] > 0]
    if len(fell) == 0:
        return _not_measured("nobody fell like this")
    return estimate_totals(fell, lambda sums: sums[..., [1]] / sums[..., [0]], sampling)


def _not_measured(why: str) -> Estimates:
    return without_interval(np.array([np.nan]), f"no rebound measured: {why}")


def _quarters(amounts: Floats) -> list[Floats]:
    """Return the last four quarters; odd weeks are left out at the start."""
    weeks = amounts.shape[1] // 4
    return np.split(amounts[:, amounts.shape[1] - 4 * weeks :], 4, axis=1)


@dataclass(frozen=True)
class _Bar:
    """What a fall must pass to be called."""

    threshold: float
    drop: float
    sampling: Sampling


def _lost_and_regained(quarters: tuple[Floats, Floats, Floats], bar: _Bar) -> Floats:
    """Return by customer what was lost and what came back, zero where the bar was not passed."""
    before, fall, after = quarters
    past, present, _ = moved_with_total(before, fall)
    later, _, _ = moved_with_total(after, fall)
    p, _ = permuted(past, present, bar.drop, bar.sampling)
    was, now, then = past.sum(axis=1), present.sum(axis=1), later.sum(axis=1)
    called = (p <= bar.threshold) & (was > 0) & (now > 0) & (was - now >= bar.drop * was)
    return np.column_stack([was - now, then - now]) * called[:, None]
