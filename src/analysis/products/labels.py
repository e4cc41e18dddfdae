"""What items are called on a page: no two the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from analysis.products.baskets import Level
    from analysis.tables.engine import Tables


def labels(tables: Tables, items: Iterable[str], *, level: Level = "product") -> dict[str, str]:
    """Return a readable name of each item.

    Parameters
    ----------
    tables
        A study's tables.
    items
        Items of that level.
    level
        What the items are. Categories and departments are named as they are; a product by its
        name, else by its subcategory and package size. Products that share a name get their
        number, too.
    """
    wanted = sorted(set(items))
    if level != "product":
        return {item: tidy(item) for item in wanted}
    named = _named(tables, wanted)
    shared = set(named[named.duplicated(keep=False)])
    return {
        item: f"{named[item]} ({item})" if named[item] in shared else str(named[item])
        for item in wanted
    }


def tidy(text: str) -> str:
    """Return a name in capitals as a sentence would have it."""
    plain = " ".join(text.split())
    return plain.capitalize() if plain.isupper() else plain


def _named(tables: Tables, items: list[str]) -> pd.Series:
    """Return the plain names by product, the product number where there is none."""
    import ibis
    import pandas as pd

    products = tables.products
    columns = [c for c in ("name", "subcategory", "package_size") if c in products.columns]
    wanted = ibis.memtable(pd.DataFrame({"product_id": pd.Series(items, dtype="str")}))
    rows = products.semi_join(wanted, "product_id").select("product_id", *columns)
    frame = rows.to_pandas().set_index("product_id").reindex(items)
    if "name" in frame:
        plain = frame["name"]
    else:
        size = ", " + frame["package_size"] if "package_size" in frame else ""
        plain = frame["subcategory"].map(tidy, na_action="ignore") if "subcategory" in frame else None
        if plain is None:
            return pd.Series(items, index=items)
        plain = plain + (size.fillna("").str.replace(r"\s+", " ", regex=True) if len(size) else "")
    return plain.fillna(pd.Series(items, index=items)).astype("str")
