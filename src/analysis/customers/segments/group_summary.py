"""What groups of customers are worth, and what they did next: one shape for every segmentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.errors import NotApplicable
from analysis.stats.proportions import wilson_interval
from analysis.stats.resampling import percentile_interval, resampled_totals
from analysis.stats.sizes import FEWEST_CUSTOMERS
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from analysis.tables.periods import Period

_SUMS = ("net_amount", "margin_amount", "orders", "discount_amount", "list_amount")


def worth(
    features: pd.DataFrame, groups: pd.Series, *, confidence: float = 0.95, seed: int = 0
) -> pd.DataFrame:
    """Say what each group brings.

    Parameters
    ----------
    features
        One row a customer: ``features.fetch`` or ``fetch_detailed``.
    groups
        Each customer's group by row of ``features``; an ordered categorical gives the order. A
        customer without a group is left out.
    confidence
        Coverage of the intervals, from resampling whole customers in the groups they are in.
    seed
        Seed of the resampling.

    Returns
    -------
    pandas.DataFrame
        group, customers, share; net_amount, net_share, net_share_low, net_share_high;
        margin_amount, margin_share; net_per_customer and margin_per_customer with _low and
        _high; orders_per_customer, basket_value, discount_share, recency_days (median), reason
        (why an interval is missing).

    Raises
    ------
    NotApplicable
        If no customer has a group.
    """
    names, codes = _codes(groups)
    if not names:
        raise NotApplicable("No customer is in any of the groups.")
    known = codes >= 0
    member = np.equal.outer(codes[known], np.arange(len(names))).astype("float64")
    values = np.column_stack(
        [np.ones(known.sum()), features.loc[known, list(_SUMS)].fillna(0).to_numpy("float64")]
    )
    each = (member[:, :, None] * values[:, None, :]).reshape(len(values), -1)
    shape = (-1, len(names), values.shape[1])
    seen = each.sum(axis=0).reshape(shape)[0]
    drawn = resampled_totals(each, seed=seed).reshape(shape)
    few = seen[:, 0] < FEWEST_CUSTOMERS
    table = _measures(seen)
    for name, values_drawn in _resampled(drawn).items():
        low, high = percentile_interval(values_drawn, confidence=confidence)
        table[f"{name}_low"] = np.where(few, np.nan, low)
        table[f"{name}_high"] = np.where(few, np.nan, high)
    recency = features.loc[known, "recency_days"].groupby(codes[known]).median()
    table["recency_days"] = recency.reindex(range(len(names))).to_numpy()
    table["reason"] = np.where(few, f"no interval: fewer than {FEWEST_CUSTOMERS} customers", "")
    return pd.concat([pd.DataFrame({"group": names}), table], axis=1)


def what_next(
    before: pd.DataFrame,
    groups: pd.Series,
    after: pd.DataFrame,
    *,
    periods: tuple[Period, Period],
    confidence: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Say what each group, formed on what was known before, did afterwards.

    Parameters
    ----------
    before, after
        ``features.fetch`` of the period the groups were formed on and of the time after it.
    groups
        Each customer's group by row of ``before``, formed on it alone.
    periods
        Both periods; what was spent is compared per 30 days, counted from the first order where
        the data begin later than the period, and from a customer's own first purchase where
        ``before`` has tenure_days.

    Returns
    -------
    pandas.DataFrame
        group, customers; bought, bought_low, bought_high (share that bought afterwards, Wilson
        intervals); net_before, net_after (currency a customer and 30 days), net_after_low,
        net_after_high; change, change_low, change_high (of the group's spending), margin_after,
        discount_before, discount_after (share of list), reason.

    Raises
    ------
    NotApplicable
        If nobody had a group before, or nobody at all bought afterwards.
    """
    if not groups.notna().any():
        raise NotApplicable(f"Nobody bought from {periods[0]} who could be followed afterwards.")
    if not (after["orders"] > 0).any():
        raise NotApplicable(f"Nobody bought from {periods[1]}: there is nothing to follow.")
    columns = ["customer_id", "net_amount", "margin_amount", "discount_amount", "list_amount"]
    days = (_covered(before, periods[0]), periods[1].days)
    both = before[columns].assign(group=groups, days=_exposure(before, days[0]))
    both = both.merge(
        after[[*columns, "orders"]], on="customer_id", how="left", suffixes=("", "_after")
    )
    both = both[both["group"].notna()]
    numbers = both.select_dtypes("number").columns
    both[numbers] = both[numbers].fillna(0.0)
    names, codes = _codes(both["group"])
    member = np.equal.outer(codes, np.arange(len(names))).astype("float64")
    values = np.column_stack(
        [
            np.ones(len(both)),
            both["orders"] > 0,
            both["net_amount"] * 30,
            both[["net_amount_after", "margin_amount_after"]] * 30 / days[1],
            both[["discount_amount", "list_amount", "discount_amount_after", "list_amount_after"]],
            both["days"],
        ]
    ).astype("float64")
    each = (member[:, :, None] * values[:, None, :]).reshape(len(values), -1)
    seen = each.sum(axis=0).reshape(len(names), -1)
    drawn = resampled_totals(each, seed=seed).reshape(-1, len(names), values.shape[1])
    few = seen[:, 0] < FEWEST_CUSTOMERS
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = wilson_interval(seen[:, 1], seen[:, 0], confidence=confidence)
        pace, paces = seen[:, 2] / seen[:, 9], drawn[..., 2] / drawn[..., 9]
        spent, spends = seen[:, 3] / seen[:, 0], drawn[..., 3] / drawn[..., 0]
        net_low, net_high = percentile_interval(spends, confidence=confidence)
        # Returns beyond purchases leave nothing: no spending falls by more than all of it.
        by = percentile_interval(np.maximum(spends / paces - 1, -1.0), confidence=confidence)
        return pd.DataFrame(
            {
                "group": names,
                "customers": seen[:, 0].astype("int64"),
                "bought": seen[:, 1] / seen[:, 0],
                "bought_low": low,
                "bought_high": high,
                "net_before": pace,
                "net_after": spent,
                "net_after_low": np.where(few, np.nan, net_low),
                "net_after_high": np.where(few, np.nan, net_high),
                "change": np.maximum(spent / pace - 1, -1.0),
                "change_low": np.where(few, np.nan, by[0]),
                "change_high": np.where(few, np.nan, by[1]),
                "margin_after": seen[:, 4] / seen[:, 0],
                "discount_before": seen[:, 5] / seen[:, 6],
                "discount_after": seen[:, 7] / seen[:, 8],
                "reason": np.where(
                    few, f"no interval: fewer than {FEWEST_CUSTOMERS} customers", ""
                ),
            }
        )


