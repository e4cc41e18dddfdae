"""Customers who buy by a known process, to hold purchase models against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Bought:
    """What was seen of customers until T, and how many purchases came after.

    ``summary`` has one row a customer: repeats, recency, observed, log_gaps, coming, alive.
    """

    summary: pd.DataFrame


def beta_geometric(
    seed: int,
    parameters: tuple[float, float, float, float],
    *,
    customers: int,
    shape: int = 1,
    modified: bool = False,
    weeks: float = 52.0,
    coming: float = 26.0,
) -> Bought:
    """Return customers of the (M)BG/CNBD-k of ``parameters`` (r, alpha, a, b), drawn by gaps."""
    r, alpha, a, b = parameters
    rng = np.random.default_rng(seed)
    rate, leaves = rng.gamma(r, 1 / alpha, customers), rng.beta(a, b, customers)
    observed = weeks - rng.uniform(0, weeks / 3, customers)
    rows = []
    for own, leave, end in zip(rate, leaves, observed, strict=True):
        until = rng.geometric(leave) - modified if leave > 0 else np.inf
        times: list[float] = []
        now = 0.0
        while len(times) < until:
            now += rng.gamma(shape) / own
            if now > end + coming:
                break
            times.append(now)
        rows.append(_seen(np.array(times), end, left=len(times) >= until))
    return Bought(pd.DataFrame(rows))


def pareto(
    seed: int,
    parameters: tuple[float, float, float, float],
    *,
    customers: int,
    weeks: float = 52.0,
    coming: float = 26.0,
    spread: float = 1 / 3,
    factors: tuple[Floats, Floats] = (np.ones(1), np.ones(1)),
) -> Bought:
    """Return customers of the Pareto/NBD of ``parameters`` (r, alpha, s, beta).

    They first buy over the first ``spread`` of the weeks; ``factors`` multiply each customer's
    rates of buying and of dying.
    """
    r, alpha, s, beta = parameters
    rng = np.random.default_rng(seed)
    rate, dying = rng.gamma(r, 1 / alpha, customers), rng.gamma(s, 1 / beta, customers)
    rate, dying = rate * factors[0], dying * factors[1]
    observed = weeks - rng.uniform(0, weeks * spread, customers)
    rows = []
    for own, die, end in zip(rate, dying, observed, strict=True):
        lives = min(rng.exponential(1 / die), end + coming)
        times = np.sort(rng.uniform(0, lives, rng.poisson(own * lives)))
        rows.append(_seen(times, end, left=lives < end))
    return Bought(pd.DataFrame(rows))


def holds(table: pd.DataFrame, truth: tuple[float, ...]) -> NDArray[np.bool_]:
    """Tell which intervals of a table of parameters hold the truth."""
    return ((table["low"] <= np.array(truth)) & (table["high"] >= np.array(truth))).to_numpy()


def _seen(times: Floats, end: float, *, left: bool) -> dict[str, float]:
    before = times[times <= end]
    gaps = np.diff(np.append(0.0, before))
    last = before[-1] if len(before) else 0.0
    return {
        "repeats": len(before),
        "recency": last,
        "observed": end,
        "log_gaps": float(np.log(gaps).sum()),
        "coming": len(times) - len(before),
        "alive": float(not left or len(times) > len(before)),
    }
