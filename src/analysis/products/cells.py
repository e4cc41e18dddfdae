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

#: Orders by which sides of a rule they hold.
CELLS = ("both", "a_only", "b_only", "neither")


def items_of(rules: pd.DataFrame) -> ibis.Table:
    """Return the items on either side of the rules, as a table of one column, item."""
    import ibis
    import pandas as pd

    items = sorted({item for n in ("antecedents", "consequents") for s in rules[n] for item in s})
    return ibis.memtable(pd.DataFrame({"item": pd.Series(items, dtype="str")}))


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
    ).astype({"rule": "int32", "side": "int8", "item": "str", "size": "int32"})  # fmt: skip
    whole = lines.select("order_id", "item").join(ibis.memtable(wanted), "item")
    if (wanted["size"] > 1).any():
        found = whole.group_by("rule", "side", "order_id", "size").agg(n=whole.count())
        whole = found.filter(found.n == found.size)
    held_sides = whole.group_by("rule", "order_id").agg(
        has_a=(whole.side == 0).cast("int8").max(), has_b=(whole.side == 1).cast("int8").max()
    )
    return held(held_sides)


def sizes(lines: ibis.Table, facts: ibis.Table | None = None) -> ibis.Table:
    """Return one row an order: order_id, size (items in it) and the columns of ``facts``."""
    counted = lines.group_by("order_id").agg(size=lines.count())
    if facts is None:
        return held(counted)
    joined = counted.join(facts, "order_id")
    return held(joined)


def hits(sides: ibis.Table, orders: ibis.Table, rules: pd.DataFrame) -> ibis.Table:
    """Return the orders with a side of a rule, cut by how many other items they hold.

    Parameters
    ----------
    sides
        From `side_orders`.
    orders
        From `sizes`.
    rules
        The rules, for how many items their sides have.

    Returns
    -------
    ibis.Table
        rule, the columns of ``orders`` but its size, both, a_only, b_only (0 or 1), band (of the
        items beside the rule's own) and whole_band (of all items).

    Notes
    -----
    The size is that of the rest of the order. Taking the whole order's would make any two items
    of a small order seem to shun each other.
    """
    import ibis
    import pandas as pd

    own = pd.DataFrame({"rule": range(len(rules))}, dtype="int32")
    own["a_size"] = [len(s) for s in rules["antecedents"]]
    own["b_size"] = [len(s) for s in rules["consequents"]]
    found = sides.join(ibis.memtable(own), "rule").join(orders, "order_id")
    taken = found.has_a * found.a_size + found.has_b * found.b_size
    facts = [name for name in orders.columns if name not in ("order_id", "size")]
    return held(
        found.select(
            "rule", *facts,
            both=found.has_a * found.has_b,
            a_only=found.has_a * (1 - found.has_b),
            b_only=(1 - found.has_a) * found.has_b,
            band=band_of(found.size - taken),
            whole_band=band_of(found.size),
        )
    )  # fmt: skip


def by_stratum(
    found: ibis.Table, orders: ibis.Table, strata: Sequence[str], *, by_size: bool = True
) -> ibis.Table:
    """Return the four cells of every rule in every stratum that knows one of its sides.

    Parameters
    ----------
    found
        From `hits`.
    orders
        From `sizes`: order_id, size and the columns ``strata``.
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
    """
    known = known_in(orders, strata)
    band = band_of(known.size) if by_size else (known.size * 0).cast("int8")
    everyone = known.group_by(*strata, band=band).agg(all_=known.count())
    summed = own_cells(known_in(found, strata), strata, by_size=by_size)
    return with_neither(summed, everyone, strata, by_size=by_size)


def known_in(rows: ibis.Table, strata: Sequence[str]) -> ibis.Table:
    """Return the rows that know all their strata."""
    return rows.filter([rows[s].notnull() for s in strata]) if strata else rows


def own_cells(found: ibis.Table, strata: Sequence[str], *, by_size: bool = True) -> ibis.Table:
    """Return the cells of orders with a side; ``neither`` takes these from all orders.

    An order with a side is not among those with neither, where its whole size would put it.
    """
    import ibis

    none = ibis.literal(0, "int64")
    seen = found.group_by("rule", *strata, band=found.band if by_size else found.band * 0).agg(
        **{name: found[name].sum() for name in CELLS[:3]}, neither=none
    )
    gone = found.whole_band if by_size else found.band * 0
    taken = found.group_by("rule", *strata, band=gone).agg(
        **dict.fromkeys(CELLS[:3], none), neither=-found.count()
    )
    parts = ibis.union(seen, taken.select(*seen.columns))
    sums = {name: parts[name].sum() for name in CELLS}
    return parts.group_by("rule", *strata, "band").agg(**sums)


def with_neither(
    summed: ibis.Table, everyone: ibis.Table, strata: Sequence[str], *, by_size: bool = True
) -> ibis.Table:
    """Return the cells with how many orders hold neither side.

    Parameters
    ----------
    summed
        From `own_cells`.
    everyone
        The strata, band, all_: all orders; with ``rule`` where the strata are a rule's own.
    strata, by_size
        As in `by_stratum`.
    """
    import ibis

    keys = [name for name in ("rule", *strata, "band") if name in everyone.columns]
    joined = summed.left_join(everyone, keys)
    if by_size:
        joined = joined.filter(joined.band > 0)
    neither = ibis.coalesce(joined.all_, 0) + joined.neither
    return joined.select("rule", *strata, "band", *CELLS[:3], neither=neither)


def band_of(n: ibis.Value) -> ibis.Value:
    """Return the band that a number of items falls in."""
    import ibis

    cases = [(n <= end, i) for i, end in enumerate(BANDS)]
    return ibis.cases(*cases, else_=len(BANDS)).cast("int8")
