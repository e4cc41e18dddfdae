"""The automatic choice: at each level the model that forecast best so far, never in-sample.

Series that sell now and then are a class of their own within a level: theirs is the model with
the smallest RMSSE, since the absolute error of mostly empty periods is least for a forecast of
nothing; the others' is the one with the smallest MASE. The choice at an origin uses only errors
that had been seen by then, so that the automatic choice can itself be judged by the backtest.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.demand.models import arima, holiday_run_up
from analysis.demand.models import registry as zoo
from analysis.demand.models.backtest import Backtest, mean_of

AUTOMATIC = "automatic"

#: Candidates that know what is planned, and ARIMA without.
_KNOWING = (arima.DRIVEN, arima.PLAIN, *holiday_run_up.NAMES)

#: What is used before any error has been seen.
_DEFAULT = {False: "ets_theta", True: "tsb"}


def classes(groups: np.ndarray, sparse: np.ndarray) -> list[tuple[np.ndarray, bool]]:
    """Return the series of every level and kind that share one model, as masks."""
    pairs = [(level, kind) for level in dict.fromkeys(groups) for kind in (False, True)]
    masks = [((groups == level) & (sparse == kind), kind) for level, kind in pairs]
    return [(mask, kind) for mask, kind in masks if mask.any()]


def choose(
    tested: Backtest, groups: np.ndarray, sparse: np.ndarray, *, known: np.ndarray | None = None
) -> np.ndarray:
    """Return the name of the model for each series.

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
    chosen = np.full(tested.actual.shape[1], "", dtype=object)
    known = np.ones((len(tested.origins), tested.horizon), dtype=bool) if known is None else known
    for mask, kind in classes(groups, sparse):
        candidates = _candidates(tested.models, kind)
        losses = [_loss(tested, name, mask, known, kind) for name in candidates]
        usable = [loss for loss in losses if not np.isnan(loss)]
        best = candidates[int(np.nanargmin(losses))] if usable else _default(candidates, kind)
        chosen[mask] = best
    return chosen


def _candidates(names: Sequence[str], kind: bool) -> list[str]:
    fitting = zoo.SPARSE if kind else (*zoo.REGULAR, "wave", *_KNOWING)
    return [name for name in names if name in fitting]


def _default(candidates: list[str], kind: bool) -> str:
    return _DEFAULT[kind] if _DEFAULT[kind] in candidates else candidates[0]


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
        names = choose(tested, groups, sparse, known=tested.known_at(origin))
        made[o] = pick({n: tested.of(n)[o] for n in tested.models}, names)
    return tested.with_model(AUTOMATIC, made)


def pick(forecasts: dict[str, np.ndarray], names: np.ndarray) -> np.ndarray:
    """Return each series' row out of the forecasts of the model named for it."""
    made = np.full_like(next(iter(forecasts.values())), np.nan)
    for name, rows in forecasts.items():
        made[names == name] = rows[names == name]
    return made
