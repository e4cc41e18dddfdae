"""What a promotion changed, several measures at once, with how they vary together.

A return is made of parts that are estimated from the same customers. Their errors go together, so
that the error of a sum is not the sum of the errors: effects are kept with their covariance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.multiplicity import normal_quantile, two_sided_p
from analysis.stats.sizes import FEWEST_OF_A_SIDE
from analysis.stats.types import Flags, Floats


@dataclass(frozen=True)
class Effects:
    """Effects a treated customer on several measures.

    Parameters
    ----------
    names
        Measures.
    effect
        Mean change a treated customer, by measure.
    anyway
        Mean that the treated would have had without the promotion, by measure.
    covariance
        Of effects and then anyway: 2k x 2k for k measures.
    treated, untreated
        Customers behind the estimates.
    randomised
        Whether the arms were randomised; if not, nothing here is causal proof.
    """

    names: tuple[str, ...]
    effect: Floats
    anyway: Floats
    covariance: Floats
    treated: int
    untreated: int
    randomised: bool

    def of(self, name: str) -> tuple[float, float]:
        """Return the effect on one measure and its standard error."""
        return self.combined({name: 1.0})

    def would_have(self, name: str) -> float:
        """Return what a treated customer would have brought without the promotion."""
        return float(self.anyway[self.names.index(name)])

    def weights(self, parts: Mapping[str, float]) -> Floats:
        """Return the vector that takes the sum ``parts`` (measure to factor) of the effects."""
        vector = np.zeros(2 * len(self.names))
        for name, factor in parts.items():
            vector[self.names.index(name)] += factor
        return vector

    def combined(self, parts: Mapping[str, float]) -> tuple[float, float]:
        """Return a sum of effects, each times its factor, and its standard error."""
        vector = self.weights(parts)
        value = float(vector[: len(self.names)] @ self.effect)
        return value, _root(vector @ self.covariance @ vector)

    def relative(self, name: str) -> tuple[float, float]:
        """Return the effect over what would have come anyway, and its error (delta method).

        NaN where nothing, or less than nothing, would have come: a change has no share of that.
        """
        at, k = self.names.index(name), len(self.names)
        base = float(self.anyway[at])
        if base <= 0:
            return np.nan, np.nan
        lift = float(self.effect[at]) / base
        slope = np.zeros(2 * k)
        slope[at], slope[k + at] = 1 / base, -lift / base
        return lift, _root(slope @ self.covariance @ slope)

    def table(self, *, confidence: float = 0.95) -> pd.DataFrame:
        """Return one row a measure: measure, anyway, effect, low, high, p, lift and its ends."""
        reach = normal_quantile(confidence)
        rows = []
        for name in self.names:
            (effect, error), (lift, lift_error) = self.of(name), self.relative(name)
            p = float(two_sided_p(effect / error)) if error > 0 else np.nan
            ends = (effect - reach * error, effect + reach * error)
            lifts = (lift, lift - reach * lift_error, lift + reach * lift_error)
            rows.append((name, self.would_have(name), effect, *ends, p, *lifts))
        columns = ["measure", "anyway", "effect", "low", "high", "p"]
        return pd.DataFrame(rows, columns=[*columns, "lift", "lift_low", "lift_high"])


def _root(variance: Any) -> float:
    return float(np.sqrt(np.maximum(variance, 0.0)))


def from_influence(
    names: Sequence[str],
    effect: Floats,
    anyway: Floats,
    influence: Floats,
    treated: Flags,
    *,
    randomised: bool,
) -> Effects:
    """Return effects whose covariance is that of the influence of every customer.

    Parameters
    ----------
    names
        Measures, k of them.
    effect, anyway
        Estimates.
    influence
        Customers x 2k: by how much each customer moves the estimates, times the customers.
    treated
        Who was treated.
    randomised
        As in `Effects`.
    """
    n = len(treated)
    centred = influence - influence.mean(axis=0)
    covariance = centred.T @ centred / n / max(n - 1, 1)
    counts = int(treated.sum()), int((~treated).sum())
    return Effects(tuple(names), effect, anyway, covariance, *counts, randomised=randomised)


def by_lot(
    names: Sequence[str], measures: Floats, treated: Flags, before: Floats | None = None
) -> Effects:
    """Return the effects where arms were randomised, adjusted for what was so before.

    Parameters
    ----------
    names
        Measures.
    measures
        Customers x measures.
    treated
        Who was in the arm looked at; the others are its control.
    before
        Customers x covariates from before the assignment only, if any. One that is the same for
        every customer of an arm, or that others say already there, is left out.

    Returns
    -------
    Effects
        Each arm's mean at the covariates of all: regression with interactions of Lin (2013),
        Annals of Applied Statistics 7(1), theorem 1, consistent whether or not the regression is
        true. Every measure is adjusted for the same covariates, so that effects on parts add up to
        the effect on their sum. Errors are robust, with residuals scaled for the coefficients
        (HC1).

    Raises
    ------
    NotApplicable
        If an arm has fewer than twenty customers.
    """
    require_arms(treated)
    n = len(treated)
    design = _design(before, treated)
    means, influences = [], []
    for arm in (treated, ~treated):
        inside = design[arm]
        coefficients, *_ = np.linalg.lstsq(inside, measures[arm], rcond=None)
        fitted = design @ coefficients
        size = int(arm.sum())
        scale = np.sqrt(size / max(size - design.shape[1], 1)) * n / size
        residual = np.where(arm[:, None], (measures - fitted) * scale, 0.0)
        mean = fitted.mean(axis=0)
        means.append(mean)
        influences.append(residual + fitted - mean)
    effect = means[0] - means[1]
    influence = np.hstack([influences[0] - influences[1], influences[1]])
    return from_influence(names, effect, means[1], influence, treated, randomised=True)


def _design(before: Floats | None, treated: Flags) -> Floats:
    """Return the intercept and the covariates, centred and scaled, that both arms can have.

    Without its own slope in an arm, a covariate there shares the intercept, and least squares of
    smallest norm would move the arm's mean.
    """
    n = len(treated)
    design = np.ones((n, 1))
    if before is None:
        return design
    for column in before.T:
        spread = float(column.std())
        scaled = (column - column.mean()) / spread if spread > 0 else np.zeros(n)
        more = np.column_stack([design, scaled])
        sides = (more[arm].T @ more[arm] / arm.sum() for arm in (treated, ~treated))
        if all(np.linalg.matrix_rank(s, tol=1e-9, hermitian=True) == len(s) for s in sides):
            design = more
    return design


def require_arms(treated: Flags) -> None:
    """Raise NotApplicable if either side has fewer than `FEWEST_OF_A_SIDE` customers."""
    for count, name in ((int(treated.sum()), "treated"), (int((~treated).sum()), "untreated")):
        if count < FEWEST_OF_A_SIDE:
            some = "nobody is" if count == 0 else f"only {count} customers are"
            raise NotApplicable(f"{some} {name}; {FEWEST_OF_A_SIDE} are needed.".capitalize())
