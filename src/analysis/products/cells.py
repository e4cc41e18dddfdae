"""How often both sides of a rule, one of them or neither are in an order, stratum by stratum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from analysis.products.held import held

if TYPE_CHECKING:
    import ibis
    import pandas as pd

#: Upper ends of the bands of how many other items an order holds.
BANDS = (0, 1, 3, 7, 15, 31)


def side_orders(lines: ibis.Table, rules: pd.DataFrame) -> ibis.Table:
    """Return the orders that hold each side of the rules.

    Parameters
    ----------
    lines
        order_id, item, one row an item in an order.
    rules
        antecedents and consequents, tuples of items.

    Returns
    -------
    ibis.Table
        rule (number of the row in ``rules``), order_id, has_a, has_b (0 or 1).
    """
    import ibis
    import pandas as pd

    sides = zip(rules["antecedents"], rules["consequents"], strict=True)
    wanted = pd.DataFrame(
        [
            (number, side, item, len(items))
            for number, row in enumerate(sides)
            for side, items in enumerate(row)
            for item in items
        ],
        columns=["rule", "side", "item", "size"],
    ).astype({"item": "str"})  # fmt: skip
    found = lines.select("order_id", "item").join(ibis.memtable(wanted), "item")
    whole = found.group_by("rule", "side", "order_id", "size").agg(n=found.count())
    whole = whole.filter(whole.n == whole.size)
    held_sides = whole.group_by("rule", "order_id").agg(
        has_a=(whole.side == 0).cast("int64").max(), has_b=(whole.side == 1).cast("int64").max()
    )
    return held(held_sides)


def sizes(lines: ibis.Table, facts: ibis.Table | None = None) -> ibis.Table:
    """Return one row an order: order_id, size (items in it) and the columns of ``facts``."""
    counted = lines.group_by("order_id").agg(size=lines.count())
    if facts is None:
        return held(counted)
    joined = counted.join(facts, "order_id")
    return held(joined)


def by_stratum(
    sides: ibis.Table,
    orders: ibis.Table,
    rules: pd.DataFrame,
    strata: Sequence[str],
    *,
    by_size: bool = True,
) -> ibis.Table:
    """Return the four cells of every rule in every stratum that knows one of its sides.

    Parameters
    ----------
    sides
        From `side_orders`.
    orders
        From `sizes`: order_id, size and the columns ``strata``.
    rules
        The rules, for how many items their sides have.
    strata
        Columns of ``orders``; orders where one is missing are left out.
    by_size
        Cut by how many items the order holds beside the rule's own, too.

    Returns
    -------
    ibis.Table
        rule, the strata, band (number of other items, in bands; 0 throughout without
        ``by_size``), both, a_only, b_only, neither.

    Notes
    -----
    An order exists because it holds something: one with neither side holds something else. Orders
    without anything else are therefore left out where size is a stratum, for there would be none
    with neither side among them, and every pair would seem to be shunned.
    The size is that of the rest of the order. Taking the whole order's would make any two items
    of a small order seem to shun each other.
    """
    import ibis
    import pandas as pd

    if strata:
        orders = orders.filter([orders[s].notnull() for s in strata])
    own = pd.DataFrame({"rule": range(len(rules))})
    own["a_size"] = [len(s) for s in rules["antecedents"]]
    own["b_size"] = [len(s) for s in rules["consequents"]]
    hits = sides.join(ibis.memtable(own), "rule").join(orders, "order_id")
    taken = hits.has_a * hits.a_size + hits.has_b * hits.b_size
    cell = {
        "both": hits.has_a * hits.has_b,
        "a_only": hits.has_a * (1 - hits.has_b),
        "b_only": (1 - hits.has_a) * hits.has_b,
    }
    band = (lambda n: band_of(n)) if by_size else (lambda n: (n * 0).cast("int64"))
    seen = hits.select("rule", *strata, band=band(hits.size - taken), neither=0 * taken, **cell)
    # An order with a side is not among those with neither, where its whole size would put it.
    gone = hits.select(
        "rule", *strata, band=band(hits.size), neither=-1 + 0 * taken,
        **dict.fromkeys(cell, 0 * taken),
    )  # fmt: skip
    parts = ibis.union(seen, gone.select(*seen.columns))
    summed = parts.group_by("rule", *strata, "band").agg(
        **{name: parts[name].sum() for name in ("both", "a_only", "b_only", "neither")}
    )
    everyone = orders.mutate(band=band(orders.size)).group_by(*strata, "band")
    everyone = everyone.agg(all_=lambda t: t.count())
    joined = summed.left_join(everyone, [*strata, "band"])
    if by_size:
        joined = joined.filter(joined.band > 0)
    return joined.select(
        "rule", *strata, "band", "both", "a_only", "b_only",
        neither=ibis.coalesce(joined.all_, 0) + joined.neither,
    )  # fmt: skip


def band_of(n: ibis.Value) -> ibis.Value:
    """Return the band that a number of items falls in."""
    import ibis

    cases = [(n <= end, i) for i, end in enumerate(BANDS)]
    return ibis.cases(*cases, else_=len(BANDS)).cast("int64")
