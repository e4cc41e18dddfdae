"""The bar to clear: forecasts that need no model.

Every function takes one series a row (see `seasonal`), and returns one row a series, one column a
period ahead. A series without any value is forecast as NaN.
"""

from __future__ import annotations

import numpy as np

from analysis.demand.seasonal import Array, filled, lengths


def last_value(values: Array, *, horizon: int, season: int = 1) -> Array:  # noqa: ARG001
    """Return the last value known, for every period ahead."""
    return np.repeat(filled(values)[:, -1:], horizon, axis=1)


def seasonal(values: Array, *, horizon: int, season: int = 1) -> Array:
    """Return the value of the same phase one season ago; the last value for younger series."""
    series = filled(values)
    if season < 2 or series.shape[1] < season:
        return last_value(values, horizon=horizon)
    last = series[:, -season:]
    ahead = last[:, np.arange(horizon) % season]
    return np.where(np.isnan(ahead), series[:, -1:], ahead)


def drift(values: Array, *, horizon: int, season: int = 1) -> Array:  # noqa: ARG001
    """Return the line through the first and the last value."""
    series = filled(values)
    spans = lengths(values)
    first = series[np.arange(len(series)), series.shape[1] - np.maximum(spans, 1)]
    slope = (series[:, -1] - first) / np.maximum(spans - 1, 1)
    return series[:, -1:] + slope[:, None] * np.arange(1, horizon + 1)


def mean(values: Array, *, horizon: int, season: int = 1) -> Array:  # noqa: ARG001
    """Return the mean of all past values."""
    seen = ~np.isnan(values)
    total, count = np.where(seen, values, 0.0).sum(axis=1), seen.sum(axis=1)
    level = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return np.repeat(level[:, None], horizon, axis=1)


def median(values: Array, *, horizon: int, season: int = 1) -> Array:  # noqa: ARG001
    """Return the median of all past values, which single peaks do not move."""
    level = np.full(len(values), np.nan)
    seen = ~np.isnan(values)
    known = seen.any(axis=1)
    level[known] = np.nanmedian(values[known], axis=1)
    return np.repeat(level[:, None], horizon, axis=1)


def moving_average(values: Array, *, horizon: int, season: int = 1, window: int = 4) -> Array:
    """Return the mean of the last ``window`` values, or of the last season where it is longer."""
    recent = filled(values)[:, -max(window, season) :]
    seen = ~np.isnan(recent)
    total = np.where(seen, recent, 0.0).sum(axis=1)
    count = seen.sum(axis=1)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return np.repeat(mean[:, None], horizon, axis=1)
