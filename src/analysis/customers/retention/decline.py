"""Fading customers: those who fell against their own past by more than their own noise.

A customer's weeks come in two halves. If nothing had changed, any half of the weeks would do as
well as the later one, so the fall is compared with what dealing the customer's own weeks into two
halves at random gives: a one-sided permutation test, exact whatever the shape of the weekly
amounts (most weeks of most customers are empty or small). The past is first moved with the total
of all customers, so that a season that all share is nobody's fading. Many customers are tested at
once; the share of false alarms among those called is held by Benjamini and Hochberg.

What comes back by itself: how much of a fall regained, without a new contact.

Customers picked for having fallen were partly just unlucky, and some of the others recover
anyway. Whoever counts that as the success of a contact pays for what was free.

References
----------
Pitman (1937), Significance tests which may be applied to samples from any populations, Supplement
to the Journal of the Royal Statistical Society 4, 119-130 (the test).
Phipson, Smyth (2010), Permutation p-values should never be zero, Statistical Applications in
Genetics and Molecular Biology 9, article 39 (the + 1).
Benjamini, Hochberg (1995), Controlling the false discovery rate, Journal of the Royal Statistical
Society B 57, 289-300, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.errors import NotApplicable
from analysis.stats.multiplicity import q_values
from analysis.stats.resampling import Estimates, Sampling, estimate_totals, without_interval
from analysis.stats.sizes import FEWEST_CUSTOMERS
from analysis.stats.types import Floats
from analysis.tables.margin import MICROS

if TYPE_CHECKING:
    from analysis.customers.features.weekly import WeeklyAmounts

_MOST_DEALS = 20_000

_CELLS = 200_000_000

#: Cells dealt at once: as many as the processor keeps at hand.
_BLOCK = 250_000


@dataclass(frozen=True)
class Fading:
    """Who fell against their own past, and who only seems to.

    Parameters
    ----------
    table
        One customer a row: customer_id, before (currency, moved with the total), now, loss
        (before - now), loss_error (standard error from the customer's own weeks), change
        (now / before - 1), p (one-sided; NaN without purchases), status: ``fading`` (fell by at
        least ``drop``, beyond noise, and still brings something), ``silent`` (the same, but
        brings nothing any more), ``within noise`` (fell by at least ``drop``, but chance could do
        that) or ``steady`` (all others).
    growth
        What the total of all customers did: now / before. The past is multiplied by it.
    threshold
        Largest p that counts as beyond noise; 0 if none does.
    tested
        Customers tested.
    fell
        Customers who fell by at least ``drop``, for whatever reason.
    fell_by_chance, fell_by_chance_low, fell_by_chance_high
        How many would fall by as much if every customer's weeks were dealt at random: mean and
        the middle 95 % of the deals.
    drop, fdr
        As given to ``judge``.
    """

    table: pd.DataFrame
    growth: float
    threshold: float
    tested: int
    fell: int
    fell_by_chance: float
    fell_by_chance_low: float
    fell_by_chance_high: float
    drop: float
    fdr: float

    @property
    def called(self) -> pd.DataFrame:
        """The customers who are fading, largest loss first."""
        chosen = self.table[self.table["status"] == "fading"]
        return chosen.sort_values(["loss", "customer_id"], ascending=[False, True])

    @property
    def false_alarms(self) -> float:
        """How many customers at most would pass the test if nobody had changed."""
        return self.tested * self.threshold


def judge(
    weekly: WeeklyAmounts,
    *,
    drop: float = 0.30,
    fdr: float = 0.10,
    sampling: Sampling | None = None,
) -> Fading:
    """Judge every customer's fall from the first half to the second.

    Parameters
    ----------
    weekly
        Weekly totals over both halves.
    drop
        Smallest fall that matters, as a share of the past.
    fdr
        Share of false alarms allowed among the customers called fading.
    sampling
        ``seed`` and the least number of random deals (more where there are few customers, so
        that small p can be told apart).

    Raises
    ------
    NotApplicable
        If the halves cannot be compared, or all customers together brought nothing in one.

    Notes
    -----
    The test takes a customer's weeks as exchangeable. ``WeeklyAmounts.serial_correlation`` near
    zero is well; clearly above zero there are more false alarms than ``fdr`` says.
    """
    weekly.require()
    sampling = sampling or Sampling()
    first, second, growth = moved_with_total(*np.split(weekly.of("margin_amount"), 2, axis=1))
    p, falls_by_chance = permuted(first, second, drop, sampling)
    threshold = cutoff(p, fdr)
    table = _table(weekly.customers, first, second, p)
    fell = (table["before"] > 0) & (table["loss"] >= drop * table["before"])
    beyond = fell & (table["p"] <= threshold)
    silent = beyond & (table["now"] <= 0)
    table["status"] = np.select(
        [silent, beyond, fell], ["silent", "fading", "within noise"], "steady"
    )
    low, high = np.quantile(falls_by_chance, [0.025, 0.975])
    return Fading(
        table=table,
        growth=growth,
        threshold=threshold,
        tested=int(np.isfinite(p).sum()),
        fell=int(fell.sum()),
        fell_by_chance=float(falls_by_chance.mean()),
        fell_by_chance_low=float(low),
        fell_by_chance_high=float(high),
        drop=drop,
        fdr=fdr,
    )


def moved_with_total(before: Floats, now: Floats) -> tuple[Floats, Floats, float]:
    """Multiply the past by what the total did, so that customers compare on one level.

    Returns
    -------
    tuple
        The past moved (whole millionths of the currency), the present, and the factor.
    """
    past, present = float(before.sum()), float(now.sum())
    if past <= 0 or present <= 0:
        raise NotApplicable(
            "Fading cannot be judged: all customers together brought nothing in one of the halves."
        )
    growth = present / past
    return np.rint(before * growth), now, growth


def permuted(
    first: Floats,
    second: Floats,
    drop: float,
    sampling: Sampling,
    of: NDArray[np.bool_] | None = None,
) -> tuple[Floats, NDArray[np.int64]]:
    """Compare each customer's fall with random deals of the customer's own weeks.

    The same deals are used for all customers, so that what they share in a week stays shared.

    Returns
    -------
    tuple
        p by customer (NaN where there is nothing to deal, or who is not one ``of`` them), and by
        deal the number of these customers who fell by at least ``drop``.
    """
    deals = _deals(first.shape[1] + second.shape[1], len(first), sampling)
    some = first.any(axis=1) | second.any(axis=1)
    asked = np.flatnonzero(some if of is None else some & of)
    p, fell = np.full(len(first), np.nan), np.zeros(deals.shape[1], dtype="int64")
    for rows in np.array_split(asked, -(-len(asked) * deals.shape[1] // _BLOCK) or 1):
        weeks = np.hstack([first[rows], second[rows]])
        dealt = weeks @ deals
        as_large = np.count_nonzero(dealt >= first[rows].sum(axis=1)[:, None], axis=1)
        p[rows] = (1 + as_large) / (1 + deals.shape[1])
        fell += np.count_nonzero(dealt >= _least(weeks.sum(axis=1), drop)[:, None], axis=0)
    return p, fell


def _least(total: Floats, drop: float) -> Floats:
    """Return the smallest past of each ``total`` from which the rest is a fall by ``drop``.

    All are whole numbers, and the larger the past the larger the fall.
    """
    near = np.maximum(np.floor(total / (2 - drop)) + np.arange(-1, 3)[:, None], 1)
    fallen = near - (total - near) >= drop * near
    return np.where(fallen, near, np.inf).min(axis=0)


def _deals(weeks: int, customers: int, sampling: Sampling) -> Floats:
    """Return random halves of the weeks, one a column."""
    count = max(sampling.draws, min(_MOST_DEALS, _CELLS // max(customers, 1)))
    generator = np.random.default_rng(sampling.seed)
    order = generator.permuted(np.tile(np.arange(weeks), (count, 1)), axis=1)
    return (order < weeks // 2).T.astype("float64")


def cutoff(p: Floats, fdr: float) -> float:
    """Return the largest p that Benjamini and Hochberg call at ``fdr``; 0 if none."""
    called = p[q_values(p) <= fdr]
    return float(called.max()) if len(called) else 0.0


def _table(customers: pd.Index, first: Floats, second: Floats, p: Floats) -> pd.DataFrame:
    before, now = first.sum(axis=1) / MICROS, second.sum(axis=1) / MICROS
    weeks = first.shape[1]
    spread = (first / MICROS).var(axis=1, ddof=1) + (second / MICROS).var(axis=1, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.where(before > 0, now / before - 1, np.nan)
    return pd.DataFrame(
        {
            "customer_id": customers,
            "before": before,
            "now": now,
            "loss": before - now,
            "loss_error": np.sqrt(weeks * spread),
            "change": change,
            "p": p,
        }
    )


def rebound(
    weekly: WeeklyAmounts, *, threshold: float, drop: float, sampling: Sampling | None = None
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
    first, second, third, last = _quarters(weekly.of("margin_amount"))
    if min(quarter.sum() for quarter in (first, second, third, last)) <= 0:
        return _not_measured("a quarter brought nothing")
    passed = _Bar(threshold, drop, sampling)
    lost = _lost_and_regained((first, second, third), passed)
    lost += _lost_and_regained((second, third, last), passed)
    fell = lost[lost[:, 0] > 0]
    if len(fell) == 0:
        return _not_measured("nobody fell like this")
    if len(fell) < FEWEST_CUSTOMERS:
        return _not_measured(f"fewer than {FEWEST_CUSTOMERS} customers fell like this")
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
    was, now, then = past.sum(axis=1), present.sum(axis=1), later.sum(axis=1)
    fallen = (was > 0) & (now > 0) & (was - now >= bar.drop * was)
    p, _ = permuted(past, present, bar.drop, bar.sampling, of=fallen)
    called = fallen & (p <= bar.threshold)
    return np.column_stack([was - now, then - now]) * called[:, None]
