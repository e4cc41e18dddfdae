"""The exponential smoothing recursion, over many series and many parameters at once.

Arrays are time first, then series, then candidate: one step of time is a handful of array
operations whatever the number of series. Error-correction form of Hyndman, Koehler, Ord and
Snyder (2008), Forecasting with Exponential Smoothing, table 2.2; additive and multiplicative
errors of one form share their recursion, so that one pass yields both likelihoods.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Trend = Literal["none", "linear", "damped"]
Season = Literal["none", "additive", "multiplicative"]

#: A multiplicative season may not come nearer to zero: the next division would explode.
_SMALLEST_INDEX = 1e-3


@dataclass(frozen=True)
class Form:
    """Trend and season of a smoothing model."""

    trend: Trend
    season: Season

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the smoothing parameters."""
        names = ["alpha"]
        names += ["beta"] if self.trend != "none" else []
        names += ["phi"] if self.trend == "damped" else []
        names += ["gamma"] if self.season != "none" else []
        return tuple(names)

    def estimated(self, season: int) -> int:
        """Return the number of estimated quantities: parameters, initial states, variance."""
        states = 1 + (self.trend != "none") + (season - 1 if self.season != "none" else 0)
        return len(self.parameters) + states + 1


@dataclass(frozen=True)
class Start:
    """Initial states of every series: level and slope (S,), seasonal indices (S, season)."""

    level: Array
    slope: Array
    index: Array
    first: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Outcome:
    """Fit of every series and candidate, and the states after the last period.

    Parameters
    ----------
    squared
        Sum of squared one-step errors (S, G).
    relative
        Sum of squared one-step errors over their forecasts; infinite where one was not positive.
    log_fitted
        Sum of the logarithms of the one-step forecasts.
    level, slope
        Last states (S, G); the slope is zero without a trend.
    index
        Last seasonal indices by phase of the column (season, S, G); None without a season.
    """

    squared: Array
    relative: Array
    log_fitted: Array
    level: Array
    slope: Array
    index: Array | None


def run(values: Array, start: Start, form: Form, parameters: dict[str, Array]) -> Outcome:
    """Run the recursion over ``values`` (S, T) for ``parameters`` of shape (S or 1, G).

    ``beta`` and ``gamma`` are shares of what they may be: the slope moves by alpha x beta, the
    season by (1 - alpha) x gamma, which keeps every parameter between 0 and 1 admissible.
    """
    state = _State(values, start, form, parameters)
    with np.errstate(over="ignore", invalid="ignore"):  # a candidate that explodes loses
        for t in range(int(start.first.min()), values.shape[1]):
            state.step(t)
        return state.outcome()


class _State:
    """The recursion's arrays while it runs."""

    def __init__(
        self, values: Array, start: Start, form: Form, parameters: dict[str, Array]
    ) -> None:
        alpha = parameters["alpha"]
        self.shape = (len(values), alpha.shape[1])
        self.values, self.form, self.first = values, form, start.first
        self.alpha = alpha
        self.beta = alpha * parameters["beta"] if "beta" in parameters else None
        self.phi = parameters.get("phi")
        self.gamma = (1 - alpha) * parameters["gamma"] if "gamma" in parameters else None
        self.level = self._spread(start.level)
        self.slope = self._spread(start.slope if self.beta is not None else 0 * start.slope)
        self.index = self._seasons(start.index) if self.gamma is not None else None
        self.squared, self.relative = np.zeros(self.shape), np.zeros(self.shape)
        self.product, self.log_fitted = np.ones(self.shape), np.zeros(self.shape)
        self.unit = np.maximum(np.abs(start.level), 1e-12)[:, None]
        self.positive = np.ones(self.shape, dtype=bool)
        missing = np.isnan(values)
        self.all_seen = ~missing.any(axis=0)
        self.last_first = int(start.first.max())

    def _spread(self, column: Array) -> Array:
        return np.repeat(column[:, None], self.shape[1], axis=1)

    def _seasons(self, index: Array) -> Array:
        return np.repeat(index.T[:, :, None], self.shape[1], axis=2)

    def step(self, t: int) -> None:
        observed = self.values[:, t, None]
        slope = self.slope if self.phi is None else self.phi * self.slope
        base = self.level + slope if self.beta is not None else self.level
        phase = None if self.index is None else t % len(self.index)
        fitted, divisor = self._fitted(base, phase)
        error = observed - fitted
        if not self.all_seen[t]:
            error = np.where(np.isnan(observed), 0.0, error)
        self._count(error, fitted, t)
        scaled = error if divisor is None else error / divisor
        self._move(base, slope, error, scaled, phase, t)

    def _fitted(self, base: Array, phase: int | None) -> tuple[Array, Array | None]:
        if phase is None or self.index is None:
            return base, None
        if self.form.season == "additive":
            return base + self.index[phase], None
        divisor = np.maximum(self.index[phase], _SMALLEST_INDEX)
        return base * divisor, divisor

    def _count(self, error: Array, fitted: Array, t: int) -> None:
        self.squared += error * error
        safe = fitted / self.unit
        above = safe > 1e-6
        if not above.all():
            counts = True if self.all_seen[t] else ~np.isnan(self.values[:, t, None])
            self.positive &= above | ~np.asarray(counts)
            safe = np.where(above, safe, 1.0)
        share = error / (safe * self.unit)
        self.relative += share * share
        if not self.all_seen[t]:
            safe = np.where(np.isnan(self.values[:, t, None]), 1.0, safe)
        self.product *= safe
        if t % 16 == 0:
            self._drain()

    def _drain(self) -> None:
        """Take logarithms now and then only: they cost more than all the rest."""
        self.log_fitted += np.log(self.product)
        self.product = np.ones(self.shape)

    def _move(
        self, base: Array, slope: Array, error: Array, scaled: Array, phase: int | None, t: int
    ) -> None:
        level = base + self.alpha * scaled
        moved = slope + self.beta * scaled if self.beta is not None else self.slope
        if t < self.last_first:
            begun = (self.first <= t)[:, None]
            level = np.where(begun, level, self.level)
            moved = np.where(begun, moved, self.slope)
        self.level, self.slope = level, moved
        if phase is None or self.index is None or self.gamma is None:
            return
        if self.form.season == "additive":
            self.index[phase] += self.gamma * error
        else:
            change = self.gamma * error / np.maximum(base, 1e-6 * self.unit)
            self.index[phase] = np.maximum(self.index[phase] + change, _SMALLEST_INDEX)

    def outcome(self) -> Outcome:
        self._drain()
        counted = (~np.isnan(self.values)).sum(axis=1)[:, None]
        log_fitted = self.log_fitted + counted * np.log(self.unit)
        finite = np.isfinite(self.squared + self.relative + log_fitted)
        squared = np.where(np.isfinite(self.squared), self.squared, np.inf)
        relative = np.where(self.positive & finite, self.relative, np.inf)
        log_fitted = np.where(finite, log_fitted, 0.0)
        return Outcome(squared, relative, log_fitted, self.level, self.slope, self.index)
