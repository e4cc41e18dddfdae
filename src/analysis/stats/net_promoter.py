"""The net promoter score and its interval, and the mean score, right for small counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.stats.multiplicity import normal_quantile, student_quantile
from analysis.stats.types import Floats

#: What the adjusted Wald interval adds: answers in all, promoters and detractors each.
ADDED, ADDED_AT_EITHER_END = 3.0, 0.75


@dataclass(frozen=True)
class NetScores:
    """Net promoter scores, as fractions from -1 to 1.

    Parameters
    ----------
    value
        Share of promoters less share of detractors.
    low, high
        Ends of the interval.
    error
        Standard error of the interval's centre.
    """

    value: Floats
    low: Floats
    high: Floats
    error: Floats


def net_promoter(
    promoters: npt.ArrayLike,
    passives: npt.ArrayLike,
    detractors: npt.ArrayLike,
    *,
    confidence: float = 0.95,
    inflation: npt.ArrayLike = 1.0,
    adjusted: bool = True,
) -> NetScores:
    """Return net promoter scores with the adjusted Wald interval; NaN without answers.

    The variance is that of a multinomial draw, p + d - (p - d)^2 over n. Three answers are added,
    three quarters of one at either end: Rocks (2016), Interval estimation for the net promoter
    score, The American Statistician 70(4), 365-372.

    Parameters
    ----------
    promoters, passives, detractors
        Answers of each kind; arrays of one shape or single numbers.
    confidence
        Coverage.
    inflation
        By how much answers of the same customers inflate the variance (`repeats`); the answers
        count as so many fewer.
    adjusted
        False for the plain Wald interval.
    """
    p, q, d, f = (
        np.atleast_1d(np.asarray(v, dtype=float))
        for v in (promoters, passives, detractors, inflation)
    )
    n = p + q + d
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.where(n > 0, (p - d) / n, np.nan)
        p, d, n = p / f, d / f, n / f
        end, more = (ADDED_AT_EITHER_END, ADDED) if adjusted else (0.0, 0.0)
        up, down, count = (p + end) / (n + more), (d + end) / (n + more), n + more
        centre = up - down
        error = np.sqrt(np.maximum(up + down - centre**2, 0) / count)
    error = np.where(np.isnan(value), np.nan, error)
    reach = normal_quantile(confidence) * error
    low, high = np.maximum(centre - reach, -1), np.minimum(centre + reach, 1)
    return NetScores(value, np.where(np.isnan(value), np.nan, low), high + 0 * error, error)


def repeats(values: npt.ArrayLike, customer: npt.ArrayLike) -> float:
    """Return by how much repeated answers of the same customers inflate a mean's variance.

    The clustered variance over that of independent answers, at least 1; 1 where nobody answered
    twice.
    """
    y = np.asarray(values, dtype=float)
    _, who = np.unique(np.asarray(customer), return_inverse=True)
    off = y - y.mean() if len(y) else y
    alone = float((off**2).sum())
    if alone <= 0 or who.max(initial=-1) + 1 == len(y):
        return 1.0
    return max(1.0, float((np.bincount(who, off) ** 2).sum()) / alone)


@dataclass(frozen=True)
class Mean:
    """A mean with its interval."""

    value: float
    low: float
    high: float
    error: float


def clustered_mean(
    values: npt.ArrayLike, customer: npt.ArrayLike, *, confidence: float = 0.95
) -> Mean:
    """Return the mean of answers, its error by customer, and Student's interval."""
    y = np.asarray(values, dtype=float)
    groups, who = np.unique(np.asarray(customer), return_inverse=True)
    if len(groups) < 2:
        return Mean(float(y.mean()) if len(y) else np.nan, np.nan, np.nan, np.nan)
    off = np.bincount(who, y - y.mean())
    g = len(groups)
    error = float(np.sqrt((off**2).sum() * g / (g - 1)) / len(y))
    reach = float(student_quantile(confidence, g - 1)) * error
    return Mean(float(y.mean()), float(y.mean()) - reach, float(y.mean()) + reach, error)


def clustered_slope(
    x: npt.ArrayLike, values: npt.ArrayLike, customer: npt.ArrayLike
) -> tuple[float, float]:
    """Return the slope of answers on ``x`` by least squares, and its error by customer.

    NaN where ``x`` does not vary.
    """
    y, across = np.asarray(values, dtype=float), np.asarray(x, dtype=float)
    groups, who = np.unique(np.asarray(customer), return_inverse=True)
    across = across - across.mean() if len(across) else across
    total = float((across**2).sum())
    if total <= 0 or len(groups) < 3:
        return np.nan, np.nan
    slope = float((across * y).sum() / total)
    scores = np.bincount(who, across * (y - y.mean() - slope * across))
    g, n = len(groups), len(y)
    small = g / (g - 1) * (n - 1) / (n - 2)
    return slope, float(np.sqrt(small * (scores**2).sum())) / total
