"""What rises and what falls: slopes that single weeks cannot fool, over everything searched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.demand.series import seasonality
from analysis.stats.multiplicity import q_values, selected_confidence, two_sided_p
from analysis.stats.poisson_glm import inflation
from analysis.stats.sizes import FEWEST_PERIODS_OF_TREND

if TYPE_CHECKING:
    from analysis.demand.series.sales_series import Series

#: Pairs of sine and cosine that stand for the yearly season.
_HARMONICS = 2

#: Correlation of two years from which they share a season, each smoothed over so many periods.
_TOGETHER, _SMOOTHED = 0.6, 5


def slopes(
    series: Series, *, continuing: np.ndarray, season: int = 1, per: int = 13, fdr: float = 0.10
) -> pd.DataFrame:
    """Return every continuing series' robust trend.

    Parameters
    ----------
    series
        The series searched.
    continuing
        Which of them were sold all the time (`lifecycle`); the others have a launch or an end,
        which is no trend.
    season
        Periods of the yearly season; removed where at least two are there.
    per
        Periods that the slope is stated for.
    fdr
        False discovery rate over all series searched.

    Returns
    -------
    pandas.DataFrame
        level, name, size (sum over the periods), periods, slope (change in ``per`` periods),
        slope_low and slope_high, growth (slope over the median, no less than -1 for what was never
        negative: nothing sells less than nothing) with growth_low and growth_high,
        p, q, direction (``rising``, ``falling`` or ``steady``), reason (why there is no trend).
        Intervals are drawn at the confidence that selection leaves.

    Notes
    -----
    Theil (1950) and Sen (1968), J. Am. Statist. Assoc. 63(324): the median slope of all pairs,
    its interval by Kendall's S. The variance of S is raised by (1 + r) / (1 - r) for first-order
    autocorrelation r of what is left, as in Yue and Wang (2004), Water Resources Management 18.
    """
    values = without_season(series.values, season=season)
    enough = continuing & (seasonality.lengths(values) >= FEWEST_PERIODS_OF_TREND) & _varies(values)
    measured = [_theil_sen(row) if ok else _NOTHING for row, ok in zip(values, enough, strict=True)]
    table = pd.DataFrame(measured, columns=["slope", "s", "spread"])
    p = two_sided_p(table["s"] / np.sqrt(table["spread"]))
    q = q_values(p)
    confidence = selected_confidence(q, fdr=fdr)
    ends = [
        _ends(row, spread, confidence) if ok else (np.nan, np.nan)
        for row, spread, ok in zip(values, table["spread"], enough, strict=True)
    ]
    low, high = np.array(ends).reshape(-1, 2).T
    return _described(series, table["slope"], low, high, p, q, per, fdr, continuing)


_NOTHING = (np.nan, np.nan, np.nan)


def _varies(values: np.ndarray) -> np.ndarray:
    seen = ~np.isnan(values)
    low = np.where(seen, values, np.inf).min(axis=1)
    high = np.where(seen, values, -np.inf).max(axis=1)
    return np.asarray(high > low)


def without_season(values: np.ndarray, *, season: int) -> np.ndarray:
    """Return the series without their yearly wave, where they span at least two of it.

    The wave is two harmonics, fitted together with level and slope so that it does not take
    these with it. A bump that one year had and the other had not is no season: the wave is only
    taken out where the two years go together.
    """
    columns = values.shape[1]
    if season < 2 or columns < 2 * season:
        return values
    time = np.arange(columns)
    angle = 2 * np.pi * np.outer(time, np.arange(1, _HARMONICS + 1)) / season
    wave = np.hstack([np.sin(angle), np.cos(angle)])
    design = np.column_stack([np.ones(columns), time / columns, wave])
    adjusted = values.copy()
    for row in np.flatnonzero(_repeats(values, season)):
        seen = ~np.isnan(values[row])
        found = np.linalg.lstsq(design[seen], values[row, seen], rcond=None)[0]
        adjusted[row] = values[row] - wave @ found[2:]
    return adjusted


def _repeats(values: np.ndarray, season: int) -> np.ndarray:
    """Tell which series' last two years, each without its line and smoothed, go together."""
    years = seasonality.filled(values)[:, -2 * season :].reshape(len(values), 2, season)
    long_enough = seasonality.lengths(values) >= 2 * season
    time = np.linspace(-1, 1, season)
    centred = np.nan_to_num(years - years.mean(axis=2, keepdims=True))
    centred = centred - (centred @ time / (time @ time))[:, :, None] * time
    smooth = np.lib.stride_tricks.sliding_window_view(centred, _SMOOTHED, axis=2).mean(axis=3)
    spread = np.sqrt((smooth**2).sum(axis=2).prod(axis=1))
    together = (smooth[:, 0] * smooth[:, 1]).sum(axis=1) / np.where(spread > 0, spread, 1.0)
    return np.asarray(long_enough & (together > _TOGETHER))


def _pairs(row: np.ndarray) -> np.ndarray:
    time = np.flatnonzero(~np.isnan(row))
    first, second = np.triu_indices(len(time), 1)
    return (row[time[second]] - row[time[first]]) / (time[second] - time[first])


def _theil_sen(row: np.ndarray) -> tuple[float, float, float]:
    """Return the median slope, Kendall's S with its continuity correction, and its variance."""
    pairs = _pairs(row)
    slope = float(np.median(pairs))
    score = float(np.sign(pairs).sum())
    seen = row[~np.isnan(row)]
    n = len(seen)
    ties = np.unique(seen, return_counts=True)[1]
    spread = (n * (n - 1) * (2 * n + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()) / 18
    left = seen - slope * np.flatnonzero(~np.isnan(row))
    spread *= inflation(left)
    return slope, score - np.sign(score), max(float(spread), 1e-12)


def _ends(row: np.ndarray, spread: float, confidence: float) -> tuple[float, float]:
    from analysis.stats.multiplicity import normal_quantile

    pairs = np.sort(_pairs(row))
    reach = normal_quantile(confidence) * np.sqrt(spread)
    low = int(np.floor((len(pairs) - reach) / 2))
    high = int(np.ceil((len(pairs) + reach) / 2))
    return float(pairs[max(low, 0)]), float(pairs[min(high, len(pairs) - 1)])


def _described(
    series: Series,
    slope: pd.Series,
    low: np.ndarray,
    high: np.ndarray,
    p: np.ndarray,
    q: np.ndarray,
    per: int,
    fdr: float,
    continuing: np.ndarray,
) -> pd.DataFrame:
    seen = ~np.isnan(series.values)
    size = np.where(seen, series.values, 0.0).sum(axis=1)
    middle = np.array([np.median(row[~np.isnan(row)]) for row in series.values])
    usual = np.where(middle > 0, middle, np.nan)
    least = np.where((np.where(seen, series.values, 0.0) >= 0).all(axis=1), -1.0, -np.inf)
    found = (q <= fdr) & (slope != 0)  # many ties: an order that says more than the slope
    direction = np.where(found, np.where(slope > 0, "rising", "falling"), "steady")
    reason = np.where(continuing, "too short, or never varied", "launched or ended inside")
    known = ~np.isnan(p)
    return series.keys[["level", "name"]].assign(
        size=size,
        periods=seen.sum(axis=1),
        slope=slope * per,
        slope_low=low * per,
        slope_high=high * per,
        growth=np.maximum(slope * per / usual, least),
        growth_low=np.maximum(low * per / usual, least),
        growth_high=np.maximum(high * per / usual, least),
        p=p,
        q=q,
        direction=np.where(known, direction, "not told"),
        reason=np.where(known, "", reason),
    )
