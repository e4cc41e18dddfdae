"""The profitable groups of CRM practice, and who in them is fading.

Those who bring the first 10 % of the total, those who bring the next up to 50 %, and all others;
and across all three those who are still profitable but fading against their own past.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.customers.features.weekly import Value
from analysis.customers.value.ranked import Ranked

if TYPE_CHECKING:
    from analysis.customers.retention.decline import Fading

#: Name of each group; the boundaries are tenths of the total.
FIRST, NEXT, OTHERS, FADING = "first", "next", "others", "fading"
_FIRST_TENTHS, _NEXT_TENTHS = 1, 5


def members(features: pd.DataFrame, *, value: Value = "net_amount") -> pd.DataFrame:
    """Return which group each customer is in.

    Customers with equal totals stay together, in the group in which the last cent of the last of
    them falls. Customers of zero or negative total are among the others.

    Returns
    -------
    pandas.DataFrame
        customer_id, group (``first``, ``next``, ``others``).
    """
    ranked = Ranked.of(features[value])
    micros = np.rint(features[value].to_numpy() * 1e6)
    reached = _reached(ranked, micros)
    shares = np.full(len(micros), 2.0) if ranked.why_not else reached / ranked.total
    shares = np.where(micros > 0, shares, 2.0)
    group = np.select(
        [shares <= _FIRST_TENTHS / 10, shares <= _NEXT_TENTHS / 10], [FIRST, NEXT], OTHERS
    )
    return pd.DataFrame({"customer_id": features["customer_id"].to_numpy(), "group": group})


def _reached(ranked: Ranked, micros: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what all customers bring who are worth at least as much as each."""
    if len(micros) == 0:
        return np.zeros(0)
    at_least = np.searchsorted(-ranked.values, -micros, side="right")
    return ranked.reached[at_least]


def value_groups(
    features: pd.DataFrame, fading: Fading, *, value: Value = "net_amount"
) -> pd.DataFrame:
    """Describe the three groups, and across them those who are fading.

    Parameters
    ----------
    features
        One customer a row, as from ``features.fetch``.
    fading
        Who is fading, from ``fading.judge``.
    value
        What the groups are cut by.

    Returns
    -------
    pandas.DataFrame
        One group a row (``first``, ``next``, ``others``; then ``fading``, whose customers are
        also in one of the three): group, customers, customers_share, net_amount, net_share,
        margin_amount, margin_share, orders_per_customer, margin_per_customer, discount_share,
        fading (customers in it who are fading), loss (margin that these lost against the first
        half, currency).
    """
    called = fading.called[["customer_id", "loss"]]
    everyone = members(features, value=value).merge(features, on="customer_id")
    everyone = everyone.merge(called, on="customer_id", how="left")
    across = everyone[everyone["loss"].notna()].assign(group=FADING)
    rows = pd.concat([everyone, across])
    table = pd.DataFrame(
        [_described(rows[rows["group"] == g], g) for g in (FIRST, NEXT, OTHERS, FADING)]
    )
    whole = features[["net_amount", "margin_amount"]].sum()
    return table.assign(
        customers_share=table["customers"] / max(len(features), 1),
        net_share=table["net_amount"] / _positive(whole["net_amount"]),
        margin_share=table["margin_amount"] / _positive(whole["margin_amount"]),
    )


def _described(rows: pd.DataFrame, group: str) -> dict[str, object]:
    listed, customers = rows["list_amount"].sum(), max(len(rows), 1)
    return {
        "group": group,
        "customers": len(rows),
        "net_amount": round(rows["net_amount"].sum(), 6),
        "margin_amount": round(rows["margin_amount"].sum(), 6),
        "orders_per_customer": rows["orders"].sum() / customers,
        "margin_per_customer": rows["margin_amount"].sum() / customers,
        "discount_share": rows["discount_amount"].sum() / listed if listed > 0 else np.nan,
        "fading": int(rows["loss"].notna().sum()),
        "loss": round(rows["loss"].sum(), 6),
    }


def _positive(total: float) -> float:
    return total if total > 0 else float("nan")
