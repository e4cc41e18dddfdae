"""Movement of RFM scores, told from mere wobbling.

The two halves of a window are scored alike, and how often customers keep their score is set
against two yardsticks: chance (if the halves had nothing to do with each other) and noise (if
nobody had changed: the same customers with all weeks dealt anew in one random order, so that what
regression to the mean alone does is seen). Only what moves beyond noise is movement.

Scores here are made from weeks: recency counts weeks without a purchase, frequency counts weeks
with one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.customers.value.deciles import equal_groups
from analysis.errors import NotApplicable
from analysis.stats.sizes import FEWEST_CUSTOMERS
from analysis.stats.types import Floats, Integers

if TYPE_CHECKING:
    from analysis.customers.features.weekly import WeeklyAmounts


SCORES = ("recency", "frequency", "monetary")


def movement(
    amounts: WeeklyAmounts, *, bins: int = 5, deals: int = 40, seed: int = 0
) -> pd.DataFrame:
    """Compare how customers keep their scores with chance and with noise.

    Parameters
    ----------
    amounts
        Weekly totals over both halves.
    bins
        Equal groups of each score; who did not buy in a half is in a group below all.
    deals
        Random orders of the weeks.
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
    amounts.require()
    if len(amounts.customers) < FEWEST_CUSTOMERS:
        raise NotApplicable(
            f"Movement cannot be told from noise with fewer than {FEWEST_CUSTOMERS} customers "
            f"({len(amounts.customers)})."
        )
    amounts.require_return()
    weeks = amounts.of("net_amount")
    seen = _stayed(weeks, bins)
    generator = np.random.default_rng(seed)
    dealt = [
        _stayed(weeks[:, generator.permutation(weeks.shape[1])], bins)[["stayed"]]
        for _ in range(deals)
    ]
    noise = np.column_stack([d["stayed"] for d in dealt])
    low, high = np.quantile(noise, [0.025, 0.975], axis=1)
    return seen.assign(
        noise=noise.mean(axis=1),
        noise_low=low,
        noise_high=high,
        moved=noise.mean(axis=1) - seen["stayed"],
    )


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
