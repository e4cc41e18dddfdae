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

from analysis.stats.types import Floats

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
    """Initial states of every series: level and slope (S,), seasonal indices (S, season).

    Where every candidate starts elsewhere, level and slope are (S, G), the indices (S, G, season).
    """

    level: Floats
    slope: Floats
    index: Floats
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

    squared: Floats
    relative: Floats
    log_fitted: Floats
    level: Floats
    slope: Floats
    index: Floats | None


def run(values: Floats, start: Start, form: Form, parameters: dict[str, Floats]) -> Outcome:
    """Run the recursion over ``values`` (S, T) for ``parameters`` of shape (S or 1, G).

    ``beta`` and ``gamma`` are shares of what they may be: the slope moves by alpha x beta, the
    season by (1 - alpha) x gamma, which keeps every parameter between 0 and 1 admissible.
    """
    state = _State(values, start, form, parameters)
    with np.errstate(over="ignore", invalid="ignore"):  # a candidate that explodes loses
        for t in range(int(start.first.min()), values.shape[1]):
            state.step(t)
        return state.outcome()


def residuals(
    values: Floats,
    start: Start,
    form: Form,
    parameters: dict[str, Floats],
    *,
    relative: npt.NDArray[np.bool_],
) -> Floats:
    """Return errors (S, G, T) the sum of whose squares is smallest where the likelihood is largest.

    One-step errors; for series whose errors multiply (``relative``) those over their forecasts,
    times these forecasts' geometric mean. Not finite where a forecast that should be positive is
    not; zero where nothing is known.
    """
    state = _State(values, start, form, parameters, kept=relative)
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(int(start.first.min()), values.shape[1]):
            state.step(t)
        return state.errors()


