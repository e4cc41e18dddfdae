"""How often each product comes back, beside what products of its kind usually do."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.multiplicity import q_values
from analysis.stats.proportions import wilson_interval
from analysis.stats.random_effects import paule_mandel
from analysis.stats.sizes import FEWEST_PRODUCTS_OF_A_KIND, FEWEST_SOLD_OF_RETURNS
from analysis.tables.lines import midnight, order_product, repeated_products
from analysis.tables.margin import lines_with_margin

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

#: How many times as often as usual a product must come back at least to be named.
OFTEN = 2.0

#: Share of all rates that are drawn in at the upper end before the spread of products is read.
_DRAWN_IN = 0.10


def return_rates(
    tables: Tables, *, as_of: date, confidence: float = 0.95, fdr: float = 0.05
) -> pd.DataFrame:
    """Return the share of each product's sales that came back.

    An order counts once a product, however many units or lines of it. Products differ in how
    often they come back by nature; named are those further out than that, by the funnel plot
    that allows for overdispersion: rates on the arcsine scale, their spread between products
    estimated after the end is drawn in (Spiegelhalter 2005, Quality and Safety in Health Care
    14(5), 347-351), one-sided, all products searched together.

    Parameters
    ----------
    tables
        A study's tables; needs order_lines and products.
    as_of
        The day before which everything is known.
    fdr
        Share of false ones among the products named.

    Returns
    -------
    pandas.DataFrame
        One row a product sold often enough: product_id, department, [name], sold and returned
        (orders), net_returned (currency, negative), rate, low, high (Wilson), usual (the
        median rate of its department's products that come back at all; of all products where
        those are few), ratio (rate over
        usual), q, faulty (q at most ``fdr`` and the whole interval above ``OFTEN`` times the
        usual rate); the faulty first, then by rate.

    Raises
    ------
    NotApplicable
        Where nothing was ever returned, or no product was sold often enough.
    """
    counted = _counted(tables, as_of)
    if not counted["returned"].sum():
        raise NotApplicable("No line is a return.")
    often = counted["sold"] >= FEWEST_SOLD_OF_RETURNS
    if not often.any():
        raise NotApplicable(
            f"No product was sold in {FEWEST_SOLD_OF_RETURNS} orders: too few for a return rate."
        )
    table = counted[often].reset_index(drop=True)
    table["returned"] = np.minimum(table["returned"], table["sold"])
    low, high = wilson_interval(table["returned"], table["sold"], confidence=confidence)
    table = table.assign(rate=table["returned"] / table["sold"], low=low, high=high)
    table["usual"] = _usual(table)
    table["ratio"] = table["rate"] / table["usual"].where(table["usual"] > 0)
    table["q"] = q_values(_further_out(table))
    table["faulty"] = (table["q"] <= fdr) & (table["low"] > OFTEN * table["usual"])
    order = ["faulty", "rate", "sold"]
    return table.sort_values(
        [*order, "product_id"], ascending=[False, False, False, True]
    ).reset_index(drop=True)


def _counted(tables: Tables, as_of: date) -> pd.DataFrame:
    """Count the orders that bought and that returned each product."""
    lines = lines_with_margin(tables)
    lines = lines.filter(lines.ordered_at < midnight(as_of))
    back = lines.quantity < 0
    each = {"sold": back.ifelse(0, 1), "returned": back.ifelse(1, 0)}
    net = back.ifelse(lines.net_amount, 0).cast("decimal(38, 2)")
    keyed = lines.mutate(**each, net=net, **order_product(lines))
    several = repeated_products(tables)
    # Most lines are alone in their order with their product, and need not be grouped by order.
    alone = keyed.anti_join(several, ["order", "product"])
    orders = keyed.semi_join(several, ["order", "product"])
    orders = orders.group_by("product_id", "department", "order").agg(
        sold=orders.sold.max(), returned=orders.returned.max(), net=orders.net.sum()
    )
    rows = ibis.union(orders.drop("order"), alone.select(*orders.drop("order").columns))
    counted = rows.group_by("product_id", "department").agg(
        sold=rows.sold.sum().cast("int64"),
        returned=rows.returned.sum().cast("int64"),
        net_returned=rows.net.sum().cast("float64"),
    )
    frame = counted.order_by("product_id").to_pandas()
    if not tables.has("products", "name"):
        return frame
    names = tables.products.select("product_id", "name").to_pandas()
    return frame.merge(names, on="product_id", how="left")


def _usual(table: pd.DataFrame) -> pd.Series:
    """Return the median rate of what comes back in each department, or of all where it is little.

    Products that never come back are left out: where they are many, the median would say that
    nothing is usual.
    """
    back = table["rate"].where(table["rate"] > 0)
    of_department = back.groupby(table["department"])
    few = of_department.transform("count") < FEWEST_PRODUCTS_OF_A_KIND
    return of_department.transform("median").mask(few, float(back.median()))


def _further_out(table: pd.DataFrame) -> np.ndarray:
    """Return the probability of a rate so far above the usual one."""
    from scipy.special import ndtr

    variances = 1 / (4 * table["sold"].to_numpy(dtype=float))
    above = np.arcsin(np.sqrt(table["rate"])) - np.arcsin(np.sqrt(table["usual"]))
    above = above.to_numpy(dtype=float)
    between = _between(above, variances) if len(above) > 1 else 0.0
    return np.asarray(ndtr(-above / np.sqrt(variances + between)))


def _between(above: np.ndarray, variances: np.ndarray) -> float:
    """Return the variance between products, read from those above the usual rate, mirrored.

    Products that can hardly come back at all spread the lower side and say nothing of the upper.
    """
    upper = above >= 0
    drawn_in = np.minimum(above[upper], np.quantile(above[upper], 1 - 2 * _DRAWN_IN))
    both = np.concatenate([drawn_in, -drawn_in])
    return paule_mandel(both, np.tile(variances[upper], 2))
