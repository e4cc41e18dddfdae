"""Which series add up to which: the structure that coherent forecasts must keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.demand.series import ADDITIVE, Series, level_name
from analysis.errors import ParamsError

if TYPE_CHECKING:
    import pandas as pd

    from analysis.demand.series import Level


@dataclass(frozen=True)
class Hierarchy:
    """Sums of the bottom series.

    Parameters
    ----------
    matrix
        One row a series, one column a bottom series: 1 where it is part of the sum.
    bottom
        Row of each bottom series.
    """

    matrix: np.ndarray
    bottom: np.ndarray

    def add_up(self, bottom: np.ndarray) -> np.ndarray:
        """Return every series as the sum of its bottom series, exact to the cent."""
        cents = np.rint(np.asarray(bottom) * 100).astype(np.int64)
        return np.asarray((self.matrix.astype(np.int64) @ cents) / 100)


def build(series: Series, levels: tuple[Level, ...]) -> Hierarchy:
    """Return the hierarchy of ``series``, whose last level is the bottom one.

    Raises
    ------
    ParamsError
        If the measure does not add up, or a level's columns are not among the bottom's.
    """
    if series.measure not in ADDITIVE:
        raise ParamsError(f"{series.measure} of parts do not add up to the whole's")
    floor = levels[-1]
    for level in levels:
        if not set(level) <= set(floor):
            raise ParamsError(f"{level_name(level)} is not made of {level_name(floor)}")
    bottom = np.flatnonzero(series.keys["level"] == level_name(floor))
    names = series.keys.iloc[bottom]
    rows = [_members(row, names, levels) for _, row in series.keys.iterrows()]
    return Hierarchy(np.array(rows, dtype=float), bottom)


def _members(row: pd.Series, bottom: pd.DataFrame, levels: tuple[Level, ...]) -> np.ndarray:
    level = next(level for level in levels if level_name(level) == row["level"])
    inside = np.ones(len(bottom), dtype=bool)
    for column in level:
        inside &= np.asarray(bottom[column] == row[column])
    return inside
