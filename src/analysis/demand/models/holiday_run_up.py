"""Forecasts that know the run-up to holidays, for many series at once.

The weeks before a holiday are compared with the weeks around them. Where they clearly differ, the
difference is taken out before a model sees the series, and put back in the weeks ahead that lead
up to the next such holiday: else a December would be taken for the level of January.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.demand.models import registry
from analysis.demand.series import seasonality
from analysis.stats.types import Floats, Integers

if TYPE_CHECKING:
    from analysis.demand.models.backtest import Backtest

#: Models that are tried on the series without its holidays, and how that is called.
BASES: dict[str, str] = {"theta": "theta_holidays"}
NAMES = tuple(BASES.values())

#: Periods of the running median; robust standard errors that make a difference clear.
_WINDOW, _CLEAR = 9, 6.0

#: Largest difference believed, on the logarithm.
_LARGEST = np.log(20.0)


def with_candidates(found: Backtest, values: Floats, marks: Floats) -> Backtest:
    """Return the backtest with every model of `BASES` knowing the holidays.

    Parameters
    ----------
    found
        A backtest of the same series.
    values
        Series x periods.
    marks
        Periods (those ahead included) x holidays' weeks: 1 in the week, else 0.
    """
    origins, horizon = found.origins, found.horizon
    parts = [apart(values[:, :origin], marks[: origin + horizon]) for origin in origins]
    width = max(origins)
    calm = np.full((len(origins), len(values), width), np.nan)
    for o, (series, _) in enumerate(parts):
        calm[o, :, width - series.shape[1] :] = series
    factor = np.concatenate([ahead for _, ahead in parts])
    for name, made in _known(calm.reshape(-1, width), factor).items():
        found = found.with_model(name, made.reshape(found.actual.shape))
    return found


def forecasts(values: Floats, marks: Floats) -> dict[str, Floats]:
    """Return the forecasts for the periods that ``marks`` goes beyond ``values``."""
    return _known(*apart(values, marks))


def _known(calm: Floats, factor: Floats) -> dict[str, Floats]:
    plain = registry.forecasts(calm, models=tuple(BASES), horizon=factor.shape[1])
    return {BASES[name]: made * factor for name, made in plain.items()}


def apart(values: Floats, marks: Floats) -> tuple[Floats, Floats]:
    """Return series without their holidays, and the holidays' factors in the periods ahead."""
    columns = values.shape[1]
    moved = lifts(values, marks[:columns]) @ marks.T
    return values / np.exp(moved[:, :columns]), np.exp(moved[:, columns:])


def lifts(values: Floats, marks: Floats) -> Floats:
    """Return each series' difference in each holiday's week on the logarithm; 0 if not clear.

    Compared with the running median of the other weeks; clear beyond six robust standard errors
    of their scatter about it, over as many holidays as were seen: some hundred such differences
    are looked at from every origin, and sales have long tails.
    """
    marked = np.asarray(marks.any(axis=1))
    plain = np.where(marked[None, :], np.nan, values)
    usual = _usual(plain)
    positive = (np.nan_to_num(values) > 0) & (np.nan_to_num(usual) > 0)
    ratio = np.log(np.where(positive, values, 1.0) / np.where(positive, usual, 1.0))
    spread = _spread(np.where(positive & ~np.isnan(plain), ratio, np.nan))
    seen = positive.astype(float) @ marks
    mean = (ratio * positive) @ marks / np.maximum(seen, 1.0)
    error = spread[:, None] / np.sqrt(np.maximum(seen, 1.0))
    clear = (seen > 0) & (np.abs(mean) > _CLEAR * error)
    return np.where(clear, np.clip(mean, -_LARGEST, _LARGEST), 0.0)


def _usual(plain: Floats) -> Floats:
    closed = seasonality.filled(plain)
    reach = _WINDOW // 2
    padded = np.pad(closed, ((0, 0), (reach, reach)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW, axis=1)
    return np.asarray(np.median(windows, axis=2))


def _spread(ratio: Floats) -> Floats:
    """Return the robust standard deviation of each row; infinite where next to nothing is known."""
    known = ~np.isnan(ratio)
    n = known.sum(axis=1)
    enough = n >= 2 * _WINDOW
    ratio, known, n = ratio[enough], known[enough], n[enough]
    away = np.abs(ratio - _medians(ratio, n)[:, None])
    mean = np.where(known, ratio, 0.0).sum(axis=1) / n
    squares = np.where(known, (ratio - mean[:, None]) ** 2, 0.0).sum(axis=1)
    robust = np.maximum(1.4826 * _medians(away, n), 0.5 * np.sqrt(squares / n))
    found = np.full(len(enough), np.inf)
    found[enough] = np.maximum(robust, 1e-9)
    return found


def _medians(values: Floats, n: Integers) -> Floats:
    """Return the median of the ``n`` known values of each row."""
    ordered, row = np.sort(values, axis=1), np.arange(len(values))  # what is NaN comes last
    return np.asarray((ordered[row, (n - 1) // 2] + ordered[row, n // 2]) / 2)
