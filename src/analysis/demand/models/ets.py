"""Exponential smoothing (ETS) for many series at once: a grid, then refined from its best.

What statsmodels or statsforecast do one series after the other, this does for all of them in a
few array operations a period. The form of each series (trend, season, error) is chosen by AICc as
in Hyndman and Khandakar (2008), Journal of Statistical Software 27(3); that choice is part of the
model, whose worth against other models is judged by rolling origin alone (`backtest`).

Where exponential smoothing starts, and where its last states lead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from analysis.demand.models import ets_kernel
from analysis.demand.models.ets_kernel import Form, Outcome, Start, Trend
from analysis.demand.models.levenberg_marquardt import minimise
from analysis.demand.series import seasonality
from analysis.stats.sizes import FEWEST_PERIODS_OF_LEVEL
from analysis.stats.types import Floats

#: Grid of each parameter: coarse, since a search follows.
GRID: dict[str, tuple[float, ...]] = {
    "alpha": (0.02, 0.1, 0.25, 0.45, 0.7, 0.92),
    "beta": (0.01, 0.2),
    "phi": (0.9,),
    "gamma": (0.01, 0.2),
}

#: Bounds of each parameter.
BOUNDS: dict[str, tuple[float, float]] = {
    "alpha": (0.0001, 0.9999),
    "beta": (0.0001, 0.9999),
    "phi": (0.8, 0.98),
    "gamma": (0.0001, 0.9999),
}

#: How far above the best of its trend a form's AICc may be before the refinement.
_NEAR = 4.0

#: Most steps of the refinement.
_ROUNDS = 5

FORMS: tuple[Form, ...] = (
    Form("none", "none"),
    Form("linear", "none"),
    Form("damped", "none"),
    Form("none", "additive"),
    Form("linear", "additive"),
    Form("damped", "additive"),
    Form("none", "multiplicative"),
    Form("linear", "multiplicative"),
    Form("damped", "multiplicative"),
)

ADDITIVE = tuple(form for form in FORMS if form.season != "multiplicative")

#: Elements of one array of the recursion that fit a core's cache.
_CHUNK = 24_000

#: The same where all periods' errors are kept.
_REFINED = 6_000

#: Longest season whose indices may be smoothed; a longer one has too few turns to learn from.
LONGEST_SEASON = 24


@dataclass(frozen=True)
class Fitted:
    """What was fitted, form by form: arrays are forms tried x series.

    Parameters
    ----------
    forms
        The forms tried.
    means
        Point forecasts (F, S, horizon).
    criteria
        AICc; infinite where a form was not fitted.
    errors
        ``additive`` or ``multiplicative`` error, whichever is the likelier.
    smoothing
        The parameters by name, NaN where the form has none; beta and gamma as shares.
    last
        Each series' last value (S, horizon), for those that no form fits.
    """

    forms: tuple[Form, ...]
    means: Floats
    criteria: Floats
    errors: npt.NDArray[np.str_]
    smoothing: dict[str, Floats]
    last: Floats

    @property
    def form(self) -> npt.NDArray[np.int64]:
        """Position of each series' best form; -1 where nothing could be fitted."""
        fitted = np.isfinite(self.criteria).any(axis=0)
        return np.where(fitted, self.criteria.argmin(axis=0), -1)

    def weighted(self, trends: tuple[Trend, ...] = ("none", "linear", "damped")) -> Floats:
        """Return the mean forecasts of the forms with these trends, by their Akaike weights.

        Kolassa (2011), International Journal of Forecasting 27(2): a mean of what is about as
        likely is nearer the truth than the likeliest alone.
        """
        rows = [i for i, form in enumerate(self.forms) if form.trend in trends]
        criteria = self.criteria[rows]
        least = criteria.min(axis=0)
        fitted = np.isfinite(least)
        weights = np.exp(-(criteria - np.where(fitted, least, 0.0)) / 2)
        weights /= np.where(fitted, weights.sum(axis=0), 1.0)
        made = np.einsum("fs,fsh->sh", weights, self.means[rows])
        return np.where(fitted[:, None], made, self.last)


@dataclass(frozen=True)
class _Candidate:
    """A form of some series: where the refinement starts, and the criterion there."""

    number: int
    rows: npt.NDArray[np.int64]
    start: Start
    parameters: Floats
    relative: npt.NDArray[np.bool_]
    criterion: Floats


