"""Demand that comes now and then: Croston, its bias correction, and TSB, many series at once.

Forecasts are flat: the expected demand of any one period. They are means, never medians: the
median of demand that is mostly absent is zero, which is of no use to whoever orders stock.
"""

from __future__ import annotations

import numpy as np

from analysis.demand.series import seasonality
from analysis.stats.types import Floats

_ALPHA = 0.1
_BETA = 0.1

#: Share of periods without demand from which a series counts as intermittent: a mean interval
#: of 1.32 periods between demands (Syntetos, Boylan and Croston 2005, J. Opl. Res. Soc. 56(5)).
SPARSE = 1 - 1 / 1.32


def is_intermittent(values: Floats) -> np.ndarray:
    """Tell which series lack demand in so many of their periods that they are intermittent."""
    seen = ~np.isnan(values)
    empty = (values == 0) & seen
    return empty.sum(axis=1) > SPARSE * np.maximum(seen.sum(axis=1), 1)


def croston(values: Floats, *, horizon: int, season: int = 1) -> Floats:  # noqa: ARG001
    """Return Croston's (1972) forecasts corrected by Syntetos and Boylan (2005), factor 1 - a/2.

    International Journal of Forecasting 21(2), equation 7.
    """
    size, interval = _sizes_and_intervals(values)
    rate = (1 - _ALPHA / 2) * size / np.maximum(interval, 1.0)
    return np.repeat(rate[:, None], horizon, axis=1)


def tsb(values: Floats, *, horizon: int, season: int = 1) -> Floats:  # noqa: ARG001
    """Return the forecasts of Teunter, Syntetos and Babai (2011), which fade with obsolescence.

    European Journal of Operational Research 214(3), section 3: the probability of demand is
    updated every period, its size only when there is demand.
    """
    seen = ~np.isnan(values)
    demand = seen & (values != 0)
    size = _first_sizes(values, demand)
    probability = demand.sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    for t in range(values.shape[1]):
        hit, known = demand[:, t], seen[:, t]
        step = np.where(hit, np.nan_to_num(values[:, t]) - size, 0.0)
        size = size + _ALPHA * step
        probability = probability + np.where(known, _BETA * (hit - probability), 0.0)
    rate = np.where(seen.any(axis=1), probability * size, np.nan)
    return np.repeat(rate[:, None], horizon, axis=1)


def _first_sizes(values: Floats, demand: np.ndarray) -> Floats:
    total = np.where(demand, values, 0.0).sum(axis=1)
    return np.asarray(total / np.maximum(demand.sum(axis=1), 1))


def _sizes_and_intervals(values: Floats) -> tuple[Floats, Floats]:
    seen = ~np.isnan(values)
    demand = seen & (values != 0)
    count = np.maximum(demand.sum(axis=1), 1)
    size = np.where(seen.any(axis=1), _first_sizes(values, demand), np.nan)
    interval = seasonality.lengths(values) / count
    since = np.zeros(len(values))
    for t in range(values.shape[1]):
        hit = demand[:, t]
        since = since + seen[:, t]
        size = size + np.where(hit, _ALPHA * (np.nan_to_num(values[:, t]) - size), 0.0)
        interval = interval + np.where(hit, _ALPHA * (since - interval), 0.0)
        since = np.where(hit, 0.0, since)
    return size, interval