def _covered(features: pd.DataFrame, period: Period) -> int:
    """Return the days of the period that the data cover."""
    first = features["first_order_on"].min()
    late = 0 if first != first else max(0, (first.date() - period.start).days)
    return max(1, period.days - late)


def _exposure(features: pd.DataFrame, days: int) -> pd.Series:
    """Return the days each customer had to spend in: fewer for who came late in the period."""
    if "tenure_days" not in features:
        return pd.Series(float(days), features.index)
    return features["tenure_days"].clip(1, days).astype("float64")


def _codes(groups: pd.Series) -> tuple[list[str], NDArray[np.int64]]:
    """Return the names of the groups in their order, and each customer's place among them."""
    if not isinstance(groups.dtype, pd.CategoricalDtype):
        groups = groups.astype("category")
    present = groups.cat.remove_unused_categories()
    return [str(name) for name in present.cat.categories], present.cat.codes.to_numpy("int64")


def _measures(seen: Floats) -> pd.DataFrame:
    n, net, margin, orders, discount, listed = seen.T
    with np.errstate(divide="ignore", invalid="ignore"):
        return pd.DataFrame(
            {
                "customers": n.astype("int64"),
                "share": n / n.sum(),
                "net_amount": net.round(2),
                "net_share": net / net.sum(),
                "margin_amount": margin.round(2),
                "margin_share": margin / margin.sum(),
                "net_per_customer": net / n,
                "margin_per_customer": margin / n,
                "orders_per_customer": orders / n,
                "basket_value": net / orders,
                "discount_share": discount / listed if discount.any() else np.nan,
            }
        )


def _resampled(drawn: Floats) -> dict[str, Floats]:
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "net_share": drawn[..., 1] / drawn[..., 1].sum(axis=1, keepdims=True),
            "net_per_customer": drawn[..., 1] / drawn[..., 0],
            "margin_per_customer": drawn[..., 2] / drawn[..., 0],
        }