def fit(values: Floats, *, horizon: int, season: int = 1, forms: Sequence[Form] = FORMS) -> Fitted:
    """Fit ``forms`` to every series (S, T) and forecast ``horizon`` periods with each.

    A season is tried where a series spans at least two of them, a multiplicative one and a
    multiplicative error where all its values are positive. Series shorter than four periods, or
    without a value, are forecast by their last value. Of the seasonal forms
    of one trend those are refined that come near the better one before either is.
    """
    shape = (len(forms), len(values))
    found = Fitted(
        tuple(forms), np.zeros((*shape, horizon)), np.full(shape, np.inf),
        np.full(shape, "additive", dtype="<U14"), {name: np.full(shape, np.nan) for name in GRID},
        np.repeat(seasonality.filled(values)[:, -1:], horizon, axis=1),
    )  # fmt: skip
    positive = seasonality.all_positive(values)
    tried = [
        _candidate(number, form, values, season, positive) for number, form in enumerate(forms)
    ]
    for one, kept in _worth_refining(tried, forms, len(values)):
        _refine(found, _some(one, kept), values, season, positive)
    return found


def _worth_refining(
    tried: Sequence[_Candidate | None], forms: Sequence[Form], series: int
) -> Iterator[tuple[_Candidate, npt.NDArray[np.bool_]]]:
    """Yield every candidate and for which of its series it comes near the best of its trend."""
    best = {(form.trend, form.season != "none"): np.full(series, np.inf) for form in forms}
    known = [one for one in tried if one is not None]
    kinds = [(forms[one.number].trend, forms[one.number].season != "none") for one in known]
    for one, kind in zip(known, kinds, strict=True):
        best[kind][one.rows] = np.minimum(best[kind][one.rows], one.criterion)
    for one, kind in zip(known, kinds, strict=True):
        yield one, one.criterion <= best[kind][one.rows] + _NEAR


def _some(one: _Candidate, kept: npt.NDArray[np.bool_]) -> _Candidate:
    before = one.start
    start = Start(before.level[kept], before.slope[kept], before.index[kept], before.first[kept])
    return _Candidate(
        one.number, one.rows[kept], start, one.parameters[kept], one.relative[kept],
        one.criterion[kept],
    )  # fmt: skip


def _candidate(
    number: int, form: Form, values: Floats, season: int, positive: npt.NDArray[np.bool_]
) -> _Candidate | None:
    """Return the grid's best of one form; None where no series allows it."""
    seasonal = form.season != "none"
    if seasonal and not 2 <= season <= LONGEST_SEASON:
        return None
    usable = seasonality.lengths(values) >= (max(4, 2 * season) if seasonal else 4)
    if form.season == "multiplicative":
        usable = usable & positive
    rows = np.flatnonzero(usable)
    if not len(rows):
        return None
    part = values[rows]
    start = starting_states(part, form, season=season)
    grid = np.array(list(product(*(GRID[name] for name in form.parameters))))
    best, relative, deviance = _best_of_grid(part, start, form, grid, positive[rows])
    counted = (~np.isnan(part)).sum(axis=1)
    criterion = deviance + _penalty(form.estimated(season), counted)
    return _Candidate(number, rows, start, best, relative, criterion)


def _refine(
    found: Fitted, one: _Candidate, values: Floats, season: int, positive: npt.NDArray[np.bool_]
) -> None:
    """Refine one form, and write its forecasts and its criterion."""
    if not len(one.rows):
        return
    form, part = found.forms[one.number], values[one.rows]
    parameters, start = _refined(part, form, one)
    outcome = ets_kernel.run(part, start, form, parameters)
    counted = (~np.isnan(part)).sum(axis=1)
    additive, multiplied = _deviance(outcome, counted, positive[one.rows])
    criterion = np.minimum(additive, multiplied)[:, 0] + _penalty(form.estimated(season), counted)
    place = (one.number, one.rows)
    found.means[place] = extrapolate(outcome, form, parameters, found.last.shape[1], part.shape[1])
    found.criteria[place] = criterion
    found.errors[place] = np.where((multiplied < additive)[:, 0], "multiplicative", "additive")
    for name, fitted in parameters.items():
        found.smoothing[name][place] = fitted[:, 0]


def _penalty(estimated: int, counted: npt.NDArray[np.int64]) -> Floats:
    """Return AICc's penalty; infinite where a series is too short for the form."""
    room = counted - estimated - 1
    correction = 2 * estimated * (estimated + 1) / np.maximum(room, 1)
    return np.where(room > 0, 2 * estimated + correction, np.inf)


