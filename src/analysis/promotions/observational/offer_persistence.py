"""Which products on offer kept selling more after their promotion than their category did.

Everybody's purchases count here, so it is a description: a product may rise for any reason.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.multiplicity import normal_quantile, q_values, two_sided_p
from analysis.stats.sizes import FEWEST_PURCHASES
from analysis.stats.types import Floats
from analysis.tables.margin import NO_CATEGORY

if TYPE_CHECKING:
    from datetime import date

    from analysis.tables.engine import Tables

#: Days before and after.
SPAN_DAYS = 56

#: Median of a squared standard normal: what half of the squared z would stay below by chance.
_MEDIAN_SQUARE = 0.4549


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
        Days before and after.
    confidence
        Coverage of intervals.

    Returns
    -------
    pandas.DataFrame
        promotion_id, promotion (name), product_id, product (name, or its category and key),
        before, after (purchases a week), category (what the rest of its category did: after over
        before, less one), growth (the product's own against that), low, high, p, q (false
        discovery rate over all of them). Sorted by the lower end, the surest growth first.

    Raises
    ------
    NotApplicable
        If no product on offer was bought often enough before and after.

    Notes
    -----
    The logarithm of the odds ratio of product and rest of category, after and before, with its
    Poisson error (Woolf 1955, Annals of Human Genetics 19). Purchases come in clusters, so the
    errors are widened until the middle product's deviation is what chance gives (genomic control:
    Devlin and Roeder 1999, Biometrics 55(4)).
    """
    tables.require("promotions", "promotion_products")
    table = _counts(tables, as_of, span_days).to_pandas()
    if table.empty:
        raise NotApplicable("No product on offer was bought often enough before and after.")
    table = table.sort_values(["promotion_id", "product_id"]).reset_index(drop=True)
    own = table["n_after"] / table["n_before"]
    rest = table["rest_after"] / table["rest_before"]
    counts = table[["n_before", "n_after", "rest_before", "rest_after"]].to_numpy(float)
    log, error = np.log((own / rest).to_numpy(float)), np.sqrt((1 / counts).sum(axis=1))
    error *= _widening(log / error)
    reach = normal_quantile(confidence) * error
    weeks = span_days / 7
    p = two_sided_p(log / error)
    table = table.assign(
        before=table["n_before"] / weeks,
        after=table["n_after"] / weeks,
        category=rest - 1,
        growth=np.expm1(log),
        low=np.expm1(log - reach),
        high=np.expm1(log + reach),
        p=p,
        q=q_values(p),
    )
    columns = ["promotion_id", "promotion", "product_id", "product", "before", "after", "category"]
    ranked = table.sort_values(["low", "promotion_id", "product_id"], ascending=[False, True, True])
    return ranked[[*columns, "growth", "low", "high", "p", "q"]].reset_index(drop=True)


def _widening(z: Floats) -> float:
    """Return the factor on the errors at which the middle deviation is that of chance."""
    return float(np.sqrt(max(1.0, float(np.median(z**2)) / _MEDIAN_SQUARE)))


def _counts(tables: Tables, as_of: date, span_days: int) -> ibis.Table:
    """Return purchases of each product of each promotion, and of the rest of its category."""
    dated = _dated(tables, as_of, span_days)
    named = _named(tables)
    bought = tables.order_lines.filter(tables.order_lines.quantity > 0)
    bought = bought.select("product_id", day=bought.ordered_at.date()).join(named, "product_id")
    offers = tables.promotion_products.select("promotion_id", "product_id").distinct()
    offers = offers.join(dated, "promotion_id").join(named, "product_id")
    keys = ["promotion_id", "promotion", "product_id", "product", "group"]
    own = _twice(bought.select("product_id", "day").join(offers, "product_id"), keys)
    own = own.rename(n_before="before", n_after="after")
    groups = offers.select("promotion_id", "group", "starts", "over", "from_", "until").distinct()
    whole = _twice(bought.select("group", "day").join(groups, "group"), ["promotion_id", "group"])
    both = own.join(whole, ["promotion_id", "group"])
    both = both.mutate(
        rest_before=both.before - both.n_before, rest_after=both.after - both.n_after
    )
    columns = ("n_before", "n_after", "rest_before", "rest_after")
    return both.filter(*(both[c] >= FEWEST_PURCHASES for c in columns)).drop(
        "before", "after", "group"
    )


def _dated(tables: Tables, as_of: date, span_days: int) -> ibis.Table:
    """Return the promotions with their first day, the day after, and both ends of what is read."""
    rows, span = tables.promotions, ibis.interval(days=span_days)
    starts = rows.starts_on.cast("date")
    over = (rows.ends_on.cast("date") + ibis.interval(days=1)).cast("date")
    dated = rows.select("promotion_id", promotion=rows.name, starts=starts, over=over)
    dated = dated.mutate(
        from_=(dated.starts - span).cast("date"), until=(dated.over + span).cast("date")
    )
    latest = ibis.date((as_of - timedelta(days=span_days)).isoformat())
    return dated.filter(dated.over <= latest)


def _twice(rows: ibis.Table, keys: list[str]) -> ibis.Table:
    """Return purchases in the days before and in those after, by ``keys``."""
    inside = rows.filter(rows.day >= rows.from_, rows.day < rows.until)
    return inside.group_by(*keys).agg(
        before=(inside.day < inside.starts).cast("int64").sum(),
        after=(inside.day >= inside.over).cast("int64").sum(),
    )


def _named(tables: Tables) -> ibis.Table:
    """Return product_id, product (its name, else its category with the key) and group."""
    products = tables.products
    group = products.department + " / " + ibis.coalesce(products.category, NO_CATEGORY)
    kind = ibis.coalesce(products.category, products.department)
    fallback = kind + " " + products.product_id
    named = "name" in products.columns
    return products.select(
        "product_id",
        product=ibis.coalesce(products.name, fallback) if named else fallback,
        group=group,
    )