class _State:
    """The recursion's arrays while it runs; all of them are written in place."""

    def __init__(
        self,
        values: Floats,
        start: Start,
        form: Form,
        parameters: dict[str, Floats],
        kept: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        alpha = parameters["alpha"]
        self.shape = (len(values), alpha.shape[1])
        self.form, self.first, self.alpha = form, start.first, alpha
        self.columns = np.ascontiguousarray(values.T)[:, :, None]
        missing: npt.NDArray[np.bool_] = np.isnan(values.T)
        self.missing = missing[:, :, None]
        self.all_seen: npt.NDArray[np.bool_] = np.asarray(~missing.any(axis=1))
        self.counted = (~np.isnan(values)).sum(axis=1)[:, None]
        self.beta = alpha * parameters["beta"] if "beta" in parameters else None
        self.phi = parameters.get("phi")
        self.gamma = (1 - alpha) * parameters["gamma"] if "gamma" in parameters else None
        self.level = self._spread(start.level)
        self.slope = self._spread(start.slope if self.beta is not None else 0 * start.slope)
        self.index = self._seasons(start.index) if self.gamma is not None else None
        self.unit = np.maximum(np.abs(self.level[:, :1]), 1e-12)
        self.over_fitted = None if kept is None else kept[:, None]
        self.plain_only = kept is not None and not kept.any()
        self.kept = np.zeros((0 if kept is None else values.shape[1], *self.shape))
        self.smallest = 1e-6 * self.unit
        self.squared, self.relative = np.zeros(self.shape), np.zeros(self.shape)
        self.product, self.log_fitted = np.ones(self.shape), np.zeros(self.shape)
        self.positive = np.ones(self.shape, dtype=bool)
        self.fitted, self.error, self.scratch = (np.empty(self.shape) for _ in range(3))
        self.last_first = int(start.first.max())

    def _spread(self, column: Floats) -> Floats:
        return np.array(np.broadcast_to(column.reshape(len(column), -1), self.shape))

    def _seasons(self, index: Floats) -> Floats:
        own = index if index.ndim == 3 else index[:, None, :]
        spread = np.broadcast_to(own, (*self.shape, index.shape[-1]))
        return np.moveaxis(spread, 2, 0).copy()

    def step(self, t: int) -> None:
        before = (self.level.copy(), self.slope.copy()) if t < self.last_first else None
        if self.phi is not None:
            self.slope *= self.phi
        if self.beta is not None:
            self.level += self.slope
        phase = 0 if self.index is None else t % len(self.index)
        divisor = self._fit(phase)
        np.subtract(self.columns[t], self.fitted, out=self.error)
        if not self.all_seen[t]:
            np.copyto(self.error, 0.0, where=self.missing[t])
        self._count(t)
        self._move(phase, divisor)
        if before is not None:
            waiting = np.asarray(self.first > t)[:, None]
            np.copyto(self.level, before[0], where=waiting)
            np.copyto(self.slope, before[1], where=waiting)

    def _fit(self, phase: int) -> Floats | None:
        """Write the one-step forecast; return what a multiplicative season divides by."""
        if self.index is None:
            np.copyto(self.fitted, self.level)
            return None
        if self.form.season == "additive":
            np.add(self.level, self.index[phase], out=self.fitted)
            return None
        np.multiply(self.level, self.index[phase], out=self.fitted)
        return np.asarray(self.index[phase])

    def _count(self, t: int) -> None:
        """Add the error to both likelihoods' sums, or keep it."""
        if self.over_fitted is not None:
            np.copyto(self.kept[t], self.error)
        if self.plain_only:
            return
        np.multiply(self.error, self.error, out=self.scratch)
        self.squared += self.scratch
        if self.fitted.min() <= self.smallest.max():
            below = self.fitted <= self.smallest
            self.positive &= ~below | self.missing[t]
            np.copyto(self.fitted, self.unit, where=below)
        np.divide(self.error, self.fitted, out=self.scratch)
        if self.over_fitted is not None:
            np.copyto(self.kept[t], self.scratch, where=self.over_fitted)
        self.scratch *= self.scratch
        self.relative += self.scratch
        self.fitted /= self.unit
        if not self.all_seen[t]:
            np.copyto(self.fitted, 1.0, where=self.missing[t])
        self.product *= self.fitted
        if t % 16 == 0:
            self._drain()

    def _drain(self) -> None:
        """Take logarithms now and then only: they cost more than all the rest."""
        self.log_fitted += np.log(self.product)
        self.product.fill(1.0)

    def _move(self, phase: int, divisor: Floats | None) -> None:
        """Correct level, slope and season by the error."""
        if self.index is not None and self.gamma is not None:
            np.multiply(self.gamma, self.error, out=self.scratch)
            if divisor is not None:
                self.scratch /= np.maximum(self.level, self.smallest)
                self.error /= divisor
            self.index[phase] += self.scratch
            if divisor is not None:
                np.maximum(self.index[phase], _SMALLEST_INDEX, out=self.index[phase])
        np.multiply(self.alpha, self.error, out=self.scratch)
        self.level += self.scratch
        if self.beta is not None:
            np.multiply(self.beta, self.error, out=self.scratch)
            self.slope += self.scratch

    def outcome(self) -> Outcome:
        self._drain()
        log_fitted = self.log_fitted + self.counted * np.log(self.unit)
        finite = np.isfinite(self.squared + self.relative + log_fitted)
        squared = np.where(np.isfinite(self.squared), self.squared, np.inf)
        relative = np.where(self.positive & finite, self.relative, np.inf)
        log_fitted = np.where(finite, log_fitted, 0.0)
        return Outcome(squared, relative, log_fitted, self.level, self.slope, self.index)

    def errors(self) -> Floats:
        """Return the errors kept (S, G, T)."""
        if self.over_fitted is not None and not self.plain_only:
            found = self.outcome()
            mean = np.exp(found.log_fitted / np.maximum(self.counted, 1))
            factor = np.where(np.isfinite(found.relative), mean, np.inf)
            self.kept *= np.where(self.over_fitted, factor, 1.0)
        return np.ascontiguousarray(np.moveaxis(self.kept, 0, 2))