def _deviance(
    outcome: Outcome, counted: npt.NDArray[np.int64], positive: npt.NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Return -2 log likelihood of the additive and of the multiplicative error, (S, G) each."""
    n = counted[:, None]
    floor = 1e-20 * np.maximum(outcome.squared.min(axis=1, keepdims=True), 1e-20)
    additive = n * np.log(np.maximum(outcome.squared, floor + 1e-300))
    relative = n * np.log(np.maximum(outcome.relative, 1e-300)) + 2 * outcome.log_fitted
    return additive, np.where(positive[:, None], relative, np.inf)


def _refined(values: Floats, form: Form, one: _Candidate) -> tuple[dict[str, Floats], Start]:
    """Return each series' best parameters (S, 1) and initial states.

    From the grid's best and the states of classical decomposition both are refined together, as
    R's ``ets`` does by another search.
    """
    known = _Unknowns(values, one.start, form)
    unknowns = known.before(one.parameters)
    size = max(1, _REFINED // (unknowns.shape[1] + 1))
    for begin in range(0, len(values), size):
        part = np.arange(begin, min(begin + size, len(values)))
        unknowns[part] = known.refined(part, unknowns[part], one.relative[part])
    parameters, states = known.read(np.arange(len(values)), unknowns[:, None, :])
    ends = (states.level[:, 0], states.slope[:, 0], states.index[:, 0])
    return parameters, Start(*ends, one.start.first)


class _Unknowns:
    """Parameters and initial states as one vector a series, each of the order of one.

    First the smoothing parameters, then by how much level, slope and all seasonal indices but the
    last differ from ``start``, in units of the series; the last makes up for the others.
    """

    def __init__(self, values: Floats, start: Start, form: Form) -> None:
        self.values, self.start, self.form = values, start, form
        seen = np.maximum((~np.isnan(values)).sum(axis=1), 1)
        unit = np.sqrt(np.nansum(values * values, axis=1) / seen)
        self.unit = np.where(unit > 0, unit, 1.0)
        self.states = 1 + (form.trend != "none")
        seasons = start.index.shape[1] - 1 if form.season != "none" else 0
        self.count = len(form.parameters) + self.states + seasons

    def before(self, parameters: Floats) -> Floats:
        """Return the unknowns that leave the initial states alone."""
        found = np.zeros((len(parameters), self.count))
        found[:, : parameters.shape[1]] = parameters
        return found

    def read(
        self, rows: npt.NDArray[np.int64], unknowns: Floats
    ) -> tuple[dict[str, Floats], Start]:
        """Return parameters (S, G) and initial states of what is tried (S, G, unknowns)."""
        names = self.form.parameters
        moved = unknowns[:, :, len(names) :]
        level = self.start.level[rows, None] + self.unit[rows, None] * moved[:, :, 0]
        slope = np.repeat(self.start.slope[rows, None], level.shape[1], axis=1)
        if self.states == 2:
            slope = slope + self.unit[rows, None] * moved[:, :, 1]
        own = moved[:, :, self.states :]
        index = np.repeat(self.start.index[rows, None, :], level.shape[1], axis=1)
        if own.shape[2]:
            unit = self.unit[rows, None, None] if self.form.season == "additive" else 1.0
            index[:, :, :-1] += unit * own
            index[:, :, -1:] -= unit * own.sum(axis=2, keepdims=True)
        parameters = {n: np.ascontiguousarray(unknowns[:, :, i]) for i, n in enumerate(names)}
        return parameters, Start(level, slope, index, self.start.first[rows])

    def refined(
        self, rows: npt.NDArray[np.int64], unknowns: Floats, relative: npt.NDArray[np.bool_]
    ) -> Floats:
        """Return the unknowns of the largest likelihood near those given."""
        reach = np.full(self.count, np.inf)
        low, high = -reach, reach
        bounds = np.array([BOUNDS[name] for name in self.form.parameters])
        low[: len(bounds)], high[: len(bounds)] = bounds.T

        def errors(some: npt.NDArray[np.int64], tried: Floats) -> Floats:
            parameters, states = self.read(rows[some], tried)
            part = self.values[rows[some]]
            return ets_kernel.residuals(
                part, states, self.form, parameters, relative=relative[some]
            )

        return minimise(errors, unknowns, low=low, high=high, rounds=_ROUNDS)[0]


def _best_of_grid(
    values: Floats, start: Start, form: Form, grid: Floats, positive: npt.NDArray[np.bool_]
) -> tuple[Floats, npt.NDArray[np.bool_], Floats]:
    """Return each series' best of the grid (S, P), whether its error multiplies, its deviance."""
    chosen, relative = np.empty((len(values), grid.shape[1])), np.zeros(len(values), dtype=bool)
    least = np.empty(len(values))
    parameters = {name: grid[None, :, i] for i, name in enumerate(form.parameters)}
    size = max(1, _CHUNK // len(grid))
    for begin in range(0, len(values), size):
        part = slice(begin, begin + size)
        there = Start(start.level[part], start.slope[part], start.index[part], start.first[part])
        outcome = ets_kernel.run(values[part], there, form, parameters)
        counted = (~np.isnan(values[part])).sum(axis=1)
        additive, multiplied = _deviance(outcome, counted, positive[part])
        either = np.minimum(additive, multiplied)
        chosen[part], least[part] = grid[either.argmin(axis=1)], either.min(axis=1)
        relative[part] = multiplied.min(axis=1) < additive.min(axis=1)
    return chosen, relative, least


def starting_states(values: Floats, form: Form, *, season: int) -> Start:
    """Return initial level, slope and seasonal indices of every series.

    The indices come from classical decomposition, level and slope from the straight line through
    the first deseasonalised periods: Hyndman and Khandakar (2008), section 2.3.
    """
    first = values.shape[1] - seasonality.lengths(values)
    index = np.full((len(values), max(season, 1)), 1.0 if form.season == "multiplicative" else 0.0)
    series = seasonality.filled(values)
    if form.season == "additive":
        index = seasonality.indices(values, season=season, kind="additive")
        series = series - seasonality.over_time(index, columns=series.shape[1])
    elif form.season == "multiplicative":
        index = seasonality.indices(values, season=season, kind="multiplicative")
        series = series / seasonality.over_time(index, columns=series.shape[1])
    level, slope = _first_line(series, first, periods=max(FEWEST_PERIODS_OF_LEVEL, season))
    if form.trend == "none":
        level, slope = (
            _first_mean(series, first, periods=max(FEWEST_PERIODS_OF_LEVEL, season)),
            0 * slope,
        )
    return Start(level, slope, index, first)


def _window(series: Floats, first: np.ndarray, periods: int) -> Floats:
    """Return the first ``periods`` periods of every series, NaN beyond its end."""
    columns = first[:, None] + np.arange(periods)
    inside = columns < series.shape[1]
    taken = series[np.arange(len(series))[:, None], np.minimum(columns, series.shape[1] - 1)]
    return np.where(inside, taken, np.nan)


def _first_mean(series: Floats, first: np.ndarray, *, periods: int) -> Floats:
    return np.asarray(np.nanmean(_window(series, first, periods), axis=1))


def _first_line(series: Floats, first: np.ndarray, *, periods: int) -> tuple[Floats, Floats]:
    """Return the level before the first period and the slope of the line through the first."""
    window = _window(series, first, periods)
    seen = ~np.isnan(window)
    time = np.where(seen, np.arange(1, window.shape[1] + 1), 0.0)
    n = seen.sum(axis=1)
    mean_time = time.sum(axis=1) / n
    mean = np.where(seen, window, 0.0).sum(axis=1) / n
    centred = np.where(seen, time - mean_time[:, None], 0.0)
    spread = (centred**2).sum(axis=1)
    slope = (centred * np.where(seen, window, 0.0)).sum(axis=1) / np.where(spread > 0, spread, 1)
    return mean - slope * mean_time, slope


def extrapolate(
    outcome: Outcome, form: Form, parameters: dict[str, Floats], horizon: int, columns: int
) -> Floats:
    """Return the forecasts (S, horizon) that the last states of the first candidate lead to."""
    level, slope = outcome.level[:, [0]], outcome.slope[:, [0]]
    phi = parameters["phi"] if "phi" in parameters else np.ones_like(level)
    steps = np.cumsum(phi ** np.arange(1, horizon + 1), axis=1)
    mean = level + slope * steps
    if outcome.index is None:
        return mean
    index = seasonality.over_time(outcome.index[:, :, 0].T, columns=horizon, start=columns)
    return mean + index if form.season == "additive" else mean * index
