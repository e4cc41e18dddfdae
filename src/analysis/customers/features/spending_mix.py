"""What each customer's money goes to: by department, and by proxies for attitudes.

The engine lays departments side by side; one row a customer leaves it. The proxies read product
words (organic, gifts, private label). They stand for attitudes that nobody asked about, and are
named as proxies wherever they are shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import pandas as pd

from analysis.tables.lines import lines_in

if TYPE_CHECKING:
    from analysis.tables.engine import Tables
    from analysis.tables.periods import Period

#: Proxy to words that a product's hierarchy or name must hold one of.
PROXIES = {
    "organic (proxy)": ("organic", "natural food"),
    "gifts (proxy)": ("gift", "greeting card", "floral", "flower", "bouquet"),
    "baby (proxy)": ("baby", "infant", "diaper"),
    "pets (proxy)": ("pet ", "dog ", "cat ", "pet food"),
    "alcohol (proxy)": ("beer", "wine", "liquor", "spirits"),
}

_WORDS = ("department", "category", "subcategory", "name")


def fetch(tables: Tables, period: Period, *, departments: int = 20) -> pd.DataFrame:
    """Return what each customer spent on each of the largest departments, and on the proxies.

    Parameters
    ----------
    tables
        A study's tables.
    period
        The days looked at.
    departments
        Departments with the largest sales; the rest is ``(other departments)``.

    Returns
    -------
    pandas.DataFrame
        customer_id, total, then one column a department and one a proxy (currency). Purchases
        only; returns are left out. Proxies without any sale are left out.
    """
    lines = lines_in(tables, period)
    bought = lines.filter(lines.customer_id.notnull(), lines.quantity >= 0)
    largest = bought.group_by("department").agg(net=bought.net_amount.sum())
    largest = largest.order_by(largest.net.desc(), largest.department).limit(departments)
    names = largest.to_pandas()["department"].tolist()
    products = _flagged(tables)
    lines = bought.left_join(products, "product_id").drop("product_id_right")
    cents = (lines.net_amount * 100).cast("int64")
    sums = {"total": cents.sum()}
    sums |= {name: cents.sum(where=lines.department == name) for name in names}
    sums["(other departments)"] = cents.sum(where=~lines.department.isin(names))
    sums |= {proxy: cents.sum(where=lines[proxy]) for proxy in PROXIES}
    table = lines.group_by("customer_id").agg(**sums).order_by("customer_id").to_pandas()
    money = table.columns.drop("customer_id")
    table[money] = table[money].fillna(0).astype("float64") / 100
    empty = [c for c in (*PROXIES, "(other departments)") if not table[c].any()]
    return table.drop(columns=empty)


def _flagged(tables: Tables) -> ibis.Table:
    """Return product_id and one flag a proxy, at most one row a product."""
    products = tables.products
    known = [name for name in _WORDS if name in products.columns]
    text = ibis.literal(" ")
    for name in known:
        text = text + ibis.coalesce(products[name].lower(), "") + " "
    flags = {proxy: _any_of(text, words) for proxy, words in PROXIES.items()}
    if "organic" in products.columns:
        marked = products.organic.cast("string").lower().isin(["yes", "true", "1"])
        flags["organic (proxy)"] = flags["organic (proxy)"] | ibis.coalesce(marked, False)
    return products.select("product_id", **flags)


def _any_of(text: ibis.Value, words: tuple[str, ...]) -> ibis.Value:
    found = text.contains(words[0])
    for word in words[1:]:
        found = found | text.contains(word)
    return found
