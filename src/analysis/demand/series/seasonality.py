"""Seasons of many series at once: is there one, what is its shape, and the series without it.

Every array here holds one series a row, its last column being the last period known; a series
that began later than others is NaN before it began. Columns share one calendar, so that column
``t`` of every row has phase ``t % season``.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from analysis.stats.types import Floats

Kind = Literal["additive", "multiplicative"]

#: Normal quantile of the 90 % test for a season (Assimakopoulos and Nikolopoulos 2000).
_TEST_QUANTILE = 1.6448536269514722


def filled(values: Floats) -> Floats:
    """Return ``values`` with gaps inside a series closed by the straight line across them."""
    gaps = np.isnan(values)
    inner = (gaps & np.logical_or.accumulate(~gaps, axis=1)).any(axis=1)
    if not inner.any():
        return values
    closed = values.copy()
    for row in np.flatnonzero(inner):
        seen = np.flatnonzero(~gaps[row])
        inside = np.arange(seen[0], values.shape[1])
        closed[row, inside] = np.interp(inside, seen, values[row, seen])
    return closed


def all_positive(values: Floats) -> npt.NDArray[np.bool_]:
    """Tell which series never touch zero, where they are known."""
    return np.asarray((np.where(np.isnan(values), 1.0, values) > 0).all(axis=1))


def lengths(values: Floats) -> npt.NDArray[np.int64]:
    """Return how many periods each series spans, from its first value to the last column."""
    seen = ~np.isnan(values)
    return np.where(seen.any(axis=1), values.shape[1] - seen.argmax(axis=1), 0)


def has_season(values: Floats, *, season: int) -> npt.NDArray[np.bool_]:
    """Tell for each series whether its autocorrelation at the season's lag is significant.

    The 90 % test of Assimakopoulos and Nikolopoulos (2000), International Journal of Forecasting
    16(4), Appendix A, on series that span at least two seasons; the others have none.
    """
    if season < 2:
        return np.zeros(len(values), dtype=bool)
    series = filled(values)
    spans = lengths(values)
    centred = series - np.nanmean(np.where(spans[:, None] > 0, series, 0.0), axis=1, keepdims=True)
    centred = np.nan_to_num(centred)
    variance = (centred**2).sum(axis=1)
    lags = range(1, min(season, series.shape[1] - 1) + 1)
    products = [(centred[:, lag:] * centred[:, :-lag]).sum(axis=1) for lag in lags]
    safe = np.where(variance > 0, variance, 1.0)
    correlation = np.stack(products, axis=1) / safe[:, None]
    before = (correlation[:, :-1] ** 2).sum(axis=1)
    limit = _TEST_QUANTILE * np.sqrt((1 + 2 * before) / np.maximum(spans, 1))
    long_enough = (spans >= 2 * season) & (correlation.shape[1] == season)
    return long_enough & (variance > 0) & (np.abs(correlation[:, -1]) > limit)


def centred_average(series: Floats, *, season: int) -> Floats:
    """Return the moving average over one season, centred; NaN where it does not fit."""
    kernel = np.ones(season) if season % 2 else np.r_[0.5, np.ones(season - 1), 0.5]
    kernel = kernel / season
    reach = len(kernel) // 2
    average = np.full(series.shape, np.nan)
    if series.shape[1] >= len(kernel):
        windows = np.lib.stride_tricks.sliding_window_view(series, len(kernel), axis=1)
        average[:, reach : series.shape[1] - reach] = windows @ kernel
    return average


def indices(values: Floats, *, season: int, kind: Kind) -> Floats:
    """Return each series' seasonal indices by classical decomposition, one column a phase.

    Multiplicative indices average one, additive ones zero. A series that spans fewer than two
    seasons, or of which a phase was never seen, gets the neutral indices.
    """
    neutral = 1.0 if kind == "multiplicative" else 0.0
    series = filled(values)
    trend = centred_average(series, season=season)
    with np.errstate(divide="ignore", invalid="ignore"):
        detrended = series / trend if kind == "multiplicative" else series - trend
    detrended[~np.isfinite(detrended)] = np.nan
    shape = np.full((len(values), season), np.nan)
    for phase in range(season):
        column = detrended[:, phase::season]
        seen = np.isfinite(column)
        count = seen.sum(axis=1)
        total = np.where(seen, column, 0.0).sum(axis=1)
        shape[:, phase] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return _normalised(shape, kind=kind, usable=lengths(values) >= 2 * season, neutral=neutral)


def _normalised(
    shape: Floats, *, kind: Kind, usable: npt.NDArray[np.bool_], neutral: float
) -> Floats:
    known = usable & np.isfinite(shape).all(axis=1)
    if kind == "multiplicative":
        known &= (shape > 0.01).all(axis=1)
    shape = np.where(known[:, None], shape, neutral)
    middle = shape.mean(axis=1, keepdims=True)
    return shape / middle if kind == "multiplicative" else shape - middle


def over_time(index: Floats, *, columns: int, start: int = 0) -> Floats:
    """Return the seasonal indices laid out over ``columns`` columns from column ``start`` on."""
    phases = (start + np.arange(columns)) % index.shape[1]
    return index[:, phases]
