"""Launches and ends: what came and what went, told apart from what merely paused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.stats.multiplicity import q_values
from analysis.stats.sizes import FEWEST_SILENT, FEWEST_SOLD

if TYPE_CHECKING:
    from analysis.demand.series.sales_series import Series


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
