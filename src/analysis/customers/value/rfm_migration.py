"""Movement of RFM scores and of value tiers, told from mere wobbling.

The two halves of a window are scored alike, and how often customers keep their score is set
against two yardsticks: chance (if the halves had nothing to do with each other) and noise (if
nobody had changed: the same customers with all weeks dealt anew in one random order, so that what
regression to the mean alone does is seen). Only what moves beyond noise is movement.

Scores here are made from weeks: recency counts weeks without a purchase, frequency counts weeks
with one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.customers.value import tiers
from analysis.customers.value.deciles import equal_groups
from analysis.errors import NotApplicable
from analysis.stats.sizes import FEWEST_CUSTOMERS
from analysis.stats.types import Floats, Integers

if TYPE_CHECKING:
    from analysis.customers.features.weekly import WeeklyAmounts

SCORES = ("recency", "frequency", "monetary")

#: Random orders of the weeks behind the noise.
DEALS = 40


def movement(amounts: WeeklyAmounts, *, bins: int = 5, seed: int = 0) -> pd.DataFrame:
    """Compare how customers keep their scores with chance and with noise.

    Parameters
    ----------
    amounts
        Weekly totals over both halves.
    bins
        Equal groups of each score; who did not buy in a half is in a group below all.
    seed
        Seed of the orders.

    Returns
    -------
    pandas.DataFrame
        score, place (``best``: the highest group that anybody is in, or ``all``), customers, stayed
        (share in the same group in both halves), noise, noise_low, noise_high (the same when nobody
        changed: mean and range of the middle 95 % of the deals), chance, moved (noise - stayed:
        left beyond noise).

    Raises
    ------
    NotApplicable
        If the halves cannot be compared, fewer than thirty customers bought, or nobody bought
        twice.
    """
    _require(amounts)
    return _against_noise(amounts.of("net_amount"), lambda weeks: _stayed(weeks, bins), seed=seed)


def tier_movement(
    amounts: WeeklyAmounts,
    *,
    method: tiers.Method = "share",
    shares: tuple[float, float] = (0.5, 0.8),
    seed: int = 0,
) -> pd.DataFrame:
    """Compare how customers keep their value tier with chance and with noise.

    What a customer brought in a half is first shrunk towards the mean of all by the share of its
    spread that is luck (Bühlmann's credibility), so that nobody is high by one lucky week.

    Returns
    -------
    pandas.DataFrame
        As `movement`, one tier of the first half a row: score (``value``), place (the tier).
    """
    _require(amounts)
    return _against_noise(
        amounts.of("margin_amount"), lambda weeks: _stayed_in_tier(weeks, method, shares), seed=seed
    )


def _require(amounts: WeeklyAmounts) -> None:
    amounts.require()
    if len(amounts.customers) < FEWEST_CUSTOMERS:
        raise NotApplicable(
            f"Movement cannot be told from noise with fewer than {FEWEST_CUSTOMERS} customers "
            f"({len(amounts.customers)})."
        )
    amounts.require_return()


def _against_noise(
    weeks: Floats, kept: Callable[[Floats], pd.DataFrame], *, seed: int
) -> pd.DataFrame:
    """Return who kept their group, and who would if nobody had changed."""
    seen = kept(weeks)
    generator = np.random.default_rng(seed)
    dealt = [
        kept(weeks[:, generator.permutation(weeks.shape[1])])[["stayed"]] for _ in range(DEALS)
    ]
    noise = np.column_stack([d["stayed"] for d in dealt])
    low, high = np.quantile(noise, [0.025, 0.975], axis=1)
    return seen.assign(
        noise=noise.mean(axis=1),
        noise_low=low,
        noise_high=high,
        moved=noise.mean(axis=1) - seen["stayed"],
    )


def _stayed_in_tier(
    weeks: Floats, method: tiers.Method, shares: tuple[float, float]
) -> pd.DataFrame:
    halves = [_believed(half) for half in np.split(weeks, 2, axis=1)]
    first, second = (tiers.assign(pd.Series(v), method=method, shares=shares) for v in halves)
    rows = []
    for tier in tiers.TIERS:
        inside = (first == tier).to_numpy()
        stayed = float((second == tier)[inside].mean()) if inside.any() else np.nan
        rows.append(("value", tier, int(inside.sum()), stayed, float((second == tier).mean())))
    return pd.DataFrame(rows, columns=["score", "place", "customers", "stayed", "chance"])


def _believed(half: Floats) -> Floats:
    """Return what each customer brought in a half, shrunk as far as it is the luck of its weeks."""
    brought = half.sum(axis=1)
    luck = half.shape[1] * half.var(axis=1, ddof=1).mean()
    spread = brought.var(ddof=1)
    weight = max(0.0, 1 - luck / spread) if spread > 0 else 0.0
    return np.asarray(brought.mean() + weight * (brought - brought.mean()))


def _stayed(weeks: Floats, bins: int) -> pd.DataFrame:
    middle = weeks.shape[1] // 2
    halves = [_scores(weeks[:, :middle], bins), _scores(weeks[:, middle:], bins)]
    rows = []
    for name in SCORES:
        first, second = halves[0][name], halves[1][name]
        top = first == first.max()
        groups = range(bins + 1)
        chance = sum((first == g).mean() * (second == g).mean() for g in groups)
        rows.append((name, "all", len(first), (first == second).mean(), chance))
        best = second == second.max()
        rows.append((name, "best", int(top.sum()), best[top].mean(), best.mean()))
    return pd.DataFrame(rows, columns=["score", "place", "customers", "stayed", "chance"])


def _scores(weeks: Floats, bins: int) -> dict[str, Integers]:
    bought = weeks != 0
    active = bought.any(axis=1)
    since = np.where(active, bought[:, ::-1].argmax(axis=1), weeks.shape[1])
    values = {"recency": -since, "frequency": bought.sum(axis=1), "monetary": weeks.sum(axis=1)}
    found = {}
    for name, value in values.items():
        found[name] = np.zeros(len(weeks), dtype="int64")
        found[name][active] = bins + 1 - equal_groups(value[active], bins)
    return found
