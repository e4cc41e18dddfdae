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
        name, else by its subcategory. Products that share a name get their package size, or, where
        that is the same, their number, too.
    """
    wanted = sorted(set(items))
    if level != "product":
        return {item: tidy(item) for item in wanted}
    plain, sized = _named(tables, wanted)
    once = ~plain.duplicated(keep=False)
    once_sized = ~sized.duplicated(keep=False)
    return {
        item: plain[item]
        if once[item]
        else sized[item]
        if once_sized[item]
        else f"{plain[item]} ({item})"
        for item in wanted
    }


def tidy(text: str) -> str:
    """Return a name in capitals as a sentence would have it."""
    plain = " ".join(text.split())
    return plain.capitalize() if plain.isupper() else plain


def _named(tables: Tables, items: list[str]) -> tuple[pd.Series, pd.Series]:
    """Return the names by product, without and with the package size."""
    import ibis
    import pandas as pd

    products = tables.products
    columns = [c for c in ("name", "subcategory", "package_size") if c in products.columns]
    wanted = ibis.memtable(pd.DataFrame({"product_id": pd.Series(items, dtype="str")}))
    rows = products.semi_join(wanted, "product_id").select("product_id", *columns)
    frame = rows.to_pandas().set_index("product_id").reindex(items).astype("str")
    numbers = pd.Series(items, index=items, dtype="str")
    plain = next((frame[c] for c in ("name", "subcategory") if c in frame), numbers)
    plain = plain.map(tidy, na_action="ignore").fillna(numbers)
    if "package_size" not in frame:
        return plain, plain
    size = frame["package_size"].map(tidy, na_action="ignore").str.lower()
    return plain, (plain + ", " + size).fillna(plain)
