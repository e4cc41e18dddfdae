"""Customers of whom something is known apart from their buying, against the others."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.resampling import percentile_interval, resampled_totals


def known_against_unknown(
    features: pd.DataFrame, attributes: pd.DataFrame, *, confidence: float, seed: int
) -> pd.DataFrame:
    """Compare customers of whom something is known with the others.

    Returns
    -------
    pandas.DataFrame
        group (``known``: at least one attribute; ``unknown``), customers, share (of customers),
        net_share (of net amount), net_per_customer, and ratio with low and high: of its net
        amount per customer to that of the other group.

    Raises
    ------
    NotApplicable
        If no customer who bought can be told by a key, or nothing is known of any of them.
    """
    if features.empty:
        raise NotApplicable("No known customer bought in the period.")
    known, net = _known(features, attributes), features["net_amount"].to_numpy()
    if not known.any():
        raise NotApplicable("Nothing is known about the customers apart from what they bought.")
    member = np.column_stack([known, ~known]).astype("float64")
    drawn = resampled_totals(np.hstack([member, member * net[:, None]]), seed=seed)
    customers, sums = member.sum(axis=0), (member * net[:, None]).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, drawn_mean = sums / customers, drawn[:, 2:] / drawn[:, :2]
        ratio = mean / mean[::-1]
        low, high = percentile_interval(drawn_mean / drawn_mean[:, ::-1], confidence=confidence)
    return pd.DataFrame(
        {
            "group": ["known", "unknown"],
            "customers": customers.astype("int64"),
            "share": customers / len(features),
            "net_share": sums / (net.sum() if net.sum() > 0 else np.nan),
            "net_per_customer": mean,
            "ratio": ratio,
            "low": low,
            "high": high,
        }
    )


def _known(features: pd.DataFrame, attributes: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Tell of every row of ``features`` whether any attribute is known."""
    any_known = attributes.set_index("customer_id").notna().any(axis=1)
    return features["customer_id"].map(any_known).fillna(False).to_numpy(dtype=bool)
