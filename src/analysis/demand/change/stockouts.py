"""Weeks in which nothing sold because there was nothing to sell: told by the silence itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.demand.models.intermittent import is_intermittent
from analysis.demand.series import seasonality
from analysis.stats.multiplicity import q_values

if TYPE_CHECKING:
    from analysis.demand.series.sales_series import Series

#: Weeks of which the usual level is the median, the silent ones left out.
_WINDOW = 13


def suspected(series: Series, *, continuing: np.ndarray, fdr: float = 0.01) -> pd.DataFrame:
    """Return the silent weeks of products that always sell, as `series.censor` takes them.

    A week without a sale has probability phi^(-m / (phi - 1)) where m units are usual and their
    variance is phi m (negative binomial, McCullagh and Nelder 1989, section 6.2; e^-m for
    Poisson). It is suspected where that is too small over all weeks searched (Benjamini and
    Hochberg). Whether stock was out or the shelf was, only the shop can tell.

    Parameters
    ----------
    series
        Units of products.
    continuing
        Which of them were sold all the time (`lifecycle`); the others' silence has its reason.
    fdr
        Share of suspected weeks that may be no more than bad luck.

    Returns
    -------
    pandas.DataFrame
        product_id, name, period_start, usual (units of a week around it), p, q; largest loss
        first.
    """
    values = series.values
    usual = _usual(values)
    searched = continuing[:, None] & ~is_intermittent(values)[:, None] & ~np.isnan(values)
    searched &= usual > 0
    p = np.where(searched, np.where(values == 0, _silence(values, usual), 1.0), np.nan)
    q = q_values(p.ravel()).reshape(p.shape)
    rows, columns = np.nonzero((q <= fdr) & (values == 0))
    starts = pd.to_datetime(list(series.periods)).as_unit("us")
    found = pd.DataFrame(
        {
            "product_id": series.keys["product_id"].to_numpy()[rows],
            "name": series.keys["name"].to_numpy()[rows],
            "period_start": starts[columns],
            "usual": usual[rows, columns],
            "p": p[rows, columns],
            "q": q[rows, columns],
        }
    )
    order = ["usual", "product_id", "period_start"]
    return found.sort_values(order, ascending=[False, True, True], ignore_index=True)


def _usual(values: np.ndarray) -> np.ndarray:
    """Return the running median of the weeks in which anything sold."""
    sold = np.where(np.nan_to_num(values) > 0, values, np.nan)
    closed = seasonality.filled(sold)
    reach = _WINDOW // 2
    padded = np.pad(closed, ((0, 0), (reach, reach)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW, axis=1)
    known = np.where(np.isnan(windows), -1.0, windows)
    return np.asarray(np.where((known < 0).any(axis=2), np.nan, np.median(known, axis=2)))


def _silence(values: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """Return the probability of a week without a sale."""
    seen = (np.nan_to_num(values) > 0) & (np.nan_to_num(usual) > 0)
    relative = np.where(seen, (values - usual) ** 2 / np.where(seen, usual, 1.0), 0.0)
    phi = np.maximum(relative.sum(axis=1) / np.maximum(seen.sum(axis=1), 1), 1 + 1e-9)
    rate = np.log(phi) / (phi - 1)
    return np.asarray(np.exp(-np.nan_to_num(usual) * rate[:, None]))
