"""Contribution margin of every order line, and where it comes from.

Contribution margin = net - cost; cost from ``cost_amount``, else ``unit_cost`` x quantity, else
(1 - margin rate) x net, in that order, line by line.

Money inside the engine.
"""

from __future__ import annotations

import ibis

from analysis.tables.engine import Tables, kind_of

UNKNOWN_PRODUCT = "(unknown product)"

NO_CATEGORY = "(no category)"

MICROS = 1_000_000

#: With more order lines each question joins and prices its own: kept, they need room.
MOST_KEPT = 5_000_000

_BASIS_WORDS = {
    "cost_amount": "the cost on the order line",
    "unit_cost": "the product's unit cost",
    "rate": "an assumed margin rate by department",
}


def lines_with_margin(tables: Tables) -> ibis.Table:
    """Return the order lines with their product's hierarchy and their contribution margin.

    Parameters
    ----------
    tables
        A study's tables; ``order_lines`` and ``products`` are used.

    Returns
    -------
    ibis.Table
        All columns of ``order_lines`` and: ``department`` and ``category`` (``(unknown
        product)`` where the product is not in the catalogue), ``brand`` (if the study has
        it), ``counted`` (quantity counts units), ``margin_micros`` (int64, millionths of the
        currency, so that sums are exact in every engine), ``margin_basis`` (``cost_amount``,
        ``unit_cost`` or ``rate``).
    """
    many = tables.manifest.rows.get("order_lines", 0) > MOST_KEPT
    if many or kind_of(tables.connection) == "spark":
        return _priced(tables)
    return tables.once("lines_with_margin", _priced, alike=True)


def _priced(tables: Tables) -> ibis.Table:
    lines = _with_products(tables)
    net = _micros(lines.net_amount)
    rate = ibis.coalesce(lines.margin_rate, tables.manifest.default_margin_rate)
    by_rate = (lines.net_amount * 100).cast("int64") * (rate * 10_000).round().cast("int64")
    unit_cost = (_micros(lines.unit_cost).cast("float64") * lines.quantity).round().cast("int64")
    by_line = net - _micros(lines.cost_amount)
    has_line, has_unit = lines.cost_amount.notnull(), lines.unit_cost.notnull()
    priced = lines.mutate(
        margin_micros=ibis.cases((has_line, by_line), (has_unit, net - unit_cost), else_=by_rate),
        margin_basis=ibis.cases((has_line, "cost_amount"), (has_unit, "unit_cost"), else_="rate"),
    )
    kept = tables.has("order_lines", "cost_amount")
    return priced.drop("margin_rate", "unit_cost", *(() if kept else ("cost_amount",)))


def _micros(amount: ibis.Value) -> ibis.Value:
    return (amount * 100).cast("int64") * (MICROS // 100)


def _with_products(tables: Tables) -> ibis.Table:
    products = tables.products
    known = set(products.columns)
    optional = {
        "brand": "string",
        "margin_rate": "float64",
        "unit_cost": "decimal(18, 2)",
        "counted": "boolean",
    }
    hierarchy = products.select(
        "product_id",
        "department",
        "category",
        **{n: products[n] if n in known else ibis.null(t) for n, t in optional.items()},
    )
    lines = tables.order_lines
    if "cost_amount" not in lines.columns:
        lines = lines.mutate(cost_amount=ibis.null("decimal(18, 2)"))
    joined = lines.left_join(hierarchy, "product_id").drop("product_id_right")
    joined = joined.mutate(
        department=ibis.coalesce(joined.department, UNKNOWN_PRODUCT),
        category=ibis.coalesce(
            joined.category, joined.department.isnull().ifelse(UNKNOWN_PRODUCT, NO_CATEGORY)
        ),
        counted=ibis.coalesce(joined.counted, True),
    )
    return joined if "brand" in known else joined.drop("brand")


def margin_basis_sentence(tables: Tables) -> str:
    """Return the sentence that stands wherever margin is shown: which cost was used, how often."""
    lines = lines_with_margin(tables)
    counts = lines.group_by("margin_basis").agg(n=lines.count()).to_pandas()
    total = int(counts["n"].sum())
    if total == 0:
        return "There are no order lines, so there is no contribution margin."
    by_use = counts.sort_values(["n", "margin_basis"], ascending=[False, True])
    parts = [
        f"{_BASIS_WORDS[basis]} ({_share(n / total)} lines)"
        for basis, n in zip(by_use["margin_basis"], by_use["n"], strict=True)
    ]
    note = tables.manifest.margin_note
    return "Contribution margin uses " + ", ".join(parts) + "." + (f" {note}" if note else "")


def _share(share: float) -> str:
    return "all" if share == 1 else f"{100 * share:.1f} % of"


def cents(amount: ibis.Value) -> ibis.Value:
    """Return money as whole cents, which every engine sums exactly and quickly."""
    return (amount * 100).cast("int64")
