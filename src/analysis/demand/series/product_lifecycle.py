"""Launches and ends: what came and what went, told apart from what merely paused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.stats.multiplicity import q_values
from analysis.stats.sizes import FEWEST_SILENT, FEWEST_SOLD
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from analysis.demand.series.sales_series import Series

#: A rise to four times the level and a fall to a quarter are a coming and a going.
RISEN, _FALLEN = 3.0, -0.75

#: Columns of `successions` that describe it.
SUCCESSION = ("name", "predecessor", "period_start", "gap", "price_ratio", "volume_ratio")

#: Weeks by which a successor may be early or late, weeks whose price and volume are compared.
_LATE, _WEEKS = 2, 13

#: Largest logarithm of price and of volume against the predecessor's.
_NEAR = np.log([1.15, 1.5])


def statuses(series: Series, *, fdr: float = 0.01) -> pd.DataFrame:
    """Return for each series whether it was launched or ended inside the periods looked at.

    While it is sold, a series sells in a share s of its periods. If nothing had changed, k silent
    periods in a row at one end would have probability (1 - s)^k; where that is too small over
    everything searched (Benjamini and Hochberg), it was launched, or has ended.

    Returns
    -------
    pandas.DataFrame
        level, name, size, first_sold and last_sold (first days of those periods), sold (periods
        with a sale), share (of those between first and last), p_launch, p_end, status
        (``continuing``, ``launched``, ``ended``, ``launched and ended``, ``too rare to tell``).
    """
    sold = np.nan_to_num(series.values) > 0
    columns = sold.shape[1]
    any_sold = sold.any(axis=1)
    first = np.where(any_sold, sold.argmax(axis=1), 0)
    last = np.where(any_sold, columns - 1 - sold[:, ::-1].argmax(axis=1), 0)
    count, span = sold.sum(axis=1), last - first + 1
    share = np.where(any_sold, (count + 0.5) / (span + 1), np.nan)
    told = count >= FEWEST_SOLD
    before, after = first, columns - 1 - last
    p_launch = np.where(
        told & (before >= FEWEST_SILENT), (1 - share) ** before, np.where(told, 1, np.nan)
    )
    p_end = np.where(
        told & (after >= FEWEST_SILENT), (1 - share) ** after, np.where(told, 1, np.nan)
    )
    both = q_values(np.concatenate([p_launch, p_end]))
    launched, ended = both[: len(sold)] <= fdr, both[len(sold) :] <= fdr
    status = np.select(
        [~told, launched & ended, launched, ended],
        ["too rare to tell", "launched and ended", "launched", "ended"],
        "continuing",
    )
    starts = pd.to_datetime(list(series.periods)).as_unit("us")
    return series.keys[["level", "name"]].assign(
        size=np.nansum(series.values, axis=1),
        first_sold=starts[first],
        last_sold=starts[last],
        sold=count,
        share=share,
        p_launch=p_launch,
        p_end=p_end,
        status=status,
    )


def continuing(table: pd.DataFrame) -> np.ndarray:
    """Return which series of `statuses` were sold from beginning to end."""
    return np.asarray(table["status"] == "continuing")


def successions(
    series: Series, lives: pd.DataFrame, steps: pd.DataFrame, shelf: Floats, *, fdr: float = 0.05
) -> pd.DataFrame:
    """Return for each product that came the one of its category that it seems to replace.

    A replacement comes when its predecessor goes, at about its price and its volume. How many
    pairs chance alone would bring so near is known: for every product that came and one that went,
    the share of weeks that near, times the shares of the category's other products whose price and
    volume are. Pairs are believed where that number is at most ``fdr`` of those found.

    Parameters
    ----------
    series
        Weekly units of products, with department and category.
    lives
        `statuses` of them.
    steps
        Their level shifts: a rise from next to nothing is a coming, a fall to it a going.
    shelf
        Shelf prices (series x weeks).
    fdr
        Share of the replacements found that may be chance.

    Returns
    -------
    pandas.DataFrame
        name, predecessor, period_start (first week of the successor), gap (weeks from the
        predecessor's last to it, 1 without a gap), price_ratio, volume_ratio, chance (pairs that
        chance would bring), found; one row a pair that is near, each product in one only.
    """
    came, went = _moments(series, lives, steps)
    levels = np.stack(_levels_at(series, shelf, came, went))
    keys = series.keys[[c for c in ("department", "category") if c in series.keys]].astype(str)
    alike = (keys.to_numpy()[:, None] == keys.to_numpy()[None]).all(axis=2)
    np.fill_diagonal(alike, val=False)
    apart = np.abs(np.log(levels[:, :, None] / levels[:, None, :])) / _NEAR[:, None, None]
    others = np.maximum(alike.sum(axis=1), 1)
    shares = ((apart <= 1) & alike).sum(axis=2) / others
    possible = alike & (came >= 0)[:, None] & (went >= 0)[None, :]
    weeks = min((2 * _LATE + 1) / series.values.shape[1], 1.0)
    chance = float((possible * weeks * shares.prod(axis=0)[None, :]).sum())
    late = came[:, None] - went[None, :] - 1
    near = possible & (np.abs(late) <= _LATE) & (apart <= 1).all(axis=0)
    distance = np.where(near, apart.sum(axis=0) + np.abs(late) / _LATE, np.inf)
    table = _pairs(series, distance, late, levels, came)
    found = np.full(len(table), chance <= fdr * len(table), dtype=bool)
    return table.assign(chance=chance, found=found)


def _pairs(
    series: Series,
    distance: Floats,
    late: npt.NDArray[np.int64],
    levels: Floats,
    came: npt.NDArray[np.int64],
) -> pd.DataFrame:
    """Return the nearest pairs, each product in one of them only."""
    starts = pd.to_datetime(list(series.periods)).as_unit("us")
    names, rows, left = series.keys["name"].to_numpy(), [], distance.copy()
    while np.isfinite(left).any():
        new, old = np.unravel_index(left.argmin(), left.shape)
        ratios = levels[:, new] / levels[:, old]
        rows.append((names[new], names[old], starts[came[new]], late[new, old] + 1, *ratios))
        left[[new, old], :], left[:, [new, old]] = np.inf, np.inf
    return pd.DataFrame(rows, columns=list(SUCCESSION))


def _moments(
    series: Series, lives: pd.DataFrame, steps: pd.DataFrame
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the column in which each product came, and its last before it went; -1 for neither."""
    place = {start: i for i, start in enumerate(pd.to_datetime(list(series.periods)))}
    came, went = np.full(len(lives), -1), np.full(len(lives), -1)
    status = lives["status"].to_numpy(dtype=str)
    for row in np.flatnonzero(np.char.find(status, "launched") >= 0):
        came[row] = place[lives["first_sold"].iloc[row]]
    for row in np.flatnonzero(np.char.find(status, "ended") >= 0):
        went[row] = place[lives["last_sold"].iloc[row]]
    rows = {name: row for row, name in enumerate(series.keys["name"])}
    moved = steps[steps["shifted"].astype(bool)]
    for name, start, change in zip(
        moved["name"], moved["period_start"], moved["change"], strict=True
    ):
        came[rows[name]] = place[start] if change >= RISEN else came[rows[name]]
        went[rows[name]] = place[start] - 1 if change <= _FALLEN else went[rows[name]]
    return came, went


def _levels_at(
    series: Series, shelf: Floats, came: npt.NDArray[np.int64], went: npt.NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Return price and weekly units of each product: before it went, after it came, or all told."""
    columns = np.arange(series.values.shape[1])
    since = np.where(came >= 0, came, np.where(went >= 0, went + 1 - _WEEKS, 0))
    until = np.where(came >= 0, came + _WEEKS, np.where(went >= 0, went + 1, len(columns)))
    inside = (columns >= since[:, None]) & (columns < until[:, None])
    units = np.where(inside, np.nan_to_num(series.values), 0.0).sum(axis=1) / inside.sum(axis=1)
    charged = inside & (shelf > 0)
    price = np.where(charged, shelf, 0.0).sum(axis=1) / np.maximum(charged.sum(axis=1), 1)
    return np.maximum(price, 1e-9), np.maximum(units, 1e-9)
