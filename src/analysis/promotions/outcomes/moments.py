"""Counts, means and covariances of arms: all that most comparisons need of the customers.

They are summed in the engine as integers (millionths of each value), so that a million customers
come back as one row an arm, exact and the same on any number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement
from typing import Any

import ibis
import numpy as np
import pandas as pd

from analysis.stats.types import Floats

#: Values are summed as so many parts of one: money, margin and quantities have no finer ones.
PARTS = 1_000_000


@dataclass(frozen=True)
class Moments:
    """Moments of one arm; leading axes, if any, are experiments side by side.

    Parameters
    ----------
    names
        Columns, in the order of the last axes.
    n
        Customers.
    mean
        Means, last axis by column.
    covariance
        Unbiased covariances, last two axes by column; zero for a single customer.
    """

    names: tuple[str, ...]
    n: Floats
    mean: Floats
    covariance: Floats

    def at(self, names: Sequence[str]) -> list[int]:
        """Return the places of columns; ValueError if one is missing."""
        return [self.names.index(name) for name in names]

    def figure(self, name: str) -> tuple[Floats, Floats]:
        """Return a column's mean and variance."""
        (i,) = self.at([name])
        return self.mean[..., i], self.covariance[..., i, i]

    def weighted(self, name: str, weights: dict[str, Floats | float]) -> Moments:
        """Return the moments with one more column: a sum of columns with ``weights``."""
        shape = np.broadcast_shapes(*(np.shape(v) for v in weights.values()))
        w = np.zeros((*shape, self.size))
        for column, weight in weights.items():
            w[..., self.names.index(column)] = weight
        covariances = np.einsum("...ij,...j->...i", self.covariance, w)
        mean = np.concatenate([self.mean, np.sum(self.mean * w, -1)[..., None]], -1)
        variance = np.sum(covariances * w, -1)
        rows = np.concatenate([self.covariance, covariances[..., None, :]], -2)
        last = np.concatenate([covariances, variance[..., None]], -1)
        return Moments(
            (*self.names, name), self.n, mean, np.concatenate([rows, last[..., None]], -1)
        )

    @property
    def size(self) -> int:
        """Number of columns."""
        return len(self.names)


def of_values(values: Floats, names: Sequence[str]) -> Moments:
    """Return the moments of customers; axes experiment (any), customer, column."""
    n = values.shape[-2]
    mean = values.mean(-2) if n else np.zeros(values.shape[:-2] + values.shape[-1:])
    centred = values - mean[..., None, :]
    covariance = np.einsum("...ni,...nj->...ij", centred, centred) / max(n - 1, 1)
    return Moments(tuple(names), np.full(values.shape[:-2], float(n)), mean, covariance)


def of_frame(rows: pd.DataFrame, names: Sequence[str]) -> Moments:
    """Return the moments of columns of a data frame, one row a customer."""
    return of_values(rows[list(names)].to_numpy(dtype=float), names)


def by_arm(rows: ibis.Table, names: Sequence[str], *, by: Sequence[str]) -> pd.DataFrame:
    """Sum columns and their products in the engine.

    Parameters
    ----------
    rows
        One row a customer, such as ``outcomes.compute``.
    names
        Columns of numbers with at most six digits after the point and below a million million.
    by
        Columns that make an arm, such as promotion_id and arm.

    Returns
    -------
    pandas.DataFrame
        ``by``, sorted by it, and ``moments`` (Moments). The sums are exact.
    """
    whole = {
        f"v{i}": (rows[name].cast("float64") * PARTS).round().cast("int64").cast("decimal(38, 0)")
        for i, name in enumerate(names)
    }
    parts = rows.select(*by, **whole)
    sums: dict[str, Any] = {"n": parts.count()}
    sums |= {name: parts[name].sum() for name in whole}
    sums |= {a + b: (parts[a] * parts[b]).sum() for a, b in _pairs(whole)}
    found = parts.group_by(*by).agg(**sums).order_by(*by).to_pandas()
    moments = [_from_sums(row, names, whole) for row in found.to_dict("records")]
    return found[list(by)].assign(moments=moments)


def _pairs(names: dict[str, Any]) -> list[tuple[str, str]]:
    return list(combinations_with_replacement(names, 2))


def _from_sums(row: dict[str, Any], names: Sequence[str], columns: dict[str, Any]) -> Moments:
    """Return moments from exact sums, without the rounding of a difference of large floats."""
    n, keys = int(row["n"]), list(columns)
    sums = {key: int(row[key]) for key in keys}
    mean = np.array([float(Fraction(sums[key], n * PARTS)) for key in keys])
    covariance = np.zeros((len(keys), len(keys)))
    for a, b in _pairs(columns):
        centred = Fraction(int(row[a + b]) * n - sums[a] * sums[b], n * max(n - 1, 1) * PARTS**2)
        i, j = keys.index(a), keys.index(b)
        covariance[i, j] = covariance[j, i] = float(centred)
    return Moments(tuple(names), np.float64(n), mean, covariance)  # type: ignore[arg-type]


def pooled(arms: Sequence[Moments]) -> Moments:
    """Return the moments of several arms put together."""
    n = np.sum([arm.n for arm in arms], axis=0)
    mean = np.sum([arm.mean * arm.n[..., None] for arm in arms], axis=0) / n[..., None]
    total = np.sum([_around(arm, mean) for arm in arms], axis=0)
    return Moments(arms[0].names, n, mean, total / np.maximum(n - 1, 1)[..., None, None])


def _around(arm: Moments, centre: Floats) -> Floats:
    away = arm.mean - centre
    spread = arm.covariance * np.maximum(arm.n - 1, 0)[..., None, None]
    return spread + np.einsum("...i,...j->...ij", away, away) * arm.n[..., None, None]
