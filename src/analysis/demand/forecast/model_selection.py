"""The automatic choice: at each level a mean of the candidates, weighted by their past errors.

Of a level's series that sell in most periods the weights are inverse errors (Bates and Granger
1969, Operational Research Quarterly 20(4)), to the sharper a power the more series speak for them.
A choice of one model by few past errors is a draw: of fifteen candidates the best so far, taken for
each of M3's 1,428 monthly series by itself, errs by 11 % more (sMAPE) than these weights.
Series that sell now and then are a class of their own within a level: theirs is the one model with
the smallest RMSSE, since the absolute error of mostly empty periods is least for a forecast of
nothing.

Weights at an origin use only errors that had been seen by then, so that the automatic choice can
itself be judged by the backtest.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.demand.models import arima, holiday_run_up
from analysis.demand.models import registry as zoo
from analysis.demand.models.backtest import Backtest, mean_of
from analysis.stats.types import Floats

AUTOMATIC = "automatic"

#: Candidates that know what is planned, and ARIMA without.
_KNOWING = (arima.DRIVEN, arima.PLAIN, *holiday_run_up.NAMES)

#: What is averaged before any error has been seen: the two that did best on M3; TSB.
_DEFAULT = {False: ("ets_logs", "theta_logs"), True: ("tsb",)}

#: Power of the inverse error for one series (2: inverse mean squares), and by how much it grows
#: with every doubling of their number: near the best of those tried on groups of 1 to 1,428
#: series of M3.
_POWER, _SHARPER = 2.0, 2.0


def classes(groups: np.ndarray, sparse: np.ndarray) -> list[tuple[np.ndarray, bool]]:
    """Return the series of every level and kind that share their weights, as masks."""
    pairs = [(level, kind) for level in dict.fromkeys(groups) for kind in (False, True)]
    masks = [((groups == level) & (sparse == kind), kind) for level, kind in pairs]
    return [(mask, kind) for mask, kind in masks if mask.any()]


def weigh(
    tested: Backtest, groups: np.ndarray, sparse: np.ndarray, *, known: np.ndarray | None = None
) -> Floats:
    """Return the weight of every model for every series (models x series), summing to one.

    Parameters
    ----------
    tested
        A backtest of the candidates.
    groups
        Level of each series.
    sparse
        Whether each series sells now and then.
    known
        Errors to go by (origins x horizon), see `Backtest.known_at`; None takes all.
    """
    found = np.zeros((len(tested.models), tested.actual.shape[1]))
    known = np.ones((len(tested.origins), tested.horizon), dtype=bool) if known is None else known
    for mask, kind in classes(groups, sparse):
        candidates = _candidates(tested.models, kind)
        losses = np.array([_loss(tested, name, mask, known, kind) for name in candidates])
        weights = _weights(losses, candidates, int(mask.sum()), kind)
        for name, weight in zip(candidates, weights, strict=True):
            found[tested.models.index(name), mask] = weight
    return found


def _weights(losses: Floats, candidates: list[str], series: int, kind: bool) -> Floats:
    if np.isnan(losses).all():
        default = [name in _DEFAULT[kind] for name in candidates]
        chosen = np.array(default if any(default) else [True] * len(candidates), dtype=float)
    elif kind:
        chosen = (np.arange(len(losses)) == np.nanargmin(losses)).astype(float)
    else:
        least = max(float(np.nanmin(losses)), 1e-12)
        power = _POWER + _SHARPER * np.log2(series)
        chosen = np.nan_to_num((least / np.maximum(losses, least)) ** power)
    return np.asarray(chosen / chosen.sum())


def _candidates(names: Sequence[str], kind: bool) -> list[str]:
    fitting = zoo.SPARSE if kind else (*zoo.REGULAR, "wave", *_KNOWING)
    return [name for name in names if name in fitting] or list(names)


def _loss(tested: Backtest, name: str, mask: np.ndarray, known: np.ndarray, kind: bool) -> float:
    m = tested.models.index(name)
    error = (tested.actual - tested.forecasts[m])[:, mask]
    error = np.where(known[:, None, :], error, np.nan)
    if not kind:
        return mean_of(np.abs(error) / tested.scale[:, mask, None])
    squared = (error / tested.root_scale[:, mask, None]) ** 2
    return mean_of(np.sqrt(np.array([mean_of(squared[:, i]) for i in range(squared.shape[1])])))


def with_automatic(tested: Backtest, groups: np.ndarray, sparse: np.ndarray) -> Backtest:
    """Return the backtest with the automatic choice as one more model."""
    made = np.empty_like(tested.actual)
    for o, origin in enumerate(tested.origins):
        weights = weigh(tested, groups, sparse, known=tested.known_at(origin))
        made[o] = combine(tested.forecasts[:, o], weights)
    return tested.with_model(AUTOMATIC, made)


def combine(forecasts: Floats, weights: Floats) -> Floats:
    """Return the weighted mean of forecasts (models x series x horizon); NaN has no weight."""
    share = np.where(np.isnan(forecasts), 0.0, weights[:, :, None])
    total = share.sum(axis=0)
    mean = (np.nan_to_num(forecasts) * share).sum(axis=0)
    return np.where(total > 0, mean / np.where(total > 0, total, 1.0), np.nan)


def names(models: Sequence[str], weights: Floats) -> np.ndarray:
    """Return how each series' forecast is called: by its one model, or as the choice of all."""
    alone = weights.max(axis=0) == 1.0
    return np.where(alone, np.array(models, dtype=object)[weights.argmax(axis=0)], AUTOMATIC)


def nearest(
    ways: Sequence[Floats], tested: Backtest, groups: np.ndarray, *, known: np.ndarray
) -> int:
    """Return which of some forecasts (origins x series x horizon) has erred least so far.

    By the mean over levels of the logarithm of the mean scaled error, so that every level counts
    alike; the first where nothing has been seen.
    """
    losses = [[_mase(made, tested, groups == g, known) for g in dict.fromkeys(groups)]
              for made in ways]  # fmt: skip
    table = np.log(np.maximum(np.array(losses), 1e-12))
    told = ~np.isnan(table).any(axis=0)
    return int(table[:, told].mean(axis=1).argmin()) if told.any() else 0


def _mase(made: Floats, tested: Backtest, mine: np.ndarray, known: np.ndarray) -> float:
    error = np.abs(tested.actual - made)[:, mine] / tested.scale[:, mine, None]
    return mean_of(np.where(known[:, None, :], error, np.nan))
