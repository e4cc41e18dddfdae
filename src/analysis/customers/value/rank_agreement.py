"""Customers whose rank by sales and by margin disagree: busy but thin, or small but rich."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.customers.value.deciles import equal_groups
from analysis.errors import NotApplicable
from analysis.stats.bca import Sampling, estimate_totals


@dataclass(frozen=True)
class Agreement:
    """How the groups by sales and by margin agree.

    Parameters
    ----------
    customers
        One customer a row, only those in different groups, furthest apart first: customer_id,
        net_amount, margin_amount, margin_rate (margin / net; NaN where net is not positive),
        net_decile, margin_decile, steps (net_decile - margin_decile; positive: worth more by
        margin than by sales).
    summary
        One measure a row: measure (``same``, ``one`` group apart, ``more``), customers, share,
        low, high, reason.
    """

    customers: pd.DataFrame
    summary: pd.DataFrame


def rank_agreement(
    features: pd.DataFrame, *, groups: int = 10, sampling: Sampling | None = None
) -> Agreement:
    """Compare each customer's group by net amount with the group by margin.

    Parameters
    ----------
    features
        One customer a row, as from ``features.fetch``.
    groups
        Number of groups.
    sampling
        How intervals are made: by resampling whole customers in the groups they are in.
    """
    net, margin = features["net_amount"], features["margin_amount"]
    table = features[["customer_id", "net_amount", "margin_amount"]].assign(
        margin_rate=margin / net.where(net > 0),
        net_decile=equal_groups(net, groups),
        margin_decile=equal_groups(margin, groups),
    )
    table["steps"] = table["net_decile"] - table["margin_decile"]
    apart = table.assign(distance=table["steps"].abs()).query("distance > 0")
    ordered = apart.sort_values(
        ["distance", "net_amount", "customer_id"], ascending=[False, False, True]
    )
    return Agreement(
        ordered.drop(columns="distance").reset_index(drop=True),
        _summary(table["steps"].abs().to_numpy(), sampling or Sampling()),
    )


def require(found: Agreement) -> None:
    """Raise NotApplicable where no customer is in another group by margin than by sales."""
    if found.customers.empty:
        raise NotApplicable("No customer is in another group by margin than by sales.")


def _summary(distance: np.ndarray, sampling: Sampling) -> pd.DataFrame:
    flags = np.column_stack([distance == 0, distance == 1, distance > 1]).astype("float64")
    found = estimate_totals(flags, lambda s: s / s.sum(axis=-1, keepdims=True), sampling)
    return pd.DataFrame(
        {
            "measure": ["same", "one", "more"],
            "customers": flags.sum(axis=0).astype("int64"),
            "share": found.value,
            "low": found.low,
            "high": found.high,
            "reason": found.reason,
        }
    )
