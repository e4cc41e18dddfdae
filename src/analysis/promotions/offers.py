"""What products on offer sold before, during and after their promotion: which of them stayed up.

Everybody's purchases count here, so it is a description: a product may rise for any reason.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from analysis.discoveries import q_values
from analysis.errors import NotApplicable

if TYPE_CHECKING:
    from datetime import date

    import ibis
    import pandas as pd
    from numpy.typing import NDArray

    from analysis.tables.engine import Tables

    Floats = NDArray[np.float64]

#: Days before and after, and fewest purchases in both together.
SPAN_DAYS, FEWEST = 56, 30


def stayed_up(
    tables: Tables, *, as_of: date, span_days: int = SPAN_DAYS, confidence: float = 0.95
) -> pd.DataFrame:
    """Compare purchases of products on offer after their promotion with those before.

    Parameters
    ----------
    tables
        A study's tables; needs order_lines, products, promotions, promotion_products.
    as_of
        First day not looked at; promotions with less than ``span_days`` after them are left out.
    span_days
        Days before and after; products not on sale or not known so long before are left out, by
        needing purchases in both.
    confidence
        Coverage of intervals.

    Returns
    -------
    pandas.DataFrame
        promotion_id, promotion (name), product_id, product (name, or its category and key),
        before, during, after (purchases a week), growth (after over before, less one), low, high
        (exact conditional interval of the ratio of two Poisson rates: Przyborowski and Wilenski
        1940, Biometrika 31), p, q (false discovery rate over all of them), the largest growth
        among the sure ones first.

    Raises
    ------
    NotApplicable
        If no product on offer was bought often enough before and after.
    """
    tables.require("promotions", "promotion_products")
    counts = _counts(tables, as_of, span_days).to_pandas()
    if counts.empty:
        raise NotApplicable("No product on offer was bought often enough before and after.")
    table = counts.sort_values(["promotion_id", "product_id"]).reset_index(drop=True)
    before, after = (table[c].to_numpy(float) for c in ("n_before", "n_after"))
    low, high = _share_interval(after, before + after, confidence)
    weeks = span_days / 7
    table = table.assign(
        before=before / weeks,
        during=table["n_during"] / (table["days"] / 7),
        after=after / weeks,
        growth=after / before - 1,
        low=low / (1 - low) - 1,
        high=high / (1 - high) - 1,
        p=_two_sided(after, before + after),
    )
    table["q"] = q_values(table["p"])
    order = table.assign(size=table["q"].round(3)).sort_values(
        ["size", "growth", "promotion_id", "product_id"], ascending=[True, False, True, True]
    )
    columns = ["promotion_id", "promotion", "product_id", "product", "before", "during", "after"]
    return order[[*columns, "growth", "low", "high", "p", "q"]].reset_index(drop=True)


def _share_interval(count: Floats, of: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Return Clopper and Pearson's interval of a share."""
    from scipy.stats import beta

    tail = (1 - confidence) / 2
    return beta.ppf(tail, count, of - count + 1), beta.ppf(1 - tail, count + 1, of - count)


def _two_sided(count: Floats, of: Floats) -> Floats:
    from scipy.stats import binom

    below, above = binom.cdf(count, of, 0.5), binom.sf(count - 1, of, 0.5)
    return np.minimum(2 * np.minimum(below, above), 1.0)


def _counts(tables: Tables, as_of: date, span_days: int) -> ibis.Table:
    """Return purchases of each product of each promotion in the days before, during and after."""
    import ibis

    span = ibis.interval(days=span_days)
    dated = tables.promotions
    dated = dated.select(
        "promotion_id",
        promotion=dated.name,
        starts=dated.starts_on.cast("date"),
        over=(dated.ends_on.cast("date") + ibis.interval(days=1)).cast("date"),
    )
    latest = ibis.date((as_of - timedelta(days=span_days)).isoformat())
    dated = dated.filter(dated.over <= latest)
    offers = tables.promotion_products.select("promotion_id", "product_id").distinct()
    offers = offers.join(dated, "promotion_id")
    lines = tables.order_lines.filter(tables.order_lines.quantity > 0)
    lines = lines.select("product_id", day=lines.ordered_at.date())
    both = lines.join(offers, "product_id")
    both = both.filter(both.day >= (both.starts - span), both.day < (both.over + span))
    counts = both.group_by("promotion_id", "promotion", "product_id", "starts", "over").agg(
        n_before=(both.day < both.starts).cast("int64").sum(),
        n_during=((both.day >= both.starts) & (both.day < both.over)).cast("int64").sum(),
        n_after=(both.day >= both.over).cast("int64").sum(),
    )
    counts = counts.filter(
        counts.n_before > 0, counts.n_after > 0, counts.n_before + counts.n_after >= FEWEST
    )
    named = counts.join(_names(tables), "product_id")
    days = named.over.delta(named.starts, unit="day").cast("int64")
    return named.mutate(days=days).drop("starts", "over")


def _names(tables: Tables) -> ibis.Table:
    """Return product_id and product: its name, else its category with the key."""
    import ibis

    products = tables.products
    fallback = ibis.coalesce(products.category, products.department) + " " + products.product_id
    named = "name" in products.columns
    return products.select(
        "product_id", product=ibis.coalesce(products.name, fallback) if named else fallback
    )
