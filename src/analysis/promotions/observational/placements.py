"""What displays, mailers and discounts do to the units sold where they are.

Every product in a store is compared with itself in other weeks, and every week of a department
with its other products and stores. Retailers place what they expect to sell, which no panel can
take out: without randomised places it is no causal proof.

Units by product, store and week, with what was displayed, mailed and discounted there.

Everything is summed and joined in the engine: tens of millions of placements, of which the cells
of the best sellers come out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.errors import NotApplicable
from analysis.stats import fixed_effects
from analysis.stats.fixed_effects import Fit
from analysis.stats.sizes import FEWEST_CELLS, FEWEST_CLUSTERS_OF_PRODUCTS
from analysis.stats.types import Floats
from analysis.tables.engine import held
from analysis.tables.margin import NO_CATEGORY, UNKNOWN_PRODUCT
from analysis.tables.periods import as_date

if TYPE_CHECKING:
    from analysis.tables.engine import Tables


DISPLAY, MAILER, PRICE = "display", "mailer", "price"


#: Edges of discount depths, as shares of list.
DEPTHS = (0.05, 0.15, 0.25, 0.35, 0.45)


@dataclass(frozen=True)
class Placements:
    """Lifts of places and discounts.

    Parameters
    ----------
    table
        One row for display, mailer and price: term, lift (share more units; for the price the
        elasticity: change of units in per cent for one per cent of price), low, high, p, cells
        (where it applies), units (sold there), incremental, incremental_low, incremental_high
        (of those units; NaN for the price).
    kinds
        One row a kind of display, of mailer, and a depth of discount: term, kind, lift, low, high,
        p, cells.
    cells, products, stores
        Cells looked at, and of how many products and stores.
    clusters
        What errors may be shared within: ``product`` or ``product in a store``.
    """

    table: pd.DataFrame
    kinds: pd.DataFrame
    cells: int
    products: int
    stores: int
    clusters: str


def measure(panel: pd.DataFrame, *, confidence: float = 0.95) -> Placements:
    """Measure places and discounts on a panel of product, store and week.

    Parameters
    ----------
    panel
        As `shelf_panel.fetch`.
    confidence
        Coverage of intervals.

    Raises
    ------
    NotApplicable
        If nothing varies enough to be compared.
    """
    product = panel.groupby("product_id", sort=False).ngroup().to_numpy()
    pair = panel.groupby(["product_id", "store_id"], sort=False).ngroup().to_numpy()
    week = panel.groupby(["department", "week_start"], sort=False).ngroup().to_numpy()
    few = product.max(initial=0) + 1 < FEWEST_CLUSTERS_OF_PRODUCTS
    codes = (pair, week, pair if few else product)
    return Placements(
        table=_main(panel, codes, confidence),
        kinds=_kinds(panel, codes, confidence),
        cells=len(panel),
        products=int(panel["product_id"].nunique()),
        stores=int(panel["store_id"].nunique()),
        clusters="product in a store" if few else "product",
    )


Codes = tuple["NDArray[np.int64]", "NDArray[np.int64]", "NDArray[np.int64]"]


def _main(panel: pd.DataFrame, codes: Codes, confidence: float) -> pd.DataFrame:
    """Return one row for any display, any mailer and the price."""
    units = panel["units"].to_numpy(float)
    terms = {
        DISPLAY: (panel["display"] != "").to_numpy(float),
        MAILER: (panel["mailer"] != "").to_numpy(float),
        PRICE: np.log1p(-panel["depth"].to_numpy(float)),
    }
    fit, names = _fitted(units, terms, codes)
    rows = []
    for name, coefficient, low, high, p in _ends(fit, names, confidence):
        there = terms[name] != 0
        sold = float(units[there].sum())
        row = {"term": name, "cells": int(there.sum()), "units": sold, "p": p}
        if name == PRICE:
            row |= {"lift": coefficient, "low": low, "high": high}
        else:
            row |= _incremental(sold, coefficient, low, high)
        rows.append(row)
    columns = ["term", "lift", "low", "high", "p", "cells", "units", "incremental"]
    ends = ["incremental_low", "incremental_high"]
    return pd.DataFrame(rows).reindex(columns=[*columns, *ends])


def _incremental(units: float, coefficient: float, low: float, high: float) -> dict[str, float]:
    """Return the lift, and how many of the units sold there would not have been sold without."""
    names = ("", "_low", "_high")
    found = {}
    for suffix, end in zip(names, (coefficient, low, high), strict=True):
        found["lift" if not suffix else suffix[1:]] = float(np.expm1(end))
        found["incremental" + suffix] = units * float(-np.expm1(-end))
    return found


def _kinds(panel: pd.DataFrame, codes: Codes, confidence: float) -> pd.DataFrame:
    """Return one row a kind of display, a kind of mailer and a depth of discount."""
    terms: dict[str, Floats] = {}
    labels: dict[str, tuple[str, str]] = {}
    for column in (DISPLAY, MAILER):
        counts = panel.loc[panel[column] != "", column].value_counts()
        for kind in sorted(counts.index[counts >= FEWEST_CELLS]):
            labels[f"{column} {kind}"] = (column, str(kind))
            terms[f"{column} {kind}"] = (panel[column] == kind).to_numpy(float)
        rest = ~panel[column].isin(["", *counts.index[counts >= FEWEST_CELLS]])
        terms[f"{column} (rare kinds)"] = rest.to_numpy(float)
    depth = np.digitize(panel["depth"], DEPTHS)
    for at, kind in enumerate(_depth_words(), start=1):
        if (depth == at).sum() >= FEWEST_CELLS:
            labels[f"{PRICE} {kind}"] = (PRICE, kind)
        terms[f"{PRICE} {kind}"] = (depth == at).astype(float)
    fit, names = _fitted(panel["units"].to_numpy(float), terms, codes)
    rows = [
        (*labels[name], np.expm1(c), np.expm1(low), np.expm1(high), p, int(terms[name].sum()))
        for name, c, low, high, p in _ends(fit, names, confidence)
        if name in labels
    ]
    return pd.DataFrame(rows, columns=["term", "kind", "lift", "low", "high", "p", "cells"])


def _depth_words() -> list[str]:
    ends = [f"{100 * low:.0f} to {100 * high:.0f} % off" for low, high in pairwise(DEPTHS)]
    return [*ends, f"over {100 * DEPTHS[-1]:.0f} % off"]


def _fitted(units: Floats, terms: dict[str, Floats], codes: Codes) -> tuple[Fit, list[str]]:
    names = [name for name, values in terms.items() if np.ptp(values) > 0]
    if not names:
        raise NotApplicable("Nothing was displayed, mailed or discounted in these weeks.")
    columns = np.column_stack([terms[name] for name in names])
    return fixed_effects.poisson(units, columns, *codes), names


def _ends(
    fit: Fit, names: list[str], confidence: float
) -> list[tuple[str, float, float, float, float]]:
    from scipy.stats import t

    reach = fit.quantile(confidence) * fit.errors
    p = 2 * t.sf(np.abs(fit.coefficients / fit.errors), max(fit.clusters - 1, 1))
    low, high = fit.coefficients - reach, fit.coefficients + reach
    ends = zip(names, fit.coefficients, low, high, p, strict=True)
    return [(name, float(c), float(a), float(b), float(q)) for name, c, a, b, q in ends]


@dataclass(frozen=True)
class Size:
    """How much of the assortment is looked at.

    Parameters
    ----------
    products
        Best sellers (units) among the products that were ever displayed or mailed.
    fewest_units
        Products are looked at in the stores where they sold so many units or more; choosing by
        the total leaves Poisson regression with a level for each unbiased, since that conditions
        on the totals.
    """

    products: int = 400
    fewest_units: int = 12


def fetch(tables: Tables, *, as_of: date, size: Size | None = None) -> pd.DataFrame:
    """Return one row a product, store and week, weeks without a sale included.

    Parameters
    ----------
    tables
        A study's tables; needs order_lines, products, placements.
    as_of
        First day not looked at.
    size
        How much of the assortment.

    Returns
    -------
    pandas.DataFrame
        product_id, store_id, department, category, week_start, units (float), display, mailer
        (empty where none), depth (discount as a share of list: of the cell, else of the product
        that week in all stores, else zero), net (currency). Weeks are whole, between the first
        and the last sale of the product anywhere; products whose quantity counts no units, and
        weeks of a promotion that was for everybody, are left out. Sorted by product, store, week.

    Raises
    ------
    NotApplicable
        If the study has no placements, or if nothing placed sold often enough.
    """
    tables.require("placements", "products")
    size = size or Size()
    sold = held(_sold(tables, as_of))  # summed once: each use of it would sum it again
    best = sold.group_by("product_id").agg(
        total=sold.units.sum(), first=sold.week_start.min(), last=sold.week_start.max()
    )
    best = best.order_by(best.total.desc(), "product_id").limit(size.products).drop("total")
    best = held(best.join(_catalogue(tables).drop("counted"), "product_id"))
    weeks, sold = sold.select("week_start").distinct(), sold.semi_join(best, "product_id")
    cells = _cells(sold, weeks, best, _placed(tables, best), size)
    rows = _discounted(cells, sold)
    rows = _without_promotions(rows, weeks, tables)
    frame = rows.order_by("product_id", "store_id", "week_start").to_pandas()
    if frame.empty:
        raise NotApplicable("No product that was displayed or mailed sold often enough to tell.")
    frame["week_start"] = pd.to_datetime(frame["week_start"]).dt.as_unit("us")
    return frame


def _weeks(tables: Tables, as_of: date) -> tuple[date, date]:
    """Return the first Monday of whole weeks, and the Monday after the last."""
    first = as_date(tables.order_lines.ordered_at.min().to_pandas().date())
    return first + timedelta(days=-first.weekday() % 7), as_of - timedelta(days=as_of.weekday())


def _placed(tables: Tables, best: ibis.Table) -> ibis.Table:
    """Return the places of ``best``, one row a product, store and week."""
    rows = tables.placements.semi_join(best, "product_id")
    rows = rows.mutate(week_start=rows.week_start.cast("date"))
    return rows.group_by("product_id", "store_id", "week_start").agg(
        display=rows.display.max(), mailer=rows.mailer.max()
    )


def _sold(tables: Tables, as_of: date) -> ibis.Table:
    """Return units and money by product, store and week, of placed products in placed stores."""
    first, end = (ibis.timestamp(day.isoformat()) for day in _weeks(tables, as_of))
    shown, kinds = tables.placements, _catalogue(tables)
    shown = shown.filter(shown.display.notnull() | shown.mailer.notnull())
    # Held, since tens of millions of places would be looked up in the lines, not the lines in them.
    goods = held(
        shown.select("product_id").distinct().semi_join(kinds.filter("counted"), "product_id")
    )
    stores = held(tables.placements.select("store_id").distinct())
    lines = tables.order_lines
    lines = lines.filter(lines.quantity > 0, lines.ordered_at >= first, lines.ordered_at < end)
    lines = lines.semi_join(goods, "product_id").semi_join(stores, "store_id")
    listed = lines.list_amount if "list_amount" in lines.columns else lines.net_amount
    lines = lines.mutate(week_start=lines.ordered_at.truncate("W").cast("date"), listed=listed)
    return lines.group_by("product_id", "store_id", "week_start").agg(
        units=lines.quantity.sum(),
        net=(lines.net_amount * 100).cast("int64").sum(),
        listed=(lines.listed * 100).cast("int64").sum(),
    )


def _catalogue(tables: Tables) -> ibis.Table:
    """Return product_id, department, category and counted of every product."""
    products = tables.products
    counted = products.counted if "counted" in products.columns else ibis.literal(True)
    return products.select(
        "product_id",
        department=ibis.coalesce(products.department, UNKNOWN_PRODUCT),
        category=ibis.coalesce(products.category, NO_CATEGORY),
        counted=ibis.coalesce(counted, True),
    )


def _cells(
    sold: ibis.Table, weeks: ibis.Table, best: ibis.Table, placed: ibis.Table, size: Size
) -> ibis.Table:
    """Return every week of the products in the stores that sell them, with sales and places."""
    pairs = sold.group_by("product_id", "store_id").agg(total=sold.units.sum())
    pairs = pairs.filter(pairs.total >= size.fewest_units).drop("total").join(best, "product_id")
    cells = pairs.cross_join(weeks)
    cells = cells.filter(cells.week_start >= cells["first"], cells.week_start <= cells["last"])
    keys = ["product_id", "store_id", "week_start"]
    dropped = [f"{key}_right" for key in keys]
    cells = cells.left_join(sold, keys).drop(*dropped)
    return cells.left_join(placed, keys).drop(*dropped, "first", "last")


def _discounted(cells: ibis.Table, sold: ibis.Table) -> ibis.Table:
    """Give each cell its discount; where it sold nothing, that of the product in other stores."""
    weekly = sold.group_by("product_id", "week_start").agg(
        all_net=sold.net.sum(), all_listed=sold.listed.sum()
    )
    rows = cells.left_join(weekly, ["product_id", "week_start"])
    rows = rows.drop("product_id_right", "week_start_right")

    def depth(net: ibis.Value, listed: ibis.Value) -> ibis.Value:
        share = 1 - net.cast("float64") / listed.nullif(0).cast("float64")
        return ibis.cases(
            (share.isnull(), share), (share < 0, 0.0), (share > 0.95, 0.95), else_=share
        )

    found = ibis.coalesce(depth(rows.net, rows.listed), depth(rows.all_net, rows.all_listed), 0.0)
    return rows.select(
        "product_id",
        "store_id",
        "department",
        "category",
        "week_start",
        units=ibis.coalesce(rows.units, 0.0).cast("float64"),
        display=ibis.coalesce(rows.display, ""),
        mailer=ibis.coalesce(rows.mailer, ""),
        depth=found,
        net=ibis.coalesce(rows.net, 0).cast("float64") / 100,
    )


def _without_promotions(rows: ibis.Table, weeks: ibis.Table, tables: Tables) -> ibis.Table:
    """Leave out the weeks of promotions that were for everybody: they are judged by themselves."""
    if "promotions" not in tables or "promotion_products" not in tables:
        return rows
    dated = tables.promotions
    if "assignments" in tables:
        dated = dated.anti_join(tables.assignments, "promotion_id")
    offers = tables.promotion_products.select("promotion_id", "product_id").distinct()
    offers = offers.join(dated.select("promotion_id", "starts_on", "ends_on"), "promotion_id")
    offers = offers.select(
        "product_id", starts=offers.starts_on.cast("date"), ends=offers.ends_on.cast("date")
    )
    inside = offers.cross_join(weeks)  # not the weeks in ``rows``: all of them would be made twice
    over = inside.week_start + ibis.interval(days=7)
    inside = inside.filter(inside.starts < over.cast("date"), inside.ends >= inside.week_start)
    inside = inside.select("product_id", "week_start").distinct()
    return rows.anti_join(inside, ["product_id", "week_start"])
