"""Series of products under names that a person reads."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis.demand.series import Series
    from analysis.tables.engine import Tables


def named(series: Series, tables: Tables) -> Series:
    """Return series of products with readable names, each still a name of its own.

    A product is called by its name, else its subcategory, else its category; its key follows
    where several are called the same. ``keys`` keeps product_id and gains department.
    """
    products = tables.products
    words = [c for c in ("name", "subcategory", "category") if c in products.columns]
    chosen = products[words[0]].coalesce(*(products[c] for c in words[1:]), "(no name)")
    wanted = products.filter(products.product_id.isin(series.keys["product_id"].tolist()))
    table = tables.connection.to_pandas(
        wanted.select("product_id", called=chosen, department="department")
    )
    keys = series.keys.drop(columns=[c for c in ("department",) if c in series.keys])
    keys = keys.merge(table, on="product_id", how="left", validate="many_to_one")
    keys = keys.fillna({"called": "(not in the catalogue)"})
    shared = keys["called"].duplicated(keep=False)
    own = keys["called"] + (" " + keys["product_id"]).where(shared, "")
    return replace(series, keys=keys.assign(name=own).drop(columns="called"))
