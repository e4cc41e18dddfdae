"""What a product was offered at: when it was promoted, and what it cost.

Both are set by the retailer, and so are known for the weeks ahead as far as they are planned.
Prices are read off the till all the same, for a source seldom holds a list of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from analysis.tables.money import cents

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from analysis.tables.engine import Tables


def promoted(tables: Tables, products: Sequence[str], periods: Sequence[date]) -> np.ndarray:
    """Return the share of each week's days on which each product was in a promotion.

    Parameters
    ----------
    tables
        A study's tables; without promotions and their products nothing was promoted.
    products
        One a row of the result.
    periods
        Mondays, one a column; promotions planned for weeks to come count there.
    """
    share = np.zeros((len(products), len(periods)))
    if not (tables.has("promotions") and tables.has("promotion_products")):
        return share
    for row, starts, ends in _spans(tables, products).itertuples(index=False):
        for column, monday in enumerate(periods):
            days = (min(ends, monday + timedelta(days=6)) - max(starts, monday)).days + 1
            share[row, column] = max(share[row, column], max(days, 0) / 7)
    return share


def _spans(tables: Tables, products: Sequence[str]) -> pd.DataFrame:
    """Return one row a product and promotion: row, starts_on, ends_on."""
    import pandas as pd

    offers = tables.promotions.select("promotion_id", "starts_on", "ends_on")
    named = tables.promotion_products.select("promotion_id", "product_id").distinct()
    joined = named.inner_join(offers, "promotion_id")
    spans = joined.select("product_id", "starts_on", "ends_on").distinct()
    found = tables.connection.to_pandas(spans.order_by("product_id", "starts_on", "ends_on"))
    rows = pd.Series(np.arange(len(products)), index=list(products))
    found = found[found["product_id"].isin(rows.index)]
    days = {name: pd.to_datetime(found[name]).dt.date for name in ("starts_on", "ends_on")}
    return pd.DataFrame({"row": rows[found["product_id"]].to_numpy(), **days})


def prices(
    tables: Tables, products: Sequence[str], periods: Sequence[date]
) -> tuple[np.ndarray, np.ndarray]:
    """Return each product's shelf price and discount, week by week.

    Returns
    -------
    shelf : numpy.ndarray
        Products x weeks: list amount over quantity (net amount where there is no list amount);
        weeks without a sale keep the price before, the first ones that after; NaN for a product
        never sold.
    depth : numpy.ndarray
        Products x weeks: discount as a share of the list amount, zero in weeks without a sale.
    """
    import pandas as pd

    found = tables.connection.to_pandas(_sums(tables.order_lines, periods))
    found = found[found["product_id"].isin(list(products))]
    rows = pd.Series(np.arange(len(products)), index=list(products))
    columns = pd.Series(np.arange(len(periods)), index=pd.to_datetime(list(periods)))
    at = (
        rows[found["product_id"]].to_numpy(),
        columns[pd.to_datetime(found["period_start"])].to_numpy(),
    )
    shelf = np.full((len(products), len(periods)), np.nan)
    depth = np.zeros(shelf.shape)
    shelf[at] = found["listed"] / found["quantity"] / 100
    depth[at] = 1 - (found["net"] / found["listed"]).clip(upper=1.0)
    laid = pd.DataFrame(shelf).ffill(axis=1).bfill(axis=1)
    return laid.to_numpy(), depth


def _sums(lines: ibis.Table, periods: Sequence[date]) -> ibis.Table:
    import ibis

    week = lines.ordered_at.truncate("W").date()
    listed = lines.list_amount if "list_amount" in lines.columns else lines.net_amount
    known = lines.mutate(period_start=week, listed=cents(listed), net=cents(lines.net_amount))
    end = periods[-1] + timedelta(days=7)
    inside = known.filter(
        known.ordered_at >= ibis.timestamp(periods[0].isoformat()),
        known.ordered_at < ibis.timestamp(end.isoformat()),
        known.quantity > 0,
        known.listed > 0,
    )
    return inside.group_by("product_id", "period_start").agg(
        listed=inside.listed.sum().cast("float64"),
        net=inside.net.sum().cast("float64"),
        quantity=inside.quantity.sum().cast("float64"),
    )
