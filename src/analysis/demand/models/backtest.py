"""What each model would have said in the past, and how far off it would have been.

Every origin stands for a day in the past: the models see what was known then, are fitted anew,
and forecast the periods after it. Nothing is ever judged on the data it was fitted to.

How far forecasts were off, in measures that compare across series.

MASE and RMSSE divide by the error that the naive forecast made inside the training data, one
season back where there are two seasons, else one period: Hyndman and Koehler (2006),
International Journal of Forecasting 22(4); Makridakis, Spiliotis and Assimakopoulos (2022), ibid.
38(4). Neither breaks down on zeros, as percentage errors do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.demand.models import registry as zoo
from analysis.demand.models.ets import LONGEST_SEASON
from analysis.demand.series.seasonality import lengths
from analysis.errors import NotApplicable
from analysis.stats.sizes import FEWEST_PERIODS_OF_ORIGIN
from analysis.stats.types import Floats


@dataclass(frozen=True)
class Backtest:
    """Forecasts from many origins beside what happened.

    Parameters
    ----------
    models
        Names, in the order of ``forecasts``' first axis.
    origins
        Number of columns known at each origin, ascending.
    forecasts
        Models x origins x series x horizon.
    actual
        Origins x series x horizon; NaN where the period is not known.
    scale, root_scale
        Origins x series: naive error in the training data, absolute and squared (`scores`).
    span
        Periods that each forecast is the sum of.
    """

    models: tuple[str, ...]
    origins: tuple[int, ...]
    forecasts: np.ndarray
    actual: np.ndarray
    scale: np.ndarray
    root_scale: np.ndarray
    span: int = 1

    @property
    def horizon(self) -> int:
        """Periods ahead."""
        return int(self.actual.shape[2])

    def errors(self) -> np.ndarray:
        """Return forecast errors, actual - forecast, in units of the series."""
        return np.asarray(self.actual[None] - self.forecasts)

    def scaled(self) -> np.ndarray:
        """Return forecast errors over the naive error in the training data."""
        return np.asarray(self.errors() / self.scale[None, :, :, None])

    def known_at(self, origin: int) -> np.ndarray:
        """Tell which errors (origins x horizon) had been seen when ``origin`` columns were."""
        ends = np.array(self.origins)[:, None] + np.arange(1, self.horizon + 1) * self.span
        return np.asarray(ends <= origin)

    def of(self, model: str) -> np.ndarray:
        """Return a model's forecasts (origins x series x horizon)."""
        return np.asarray(self.forecasts[self.models.index(model)])

    def summed(self) -> Backtest:
        """Return the backtest of the sums over the horizon."""
        forecasts, actual = self.forecasts.sum(3, keepdims=True), self.actual.sum(2, keepdims=True)
        return replace(self, forecasts=forecasts, actual=actual, span=self.horizon)

    def end_to_end(self, origins: int) -> float:
        """Return how many sums without a shared period fill those of neighbouring origins."""
        step = self.origins[1] - self.origins[0]
        return max(1 + (origins - 1) * step / self.span, 1.0)

    def with_model(self, name: str, forecasts: np.ndarray) -> Backtest:
        """Return this backtest with one more model."""
        stacked = np.concatenate([self.forecasts, forecasts[None]])
        return replace(self, models=(*self.models, name), forecasts=stacked)


def origins_for(
    columns: int, *, horizon: int, count: int, step: int = 1, frequency: str = "period"
) -> tuple[int, ...]:
    """Return up to ``count`` origins, ``step`` apart, the last one ``horizon`` before the end.

    Raises
    ------
    NotApplicable
        If there are too few periods, called ``frequency``, for two origins.
    """
    last = columns - horizon
    first = max(
        last - (count - 1) * step,
        FEWEST_PERIODS_OF_ORIGIN + (last - FEWEST_PERIODS_OF_ORIGIN) % step,
    )
    found = tuple(range(first, last + 1, step))
    if len(found) < 2:
        sold = f"{columns} {frequency} is" if columns == 1 else f"{columns} {frequency}s are"
        raise NotApplicable(
            f"{sold} too few to test forecasts of {horizon}: "
            f"{FEWEST_PERIODS_OF_ORIGIN + horizon + step} are the least."
        )
    return found


