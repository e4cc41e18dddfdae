"""What else happened in the week of a shift: a change of price that accounts for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from analysis.demand.known_ahead import KnownAhead
    from analysis.demand.series import Series

#: Weeks on either side whose usual shelf prices are compared, and the least change that counts.
_SIDE, _LEAST = 4, 0.05


def with_price_changes(steps: pd.DataFrame, series: Series, known: KnownAhead) -> pd.DataFrame:
    """Return shifts with the change of the shelf price that came with them.

    Parameters
    ----------
    steps
        From `breaks.shifts` of ``series``.
    series, known
        Products and what was known about them, row for row.

    Returns
    -------
    pandas.DataFrame
        ``steps`` with price_change: the largest change of the shelf price inside the interval of
        the shift's date, a week more at either end; NaN where the price stayed. A shift with one
        needs no other explanation, and is no surprise.
    """
    import pandas as pd

    rows = pd.Series(np.arange(len(series.keys)), index=series.keys["name"])
    starts = np.array(series.periods, dtype="datetime64[D]")
    changes = []
    for name, first, last in zip(steps["name"], steps["earliest"], steps["latest"], strict=True):
        places = np.searchsorted(starts, np.array([first, last], dtype="datetime64[D]"))
        shelf = known.shelf[rows[name]]
        moves = [_move(shelf, at) for at in range(places[0] - 1, places[1] + 2)]
        largest = max(moves, key=abs)
        changes.append(largest if abs(largest) >= _LEAST else np.nan)
    return steps.assign(price_change=changes)


def _move(shelf: np.ndarray, at: int) -> float:
    before, after = shelf[max(at - _SIDE, 0) : at], shelf[at : at + _SIDE]
    if not len(before) or not len(after) or np.isnan(shelf).any():
        return 0.0
    return float(np.median(after) / np.median(before) - 1)
