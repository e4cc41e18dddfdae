"""One gradient-boosted model over all series at once: the challenger.

Every series' recent past, over its own level, is one row; what it did next, over that level, is
the target, one model a period ahead (direct forecasts), with the quantile loss of the median and,
where asked for, of the interval's ends. What works across series is what Makridakis, Spiliotis and
Assimakopoulos (2022) found to win M5; on few and short series it has little to learn from, which
is why it challenges and does not lead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.demand.models.backtest import at_origins
from analysis.demand.models.registry import last_value, within_reason
from analysis.demand.series.seasonality import filled
from analysis.errors import NotApplicable
from analysis.stats.sizes import FEWEST_ROWS_OF_TREES
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from analysis.demand.models.backtest import Backtest

#: Name of the challenger in a backtest.
BOOSTED = "boosted"

#: Periods of the past that a row holds.
LAGS = 8

#: Most rows: beyond, the latest are taken.
_MOST_ROWS = 40_000


def forecast(
    values: Floats, *, horizon: int, season: int = 1, quantile: float = 0.5, seed: int = 0
) -> Floats:
    """Return one quantile of every series' next ``horizon`` periods (S, horizon).

    Parameters
    ----------
    values
        One series a row, one period a column.
    horizon
        Periods ahead.
    season
        Periods of a season; its phase and last year's value are features where known.
    quantile
        Quantile forecast; 0.5 is the median.
    seed
        Seed of the model.

    Raises
    ------
    NotApplicable
        If all series together have too few periods to learn from.
    """
    from threadpoolctl import threadpool_limits

    series = filled(values)
    season = season if series.shape[1] - horizon > season + LAGS else 1
    now, level = _rows(series, np.array([series.shape[1]]), season)
    all_x, scales = _rows(series, np.arange(LAGS + 1, series.shape[1]), season)
    made = np.full((len(series), horizon), np.nan)
    model = _model(quantile, seed)
    with threadpool_limits(limits=1):  # the same sums in the same order, on any machine
        for ahead in range(1, horizon + 1):
            ends = np.arange(LAGS + 1, series.shape[1] - ahead + 1)
            x, scale = (of[: len(ends) * len(series)] for of in (all_x, scales))
            target = series.T[ends + ahead - 1].ravel()
            known = ~np.isnan(target) & ~np.isnan(x[:, :LAGS]).any(axis=1) & (scale > 0)
            if known.sum() < FEWEST_ROWS_OF_TREES:
                raise NotApplicable(
                    "All series together are too short for the boosted challenger to learn from: "
                    f"{int(known.sum())} periods with what came after them, "
                    f"{FEWEST_ROWS_OF_TREES} needed."
                )
            picked = np.flatnonzero(known)[-_MOST_ROWS:]
            model.fit(x[picked], target[picked] / scale[picked])
            made[:, ahead - 1] = model.predict(now) * level
    unknown = np.isnan(now[:, :LAGS]).any(axis=1)  # too young, or silent for all lags
    made[unknown] = last_value(series[unknown], horizon=horizon)
    return within_reason(made, values)


def _model(quantile: float, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(
        loss=_pinball_loss(quantile), max_iter=60, learning_rate=0.08, max_leaf_nodes=15,
        min_samples_leaf=40, l2_regularization=1.0, early_stopping=False, random_state=seed,
    )  # fmt: skip


def _pinball_loss(level: float) -> Any:
    """Return scikit-learn's quantile loss with a quicker quantile, the same to the last bit.

    Every leaf of every tree asks for one; numpy's general function spends nearly all of its time
    on what is not asked here.
    """
    from sklearn._loss.loss import PinballLoss

    class Pinball(PinballLoss):
        def fit_intercept_only(self, y_true: Floats, sample_weight: None = None) -> np.float64:  # noqa: ARG002
            return quantile_of(y_true, level)

    return Pinball(quantile=level)


def quantile_of(values: Floats, level: float) -> np.float64:
    """Return numpy's ``percentile`` of values without gaps, by linear interpolation."""
    place = (len(values) - 1) * (100 * level / 100)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    ordered = np.partition(values, (below, above))
    low, high, part = ordered[below], ordered[above], place - below
    gap = high - low
    # Both are right; which of them numpy takes decides the last bit.
    return np.float64(high - gap * (1 - part) if part >= 0.5 else low + gap * part)


def _rows(series: Floats, ends: np.ndarray, season: int) -> tuple[Floats, Floats]:
    """Return features and level of every end (columns known) and series, ends outermost."""
    parts, levels = [], []
    for end in ends:
        recent = series[:, end - LAGS : end]
        level = np.abs(np.nan_to_num(recent)).mean(axis=1)
        safe = np.where(level > 0, level, np.nan)[:, None]
        lags = recent / safe
        halves = lags[:, : LAGS // 2].mean(axis=1), lags[:, LAGS // 2 :].mean(axis=1)
        spread = lags.std(axis=1, keepdims=True)
        slope = (halves[1] - halves[0])[:, None]
        features = [lags, spread, slope]
        if season > 1:
            phase = np.full((len(series), 1), float(end % season))
            last = series[:, [end - season]] / safe if season <= end else phase * np.nan
            features += [phase, last]
        parts.append(np.hstack(features))
        levels.append(level)
    return np.vstack(parts), np.concatenate(levels)


def challenge(
    tested: Backtest, values: Floats, *, season: int, origins: int, seed: int
) -> Backtest:
    """Return the last ``origins`` origins of a backtest with the challenger beside the others.

    Learning anew at each origin is slow, so that the challenger meets the others at a few origins
    only, spread over those tested.
    """
    chosen = np.unique(np.linspace(0, len(tested.origins) - 1, origins).round().astype(int))
    part = at_origins(tested, chosen)
    made = [
        forecast(values[:, :origin], horizon=tested.horizon, season=season, seed=seed)
        for origin in part.origins
    ]
    return part.with_model(BOOSTED, np.stack(made))
