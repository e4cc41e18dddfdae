"""Everybody who might be contacted, with what the rules and the ranking need to know of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from analysis.answers import NotGiven
from analysis.customers.features import features
from analysis.errors import NotApplicable
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from analysis.tables.engine import Tables


def candidates(
    tables: Tables,
    *,
    as_of: date,
    window_days: int,
    recent_days: int,
    occasions: Sequence[pd.DataFrame | NotGiven] = (),
) -> pd.DataFrame:
    """Return every customer with a purchase in the window.

    Parameters
    ----------
    tables
        A study's tables.
    as_of
        The day of the list.
    window_days
        Days before it that a customer must have bought in.
    recent_days
        The last of them, which tell whether a customer is active or silent.
    occasions
        Tables of due occasions, where there are any: customer_id, occasion, due_on, and perhaps
        product_id and value; those due by the day count, of several the one of most value.

    Returns
    -------
    pandas.DataFrame
        customer_id (sorted), margin, net, orders (of the window), recent_orders, recent_margin,
        occasion (empty
        where none is due), reason_product_id (what the occasion is about; missing where nothing).

    Raises
    ------
    NotApplicable
        If nobody bought in the window.
    """
    window = Period.before(as_of, days=window_days)
    rows = features.compute(tables, window)
    rows = rows.filter(rows.orders > 0).select(
        "customer_id", "orders", margin="margin_amount", net="net_amount"
    )
    found = rows.order_by("customer_id").to_pandas()
    if found.empty:
        raise NotApplicable(f"Nobody bought anything in {window}, so there is nobody to contact.")
    late = features.compute(tables, Period.before(as_of, days=recent_days))
    late = late.select("customer_id", recent_orders="orders", recent_margin="margin_amount")
    found = found.merge(late.to_pandas(), on="customer_id", how="left")
    found["recent_orders"] = found["recent_orders"].fillna(0).astype("int64")
    found["recent_margin"] = found["recent_margin"].fillna(0.0)
    due = _due([o for o in occasions if isinstance(o, pd.DataFrame)], as_of)
    found = found.merge(due, on="customer_id", how="left")
    return found.assign(occasion=found["occasion"].fillna("").astype("str"))


def _due(occasions: Sequence[pd.DataFrame], as_of: date) -> pd.DataFrame:
    """Return each customer's due occasion of most value."""
    names = ["customer_id", "occasion", "reason_product_id"]
    parts = []
    for table in occasions:
        part = table[pd.to_datetime(table["due_on"]) <= pd.Timestamp(as_of)]
        product = part.get("product_id", pd.Series(None, part.index, dtype="object"))
        value = part.get("value", pd.Series(0.0, part.index)).astype("float64").fillna(0.0)
        parts.append(part.assign(reason_product_id=product, value=value)[[*names, "value"]])
    kept = [p for p in parts if len(p)]
    if not kept:
        return pd.DataFrame({n: pd.Series(dtype="str") for n in names})
    both = pd.concat(kept, ignore_index=True)
    both = both.sort_values(["customer_id", "value", "occasion"], ascending=[True, False, True])
    return both.drop_duplicates("customer_id")[names]