def run(
    values: Floats, *, models: Sequence[str], horizon: int, season: int = 1, origins: Sequence[int]
) -> Backtest:
    """Forecast every series from every origin with every model, refitting at each origin.

    Parameters
    ----------
    values
        One series a row, one period a column (see `seasonal`).
    models
        Names out of `models.MODELS`.
    horizon
        Periods ahead.
    season
        Periods of one season; 1 for none.
    origins
        Columns known at each origin, ascending.
    """
    made = np.empty((len(models), len(origins), len(values), horizon))
    for part in _of_one_phase(origins, season):
        rows = known_at_origins(values, [origins[o] for o in part])
        found = zoo.forecasts(rows, models=models, horizon=horizon, season=season)
        for m, name in enumerate(models):
            made[m, part] = found[name].reshape(len(part), len(values), horizon)
    actual = [_ahead(values, origin, horizon) for origin in origins]
    scale, root = zip(*(_scales_at(values[:, :o], season) for o in origins), strict=True)
    return Backtest(
        tuple(models), tuple(origins), made, np.stack(actual), np.stack(scale), np.stack(root)
    )


def _of_one_phase(origins: Sequence[int], season: int) -> list[list[int]]:
    """Return the places of origins that lie whole seasons apart, where seasons are learnt."""
    turn = season if season <= LONGEST_SEASON else 1
    phases = dict.fromkeys(origin % turn for origin in origins)
    return [[o for o, origin in enumerate(origins) if origin % turn == p] for p in phases]


def known_at_origins(values: Floats, origins: Sequence[int]) -> Floats:
    """Return all series as known at each origin, origins outermost, every row ending at its own.

    One call of a model for all origins costs a fraction of a call for each.
    """
    width = max(origins)
    rows = np.full((len(origins), len(values), width), np.nan)
    for o, origin in enumerate(origins):
        rows[o, :, width - origin :] = values[:, :origin]
    return rows.reshape(-1, width)


def _scales_at(known: Floats, season: int) -> tuple[Floats, Floats]:
    young = lengths(known) < FEWEST_PERIODS_OF_ORIGIN
    absolute, squared = scales(known, season=season)
    return np.where(young, np.nan, absolute), np.where(young, np.nan, squared)


def at_origins(tested: Backtest, chosen: np.ndarray) -> Backtest:
    """Return the backtest at some of its origins (positions)."""
    return replace(
        tested,
        origins=tuple(tested.origins[o] for o in chosen),
        forecasts=tested.forecasts[:, chosen],
        actual=tested.actual[chosen],
        scale=tested.scale[chosen],
        root_scale=tested.root_scale[chosen],
    )


def _ahead(values: Floats, origin: int, horizon: int) -> Floats:
    found = np.full((len(values), horizon), np.nan)
    part = values[:, origin : origin + horizon]
    found[:, : part.shape[1]] = part
    return found


def scales(values: Floats, *, season: int = 1) -> tuple[Floats, Floats]:
    """Return each series' mean absolute and root mean squared naive error; NaN where it is zero.

    A season too long to be learnt (`smoothing.LONGEST_SEASON`) is not used: the scale of a series
    must not change its meaning from one origin to the next.
    """
    season = season if season <= LONGEST_SEASON else 1
    one, one_squared = _steps(values, 1)
    if season > 1 and values.shape[1] > season:
        far, far_squared = _steps(values, season)
        turns = lengths(values) >= 2 * season
        one, one_squared = np.where(turns, far, one), np.where(turns, far_squared, one_squared)
    return one, np.sqrt(one_squared)


def _steps(values: Floats, lag: int) -> tuple[Floats, Floats]:
    moves = np.abs(values[:, lag:] - values[:, :-lag])
    seen = ~np.isnan(moves)
    count = np.maximum(seen.sum(axis=1), 1)
    moves = np.where(seen, moves, 0.0)
    absolute, squared = moves.sum(axis=1) / count, (moves**2).sum(axis=1) / count
    usable = absolute > 0
    return np.where(usable, absolute, np.nan), np.where(usable, squared, np.nan)


def smape(actual: Floats, forecast: Floats) -> float:
    """Return the symmetric mean absolute percentage error of the M3 competition, in per cent.

    Makridakis and Hibon (2000), International Journal of Forecasting 16(4), appendix A.
    """
    return float(np.mean(200 * np.abs(actual - forecast) / (np.abs(actual) + np.abs(forecast))))


def pinball(actual: Floats, quantile: Floats, *, level: float) -> Floats:
    """Return the quantile loss of forecasts of the quantile ``level``."""
    error = actual - quantile
    return np.where(error >= 0, level * error, (level - 1) * error)


def mean_of(values: Floats) -> float:
    """Return the mean of what is there; NaN where nothing is."""
    seen = ~np.isnan(values)
    return float(values[seen].mean()) if seen.any() else float("nan")


def mean_along(values: Floats, *, axis: int | tuple[int, ...]) -> Floats:
    """Return the means along an axis of what is there; NaN where nothing is."""
    seen = ~np.isnan(values)
    count = seen.sum(axis=axis)
    total = np.where(seen, values, 0.0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
