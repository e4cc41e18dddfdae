"""Level shifts and outliers, dated: when a series moved to another level, when it merely jumped.

What else happened in the week of a shift: a change of price that accounts for it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from analysis.demand.change.trends import without_season
from analysis.demand.models.intermittent import is_intermittent
from analysis.demand.series import seasonality
from analysis.stats.multiplicity import q_values
from analysis.stats.poisson_glm import inflation

if TYPE_CHECKING:
    from analysis.demand.drivers.future_covariates import KnownAhead
    from analysis.demand.series.sales_series import Series

#: Fewest periods on either side of a shift.
_EDGE = 6

#: Series without a shift that are simulated, how many of them with most nearly the memory of the
#: one at hand it is compared with, the largest autocorrelation, and periods that lengths are
#: rounded up to.
_DRAWS, _ALIKE, _MEMORY, _LENGTHS = 60_000, 6_000, 0.95, 8

#: Power of a uniform number that the autocorrelation simulated is drawn as: the smaller, the more
#: memory is presumed where a series leaves it open. So small that noise with an autocorrelation of
#: 0.8 is called a shift no more often than stated.
_STRONG = 1 / 5

#: Confidence limit of a step's date: -2 log(1 - sqrt(0.95)) (Hansen 2000); of a mean.
_HANSEN, _REACH = 7.3523, 1.959964

_KEPT = [
    *("level", "name", "size", "period_start", "earliest", "latest", "before", "after"),
    *("change", "change_low", "change_high", "p", "q", "shifted"),
]

#: Robust standard deviations from the running median that make an outlier; periods of that median.
_FAR, _WINDOW = 5.0, 7


def outliers(series: Series, *, continuing: np.ndarray, season: int = 1) -> pd.DataFrame:
    """Return single periods far from the running median of their neighbours.

    Periods at the very ends, whose neighbours are on one side only, are judged by those. Counts
    and amounts are compared on the square-root scale, where their spread does not grow with
    their level.

    Returns
    -------
    pandas.DataFrame
        level, name, period_start, value, usual (the running median), ratio (value over usual), z
        (robust standard deviations), sorted by |z|, largest first.
    """
    columns = ["level", "name", "period_start", "value", "usual", "ratio", "z"]
    searched = np.flatnonzero(_searchable(series, continuing, 2 * _WINDOW))
    if not len(searched):
        return pd.DataFrame(columns=columns)
    adjusted = without_season(series.values, season=season)
    z, usual = (np.stack(part) for part in zip(*map(_distance, adjusted[searched]), strict=True))
    far, at = np.nonzero(np.abs(z) > _FAR)
    row, value = searched[far], series.values[searched[far], at]
    head = {name: series.keys[name].to_numpy()[row] for name in ("level", "name")}
    starts = pd.to_datetime(list(series.periods)).as_unit("us")
    found = pd.DataFrame({**head, "period_start": starts[at], "value": value, "z": z[far, at]})
    found["usual"] = usual[far, at] + (value - adjusted[row, at])
    found = found.assign(ratio=found["value"] / found["usual"].where(found["usual"] > 0))
    order = found["z"].abs().sort_values(ascending=False, kind="stable").index
    return found.loc[order, columns].reset_index(drop=True)


def _searchable(series: Series, continuing: np.ndarray, fewest: int) -> np.ndarray:
    """Return the series long enough that sell in most periods: the others have no usual level."""
    long_enough = seasonality.lengths(series.values) >= fewest
    return np.asarray(continuing & long_enough & ~is_intermittent(series.values))


def _stable(values: np.ndarray) -> np.ndarray:
    """Return values on a scale where their spread does not grow with their level."""
    return np.asarray(np.sign(values) * np.sqrt(np.abs(values)))


def _distance(row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return robust z of each period and its running median; unknown periods have z 0."""
    closed = seasonality.filled(row[None])[0]
    first = int(np.argmax(~np.isnan(closed)))
    live = closed[first:]
    padded = np.pad(live, _WINDOW // 2, mode="reflect")
    usual = np.median(np.lib.stride_tricks.sliding_window_view(padded, _WINDOW), axis=1)
    left = _stable(live) - _stable(usual)
    spread = 1.4826 * np.median(np.abs(left - np.median(left)))
    spread = max(spread, 1e-9, 0.5 * float(np.std(np.clip(left, *np.quantile(left, [0.1, 0.9])))))
    z, middle = np.zeros(len(row)), np.full(len(row), np.nan)
    z[first:], middle[first:] = left / spread, usual
    z[np.isnan(row)] = 0.0
    return z, middle


def shifts(
    series: Series, *, continuing: np.ndarray, season: int = 1, fdr: float = 0.05
) -> pd.DataFrame:
    """Return the series that moved to another level, and when.

    For each series the step that explains most (at least six periods on either side) is compared
    with what the best step explains in simulated series without any but with as much memory.
    Outliers are drawn in to the running median first. A series that a
    straight line explains as well has a trend, not a shift: the step has a date besides, and pays
    for it as in Schwarz (1978), Annals of Statistics 6(2).

    Returns
    -------
    pandas.DataFrame
        level, name, size, period_start (first period at the new level) with earliest and latest,
        before and after (mean values, outliers drawn in), change (after / before - 1) with
        change_low and change_high, p, q, and shifted (q at most ``fdr`` and no line explains it
        better); one row a series searched, surest first.

    Notes
    -----
    Intervals have 95 %. That of the date holds the places whose step explains nearly as much as
    the best one: Hansen (2000), Econometrica 68(3), theorem 2. That of the change is that of a
    ratio of means on the logarithmic scale (linearised), at the date found.
    """
    adjusted = without_season(series.values, season=season)
    searched = np.flatnonzero(_searchable(series, continuing, 4 * _EDGE))
    rows = [_best_step(adjusted[row]) for row in searched]
    table = pd.DataFrame(rows, columns=list(_Step._fields)).assign(row=searched)
    q = q_values(table["p"])
    starts = pd.to_datetime(list(series.periods)).as_unit("us")
    before = table["before"].where(table["before"] > 0)
    spread = np.exp(_REACH * table["error"])
    table = table.assign(
        level=series.keys["level"].to_numpy()[searched],
        name=series.keys["name"].to_numpy()[searched],
        size=np.nansum(series.values[searched], axis=1),
        period_start=starts[table["at"].to_numpy(dtype=int)],
        earliest=starts[table["first"].to_numpy(dtype=int)],
        latest=starts[table["last"].to_numpy(dtype=int)],
        change=table["after"] / before - 1,
        change_low=table["after"] / before / spread - 1,
        change_high=table["after"] / before * spread - 1,
        q=q,
        shifted=(q <= fdr) & table["stepped"].to_numpy(dtype=bool),
    )
    return table.sort_values(["p", "size"], ascending=[True, False], ignore_index=True)[_KEPT]


def largest_shifts(
    series: Series, table: pd.DataFrame, *, count: int
) -> list[tuple[str, pd.DataFrame, pd.Series]]:
    """Return name, history and row of the ``count`` largest series that shifted.

    An only child is its parent under another name, and not shown again.
    """
    moved = table[table["shifted"]].sort_values("size", ascending=False, kind="stable")
    moved = moved.drop_duplicates(["size", "period_start", "before", "after"]).head(count)
    return [
        (str(row["name"]), series.history(str(row["level"]), str(row["name"])), row)
        for _, row in moved.iterrows()
    ]


def without_shifts(series: Series, continuing: np.ndarray, steps: pd.DataFrame) -> np.ndarray:
    """Return which of the ``continuing`` series never moved to another level: theirs is a trend.

    ``steps`` is `shifts` of the same series.
    """
    moved = steps.loc[steps["shifted"], "name"]
    return np.asarray(continuing & ~series.keys["name"].isin(moved).to_numpy())


class _Step(NamedTuple):
    """The best step of a series: places of its date and of the date's interval, levels, p."""

    at: int
    first: int
    last: int
    p: float
    before: float
    after: float
    error: float
    stepped: bool


def _best_step(row: np.ndarray) -> _Step:
    closed = seasonality.filled(row[None])[0]
    first = int(np.argmax(~np.isnan(closed)))
    z, usual = _distance(row)
    drawn_in = np.where(np.abs(z) > _FAR, usual, closed)[first:]
    calm = _stable(drawn_in)
    gains = _explained(calm[None])[0]
    at = int(gains.argmax()) + _EDGE
    left = np.r_[calm[:at] - calm[:at].mean(), calm[at:] - calm[at:].mean()]
    raised = inflation(left)
    noise = float((left**2).sum()) / (len(calm) - 2) * raised
    near = np.flatnonzero(gains >= gains.max() - _HANSEN * noise) + _EDGE
    time = np.arange(len(calm)) - (len(calm) - 1) / 2
    line = float((time @ calm) ** 2 / (time @ time))
    before, after = drawn_in[:at], drawn_in[at:]
    return _Step(
        first + at, first + int(near[0]), first + int(near[-1]),
        _chance(calm),
        float(before.mean()), float(after.mean()), _ratio_error(before, after, raised),
        bool(gains.max() > line + noise * np.log(len(calm))),
    )  # fmt: skip


def _chance(calm: np.ndarray) -> float:
    """Return the probability of a step that explains so much where there is none.

    Memory and a step look alike, and how much memory there is has to be estimated from the same
    series. So the best step of its ranks (Pettitt 1979, Applied Statistics 28(2)), which a cluster
    of promotions moves little, is compared with simulated series without a step whose remainder
    showed as much memory.
    """
    if np.ptp(calm) <= 1e-6 * float(np.abs(calm).max()):
        return 1.0
    gain, memory = (float(part[0]) for part in _rank_step(calm[None]))
    memories, gains = _null(-(-len(calm) // _LENGTHS) * _LENGTHS)
    first = int(np.searchsorted(memories, memory)) - _ALIKE // 2
    first = min(max(first, 0), _DRAWS - _ALIKE)
    return float((1 + (gains[first : first + _ALIKE] >= gain).sum()) / (_ALIKE + 1))


def _rank_step(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return F of the best step in each row's ranks, and the autocorrelation of what it leaves."""
    from scipy.stats import rankdata

    n = rows.shape[1]
    ranks = rankdata(rows, axis=1) - (n + 1) / 2
    explained = _explained(ranks)
    at = explained.argmax(axis=1)[:, None] + _EDGE
    early = np.arange(n) < at
    low = (ranks * early).sum(axis=1, keepdims=True)
    left = ranks - np.where(early, low / at, -low / (n - at))
    total = np.maximum((left**2).sum(axis=1), 1e-9)
    memory = (left[:, 1:] * left[:, :-1]).sum(axis=1) / total
    return explained.max(axis=1) / total * (n - 2), memory


def _ratio_error(before: np.ndarray, after: np.ndarray, raised: float) -> float:
    """Return the standard error of the logarithm of the ratio of two means."""
    parts = [
        part.var(ddof=1) * raised / len(part) / max(part.mean() ** 2, 1e-300)
        for part in (before, after)
    ]
    return float(np.sqrt(min(sum(parts), 900.0)))


def _explained(rows: np.ndarray) -> np.ndarray:
    """Return the sum of squares that a step at each place explains, places from `_EDGE` on."""
    n = rows.shape[1]
    centred = rows - rows.mean(axis=1, keepdims=True)
    sums = np.cumsum(centred, axis=1)[:, _EDGE - 1 : n - _EDGE]
    at = np.arange(_EDGE, n - _EDGE + 1)
    return np.asarray(sums**2 * n / (at * (n - at)))


@cache
def _null(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return memory, ascending, and F of the best step in ``n`` periods of noise without any.

    The noise has first-order autocorrelation of any size up to `_MEMORY`.
    """
    rng = np.random.default_rng(n)
    memories, gains = [], []
    for _ in range(10):
        rows = rng.standard_normal((_DRAWS // 10, n))
        r = _MEMORY * rng.uniform(0, 1, (len(rows), 1)) ** _STRONG
        fresh = np.sqrt(1 - r**2)
        for t in range(1, n):
            rows[:, t] = r[:, 0] * rows[:, t - 1] + fresh[:, 0] * rows[:, t]
        gain, memory = _rank_step(rows)
        memories.append(memory)
        gains.append(gain)
    order = np.argsort(np.concatenate(memories), kind="stable")
    return np.concatenate(memories)[order], np.concatenate(gains)[order]


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
    rows = pd.Series(np.arange(len(series.keys)), index=series.keys["name"])
    starts = np.array(series.periods, dtype="datetime64[D]")
    all_moves, changes = _moves(known.shelf), []
    for name, first, last in zip(steps["name"], steps["earliest"], steps["latest"], strict=True):
        places = np.searchsorted(starts, np.array([first, last], dtype="datetime64[D]"))
        moves = all_moves[rows[name], max(places[0] - 1, 0) : places[1] + 2]
        largest = moves[np.abs(moves).argmax()]
        changes.append(largest if abs(largest) >= _LEAST else np.nan)
    return steps.assign(price_change=changes)


def _moves(shelf: np.ndarray) -> np.ndarray:
    """Return by how much each product's usual price after each week differs from that before.

    Zero in the first week and after the last, and for products without a price.
    """
    weeks = shelf.shape[1]
    moves = np.zeros((len(shelf), weeks + 1))
    known = ~np.isnan(shelf).any(axis=1)
    for at in range(1, weeks):
        before, after = shelf[known, max(at - _SIDE, 0) : at], shelf[known, at : at + _SIDE]
        moves[known, at] = np.median(after, axis=1) / np.median(before, axis=1) - 1
    return moves
